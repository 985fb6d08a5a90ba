"""Tiny encoders with random weights, and what transformers computes with them.

    python make.py ../../tests/encoders

Writes a folder for each family (`clip`, `siglip`, `siglip2`, `owlv2`) with a model in the layout
of the hub and `expected.json`: tokens, pixels, embeddings, cosines; for OWLv2 logits and boxes.
The tests of `src/encoder` compare praetor's own towers with these numbers.
"""

import argparse
import json
import shutil
import warnings
from pathlib import Path

import numpy as np
import sentencepiece
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    CLIPConfig,
    CLIPImageProcessor,
    CLIPModel,
    CLIPTokenizerFast,
    Owlv2Config,
    Owlv2ForObjectDetection,
    Owlv2ImageProcessor,
    PreTrainedTokenizerFast,
    SiglipConfig,
    SiglipImageProcessor,
    SiglipModel,
    SiglipTokenizer,
)

warnings.filterwarnings("ignore")
TEXTS = [
    "a knife",
    "A child must not be shown together with a weapon, e.g. a gun (or a KNIFE)!",
    "Zwei Menschen  liegen\tim Bett: 愛 ñ 🔪",
    "people or animals whose bodies have suffered visible, bloody injuries " * 4,
]
OBJECTS = ["knife", "a child's hand", "gun and blood and fire and smoke and a bottle and a dog and a cat and a tree"]
CORPUS = [" ".join(TEXTS[:2] + TEXTS[3:]), "the quick brown fox jumps over the lazy dog", " ".join(OBJECTS)] * 8


def pictures(folder: Path) -> dict:
    """Two pictures with edges, gradients and noise: one wide, one tall."""
    folder.mkdir(parents=True, exist_ok=True)
    rng, made = np.random.default_rng(7), {}
    for name, (width, height) in {"wide": (97, 58), "tall": (23, 131)}.items():
        y, x = np.mgrid[:height, :width]
        image = np.stack([x * 255 / width, y * 255 / height, (x + y) % 32 * 8], -1)
        image[height // 4 : height // 2, width // 3 : width // 2] = (250, 10, 20)
        image += rng.normal(0, 12, image.shape)
        made[name] = Image.fromarray(image.clip(0, 255).astype(np.uint8))
        made[name].save(folder / f"{name}.png")
    return made


def randomise(model, seed: int):
    """Weights large enough that every part counts."""
    generator = torch.Generator().manual_seed(seed)
    for name, p in model.named_parameters():
        noise = torch.randn(p.shape, generator=generator)
        if name.endswith(("logit_scale", "logit_bias")) and p.numel() == 1:
            p.data = torch.full_like(p, 2.3 if name.endswith("scale") else -2.0)
        elif "norm" in name or "layrnorm" in name:
            p.data = noise * 0.1 + (1.0 if name.endswith("weight") else 0.0)
        elif p.dim() < 2:
            p.data = noise * 0.1
        elif "embedding" in name and "patch" not in name:
            p.data = noise * 0.5
        else:
            p.data = noise / p[0].numel() ** 0.5
    return model.eval()


def clip_tokenizer(folder: Path, length: int) -> CLIPTokenizerFast:
    """CLIP's own: bytes, `</w>` at the end of words, marks with the two highest numbers."""
    bpe = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    bpe.normalizer = normalizers.Lowercase()
    bpe.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.ByteLevel(add_prefix_space=False)])
    bpe.train_from_iterator(CORPUS, trainers.BpeTrainer(vocab_size=200, end_of_word_suffix="</w>", show_progress=False))
    merges = [m if isinstance(m, str) else " ".join(m) for m in json.loads(bpe.to_str())["model"]["merges"]]
    # The same letters in the same order as CLIP has them.
    letters = [chr(b) for b in [*range(33, 127), *range(161, 173), *range(174, 256)]]
    letters += [chr(256 + n) for n in range(256 - len(letters))]
    words = letters + [letter + "</w>" for letter in letters] + [m.replace(" ", "") for m in merges]
    words = list(dict.fromkeys(words)) + ["<|startoftext|>", "<|endoftext|>"]
    vocabulary, order = folder / "vocab.json", folder / "merges.txt"
    vocabulary.write_text(json.dumps({word: i for i, word in enumerate(words)}))
    order.write_text("#version: 0.2\n" + "\n".join(merges) + "\n")
    pad = "!" if length == 16 else "<|endoftext|>"
    return CLIPTokenizerFast(str(vocabulary), str(order), model_max_length=length, pad_token=pad)


def siglip_tokenizers(folder: Path, length: int):
    """The slow tokenizer that is the reference, and a fast one that leaves canonicalising to the reader."""
    corpus = folder / "corpus.txt"
    corpus.write_text("\n".join(line.lower() for line in CORPUS))
    sentencepiece.SentencePieceTrainer.train(
        input=str(corpus), model_prefix=str(folder / "spiece"), vocab_size=120, model_type="unigram",
        pad_id=-1, bos_id=-1, eos_id=1, unk_id=2, control_symbols=["<pad>"], normalization_rule_name="identity",
        hard_vocab_limit=False, minloglevel=2,
    )
    slow = SiglipTokenizer(str(folder / "spiece.model"), model_max_length=length)
    pieces = slow.sp_model
    words = [(pieces.id_to_piece(i), pieces.get_score(i)) for i in range(pieces.get_piece_size())]
    fast = Tokenizer(models.Unigram(words, unk_id=pieces.unk_id()))
    fast.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    fast.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always")
    fast.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", pieces.piece_to_id("</s>"))])
    return slow, fast


def gemma_tokenizer(length: int) -> PreTrainedTokenizerFast:
    """As SigLIP 2's: bytes where a letter is unknown, spaces as letters, case kept by the file."""
    fast = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    fast.normalizer = normalizers.Replace(" ", "▁")
    # Words are learned one by one; as in Gemma's file they may join later.
    fast.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
    specials = ["<pad>", "<eos>", "<bos>", "<unk>"] + [f"<0x{byte:02X}>" for byte in range(256)]
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=specials, show_progress=False)
    fast.train_from_iterator([line.lower() for line in CORPUS], trainer)
    fast.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    made = json.loads(fast.to_str())
    made["added_tokens"] = [t for t in made["added_tokens"] if t["id"] < 4]  # bytes are words, not marks
    fast = Tokenizer.from_str(json.dumps(made))
    fast.post_processor = processors.TemplateProcessing(single="$A <eos>", special_tokens=[("<eos>", 1)])
    return PreTrainedTokenizerFast(
        tokenizer_object=fast, pad_token="<pad>", eos_token="<eos>", bos_token="<bos>", unk_token="<unk>",
        model_max_length=length, padding_side="right",
    )


def tower(**more) -> dict:
    return dict(hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4, **more)


def listed(x) -> list:
    return np.asarray(x.detach() if isinstance(x, torch.Tensor) else x, np.float64).round(7).tolist()


def keep(folder: Path, model, processor, half=False):
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    if half:
        weights = folder / "model.safetensors"
        small = {k: v.half() for k, v in load_file(weights).items()}
        save_file(small, weights, metadata={"format": "pt"})
        model.load_state_dict({k: v.float() for k, v in small.items()})
    for name in ("vocab.json", "merges.txt", "corpus.txt", "spiece.vocab", "spiece.model", "special_tokens_map.json"):
        (folder / name).unlink(missing_ok=True)


def dual(folder: Path, model, processor, ids, shown, half=False, **more):
    keep(folder, model, processor, half)
    pixels = {name: processor(image, return_tensors="pt")["pixel_values"] for name, image in shown.items()}
    with torch.no_grad():
        texts = torch.nn.functional.normalize(model.get_text_features(input_ids=torch.tensor(ids)), dim=-1)
        images = torch.nn.functional.normalize(model.get_image_features(torch.cat(list(pixels.values()))), dim=-1)
    expected = dict(
        texts=TEXTS, tokens=ids, pixels={name: listed(p.flatten()) for name, p in pixels.items()},
        text_embeddings=listed(texts), image_embeddings=listed(images), cosines=listed(texts @ images.T),
        patches=listed(patches(model, pixels["wide"], texts)), **more,
    )
    (folder / "expected.json").write_text(json.dumps(expected, ensure_ascii=False, separators=(",", ":")) + "\n")


@torch.no_grad()
def patches(model, pixels, texts):
    """Cosines of each patch with each text: the localizer's reading of the last layer."""
    vision = model.vision_model
    if isinstance(model, SiglipModel):
        states = vision(pixels).last_hidden_state  # behind the last norm
        # As the only token: pool every patch by itself with the head as it is.
        each = vision.head(states.reshape(-1, 1, states.shape[-1]))
    else:
        hidden = vision.pre_layrnorm(vision.embeddings(pixels))
        for layer in vision.encoder.layers[:-1]:
            hidden = layer(hidden, None, None)[0]
        last = vision.encoder.layers[-1]
        value = last.self_attn.out_proj(last.self_attn.v_proj(last.layer_norm1(hidden)))
        each = model.visual_projection(vision.post_layernorm(value[0, 1:]))
    return torch.nn.functional.normalize(each, dim=-1) @ texts.T


def clip(folder: Path, shown):
    tokenizer = clip_tokenizer(folder, 40)
    end = tokenizer.eos_token_id
    text = tower(vocab_size=len(tokenizer), max_position_embeddings=40, eos_token_id=end, bos_token_id=end - 1, pad_token_id=end)
    config = CLIPConfig(text_config=text, vision_config=tower(image_size=32, patch_size=8), projection_dim=24)
    model = randomise(CLIPModel(config), 1)
    processor = CLIPImageProcessor(size={"shortest_edge": 36}, crop_size={"height": 32, "width": 32})
    tokenizer.save_pretrained(folder)
    ids = tokenizer(TEXTS, padding="max_length", truncation=True)["input_ids"]
    dual(folder, model, processor, ids, shown, full=[len(i) for i in tokenizer(TEXTS)["input_ids"]])


def siglip(folder: Path, shown):
    slow, fast = siglip_tokenizers(folder, 48)
    text = tower(vocab_size=slow.vocab_size, max_position_embeddings=48)
    config = SiglipConfig(text_config=text, vision_config=tower(image_size=32, patch_size=8))
    model = randomise(SiglipModel(config), 2)
    processor = SiglipImageProcessor(size={"height": 32, "width": 32})
    ids = slow(TEXTS, padding="max_length", truncation=True)["input_ids"]
    full = [len(i) for i in slow(TEXTS)["input_ids"]]
    slow.save_pretrained(folder)
    fast.save(str(folder / "tokenizer.json"))
    dual(folder, model, processor, ids, shown, full=full)


def siglip2(folder: Path, shown):
    tokenizer = gemma_tokenizer(40)
    text = tower(vocab_size=len(tokenizer), max_position_embeddings=40, projection_size=32)
    config = SiglipConfig(text_config=text, vision_config=tower(image_size=36, patch_size=12))
    model = randomise(SiglipModel(config), 3)
    processor = SiglipImageProcessor(size={"height": 36, "width": 36}, resample=2)
    lower = [text.lower() for text in TEXTS]
    ids = tokenizer(lower, padding="max_length", truncation=True)["input_ids"]
    tokenizer.save_pretrained(folder)
    said = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps(said | {"tokenizer_class": "GemmaTokenizerFast"}, indent=2))
    dual(folder, model, processor, ids, shown, half=True, full=[len(i) for i in tokenizer(lower)["input_ids"]])


@torch.no_grad()
def owlv2(folder: Path, shown):
    tokenizer = clip_tokenizer(folder, 16)
    text = tower(vocab_size=len(tokenizer), max_position_embeddings=16)
    config = Owlv2Config(text_config=text, vision_config=tower(image_size=48, patch_size=8), projection_dim=32)
    model = randomise(Owlv2ForObjectDetection(config), 4)
    tokenizer.save_pretrained(folder)
    ids = tokenizer(OBJECTS, padding="max_length", truncation=True)["input_ids"]
    processor = Owlv2ImageProcessor(size={"height": 48, "width": 48})
    keep(folder, model, processor)
    expected = dict(objects=OBJECTS, tokens=ids, pixels={}, logits={}, boxes={}, regions={})
    for name, image in shown.items():
        pixels = processor(image, return_tensors="pt")["pixel_values"].float()
        out = model(input_ids=torch.tensor(ids), attention_mask=(torch.tensor(ids) > 0).long(), pixel_values=pixels)
        side = float(max(image.size))
        x, y, w, h = out.pred_boxes[0].T
        corners = torch.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], -1) * side
        shares = corners / torch.tensor([image.width, image.height] * 2)
        expected["pixels"][name] = listed(pixels.flatten())
        expected["logits"][name] = listed(out.logits[0])
        expected["boxes"][name] = listed(out.pred_boxes[0])
        expected["regions"][name] = listed(shares.clamp(0, 1))
    (folder / "expected.json").write_text(json.dumps(expected, ensure_ascii=False, separators=(",", ":")) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    out = parser.parse_args().out
    torch.set_num_threads(1)
    shown = pictures(out / "pictures")
    for family in (clip, siglip, siglip2, owlv2):
        folder = out / family.__name__
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        family(folder, shown)
        print(family.__name__, sum(f.stat().st_size for f in folder.iterdir()) // 1024, "kB")


if __name__ == "__main__":
    main()
