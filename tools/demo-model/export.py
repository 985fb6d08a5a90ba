"""Write the trained parameters as the two files that llama.cpp's mtmd loads.

    python export.py --work WORK --out models/demo

Names and layouts follow `convert_hf_to_gguf.py` for SigLIP/Gemma 3 and for Llama; a
matrix used as `x @ w` here is stored transposed, since ggml keeps one output a row.
"""

import argparse
import pickle
from pathlib import Path

import gguf
import numpy as np

import language
import tokens
import vision

TEMPLATE = (
    "{% for message in messages %}"
    "{% if message.role == 'assistant' or message.role == 'model' %}<|model|>{% else %}<|user|>{% endif %}"
    "{% if message.content is string %}{{ message.content }}"
    "{% else %}{% for part in message.content %}"
    "{% if part.type == 'image' or part.type == 'image_url' %}<start_of_image>{% elif part.type == 'text' %}{{ part.text }}{% endif %}"
    "{% endfor %}{% endif %}<|end|>"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|model|>{% endif %}"
)
LICENSE = "Weights: Apache-2.0 OR MIT, trained on pictograms under the licences in LICENSES.md"


def half(x) -> np.ndarray:
    return np.ascontiguousarray(np.asarray(x, np.float32).astype(np.float16))


def full(x) -> np.ndarray:
    return np.ascontiguousarray(np.asarray(x, np.float32))


def rounded(params):
    """The parameters as the files hold them: matrices through float16. References use these."""
    import jax

    return jax.tree.map(lambda p: np.asarray(p, np.float32).astype(np.float16).astype(np.float32) if np.ndim(p) == 2 else np.asarray(p, np.float32), params)


def write_language(params, tokenizer: Path, path: Path) -> None:
    w = gguf.GGUFWriter(path, "llama")
    w.add_name("praetor demo")
    w.add_description("A tiny vision-language model of a pictogram world; not for photographs.")
    w.add_license(LICENSE)
    w.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    w.add_context_length(language.CONTEXT)
    w.add_embedding_length(language.WIDTH)
    w.add_block_count(language.LAYERS)
    w.add_feed_forward_length(language.FF)
    w.add_head_count(language.HEADS)
    w.add_head_count_kv(language.HEADS)
    w.add_layer_norm_rms_eps(language.EPS)
    w.add_rope_dimension_count(language.HEAD)
    w.add_rope_freq_base(language.ROPE_BASE)
    pieces, merges = tokens.pieces(tokenizer)
    w.add_vocab_size(len(pieces))
    w.add_tokenizer_model("gpt2")
    w.add_tokenizer_pre("gpt-2")
    w.add_token_list(pieces)
    w.add_token_types([gguf.TokenType.CONTROL if i < len(tokens.SPECIAL) else gguf.TokenType.NORMAL for i in range(len(pieces))])
    w.add_token_merges(merges)
    w.add_bos_token_id(tokens.BEGIN)
    w.add_eos_token_id(tokens.END)
    w.add_eot_token_id(tokens.END)
    w.add_pad_token_id(tokens.PAD)
    w.add_add_bos_token(False)
    w.add_add_eos_token(False)
    w.add_chat_template(TEMPLATE)
    w.add_tensor("token_embd.weight", half(params["embed"]))
    w.add_tensor("output_norm.weight", full(params["norm"]))
    for i, p in enumerate(params["layers"]):
        b = f"blk.{i}."
        w.add_tensor(b + "attn_norm.weight", full(p["attn_norm"]))
        w.add_tensor(b + "ffn_norm.weight", full(p["ffn_norm"]))
        for ours, theirs in (("q", "attn_q"), ("k", "attn_k"), ("v", "attn_v"), ("o", "attn_output"), ("gate", "ffn_gate"), ("up", "ffn_up"), ("down", "ffn_down")):
            w.add_tensor(f"{b}{theirs}.weight", half(np.asarray(p[ours]).T))
    _finish(w)


def write_projector(params, lm, path: Path) -> None:
    w = gguf.GGUFWriter(path, "clip")
    w.add_name("praetor demo vision")
    w.add_type("mmproj")
    w.add_license(LICENSE)
    w.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    w.add_bool("clip.has_vision_encoder", True)
    w.add_string("clip.projector_type", "gemma3")
    w.add_bool("clip.use_gelu", True)
    w.add_uint32("clip.vision.image_size", vision.SIDE)
    w.add_uint32("clip.vision.patch_size", vision.PATCH)
    w.add_uint32("clip.vision.embedding_length", vision.WIDTH)
    w.add_uint32("clip.vision.feed_forward_length", vision.FF)
    w.add_uint32("clip.vision.block_count", vision.LAYERS)
    w.add_uint32("clip.vision.attention.head_count", vision.HEADS)
    w.add_float32("clip.vision.attention.layer_norm_epsilon", vision.EPS)
    w.add_uint32("clip.vision.projection_dim", language.WIDTH)
    w.add_uint32("clip.vision.projector.scale_factor", vision.POOL)
    w.add_array("clip.vision.image_mean", [0.5, 0.5, 0.5])
    w.add_array("clip.vision.image_std", [0.5, 0.5, 0.5])
    # a patch is flattened as (row, column, channel) here and convolved as [out, channel, row, column] there
    kernel = np.asarray(params["patch"]["w"]).reshape(vision.PATCH, vision.PATCH, 3, vision.WIDTH).transpose(3, 2, 0, 1)
    w.add_tensor("v.patch_embd.weight", half(kernel))
    w.add_tensor("v.patch_embd.bias", full(params["patch"]["b"]))
    w.add_tensor("v.position_embd.weight", full(params["pos"]))
    for i, p in enumerate(params["layers"]):
        b = f"v.blk.{i}."
        for name in ("ln1", "ln2"):
            w.add_tensor(f"{b}{name}.weight", full(p[name]["w"]))
            w.add_tensor(f"{b}{name}.bias", full(p[name]["b"]))
        for ours, theirs in (("q", "attn_q"), ("k", "attn_k"), ("v", "attn_v"), ("o", "attn_out"), ("up", "ffn_up"), ("down", "ffn_down")):
            w.add_tensor(f"{b}{theirs}.weight", half(np.asarray(p[ours]["w"]).T))
            w.add_tensor(f"{b}{theirs}.bias", full(p[ours]["b"]))
    w.add_tensor("v.post_ln.weight", full(params["post"]["w"]))
    w.add_tensor("v.post_ln.bias", full(params["post"]["b"]))
    w.add_tensor("mm.soft_emb_norm.weight", full(lm["soft_norm"]))
    # llama.cpp transposes this one itself: it is stored [input, output]
    w.add_tensor("mm.input_projection.weight", half(lm["proj"]))
    _finish(w)


def _finish(writer) -> None:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--random", action="store_true", help="untrained language model: to test that the files load")
    args = parser.parse_args()
    tokenizer = args.work / "tokenizer.json"
    vocab = tokens.load(tokenizer).get_vocab_size()
    if args.random:
        lm = language.init(vocab)
        tower = pickle.loads((args.work / "vision.pkl").read_bytes())["ema"]
    else:
        saved = pickle.loads((args.work / "language.pkl").read_bytes())
        lm, tower = saved["ema"]["lm"], saved["ema"]["vision"]
    args.out.mkdir(parents=True, exist_ok=True)
    write_language(lm, tokenizer, args.out / "demo.gguf")
    write_projector(tower, lm, args.out / "demo-mmproj.gguf")


if __name__ == "__main__":
    main()
