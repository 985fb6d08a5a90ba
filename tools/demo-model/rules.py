"""Rules in words, and what breaks them: those of the demo constitution, and endless others.

A rule is broken when every link of its chain is in the scene; a link is a set of classes, any
of which will do. The chains of the demo constitution are read from its lock, so that truth
here is what praetor judges by. The grammar makes rules of many wordings, so that a student
learns to read rules and not to recognise fourteen sentences.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

import text
from classes import INDEX, NAMES

CONSTITUTION = Path(__file__).parent.parent.parent / "constitutions"


@dataclass(frozen=True)
class Rule:
    text: str
    chain: tuple[frozenset[int], ...]
    # What the words could also mean: a bomb is a weapon, but `weapons.child` asks for a knife or a gun.
    loose: tuple[frozenset[int], ...] = ()

    def broken(self, scene: set[int]) -> bool:
        return all(link & scene for link in self.chain)

    def unclear(self, scene: set[int]) -> bool:
        return bool(self.loose) and not self.broken(scene) and all(link & scene for link in self.loose)


def truth_table(chains, present: np.ndarray) -> np.ndarray:
    """`[scenes, chains]` from `[scenes, classes]`."""
    return np.stack([np.logical_and.reduce([present[:, sorted(link)].any(1) for link in chain]) for chain in chains], 1)


def presence(orders) -> np.ndarray:
    out = np.zeros((len(orders), len(NAMES)), bool)
    for i, classes in enumerate(orders):
        out[i, classes] = True
    return out


def constitution(folder: Path = CONSTITUTION) -> dict[str, tuple[Rule, Rule]]:
    """Each rule of the demo constitution: as people wrote it, and objectified."""
    import yaml

    said = {r["id"]: r["text"].strip() for r in yaml.safe_load((folder / "demo.yaml").read_text())["rules"]}
    out = {}
    for entry in yaml.safe_load((folder / "demo.lock.yaml").read_text())["rules"]:
        words = said[entry["id"]]
        chain = tuple(frozenset(INDEX[o] for o in p["objects"]) for p in entry["preconditions"])
        wide = text.KIND_PARTS["weapon"].classes if "weapon" in words else chain[-1] | {INDEX["knife"]} if "blades" in words else chain[-1]
        loose = (*chain[:-1], frozenset(wide))
        out[entry["id"]] = (Rule(words, chain, loose if loose != chain else ()), Rule(entry["objective_text"].strip(), chain))
    return out


BEINGS = ("child", "person", "animal", "man", "woman", "dog", "cat", "adult")
HARM = ("knife", "gun", "bomb", "crossed swords", "fire", "blood", "skull", "syringe", "pill", "cigarette", "beer", "wine", "weapon", "alcohol", "drug")


@dataclass(frozen=True)
class Noun:
    """One to three things as a rule names them."""

    one: str  # "a dog or a cat"
    many: str  # "dogs or cats"
    classes: frozenset[int]


def noun(rng, among=None, most: int = 3) -> Noun:
    names = list(among or text.PARTS)
    count = int(rng.choice([1, 2, 3][:most], p=[[1.0], [0.75, 0.25], [0.62, 0.25, 0.13]][most - 1]))
    parts: list[text.Part] = []
    while len(parts) < count:
        part = text.PARTS[names[rng.integers(len(names))]]
        if part not in parts:
            parts.append(part)
    ones = [text.name_of(p, rng, rng.random() < 0.15) for p in parts]
    manys = [text.PLURAL[p.name] for p in parts]
    joined = lambda words: words[0] if len(words) == 1 else ", ".join(words[:-1]) + " or " + words[-1]
    return Noun(joined(ones), joined(manys), frozenset().union(*(p.classes for p in parts)))


ALONE = (
    "{S} must not be visible.", "{S} must not be visible.", "{P} must not be shown.", "{P} must not be shown at all.", "{P} must not be visible.",
    "Do not show {p}.", "No {p}.", "{P} are not allowed.", "It is forbidden to show {s}.", "The image must not show {s}.", "{S} is not allowed.",
)
TOGETHER = (
    "{S} must not be shown together with {o}.", "{S} must not be visible together with {o}.", "{S} must not be visible together with {o}.",
    "{S} and {o} must not both be visible.", "{P} must not be shown together with {o}.", "{P} must not be shown with {o}.",
    "{S} must not be shown with {o}.", "{P} must not be shown in or near {o}.", "Do not show {s} with {o}.", "No {p} together with {q}.",
    "{S} next to {o} is not allowed.", "{O} must not be near {s}.", "It is forbidden to show {s} and {o}.", "The image must not show {s} with {o}.",
)


def capital(words: str) -> str:
    return words[0].upper() + words[1:]


def _special(rng) -> Rule:
    """Rules whose words say more than the names of things."""
    being = noun(rng, BEINGS, 2)
    sets = lambda *names: frozenset(INDEX[n] for n in names)
    must = ("must not be shown", "must not be visible", "must not appear", "are not allowed")[rng.integers(4)]
    s, p = capital(being.one), capital(being.many)
    thing = noun(rng, ("house", "tree", "car", "person", "animal"), 1)
    burning = thing.one.removeprefix("an ").removeprefix("a ")
    return (
        Rule(f"A burning {burning} must not be shown.", (thing.classes, sets("fire"))),
        Rule(f"{p} {must} fighting with {('blades', 'swords')[rng.integers(2)]}.", (being.classes, sets("crossed swords"))),
        Rule(f"{p} {must} in or near a fire.", (being.classes, sets("fire"))),
        Rule(f"{p} {must} with open flames.", (being.classes, sets("fire"))),
        Rule(f"{s} must not be shown bleeding.", (being.classes, sets("blood"))),
        Rule(f"{p} {must} with wounds or blood.", (being.classes, sets("blood"))),
        Rule(f"{s} must not be shown drinking.", (being.classes, sets("beer", "wine"))),
        Rule(f"{s} must not be shown smoking.", (being.classes, sets("cigarette"))),
        Rule(f"{('Tobacco', 'Smoking')[rng.integers(2)]} must not be {('shown', 'visible')[rng.integers(2)]}.", (sets("cigarette"),)),
        Rule(f"{('Alcohol', 'Alcoholic drinks')[rng.integers(2)]} must not be {('shown', 'visible')[rng.integers(2)]}.", (sets("beer", "wine"),)),
        Rule(f"{s} must not be shown together with {('medicine', 'drugs')[rng.integers(2)]}.", (being.classes, sets("pill", "syringe"))),
        Rule(f"{s} must not be shown {('together with tobacco', 'with tobacco')[rng.integers(2)]}.", (being.classes, sets("cigarette"))),
    )[rng.integers(12)]


def made(rng) -> Rule:
    """A rule out of the grammar; about half of them on what policies are about."""
    roll = rng.random()
    if roll < 0.2:
        return _special(rng)
    near_policy = rng.random() < 0.7
    subject = noun(rng, BEINGS if near_policy and roll > 0.45 else HARM if near_policy else None)
    if roll < 0.45:
        words = ALONE[rng.integers(len(ALONE))].format(s=subject.one, p=subject.many, S=capital(subject.one), P=capital(subject.many))
        return Rule(words, (subject.classes,))
    other = noun(rng, HARM if near_policy else None)
    while other.classes & subject.classes:
        other = noun(rng, HARM if near_policy else None)
    if roll > 0.97 and " or " in other.one and "," not in other.one:
        first, second = other.one.split(" or ")
        return Rule(f"{capital(subject.one)} and {first}, or {subject.one} and {second}, must not both be visible.", (subject.classes, other.classes))
    words = TOGETHER[rng.integers(len(TOGETHER))]
    words = words.format(s=subject.one, p=subject.many, o=other.one, q=other.many, S=capital(subject.one), P=capital(subject.many), O=capital(other.one))
    return Rule(words, (subject.classes, other.classes))


def bank(rng, size: int) -> list[Rule]:
    """Distinct rules of the grammar that are not those of the constitution."""
    known = {r.text for pair in constitution().values() for r in pair}
    seen: dict[str, Rule] = {}
    while len(seen) < size:
        rule = made(rng)
        if rule.text not in known:
            seen.setdefault(rule.text, rule)
    return list(seen.values())
