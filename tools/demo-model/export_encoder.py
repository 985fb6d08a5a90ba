"""Write the encoder as Hugging Face stores a SigLIP model, and its parity fixture.

    python export_encoder.py --work WORK --out models/demo

Fills OUT/encoder with `config.json`, `preprocessor_config.json`, `tokenizer.json` and
`model.safetensors` in float16; then reads that file back and writes OUT/encoder-parity.json.
"""

import argparse
import json
import pickle
import shutil
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

import encoder
import vision

PARITY_IMAGES = ("knife-child.png", "beer.png", "fire-dog.png", "apple.png")
PARITY_TEXTS = ("A child must not be shown together with a weapon.", "A dog or a cat must not be visible together with fire.", "A cigarette must not be visible.",
                "a knife", "crossed swords", "a picture of a child, a knife and a tree")
PARITY_WORDS = ("knife", "child")


def config(vocabulary: int) -> dict:
    shared = dict(hidden_size=vision.WIDTH, num_attention_heads=vision.HEADS, hidden_act="gelu_pytorch_tanh", layer_norm_eps=vision.EPS, attention_dropout=0.0)
    return dict(
        architectures=["SiglipModel"], model_type="siglip", torch_dtype="float16", initializer_factor=1.0,
        text_config=dict(model_type="siglip_text_model", vocab_size=vocabulary, max_position_embeddings=encoder.LENGTH, intermediate_size=encoder.FF,
                         num_hidden_layers=encoder.LAYERS, projection_size=vision.WIDTH, pad_token_id=0, bos_token_id=None, eos_token_id=None, **shared),
        vision_config=dict(model_type="siglip_vision_model", image_size=vision.SIDE, patch_size=vision.PATCH, num_channels=3, intermediate_size=vision.FF,
                           num_hidden_layers=vision.LAYERS, **shared),
    )


PREPROCESSOR = dict(
    image_processor_type="SiglipImageProcessor", do_resize=True, size=dict(height=vision.SIDE, width=vision.SIDE), resample=3,
    do_rescale=True, rescale_factor=1 / 255, do_normalize=True, image_mean=[0.5] * 3, image_std=[0.5] * 3, do_convert_rgb=True,
)


def _pair(out: dict, name: str, p: dict, turn: bool) -> None:
    """A linear map is stored with one output a row, as PyTorch does."""
    out[name + ".weight"] = np.asarray(p["w"]).T if turn else np.asarray(p["w"])
    out[name + ".bias"] = np.asarray(p["b"])


def _blocks(out: dict, tower: str, layers) -> None:
    for i, p in enumerate(layers):
        b = f"{tower}.encoder.layers.{i}."
        for ours, theirs in (("ln1", "layer_norm1"), ("ln2", "layer_norm2")):
            _pair(out, b + theirs, p[ours], False)
        for ours, theirs in (("q", "self_attn.q_proj"), ("k", "self_attn.k_proj"), ("v", "self_attn.v_proj"), ("o", "self_attn.out_proj"), ("up", "mlp.fc1"), ("down", "mlp.fc2")):
            _pair(out, b + theirs, p[ours], True)


def tensors(params: dict, tower: dict) -> dict[str, np.ndarray]:
    out: dict[str, np.ndarray] = {}
    v, t, h = "vision_model", params["text"], params["pooler"]
    # a patch is flattened as (row, column, channel) here and convolved as [out, channel, row, column] there
    kernel = np.asarray(tower["patch"]["w"]).reshape(vision.PATCH, vision.PATCH, 3, vision.WIDTH).transpose(3, 2, 0, 1)
    out[v + ".embeddings.patch_embedding.weight"], out[v + ".embeddings.patch_embedding.bias"] = kernel, tower["patch"]["b"]
    out[v + ".embeddings.position_embedding.weight"] = tower["pos"]
    _blocks(out, v, tower["layers"])
    _pair(out, v + ".post_layernorm", tower["post"], False)
    out[v + ".head.probe"] = np.asarray(h["probe"])[None, None]
    out[v + ".head.attention.in_proj_weight"] = np.concatenate([np.asarray(h[n]["w"]).T for n in "qkv"])
    out[v + ".head.attention.in_proj_bias"] = np.concatenate([np.asarray(h[n]["b"]) for n in "qkv"])
    _pair(out, v + ".head.attention.out_proj", h["o"], True)
    _pair(out, v + ".head.layernorm", h["norm"], False)
    _pair(out, v + ".head.mlp.fc1", h["up"], True)
    _pair(out, v + ".head.mlp.fc2", h["down"], True)
    out["text_model.embeddings.token_embedding.weight"], out["text_model.embeddings.position_embedding.weight"] = t["embed"], t["pos"]
    _blocks(out, "text_model", t["layers"])
    _pair(out, "text_model.final_layer_norm", t["norm"], False)
    _pair(out, "text_model.head", t["head"], True)
    out["logit_scale"], out["logit_bias"] = np.asarray(params["scale"])[None], np.asarray(params["bias"])[None]
    return {k: np.ascontiguousarray(np.asarray(x, np.float32).astype(np.float16)) for k, x in out.items()}


def parity(out: Path) -> None:
    """Cosines worked out in JAX from the files: what the Rust encoder must agree with."""
    from encoder_reference import Encoder, open_image

    model = Encoder(out / "encoder")
    patches = model.patches(np.stack([open_image(out / "parity" / name) for name in PARITY_IMAGES]))
    cos = model.images(patches) @ model.texts(PARITY_TEXTS).T
    near = model.single_patches(patches[:1])[0] @ model.texts(PARITY_WORDS).T
    fixture = dict(
        made_by="tools/demo-model/export_encoder.py from the exported file, in float32 JAX",
        note="cosines[i][j]: image i, text j. patches[word]: cosines of the 64 patches of the first image, row by row, each sent through the pooling head alone. token_ids: without the padding to 64",
        logit_scale=model.scale, logit_bias=model.bias, images=[f"parity/{name}" for name in PARITY_IMAGES], texts=list(PARITY_TEXTS),
        token_ids={text: [i for i in ids if i] for text, ids in zip(PARITY_TEXTS, model.ids(PARITY_TEXTS).tolist())},
        cosines=[[round(float(c), 5) for c in row] for row in cos], patches={w: [round(float(c), 5) for c in near[:, k]] for k, w in enumerate(PARITY_WORDS)},
    )
    lines = [f" {json.dumps(key)}: {json.dumps(value)}" for key, value in fixture.items()]
    (out / "encoder-parity.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    saved = pickle.loads((args.work / "encoder.pkl").read_bytes())
    folder = args.out / "encoder"
    folder.mkdir(parents=True, exist_ok=True)
    weights = tensors(saved["ema"], saved["vision"])
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "model.safetensors").chmod(0o644)
    vocabulary = len(weights["text_model.embeddings.token_embedding.weight"])
    (folder / "config.json").write_text(json.dumps(config(vocabulary), indent=1) + "\n")
    (folder / "preprocessor_config.json").write_text(json.dumps(PREPROCESSOR, indent=1) + "\n")
    shutil.copy(args.work / "encoder-tokenizer.json", folder / "tokenizer.json")
    parity(args.out)


if __name__ == "__main__":
    main()
