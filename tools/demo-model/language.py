"""The language model: llama.cpp's `llama` architecture, small.

RMSNorm, rotary positions on interleaved pairs (`LLAMA_ROPE_TYPE_NORM`), SwiGLU, tied
embeddings. One sequence holds an image once and many questions about it: a mask lets
each question see the image, the instruction it shares with others, and itself, and
positions start again after the shared part. That is how praetor's engine forks a
sequence, and it pays for the image once.
"""

import jax
import jax.numpy as jnp
import numpy as np

import vision

WIDTH, LAYERS, HEADS, FF = 160, 4, 5, 448
HEAD = WIDTH // HEADS
EPS = 1e-5
ROPE_BASE = 10000.0
CONTEXT = 2048
IMAGE_TOKENS = (vision.GRID // vision.POOL) ** 2


def init(vocab: int, seed: int = 1) -> dict:
    rng = np.random.default_rng(seed)

    def normal(*shape, std):
        return jnp.asarray(rng.standard_normal(shape) * std, jnp.float32)

    def layer():
        return {
            "attn_norm": jnp.ones(WIDTH),
            "ffn_norm": jnp.ones(WIDTH),
            "q": normal(WIDTH, WIDTH, std=WIDTH**-0.5),
            "k": normal(WIDTH, WIDTH, std=WIDTH**-0.5),
            "v": normal(WIDTH, WIDTH, std=WIDTH**-0.5),
            "o": normal(WIDTH, WIDTH, std=WIDTH**-0.5 / LAYERS),
            "gate": normal(WIDTH, FF, std=WIDTH**-0.5),
            "up": normal(WIDTH, FF, std=WIDTH**-0.5),
            "down": normal(FF, WIDTH, std=FF**-0.5 / LAYERS),
        }

    return {
        "embed": normal(vocab, WIDTH, std=0.05),
        "layers": [layer() for _ in range(LAYERS)],
        "norm": jnp.ones(WIDTH),
        "soft_norm": jnp.ones(vision.WIDTH),
        "proj": normal(vision.WIDTH, WIDTH, std=0.3 * vision.WIDTH**-0.5),
    }


def rms_norm(x, w):
    return x * jax.lax.rsqrt((x * x).mean(-1, keepdims=True) + EPS) * w


def rotary(positions: jnp.ndarray) -> tuple[jnp.ndarray, jnp.ndarray]:
    """cos and sin of `[n, length, 1, HEAD/2]` angles."""
    freq = ROPE_BASE ** (-jnp.arange(0, HEAD, 2) / HEAD)
    angle = positions[..., None, None].astype(jnp.float32) * freq
    return jnp.cos(angle), jnp.sin(angle)


def rotate(x, cos, sin):
    """Turns the pairs (0, 1), (2, 3), ... of each head."""
    pair = x.reshape(*x.shape[:-1], HEAD // 2, 2)
    a, b = pair[..., 0], pair[..., 1]
    return jnp.stack([a * cos - b * sin, a * sin + b * cos], -1).reshape(x.shape)


def hidden(params: dict, x: jnp.ndarray, positions: jnp.ndarray, mask: jnp.ndarray) -> jnp.ndarray:
    """Final hidden states of embedded inputs `[n, length, WIDTH]` under a boolean mask `[n, length, length]`."""
    n, length, _ = x.shape
    cos, sin = rotary(positions)
    bias = jnp.where(mask, 0.0, -1e9)[:, None]
    for p in params["layers"]:
        y = rms_norm(x, p["attn_norm"])
        q, k, v = ((y @ p[name]).reshape(n, length, HEADS, HEAD) for name in "qkv")
        q, k = rotate(q, cos, sin) * HEAD**-0.5, rotate(k, cos, sin)
        score = jnp.einsum("nqhd,nkhd->nhqk", q, k) + bias
        y = jnp.einsum("nhqk,nkhd->nqhd", jax.nn.softmax(score, -1), v).reshape(n, length, WIDTH)
        x = x + y @ p["o"]
        y = rms_norm(x, p["ffn_norm"])
        x = x + (jax.nn.silu(y @ p["gate"]) * (y @ p["up"])) @ p["down"]
    return rms_norm(x, params["norm"])


def embed(params: dict, tokens: jnp.ndarray, image: jnp.ndarray | None, image_at: jnp.ndarray | None = None) -> jnp.ndarray:
    """Token embeddings, with an image's projected tokens laid over the slots `image_at` onwards.

    `image` is `[n, 16, vision.WIDTH]` pooled features. A sequence without image has its
    `image_at` at -1 and keeps its token embeddings.
    """
    x = params["embed"][tokens]
    if image is None:
        return x
    soft = vision.project(image, params["soft_norm"], params["proj"])
    slot = jnp.arange(tokens.shape[1])[None] - image_at[:, None]
    inside = (slot >= 0) & (slot < IMAGE_TOKENS) & (image_at[:, None] >= 0)
    laid = jnp.take_along_axis(soft, jnp.clip(slot, 0, IMAGE_TOKENS - 1)[..., None], 1)
    return jnp.where(inside[..., None], laid, x)


def tree_mask(segment: jnp.ndarray, parent: jnp.ndarray, image: jnp.ndarray) -> jnp.ndarray:
    """Who sees whom: earlier tokens of one's own segment, its parent and grandparent; image tokens see all image tokens.

    `segment` is `[n, length]` (-1 pads), `parent` `[n, length]` and `image` (bool) likewise, by token.
    Segment 0 is the root that all descend from.
    """
    i, j = segment[:, :, None], segment[:, None, :]
    earlier = jnp.arange(segment.shape[1])[None, :, None] >= jnp.arange(segment.shape[1])[None, None, :]
    kin = (i == j) | (j == parent[:, :, None]) | (j == 0)
    both = image[:, :, None] & image[:, None, :]
    return (kin & earlier & (j >= 0)) | both
