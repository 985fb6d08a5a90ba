"""What the encoder's text tower reads: rules, statements, captions and the names of things.

Each text has a chain, as a rule has: it is true of a scene that holds every link.
"""

from pathlib import Path

import numpy as np
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

import encoder
import rules
import text
from classes import NAMES

PAD = "<pad>"
VOCABULARY = 640


def of_statement(statement: text.Statement) -> rules.Rule:
    each = [p.classes for p in statement.parts]
    return rules.Rule(statement.text, tuple(each) if statement.every else (frozenset().union(*each),))


def dressed(phrase: str, rng) -> str:
    """A thing as one may look for it: half of the time by its bare name."""
    bare = phrase.removeprefix("an ").removeprefix("a ")
    roll = rng.integers(10)
    if roll < 5:
        return bare
    return (phrase, phrase, f"{phrase} {text.are(phrase)} visible", f"a photo of {phrase}", f"a picture of {phrase}")[roll - 5]


def words(rng, count: int) -> list[rules.Rule]:
    """Names of things: every class once in a random dress, then kinds and more classes."""
    out = []
    for i in range(count):
        part = text.THING_PARTS[NAMES[i]] if i < len(NAMES) else text.PARTS[list(text.PARTS)[rng.integers(len(text.PARTS))]]
        phrase = text.name_of(part, rng, rng.random() < 0.3)
        out.append(rules.Rule(dressed(phrase, rng), (part.classes,)))
    return out


def caption(order: list[int], rng) -> rules.Rule:
    """A caption of some of what is there."""
    kept = [c for c in order if rng.random() < 0.8] or order[:1]
    start = ("", "", "a picture of ", "a photo of ")[rng.integers(4)]
    return rules.Rule(start + text.caption(kept), tuple(frozenset([c]) for c in sorted(set(kept))))


def corpus() -> list[str]:
    rng = np.random.default_rng(21)
    lines = [r.text for r in rules.bank(rng, 9000)] + [s.text for s in text.bank(rng, 4000)]
    for _ in range(1500):
        lines += [w.text for w in words(rng, 30)[:30]]
        lines.append(caption([int(c) for c in rng.choice(len(NAMES), size=int(rng.integers(1, 5)), replace=False)], rng).text)
    return lines


def tokenizer(path: Path) -> Tokenizer:
    """Byte-level BPE in lower case, padded to 64 tokens; fitted on first use."""
    if not path.exists():
        out = Tokenizer(models.BPE())
        out.normalizer = normalizers.Lowercase()
        out.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True, use_regex=True)
        out.decoder = decoders.ByteLevel()
        alphabet = pre_tokenizers.ByteLevel.alphabet()
        out.train_from_iterator(corpus(), trainers.BpeTrainer(vocab_size=VOCABULARY, special_tokens=[PAD], initial_alphabet=alphabet, show_progress=False))
        out.enable_padding(length=encoder.LENGTH, pad_id=0, pad_token=PAD)
        out.enable_truncation(encoder.LENGTH)
        out.save(str(path))
    return Tokenizer.from_file(str(path))


def encode(tokenizer: Tokenizer, texts: list[str]) -> np.ndarray:
    return np.array([e.ids for e in tokenizer.encode_batch(texts)], np.int32)
