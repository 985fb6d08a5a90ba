"""The pictogram world: backgrounds, scenes, and what is true of them.

Training composes from a pool of ready sprites, because redrawing a picture costs a
millisecond and pasting one costs microseconds. Tests and examples draw each picture
plainly and once.
"""

from dataclasses import dataclass

import numpy as np

from classes import INDEX, THINGS
from style import colourful_ink, sprite

BACKGROUND = len(THINGS)
PATCH = 16


@dataclass
class Placed:
    """One object in a scene: class, art set, and its box in pixels."""

    cls: int
    art_set: str
    x: int
    y: int
    w: int
    h: int

    @property
    def middle(self) -> float:
        return self.x + self.w / 2


@dataclass
class Scene:
    image: np.ndarray  # uint8 [side, side, 3]
    objects: list[Placed]  # from left to right
    coverage: np.ndarray  # [side/16, side/16, classes + 1]: label weights of each patch

    @property
    def classes(self) -> set[int]:
        return {o.cls for o in self.objects}


def background(rng: np.random.Generator, side: int, kind: int | None = None) -> np.ndarray:
    """Plain, two-tone, gradient, striped, or a simple landscape; float32 RGB."""
    def colour(low=40, high=250):
        return rng.uniform(low, high, 3).astype(np.float32)

    def soft():
        base = rng.uniform(150, 250)
        return np.clip(base + rng.normal(0, 30, 3), 30, 255).astype(np.float32)

    pick = soft if rng.random() < 0.65 else colour
    ys, xs = np.mgrid[0:side, 0:side].astype(np.float32) / side
    noisy = kind is None and rng.random() < 0.3  # examples name a kind and stay small as PNG
    kind = rng.integers(6) if kind is None else kind
    if kind == 0:
        out = np.broadcast_to(pick(), (side, side, 3)).copy()
    elif kind == 1:
        turn = rng.uniform(0, np.pi)
        mask = (np.cos(turn) * (xs - 0.5) + np.sin(turn) * (ys - 0.5) > rng.uniform(-0.3, 0.3))[..., None]
        out = np.where(mask, pick(), pick())
    elif kind == 2:
        turn = rng.uniform(0, np.pi)
        t = np.clip(np.cos(turn) * (xs - 0.5) + np.sin(turn) * (ys - 0.5) + 0.5, 0, 1)[..., None]
        out = pick() * t + pick() * (1 - t)
    elif kind == 3:  # sky and ground
        line = rng.uniform(0.4, 0.75) + 0.05 * np.sin(xs * rng.uniform(2, 8) + rng.uniform(0, 6))
        sky = np.array([170, 210, 245], np.float32) + rng.normal(0, 22, 3)
        ground = np.array([[150, 200, 120], [220, 205, 160], [190, 190, 190], [235, 240, 245]], np.float32)[rng.integers(4)] + rng.normal(0, 16, 3)
        out = np.where((ys > line)[..., None], ground, sky + 30 * ys[..., None])
    elif kind == 4:  # a room: wall, floor, sometimes a window
        wall, floor = soft(), soft() * 0.8
        out = np.where((ys > rng.uniform(0.6, 0.8))[..., None], floor, wall)
    else:
        wave = 0.5 + 0.5 * np.sign(np.sin(xs * rng.uniform(0, 40) + ys * rng.uniform(0, 40)))[..., None]
        one = pick()
        out = one + wave * rng.normal(0, 16, 3)
    if noisy:
        out = out + rng.normal(0, rng.uniform(1, 7), (side, side, 1))
    return out.clip(0, 255).astype(np.float32)


class Pool:
    """Sprites and backgrounds to compose from; `refresh` replaces a few, so that none is learnt by heart."""

    def __init__(self, art, sets, rng: np.random.Generator, each: int = 24, low: int = 30, high: int = 70):
        self.rng, self.low, self.high = rng, low, high
        self.sources = [[(s, p) for s in sets for p in art[s][c]] for c in range(len(THINGS))]
        # by class, then by set: a set with many variants must not count more
        self.sets = [sorted({s for s, _ in src}) for src in self.sources]
        self.sprites: dict[tuple[int, str], list[np.ndarray]] = {}
        for c, src in enumerate(self.sources):
            for s in self.sets[c]:
                mine = [p for t, p in src if t == s]
                self.sprites[c, s] = [self._draw(c, s, mine) for _ in range(max(each, 2 * each * len(mine) // 3))]
        self.art = {(c, s): [p for t, p in src if t == s] for c, src in enumerate(self.sources) for s in self.sets[c]}
        self.backgrounds = [background(rng, 128) for _ in range(400)]

    def _draw(self, c, s, pictures):
        picture = pictures[self.rng.integers(len(pictures))]
        return sprite(picture, c, s.endswith("high-contrast"), int(self.rng.integers(self.low, self.high)), self.rng)

    def refresh(self, count: int) -> None:
        keys = list(self.sprites)
        for _ in range(count):
            key = keys[self.rng.integers(len(keys))]
            self.sprites[key][self.rng.integers(len(self.sprites[key]))] = self._draw(*key, self.art[key])
        self.backgrounds[self.rng.integers(len(self.backgrounds))] = background(self.rng, 128)

    def pick(self, rng, cls: int, art_set: str | None):
        if art_set is None or art_set not in self.sets[cls]:
            art_set = self.sets[cls][rng.integers(len(self.sets[cls]))]
        mine = self.sprites[cls, art_set]
        return art_set, mine[rng.integers(len(mine))]

    def canvas(self, rng, side: int) -> np.ndarray:
        whole = self.backgrounds[rng.integers(len(self.backgrounds))]
        y, x = rng.integers(128 - side + 1, size=2)
        out = whole[y : y + side, x : x + side]
        return (out[:, ::-1] if rng.random() < 0.5 else out).copy()


def place(rng, w: int, h: int, side: int, taken: list[Placed], outside: float) -> tuple[int, int] | None:
    """A corner for a `w` x `h` box that covers little of what is there, or None."""
    for _ in range(12):
        over_w, over_h = int(w * outside), int(h * outside)
        x = int(rng.integers(-over_w, max(1 - over_w, side - w + over_w + 1)))
        y = int(rng.integers(-over_h, max(1 - over_h, side - h + over_h + 1)))
        for o in taken:
            across = min(x + w, o.x + o.w) - max(x, o.x)
            down = min(y + h, o.y + o.h) - max(y, o.y)
            if across > 0 and down > 0 and across * down > 0.12 * min(w * h, o.w * o.h):
                break
        else:
            return x, y
    return None


def compose(canvas: np.ndarray, items: list[tuple[int, str, np.ndarray]], rng, outside: float = 0.0) -> Scene:
    """Paste sprites onto a canvas; those that find no room are left out."""
    side = canvas.shape[0]
    shown = np.zeros((len(THINGS) + 1, side, side), np.float32) if items else None
    used, placed = [], []
    for cls, art_set, rgba in items:
        h, w = rgba.shape[:2]
        if (at := place(rng, w, h, side, placed, outside)) is None:
            continue
        x, y = at
        x0, y0, x1, y1 = max(x, 0), max(y, 0), min(x + w, side), min(y + h, side)
        part = rgba[y0 - y : y1 - y, x0 - x : x1 - x]
        alpha = part[..., 3].astype(np.float32) / 255
        region = canvas[y0:y1, x0:x1]
        region += alpha[..., None] * (part[..., :3] - region)
        for other in used:
            shown[other, y0:y1, x0:x1] *= 1 - alpha
        shown[cls, y0:y1, x0:x1] += alpha
        used.append(cls)
        placed.append(Placed(cls, art_set, x, y, w, h))
    n = side // PATCH
    label = np.zeros((n, n, len(THINGS) + 1), np.float32)
    for cls in set(used):
        mean = shown[cls].reshape(n, PATCH, n, PATCH).mean((1, 3))
        label[..., cls] = np.clip(mean * 4 - 0.15, 0, 1)  # thin things cover little of a patch
    total = label.sum(-1, keepdims=True)
    label /= np.maximum(total, 1)
    label[..., BACKGROUND] = 1 - label.sum(-1)
    placed.sort(key=lambda o: o.middle)
    return Scene(canvas.clip(0, 255).astype(np.uint8), placed, label)


# Who is usually seen with whom. In half of the training scenes a thing brings company, so that a scene
# suggests what is not in it, as captions teach real models: CLUE's strategy 2 has something to undo.
COMPANY = tuple(tuple(INDEX[n] for n in pair) for pair in (
    ("beer", "cigarette"), ("skull", "blood"), ("man", "gun"), ("woman", "wine"), ("child", "ball"), ("child", "cake"),
    ("house", "tree"), ("car", "man"), ("knife", "apple"), ("syringe", "pill"), ("cat", "flower"), ("dog", "ball"),
    ("pill", "blood"), ("bomb", "car"), ("fire", "tree"), ("crossed swords", "house"),
))


def companions(cls: int) -> list[int]:
    return [b if a == cls else a for a, b in COMPANY if cls in (a, b)]


def usual_company(rng, count: int, chance: float = 0.8) -> list[int]:
    """`count` things of which the first, and then every other one, brings somebody it is usually seen with."""
    out: list[int] = []
    while len(out) < count:
        seed = int(rng.integers(len(THINGS)))
        known = [c for c in companions(seed) if c not in out]
        out += [seed] if seed not in out else []
        if known and rng.random() < chance:
            out.append(known[rng.integers(len(known))])
    return out[:count]


def train_scene(pool: Pool, rng, side: int, count: int, outside: float = 0.0, classes=None) -> Scene:
    """A random training scene with at most `count` different things."""
    if classes is None:
        classes = rng.choice(len(THINGS), size=count, replace=False)
    one = pool.sets[classes[0]][rng.integers(len(pool.sets[classes[0]]))] if rng.random() < 0.7 else None
    items = [(int(c), *pool.pick(rng, int(c), one)) for c in classes]
    return compose(pool.canvas(rng, side), items, rng, outside)


def plain_scene(art, sets, rng, side: int, count: int, classes=None) -> Scene:
    """A held-out scene: art as it is, one set, sizes in proportion to `side` (36-64 of 128 px)."""
    if classes is None:
        classes = rng.choice(len(THINGS), size=count, replace=False)
    items = []
    chosen = sets[rng.integers(len(sets))]
    for c in classes:
        have = [s for s in sets if art[s][c]]
        if not have:
            continue
        art_set = chosen if chosen in have else have[rng.integers(len(have))]
        pictures = art[art_set][c]
        size = int(rng.integers(36, 65) * side / 128)
        mono = art_set.endswith("high-contrast")
        picture = pictures[rng.integers(len(pictures))]
        if mono:  # black ink alone has no blood in it
            picture = colourful_ink(picture, int(c), rng)
        items.append((int(c), art_set, sprite(picture, int(c), mono, size, rng, plain=True)))
    return compose(background(rng, side), items, rng)
