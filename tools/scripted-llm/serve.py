#!/usr/bin/env python3
"""A stand-in for a language model, for the guide: it answers from a table.

It speaks as much of OpenAI's /v1/chat/completions as praetor needs, and plays a competent model for
the rules in school.json: it rates them, rewrites them, takes them apart and checks the result. Of
any other rule it says that it is not in the table. Nothing but Python's standard library is needed.

    tools/scripted-llm/serve.py [--port 8089] [--table FILE]

    praetor constitution compile school.yaml --model openai:scripted --base-url http://localhost:8089/v1
"""

import argparse
import json
import pathlib
import re
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MODEL = "scripted"


def line(prompt, beginning):
    """The rest of the last line that begins so; the examples in the prompts come first."""
    found = re.findall(rf"^{re.escape(beginning)}(.*)$", prompt, re.MULTILINE)
    return found[-1].strip() if found else ""


class Table:
    def __init__(self, path):
        table = json.loads(pathlib.Path(path).read_text(encoding="utf-8"))
        self.rules, self.objects = table["rules"], table["objects"]

    def find(self, text):
        """The rule that has this text as its own, as a wording of it, or rebuilt."""
        for rule in self.rules:
            if text in [rule["text"], rule["rebuilt"], *(w["text"] for w in rule["wordings"])]:
                return rule
        raise KeyError(text)

    def answer(self, prompt):
        """What is asked is known by words of the built-in prompts."""
        if "how objective a rule" in prompt:
            text = line(prompt, "Rule: ")
            rule = self.find(text)
            wording = next((w for w in rule["wordings"] if w["text"] == text), rule)
            return {"explanation": wording["explanation"], "rating": wording["rating"]}
        if "becomes more objective" in prompt:
            rule = self.find(line(prompt, "The rule as people wrote it: "))
            new = (w["text"] for w in rule["wordings"] if f"\n- {w['text']}\n" not in prompt)
            return {"rule": next(new)}
        if "list the preconditions" in prompt:
            return {"preconditions": self.find(line(prompt, "Rule: "))["preconditions"]}
        if "central objects" in prompt:
            statements = line(prompt, "Statement: ").split(" or ")
            return {"objects": [self.objects[statement] for statement in statements]}
        if "Write the rule that these lines stand for" in prompt:
            chain = [item.split(" OR ") for item in re.findall(r"^- (.*)$", prompt, re.MULTILINE)]
            return {"rule": next(r["rebuilt"] for r in self.rules if r["preconditions"] == chain)}
        if "Do they forbid the same images?" in prompt:
            one, other = line(prompt, "Rule A: "), line(prompt, "Rule B: ")
            same = self.find(one) is self.find(other)
            difference = [] if same else [one]
            explanation = "Both name the same things." if same else "They name different things."
            return {"explanation": explanation, "missing": difference, "added": [], "same": same}
        raise KeyError("a question")


class Handler(BaseHTTPRequestHandler):
    table = None

    def do_GET(self):
        self.reply(200, {"object": "list", "data": [{"id": MODEL, "object": "model"}]})

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        try:
            turns = json.loads(body)["messages"]
            prompt = next(turn["content"] for turn in turns if turn["role"] == "user")
            text = json.dumps(self.table.answer(prompt))
        except (ValueError, LookupError, TypeError, StopIteration):
            text = "That is not in my table: I only know the rules of the guide."
        message = {"role": "assistant", "content": text}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        self.reply(200, {"object": "chat.completion", "model": MODEL, "choices": [choice]})

    def reply(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


def main():
    beside = pathlib.Path(__file__).resolve().parent / "school.json"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=8089, help="0 takes any that is free")
    parser.add_argument("--table", default=beside, help="the answers")
    arguments = parser.parse_args()
    Handler.table = Table(arguments.table)
    server = ThreadingHTTPServer(("127.0.0.1", arguments.port), Handler)
    print(f"listening on http://localhost:{server.server_address[1]}/v1", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        sys.exit(0)


if __name__ == "__main__":
    main()
