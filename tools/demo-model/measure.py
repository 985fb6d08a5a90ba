"""Measure a model on scenes it never saw. Writing, answering and scoring are apart.

    python measure.py scenes --work WORK                     # PNGs, truth.json, constitution.yaml
    python measure.py answer --work WORK --model models/demo # answers.jsonl from the JAX reference
    python measure.py score  --work WORK [--answers FILE]    # the tables of the model card
    python measure.py talk   --work WORK --model models/demo # captions, and reason -> JSON
    python measure.py questions --work WORK --model models/demo # baselines, company, what thinking is worth
    python measure.py relevance --work WORK --model models/demo # rules kept and cut by the encoder
    python measure.py patches --work WORK --model models/demo   # things found by the encoder
    python measure.py ablation --work WORK [--each 16]       # PNGs and labels.jsonl, `each` a rule and art set

`answers.jsonl` holds one line an answer: {"image", "statement", "m", "prior"}. `score` takes
praetor's own trace as well, and so measures llama.cpp end to end:

    praetor judge WORK/measure --trace --format jsonl -c WORK/measure/constitution.yaml > trace.jsonl
    python measure.py score --work WORK --answers trace.jsonl
"""

import argparse
import json
from pathlib import Path

import numpy as np
from PIL import Image

import ablation
import art as art_sets
import measure_encoder
import measure_questions
import text
import tokens
import world
from classes import INDEX, NAMES, POLICY
from train_language import auc

SETS = {"trained": art_sets.TRAINED, "emojione": (art_sets.NEAR_UNSEEN,), "openmoji": (art_sets.FAR_UNSEEN,)}
PAIRS = (("child", "knife"), ("child", "gun"), ("child", "beer"), ("child", "wine"), ("child", "cigarette"), ("man", "fire"),
         ("dog", "knife"), ("cat", "fire"), ("woman", "wine"), ("child", "pill"), ("skull", "blood"), ("man", "syringe"))
KINDS = (("child", "alcohol"), ("child", "weapon"), ("person", "fire"), ("animal", "weapon"), ("child", "drug"), ("adult", "alcohol"))
ORS = (("knife", "gun"), ("beer", "wine"), ("blood", "skull"), ("syringe", "pill"), ("bomb", "fire"), ("dog", "cat"), ("man", "woman"),
       ("cigarette", "beer"), ("weapon", "fire"), ("animal", "person"), ("car", "house"), ("knife", "gun", "bomb"))


def statements() -> list[text.Statement]:
    out = [text.Statement(p.phrase + end, (p,), False, "single") for p in text.THING_PARTS.values() for end in ("", f" {text.are(p.phrase)} visible")]
    out += [text.Statement(p.phrase, (p,), False, "hypernym") for p in text.KIND_PARTS.values()]
    for name, words in text.SYNONYMS.items():
        if name in INDEX:
            part = text.PARTS[name]
            out += [text.Statement(w if w in text.MASS_SYNONYMS else text.article(w), (part,), False, "synonym") for w in words]
    for names in PAIRS + KINDS:
        parts = tuple(text.PARTS[n] for n in names)
        out.append(text.Statement(" and ".join(p.phrase for p in parts), parts, True, "pair"))
    for names in ORS:
        parts = tuple(text.PARTS[n] for n in names)
        for end in ("", "is visible"):  # the second is how praetor joins `any_of`
            said = " or ".join(f"{p.phrase} {text.are(p.phrase) + ' visible' if end else ''}".strip() for p in parts)
            out.append(text.Statement(said, parts, False, "or"))
    return out


def write_scenes(folder: Path, art, each: int) -> None:
    """Half of the scenes at random, half around one of the pairs, so that each has positives."""
    truth = []
    for seed, (name, sets) in enumerate(SETS.items()):
        (folder / name).mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(500 + seed)
        for i in range(each):
            classes = None
            if i % 2:
                pair = [INDEX[c] for c in PAIRS[(i // 2) % len(PAIRS)]]
                more = [c for c in rng.permutation(len(NAMES)) if c not in pair][: int(rng.integers(0, 2))]
                classes = pair + more
            scene = world.plain_scene(art, sets, rng, 256, int(rng.integers(1, 5)), classes)
            path = f"{name}/{i:03}.png"
            Image.fromarray(scene.image).save(folder / path)
            truth.append(dict(image=path, set=name, objects=[NAMES[o.cls] for o in scene.objects]))
    (folder / "truth.json").write_text(json.dumps(truth, indent=1))
    write_constitution(folder)


def write_constitution(folder: Path) -> None:
    """One rule a statement with its lock, so that praetor asks exactly these."""
    from blake3 import blake3

    rules, locked = ["name: measure", "rules:"], ["version: 1", "constitution: measure", "rules:"]
    for k, s in enumerate(statements()):
        rule = f"Do not show this: {s.text}."
        rules += [f"  - id: s{k:03}", f"    text: {json.dumps(rule)}"]
        locked += [f"  - id: s{k:03}", f"    source: {blake3(rule.encode()).hexdigest()[:32]}", "    objectiveness: 10", f"    objective_text: {json.dumps(rule)}",
                   "    reviewed: true", "    preconditions:", f"      - statement: {json.dumps(s.text)}", f"        objects: {json.dumps([p.name for p in s.parts])}"]
    (folder / "constitution.yaml").write_text("\n".join(rules) + "\n")
    (folder / "constitution.lock.yaml").write_text("\n".join(locked) + "\n")


def from_trace(lines) -> list[dict]:
    """Answers out of `praetor judge --trace --format jsonl`."""
    out = []
    for line in lines:
        verdict = json.loads(line)
        image = "/".join(Path(verdict["image"]).parts[-2:])
        for rule in verdict["rules"]:
            out += [dict(image=image, statement=f["precondition"], m=f["m"], prior=f["prior"]) for f in rule.get("findings", []) if f.get("m") is not None]
    return out


def answer(folder: Path, model) -> None:
    from reference import open_image

    truth = json.loads((folder / "truth.json").read_text())
    asked = [s.text for s in statements()]
    features = model.encode(np.stack([open_image(folder / t["image"]) for t in truth]))
    m, prior = model.ask(features, asked), model.ask(None, asked)[0]
    with open(folder / "answers.jsonl", "w") as out:
        for t, row in zip(truth, m):
            for s, value, p in zip(asked, row, prior):
                print(json.dumps(dict(image=t["image"], statement=s, m=round(float(value), 6), prior=round(float(p), 6))), file=out)


def rates(said: np.ndarray, truth: np.ndarray) -> tuple[float, float, float]:
    """Balanced accuracy, F1, share of Yes."""
    tp, fp = (said & truth).sum(), (said & ~truth).sum()
    fn, tn = (~said & truth).sum(), (~said & ~truth).sum()
    return (tp / max(tp + fn, 1) + tn / max(tn + fp, 1)) / 2, 2 * tp / max(2 * tp + fp + fn, 1), said.mean()


def score(folder: Path, answers: Path) -> str:
    truth = {t["image"]: t for t in json.loads((folder / "truth.json").read_text())}
    known = {s.text: s for s in statements()}
    rows: dict[tuple[str, str], list] = {}
    lines = answers.read_text().splitlines()
    for a in from_trace(lines) if "rules" in json.loads(lines[0]) else map(json.loads, lines):
        t, s = truth[a["image"]], known[a["statement"]]
        rows.setdefault((t["set"], s.text), []).append((a["m"], a["prior"], s.truth({INDEX[o] for o in t["objects"]})))
    logit = lambda p: np.log(np.clip(p, 1e-6, 1 - 1e-6) / (1 - np.clip(p, 1e-6, 1 - 1e-6)))
    out = ["| art | form | statements | AUC | bal. acc. M>=0.5 | bal. acc. debiased | F1 M>=0.5 | F1 strategy 1 + debiased | undecided |", "|---|---|--:|--:|--:|--:|--:|--:|--:|"]
    by_class = ["", "| class | " + " | ".join(f"{s} AUC / bal. acc." for s in SETS) + " | prior |", "|---|" + "--:|" * (len(SETS) + 1)]
    cells: dict[str, dict[str, str]] = {}
    for name in SETS:
        groups = [("policy objects", lambda s: s.form == "single" and s.parts[0].name in POLICY)] + [(f, lambda s, f=f: s.form == f) for f in text.FORMS]
        groups += [("skewed prior", lambda s: s.form in ("single", "synonym", "hypernym") and s.prior != 0.5)]
        for group, keep in groups:
            mine = [k for (set_, k) in rows if set_ == name and keep(known[k])]
            each, pooled = [], []
            for k in mine:
                m, p, t = map(np.array, zip(*rows[name, k]))
                if t.sum() == 0 or t.all():
                    continue
                debiased = logit(m) - logit(p) >= 0
                yes, no = m > 0.8 + 0.2 * p, m < 0.7 * p
                settled = yes | (~no & debiased)
                each.append((auc(m, t), rates(m >= 0.5, t)[0], rates(debiased, t)[0]))
                pooled.append(np.stack([m >= 0.5, settled, ~(yes | no), t]))
                if group == "single" and k == known[k].parts[0].phrase:
                    cells.setdefault(known[k].parts[0].name, {})[name] = f"{each[-1][0]:.3f} / {each[-1][2]:.2f}"
                    cells[known[k].parts[0].name]["prior"] = f"{p[0]:.2f}"
            if each:
                a = np.concatenate(pooled, 1)
                mean = np.nanmean(each, 0)
                out.append(f"| {name} | {group} | {len(each)} | {mean[0]:.3f} | {mean[1]:.3f} | {mean[2]:.3f} | {rates(a[0], a[3])[1]:.3f} | {rates(a[1], a[3])[1]:.3f} | {100 * a[2].mean():.1f} % |")
    by_class += [f"| {c} | " + " | ".join(v.get(s, "-") for s in SETS) + f" | {v['prior']} |" for c, v in cells.items()]
    return "\n".join(out + by_class)


def talk(folder: Path, model, each: int) -> str:
    from reference import open_image

    truth = json.loads((folder / "truth.json").read_text())
    decode = lambda ids: model.tokenizer.decode(ids)
    out = ["| art | caption precision | caption recall | exact | JSON parses | agrees with truth | agrees with its own reasoning |", "|---|--:|--:|--:|--:|--:|--:|"]
    rng = np.random.default_rng(9)
    for name in SETS:
        mine = [t for t in truth if t["set"] == name][:each]
        features = model.encode(np.stack([open_image(folder / t["image"]) for t in mine]))
        said = [decode(x) for x in model.generate(features, [model.image_prompt(model.packer.captions[0])] * len(mine), 64, 34)]
        named = [sorted({n for n in NAMES if f" {n}" in " " + s.replace(",", "")}) for s in said]
        hit = sum(len(set(a) & set(t["objects"])) for a, t in zip(named, mine))
        precision, recall = hit / max(1, sum(map(len, named))), hit / sum(len(t["objects"]) for t in mine)
        exact = np.mean([s == text.caption([INDEX[o] for o in t["objects"]]) for s, t in zip(said, mine)])
        asked = []
        for t in mine:  # half of the questions true
            scene = {INDEX[o] for o in t["objects"]}
            want = rng.random() < 0.5
            pool = [s for s in statements() if s.truth(scene) == want]
            asked.append(pool[rng.integers(len(pool))])
        first = [model.image_prompt([*model.packer.reason, *model.tokenizer.encode(" " + s.text).ids]) for s in asked]
        thought = model.generate(features, first, 256, 80)

        second = [[*f, *x, tokens.END, tokens.USER, *model.packer.reason_json, tokens.END, tokens.MODEL] for f, x in zip(first, thought)]
        parsed = right = same = 0
        for s, t, x, j in zip(asked, mine, thought, model.generate(features, second, 256, 50)):
            try:
                rating = json.loads(decode(j))["rating"]
            except (ValueError, KeyError, TypeError):
                continue
            parsed += 1
            right += (rating == "Yes") == s.truth({INDEX[o] for o in t["objects"]})
            same += (rating == "Yes") == ("is visible" in decode(x).rsplit(".", 2)[-2])
        n = len(mine)
        out.append(f"| {name} | {precision:.2f} | {recall:.2f} | {exact:.2f} | {parsed / n:.2f} | {right / n:.2f} | {same / n:.2f} |")
    return "\n".join(out)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("scenes", "answer", "score", "talk", "ablation", "questions", "relevance", "patches"))
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--model", type=Path, default=Path("models/demo"))
    parser.add_argument("--answers", type=Path)
    parser.add_argument("--each", type=int, default=0, help="scenes an art set; for `ablation`, scenes a rule and art set")
    args = parser.parse_args()
    folder = args.work / "measure"
    if args.what == "scenes":
        write_scenes(folder, art_sets.load(None, args.work / "art.pkl"), args.each or 160)
    elif args.what == "ablation":
        art = art_sets.load(None, args.work / "art.pkl")
        ablation.write(args.work / "ablation", art, SETS, args.each or 16)
        # Thresholds are chosen on these and measured on those.
        ablation.write(args.work / "validation", art, SETS, args.each or 8, first_seed=7000)
    elif args.what == "questions":
        print(measure_questions.report(args.work, args.model, args.each or 56))
    elif args.what == "relevance":
        print(measure_encoder.relevance(args.work, args.model / "encoder"))
    elif args.what == "patches":
        print(measure_encoder.patches(args.work, args.model / "encoder", args.each or 56))
    elif args.what == "score":
        print(score(folder, args.answers or folder / "answers.jsonl"))
    else:
        from reference import Model

        model = Model(args.model)
        if args.what == "answer":
            answer(folder, model)
        else:
            print(talk(folder, model, args.each or 48))


if __name__ == "__main__":
    main()
