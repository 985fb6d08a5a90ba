"""What tests and readers need beside the model: `parity.json` and the example images.

    python fixtures.py --work WORK --out models/demo

`parity.json` holds logits that `reference.py` computed from the exported files, so that
a test of llama.cpp compares with numbers that somebody else worked out. Examples show
what the model gets right: those in `REDRAWN` were laid out anew because it was wrong or
undecided on their first layout, and the examples' README says so.
"""

import argparse
import json
from pathlib import Path

import numpy as np
from PIL import Image

import art as art_sets
import text
import tokens
import world
from classes import INDEX
from reference import Model, open_image
from style import sprite

PLAIN, SPLIT, GRADIENT, LANDSCAPE, ROOM = 0, 1, 2, 3, 4
PARITY = (
    ("knife-child.png", "noto", ("child:0", "knife", "tree"), 1), ("beer.png", "twemoji", ("man", "beer"), 2),
    ("fire-dog.png", "emojione", ("dog", "fire", "house"), 3), ("apple.png", "fluent-emoji-flat", ("apple",), 4),
)
PARITY_ASKED = (
    "a knife", "A child is visible.", "one or more knives", "a firearm", "a weapon", "an animal", "blood", "fire",
    "a knife or a gun", "{beer} or {wine}", "a child and a knife", "a man next to a beer",
)
EXAMPLES = (
    ("park.png", "noto", ("child:0", "dog:0", "tree:0", "ball:0"), LANDSCAPE),
    ("child-and-knife.png", "twemoji", ("child:0", "knife:0", "apple:0"), ROOM),
    ("birthday.png", "fluent-emoji-flat", ("woman:0", "child:0", "cake"), ROOM),
    ("child-and-wine.png", "noto", ("child:1", "wine", "cake"), ROOM),
    ("street.png", "fluent-emoji", ("house:0", "tree:0", "car:0"), LANDSCAPE),
    ("two-beers.png", "twemoji", ("man:2", "beer:0", "woman:1"), ROOM),
    ("skull-and-blood.png", "noto-v1", ("skull:0", "blood"), SPLIT),
    ("dog-and-bomb.png", "fxemoji", ("dog:0", "bomb", "flower:1"), LANDSCAPE),
    ("garden.png", "emojione", ("apple:0", "flower:0", "tree:0"), LANDSCAPE),
    ("woman-by-the-fire.png", "emojione", ("woman:0", "fire", "tree:1"), LANDSCAPE),
    ("child-and-gun.png", "emojione", ("child:0", "gun", "house:0"), LANDSCAPE),
    ("smoker.png", "emojione", ("man:0", "cigarette"), ROOM),
    ("medicine.png", "emojione", ("syringe", "pill", "apple:0"), PLAIN),
    ("beer-and-child.png", "emojione", ("child:0", "beer:0", "cigarette"), ROOM),
    ("crossed-swords.png", "emojione", ("crossed swords", "house"), LANDSCAPE),
    ("family.png", "emojione", ("man:0", "woman:0", "child:0", "dog:0"), LANDSCAPE),
)
# Layouts that replace a first one which the model got wrong or left undecided: name, seed.
REDRAWN = {"park.png": 7100, "two-beers.png": 7103, "garden.png": 7101, "woman-by-the-fire.png": 7100, "smoker.png": 7100, "family.png": 7102}


def laid_out(art, art_set: str, names, side: int, kind: int, seed: int) -> world.Scene:
    """The named things in one art set, all of them, apart from each other; `man:1` names a drawing."""
    for attempt in range(4000):
        rng = np.random.default_rng([seed, attempt])
        items = []
        for name in names:
            name, _, variant = name.partition(":")
            pictures = art[art_set][INDEX[name]]
            picture = pictures[int(variant) if variant else rng.integers(len(pictures))]
            size = int(rng.integers(44, 56) * side / 128)
            items.append((INDEX[name], art_set, sprite(picture, INDEX[name], False, size, rng, plain=True)))
        scene = world.compose(world.background(rng, side, kind), items, rng)
        if len(scene.objects) == len(names) and not any(touch(a, b) for a in scene.objects for b in scene.objects if a is not b):
            return scene
    raise RuntimeError(f"no room for {names}")


def touch(a: world.Placed, b: world.Placed) -> bool:
    return a.x < b.x + b.w and b.x < a.x + a.w and a.y < b.y + b.h and b.y < a.y + a.h


def examples(art, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["# Example images", "", "Composed by `tools/demo-model/fixtures.py`; licences of the art in `../LICENSES.md`.",
             "emojione was never trained on. These pictures show what the model gets right: on the first layouts of",
             ", ".join(f"`{name}`" for name in REDRAWN) + " it was wrong or undecided (a black",
             "cat taken for a bomb, a bald man or a ball for a skull, a man by a fire not seen, a man and a woman",
             "perhaps for a child), and they were laid out anew. The model card has the error rates.", "",
             "`labels.jsonl` is what a person says of them, written by hand: `praetor eval models/demo/examples`.", "", "| image | art set | what is in it, from left to right |", "| --- | --- | --- |"]
    for seed, (name, art_set, things, kind) in enumerate(EXAMPLES):
        scene = laid_out(art, art_set, things, 256, kind, REDRAWN.get(name, 7000 + seed))
        Image.fromarray(scene.image).save(folder / name, optimize=True)
        lines.append(f"| `{name}` | {art_set}{' (unseen)' if art_set == 'emojione' else ''} | {text.caption([o.cls for o in scene.objects])} |")
    (folder / "README.md").write_text("\n".join(lines) + "\n")


def spellings(model: Model, word: str) -> list[int]:
    """Every token that says `word`: in any case, with or without one space before it."""
    vocab = range(model.tokenizer.get_vocab_size())
    return [i for i in vocab if model.tokenizer.decode([i]).removeprefix(" ").lower() == word]


def parity(art, model: Model, folder: Path) -> None:
    (folder / "parity").mkdir(parents=True, exist_ok=True)
    out, ids = [], {w: spellings(model, w) for w in ("yes", "no")}
    for name, art_set, things, seed in PARITY:
        path = folder / "parity" / name
        Image.fromarray(laid_out(art, art_set, things, 128, LANDSCAPE, seed).image).save(path, optimize=True)
        features = model.encode(open_image(path)[None])
        for statement in PARITY_ASKED:
            question = model.tokenizer.encode(f"{text.VISIBLE} {statement}").ids
            row = dict(image=f"parity/{name}", statement=statement)
            without = [tokens.USER, *question, tokens.END, tokens.MODEL]
            for key, seen, prompt in (("with_image", features, model.image_prompt(question)), ("without_image", None, without)):
                logits = model.logits(seen, prompt, 64)
                log = logits - np.logaddexp.reduce(logits.astype(np.float64))
                yes, no = (float(np.logaddexp.reduce(log[ids[w]])) for w in ("yes", "no"))
                row[key] = dict(ln_yes=round(yes, 5), ln_no=round(no, 5), m=round(1 / (1 + np.exp(no - yes)), 6))
            out.append(row | dict(prompt_tokens=without))
    head = dict(made_by="tools/demo-model/fixtures.py from the exported files, in float32 JAX", question=text.VISIBLE + " {statement}", token_ids=ids,
                note="ln_yes and ln_no: log of the probability, over the whole vocabulary, of all spellings in token_ids; m = P(yes)/(P(yes)+P(no)); prompt_tokens are those without the image")
    (folder / "parity.json").write_text(json.dumps(head | dict(answers=out), indent=1) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    art = art_sets.load(None, args.work / "art.pkl")
    examples(art, args.out / "examples")
    parity(art, Model(args.out), args.out)


if __name__ == "__main__":
    main()
