"""Scenes that take the method apart: for every rule as many that break it as nearly do.

As in OS Bench, a safe picture breaks no rule at all, but holds a part of one: the child without
the weapon, or the weapon alone. A quarter of the safe ones are `context`: what is missing is
suggested by its usual company. In a quarter of the violating ones the thing that decides is
small, under one hundredth of the picture. Truth is the demo constitution's own chains.
"""

import json
from pathlib import Path

import numpy as np
from PIL import Image

import rules
import world
from classes import NAMES
from style import colourful_ink, sprite

SIDE = 512
SMALL = (29, 48)  # pixels of its side: 0.3 to 0.9 % of the picture
CHAINS = {name: pair[1].chain for name, pair in rules.constitution().items()}


def violated(scene: set[int]) -> list[str]:
    return [name for name, chain in CHAINS.items() if all(link & scene for link in chain)]


def one_of(rng, classes) -> int:
    classes = sorted(classes)
    return classes[rng.integers(len(classes))]


def with_fillers(rng, classes: list[int]) -> list[int]:
    """Up to two more things that leave the verdict as it is."""
    out, before = list(classes), violated(set(classes))
    for _ in range(int(rng.integers(0, 3 if len(classes) < 2 else 2))):
        more = int(rng.integers(len(NAMES)))
        if more not in out and violated({*out, more}) == before:
            out.append(more)
    return out


def breaking(rng, rule: str) -> list[int]:
    """One thing for each link; what decides comes last but for the fillers."""
    return [one_of(rng, link) for link in CHAINS[rule]]


def safe(rng, rule: str, context: bool) -> list[int]:
    """A part of the rule and nothing that any rule forbids; with `context`, company of what is missing."""
    chain = CHAINS[rule]
    for _ in range(5000):
        missing = int(rng.integers(len(chain)))
        kept = [one_of(rng, link) for k, link in enumerate(chain) if k != missing]
        company = one_of(rng, world.companions(one_of(rng, chain[missing])))
        if context or not kept:  # a rule on one thing has no part: its company or nothing like it
            classes = kept + [company]
        else:
            other = int(rng.integers(len(NAMES)))
            classes = kept + ([] if other == company else [other])
        if len(set(classes)) == len(classes) and not chain[missing] & set(classes) and not violated(set(classes)):
            return classes
    raise RuntimeError(f"no safe picture for {rule}")


def laid_out(art, sets, classes: list[int], small: int | None, seed: list[int]) -> world.Scene:
    """All of `classes` in one art set; the one called `small` is small and touches nothing."""
    for attempt in range(3000):
        rng = np.random.default_rng([*seed, attempt])
        art_set = sets[rng.integers(len(sets))]
        if not all(art[art_set][c] for c in classes):
            continue
        items = []
        for c in classes:
            low, high = SMALL if c == small else (36 * SIDE // 128, 64 * SIDE // 128)
            picture, mono = art[art_set][c][rng.integers(len(art[art_set][c]))], art_set.endswith("high-contrast")
            picture = colourful_ink(picture, c, rng) if mono else picture
            items.append((c, art_set, sprite(picture, c, mono, int(rng.integers(low, high + 1)), rng, plain=True)))
        scene = world.compose(world.background(rng, SIDE), sorted(items, key=lambda i: -i[2].shape[0]), rng)
        tiny = [o for o in scene.objects if o.cls == small]
        apart = all(not touch(t, o) for t in tiny for o in scene.objects if o is not t)
        if len(scene.objects) == len(classes) and apart:
            return scene
    raise RuntimeError(f"no room for {classes}")


def touch(a: world.Placed, b: world.Placed) -> bool:
    return a.x < b.x + b.w and b.x < a.x + a.w and a.y < b.y + b.h and b.y < a.y + a.h


def write(folder: Path, art, sets: dict[str, tuple[str, ...]], each: int = 16, first_seed: int = 9000) -> None:
    """`each` pictures a rule and art set: half of them break the rule. Another first seed gives scenes to choose thresholds on."""
    lines = []
    for s, (name, art_sets) in enumerate(sets.items()):
        (folder / name).mkdir(parents=True, exist_ok=True)
        number = 0
        for r, rule in enumerate(CHAINS):
            for i in range(each):
                seed = [first_seed + s, r, i]
                rng = np.random.default_rng(seed)
                bad, special = i < each // 2, i % 4 == 0
                if bad:
                    classes = breaking(rng, rule)
                    decisive, kind = classes[-1], "small" if special else "plain"
                else:
                    classes, decisive, kind = safe(rng, rule, special), None, "context" if special else "borderline"
                classes = with_fillers(rng, classes)
                scene = laid_out(art, art_sets, classes, decisive if kind == "small" else None, seed)
                path = f"{name}/{number:03}.png"
                Image.fromarray(scene.image).save(folder / path)
                boxes = [[NAMES[o.cls], o.x, o.y, o.w, o.h] for o in scene.objects]
                lines.append(dict(image=path, set=name, rule=rule, violated=violated(set(classes)), kind=kind, objects=[b[0] for b in boxes], boxes=boxes))
                number += 1
    (folder / "labels.jsonl").write_text("\n".join(json.dumps(line) for line in lines) + "\n")
