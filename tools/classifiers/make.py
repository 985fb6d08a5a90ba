#!/usr/bin/env python3
"""Writes tests/classifiers: random weights in the wiring of the four classifiers on CLIP, as ONNX, and what
PyTorch, transformers and diffusers say of the example pictures with the same weights.

    tools/classifiers/make.py tests/classifiers

transformers, diffusers and PyTorch write the weights as the real ones are published; export.py reads them. The
tower is small (two layers of 12 numbers), its pictures and patches are of the true size. Weights are seeded. Where
a head decides is laid between what it says of the pictures, so that about half of them are unsafe.
"""
import hashlib
import json
import pickle
import sys
import tempfile
from pathlib import Path

import diffusers
import numpy as np
import torch
import transformers
from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker, cosine_distance
from PIL import Image
from transformers import CLIPConfig, CLIPVisionConfig, CLIPVisionModelWithProjection

from export import HEADS, export
from reference import PROCESSOR, embedder, multiheaded_head, nsfw_head, pixels_of, reference, sd_numbers

EXAMPLES = Path(__file__).resolve().parents[2] / "models/demo/examples"
WIDTH = 16
VISION = dict(
    hidden_size=12, intermediate_size=20, num_hidden_layers=2, num_attention_heads=2, image_size=224, patch_size=14,
    projection_dim=WIDTH,
)
# Left, upper, right, lower: squares are scaled, halves and slices cut as well, and tiny ones grow.
FORMS = {"whole": (0, 0, 256, 256), "wide": (0, 0, 256, 128), "tall": (90, 0, 177, 256), "tiny": (120, 120, 127, 125), "line": (0, 128, 256, 129)}


def randomise(model, random):
    """Weights that let another picture give another embedding, and look sharply at some places."""
    for name, parameter in model.named_parameters():
        shape = tuple(parameter.shape)
        values = random.normal(size=shape)
        if "norm" in name or "layrnorm" in name:
            values = values * 0.1 + (1.0 if name.endswith("weight") else 0.0)
        elif name.endswith("bias"):
            values *= 0.1
        elif len(shape) > 1 and "position" not in name:
            values *= (3.0 if "q_proj" in name or "k_proj" in name else 1.5) / np.prod(shape[1:]) ** 0.5
        parameter.data = torch.tensor(values, dtype=torch.float32)
    return model.eval()


def between(values):
    """The middle of the widest gap among the middle half of some numbers."""
    middle = np.sort(values)[len(values) // 4 : -(len(values) // 4)]
    widest = np.argmax(np.diff(middle))
    return float(middle[widest : widest + 2].mean())


def linear(random, outputs, inputs):
    return torch.tensor(random.normal(size=(outputs, inputs)) * 1.5 / inputs**0.5, dtype=torch.float32)


def bias(random, outputs):
    return torch.tensor(random.normal(size=outputs) * 0.1, dtype=torch.float32)


def make_nsfw(path, embeds, random):
    unit = torch.nn.functional.normalize(embeds)
    state = {"norm.mean": unit.mean(dim=0), "norm.variance": unit.var(dim=0)}
    sides = [WIDTH, 8, 12, 8, 1]
    for n, (inputs, outputs) in enumerate(zip(sides, sides[1:]), 1):
        state |= {f"linear_{n}.weight": linear(random, outputs, inputs), f"linear_{n}.bias": bias(random, outputs)}
    torch.save(state, path)
    state["linear_4.bias"] -= between(torch.logit(nsfw_head(path)(embeds).double()).numpy().ravel())
    torch.save(state, path)


def make_multiheaded(folder, embeds, random):
    folder.mkdir()
    for name in HEADS:
        state = {
            "0.weight": linear(random, 12, WIDTH), "0.bias": bias(random, 12), "3.weight": 1 + bias(random, 12),
            "3.bias": bias(random, 12), "3.running_mean": bias(random, 12), "3.running_var": 1 + bias(random, 12).abs(),
            "3.num_batches_tracked": torch.tensor(7), "4.weight": linear(random, 1, 12), "4.bias": bias(random, 1),
        }
        torch.save(state, folder / f"{name}.pt")
    numbers = multiheaded_head(folder)(embeds).numpy()
    for name, values in zip(HEADS, numbers.T):
        state = torch.load(folder / f"{name}.pt")
        state["4.bias"] -= between(values)
        torch.save(state, folder / f"{name}.pt")


def make_q16(path, embeds, random):
    middle = torch.nn.functional.normalize(embeds).mean(dim=0).numpy()
    apart = random.normal(size=WIDTH)
    apart -= middle * (apart @ middle) / (middle @ middle)
    prompts = [3 * middle + 0.5 * apart, 3 * middle - 0.5 * apart]
    with open(path, "wb") as file:
        pickle.dump(np.array(prompts, np.float16), file, protocol=3)


def make_checker(folder, pictures, random):
    config = CLIPConfig(vision_config=VISION, projection_dim=WIDTH)
    checker = randomise(StableDiffusionSafetyChecker(config), random)
    every = lambda: np.array([sd_numbers(checker, pixels).item() for pixels in pictures])
    embeds = torch.cat([checker.visual_projection(checker.vision_model(pixels)[1]) for pixels in pictures])
    unit = torch.nn.functional.normalize(embeds)
    for concepts, limits, share in [
        (checker.special_care_embeds, checker.special_care_embeds_weights, 0.8),
        (checker.concept_embeds, checker.concept_embeds_weights, 0.9),
    ]:
        concepts.data = unit.mean(dim=0) + 0.1 * torch.tensor(random.normal(size=concepts.shape), dtype=torch.float32)
        cosines = unit @ torch.nn.functional.normalize(concepts.data).T
        limits.data = torch.quantile(cosines, share, dim=0)
    checker.concept_embeds_weights.data += between(every()) / 100.0
    found = cosine_distance(embeds, checker.special_care_embeds) - checker.special_care_embeds_weights > 0.0005
    decides = (0 < every()) & (every() <= 1.0) & found.any(dim=-1).numpy()
    print(f"special concepts are found in {int(found.any(dim=-1).sum())}, and decide in {decides.sum()}")
    checker.save_pretrained(folder)


@torch.no_grad()
def main():
    out = Path(sys.argv[1])
    out.mkdir(exist_ok=True)
    torch.set_num_threads(1)
    shown = {
        path.name: {form: pixels_of(Image.open(path).crop(box)) for form, box in FORMS.items()}
        for path in sorted(EXAMPLES.glob("*.png"))
    }
    pictures = [pixels for forms in shown.values() for pixels in forms.values()]
    with tempfile.TemporaryDirectory() as work:
        work = Path(work)
        random = np.random.default_rng(20240506)
        randomise(CLIPVisionModelWithProjection(CLIPVisionConfig(**VISION)), random).save_pretrained(work / "clip")
        embeds = torch.cat([embedder(work / "clip")(pixels) for pixels in pictures])
        make_nsfw(work / "nsfw.pth", embeds, random)
        make_multiheaded(work / "multi-headed", embeds, random)
        make_q16(work / "prompts.p", embeds, random)
        make_checker(work / "checker", pictures, random)
        of = {
            "nsfw-detector": ("clip", work / "nsfw.pth"), "multiheaded": ("clip", work / "multi-headed"),
            "q16": ("clip", work / "prompts.p"), "sd-filter": ("checker", None),
        }
        said = {name: reference(name, work / folder, head) for name, (folder, head) in of.items()}
        for name, (folder, head) in of.items():
            export(name, work / folder / "model.safetensors", head, out / f"{name}.onnx")
        found = {name: {form: seen(pixels, said) for form, pixels in forms.items()} for name, forms in shown.items()}
    used = {"torch": torch.__version__, "transformers": transformers.__version__, "diffusers": diffusers.__version__}
    text = json.dumps({"made_with": used, "forms": FORMS, "pictures": found}, separators=(",", ":"))
    (out / "expected.json").write_text(text + "\n")
    for name in of:
        unsafe = [any(form[name]["unsafe"][1 if name == "q16" else 0 :]) for forms in found.values() for form in forms.values()]
        print(f"{name}: {sum(unsafe)} of {len(unsafe)} unsafe, {(out / f'{name}.onnx').stat().st_size // 1000} kB")


def seen(pixels, said):
    """The bytes behind the pixels, and each classifier's numbers and verdicts."""
    mean, std = (np.array(of)[:, None, None] for of in (PROCESSOR.image_mean, PROCESSOR.image_std))
    plain = np.rint((pixels[0].numpy() * std + mean) * 255.0).astype(np.uint8)
    of = {"pixels": hashlib.sha256(plain.tobytes()).hexdigest()}
    for name, both in said.items():
        numbers, unsafe = both(pixels)
        of[name] = {"numbers": [round(float(number), 6) for number in numbers], "unsafe": [bool(one) for one in unsafe]}
    return of


if __name__ == "__main__":
    main()
