"""The dual encoder: SigLIP's two towers, as Hugging Face computes them.

The vision tower is the frozen one of `vision.py`; here is what is trained on top: the
pooling head that turns patches into one embedding, and a small text tower that is padded to
64 tokens, attends to its padding and is read at its last position, as SigLIP's is.

A single patch has an embedding too: the pooling head, given one patch, must attend to it
alone, so that what comes out is its value projection and the rest of the head. Trained
through that very path, a patch lies near the words for what it shows.
"""

import jax
import jax.numpy as jnp
import numpy as np

from vision import EPS, HEADS, WIDTH, dense, layer_norm

LENGTH, LAYERS, FF = 64, 2, 768
HEAD = WIDTH // HEADS


def init(vocab: int, seed: int = 5) -> dict:
    rng = np.random.default_rng(seed)

    def normal(*shape, std):
        return jnp.asarray(rng.standard_normal(shape) * std, jnp.float32)

    def linear(inputs, outputs, scale=1.0):
        return {"w": normal(inputs, outputs, std=scale * inputs**-0.5), "b": jnp.zeros(outputs)}

    def norm():
        return {"w": jnp.ones(WIDTH), "b": jnp.zeros(WIDTH)}

    def layer():
        return {"ln1": norm(), "ln2": norm(), "up": linear(WIDTH, FF), "down": linear(FF, WIDTH, 1 / LAYERS)} | {
            name: linear(WIDTH, WIDTH, 1 / LAYERS if name == "o" else 1.0) for name in "qkvo"}

    return {
        "text": {"embed": normal(vocab, WIDTH, std=0.1), "pos": normal(LENGTH, WIDTH, std=0.05),
                 "layers": [layer() for _ in range(LAYERS)], "norm": norm(), "head": linear(WIDTH, WIDTH)},
        "pooler": {"probe": normal(WIDTH, std=1.0), "norm": norm(), "up": linear(WIDTH, FF), "down": linear(FF, WIDTH, 0.5)} | {name: linear(WIDTH, WIDTH) for name in "qkvo"},
        "scale": jnp.asarray(np.log(10.0), jnp.float32),
        "bias": jnp.asarray(-2.0, jnp.float32),
    }


def gelu(x):
    return jax.nn.gelu(x, approximate=True)


def linear(x, p):
    return dense(x, p, jnp.float32)


def attend(q, k, v):
    """`q` is `[n, queries, WIDTH]`, `k` and `v` are `[n, keys, WIDTH]`; nothing is masked."""
    n = q.shape[0]
    q, k, v = (t.reshape(n, -1, HEADS, HEAD) for t in (q, k, v))
    score = jnp.einsum("nqhd,nkhd->nhqk", q, k) * HEAD**-0.5
    return jnp.einsum("nhqk,nkhd->nqhd", jax.nn.softmax(score, -1), v).reshape(n, -1, WIDTH)


def of_text(p: dict, ids: jnp.ndarray) -> jnp.ndarray:
    """Padded token ids `[n, 64]` -> embeddings `[n, WIDTH]`, not yet of length one."""
    x = p["embed"][ids] + p["pos"]
    for i, block in enumerate(p["layers"]):
        y = layer_norm(x, block["ln1"])
        k, v = linear(y, block["k"]), linear(y, block["v"])
        if i == len(p["layers"]) - 1:  # only the last position is read
            x, y = x[:, -1:], y[:, -1:]
        x = x + linear(attend(linear(y, block["q"]), k, v), block["o"])
        x = x + linear(gelu(linear(layer_norm(x, block["ln2"]), block["up"])), block["down"])
    return linear(layer_norm(x[:, -1], p["norm"]), p["head"])


def _finish(p: dict, x: jnp.ndarray) -> jnp.ndarray:
    x = linear(x, p["o"])
    return x + linear(gelu(linear(layer_norm(x, p["norm"]), p["up"])), p["down"])


def of_image(p: dict, patches: jnp.ndarray) -> jnp.ndarray:
    """Patch features `[n, patches, WIDTH]` -> embeddings `[n, WIDTH]`."""
    q = jnp.broadcast_to(linear(p["probe"], p["q"]), (patches.shape[0], 1, WIDTH))
    return _finish(p, attend(q, linear(patches, p["k"]), linear(patches, p["v"])))[:, 0]


def of_patches(p: dict, patches: jnp.ndarray) -> jnp.ndarray:
    """Each patch as if it were the only one: `[..., WIDTH]` -> `[..., WIDTH]`."""
    return _finish(p, linear(patches, p["v"]))


def unit(x: jnp.ndarray) -> jnp.ndarray:
    return x * jax.lax.rsqrt((x * x).sum(-1, keepdims=True) + 1e-12)
