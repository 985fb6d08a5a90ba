"""Train the vision tower: single pictograms in small windows first, whole scenes last.

From scratch on whole scenes the tower hardly starts, because most patches are
background. A 48 px window (9 patches) around one pictogram costs a seventh of a
scene and is nearly all signal; its random offset into the position table trains
every position. Phases are counted in minutes, not steps, since the machine is shared.

    python train_vision.py --work WORK --modules NODE_MODULES
"""

import argparse
import json
import pickle
import queue
import threading
import time
from functools import partial
from pathlib import Path

import cores  # before JAX

import jax
import jax.numpy as jnp
import numpy as np

import art as art_sets
import optimizer
import vision
import world

# side in px, most objects, images a batch, minutes, learning rate at its start and end
PHASES = (
    dict(side=48, most=1, batch=384, minutes=12.0, lr=(0.02, 0.014)),
    dict(side=64, most=2, batch=256, minutes=14.0, lr=(0.014, 0.010)),
    dict(side=128, most=4, batch=64, minutes=27.0, lr=(0.008, 0.0006)),
    dict(side=128, most=4, batch=64, minutes=8.0, lr=(0.003, 0.0003)),
)


def loss_fn(params, images, labels, corner, dtype):
    """Cross-entropy of patch labels, plus what each image token (2x2 patches) shows."""
    rows = images.shape[1] // vision.PATCH
    x = vision.features(params, images, corner, dtype)
    logits = vision.dense(x, params["head"], dtype)
    loss = -(jax.nn.log_softmax(logits) * labels).sum(-1).mean()
    if rows % 2 == 0:
        shown = labels[..., :-1].reshape(-1, rows // 2, 2, rows // 2, 2, vision.CLASSES - 1).max((2, 4))
        shown = shown.reshape(shown.shape[0], -1, vision.CLASSES - 1)
        token = vision.dense(vision.pooled(x, rows), params["pool_head"], dtype)
        bce = jnp.maximum(token, 0) - token * shown + jnp.log1p(jnp.exp(-jnp.abs(token)))
        loss = loss + 2.0 * bce.sum(-1).mean() / 4
    return loss


@partial(jax.jit, static_argnames=("dtype",), donate_argnums=(0, 1, 2))
def train_step(params, state, ema, images, labels, corner, lr, dtype=jnp.float32):
    loss, grads = jax.value_and_grad(loss_fn)(params, images, labels, corner, dtype)
    params, state, norm = optimizer.update(params, grads, state, lr)
    keep = jnp.minimum(0.998, (1.0 + state["t"]) / (10.0 + state["t"]))
    ema = jax.tree.map(lambda e, p: keep * e + (1 - keep) * p, ema, params)
    return params, state, ema, loss, norm


@jax.jit
def scene_scores(params, images):
    """How sure the tower is that each class is somewhere in the picture."""
    logits = vision.dense(vision.features(params, images), params["head"], jnp.float32)
    return jax.nn.softmax(logits, -1).max(1)[:, :-1]


def average_precision(score: np.ndarray, truth: np.ndarray) -> float:
    order = np.argsort(-score)
    hit = truth[order]
    return float((np.cumsum(hit) / (np.arange(len(hit)) + 1))[hit > 0].mean()) if hit.any() else float("nan")


def held_out(art, count: int = 320) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Scenes from seeds that training never uses (it counts up from 10**6)."""
    out = {}
    for seed, (name, sets) in enumerate((("trained", art_sets.TRAINED), ("emojione", ("emojione",)), ("openmoji", ("openmoji",)))):
        rng = np.random.default_rng(seed)
        scenes = [world.plain_scene(art, sets, rng, 128, int(rng.integers(1, 5))) for _ in range(count)]
        truth = np.zeros((count, vision.CLASSES - 1))
        for i, scene in enumerate(scenes):
            truth[i, list(scene.classes)] = 1
        out[name] = np.stack([s.image for s in scenes]), truth
    return out


def evaluate(params, scenes) -> dict:
    figures = {}
    for name, (images, truth) in scenes.items():
        score = np.concatenate([np.asarray(scene_scores(params, images[i : i + 64])) for i in range(0, len(images), 64)])
        each = [average_precision(score[:, c], truth[:, c]) for c in range(truth.shape[1])]
        figures[name] = round(float(np.nanmean(each)), 3)
        figures[name + "_by_class"] = [round(a, 2) for a in each]
    return figures


class Feed(threading.Thread):
    """Composes batches ahead of the trainer on the time XLA leaves over."""

    def __init__(self, pool: world.Pool, seed: int):
        super().__init__(daemon=True)
        self.pool, self.rng, self.phase = pool, np.random.default_rng(seed), None
        self.queue: queue.Queue = queue.Queue(3)

    def run(self):
        while True:
            phase = self.phase
            side, n = phase["side"], phase["side"] // vision.PATCH
            images = np.empty((phase["batch"], side, side, 3), np.uint8)
            labels = np.empty((phase["batch"], n * n, vision.CLASSES), np.float32)
            for i in range(phase["batch"]):
                count = int(self.rng.integers(1, phase["most"] + 1))
                outside = 0.25 if side < 128 else 0.08
                scene = world.train_scene(self.pool, self.rng, side, count, outside)
                images[i], labels[i] = scene.image, scene.coverage.reshape(n * n, -1)
            self.pool.refresh(24)
            room = vision.GRID - n
            corner = self.rng.integers(0, room + 1, 2)
            self.queue.put((side, images, labels, corner))

    def next(self, phase):
        self.phase = phase
        if not self.is_alive():
            self.start()
        while True:
            side, *batch = self.queue.get()
            if side == phase["side"]:  # drop what was composed for the phase before
                return batch


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--modules", type=Path)
    parser.add_argument("--minutes", type=float, default=1.0, help="scales every phase")
    parser.add_argument("--bf16", action="store_true")
    args = parser.parse_args()
    art = art_sets.load(args.modules, args.work / "art.pkl")
    checkpoint = args.work / "vision.pkl"
    if checkpoint.exists():
        saved = pickle.loads(checkpoint.read_bytes())
    else:
        params = vision.init(0)
        saved = dict(params=params, state=optimizer.init(params), ema=jax.tree.map(jnp.array, params), spent=0.0, seen=0)
    params, state, ema = (cores.copied(saved[k]) for k in ("params", "state", "ema"))
    spent, seen = saved["spent"], saved["seen"]
    feed = Feed(world.Pool(art, art_sets.TRAINED, np.random.default_rng(10**6 + seen)), 2 * 10**6 + seen)
    scenes, log = held_out(art), open(args.work / "vision.jsonl", "a")
    dtype = jnp.bfloat16 if args.bf16 else jnp.float32
    ends = np.cumsum([p["minutes"] * 60 * args.minutes for p in PHASES])
    last_save = last_eval = time.time()
    running = []
    while spent < ends[-1]:
        k = int(np.searchsorted(ends, spent, side="right"))
        phase, length = PHASES[k], PHASES[k]["minutes"] * 60 * args.minutes
        done = (spent - (ends[k] - length)) / length
        lr = phase["lr"][0] + (phase["lr"][1] - phase["lr"][0]) * done
        if seen < 12000:
            lr *= (seen + 400) / 12400
        began = time.time()
        images, labels, corner = feed.next(phase)
        images, labels = cores.split((images, labels))
        params, state, ema, loss, norm = train_step(params, state, ema, images, labels, cores.copied(corner), cores.copied(np.float32(lr)), dtype)
        running.append(float(loss))
        spent += min(time.time() - began, 20)  # a compilation does not count
        seen += len(images)
        if time.time() - last_save > 60 or spent >= ends[-1]:
            figures = dict(clock=time.strftime("%H:%M:%S"), spent=round(spent), side=phase["side"], seen=seen, lr=round(float(lr), 5), loss=round(float(np.mean(running)), 4), norm=round(float(norm), 2))
            if time.time() - last_eval > 170 or spent >= ends[-1]:
                figures |= evaluate(jax.device_put(ema, jax.devices()[0]), scenes)
                last_eval = time.time()
            print(json.dumps(figures), file=log, flush=True)
            numpy = lambda tree: jax.tree.map(np.asarray, tree)
            part = checkpoint.with_suffix(".part")
            part.write_bytes(pickle.dumps(dict(params=numpy(params), state=numpy(state), ema=numpy(ema), spent=spent, seen=seen)))
            part.rename(checkpoint)
            last_save, running = time.time(), []


if __name__ == "__main__":
    main()
