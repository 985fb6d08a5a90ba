"""The vocabulary: byte-level BPE of the GPT-2 kind, as llama.cpp's `gpt2` tokenizer runs it.

It is fitted on the training texts only, so that class words and the fixed prompts are
few tokens. The words for Yes and No are made single tokens by force, because the judge
reads its probability off the first token.
"""

import json
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

import text

SPECIAL = ["<|pad|>", "<|begin|>", text.USER, text.END, text.MODEL, text.IMAGE_START, text.IMAGE_END]
PAD, BEGIN, USER, END, MODEL, IMAGE_START, IMAGE_END = range(len(SPECIAL))


def corpus() -> list[str]:
    rng = np.random.default_rng(11)
    lines = []
    for statement in text.bank(rng, 5000):
        order = [int(c) for c in rng.choice(len(text.NAMES), size=int(rng.integers(1, 5)), replace=False)]
        lines += [" " + statement.text, text.reasoning(statement, order), text.verdict_json(statement, order), text.caption(order)]
    fixed = [text.VISIBLE, *text.VISIBLE_ALSO, text.REASON, text.REASON_JSON, text.CAPTION, *text.CAPTION_ALSO]
    return lines + fixed * 200 + ["Yes", "No", " Yes", " No", "yes", "no", " yes", " no"] * 3000


def fit(path: Path, size: int = 768) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=SPECIAL, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator(corpus(), trainer)
    for word in ("Yes", "No", " Yes", " No"):
        assert len(tokenizer.encode(word).ids) == 1, word
    tokenizer.save(str(path))
    return tokenizer


def load(path: Path) -> Tokenizer:
    return Tokenizer.from_file(str(path)) if path.exists() else fit(path)


def from_gguf(path: Path) -> Tokenizer:
    """The vocabulary of a model file, so that a reference needs nothing but the model."""
    import gguf

    fields = gguf.GGUFReader(path).fields
    listed = lambda key: [bytes(fields[key].parts[i]).decode() for i in fields[key].data]
    tokens, merges = listed("tokenizer.ggml.tokens"), listed("tokenizer.ggml.merges")
    tokenizer = Tokenizer(models.BPE({t: i for i, t in enumerate(tokens)}, [tuple(m.split(" ")) for m in merges]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(SPECIAL)
    return tokenizer


def pieces(path: Path) -> tuple[list[str], list[str]]:
    """Tokens in id order and merges, as GGUF stores them."""
    model = json.loads(path.read_text())["model"]
    tokens = [t for t, _ in sorted(model["vocab"].items(), key=lambda item: item[1])]
    return tokens, [m if isinstance(m, str) else " ".join(m) for m in model["merges"]]
