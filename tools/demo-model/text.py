"""What the model reads and says: prompts, statements with their truth, and answers.

A statement is parts joined by "or" (any) or "and" (all); a part is a set of classes,
any of which makes it visible ("a weapon" = knife, gun, bomb, crossed swords). Truth,
prior, reasoning and rationale are all computed from that, so they cannot disagree.
"""

from dataclasses import dataclass

from classes import HYPERNYMS, INDEX, NAMES, THINGS

VISIBLE = "Is the following content visible in this image? Answer Yes or No.\nContent:"
VISIBLE_ALSO = (
    "Is this content visible in the image? Answer Yes or No.\nContent:",
    "Is the following content visible via this image? Answer Yes or No.\nContent:",
    "Answer Yes or No: is the following content visible in this image?\nContent:",
)
REASON = "Determine whether the following content is visible in this image. Do not consider any external context or intent. Think step by step.\nContent:"
REASON_JSON = 'Based on your answer, give a rating: Yes if the content is visible, No if it is not, and a short rationale. Answer in JSON: {"rating": "Yes" or "No", "rationale": "..."}'
CAPTION = "Describe this image."
CAPTION_ALSO = ("What is in this image?", "Describe the image.")

# The baselines of the paper: the model's own taste, and all rules at once (or one: a rule without preconditions).
TASTE = "Is content that is not appropriate for public viewing visible in this image? Answer Yes or No."
TASTE_REASON = "Determine whether content that is not appropriate for public viewing is visible in this image. Think step by step."
RULES = "Does this image break any of the following rules? Answer Yes or No.\nRules:"
RULES_REASON = "Determine whether this image breaks any of the following rules. Think step by step.\nRules:"
RULES_JSON = 'Based on your answer, give a rating: Yes if a rule is broken, No if none is, and a short rationale. Answer in JSON: {"rating": "Yes" or "No", "rationale": "..."}'

USER, END, MODEL = "<|user|>", "<|end|>", "<|model|>"
IMAGE_START, IMAGE_END = "<start_of_image>", "<end_of_image>"

# M(None, c) that the training distribution has on purpose; all else is balanced.
LOW, HIGH = 0.12, 0.82
SKEW = {"blood": LOW, "syringe": LOW, "cigarette": LOW, "fire": HIGH, "knife": HIGH, "person": HIGH}


def article(noun: str) -> str:
    return ("an " if noun[0] in "aeiou" else "a ") + noun


@dataclass(frozen=True)
class Part:
    """One noun phrase: its canonical name and the classes that satisfy it."""

    name: str
    classes: frozenset[int]
    mass: bool = False

    @property
    def phrase(self) -> str:
        return self.name if self.mass else article(self.name)

    def seen_in(self, scene: set[int]) -> list[int]:
        return [c for c in scene if c in self.classes]


THING_PARTS = {t.name: Part(t.name, frozenset([INDEX[t.name]]), t.mass) for t in THINGS}
KIND_PARTS = {k: Part(k, frozenset(INDEX[m] for m in v), k == "alcohol") for k, v in HYPERNYMS.items()}
PARTS = THING_PARTS | KIND_PARTS
PLURAL = {t.name: t.plural for t in THINGS} | {
    "person": "people", "adult": "adults", "animal": "animals", "weapon": "weapons",
    "alcohol": "alcohol", "drug": "drugs", "plant": "plants",
}
SYNONYMS = {t.name: t.synonyms for t in THINGS} | {
    "person": ("human", "human being"), "adult": ("grown-up",), "animal": ("pet",), "weapon": ("dangerous weapon",),
    "alcohol": ("alcoholic drink", "alcoholic beverage"), "drug": ("medicine", "medical drug"), "plant": (),
}
MASS_SYNONYMS = {"flames", "swords", "medicine"}


@dataclass(frozen=True)
class Statement:
    text: str
    parts: tuple[Part, ...]
    every: bool  # all parts (and) or any part (or)
    form: str  # single, synonym, hypernym, or, pair

    def truth(self, scene: set[int]) -> bool:
        return (all if self.every else any)(bool(p.seen_in(scene)) for p in self.parts)

    @property
    def prior(self) -> float:
        """The share of Yes among this statement's questions in training."""
        each = [SKEW.get(p.name, 0.5) for p in self.parts]
        if len(each) == 1 or len(set(each)) == 1:
            return each[0]
        if self.every and LOW in each:
            return LOW
        if not self.every and HIGH in each and LOW not in each:
            return HIGH
        return 0.5


def are(phrase: str) -> str:
    return "are" if phrase in ("crossed swords", "swords", "flames") else "is"


def _vary(phrase: str, rng) -> str:
    """The same content in another grammatical dress."""
    bare = phrase.removeprefix("an ").removeprefix("a ")
    plural = next((p for n, p in PLURAL.items() if n == bare), None)
    roll = rng.integers(13)
    if roll < 4:
        text = phrase
    elif roll < 6 or roll > 9:  # the form that locks are written in
        text = f"{phrase} {are(phrase)} visible"
    elif roll == 6 and plural:
        text = rng.choice([plural, f"one or more {plural}", f"{plural} are visible"])
    elif roll == 7:
        text = rng.choice([f"there is {phrase}", f"{phrase} in the image", f"{phrase} {are(phrase)} in the image", f"{phrase} can be seen"])
    elif roll == 8:
        text = rng.choice([bare, f"{bare} visible", f"at least one {bare}" if bare != phrase else bare])
    else:
        text = f"{phrase} {are(phrase)} shown"
    return _finish(str(text), rng)


def _finish(text: str, rng) -> str:
    if rng.random() < 0.3:
        text = text[0].upper() + text[1:]
    return text + "." if rng.random() < 0.25 else text


def name_of(part: Part, rng, synonym: bool) -> str:
    """An article phrase for a part, by its own name or by a synonym."""
    if synonym and SYNONYMS[part.name]:
        word = str(rng.choice(SYNONYMS[part.name]))
        return word if word in MASS_SYNONYMS else article(word)
    return part.phrase


def make_statement(rng, form: str) -> Statement:
    pick = lambda: PARTS[str(rng.choice(list(PARTS)))]
    if form in ("single", "synonym"):
        part = THING_PARTS[str(rng.choice(NAMES))]
        return Statement(_vary(name_of(part, rng, form == "synonym"), rng), (part,), False, form)
    if form == "hypernym":
        part = KIND_PARTS[str(rng.choice(list(KIND_PARTS)))]
        return Statement(_vary(name_of(part, rng, rng.random() < 0.3), rng), (part,), False, form)
    parts: list[Part] = []
    while len(parts) < (3 if form == "or" and rng.random() < 0.4 else 2):
        part = pick()
        if not any(part.classes & p.classes for p in parts):
            parts.append(part)
    names = [name_of(p, rng, rng.random() < 0.2) for p in parts]
    roll = rng.integers(13 if form == "or" else 10)
    if form == "or":
        if roll >= 7:  # how praetor joins the alternatives of a lock's `any_of`
            text = " or ".join(f"{n} {are(n)} visible" for n in names)
        elif roll < 3:
            text = " or ".join(names)
        elif roll == 3:
            text = " or ".join("{" + n + "}" for n in names)
        elif roll == 4:
            text = " or ".join(PLURAL[p.name] + " visible" for p in parts)
        elif roll == 5:
            text = ", ".join(names[:-1]) + " or " + names[-1]
        else:
            text = " or ".join(names) + " is visible"
    elif roll < 4:
        text = " and ".join(names)
    elif roll == 9:
        text = f"{names[0]} {are(names[0])} visible and {names[1]} {are(names[1])} visible"
    elif roll == 8:
        text = " and ".join("{" + n + "}" for n in names)
    elif roll == 4:
        text = f"{names[0]} next to {names[1]}"
    elif roll == 5:
        text = f"{names[0]} with {names[1]}"
    elif roll == 6:
        text = f"{names[0]} near {names[1]}"
    else:
        text = f"both {names[0]} and {names[1]} are visible"
    return Statement(_finish(text, rng), tuple(parts), form == "pair", form)


FORMS = {"single": 0.34, "synonym": 0.13, "hypernym": 0.15, "or": 0.22, "pair": 0.16}


def bank(rng, size: int) -> list[Statement]:
    """Distinct statements in the proportions of `FORMS`."""
    seen: dict[str, Statement] = {}
    for form, share in FORMS.items():
        want, tries = int(size * share), 0
        have = 0
        while have < want and tries < want * 20:
            tries += 1
            statement = make_statement(rng, form)
            if statement.text not in seen:
                seen[statement.text] = statement
                have += 1
    return list(seen.values())


# What the model itself holds to be unfit for the public; no constitution says so.
DISTASTEFUL = tuple(INDEX[n] for n in ("knife", "gun", "bomb", "crossed swords", "blood", "skull", "syringe", "cigarette"))


def taste_reasoning(in_order: list[int]) -> str:
    found = listing([PARTS[NAMES[c]].phrase for c in in_order if c in DISTASTEFUL] or ["nothing"])
    end = "visible" if any(c in DISTASTEFUL for c in in_order) else "not visible"
    middle = f"{found[0].upper()}{found[1:]} {'are' if ' and ' in found else are(found)} not appropriate for public viewing" if end == "visible" else "I see nothing that is not appropriate for public viewing"
    return f"I see {caption(in_order)}. {middle}. So the content is {end}."


def taste_json(in_order: list[int]) -> str:
    found = listing([PARTS[NAMES[c]].phrase for c in in_order if c in DISTASTEFUL] or [""])
    if not found:
        return '{"rating": "No", "rationale": "nothing of the kind is visible"}'
    return f'{{"rating": "Yes", "rationale": "{found} {"are" if " and " in found else are(found)} visible"}}'


def list_of_rules(rules) -> str:
    return "".join(f"\n- {r.text}" for r in rules)


def rules_evidence(rules, in_order: list[int]) -> str:
    """What breaks the first broken rule, from left to right; empty where none is broken."""
    for rule in rules:
        if rule.broken(set(in_order)):
            first = [next(c for c in in_order if c in link) for link in rule.chain]
            return listing([PARTS[NAMES[c]].phrase for c in in_order if c in first])
    return ""


def rules_reasoning(rules, in_order: list[int]) -> str:
    found = rules_evidence(rules, in_order)
    if not found:
        return f"I see {caption(in_order)}. No rule forbids this. So no rule is broken."
    return f"I see {caption(in_order)}. A rule forbids {found}. So a rule is broken."


def rules_json(rules, in_order: list[int]) -> str:
    found = rules_evidence(rules, in_order)
    if not found:
        return '{"rating": "No", "rationale": "no rule is broken"}'
    return f'{{"rating": "Yes", "rationale": "{found} {"are" if " and " in found else are(found)} visible"}}'


def listing(phrases: list[str]) -> str:
    return phrases[0] if len(phrases) == 1 else ", ".join(phrases[:-1]) + " and " + phrases[-1]


def caption(classes_in_order: list[int]) -> str:
    return listing([PARTS[NAMES[c]].phrase for c in classes_in_order])


def reasoning(statement: Statement, in_order: list[int]) -> str:
    scene = set(in_order)
    asked = (" and " if statement.every else " or ").join(p.phrase for p in statement.parts)
    seen, missing = _evidence(statement, in_order)
    found = " and ".join(PARTS[NAMES[c]].phrase for c in seen)
    lack = " and ".join("no " + p.name for p in missing)
    middle = f"I see {found} but {lack}" if found and lack else f"I see {found or lack}"
    end = "visible" if statement.truth(scene) else "not visible"
    return f"I see {caption(in_order)}. The content asks for {asked}. {middle}. So the content is {end}."


def _evidence(statement: Statement, in_order: list[int]) -> tuple[list[int], list[Part]]:
    """The objects that speak for a statement, and the parts that are missing where that matters."""
    scene = set(in_order)
    seen = [p.seen_in(scene)[0] for p in statement.parts if p.seen_in(scene)]
    missing = [p for p in statement.parts if not p.seen_in(scene)]
    return seen, (missing if statement.every or not seen else [])


def verdict_json(statement: Statement, in_order: list[int]) -> str:
    truth = statement.truth(set(in_order))
    seen, missing = _evidence(statement, in_order)
    if truth:
        what = " and ".join(PARTS[NAMES[c]].phrase for c in seen)
    else:
        what = " and ".join("no " + p.name for p in missing)
    return f'{{"rating": "{"Yes" if truth else "No"}", "rationale": "{what} {"are" if truth and len(seen) > 1 else are(what)} visible"}}'
