#!/usr/bin/env python3
"""Write tiny vision-language models with random weights, one GGUF pair for each family.

    python make.py OUT_FOLDER [family ...]

The engine tests load these pairs through llama.cpp's mtmd. A pair knows nothing, but it is a real
member of its architecture family: the same graph, the same special tokens, the same image
preprocessing, a chat template that behaves as the family's own one does. The files are small
enough to live in the repository.

The weights come from numpy's PCG64, seeded with the family and the tensor's name, so that the same
versions of numpy and gguf give the same bytes, and adding a tensor changes no other one.

Three things are arranged on purpose, so that tests have something to hold on to:

* residual dimension 0 is a constant that no layer writes to, and only the answer words look at it
  in the output matrix: `Yes` and `No` together get a good part of the probability after any prompt;
* the attention is sharp and the image embeddings are large, so that another image or another
  question gives other logits;
* the first answer is `Yes` or `No` with or without a leading space, as after the family's own
  chat template, and the two are near enough to each other that the image decides.
"""

import sys
import zlib
from collections import Counter
from pathlib import Path

import gguf
import numpy as np

# --------------------------------------------------------------------------------------------------
# Vocabulary
# --------------------------------------------------------------------------------------------------

# What the merges are learnt from: the kind of text that a judge of image safety sends.
CORPUS = """
Does this image show a weapon? Answer Yes or No. Is there a person in the image? Look at the image
and answer the question with one word. Rule: the image must not contain violence, blood, drugs or
nudity. Does the image break the rule? You are a helpful assistant. You judge the safety of images.
The precondition is true when the image shows a real human and not a drawing, a toy or a statue.
Is the content of the picture safe for children? What is in the picture? Is the animal alive?
Describe the image. user assistant system model. A knife is held by the person in the center.
"""

# The words that a yes/no judge reads the answer from; each is one token.
ANSWERS = ["Yes", " Yes", "yes", " yes", "No", " No", "no", " no"]

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, BYTE = 1, 2, 3, 4, 6


def words_of(text):
    """Cut text into words that keep their leading space, as the pre-tokenizers do."""
    words, word = [], ""
    for char in " ".join(text.split()):
        kind = char.isalpha()
        if word and (char == " " or kind != word[-1].isalpha()) and word != " ":
            words.append(word)
            word = ""
        word += char
    return words + [word]


def learn_merges(n_merges, space):
    """Byte pair encoding: the merges of the answer words first, then the most frequent pairs."""
    merges = []
    for answer in ANSWERS:
        word = answer.strip()
        for end in range(1, len(word)):
            merges.append((word[:end], word[end]))
        if answer.startswith(" "):
            merges.append((space, word))
    merges = list(dict.fromkeys(merges))

    counts = Counter(w.replace(" ", space) for w in words_of(CORPUS))
    pieces = {word: tuple(word) for word in counts}

    def apply(pair):
        for word, parts in pieces.items():
            out = []
            for part in parts:
                if out and (out[-1], part) == pair:
                    out[-1] += part
                else:
                    out.append(part)
            pieces[word] = tuple(out)

    for pair in merges:
        apply(pair)
    while len(merges) < n_merges:
        pairs = Counter()
        for word, parts in pieces.items():
            for pair in zip(parts, parts[1:]):
                pairs[pair] += counts[word]
        if not pairs:  # every word is whole
            break
        best = min(pairs, key=lambda p: (-pairs[p], p))
        merges.append(best)
        apply(best)
    return merges


def byte_alphabet():
    """GPT-2's map from bytes to printable characters."""
    keep = [*range(33, 127), *range(161, 173), *range(174, 256)]
    extra = [b for b in range(256) if b not in keep]
    table = {b: chr(b) for b in keep}
    table.update({b: chr(256 + n) for n, b in enumerate(extra)})
    return [table[b] for b in range(256)]


class Vocab:
    """A vocabulary, ready to be written."""

    def __init__(self, kind, pre, tokens, types, scores, merges, ids):
        self.kind, self.pre = kind, pre
        self.tokens, self.types, self.scores, self.merges = tokens, types, scores, merges
        self.ids = ids  # bos, eos, ... -> token text
        space = "▁" if kind == "llama" else "Ġ"
        self.answer_ids = {a: tokens.index(a.replace(" ", space)) for a in ANSWERS}

    def __len__(self):
        return len(self.tokens)

    def write(self, out, add_bos, add_space_prefix=None):
        out.add_tokenizer_model(self.kind)
        if self.pre:
            out.add_tokenizer_pre(self.pre)
        out.add_token_list(self.tokens)
        out.add_token_types(self.types)
        if self.scores:
            out.add_token_scores(self.scores)
        if self.merges:
            out.add_token_merges([" ".join(m) for m in self.merges])
        for key, add in [
            ("bos", out.add_bos_token_id),
            ("eos", out.add_eos_token_id),
            ("eot", out.add_eot_token_id),
            ("unk", out.add_unk_token_id),
            ("pad", out.add_pad_token_id),
        ]:
            if key in self.ids:
                add(self.tokens.index(self.ids[key]))
        out.add_add_bos_token(add_bos)
        if add_space_prefix is not None:
            out.add_add_space_prefix(add_space_prefix)


def bpe_vocab(pre, special, ids, n_merges=64, whole=()):
    """GPT-2 style: 256 bytes, merges, then the special tokens (`whole`: plain tokens, e.g. "\\n\\n")."""
    alphabet = byte_alphabet()
    merges = learn_merges(n_merges, "Ġ")
    merges += [w for w in whole if w not in merges]
    tokens = alphabet + list(dict.fromkeys(a + b for a, b in merges))
    types = [NORMAL] * len(tokens)
    for token in special:
        tokens.append(token)
        types.append(CONTROL)
    return Vocab("gpt2", pre, tokens, types, None, merges, ids)


def spm_vocab(head, special, ids, n_merges=64, extra=()):
    """SentencePiece style: head (<unk>, <s>, ...), 256 byte tokens, characters, merges, specials."""
    tokens, types, scores = [], [], []

    def add(token, kind, score=0.0):
        if token not in tokens:
            tokens.append(token)
            types.append(kind)
            scores.append(score)

    for token in head:
        add(token, UNKNOWN if token == "<unk>" else CONTROL)
    for byte in range(256):
        add(f"<0x{byte:02X}>", BYTE)
    merges = learn_merges(n_merges, "▁")
    for rank, (a, b) in enumerate(merges):
        add(a + b, NORMAL, -1.0 - rank)
    for token in extra:
        add(token, USER_DEFINED)
    # Printable ASCII; anything else falls back to bytes.
    for n, char in enumerate(["▁"] + [chr(c) for c in range(33, 127)]):
        add(char, NORMAL, -1000.0 - n)
    for token in special:
        add(token, CONTROL)
    return Vocab("llama", None, tokens, types, scores, None, ids)


# --------------------------------------------------------------------------------------------------
# Weights
# --------------------------------------------------------------------------------------------------


class Weights:
    """Seeded tensors of one family, added to one GGUF file."""

    def __init__(self, out, family):
        self.out, self.family = out, family

    def rng(self, name):
        return np.random.Generator(np.random.PCG64(zlib.crc32(f"{self.family}/{name}".encode())))

    def normal(self, name, shape, std, dtype=np.float16, zero_row=False):
        value = self.rng(name).standard_normal(shape) * std
        if zero_row:
            value[0] = 0.0
        self.out.add_tensor(name, value.astype(dtype))

    def matrix(self, name, n_out, n_in, gain=1.0, **kwargs):
        self.normal(f"{name}.weight", (n_out, n_in), gain / np.sqrt(n_in), **kwargs)

    def bias(self, name, n, std=0.1):
        self.normal(f"{name}.bias", (n,), std, dtype=np.float32)

    def ones(self, name, n, value=1.0):
        self.out.add_tensor(name, np.full((n,), value, dtype=np.float32))

    def norm(self, name, n, bias=False):
        self.ones(f"{name}.weight", n)
        if bias:
            self.bias(name, n)


TEXT_WIDTH = 32


def text_model(
    folder, family, arch, vocab, template, *,
    n_ctx=2048, n_layer=2, n_head=2, n_head_kv=1, head=16, n_ff=64,
    add_bos=True, add_space_prefix=None, rope_sections=None, window=None, window_pattern=None,
    qkv_bias=False, rope_base=10000.0, spaced_answers=False, salt=0, d=TEXT_WIDTH, deepstack=0,
):
    """The language model's file.

    `salt` picks the output matrix: with the one chosen, Yes and No are about equally likely.
    """
    gemma = arch == "gemma3"
    qk_norm = gemma or arch == "qwen3vl"
    out = gguf.GGUFWriter(folder / f"{family}.gguf", arch)
    out.add_name(f"random {family}")
    out.add_description("random weights, for tests only")
    out.add_license("CC0-1.0")
    out.add_context_length(n_ctx)
    out.add_embedding_length(d)
    out.add_block_count(n_layer)
    out.add_feed_forward_length(n_ff)
    out.add_head_count(n_head)
    out.add_head_count_kv(n_head_kv)
    out.add_key_length(head)
    out.add_value_length(head)
    out.add_layer_norm_rms_eps(1e-6)
    out.add_rope_freq_base(rope_base)
    if arch == "llama":
        out.add_rope_dimension_count(head)
        out.add_vocab_size(len(vocab))
    if rope_sections:
        out.add_rope_dimension_sections(rope_sections)
    if deepstack:
        out.add_num_deepstack_layers(deepstack)
    if window:
        out.add_sliding_window(window)
        out.add_array(f"{arch}.attention.sliding_window_pattern", window_pattern)
    vocab.write(out, add_bos, add_space_prefix)
    if template:
        out.add_chat_template(template)

    w = Weights(out, family)
    # Residual dimension 0 carries a constant from the embedding to the output.
    constant = 3.0
    scale = np.sqrt(d) if gemma else 1.0  # gemma multiplies the embedding by sqrt(width)
    embed = w.rng("token_embd.weight").standard_normal((len(vocab), d)) * 0.5
    embed[:, 0] = constant
    out.add_tensor("token_embd.weight", (embed / scale).astype(np.float16))
    for i in range(n_layer):
        b = f"blk.{i}."
        w.norm(b + "attn_norm", d)
        w.matrix(b + "attn_q", n_head * head, d, 1.5)
        w.matrix(b + "attn_k", n_head_kv * head, d, 1.5)
        w.matrix(b + "attn_v", n_head_kv * head, d, 1.5)
        if qkv_bias:
            w.bias(b + "attn_q", n_head * head)
            w.bias(b + "attn_k", n_head_kv * head)
            w.bias(b + "attn_v", n_head_kv * head)
        w.matrix(b + "attn_output", d, n_head * head, 2.0, zero_row=True)
        if qk_norm:
            # queries and keys are normalised, so their size is set by the norm's weight
            w.ones(b + "attn_q_norm.weight", head, 1.5)
            w.ones(b + "attn_k_norm.weight", head, 1.5)
        if gemma:
            w.ones(b + "post_attention_norm.weight", d, 1.5)
            w.ones(b + "post_ffw_norm.weight", d)
        w.norm(b + "ffn_norm", d)
        w.matrix(b + "ffn_gate", n_ff, d)
        w.matrix(b + "ffn_up", n_ff, d)
        w.matrix(b + "ffn_down", d, n_ff, zero_row=True)
    w.norm("output_norm", d)
    rng = w.rng(f"output.weight/{salt}")
    output = rng.standard_normal((len(vocab), d)) * 0.25
    output[:, 0] = 0.0
    for answer, token in vocab.answer_ids.items():
        first = answer.strip().istitle() and answer.startswith(" ") == spaced_answers
        output[token] = rng.standard_normal(d) * (0.4 if first else 0.25)
        output[token, 0] = 6.0 if first else 3.5
    out.add_tensor("output.weight", output.astype(np.float16))
    finish(out)


def finish(out):
    out.write_header_to_file()
    out.write_kv_data_to_file()
    out.write_tensors_to_file()
    out.close()


def vision_model(
    folder, family, projector, *, image_size, patch, act, d=32, n_head=2, n_ff=64, n_layer=2,
    rms=False, biases=True, keys=(), mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5), eps=1e-6,
    positions=None, class_token=False, pre_norm=False, post_norm=False, two_frames=False,
    patch_bias=True, layer_scale=False, gated=False, fused_qkv=False, pinpoints=(),
    text_width=TEXT_WIDTH, project=None, weights=Weights,
):
    """The vision encoder's file (mmproj). `project` adds the projector's own tensors."""
    out = gguf.GGUFWriter(folder / f"{family}-mmproj.gguf", "clip")
    out.add_name(f"random {family} vision")
    out.add_description("random weights, for tests only")
    out.add_license("CC0-1.0")
    out.add_bool("clip.has_vision_encoder", True)
    out.add_string("clip.projector_type", projector)
    if act:
        out.add_bool(f"clip.use_{act}", True)
    for key, value in [
        ("embedding_length", d), ("feed_forward_length", n_ff), ("block_count", n_layer),
        ("attention.head_count", n_head), ("projection_dim", text_width),
        ("image_size", image_size), ("patch_size", patch), *keys,
    ]:
        out.add_uint32(f"clip.vision.{key}", value)
    if pinpoints:
        out.add_string("clip.vision.mm_patch_merge_type", "spatial_unpad")
        out.add_array("clip.vision.image_grid_pinpoints", list(pinpoints))
    out.add_float32("clip.vision.attention.layer_norm_epsilon", eps)
    out.add_array("clip.vision.image_mean", [float(m) for m in mean])
    out.add_array("clip.vision.image_std", [float(s) for s in std])

    w = weights(out, family + "-mmproj")
    # Large patch weights: what the pixels say outweighs where they are.
    gain = 3.0 / np.sqrt(3 * patch * patch)
    w.normal("v.patch_embd.weight", (d, 3, patch, patch), gain)
    if two_frames:
        w.normal("v.patch_embd.weight.1", (d, 3, patch, patch), gain)
    if patch_bias:
        w.bias("v.patch_embd", d)
    if class_token:
        w.normal("v.class_embd", (d,), 1.0, dtype=np.float32)
    if positions:
        w.normal("v.position_embd.weight", (positions, d), 0.5, dtype=np.float32)
    norm_bias = not rms
    if pre_norm:
        w.norm("v.pre_ln", d, norm_bias)
    for i in range(n_layer):
        b = f"v.blk.{i}."
        w.norm(b + "ln1", d, norm_bias)
        attention = [("attn_qkv", 3 * d)] if fused_qkv else [(f"attn_{n}", d) for n in "qkv"]
        for name, n_out in [*attention, ("attn_out", d)]:
            w.matrix(b + name, n_out, d)
            if biases:
                w.bias(b + name, n_out)
        w.norm(b + "ln2", d, norm_bias)
        if layer_scale:
            w.ones(b + "ls1.weight", d, 0.5)
            w.ones(b + "ls2.weight", d, 0.5)
        for name, n_out, n_in in [("ffn_up", n_ff, d), ("ffn_gate", n_ff, d), ("ffn_down", d, n_ff)]:
            if name != "ffn_gate" or gated:
                w.matrix(b + name, n_out, n_in)
                if biases:
                    w.bias(b + name, n_out)
    if post_norm:
        w.norm("v.post_ln", d, norm_bias)
    project(w, d)
    finish(out)


# --------------------------------------------------------------------------------------------------
# Families
# --------------------------------------------------------------------------------------------------

GEMMA_TEMPLATE = """{{ bos_token }}
{%- if messages[0]['role'] == 'system' -%}
    {%- if messages[0]['content'] is string -%}
        {%- set first_user_prefix = messages[0]['content'] + '\n\n' -%}
    {%- else -%}
        {%- set first_user_prefix = messages[0]['content'][0]['text'] + '\n\n' -%}
    {%- endif -%}
    {%- set loop_messages = messages[1:] -%}
{%- else -%}
    {%- set first_user_prefix = '' -%}
    {%- set loop_messages = messages -%}
{%- endif -%}
{%- for message in loop_messages -%}
    {%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) -%}
        {{- raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') -}}
    {%- endif -%}
    {%- set role = 'model' if message['role'] == 'assistant' else message['role'] -%}
    {{- '<start_of_turn>' + role + '\n' + (first_user_prefix if loop.first else '') -}}
    {%- if message['content'] is string -%}
        {{- message['content'] | trim -}}
    {%- elif message['content'] is iterable -%}
        {%- for item in message['content'] -%}
            {%- if item['type'] == 'image' -%}
                {{- '<start_of_image>' -}}
            {%- elif item['type'] == 'text' -%}
                {{- item['text'] | trim -}}
            {%- endif -%}
        {%- endfor -%}
    {%- else -%}
        {{- raise_exception('Invalid content type') -}}
    {%- endif -%}
    {{- '<end_of_turn>\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}
    {{- '<start_of_turn>model\n' -}}
{%- endif -%}
"""


def gemma3(folder):
    """Sliding window in one layer of two, q/k norms, post norms; the image is not causal."""
    vocab = spm_vocab(
        ["<pad>", "<eos>", "<bos>", "<unk>"],
        ["<start_of_turn>", "<end_of_turn>", "<start_of_image>", "<end_of_image>"],
        {"bos": "<bos>", "eos": "<eos>", "eot": "<end_of_turn>", "unk": "<unk>", "pad": "<pad>"},
        extra=["\n", "\n\n"],
    )
    text_model(
        folder, "gemma3", "gemma3", vocab, GEMMA_TEMPLATE, add_space_prefix=False,
        window=24, window_pattern=[True, False], rope_base=1000000.0, salt=8,
    )

    def project(w, d):
        w.normal("mm.input_projection.weight", (d, TEXT_WIDTH), 2.0 / np.sqrt(d))
        w.ones("mm.soft_emb_norm.weight", d)

    # 8x8 patches, pooled 2x2: 16 tokens an image
    vision_model(
        folder, "gemma3", "gemma3", image_size=64, patch=8, act="gelu", positions=64,
        keys=[("projector.scale_factor", 2)], post_norm=True, project=project,
    )


QWEN_TEMPLATE = (
    "{% set image_count = namespace(value=0) %}"
    "{% for message in messages %}"
    "{% if loop.first and message['role'] != 'system' %}"
    "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n{% endif %}"
    "<|im_start|>{{ message['role'] }}\n"
    "{% if message['content'] is string %}{{ message['content'] }}<|im_end|>\n"
    "{% else %}{% for content in message['content'] %}"
    "{% if content['type'] == 'image' or 'image' in content or 'image_url' in content %}"
    "{% set image_count.value = image_count.value + 1 %}"
    "{% if add_vision_id %}Picture {{ image_count.value }}: {% endif %}"
    "<|vision_start|><|image_pad|><|vision_end|>"
    "{% elif 'text' in content %}{{ content['text'] }}{% endif %}"
    "{% endfor %}<|im_end|>\n{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def qwen_vocab():
    return bpe_vocab(
        "qwen2",
        ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>",
         "<|vision_pad|>", "<|image_pad|>", "<|video_pad|>"],
        {"eos": "<|im_end|>", "eot": "<|im_end|>", "bos": "<|endoftext|>", "pad": "<|endoftext|>"},
    )


def qwen_merger(w, d):
    """Four patches to one token."""
    w.matrix("mm.0", 4 * d, 4 * d)
    w.bias("mm.0", 4 * d)
    w.matrix("mm.2", TEXT_WIDTH, 4 * d, 3.0)
    w.bias("mm.2", TEXT_WIDTH)


def qwen25vl(folder):
    """M-RoPE, dynamic resolution (28 pixels a token, 8 to 4096 tokens), window attention."""
    vocab = qwen_vocab()
    text_model(
        folder, "qwen25vl", "qwen2vl", vocab, QWEN_TEMPLATE, add_bos=False,
        rope_sections=[2, 3, 3, 0], qkv_bias=True, rope_base=1000000.0, salt=23,
    )

    vision_model(
        folder, "qwen25vl", "qwen2.5vl_merger", image_size=560, patch=14, act="silu", rms=True,
        keys=[("spatial_merge_size", 2), ("n_wa_pattern", 2), ("window_size", 112)],
        mean=(0.48145466, 0.4578275, 0.40821073), std=(0.26862954, 0.26130258, 0.27577711),
        two_frames=True, patch_bias=False, post_norm=True, gated=True, d=16, n_head=1, n_ff=32,
        project=qwen_merger,
    )


QWEN3_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% if message['content'] is string %}{{ message['content'] }}"
    "{% else %}{% for content in message['content'] %}"
    "{% if content['type'] == 'image' or 'image' in content or 'image_url' in content %}"
    "<|vision_start|><|image_pad|><|vision_end|>"
    "{% elif 'text' in content %}{{ content['text'] }}{% endif %}"
    "{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def qwen3vl(folder):
    """Interleaved M-RoPE and deepstack: an image's embedding is three times as wide as a token's.

    The second and third part are added to the residual after the first and second layer.
    """
    vocab = qwen_vocab()
    text_model(
        folder, "qwen3vl", "qwen3vl", vocab, QWEN3_TEMPLATE, add_bos=False, n_layer=3,
        rope_sections=[4, 2, 2, 0], rope_base=5000000.0, salt=0, deepstack=2,
    )

    def project(w, d):
        qwen_merger(w, d)
        for layer in range(2):
            b = f"v.deepstack.{layer}."
            w.norm(b + "norm", 4 * d, bias=True)
            w.matrix(b + "fc1", 4 * d, 4 * d)
            w.bias(b + "fc1", 4 * d)
            w.matrix(b + "fc2", TEXT_WIDTH, 4 * d, 3.0)
            w.bias(b + "fc2", TEXT_WIDTH)

    # 4x4 positions, stretched over the patches; 32 pixels a token, 8 to 4096 tokens
    vision_model(
        folder, "qwen3vl", "qwen3vl_merger", image_size=64, patch=16, act="gelu", positions=16,
        keys=[("spatial_merge_size", 2)], two_frames=True, post_norm=True, fused_qkv=True,
        d=16, n_head=1, n_ff=32, n_layer=3, project=project,
    )


SMOLVLM_TEMPLATE = (
    "<|im_start|>{% for message in messages %}{{ message['role'] | capitalize }}"
    "{% if message['content'][0]['type'] == 'image' %}{{ ':' }}{% else %}{{ ': ' }}{% endif %}"
    "{% for line in message['content'] %}{% if line['type'] == 'text' %}{{ line['text'] }}"
    "{% elif line['type'] == 'image' %}{{ '<image>' }}{% endif %}{% endfor %}<end_of_utterance>\n"
    "{% endfor %}{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}"
)


def smolvlm(folder):
    """Idefics3 projector: an overview and up to 4x4 tiles, each its own image chunk."""
    rows = [f"<row_{y}_col_{x}>" for y in range(1, 5) for x in range(1, 5)]
    vocab = bpe_vocab(
        "smollm",
        ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<fake_token_around_image>", "<image>",
         "<global-img>", "<end_of_utterance>", *rows],
        {"bos": "<|im_start|>", "eos": "<end_of_utterance>", "eot": "<end_of_utterance>",
         "pad": "<|im_end|>"},
        whole=[("Ċ", "Ċ")],
    )
    text_model(
        folder, "smolvlm", "llama", vocab, SMOLVLM_TEMPLATE, add_bos=False,
        spaced_answers=True, salt=15,
    )

    def project(w, d):
        w.matrix("mm.model.fc", TEXT_WIDTH, 4 * d, 2.0)

    # tiles of 64 pixels: 8x8 patches, shuffled 2x2, 16 tokens each
    vision_model(
        folder, "smolvlm", "idefics3", image_size=64, patch=8, act="gelu", positions=64,
        keys=[("projector.scale_factor", 2), ("preproc_image_size", 256)], post_norm=True,
        project=project,
    )


INTERNVL_TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' }}"
    "{% if message['content'] is string %}{{ message['content'] }}"
    "{% else %}{% for content in message['content'] %}"
    "{% if content['type'] == 'image' %}{{ '<IMG_CONTEXT>\n' }}"
    "{% elif content['type'] == 'text' %}{{ content['text'] }}{% endif %}"
    "{% endfor %}{% endif %}{{ '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def internvl(folder):
    """Up to 4 tiles and an overview, all between one <img> and </img>."""
    vocab = bpe_vocab(
        "qwen2",
        ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<img>", "</img>", "<IMG_CONTEXT>"],
        {"eos": "<|im_end|>", "eot": "<|im_end|>", "bos": "<|endoftext|>", "pad": "<|endoftext|>"},
    )
    text_model(
        folder, "internvl", "qwen2", vocab, INTERNVL_TEMPLATE, add_bos=False, qkv_bias=True,
        rope_base=1000000.0, salt=13,
    )

    def project(w, d):
        w.norm("mm.model.mlp.0", 4 * d, bias=True)
        w.matrix("mm.model.mlp.1", TEXT_WIDTH, 4 * d)
        w.bias("mm.model.mlp.1", TEXT_WIDTH)
        w.matrix("mm.model.mlp.3", TEXT_WIDTH, TEXT_WIDTH, 3.0)
        w.bias("mm.model.mlp.3", TEXT_WIDTH)

    vision_model(
        folder, "internvl", "internvl", image_size=64, patch=8, act="gelu", positions=65,
        keys=[("projector.scale_factor", 2), ("preproc_min_tiles", 1), ("preproc_max_tiles", 4)],
        mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225),
        class_token=True, layer_scale=True, project=project,
    )


LLAVA_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}"
    "{% if message['role'] == 'system' %}{{ message['content'] + ' ' }}{% else %}"
    "{{ message['role'] | upper + ': ' }}"
    "{% if message['content'] is string %}{{ message['content'] }}{% else %}"
    "{% for content in message['content'] %}{% if content['type'] == 'image' %}{{ '<image>\n' }}{% endif %}{% endfor %}"
    "{% for content in message['content'] %}{% if content['type'] == 'text' %}{{ content['text'] }}{% endif %}{% endfor %}"
    "{% endif %}{{ eos_token if message['role'] == 'assistant' else ' ' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %}"
)


def llava(folder):
    """LLaVA 1.5: fixed size, no tokens around the image, a context of only 512 tokens.

    Wider than the others, so that a pair made of two families does not load.
    """
    width = 40
    vocab = spm_vocab(
        ["<unk>", "<s>", "</s>"], [], {"bos": "<s>", "eos": "</s>", "unk": "<unk>"},
    )
    text_model(
        folder, "llava", "llama", vocab, LLAVA_TEMPLATE, n_ctx=512, spaced_answers=True, salt=7,
        d=width, head=20,
    )

    def project(w, d):
        w.matrix("mm.0", width, d)
        w.bias("mm.0", width)
        w.matrix("mm.2", width, width, 3.0)
        w.bias("mm.2", width)

    # 8x8 patches and a class token that the projector drops: 64 tokens an image
    vision_model(
        folder, "llava", "mlp", image_size=64, patch=8, act=None, positions=65,
        mean=(0.48145466, 0.4578275, 0.40821073), std=(0.26862954, 0.26130258, 0.27577711),
        class_token=True, pre_norm=True, post_norm=True, patch_bias=False, n_layer=3, eps=1e-5,
        text_width=width, project=project,
    )


def llavanext(folder):
    """LLaVA 1.6: up to 2x2 tiles and an overview, each an image chunk with nothing around it."""
    vocab = spm_vocab(
        ["<unk>", "<s>", "</s>"], [], {"bos": "<s>", "eos": "</s>", "unk": "<unk>"},
    )
    text_model(folder, "llavanext", "llama", vocab, LLAVA_TEMPLATE, spaced_answers=True, salt=0)

    def project(w, d):
        w.matrix("mm.0", TEXT_WIDTH, d)
        w.bias("mm.0", TEXT_WIDTH)
        w.matrix("mm.2", TEXT_WIDTH, TEXT_WIDTH, 3.0)
        w.bias("mm.2", TEXT_WIDTH)
        # as the real files have it; this llama.cpp reads it and puts it nowhere
        w.normal("v.image_newline", (TEXT_WIDTH,), 0.5, dtype=np.float32)

    # 4x4 patches: 16 tokens a tile
    vision_model(
        folder, "llavanext", "mlp", image_size=64, patch=16, act=None, positions=17,
        mean=(0.48145466, 0.4578275, 0.40821073), std=(0.26862954, 0.26130258, 0.27577711),
        class_token=True, pre_norm=True, post_norm=True, patch_bias=False, n_layer=3, eps=1e-5,
        pinpoints=[64, 128, 128, 64, 128, 128, 192, 64, 64, 192], project=project,
    )


PIXTRAL_TEMPLATE = """{%- if messages[0]['role'] == 'system' -%}
    {%- set system_message = messages[0]['content'] -%}
    {%- set loop_messages = messages[1:] -%}
{%- else -%}
    {%- set loop_messages = messages -%}
{%- endif -%}
{{- bos_token -}}
{%- for message in loop_messages -%}
    {%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) -%}
        {{- raise_exception('After the optional system message, conversation roles must alternate user/assistant/user/assistant/...') -}}
    {%- endif -%}
    {%- if message['role'] == 'user' -%}
        {{- '[INST]' -}}
        {%- if loop.last and system_message is defined -%}
            {{- system_message + '\n\n' -}}
        {%- endif -%}
        {%- if message['content'] is string -%}
            {{- message['content'] -}}
        {%- else -%}
            {%- for block in message['content'] -%}
                {%- if block['type'] == 'text' -%}
                    {{- block['text'] -}}
                {%- elif block['type'] == 'image' -%}
                    {{- '[IMG]' -}}
                {%- else -%}
                    {{- raise_exception('Only text and image blocks are supported in message content!') -}}
                {%- endif -%}
            {%- endfor -%}
        {%- endif -%}
        {{- '[/INST]' -}}
    {%- elif message['role'] == 'assistant' -%}
        {{- message['content'] + eos_token -}}
    {%- else -%}
        {{- raise_exception('Only user and assistant roles are supported, with the exception of an initial optional system message!') -}}
    {%- endif -%}
{%- endfor -%}
"""


def pixtral(folder):
    """Dynamic resolution with a break embedding after each row; no generation prompt."""
    vocab = bpe_vocab(
        "pixtral",
        ["<unk>", "<s>", "</s>", "[INST]", "[/INST]", "[IMG]", "[IMG_BREAK]", "[IMG_END]", "<pad>"],
        {"bos": "<s>", "eos": "</s>", "unk": "<unk>", "pad": "<pad>"},
    )
    text_model(folder, "pixtral", "llama", vocab, PIXTRAL_TEMPLATE, salt=11)

    def project(w, d):
        w.ones("mm.input_norm.weight", d)
        w.matrix("mm.patch_merger", d, 4 * d)
        w.matrix("mm.1", TEXT_WIDTH, d)
        w.matrix("mm.2", TEXT_WIDTH, TEXT_WIDTH, 3.0)
        w.normal("v.token_embd.img_break", (TEXT_WIDTH,), 0.5, dtype=np.float32)

    # as in Mistral Small 3.1: patches of 14 merged 2x2, 28 pixels a token
    vision_model(
        folder, "pixtral", "pixtral", image_size=1540, patch=14, act="silu", rms=True, biases=False,
        keys=[("spatial_merge_size", 2)],
        mean=(0.48145466, 0.4578275, 0.40821073), std=(0.26862954, 0.26130258, 0.27577711),
        patch_bias=False, pre_norm=True, gated=True, project=project,
    )


FAMILIES = [gemma3, qwen25vl, qwen3vl, smolvlm, internvl, llava, llavanext, pixtral]


def main():
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    wanted = sys.argv[2:] or [f.__name__ for f in FAMILIES]
    unknown = set(wanted) - {f.__name__ for f in FAMILIES}
    if unknown:
        sys.exit(f"unknown family: {', '.join(sorted(unknown))}")
    for family in FAMILIES:
        if family.__name__ in wanted:
            family(folder)
            for suffix in ["", "-mmproj"]:
                path = folder / f"{family.__name__}{suffix}.gguf"
                print(f"{path}  {path.stat().st_size / 1000:.1f} kB")


if __name__ == "__main__":
    main()
