#!/usr/bin/env python3
"""What others' code says: transformers' CLIP, diffusers' safety checker, and the three other heads in PyTorch.

Holds an ONNX file that export.py made against them, on pictures of yours:

    tools/classifiers/reference.py q16 --tower clip/ --head prompts.p --onnx q16.onnx PICTURES...

This loads heads with PyTorch and pickle as their projects do, which runs what is in them: only for files you trust.
"""
import argparse
import pickle
from pathlib import Path

import numpy as np
import torch
from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker, cosine_distance
from PIL import Image
from torch import nn
from transformers import CLIPImageProcessor, CLIPVisionModelWithProjection

from export import HEADS

PROCESSOR = CLIPImageProcessor()


def pixels_of(image):
    """A picture as CLIP's processor prepares it: shorter side to 224 by Pillow's bicubic, the middle cut out."""
    # A picture of one row would be taken for one channel if its form were guessed.
    return PROCESSOR(image.convert("RGB"), return_tensors="pt", input_data_format="channels_last")["pixel_values"]


def embedder(folder):
    model = CLIPVisionModelWithProjection.from_pretrained(folder).eval()
    return lambda pixels: model(pixels).image_embeds


def nsfw_head(path):
    state = torch.load(path, map_location="cpu")
    layers = []
    for n in range(1, sum(name.endswith(".bias") for name in state) + 1):
        layer = nn.Linear(*reversed(state[f"linear_{n}.weight"].shape))
        layer.load_state_dict({"weight": state[f"linear_{n}.weight"], "bias": state[f"linear_{n}.bias"]})
        layers += [layer, nn.ReLU()]
    chain = nn.Sequential(*layers[:-1], nn.Sigmoid())
    mean, spread = state["norm.mean"], state["norm.variance"].sqrt()
    return lambda embeds: chain((nn.functional.normalize(embeds) - mean) / spread)


def multiheaded_head(folder):
    def one(name):
        state = torch.load(folder / f"{name}.pt", map_location="cpu")
        inner, width = state["0.weight"].shape
        head = nn.Sequential(nn.Linear(width, inner), nn.ReLU(), nn.Dropout(0.5), nn.BatchNorm1d(inner), nn.Linear(inner, 1))
        head.load_state_dict(state)
        return head.eval()

    heads = [one(name) for name in HEADS]
    return lambda embeds: torch.cat([head(embeds) for head in heads], dim=-1)


def q16_head(path):
    with open(path, "rb") as file:
        prompts = torch.tensor(np.asarray(pickle.load(file), np.float32))
    return lambda embeds: 100.0 * cosine_distance(embeds, prompts)


def sd_numbers(checker, pixels):
    """A hundred times the largest margin less half a thousandth, from the checker's own parts."""
    embeds = checker.visual_projection(checker.vision_model(pixels)[1])
    special = cosine_distance(embeds, checker.special_care_embeds) - checker.special_care_embeds_weights
    adjustment = 0.01 * (special.amax(dim=-1, keepdim=True) > 0.0005)
    margins = cosine_distance(embeds, checker.concept_embeds) - checker.concept_embeds_weights + adjustment
    return 100.0 * (margins.amax(dim=-1, keepdim=True) - 0.0005)


def reference(name, folder, head):
    """For pixels: the numbers that the ONNX file gives, and for each label whether UnsafeBench counts it unsafe."""
    if name == "sd-filter":
        checker = StableDiffusionSafetyChecker.from_pretrained(folder).eval()
        verdict = lambda pixels: checker(clip_input=pixels, images=[np.zeros((1, 1, 3)) for _ in pixels])[1]
        return lambda pixels: (sd_numbers(checker, pixels)[0], verdict(pixels))
    embeds = embedder(folder)
    read = {"nsfw-detector": nsfw_head, "multiheaded": multiheaded_head, "q16": q16_head}[name](head)
    unsafe = {
        "nsfw-detector": lambda numbers: numbers > 0.5,
        "multiheaded": lambda numbers: torch.sigmoid(numbers) > 0.5,
        "q16": lambda numbers: numbers.softmax(dim=-1) > 0.5,
    }[name]

    def both(pixels):
        numbers = read(embeds(pixels))[0]
        return numbers, unsafe(numbers).tolist()

    return both


@torch.no_grad()
def main():
    import onnxruntime

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("classifier", choices=["nsfw-detector", "multiheaded", "q16", "sd-filter"])
    parser.add_argument("--tower", type=Path, required=True, help="the folder of config.json and the weights")
    parser.add_argument("--head", type=Path)
    parser.add_argument("--onnx", type=Path, required=True)
    parser.add_argument("pictures", type=Path, nargs="+")
    said = parser.parse_args()
    theirs = reference(said.classifier, said.tower, said.head)
    session = onnxruntime.InferenceSession(str(said.onnx), providers=["CPUExecutionProvider"])
    furthest = 0.0
    for path in said.pictures:
        pixels = pixels_of(Image.open(path))
        numbers, _ = theirs(pixels)
        ours = session.run(None, {"pixels": pixels.numpy()})[0][0]
        furthest = max(furthest, float(np.abs(ours - numbers.numpy()).max()))
        print(path.name, " ".join(f"{number:.4f}" for number in ours))
    print(f"{len(said.pictures)} pictures: the largest distance of two numbers is {furthest:.2e}")


if __name__ == "__main__":
    main()
