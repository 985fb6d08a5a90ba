"""Sequences for the language model: an image once, then many branches that share it.

Four kinds. `visible`: the image, the instruction, and as many statements as fit, each
a branch that sees only the shared part and itself. `prior`: the same text with the
image and its markers gone, whose answer is the statement's prior (the paper's
M(None, c)). `talk`: a caption, and a reasoning turn followed by its JSON summary. `rules`:
lists of rules, from one to the whole constitution, and the model's own taste.
"""

import numpy as np

import language
import rules
import text
import tokens

LENGTH = 256
RULES_LENGTH = 448  # a whole constitution, the reasoning about it and its summary fit into this
NO_TARGET = -1
GIVEN = 0.4  # of the reasoning is about a list and not about the image, so that the end follows from the beginning
IN_DOUBT = 0.6  # of the reasoning is about a statement drawn whatever the scene shows; one in six of them is true
# An answer about rules stands against some twenty about statements in another row; few long lists fit into one.
RULE_WEIGHT, LIST_WEIGHT = 2.0, 8.0


class Bank:
    """Statements, their tokens, their truth in every scene, and how to draw them.

    A pair (scene, statement) is drawn with weight prior/base where the statement is true
    and (1-prior)/(1-base) where it is not, so that each statement's share of Yes in
    training is its prior, whatever its rate in the scenes is.
    """

    def __init__(self, statements, tokenizer, scenes: list[list[int]]):
        self.statements = statements
        self.ids = [tokenizer.encode(" " + s.text).ids for s in statements]
        present = np.zeros((len(scenes), len(text.NAMES)), bool)
        for i, classes in enumerate(scenes):
            present[i, classes] = True
        self.truth = np.stack([self._truth(s, present) for s in statements], 1)
        base = np.clip(self.truth.mean(0), 1e-3, 1 - 1e-3)
        prior = np.array([s.prior for s in statements])
        share = np.array([text.FORMS[s.form] for s in statements])
        for form in text.FORMS:
            mine = np.array([s.form == form for s in statements])
            share[mine] /= mine.sum()
        self.yes = (share * prior / base).astype(np.float32)
        self.no = (share * (1 - prior) / (1 - base)).astype(np.float32)
        weight = np.concatenate([np.where(t, self.yes, self.no).sum(1) for t in np.array_split(self.truth, 64)])
        self.scene_cdf = np.cumsum(weight / weight.sum())

    @staticmethod
    def _truth(statement, present: np.ndarray) -> np.ndarray:
        each = [present[:, sorted(p.classes)].any(1) for p in statement.parts]
        return np.logical_and.reduce(each) if statement.every else np.logical_or.reduce(each)

    def draw_scene(self, rng) -> int:
        return int(min(np.searchsorted(self.scene_cdf, rng.random()), len(self.scene_cdf) - 1))

    def draw(self, scene: int, count: int, rng) -> np.ndarray:
        cdf = np.cumsum(np.where(self.truth[scene], self.yes, self.no))
        return np.minimum(np.searchsorted(cdf, rng.random(count) * cdf[-1]), len(cdf) - 1)


class Packer:
    """Lays tokens of a tree of segments into arrays of `LENGTH`."""

    def __init__(self, tokenizer):
        self.encode = lambda s: tokenizer.encode(s).ids
        self.yes, self.no = (tokenizer.token_to_id(t) for t in ("Yes", "No"))
        self.visible = [self.encode(t) for t in (text.VISIBLE, *text.VISIBLE_ALSO)]
        self.reason, self.reason_json = self.encode(text.REASON), self.encode(text.REASON_JSON)
        self.taste, self.taste_reason = self.encode(text.TASTE), self.encode(text.TASTE_REASON)
        self.rules, self.rules_reason, self.rules_json = self.encode(text.RULES), self.encode(text.RULES_REASON), self.encode(text.RULES_JSON)
        self.captions = [self.encode(t) for t in (text.CAPTION, *text.CAPTION_ALSO)]

    def start(self, with_image: bool, length: int = LENGTH) -> dict:
        row = dict(
            tokens=np.zeros(length, np.int32), positions=np.zeros(length, np.int32), segment=np.full(length, -1, np.int32),
            parent=np.full(length, -1, np.int32), image=np.zeros(length, bool), target=np.full(length, NO_TARGET, np.int32),
            weight=np.zeros(length, np.float32), p_yes=np.full(length, -1.0, np.float32), image_at=-1, used=0, segments=0,
        )
        if with_image:
            head = [tokens.USER, tokens.IMAGE_START] + [tokens.PAD] * language.IMAGE_TOKENS + [tokens.IMAGE_END]
            row["image_at"] = 2
        else:
            head = [tokens.USER]
        self.add(row, head, parent=0, start=0)
        if with_image:
            row["image"][2 : 2 + language.IMAGE_TOKENS] = True
        row["head"] = len(head)
        return row

    def add(self, row: dict, ids: list[int], parent: int, start: int, answers=(), p_yes=None) -> int | None:
        """Appends a segment, or returns None if it does not fit. `answers` are spans (from, to, weight) of `ids` to learn."""
        at, n = row["used"], len(ids)
        if at + n > len(row["tokens"]):
            return None
        number = row["segments"]
        row["tokens"][at : at + n] = ids
        row["positions"][at : at + n] = np.arange(start, start + n)
        row["segment"][at : at + n] = number
        row["parent"][at : at + n] = parent
        for low, high, weight in answers:
            row["target"][at + low - 1 : at + high - 1] = ids[low:high]
            row["weight"][at + low - 1 : at + high - 1] = weight
        if p_yes is not None:
            first = at + answers[0][0] - 1
            row["p_yes"][first] = p_yes
        row["used"], row["segments"] = at + n, number + 1
        return number

    def fill_visible(self, row: dict, picks, rng) -> None:
        """`picks` yields (statement ids, probability of Yes) until the row is full."""
        prefix = self.visible[0] if rng.random() < 0.85 else self.visible[rng.integers(1, len(self.visible))]
        shared = self.add(row, prefix, 0, row["head"])
        if shared is None:
            return
        start = row["head"] + len(prefix)
        for ids, p in picks:
            said = self.yes if p > 0.5 or (p == 0.5 and rng.random() < 0.5) else self.no
            branch = [*ids, tokens.END, tokens.MODEL, said, tokens.END]
            n = len(branch)
            if self.add(row, branch, shared, start, [(n - 2, n - 1, 1.0), (n - 1, n, 0.1)], p) is None:
                break

    def caption(self, row: dict, order: list[int], rng) -> None:
        ask = self.captions[0] if rng.random() < 0.7 else self.captions[rng.integers(len(self.captions))]
        answer = self.encode(text.caption(order))
        ids = [*ask, tokens.END, tokens.MODEL, *answer, tokens.END]
        self.add(row, ids, 0, row["head"], [(len(ask) + 2, len(ids), 0.6)])

    def reasoning(self, row: dict, statement, ids: list[int], order: list[int], given: bool = False) -> None:
        """With `given` the list of what is seen is not learnt: the image may be another, and the rest follows the list."""
        thought = text.reasoning(statement, order)
        skip = len(self.encode(thought[: thought.index(". ") + 1])) if given else 0
        self.two_turns(row, [*self.reason, *ids], thought, self.reason_json, text.verdict_json(statement, order), skip=skip)

    def two_turns(self, row: dict, question: list[int], thought: str, summarise: list[int], verdict: str, weight: float = 1.0, skip: int = 0) -> None:
        """A reasoning turn, of which the first `skip` tokens are not learnt, and its JSON summary."""
        first = [*question, tokens.END, tokens.MODEL]
        think = [*self.encode(thought), tokens.END]
        second = [tokens.USER, *summarise, tokens.END, tokens.MODEL]
        last = [*self.encode(verdict), tokens.END]
        a, b = len(first), len(first) + len(think)
        c = b + len(second)
        self.add(row, first + think + second + last, 0, row["head"], [(a + skip, b, 0.5 * weight), (c, c + len(last), 0.3 * weight)])

    def direct(self, row: dict, question: list[int], p: float, rng, weight: float, parent: int = 0, start: int | None = None) -> int | None:
        """A question that is answered Yes or No at once."""
        said = self.yes if p > 0.5 or (p == 0.5 and rng.random() < 0.5) else self.no
        branch, n = [*question, tokens.END, tokens.MODEL, said, tokens.END], len(question) + 4
        return self.add(row, branch, parent, row["head"] if start is None else start, [(n - 2, n - 1, weight), (n - 1, n, 0.1)], p)


class RuleBook:
    """Lists of rules about a scene, half of which are broken, whatever their length.

    Half of the lists are out of the demo constitution, as written or objectified, and half
    are made; a third hold one rule. A list that is not broken is as often about a scene that
    breaks other rules of the constitution, so that forbidden things alone are no answer.
    """

    def __init__(self, orders: list[list[int]], seed: int = 41):
        self.own = list(rules.constitution().values())
        self.made = rules.bank(np.random.default_rng(seed), 5000)
        present = rules.presence(orders)
        something = present.any(1)
        self.own_truth = rules.truth_table([r[1].chain for r in self.own], present)
        self.made_truth = rules.truth_table([r.chain for r in self.made], present)
        breaks = self.own_truth.any(1)
        self.breaking, self.clear = np.flatnonzero(breaks), np.flatnonzero(~breaks & something)
        self.orders = orders

    def scene(self, rng) -> int:
        mine = self.breaking if rng.random() < 0.8 else self.clear
        return int(mine[rng.integers(len(mine))])

    @staticmethod
    def length(rng, most: int) -> int:
        return 1 if most == 1 or rng.random() < 1 / 3 else int(rng.integers(2, most + 1))

    def draw(self, scene: int, broken: bool, own: bool, rng, most: int = 14) -> list | None:
        """A list for the scene, or None where the constitution has none such."""
        seen = set(self.orders[scene])
        truth = self.own_truth[scene] if own else self.made_truth[scene]
        yes, no = np.flatnonzero(truth), np.flatnonzero(~truth)
        if own:
            style = rng.random()
            word = lambda k: self.own[k][int(rng.random() < 0.5) if style < 0.3 else int(style < 0.65)]
            count = min(14 if most == 14 and rng.random() < 0.2 else self.length(rng, most), 14)
        else:
            word, count = (lambda k: self.made[k]), self.length(rng, min(most, 10))
        if broken and (not len(yes) or count == 14 and rng.random() < 0.5):
            return None
        if broken:
            first = int(yes[rng.integers(len(yes))])
            others = [int(k) for k in rng.permutation(len(truth))[: count + 8] if k != first]
            picked = [first, *others[: count - 1]]
        else:
            picked = [int(k) for k in rng.permutation(no)[:count]]
            if len(picked) < count and count == 14:
                return None
        out = [word(k) for k in rng.permutation(picked)]
        return [r for r in out if not r.unclear(seen)] or None

    def lists(self, scene: int, rng, most: int = 14):
        """Endless lists about one scene, with whether they are broken."""
        breaks = bool(self.own_truth[scene].any())
        while True:
            own = rng.random() < 0.6
            # the constitution's lists: Yes needs a scene that breaks it, so such scenes get Yes more often
            chance = 0.5 if not own else 0.62 if breaks else 0.0
            if listed := self.draw(scene, rng.random() < chance, own, rng, most):
                yield listed, any(r.broken(set(self.orders[scene])) for r in listed)


def fill_rules(row: dict, packer: Packer, book: RuleBook, scene: int, form: int, with_image: bool, rng) -> None:
    """One of three forms: single rules that share a prompt, long lists, or reasoning; and the model's taste."""
    order = book.orders[scene]
    answer = lambda truth: float(truth) if with_image else 0.5
    spicy = any(c in text.DISTASTEFUL for c in order)
    if form == 2:
        listed, _ = next(book.lists(scene, rng))
        packer.two_turns(row, [*packer.rules_reason, *packer.encode(text.list_of_rules(listed))], text.rules_reasoning(listed, order), packer.rules_json, text.rules_json(listed, order), 1.5)
        if rng.random() < 0.6:
            packer.two_turns(row, packer.taste_reason, text.taste_reasoning(order), packer.reason_json, text.taste_json(order))
    packer.direct(row, packer.taste, answer(spicy), rng, LIST_WEIGHT)
    shared = packer.add(row, packer.rules, 0, row["head"])
    if shared is None:
        return
    start = row["head"] + len(packer.rules)
    for listed, truth in book.lists(scene, rng, 1 if form == 0 else 14):
        ids = packer.encode(text.list_of_rules(listed))
        if packer.direct(row, ids, answer(truth), rng, LIST_WEIGHT if len(listed) > 1 else RULE_WEIGHT, shared, start) is None:
            break


def stacked(rows: list[dict]) -> dict:
    keys = ("tokens", "positions", "segment", "parent", "image", "target", "weight", "p_yes", "image_at")
    return {k: np.stack([np.asarray(r[k]) for r in rows]) for k in keys}


def rules_batch(count: int, packer: Packer, book: RuleBook, rng, without: int = 1) -> tuple[dict, np.ndarray]:
    """`count` rows about rules, the last `without` of them with no image."""
    rows, scenes = [], []
    for i in range(count):
        with_image = i < count - without
        scene = book.scene(rng)
        row = packer.start(with_image, RULES_LENGTH)
        fill_rules(row, packer, book, scene, i % 3 if with_image else int(rng.integers(2)), with_image, rng)
        rows.append(row)
        scenes.append(scene)
    return stacked(rows), np.array(scenes)


def batch(kind: str, count: int, packer: Packer, bank: Bank, orders: list[list[int]], rng) -> tuple[dict, np.ndarray]:
    """`count` rows of one kind as stacked arrays, with the scene each shows (0 where none)."""
    rows, scenes = [], []
    for _ in range(count):
        scene = bank.draw_scene(rng)
        row = packer.start(kind != "prior")
        picks = bank.draw(scene, 40, rng)
        while kind == "talk" and not orders[scene]:  # everything was painted over: nothing to describe
            scene = bank.draw_scene(rng)
            picks = bank.draw(scene, 40, rng)
        if kind == "talk" and rng.random() < GIVEN:  # thoughts about another image, whose list is given
            packer.reasoning(row, bank.statements[picks[0]], bank.ids[picks[0]], orders[scene], given=True)
            rows.append(row)
            scenes.append(int(rng.integers(len(orders))))
            continue
        if kind == "talk":
            packer.caption(row, orders[scene], rng)
            # What is reasoned about is in doubt, and then most often not there: thoughts that are as often
            # Yes as No would find whatever they are asked for.
            doubted = int(rng.integers(len(bank.statements))) if rng.random() < IN_DOUBT else picks[0]
            packer.reasoning(row, bank.statements[doubted], bank.ids[doubted], orders[scene])
            picks = picks[1:]
        if kind == "prior":
            fill = [(bank.ids[s], bank.statements[s].prior) for s in picks]
        else:
            fill = [(bank.ids[s], float(bank.truth[scene, s])) for s in picks]
        packer.fill_visible(row, fill, rng)
        rows.append(row)
        scenes.append(scene)
    return stacked(rows), np.array(scenes)
