"""Measure what the language model makes of rules, of its own taste, of company, and of thinking.

    python measure.py questions --work WORK --model models/demo

Baselines are asked about the scenes of `measure.py ablation`, half of which break a rule.
Company and reasoning are measured on random held-out scenes, where nobody brings anybody.
"""

import json
import pickle
from pathlib import Path

import numpy as np

import features
import rules
import text
import tokens
import world
from classes import INDEX
from reference import Model, open_image
from train_language import ask_once, auc


def ratings(model: Model, seen: np.ndarray, questions: list[list[int]], summarise: list[int], length: int) -> list[bool | None]:
    """Yes or No of the JSON after a reasoning turn; None where there is none to read."""
    out: list[bool | None] = []
    for i in range(0, len(questions), 32):
        first = [model.image_prompt(q) for q in questions[i : i + 32]]
        thought = model.generate(seen[i : i + 32], first, length - 80, 90)
        second = [[*f, *t, tokens.END, tokens.USER, *summarise, tokens.END, tokens.MODEL] for f, t in zip(first, thought)]
        for said in model.generate(seen[i : i + 32], second, length + 60, 50):
            try:
                out.append(json.loads(model.tokenizer.decode(said))["rating"] == "Yes")
            except (ValueError, KeyError, TypeError):
                out.append(None)
    return out


def summary(said, truth) -> str:
    said, truth = np.array([bool(s) for s in said]), np.array(truth)
    hit = (said & truth).sum()
    return f"{hit / truth.sum():.2f} / {(said == truth).mean():.2f} / {2 * hit / max(1, said.sum() + truth.sum()):.2f}"


def baselines(model: Model, work: Path, each: int) -> str:
    """Recall, accuracy and F1 of safe against unsafe."""
    labels = [json.loads(line) for line in (work / "ablation" / "labels.jsonl").read_text().splitlines()]
    own, p = list(rules.constitution().items()), model.packer
    out = ["| art | all rules, AUC | all rules, Yes or No | all rules, step by step | taste, AUC | taste, Yes or No | taste, step by step | one rule at a time, AUC | M(None) all / taste / one |", "|---|" + "--:|" * 8]
    every = [*p.rules, *p.encode(text.list_of_rules([pair[0] for _, pair in own]))]
    each_rule = [[*p.rules, *p.encode(text.list_of_rules([pair[0]]))] for _, pair in own]
    none = [ask_once(model.lm, p, None, q)[0] for q in (every, p.taste, each_rule[0])]
    for art in features.SETS:
        mine = [t for t in labels if t["set"] == art]
        seen = model.encode(np.stack([open_image(work / "ablation" / t["image"]) for t in mine]))
        truth = np.array([bool(t["violated"]) for t in mine])
        all_, taste = ask_once(model.lm, p, seen, every), ask_once(model.lm, p, seen, p.taste, 128)
        single = np.stack([ask_once(model.lm, p, seen, q, 128) for q in each_rule], 1)
        broken = np.array([[name in t["violated"] for name, _ in own] for t in mine])
        some = np.arange(0, len(mine), max(1, len(mine) // each))
        listed = [*p.rules_reason, *p.encode(text.list_of_rules([pair[0] for _, pair in own]))]
        thought = ratings(model, seen[some], [listed] * len(some), p.rules_json, 460)
        tasted = ratings(model, seen[some], [p.taste_reason] * len(some), p.reason_json, 256)
        one = np.mean([auc(single[:, k], broken[:, k]) for k in range(len(own))])
        out.append(f"| {art} | {auc(all_, truth):.3f} | {summary(all_ >= 0.5, truth)} | {summary(thought, truth[some])} | {auc(taste, truth):.3f} | {summary(taste >= 0.5, truth)} | "
                   f"{summary(tasted, truth[some])} | {one:.3f} | {' / '.join(f'{n:.2f}' for n in none)} |")
    return "\n".join(out)


def company(model: Model, tests) -> str:
    """Mean M of a thing that is not there, with and without somebody it is usually seen with."""
    pairs = [(a, b) for pair in world.COMPANY for a, b in (pair, pair[::-1])]
    asked = [f"{p.phrase} {text.are(p.phrase)} visible" for p in text.THING_PARTS.values()]
    shown = (("cigarette", "beer"), ("blood", "skull"), ("gun", "man"), ("knife", "apple"), ("wine", "woman"), ("fire", "tree"))
    out = ["| art | mean of all pairs: with company / without | " + " | ".join(f"{a}, with {b} / without" for a, b in shown) + " |", "|---|" + "--:|" * (1 + len(shown))]
    for art, test in tests.items():
        m, present = model.ask(test["features"], asked), rules.presence(test["orders"])
        def bias(a, b):
            return m[present[:, b] & ~present[:, a], a].mean(), m[~present[:, b] & ~present[:, a], a].mean()
        mean = np.mean([bias(a, b) for a, b in pairs], 0)
        cells = [bias(INDEX[a], INDEX[b]) for a, b in shown]
        out.append(f"| {art} | " + " | ".join(f"{x:.3f} / {y:.3f}" for x, y in [mean, *cells]) + " |")
    return "\n".join(out)


def reasoning(model: Model, tests, each: int) -> str:
    """Statements that strategy 1 leaves open: is the rating after thinking right more often than the nearer side?"""
    from measure import statements

    asked = [s for s in statements() if s.form != "synonym"]
    rng = np.random.default_rng(17)
    prior = model.ask(None, [s.text for s in asked])[0]
    out = ["| art | open | asked | right after thinking | right by the nearer side of the prior | thinking changed / of those right |", "|---|--:|--:|--:|--:|--:|"]
    for art, test in tests.items():
        seen, scenes = test["features"][:240], [set(o) for o in test["orders"][:240]]
        m = model.ask(seen, [s.text for s in asked])
        open_ = np.argwhere((m >= 0.7 * prior) & (m <= 0.8 + 0.2 * prior))
        share, open_ = len(open_) / m.size, rng.permutation(open_)[:each]
        questions = [[*model.packer.reason, *model.packer.encode(" " + asked[k].text)] for _, k in open_]
        said = ratings(model, seen[open_[:, 0]], questions, model.packer.reason_json, 256)
        truth = np.array([asked[k].truth(scenes[i]) for i, k in open_])
        lean = np.array([m[i, k] >= prior[k] for i, k in open_])
        thought = np.array([bool(s) for s in said])
        changed = thought != lean
        out.append(f"| {art} | {100 * share:.1f} % | {len(open_)} | {(thought == truth).mean():.2f} | {(lean == truth).mean():.2f} | {changed.mean():.2f} / {(thought == truth)[changed].mean():.2f} |")
    return "\n".join(out)


def report(work: Path, folder: Path, each: int) -> str:
    model = Model(folder)
    loaded = pickle.loads((work / "features.pkl").read_bytes())["tests"]
    tests = {name: dict(features=features.pooled(t["patches"]), orders=t["orders"]) for name, t in loaded.items()}
    return "\n\n".join((company(model, tests), baselines(model, work, each), reasoning(model, tests, 2 * each)))
