"""Train the language model on cached vision features.

    python train_language.py --work WORK

The projection starts as a linear read-out of the classes composed with the embeddings
of their words, so that from the first step an image token looks like the names of what
it shows. Resumes from WORK/language.pkl; a newer WORK/features.pkl is picked up then.
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

import features
import language
import optimizer
import pack
import rules
import text
import tokens
import vision

BATCH = {"visible": 4, "prior": 2, "talk": 10}
RULE_ROWS = 4  # longer ones, the last of them without an image


def loss_fn(params, groups, yes, no):
    """The mean over two groups of rows of different lengths, as if they were one."""
    sums = [loss_sums(params, rows, image, yes, no) for rows, image in groups]
    total, weight, answer, seen, words, spoken = (sum(s) for s in zip(*sums))
    of = lambda k: sums[k][2] / sums[k][3]
    return total / weight, (of(0), of(1), words / spoken)


def loss_sums(params, rows, image, yes, no):
    mask = language.tree_mask(rows["segment"], rows["parent"], rows["image"])
    x = language.embed(params, rows["tokens"], image, rows["image_at"])
    h = language.hidden(params, x, rows["positions"], mask)
    # only the places that have a target; a row has fewer than KEEP
    at = jnp.argsort(rows["weight"] <= 0, axis=1, stable=True)[:, :KEEP]
    take = lambda a: jnp.take_along_axis(a, at, 1)
    h = jnp.take_along_axis(h, at[..., None], 1)
    weight, target, p_yes = take(rows["weight"]), take(rows["target"]), take(rows["p_yes"])
    log = jax.nn.log_softmax(h @ params["embed"].T)
    soft = -(p_yes * log[..., yes] + (1 - p_yes) * log[..., no])
    hard = -jnp.take_along_axis(log, jnp.maximum(target, 0)[..., None], -1)[..., 0]
    asked = p_yes >= 0
    total = (weight * jnp.where(asked, soft, hard)).sum()
    seen = asked & (rows["image_at"] >= 0)[:, None]
    spoken = (~asked) * weight
    return total, weight.sum(), (soft * seen).sum(), seen.sum(), (hard * spoken).sum(), spoken.sum()


KEEP = 112


@partial(jax.jit, static_argnames=("yes", "no"), donate_argnums=(0, 1, 2))
def train_step(params, state, ema, groups, lr, yes, no):
    (loss, parts), grads = jax.value_and_grad(loss_fn, has_aux=True)(params, groups, yes, no)
    params, state, norm = optimizer.update(params, grads, state, lr)
    keep = jnp.minimum(0.995, (1.0 + state["t"]) / (10.0 + state["t"]))
    ema = jax.tree.map(lambda e, p: keep * e + (1 - keep) * p, ema, params)
    return params, state, ema, parts, norm


def start(tokenizer, data) -> dict:
    """Fresh parameters whose projection already points at the words for what a token shows."""
    params = language.init(tokenizer.get_vocab_size())
    x = data["train"]["features"][:4000].reshape(-1, vision.WIDTH).astype(np.float32)
    x /= np.sqrt((x**2).mean(-1, keepdims=True) + vision.EPS)
    y = data["train"]["cells"][:4000].reshape(len(x), -1).astype(np.float32)
    read = np.linalg.solve(x.T @ x + 20.0 * np.eye(vision.WIDTH), x.T @ y)
    embed = np.asarray(params["embed"])
    words = np.stack([np.mean([embed[i] for i in tokenizer.encode(" " + n).ids], 0) for n in text.NAMES])
    noise = np.random.default_rng(2).standard_normal((vision.WIDTH, language.WIDTH)) * 0.01 / vision.WIDTH**0.5
    params["proj"] = jnp.asarray(2.0 * read @ words + noise, jnp.float32)
    return params


def refit(lm, old: dict, new: dict, art_file: Path) -> dict:
    """Keeps what a language model has learnt when the vision tower under it has moved on.

    The projection is solved anew, so that the new tower's features land where the old
    one's did on the same scenes.
    """
    import art
    import views

    images = np.stack([v.image for v, _ in zip(views.Maker(art.load(None, art_file), 77), range(1536))])
    encode = lambda tower: features.pooled(np.concatenate([np.asarray(features.encode(tower, images[i : i + 64])) for i in range(0, len(images), 64)]))
    unit = lambda x: (x / np.sqrt((x**2).mean(-1, keepdims=True) + vision.EPS)).reshape(-1, vision.WIDTH)
    was = unit(encode(old)) * np.asarray(lm["soft_norm"]) @ np.asarray(lm["proj"])
    now = unit(encode(new))
    proj = np.linalg.solve(now.T @ now + 10.0 * np.eye(vision.WIDTH), now.T @ was)
    print("refit: left", float(((now @ proj - was) ** 2).sum() / (was**2).sum()), flush=True)
    return dict(lm, proj=proj.astype(np.float32), soft_norm=np.ones(vision.WIDTH, np.float32))


@partial(jax.jit, static_argnames=("yes", "no"))
def yes_probability(params, rows, image, yes, no):
    """M at every place that asks for Yes or No."""
    mask = language.tree_mask(rows["segment"], rows["parent"], rows["image"])
    x = language.embed(params, rows["tokens"], image, rows["image_at"])
    logits = language.hidden(params, x, rows["positions"], mask) @ params["embed"][jnp.array([yes, no])].T
    return jax.nn.sigmoid(logits[..., 0] - logits[..., 1])


def ask(params, packer, features, ids: list[list[int]], chunk: int = 16) -> np.ndarray:
    """M of every statement on every image, `[images, statements]`; features None gives the prior."""
    rows, where, at = [], [], 0
    while at < len(ids):
        row = packer.start(features is not None)
        before = at
        shared = packer.add(row, packer.visible[0], 0, row["head"])
        while at < len(ids):
            branch = [*ids[at], tokens.END, tokens.MODEL]
            if packer.add(row, branch, shared, row["head"] + len(packer.visible[0])) is None:
                break
            where.append((len(rows), row["used"] - 1))
            at += 1
        assert at > before, "a statement is too long for a row"
        rows.append(row)
    keys = ("tokens", "positions", "segment", "parent", "image", "image_at")
    stacked = {k: np.stack([np.asarray(r[k]) for r in rows]) for k in keys}
    r, c = np.array(where).T
    if features is None:
        features, stacked["image_at"] = np.zeros((1, 16, vision.WIDTH), np.float32), np.full(len(rows), -1)
    out = []
    per = max(1, chunk // len(rows))
    count = len(features)
    for i in range(0, count, per):
        part = features[i : i + per].astype(np.float32)
        pad = per - len(part)
        part = np.concatenate([part, np.zeros((pad, *part.shape[1:]), np.float32)]) if pad else part
        tiled = {k: np.tile(v, (per,) + (1,) * (v.ndim - 1)) for k, v in stacked.items()}
        m = np.asarray(yes_probability(params, tiled, np.repeat(part, len(rows), 0), packer.yes, packer.no))
        out.append(m.reshape(per, len(rows), -1)[:, r, c][: per - pad])
    return np.concatenate(out)


def ask_once(params, packer, features, question: list[int], length: int = pack.RULES_LENGTH) -> np.ndarray:
    """M of one long question on each image, or without any where `features` is None."""
    row = packer.start(features is not None, length)
    packer.add(row, [*question, tokens.END, tokens.MODEL], 0, row["head"])
    one = {k: np.asarray(row[k])[None] for k in ("tokens", "positions", "segment", "parent", "image", "image_at")}
    if features is None:
        features = np.zeros((1, 16, vision.WIDTH), np.float32)
    out, per = [], 16 if len(features) > 1 else 1
    for i in range(0, len(features), per):
        part = features[i : i + per].astype(np.float32)
        full = np.concatenate([part, np.zeros((per - len(part), *part.shape[1:]), np.float32)])
        rows = {k: np.repeat(v, per, 0) for k, v in one.items()}
        out.append(np.asarray(yes_probability(params, rows, full, packer.yes, packer.no))[: len(part), row["used"] - 1])
    return np.concatenate(out)


def auc(score: np.ndarray, truth: np.ndarray) -> float:
    """Area under the ROC curve by ranks, ties counted half."""
    from scipy.stats import rankdata

    positive = truth.sum()
    if positive == 0 or positive == len(truth):
        return float("nan")
    return float((rankdata(score)[truth].sum() - positive * (positive + 1) / 2) / (positive * (len(truth) - positive)))


def quick_figures(params, packer, tokenizer, data, images: int = 150) -> dict:
    """Mean AUC of the plain singles on each test set, and how near the priors are to what was asked for."""
    singles = [text.Statement(p.phrase, (p,), False, "single") for p in text.PARTS.values()]
    ids = [tokenizer.encode(" " + s.text).ids for s in singles]
    figures = {}
    for name, test in data["tests"].items():
        m = ask(params, packer, test["features"][:images], ids)
        truth = np.array([[s.truth(set(o)) for s in singles] for o in test["orders"][:images]])
        figures["auc_" + name] = round(float(np.nanmean([auc(m[:, k], truth[:, k]) for k in range(len(singles))])), 3)
        right = ((m > 0.5) == truth)
        figures["bal_" + name] = round(float(np.nanmean([(right[truth[:, k], k].mean() + right[~truth[:, k], k].mean()) / 2 for k in range(len(singles)) if truth[:, k].any()])), 3)
        scenes, own = [set(o) for o in test["orders"][:images]], rules.constitution().values()
        broken = np.array([[r.broken(o) for r, _ in own] for o in scenes])
        rest = test["features"][:images]
        m = ask_once(params, packer, rest, [*packer.rules, *packer.encode(text.list_of_rules([r for r, _ in own]))])
        figures["all_rules_" + name] = round(auc(m, broken.any(1)), 3)
        few = [list(rules.constitution()).index(k) for k in ("weapons.child", "fire.person", "tobacco", "injury.animal")]
        one = [auc(ask_once(params, packer, rest, [*packer.rules, *packer.encode(text.list_of_rules([list(own)[k][0]]))], 128), broken[:, k]) for k in few]
        figures["one_rule_" + name] = round(float(np.nanmean(one)), 3)
        figures["taste_" + name] = round(auc(ask_once(params, packer, rest, packer.taste, 128), np.array([bool(o & set(text.DISTASTEFUL)) for o in scenes])), 3)
    prior = ask(params, packer, None, ids)[0]
    figures["prior_error"] = round(float(np.abs(prior - [s.prior for s in singles]).mean()), 3)
    return figures


class Feed(threading.Thread):
    """Builds batches ahead; the mix of kinds is fixed, the statements are not."""

    def __init__(self, packer, bank, book, data, seed: int):
        super().__init__(daemon=True)
        self.packer, self.bank, self.book, self.data = packer, bank, book, data
        self.rng, self.queue = np.random.default_rng(seed), queue.Queue(4)
        self.start()

    def run(self):
        orders, features = self.data["train"]["orders"], self.data["train"]["features"]
        while True:
            parts = [pack.batch(kind, n, self.packer, self.bank, orders, self.rng) for kind, n in BATCH.items()]
            rows = {k: np.concatenate([p[0][k] for p in parts]) for k in parts[0][0]}
            scenes = np.concatenate([p[1] for p in parts])
            long, about = pack.rules_batch(RULE_ROWS, self.packer, self.book, self.rng)
            self.queue.put(((rows, features[scenes].astype(np.float32)), (long, features[about].astype(np.float32))))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=65)
    parser.add_argument("--lr", type=float, default=0.015)
    args = parser.parse_args()
    tokenizer = tokens.load(args.work / "tokenizer.json")
    data = features.for_language(args.work / "features.pkl")
    packer = pack.Packer(tokenizer)
    checkpoint = args.work / "language.pkl"
    if checkpoint.exists():
        saved = pickle.loads(checkpoint.read_bytes())
        params, state, ema, spent, steps = saved["params"], saved["state"], saved["ema"]["lm"], saved["spent"], saved["steps"]
        if not np.array_equal(saved["ema"]["vision"]["pos"], data["vision"]["pos"]):
            params, ema = (refit(t, saved["ema"]["vision"], data["vision"], args.work / "art.pkl") for t in (params, ema))
    else:
        params = start(tokenizer, data)
        state, ema, spent, steps = optimizer.init(params), params, 0.0, 0
    params, state, ema = (cores.copied(t) for t in (params, state, ema))
    bank = pack.Bank(text.bank(np.random.default_rng(12), 14000), tokenizer, data["train"]["orders"])
    feed = Feed(packer, bank, pack.RuleBook(data["train"]["orders"]), data, 4 * 10**6 + steps)
    log = open(args.work / "language.jsonl", "a")
    last_save = last_eval = time.time()
    total, parts = args.minutes * 60, []
    while spent < total:
        done = spent / total
        lr = args.lr * min(1.0, (steps + 5) / 60) * (1.0 if done < 0.5 else max(0.03, 2 * (1 - done)))
        began = time.time()
        groups = cores.split(feed.queue.get())
        params, state, ema, part, norm = train_step(params, state, ema, groups, cores.copied(np.float32(lr)), packer.yes, packer.no)
        parts.append([float(p) for p in part])
        spent += min(time.time() - began, 8)
        steps += 1
        if time.time() - last_save > 60 or spent >= total:
            figures = dict(clock=time.strftime("%H:%M:%S"), spent=round(spent), steps=steps, lr=round(float(lr), 5), **{k: round(float(p), 4) for k, p in zip(("answer", "rules", "words"), np.mean(parts, 0))}, norm=round(float(norm), 2))
            if time.time() - last_eval > 300 or spent >= total:
                figures |= quick_figures(jax.device_put(ema, jax.devices()[0]), packer, tokenizer, data)
                last_eval = time.time()
            print(json.dumps(figures), file=log, flush=True)
            numpy = lambda tree: jax.tree.map(np.asarray, tree)
            unfinished = checkpoint.with_suffix(".part")
            unfinished.write_bytes(pickle.dumps(dict(params=numpy(params), state=numpy(state), ema=dict(lm=numpy(ema), vision=data["vision"]), spent=spent, steps=steps)))
            unfinished.rename(checkpoint)
            last_save, parts = time.time(), []


if __name__ == "__main__":
    main()
