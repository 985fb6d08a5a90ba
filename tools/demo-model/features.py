"""Run the frozen vision tower over many views once and keep what both students learn from.

    python features.py --work WORK --views 43000

Kept are the 64 patch features of each view: the language model pools them to 16, the
encoder's head reads them as they are. Training from them costs nothing for vision.
"""

import argparse
import pickle
from pathlib import Path

import cores  # before JAX

import jax
import numpy as np

import art as art_sets
import views
import vision
import world

PATCHES = vision.GRID**2
encode = jax.jit(vision.features)
SETS = {"trained": art_sets.TRAINED, "emojione": (art_sets.NEAR_UNSEEN,), "openmoji": (art_sets.FAR_UNSEEN,)}


def pooled(patches: np.ndarray) -> np.ndarray:
    """Patch features as the language model's projector pools them: `[n, 64, width]` -> `[n, 16, width]`."""
    n, width = len(patches), patches.shape[-1]
    half = vision.GRID // vision.POOL
    return patches.astype(np.float32).reshape(n, half, vision.POOL, half, vision.POOL, width).mean((2, 4)).reshape(n, half * half, width)


def cells(coverage: np.ndarray) -> np.ndarray:
    """Which classes each of the 16 image tokens shows."""
    n, half = len(coverage), vision.GRID // vision.POOL
    return coverage[..., :-1].reshape(n, half, vision.POOL, half, vision.POOL, -1).max((2, 4)).reshape(n, half * half, -1)


def make(params, source, count: int, log=lambda done: None) -> dict:
    """Features and labels of `count` views."""
    out = np.empty((count, PATCHES, vision.WIDTH), np.float16)
    coverage = np.empty((count, PATCHES, vision.CLASSES), np.float16)
    kinds, orders, unclear, images = np.empty(count, np.int8), [], [], []
    for i, view in zip(range(count), source):
        images.append(view.image)
        orders.append(view.order)
        unclear.append(view.unclear)
        kinds[i], coverage[i] = view.kind, view.coverage.reshape(PATCHES, -1)
        if len(images) == 64 or i == count - 1:
            batch = np.zeros((64, *images[0].shape), np.uint8)
            batch[: len(images)] = images
            out[i + 1 - len(images) : i + 1] = np.asarray(encode(params, cores.split(batch)))[: len(images)]
            images = []
            if i % 2048 < 64:
                log(i)
    return dict(patches=out, coverage=coverage, kinds=kinds, orders=orders, unclear=unclear)


def held_out(art, sets, seed: int):
    """Plain scenes of 1 to 4 things, at random."""
    rng = np.random.default_rng(seed)
    while True:
        scene = world.plain_scene(art, sets, rng, vision.SIDE, int(rng.integers(1, 5)))
        if scene.objects:
            yield views.of_scene(scene)


def for_language(path: Path) -> dict:
    """What the language model learns from: pooled features of the views in which nothing is cut in two."""
    data = pickle.loads(path.read_bytes())

    def reduced(part, keep):
        return dict(features=pooled(part["patches"][keep]).astype(np.float16), orders=[part["orders"][i] for i in keep], cells=cells(part["coverage"][keep]))

    train = data["train"]
    whole = np.array([i for i, unclear in enumerate(train["unclear"]) if not unclear and train["kinds"][i] not in views.ENCODER_ONLY])
    tests = {name: reduced(t, np.arange(len(t["orders"]))) for name, t in data["tests"].items()}
    return dict(train=reduced(train, whole), tests=tests, vision=data["vision"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--views", type=int, default=43000)
    parser.add_argument("--seed", type=int, default=5 * 10**6)
    args = parser.parse_args()
    art = art_sets.load(None, args.work / "art.pkl")
    params = cores.copied(pickle.loads((args.work / "vision.pkl").read_bytes())["ema"])
    train = make(params, iter(views.Maker(art, args.seed)), args.views, lambda i: print(i, flush=True))
    tests = {name: make(params, held_out(art, sets, 100 + k), 400) for k, (name, sets) in enumerate(SETS.items())}
    data = dict(train=train, tests=tests, vision=jax.tree.map(np.asarray, params))
    part = args.work / "features.part"
    part.write_bytes(pickle.dumps(data, protocol=5))
    part.rename(args.work / "features.pkl")


if __name__ == "__main__":
    main()
