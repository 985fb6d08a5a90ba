"""The encoder in JAX with the weights as `model.safetensors` holds them: what Rust must agree with."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from PIL import Image
from safetensors.numpy import load_file
from tokenizers import Tokenizer

import encoder
import phrases
import vision

BATCH = 64


class Encoder:
    """Embeddings of length one, of pictures, texts and single patches."""

    def __init__(self, folder: Path):
        w = {k: jnp.asarray(v, jnp.float32) for k, v in load_file(folder / "model.safetensors").items()}
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        norm = lambda name: {"w": w[name + ".weight"], "b": w[name + ".bias"]}
        linear = lambda name: {"w": w[name + ".weight"].T, "b": w[name + ".bias"]}

        def block(b):
            return {"ln1": norm(b + "layer_norm1"), "ln2": norm(b + "layer_norm2"), "q": linear(b + "self_attn.q_proj"), "k": linear(b + "self_attn.k_proj"),
                    "v": linear(b + "self_attn.v_proj"), "o": linear(b + "self_attn.out_proj"), "up": linear(b + "mlp.fc1"), "down": linear(b + "mlp.fc2")}

        v, t, h = "vision_model.", "text_model.", "vision_model.head."
        kernel = w[v + "embeddings.patch_embedding.weight"].transpose(2, 3, 1, 0).reshape(-1, vision.WIDTH)
        tower = {"patch": {"w": kernel, "b": w[v + "embeddings.patch_embedding.bias"]}, "pos": w[v + "embeddings.position_embedding.weight"],
                 "layers": [block(f"{v}encoder.layers.{i}.") for i in range(vision.LAYERS)], "post": norm(v + "post_layernorm")}
        parts = {n: {"w": m.T, "b": b} for n, m, b in zip("qkv", jnp.split(w[h + "attention.in_proj_weight"], 3), jnp.split(w[h + "attention.in_proj_bias"], 3))}
        pooler = {"probe": w[h + "probe"][0, 0], "norm": norm(h + "layernorm"), "up": linear(h + "mlp.fc1"), "down": linear(h + "mlp.fc2"), "o": linear(h + "attention.out_proj")} | parts
        text = {"embed": w[t + "embeddings.token_embedding.weight"], "pos": w[t + "embeddings.position_embedding.weight"],
                "layers": [block(f"{t}encoder.layers.{i}.") for i in range(encoder.LAYERS)], "norm": norm(t + "final_layer_norm"), "head": linear(t + "head")}
        self.scale, self.bias = float(jnp.exp(w["logit_scale"][0])), float(w["logit_bias"][0])
        self._features = jax.jit(lambda x: vision.features(tower, x))
        self._image = jax.jit(lambda x: encoder.unit(encoder.of_image(pooler, x)))
        self._patch = jax.jit(lambda x: encoder.unit(encoder.of_patches(pooler, x)))
        self._text = jax.jit(lambda x: encoder.unit(encoder.of_text(text, x)))

    def patches(self, images: np.ndarray) -> np.ndarray:
        """uint8 `[n, 128, 128, 3]` -> patch features `[n, 64, width]`."""
        out = []
        for i in range(0, len(images), BATCH):
            part = images[i : i + BATCH]
            full = np.concatenate([part, np.zeros((BATCH - len(part), *part.shape[1:]), np.uint8)])
            out.append(np.asarray(self._features(full))[: len(part)])
        return np.concatenate(out)

    def images(self, patches: np.ndarray) -> np.ndarray:
        return np.asarray(self._image(patches))

    def single_patches(self, patches: np.ndarray) -> np.ndarray:
        return np.asarray(self._patch(patches))

    def ids(self, texts) -> np.ndarray:
        return phrases.encode(self.tokenizer, list(texts))

    def texts(self, texts) -> np.ndarray:
        return np.asarray(self._text(self.ids(texts)))

    def probability(self, cosine: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-(self.scale * cosine + self.bias)))


def open_image(source: Path | Image.Image) -> np.ndarray:
    """A picture as SigLIP's processor makes it: RGB, squeezed to 128 px, bicubic."""
    image = source if isinstance(source, Image.Image) else Image.open(source)
    return np.asarray(image.convert("RGB").resize((vision.SIDE, vision.SIDE), Image.BICUBIC))
