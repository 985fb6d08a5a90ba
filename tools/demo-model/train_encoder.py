"""Train the encoder's pooling head and text tower on cached patch features.

    python train_encoder.py --work WORK

SigLIP's sigmoid loss, with two changes that a world with known truth allows. Every text of a
batch is compared with every image, and the label says whether the text is true of it. And
each word is compared with single patches, through the path that finds things by patch. The
rules of the demo constitution are not among the texts: the relevance scan reads them first
when it is measured. Resumes from WORK/encoder.pkl.
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

import encoder
import optimizer
import phrases
import rules
import text
import views
from classes import NAMES
from train_language import auc

IMAGES, WORDS, RULES, STATEMENTS, CAPTIONS, PATCHES = 256, 48, 88, 28, 28, 24
# The share of each kind of view: tiles count most, since parts of large things must not pass for small ones.
MIX = {views.SCENE: 0.33, views.CLOSE: 0.04, views.COVERED: 0.05, views.TILE: 0.42, views.CROP: 0.05, views.SPECK: 0.11}
# A missed text counts twice, for the scan must keep what is violated; a missed patch counts half, for false boxes cost more.
POSITIVE_TEXT, POSITIVE_PATCH = 2.0, 0.5


def cross_entropy(logit, label, weight, positive):
    """Sigmoid loss with soft labels; true pairs count `positive` times."""
    loss = positive * label * jax.nn.softplus(-logit) + (1 - label) * jax.nn.softplus(logit)
    return (loss * weight).sum() / weight.sum()


def loss_fn(params, batch, ids):
    texts = encoder.unit(encoder.of_text(params["text"], ids))
    images = encoder.unit(encoder.of_image(params["pooler"], batch["patches"]))
    scale, bias = jnp.exp(params["scale"]), params["bias"]
    whole = cross_entropy(scale * images @ texts.T + bias, batch["truth"], batch["clear"], POSITIVE_TEXT)
    some = jnp.take_along_axis(batch["patches"], batch["picked"][..., None], 1)
    some = encoder.unit(encoder.of_patches(params["pooler"], some))
    dense = cross_entropy(scale * some @ texts[:WORDS].T + bias, batch["shown"], jnp.ones(batch["shown"].shape), POSITIVE_PATCH)
    return whole + 4.0 * dense, (whole, dense)


@partial(jax.jit, donate_argnums=(0, 1, 2))
def train_step(params, state, ema, batch, ids, lr):
    (_, parts), grads = jax.value_and_grad(loss_fn, has_aux=True)(params, batch, ids)
    params, state, norm = optimizer.update(params, grads, state, lr)
    keep = jnp.minimum(0.995, (1.0 + state["t"]) / (10.0 + state["t"]))
    ema = jax.tree.map(lambda e, p: keep * e + (1 - keep) * p, ema, params)
    return params, state, ema, parts, norm


class Feed(threading.Thread):
    """Builds batches ahead of the trainer."""

    def __init__(self, tokenizer, data, seed: int):
        super().__init__(daemon=True)
        self.tokenizer, self.data, self.rng = tokenizer, data, np.random.default_rng(seed)
        self.rules = rules.bank(np.random.default_rng(31), 16000)
        self.statements = [phrases.of_statement(s) for s in text.bank(np.random.default_rng(32), 8000)]
        self.sure = rules.presence(data["orders"])
        self.unclear = rules.presence(data["unclear"])
        weight = np.array([MIX[k] for k in sorted(MIX)]) / np.bincount(data["kinds"], minlength=len(MIX))
        self.share = weight[data["kinds"]] / weight[data["kinds"]].sum()
        self.queue: queue.Queue = queue.Queue(4)
        self.start()

    def pick(self, bank, count):
        return [bank[i] for i in self.rng.integers(len(bank), size=count)]

    def run(self):
        rng, data = self.rng, self.data
        while True:
            scenes = rng.choice(len(self.sure), size=IMAGES, p=self.share)
            shown_words = phrases.words(rng, WORDS)
            captions = [phrases.caption(data["orders"][i], rng) for i in scenes if data["orders"][i]][:CAPTIONS]
            texts = shown_words + self.pick(self.rules, RULES) + self.pick(self.statements, STATEMENTS) + captions
            chains = [t.chain for t in texts]
            least = rules.truth_table(chains, self.sure[scenes])
            most = rules.truth_table(chains, self.sure[scenes] | self.unclear[scenes])
            picked = np.argsort(rng.random((IMAGES, 64)), 1)[:, :PATCHES].astype(np.int32)
            coverage = np.take_along_axis(data["coverage"][scenes].astype(np.float32), picked[..., None], 1)
            shown = np.stack([coverage[..., sorted(w.chain[0])].sum(-1) for w in shown_words], -1)
            batch = dict(patches=data["patches"][scenes].astype(np.float32), truth=least.astype(np.float32), clear=(least == most).astype(np.float32), picked=picked, shown=shown.clip(0, 1))
            self.queue.put((batch, phrases.encode(self.tokenizer, [t.text for t in texts])))


of_text, of_image, of_patches = (jax.jit(f) for f in (encoder.of_text, encoder.of_image, encoder.of_patches))


def cosines(params, patches, ids) -> np.ndarray:
    return np.asarray(encoder.unit(of_image(params["pooler"], patches)) @ encoder.unit(of_text(params["text"], ids)).T)


def quick_figures(params, tokenizer, tests) -> dict:
    """Relevance of the demo constitution's rules, and how well a word finds its patches, on held-out scenes."""
    out, known = {}, rules.constitution()
    for which, form in enumerate(("text", "objective")):
        asked = [pair[which] for pair in known.values()]
        ids = phrases.encode(tokenizer, [r.text for r in asked])
        threshold = None
        for name, test in tests.items():
            cos = cosines(params, test["patches"].astype(np.float32), ids)
            truth = rules.truth_table([r.chain for r in asked], rules.presence(test["orders"]))
            if threshold is None:  # keeps 97 % of what is violated on trained art
                threshold = float(np.quantile(cos[truth], 0.03))
                out[form + "_threshold"] = round(threshold, 3)
            out[f"{form}_{name}"] = [round(float((cos[truth] > threshold).mean()), 3), round(float((cos <= threshold).mean()), 3), round(auc(cos.ravel(), truth.ravel()), 3)]
    words = encoder.unit(of_text(params["text"], phrases.encode(tokenizer, list(NAMES))))
    for name, test in tests.items():
        patches = encoder.unit(of_patches(params["pooler"], test["patches"].astype(np.float32)))
        p = np.asarray(jax.nn.sigmoid(jnp.exp(params["scale"]) * patches @ words.T + params["bias"])).reshape(-1, len(NAMES))
        shown = test["coverage"][..., :-1].reshape(-1, len(NAMES)) > 0.5
        clear = shown | (test["coverage"][..., :-1].reshape(-1, len(NAMES)) < 0.02)
        out["patch_auc_" + name] = round(float(np.mean([auc(p[clear[:, c], c], shown[clear[:, c], c]) for c in range(len(NAMES))])), 3)
        said = p > 0.5
        out["patch_pr_" + name] = [round(float((said & shown)[clear].sum() / max(1, said[clear].sum())), 3), round(float((said & shown).sum() / shown.sum()), 3)]
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=25)
    parser.add_argument("--lr", type=float, default=0.02)
    args = parser.parse_args()
    tokenizer = phrases.tokenizer(args.work / "encoder-tokenizer.json")
    data = pickle.loads((args.work / "features.pkl").read_bytes())
    checkpoint = args.work / "encoder.pkl"
    if checkpoint.exists():
        saved = pickle.loads(checkpoint.read_bytes())
        params, state, ema, spent, steps = (saved[k] for k in ("params", "state", "ema", "spent", "steps"))
    else:
        params = encoder.init(tokenizer.get_vocab_size())
        state, ema, spent, steps = optimizer.init(params), params, 0.0, 0
    params, state, ema = (cores.copied(t) for t in (params, state, ema))
    feed = Feed(tokenizer, data["train"], 6 * 10**6 + steps)
    log = open(args.work / "encoder.jsonl", "a")
    last_save = last_eval = time.time()
    total, wholes, denses = args.minutes * 60, [], []
    while spent < total:
        done = spent / total
        lr = args.lr * min(1.0, (steps + 5) / 60) * (1.0 if done < 0.5 else max(0.03, 2 * (1 - done)))
        began = time.time()
        batch, ids = feed.queue.get()
        params, state, ema, (whole, dense), norm = train_step(params, state, ema, cores.split(batch), cores.copied(ids), cores.copied(np.float32(lr)))
        wholes.append(float(whole))
        denses.append(float(dense))
        spent += min(time.time() - began, 8)
        steps += 1
        if time.time() - last_save > 45 or spent >= total:
            figures = dict(clock=time.strftime("%H:%M:%S"), spent=round(spent), steps=steps, lr=round(float(lr), 5), whole=round(float(np.mean(wholes)), 4), dense=round(float(np.mean(denses)), 4), norm=round(float(norm), 2), scale=round(float(jnp.exp(params["scale"])), 2), bias=round(float(params["bias"]), 2))
            if time.time() - last_eval > 100 or spent >= total:
                figures |= quick_figures(jax.device_put(ema, jax.devices()[0]), tokenizer, data["tests"])
                last_eval = time.time()
            print(json.dumps(figures), file=log, flush=True)
            numpy = lambda tree: jax.tree.map(np.asarray, tree)
            part = checkpoint.with_suffix(".part")
            part.write_bytes(pickle.dumps(dict(params=numpy(params), state=numpy(state), ema=numpy(ema), vision=data["vision"], spent=spent, steps=steps)))
            part.rename(checkpoint)
            last_save, wholes, denses = time.time(), [], []


if __name__ == "__main__":
    main()
