"""Run the frozen vision tower over many scenes once and keep what the language model sees.

    python features.py --work WORK --scenes 20000

Pooled features are 16 x 192 numbers a scene; a language model trained from them costs
nothing for vision.
"""

import argparse
import pickle
from pathlib import Path

import cores  # before JAX

import jax
import numpy as np

import art as art_sets
import vision
import world

encode = jax.jit(lambda params, images: vision.pooled(vision.features(params, images)))


def cells(coverage: np.ndarray) -> np.ndarray:
    """Which classes each of the 16 image tokens shows."""
    return coverage[..., :-1].reshape(4, 2, 4, 2, -1).max((1, 3)).reshape(16, -1)


def make(params, scenes, count: int, log=lambda done: None) -> dict:
    """Features, caption orders and cell labels of `count` scenes from an iterator."""
    out = np.empty((count, 16, vision.WIDTH), np.float16)
    shown = np.empty((count, 16, vision.CLASSES - 1), np.float16)
    orders, images = [], []
    for i, scene in zip(range(count), scenes):
        images.append(scene.image)
        orders.append([o.cls for o in scene.objects])
        shown[i] = cells(scene.coverage)
        if len(images) == 64 or i == count - 1:
            batch = np.zeros((64, *images[0].shape), np.uint8)
            batch[: len(images)] = images
            out[i + 1 - len(images) : i + 1] = np.asarray(encode(params, cores.split(batch)))[: len(images)]
            images = []
            if i % 2048 < 64:
                log(i)
    return dict(features=out, orders=orders, cells=shown)


def training_scenes(art, seed: int):
    """Augmented scenes, half of them plain: a model that has only seen the worst of drawings is never sure."""
    rng = np.random.default_rng(seed)
    pool = world.Pool(art, art_sets.TRAINED, rng)
    while True:
        count = int(rng.integers(1, 5))
        if rng.random() < 0.5:
            scene = world.plain_scene(art, art_sets.TRAINED, rng, 128, count)
        else:
            scene = world.train_scene(pool, rng, 128, count, 0.06)
            pool.refresh(1)
        if scene.objects:
            yield scene


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--scenes", type=int, default=20000)
    parser.add_argument("--seed", type=int, default=3 * 10**6)
    args = parser.parse_args()
    art = art_sets.load(None, args.work / "art.pkl")
    params = cores.copied(pickle.loads((args.work / "vision.pkl").read_bytes())["ema"])
    train = make(params, training_scenes(art, args.seed), args.scenes, lambda i: print(i, flush=True))
    tests = {}
    for seed, (name, sets) in enumerate((("trained", art_sets.TRAINED), ("emojione", ("emojione",)), ("openmoji", ("openmoji",)))):
        rng = np.random.default_rng(100 + seed)
        scenes = (world.plain_scene(art, sets, rng, 128, int(rng.integers(1, 5))) for _ in iter(int, 1))
        tests[name] = make(params, (s for s in scenes if s.objects), 400)
    data = dict(train=train, tests=tests, vision=jax.tree.map(np.asarray, params))
    part = args.work / "features.part"
    part.write_bytes(pickle.dumps(data, protocol=5))
    part.rename(args.work / "features.pkl")


if __name__ == "__main__":
    main()
