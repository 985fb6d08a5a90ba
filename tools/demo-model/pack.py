"""Sequences for the language model: an image once, then many branches that share it.

Three kinds. `visible`: the image, the instruction, and as many statements as fit, each
a branch that sees only the shared part and itself. `prior`: the same text with the
image and its markers gone, whose answer is the statement's prior (the paper's
M(None, c)). `talk`: a caption, and a reasoning turn followed by its JSON summary.
"""

import numpy as np

import language
import text
import tokens

LENGTH = 256
NO_TARGET = -1


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
        self.captions = [self.encode(t) for t in (text.CAPTION, *text.CAPTION_ALSO)]

    def start(self, with_image: bool) -> dict:
        row = dict(
            tokens=np.zeros(LENGTH, np.int32), positions=np.zeros(LENGTH, np.int32), segment=np.full(LENGTH, -1, np.int32),
            parent=np.full(LENGTH, -1, np.int32), image=np.zeros(LENGTH, bool), target=np.full(LENGTH, NO_TARGET, np.int32),
            weight=np.zeros(LENGTH, np.float32), p_yes=np.full(LENGTH, -1.0, np.float32), image_at=-1, used=0, segments=0,
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
        if at + n > LENGTH:
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

    def reasoning(self, row: dict, statement, ids: list[int], order: list[int]) -> None:
        first = [*self.reason, *ids, tokens.END, tokens.MODEL]
        think = [*self.encode(text.reasoning(statement, order)), tokens.END]
        second = [tokens.USER, *self.reason_json, tokens.END, tokens.MODEL]
        verdict = [*self.encode(text.verdict_json(statement, order)), tokens.END]
        a, b = len(first), len(first) + len(think)
        c = b + len(second)
        spans = [(a, b, 0.5), (c, c + len(verdict), 0.3)]
        self.add(row, first + think + second + verdict, 0, row["head"], spans)


def batch(kind: str, count: int, packer: Packer, bank: Bank, orders: list[list[int]], rng) -> tuple[dict, np.ndarray]:
    """`count` rows of one kind as stacked arrays, with the scene each shows (0 where none)."""
    rows, scenes = [], []
    for _ in range(count):
        scene = bank.draw_scene(rng)
        row = packer.start(kind != "prior")
        picks = bank.draw(scene, 40, rng)
        if kind == "talk":
            packer.caption(row, orders[scene], rng)
            packer.reasoning(row, bank.statements[picks[0]], bank.ids[picks[0]], orders[scene])
            picks = picks[1:]
        if kind == "prior":
            fill = [(bank.ids[s], bank.statements[s].prior) for s in picks]
        else:
            fill = [(bank.ids[s], float(bank.truth[scene, s])) for s in picks]
        packer.fill_visible(row, fill, rng)
        rows.append(row)
        scenes.append(scene)
    keys = ("tokens", "positions", "segment", "parent", "image", "target", "weight", "p_yes", "image_at")
    return {k: np.stack([np.asarray(r[k]) for r in rows]) for k in keys}, np.array(scenes)
