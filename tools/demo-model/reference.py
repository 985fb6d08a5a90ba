"""The model in JAX, with the weights as the GGUF files hold them: what llama.cpp must agree with.

Reading the files back (and not the checkpoint) makes the reference a test of `export.py`
as well: a transposed matrix or a forgotten bias shows up as bad figures here.
"""

from pathlib import Path

import gguf
import jax
import jax.numpy as jnp
import numpy as np
from PIL import Image

import language
import pack
import tokens
import train_language
import vision


def _read(path: Path) -> dict[str, np.ndarray]:
    return {t.name: np.array(t.data, dtype=np.float32) for t in gguf.GGUFReader(path).tensors}


class Model:
    """`demo.gguf` and `demo-mmproj.gguf`, answering as praetor asks."""

    def __init__(self, folder: Path):
        self.tokenizer = tokens.from_gguf(folder / "demo.gguf")
        self.packer = pack.Packer(self.tokenizer)
        v, t = _read(folder / "demo-mmproj.gguf"), _read(folder / "demo.gguf")
        pair = lambda name: {"w": v[name + ".weight"], "b": v[name + ".bias"]}
        matrix = lambda name: {"w": v[name + ".weight"].T, "b": v[name + ".bias"]}
        self.vision = jax.tree.map(jnp.asarray, {
            "patch": {"w": v["v.patch_embd.weight"].transpose(2, 3, 1, 0).reshape(-1, vision.WIDTH), "b": v["v.patch_embd.bias"]},
            "pos": v["v.position_embd.weight"],
            "layers": [
                {n: pair(f"v.blk.{i}.{n}") for n in ("ln1", "ln2")}
                | {n: matrix(f"v.blk.{i}.{m}") for n, m in (("q", "attn_q"), ("k", "attn_k"), ("v", "attn_v"), ("o", "attn_out"), ("up", "ffn_up"), ("down", "ffn_down"))}
                for i in range(vision.LAYERS)
            ],
            "post": pair("v.post_ln"),
        })
        names = (("q", "attn_q"), ("k", "attn_k"), ("v", "attn_v"), ("o", "attn_output"), ("gate", "ffn_gate"), ("up", "ffn_up"), ("down", "ffn_down"))
        self.lm = jax.tree.map(jnp.asarray, {
            "embed": t["token_embd.weight"], "norm": t["output_norm.weight"],
            "layers": [
                {n: t[f"blk.{i}.{n}.weight"] for n in ("attn_norm", "ffn_norm")} | {n: t[f"blk.{i}.{m}.weight"].T for n, m in names}
                for i in range(language.LAYERS)
            ],
            "soft_norm": v["mm.soft_emb_norm.weight"], "proj": v["mm.input_projection.weight"],
        })
        self._encode = jax.jit(lambda images: vision.pooled(vision.features(self.vision, images)))

    def encode(self, images: np.ndarray) -> np.ndarray:
        """uint8 `[n, 128, 128, 3]` -> pooled features."""
        out = []
        for i in range(0, len(images), 64):
            part = images[i : i + 64]
            full = np.concatenate([part, np.zeros((64 - len(part), *part.shape[1:]), np.uint8)])
            out.append(np.asarray(self._encode(full))[: len(part)])
        return np.concatenate(out)

    def ask(self, features: np.ndarray | None, statements: list[str]) -> np.ndarray:
        """M of each statement on each image, or the priors where `features` is None."""
        ids = [self.tokenizer.encode(" " + s).ids for s in statements]
        return train_language.ask(self.lm, self.packer, features, ids)

    def logits(self, features: np.ndarray | None, prompt: list[int], length: int = 128) -> np.ndarray:
        """Logits after a plain prompt (a list of token ids; the image's 16 slots are PAD after IMAGE_START)."""
        return np.asarray(self._next(features, [prompt], length))[0]

    def _next(self, features, prompts: list[list[int]], length: int) -> jnp.ndarray:
        n = len(prompts)
        ids = np.zeros((n, length), np.int32)
        for i, p in enumerate(prompts):
            ids[i, : len(p)] = p
        image_at = np.array([p.index(tokens.IMAGE_START) + 1 if features is not None else -1 for p in prompts])
        if features is None:
            features = np.zeros((n, 16, vision.WIDTH), np.float32)
        return _next_logits(self.lm, ids, features, image_at, np.array([len(p) - 1 for p in prompts]))

    def image_prompt(self, question: list[int]) -> list[int]:
        return [tokens.USER, tokens.IMAGE_START, *[tokens.PAD] * language.IMAGE_TOKENS, tokens.IMAGE_END, *question, tokens.END, tokens.MODEL]

    def generate(self, features: np.ndarray, prompts: list[list[int]], length: int, most: int) -> list[list[int]]:
        """Greedy continuation of each prompt until the end of the turn."""
        said: list[list[int]] = [[] for _ in prompts]
        open_ = set(range(len(prompts)))
        for _ in range(most):
            grown = [p + s for p, s in zip(prompts, said)]
            if not open_ or max(map(len, grown)) >= length:
                break
            best = np.asarray(self._next(features, grown, length)).argmax(-1)
            for i in list(open_):
                if best[i] == tokens.END:
                    open_.discard(i)
                else:
                    said[i].append(int(best[i]))
        return said


@jax.jit
def _next_logits(lm, ids, features, image_at, last):
    length = ids.shape[1]
    slot = jnp.arange(length)[None] - image_at[:, None]
    image = (slot >= 0) & (slot < language.IMAGE_TOKENS) & (image_at[:, None] >= 0)
    causal = jnp.tril(jnp.ones((length, length), bool))[None]
    mask = causal | (image[:, :, None] & image[:, None, :])
    x = language.embed(lm, ids, features, image_at)
    positions = jnp.broadcast_to(jnp.arange(length), ids.shape)
    h = language.hidden(lm, x, positions, mask)
    return jnp.take_along_axis(h, last[:, None, None], 1)[:, 0] @ lm["embed"].T


def open_image(path: Path) -> np.ndarray:
    """A PNG as the projector sees it: RGB, 128 px."""
    return np.asarray(Image.open(path).convert("RGB").resize((128, 128), Image.BILINEAR))
