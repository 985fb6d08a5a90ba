#!/usr/bin/env python3
"""Makes one ONNX file of CLIP's image tower and a classifier's head, as praetor's specs describe it.

    pip install -r tools/classifiers/requirements.txt
    tools/classifiers/export.py q16 --tower clip-vit-large-patch14 --head prompts.p --out q16.onnx

Towers are what Hugging Face publishes: a folder, or the file of weights (safetensors or `pytorch_model.bin`) with
its `config.json` beside it. docs/classifiers.md says where each classifier's files come from. PyTorch is not needed.
"""
import argparse
import json
import sys
from pathlib import Path

import numpy as np

from checkpoints import Refused, arrays
from graph import Graph, tower

SIDE = 224
HEADS = ["sexual", "violent", "disturbing", "hateful", "political"]


def nsfw_detector(graph, embedding, width, head):
    """LAION's head: on an embedding of length one, each number set apart by its mean and variance, a chain of
    linear layers, and one probability."""
    read = arrays(head)
    spread = np.sqrt(read.get("norm.variance", width)) + 1e-10
    x = graph.op("Div", graph.op("Sub", graph.unit(embedding), read.get("norm.mean", width)), spread)
    last = max((n for n in range(1, 17) if f"linear_{n}.weight" in read), default=1)
    for n in range(1, last + 1):
        bias = read.get(f"linear_{n}.bias", 1 if n == last else None)
        x = graph.linear(x, read.get(f"linear_{n}.weight", len(bias), width), bias)
        x, width = graph.op("Sigmoid" if n == last else "Relu", x), len(bias)
    return x, 1


def multiheaded(graph, embedding, width, head):
    """Five networks on the embedding as it is; batch normalisation stands behind the bend, and is two numbers an
    output once trained. What comes out is before the sigmoid."""

    def one(name):
        read = arrays(next((p for p in (head / f"{name}.pt", head / f"{name}_head.pt") if p.is_file()), head / f"{name}.pt"))
        inner = len(read.get("0.bias", None))
        x = graph.op("Relu", graph.linear(embedding, read.get("0.weight", inner, width), read.get("0.bias", inner)))
        scale = read.get("3.weight", inner) / np.sqrt(read.get("3.running_var", inner) + 1e-5)
        shift = read.get("3.bias", inner) - read.get("3.running_mean", inner) * scale
        x = graph.op("Add", graph.op("Mul", x, scale), shift)
        return graph.linear(x, read.get("4.weight", 1, inner), read.get("4.bias", 1))

    if not head.is_dir():
        raise Refused(f"{head}: not a folder with {', '.join(name + '.pt' for name in HEADS)}")
    return graph.op("Concat", *map(one, HEADS), axis=-1), len(HEADS)


def q16(graph, embedding, width, head):
    """A hundred times the cosine with each of the two learned prompts, the harmless one first."""
    prompts = arrays(head).get("", 2, width)
    prompts = prompts / np.linalg.norm(prompts, axis=-1, keepdims=True)
    return graph.op("Mul", graph.linear(graph.unit(embedding), prompts), 100.0), 2


def sd_filter(graph, embedding, width, read):
    """A hundred times the largest margin of a concept: its cosine less its threshold, and 0.01 more where one of
    the special concepts has a margin above zero.

    The checker rounds margins to three places before it compares them with zero. So they are here what they
    exceed half a thousandth by: the sign is the checker's, and the number stays smooth.
    """
    unit, half = graph.unit(embedding), np.float32(0.0005)

    def most(concepts):
        them = read.get(concepts, None, width)
        them = them / np.linalg.norm(them, axis=-1, keepdims=True)
        limits = read.get(f"{concepts}_weights", len(them)) + half
        return graph.op("ReduceMax", graph.op("Sub", graph.linear(unit, them), limits), axes=[-1], keepdims=1)

    special = graph.op("Cast", graph.op("Greater", most("special_care_embeds"), 0.0), to=1)
    margin = graph.op("Add", most("concept_embeds"), graph.op("Mul", special, 0.01))
    return graph.op("Mul", margin, 100.0), 1


def export(name, weights, head, out):
    if weights.is_dir():
        weights /= "model.safetensors"
    read = arrays(weights)
    beside = weights.parent / "config.json"
    config = json.loads(beside.read_text()) if beside.is_file() else {}
    graph = Graph()
    # The checker keeps its tower one name deeper.
    deep = "vision_model.vision_model.embeddings.class_embedding" in read
    vision = read.under("vision_model.vision_model." if deep else "vision_model.")
    seen, width, side = tower(graph, vision, config.get("vision_config", config))
    projection = read.get("visual_projection.weight", None, width)
    embedding, width = graph.linear(seen, projection), len(projection)
    if side != SIDE:
        raise Refused(f"{weights}: made for pictures of {side} pixels, and the specs are for {SIDE}")
    heads = {"nsfw-detector": nsfw_detector, "multiheaded": multiheaded, "q16": q16}
    if name == "sd-filter":
        result, numbers = sd_filter(graph, embedding, width, read)
    elif head is None:
        raise Refused(f"{name} has a head of its own: name it with --head")
    else:
        result, numbers = heads[name](graph, embedding, width, head)
    graph.save(out, side, result, numbers, f"{name}: {weights.name}" + (f" and {head.name}" if head else ""))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("classifier", choices=["nsfw-detector", "multiheaded", "q16", "sd-filter"])
    parser.add_argument("--tower", type=Path, required=True, help="CLIP ViT-L/14's folder or weights, or the SD checker's own")
    parser.add_argument("--head", type=Path, help="the head's file, of multiheaded the folder; sd-filter has none")
    parser.add_argument("--out", type=Path, required=True, help="the ONNX file to write")
    said = parser.parse_args()
    try:
        export(said.classifier, said.tower, said.head, said.out)
    except Refused as refused:
        sys.exit(f"{refused}")
    print(f"{said.out}: {said.out.stat().st_size / 1e6:.1f} MB, for `--classifier {said.classifier}`", file=sys.stderr)


if __name__ == "__main__":
    main()
