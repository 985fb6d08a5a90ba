"""The vision tower: SigLIP's ViT as llama.cpp computes it for `projector_type=gemma3`.

Everything here mirrors `tools/mtmd/models/siglip.cpp` and `clip_graph::build_vit`:
patch convolution with bias, learned positions, pre-norm blocks with biases, GELU in
its tanh form (`clip.use_gelu`), a closing LayerNorm, 2x2 average pooling, RMSNorm
with a weight, and one linear map into the language model. Change nothing here
without changing `export.py`.
"""

import jax
import jax.numpy as jnp
import numpy as np

from classes import THINGS

SIDE, PATCH = 128, 16
GRID = SIDE // PATCH  # 8 x 8 patches
POOL = 2  # -> 4 x 4 image tokens
WIDTH, LAYERS, HEADS, FF = 192, 5, 3, 768
EPS = 1e-6
CLASSES = len(THINGS) + 1  # the last label is background


def init(seed: int) -> dict:
    """Fresh parameters. `head` and `pool_head` serve training only and are not exported."""
    rng = np.random.default_rng(seed)

    def normal(*shape, std):
        return jnp.asarray(rng.standard_normal(shape) * std, jnp.float32)

    def layer():
        return {
            "ln1": {"w": jnp.ones(WIDTH), "b": jnp.zeros(WIDTH)},
            "ln2": {"w": jnp.ones(WIDTH), "b": jnp.zeros(WIDTH)},
            "q": {"w": normal(WIDTH, WIDTH, std=WIDTH**-0.5), "b": jnp.zeros(WIDTH)},
            "k": {"w": normal(WIDTH, WIDTH, std=WIDTH**-0.5), "b": jnp.zeros(WIDTH)},
            "v": {"w": normal(WIDTH, WIDTH, std=WIDTH**-0.5), "b": jnp.zeros(WIDTH)},
            "o": {"w": normal(WIDTH, WIDTH, std=WIDTH**-0.5 / LAYERS), "b": jnp.zeros(WIDTH)},
            "up": {"w": normal(WIDTH, FF, std=WIDTH**-0.5), "b": jnp.zeros(FF)},
            "down": {"w": normal(FF, WIDTH, std=FF**-0.5 / LAYERS), "b": jnp.zeros(WIDTH)},
        }

    return {
        "patch": {"w": normal(PATCH * PATCH * 3, WIDTH, std=0.02), "b": jnp.zeros(WIDTH)},
        "pos": normal(GRID * GRID, WIDTH, std=0.02),
        "layers": [layer() for _ in range(LAYERS)],
        "post": {"w": jnp.ones(WIDTH), "b": jnp.zeros(WIDTH)},
        "head": {"w": normal(WIDTH, CLASSES, std=0.02), "b": jnp.zeros(CLASSES)},
        "pool_head": {"w": normal(WIDTH, CLASSES - 1, std=0.02), "b": jnp.full(CLASSES - 1, -3.0)},
    }


def patches(images: jnp.ndarray) -> jnp.ndarray:
    """uint8 `[n, h, w, 3]` -> `[n, patches, 16*16*3]`, scaled as mean 0.5 and std 0.5 do."""
    n, h, w, _ = images.shape
    x = images.astype(jnp.float32) / 127.5 - 1.0
    x = x.reshape(n, h // PATCH, PATCH, w // PATCH, PATCH, 3).transpose(0, 1, 3, 2, 4, 5)
    return x.reshape(n, (h // PATCH) * (w // PATCH), PATCH * PATCH * 3)


def layer_norm(x, p):
    mean = x.mean(-1, keepdims=True)
    var = ((x - mean) ** 2).mean(-1, keepdims=True)
    return (x - mean) * jax.lax.rsqrt(var + EPS) * p["w"] + p["b"]


def dense(x, p, dtype):
    """A linear map whose operands may be rounded to bfloat16 to train faster."""
    return jnp.dot(x.astype(dtype), p["w"].astype(dtype), preferred_element_type=jnp.float32) + p["b"]


def features(params: dict, images: jnp.ndarray, corner=None, dtype=jnp.float32) -> jnp.ndarray:
    """Patch features `[n, patches, WIDTH]`.

    A picture smaller than 128 px is a window; `corner` (row, column), in patches, says
    where in the position table it lies, so that cheap windows train every position.
    """
    n, h, w, _ = images.shape
    rows, cols = h // PATCH, w // PATCH
    pos = params["pos"].reshape(GRID, GRID, WIDTH)
    if corner is not None:
        pos = jax.lax.dynamic_slice(pos, (corner[0], corner[1], 0), (rows, cols, WIDTH))
    x = dense(patches(images), params["patch"], dtype) + pos.reshape(rows * cols, WIDTH)
    head = WIDTH // HEADS
    for p in params["layers"]:
        y = layer_norm(x, p["ln1"])
        q, k, v = (dense(y, p[name], dtype).reshape(n, -1, HEADS, head) for name in "qkv")
        score = jnp.einsum("nqhd,nkhd->nhqk", q, k) * head**-0.5
        y = jnp.einsum("nhqk,nkhd->nqhd", jax.nn.softmax(score, -1), v).reshape(n, -1, WIDTH)
        x = x + dense(y, p["o"], dtype)
        y = dense(layer_norm(x, p["ln2"]), p["up"], dtype)
        x = x + dense(jax.nn.gelu(y, approximate=True), p["down"], dtype)
    return layer_norm(x, params["post"])


def pooled(x: jnp.ndarray, rows: int = GRID) -> jnp.ndarray:
    """2x2 average pooling: `[n, rows*cols, WIDTH]` -> `[n, rows*cols/4, WIDTH]`."""
    n, count, width = x.shape
    cols = count // rows
    return x.reshape(n, rows // POOL, POOL, cols // POOL, POOL, width).mean((2, 4)).reshape(n, count // 4, width)


def project(x: jnp.ndarray, norm: jnp.ndarray, proj: jnp.ndarray) -> jnp.ndarray:
    """Pooled features -> image tokens of the language model (`soft_emb_norm`, `input_projection`)."""
    x = x * jax.lax.rsqrt((x**2).mean(-1, keepdims=True) + EPS)
    return (x * norm) @ proj
