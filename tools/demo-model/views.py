"""What the frozen tower is shown before the language model and the encoder learn from it.

Six kinds of view, all 128 px. `scene`: things in company or at random. `close`: one thing
that nearly fills the picture, as when a small thing was cut out. `covered`: a scene with a
thing painted over, as when the engine asks what a region contributes. `tile`: a third of a
larger picture, with parts of things, small things and empty ground, as when the encoder looks
for something small. `crop`: a small thing cut out of a large picture and enlarged. `speck`: a
scene in which something is so small that it can be no more than suspected.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image

import art as art_sets
import vision
import world
from style import colourful_ink, sprite

SCENE, CLOSE, COVERED, TILE, CROP, SPECK = range(6)
SHARES = {SCENE: 0.52, CLOSE: 0.05, COVERED: 0.07, TILE: 0.16, CROP: 0.09, SPECK: 0.11}  # of the draws; one draw makes three tiles
ENCODER_ONLY = (TILE, SPECK)  # the language model is not asked what nobody can see
BIG = 384  # a tile is a third of it


@dataclass
class View:
    kind: int
    image: np.ndarray  # uint8 [128, 128, 3]
    order: list[int]  # what is visible, from left to right
    unclear: list[int]  # what is cut so far that nobody should be asked about it
    coverage: np.ndarray  # [8, 8, classes + 1]


def of_scene(scene: world.Scene, kind: int = SCENE) -> View:
    return View(kind, scene.image, [o.cls for o in scene.objects], [], scene.coverage)


class Maker:
    """Views of trained art without end, from one seed."""

    def __init__(self, art, seed: int, shares: dict[int, float] = SHARES):
        self.art, self.rng, self.shares = art, np.random.default_rng(seed), shares
        self.pool = world.Pool(art, art_sets.TRAINED, self.rng)
        self.large = world.Pool(art, art_sets.TRAINED, self.rng, each=8, low=70, high=118)
        # in tiles things are as large as in thirds of a picture, or small as 5 to 10 % of its side
        self.huge = world.Pool(art, art_sets.TRAINED, self.rng, each=6, low=108, high=170)
        self.small = world.Pool(art, art_sets.TRAINED, self.rng, each=12, low=20, high=44)

    def __iter__(self):
        kinds, shares = list(self.shares), np.array(list(self.shares.values()))
        while True:
            kind = int(self.rng.choice(kinds, p=shares / shares.sum()))
            made = (self.scene, self.close, self.covered, self.tiles, self.crop, self.speck)[kind]()
            yield from made

    def classes(self, count: int) -> list[int]:
        if self.rng.random() < 0.5:
            return world.usual_company(self.rng, count)
        return [int(c) for c in self.rng.choice(len(world.THINGS), size=count, replace=False)]

    def composed(self, most: int = 4) -> world.Scene:
        rng = self.rng
        classes = self.classes(int(rng.integers(1, most + 1)))
        # half of them plain: a model that has only seen the worst of drawings is never sure
        if rng.random() < 0.5:
            return world.plain_scene(self.art, art_sets.TRAINED, rng, vision.SIDE, 0, classes)
        self.pool.refresh(1)
        return world.train_scene(self.pool, rng, vision.SIDE, 0, 0.06, classes)

    def scene(self) -> list[View]:
        scene = self.composed()
        return [of_scene(scene)] if scene.objects else []

    def close(self) -> list[View]:
        self.large.refresh(1)
        scene = world.train_scene(self.large, self.rng, vision.SIDE, 1, 0.15)
        return [of_scene(scene, CLOSE)]

    def covered(self) -> list[View]:
        """One thing under a plain patch: grey, black, white, or the ground around it."""
        rng, scene = self.rng, self.composed()
        if not scene.objects:
            return []
        gone = scene.objects[rng.integers(len(scene.objects))]
        room = int(rng.integers(0, 6))
        x0, y0 = max(gone.x - room, 0), max(gone.y - room, 0)
        x1, y1 = min(gone.x + gone.w + room, vision.SIDE), min(gone.y + gone.h + room, vision.SIDE)
        image = scene.image.copy()
        edge = np.concatenate([image[y0, x0:x1], image[y1 - 1, x0:x1], image[y0:y1, x0], image[y0:y1, x1 - 1]])
        fill = (128, 0, 255, np.median(edge, 0), edge.mean(0), image.mean((0, 1)))[rng.integers(6)]
        image[y0:y1, x0:x1] = fill
        kept, unclear, coverage = [], [], scene.coverage.copy()
        hidden = np.zeros((vision.SIDE, vision.SIDE), np.float32)
        hidden[y0:y1, x0:x1] = 1
        hidden = hidden.reshape(vision.GRID, vision.PATCH, vision.GRID, vision.PATCH).mean((1, 3))
        coverage[..., :-1] *= np.where(hidden < 0.9, 1 - hidden, 0)[..., None]
        coverage[..., -1] = 1 - coverage[..., :-1].sum(-1)
        for o in scene.objects:
            across = max(0, min(x1, o.x + o.w) - max(x0, o.x))
            down = max(0, min(y1, o.y + o.h) - max(y0, o.y))
            share = across * down / (o.w * o.h)
            if o is not gone and share < 0.3:
                kept.append(o.cls)
            elif o is not gone and share < 0.8:
                unclear.append(o.cls)
        return [View(COVERED, image, kept, unclear, coverage)]

    def tiles(self) -> list[View]:
        """Three thirds of a larger picture: one at random, one near a small thing, one anywhere."""
        rng = self.rng
        for pool in (self.huge, self.small):
            pool.refresh(1)
        large, little = self.classes(int(rng.integers(1, 4))), self.classes(int(rng.integers(1, 3)))
        if rng.random() < 0.5:
            items = [(c, *self.huge.pick(rng, c, None)) for c in large] + [(c, *self.small.pick(rng, c, None)) for c in little]
        else:  # drawings as they are: enlarged parts of these must not look like anything else
            art_set = art_sets.TRAINED[rng.integers(len(art_sets.TRAINED))]
            items = [(c, art_set, self.plain(c, art_set, *((108, 193) if k < len(large) else (21, 40)))) for k, c in enumerate(large + little) if self.art[art_set][c]]
        ground = world.background(rng, BIG)
        canvas = world.compose(ground, [items[i] for i in rng.permutation(len(items))], rng)
        small = [o for o in canvas.objects if max(o.w, o.h) < 70]
        step, room = vision.PATCH, (BIG - vision.SIDE) // vision.PATCH
        corners = [rng.integers(0, room + 1, 2) for _ in range(2)]
        if small:
            o = small[rng.integers(len(small))]
            near = np.array([o.y + o.h / 2, o.x + o.w / 2]) - rng.uniform(30, vision.SIDE - 30, 2)
            corners.append(np.clip(np.round(near / step).astype(int), 0, room))
        return [self.tile(canvas, int(r), int(c)) for r, c in corners]

    def plain(self, cls: int, art_set: str, low: int, high: int) -> np.ndarray:
        pictures, mono = self.art[art_set][cls], art_set.endswith("high-contrast")
        picture = pictures[self.rng.integers(len(pictures))]
        picture = colourful_ink(picture, cls, self.rng) if mono else picture
        return sprite(picture, cls, mono, int(self.rng.integers(low, high)), self.rng, plain=True)

    def tile(self, canvas: world.Scene, row: int, column: int) -> View:
        y, x = row * vision.PATCH, column * vision.PATCH
        order, unclear = [], []
        for o in canvas.objects:
            across = max(0, min(x + vision.SIDE, o.x + o.w) - max(x, o.x))
            down = max(0, min(y + vision.SIDE, o.y + o.h) - max(y, o.y))
            share = across * down / (o.w * o.h)
            if share > 0.45:
                order.append(o.cls)
            elif share > 0.03:
                unclear.append(o.cls)
        image = canvas.image[y : y + vision.SIDE, x : x + vision.SIDE]
        coverage = canvas.coverage[row : row + vision.GRID, column : column + vision.GRID]
        return View(TILE, image, order, [c for c in unclear if c not in order], coverage)

    def crop(self) -> list[View]:
        """The box around a small thing, a little too large or too small, with black bars if it is not square."""
        rng = self.rng
        self.small.refresh(1)
        cls = int(rng.integers(len(world.THINGS)))
        scene = world.compose(world.background(rng, vision.SIDE), [(cls, *self.small.pick(rng, cls, None))], rng)
        o = scene.objects[0]
        over = rng.uniform(-6, 18, 4)
        left, top = max(0, int(o.x - over[0])), max(0, int(o.y - over[1]))
        right, bottom = min(vision.SIDE, int(o.x + o.w + over[2])), min(vision.SIDE, int(o.y + o.h + over[3]))
        part = Image.fromarray(scene.image[top:bottom, left:right])
        scale = vision.SIDE / max(part.size)
        part = part.resize((max(1, round(part.width * scale)), max(1, round(part.height * scale))), (Image.BILINEAR, Image.BICUBIC)[rng.integers(2)])
        square = Image.new("RGB", (vision.SIDE, vision.SIDE))
        at = ((vision.SIDE - part.width) // 2, (vision.SIDE - part.height) // 2)
        square.paste(part, at)
        # where the thing's box lies now; its ink fills most of it
        x0, y0 = at[0] + (o.x - left) * scale, at[1] + (o.y - top) * scale
        edges = np.arange(vision.GRID + 1) * vision.PATCH
        inside = lambda low, high: np.clip(np.minimum(edges[1:], high) - np.maximum(edges[:-1], low), 0, None) / vision.PATCH
        coverage = np.zeros((vision.GRID, vision.GRID, vision.CLASSES), np.float32)
        coverage[..., cls] = inside(y0, y0 + o.h * scale)[:, None] * inside(x0, x0 + o.w * scale)
        coverage[..., -1] = 1 - coverage[..., cls]
        return [View(CROP, np.asarray(square), [cls], [], coverage)]

    def speck(self) -> list[View]:
        """A scene of things of the usual size and one that is 7 to 12 px large."""
        rng = self.rng
        self.small.refresh(1)
        self.pool.refresh(1)
        classes = self.classes(int(rng.integers(2, 5)))
        tiny = classes[-1]
        art_set, picture = self.small.pick(rng, tiny, None)
        size = int(rng.integers(7, 13))
        picture = np.asarray(Image.fromarray(picture).resize((size, size), (Image.BOX, Image.BICUBIC, Image.LANCZOS)[rng.integers(3)]))
        items = [(c, *self.pool.pick(rng, c, None)) for c in classes[:-1]] + [(tiny, art_set, picture)]
        scene = world.compose(world.background(rng, vision.SIDE), items, rng)
        return [of_scene(scene, SPECK)] if scene.objects else []
