#!/usr/bin/env python3
"""Write vision-language models with random weights and the sizes of real ones, to measure speed.

    python shapes.py OUT_FOLDER [smolvlm-256m] [gemma-3-4b-half]

What a model costs depends on its shape and its quantisation, not on what it learnt. These pairs
have the widths, heads, vocabulary size, image size and tokens an image of the models they are
named after, and the weight formats those are mostly run in:

* `smolvlm-256m`: SmolVLM-256M-Instruct, whole. Q8_0, its projector too. 290 MB.
* `gemma-3-4b-half`: Gemma 3 4B with 18 of its 34 language layers (three of them global) and 14 of the
  27 vision layers, so that four processes hold it at once in 24 GiB. Q4_0 with Q8_0 embeddings,
  and a projector of half precision. 3 GB.

The tokenizers know only the words of this repository's questions; the rest of the vocabulary is
filler that no text is made of. The weights are drawn as random quantised blocks, which is as fast
as the disk. Yes and No get most of the first token's probability, by the same constant as in
`make.py`, so that answers can be compared.
"""

import sys
from pathlib import Path

import gguf
import numpy as np

import make

# Whole words of these become tokens, as they are in the real vocabularies.
make.CORPUS += """
Is the following content visible in this image? Answer Yes or No. Content: a knife is visible
a child an animal a gun a bottle a glass of wine a cigarette a syringe a fire an explosion a bomb
a dog a cat a skull blood a sword a person holding near beside behind on the ground and or no
small large two in the foreground in the background are a woman a man a beer
""" * 2
MERGES = 420

# Standard deviations of the integers of a random block: bytes, and nibbles from -8 to 7.
Q8_STD, Q4_STD = 73.9, 4.61


class Quantised(make.Weights):
    """Tensors of random blocks: a scale of half precision and 32 random integers."""

    kind = gguf.GGMLQuantizationType.Q8_0

    def blocks(self, name, n_out, n_in, std, kind):
        """A matrix as bytes, each row a run of blocks."""
        q8 = kind == gguf.GGMLQuantizationType.Q8_0
        width, unit = (34, Q8_STD) if q8 else (18, Q4_STD)
        count = n_out * n_in // 32
        rows = np.frombuffer(self.rng(name).bytes(count * width), dtype=np.uint8)
        rows = rows.reshape(n_out, count // n_out, width).copy()
        scales = np.broadcast_to(np.asarray(std, dtype=np.float32) / unit, n_out)
        rows[:, :, :2] = scales.astype(np.float16)[:, None].view(np.uint8)[:, None, :]
        return rows.reshape(n_out, n_in // 32 * width)

    def add(self, name, rows, kind):
        self.out.add_tensor(name, rows, raw_dtype=kind)

    def matrix(self, name, n_out, n_in, gain=1.0, zero_row=False, kind=None):
        kind = kind or self.kind
        if n_in % 32:
            return super().matrix(name, n_out, n_in, gain, zero_row=zero_row)
        rows = self.blocks(f"{name}.weight", n_out, n_in, gain / np.sqrt(n_in), kind)
        if zero_row:  # a scale of nothing
            rows[0] = 0
        self.add(f"{name}.weight", rows, kind)

    def table(self, name, shape, std, first, salt=0):
        """Q8_0 rows whose first number is given; what shares a block with it is made to fit."""
        kind, (n_out, n_in) = gguf.GGMLQuantizationType.Q8_0, shape
        rows = self.blocks(f"{name}/{salt}", n_out, n_in, std, kind)
        head = np.zeros((n_out, 32), dtype=np.float32)
        drawn = self.rng(f"{name}/{salt}/head").standard_normal((n_out, 31), dtype=np.float32)
        head[:, 1:] = drawn * np.broadcast_to(std, n_out)[:, None]
        head[:, 0] = first
        scale = np.maximum(np.abs(head).max(axis=1), 1e-6) / 127.0
        whole = np.round(head / scale[:, None]).astype(np.int8)
        rows[:, :2] = scale.astype(np.float16)[:, None].view(np.uint8)
        rows[:, 2:34] = whole.view(np.uint8)
        self.add(name, rows, kind)


class Q4(Quantised):
    kind = gguf.GGMLQuantizationType.Q4_0


class Half(make.Weights):
    """As `make.py` has them: half precision."""


def fill(vocab, size):
    """Filler up to the real number of tokens; no text is made of it."""
    for number in range(len(vocab), size):
        vocab.tokens.append(f"zq{number}")
        vocab.types.append(make.NORMAL)
        if vocab.scores:
            vocab.scores.append(-1e6)
    return vocab


def text_model(folder, name, arch, vocab, template, shape, *, kind, spaced_answers, add_bos, keys):
    """The language model's file. `keys` writes what only this architecture has."""
    out = gguf.GGUFWriter(folder / f"{name}.gguf", arch)
    out.add_name(f"random weights, shape of {name}")
    out.add_license("CC0-1.0")
    out.add_context_length(8192)
    out.add_embedding_length(shape["d"])
    out.add_block_count(shape["layers"])
    out.add_feed_forward_length(shape["ffn"])
    out.add_head_count(shape["heads"])
    out.add_head_count_kv(shape["kv"])
    out.add_key_length(shape["head"])
    out.add_value_length(shape["head"])
    out.add_layer_norm_rms_eps(1e-6)
    keys(out)
    vocab.write(out, add_bos, False if arch == "gemma3" else None)
    out.add_chat_template(template)
    d, heads, kv = shape["d"], shape["heads"] * shape["head"], shape["kv"] * shape["head"]
    w = kind(out, name)
    scale = np.sqrt(d) if arch == "gemma3" else 1.0  # gemma multiplies embeddings by it
    w.table("token_embd.weight", (len(vocab), d), 1.0 / scale, 4.0 / scale)
    for i in range(shape["layers"]):
        b = f"blk.{i}."
        for norm in ["attn_norm", "ffn_norm"]:
            w.norm(b + norm, d)
        if arch == "gemma3":
            for norm in ["attn_q_norm", "attn_k_norm"]:
                w.ones(f"{b}{norm}.weight", shape["head"], 2.5)
            w.ones(b + "post_attention_norm.weight", d, 1.0)
            w.ones(b + "post_ffw_norm.weight", d, 0.8)
        w.matrix(b + "attn_q", heads, d, 2.0)
        w.matrix(b + "attn_k", kv, d, 2.0)
        w.matrix(b + "attn_v", kv, d, 2.0)
        w.matrix(b + "attn_output", d, heads, 0.5, zero_row=True)
        w.matrix(b + "ffn_gate", shape["ffn"], d)
        w.matrix(b + "ffn_up", shape["ffn"], d)
        w.matrix(b + "ffn_down", d, shape["ffn"], 0.5, zero_row=True)
    w.norm("output_norm", d)
    # Only the answer words look at the constant that every token brings along.
    first = np.zeros(len(vocab), dtype=np.float32)
    std = np.full(len(vocab), 1.2 / np.sqrt(d), dtype=np.float32)
    for answer, token in vocab.answer_ids.items():
        likely = answer.strip().istitle() and answer.startswith(" ") == spaced_answers
        first[token] = shape["sure"] * (1.0 if likely else 0.9)
        if likely:  # what was seen and asked moves these two
            std[token] *= 1.5
    w.table("output.weight", (len(vocab), d), std, first, shape["salt"])
    make.finish(out)


def smolvlm_256m(folder):
    rows = [f"<row_{y}_col_{x}>" for y in range(1, 7) for x in range(1, 7)]
    vocab = make.bpe_vocab(
        "smollm",
        ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<fake_token_around_image>", "<image>",
         "<global-img>", "<end_of_utterance>", *rows],
        {"bos": "<|im_start|>", "eos": "<end_of_utterance>", "eot": "<end_of_utterance>",
         "pad": "<|im_end|>"},
        n_merges=MERGES, whole=[("Ċ", "Ċ")],
    )
    shape = {"d": 576, "layers": 30, "ffn": 1536, "heads": 9, "kv": 3, "head": 64, "sure": 36.0, "salt": 1}

    def keys(out):
        out.add_rope_freq_base(100000.0)
        out.add_rope_dimension_count(64)
        out.add_vocab_size(49280)

    text_model(
        folder, "smolvlm-256m", "llama", fill(vocab, 49280), make.SMOLVLM_TEMPLATE, shape,
        kind=Quantised, spaced_answers=True, add_bos=False, keys=keys,
    )
    # 32x32 patches a tile, shuffled 4x4: 64 tokens; an overview and up to 4x4 tiles
    make.vision_model(
        folder, "smolvlm-256m", "idefics3", image_size=512, patch=16, act="gelu", d=768, n_head=12,
        n_ff=3072, n_layer=12, positions=1024, post_norm=True, text_width=576, weights=Quantised,
        keys=[("projector.scale_factor", 4), ("preproc_image_size", 2048)],
        project=lambda w, d: w.matrix("mm.model.fc", 576, 16 * d),
    )


def gemma_3_4b_half(folder):
    vocab = make.spm_vocab(
        ["<pad>", "<eos>", "<bos>", "<unk>"],
        ["<start_of_turn>", "<end_of_turn>", "<start_of_image>", "<end_of_image>"],
        {"bos": "<bos>", "eos": "<eos>", "eot": "<end_of_turn>", "unk": "<unk>", "pad": "<pad>"},
        n_merges=MERGES, extra=["\n", "\n\n"],
    )
    shape = {"d": 2560, "layers": 18, "ffn": 10240, "heads": 8, "kv": 4, "head": 256, "sure": 40.0, "salt": 3}

    def keys(out):
        out.add_rope_freq_base(1000000.0)
        out.add_sliding_window(1024)
        out.add_array("gemma3.attention.sliding_window_pattern", [True] * 5 + [False])

    text_model(
        folder, "gemma-3-4b-half", "gemma3", fill(vocab, 262208), make.GEMMA_TEMPLATE, shape,
        kind=Q4, spaced_answers=False, add_bos=True, keys=keys,
    )

    def project(w, d):
        w.normal("mm.input_projection.weight", (d, shape["d"]), 1.0 / np.sqrt(d))
        w.ones("mm.soft_emb_norm.weight", d)

    # 64x64 patches, pooled 4x4: 256 tokens an image
    make.vision_model(
        folder, "gemma-3-4b-half", "gemma3", image_size=896, patch=14, act="gelu", d=1152,
        n_head=16, n_ff=4304, n_layer=14, positions=4096, post_norm=True, text_width=shape["d"],
        keys=[("projector.scale_factor", 4)], weights=Half, project=project,
    )


SHAPES = {"smolvlm-256m": smolvlm_256m, "gemma-3-4b-half": gemma_3_4b_half}


def main():
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    wanted = sys.argv[2:] or list(SHAPES)
    if unknown := set(wanted) - set(SHAPES):
        sys.exit(f"unknown shape: {', '.join(sorted(unknown))}")
    for name in wanted:
        SHAPES[name](folder)
        for suffix in ["", "-mmproj"]:
            path = folder / f"{name}{suffix}.gguf"
            print(f"{path}  {path.stat().st_size / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
