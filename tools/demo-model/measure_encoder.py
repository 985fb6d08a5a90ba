"""Measure the encoder's two uses on held-out scenes: which rules matter, and where a thing is.

    python measure.py relevance --work WORK --model models/demo
    python measure.py patches   --work WORK --model models/demo
"""

import json
import pickle
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage

import rules
import vision
from classes import INDEX, NAMES
from encoder_reference import Encoder, open_image
from train_encoder import auc
from train_vision import average_precision

THRESHOLDS = (-0.2, -0.15, -0.1, -0.05, 0.0, 0.05, 0.1, 0.15, 0.2)
CELLS = 3 * vision.GRID  # tiles are thirds of the picture


def scenes(work: Path) -> list[dict]:
    """Random scenes of `measure.py scenes` and those of `measure.py ablation`, each with its path."""
    out = [dict(t, path=work / "measure" / t["image"], source="random") for t in json.loads((work / "measure" / "truth.json").read_text())]
    lines = (work / "ablation" / "labels.jsonl").read_text().splitlines()
    return out + [dict(t, path=work / "ablation" / t["image"], source="ablation") for t in map(json.loads, lines)]


def relevance(work: Path, folder: Path) -> str:
    """Share of violated rules kept and of all (picture, rule) pairs cut, by threshold."""
    model, known, all_scenes = Encoder(folder), rules.constitution(), scenes(work)
    images = model.images(model.patches(np.stack([open_image(s["path"]) for s in all_scenes])))
    present = rules.presence([[INDEX[o] for o in s["objects"]] for s in all_scenes])
    out = ["| rule is read as | scenes | art | AUC | " + " | ".join(f"{t:+.2f}" for t in THRESHOLDS) + " |", "|---|---|---|--:|" + "--:|" * len(THRESHOLDS)]
    for form, name in ((1, "objectified"), (0, "written")):
        asked = [pair[form] for pair in known.values()]
        cosines = images @ model.texts([r.text for r in asked]).T
        truth = rules.truth_table([r.chain for r in asked], present)
        for source in ("random", "ablation"):
            for art in ("trained", "emojione", "openmoji"):
                mine = np.array([s["source"] == source and s["set"] == art for s in all_scenes])
                c, t = cosines[mine], truth[mine]
                cells = [f"{100 * (c[t] > x).mean():.1f} / {100 * (c <= x).mean():.0f}" for x in THRESHOLDS]
                out.append(f"| {name} | {source} | {art} | {auc(c.ravel(), t.ravel()):.3f} | " + " | ".join(cells) + " |")
    return "\n".join(out)


def heat(model: Encoder, picture: Image.Image, words: np.ndarray) -> np.ndarray:
    """`[24, 24, words]` probabilities: the whole picture, and its overlapping thirds, whichever is surer."""
    third = picture.width / 3
    corners = [(x * third / 2, y * third / 2) for y in range(5) for x in range(5)]
    views = [open_image(picture)] + [open_image(picture.crop((int(x), int(y), int(x + third), int(y + third)))) for x, y in corners]
    p = model.probability(model.single_patches(model.patches(np.stack(views))) @ words.T).reshape(len(views), vision.GRID, vision.GRID, -1)
    tiled, seen = np.zeros((CELLS, CELLS, p.shape[-1])), np.zeros((CELLS, CELLS, 1))
    for (x, y), tile in zip(corners, p[1:]):
        row, column = int(round(y / third * 8)), int(round(x / third * 8))
        tiled[row : row + 8, column : column + 8] += tile
        seen[row : row + 8, column : column + 8] += 1
    return np.maximum(p[0].repeat(3, 0).repeat(3, 1), tiled / seen)


def boxes(mask: np.ndarray) -> list[tuple[float, float, float, float]]:
    """Left, top, right, bottom, as shares of the picture, of each connected region."""
    labels, _ = ndimage.label(mask, np.ones((3, 3)))
    return [(s[1].start / CELLS, s[0].start / CELLS, s[1].stop / CELLS, s[0].stop / CELLS) for s in ndimage.find_objects(labels)]


def overlap(a, b) -> float:
    across = max(0, min(a[2], b[2]) - max(a[0], b[0]))
    down = max(0, min(a[3], b[3]) - max(a[1], b[1]))
    area = lambda r: (r[2] - r[0]) * (r[3] - r[1])
    return across * down / (area(a) + area(b) - across * down)


def patches(work: Path, folder: Path, each: int) -> str:
    """How well a word finds its patches (whole pictures), and its box (whole and tiles, the ablation's scenes)."""
    import features

    model = Encoder(folder)
    words = model.texts(NAMES)
    out = ["| art | patch AUC | patch AP | precision at 0.5 | recall at 0.5 | box IoU | found | small: box IoU | small: found | false boxes a word and picture |", "|---|" + "--:|" * 9]
    tests = pickle.loads((work / "features.pkl").read_bytes())["tests"]
    labelled = [json.loads(line) for line in (work / "ablation" / "labels.jsonl").read_text().splitlines()]
    for art in features.SETS:
        p = model.probability(model.single_patches(tests[art]["patches"].astype(np.float32)) @ words.T).reshape(-1, len(NAMES))
        coverage = tests[art]["coverage"][..., :-1].reshape(-1, len(NAMES))
        shown, clear = coverage > 0.5, (coverage > 0.5) | (coverage < 0.02)
        per_class = [(auc(p[k, c], shown[k, c]), average_precision(p[k, c], shown[k, c])) for c, k in enumerate(clear.T)]
        precision, recall = (shown & (p > 0.5))[clear].sum() / ((p > 0.5) & clear).sum(), (shown & (p > 0.5)).sum() / shown.sum()
        normal, small, false, asked = [], [], 0, 0
        for label in [t for t in labelled if t["set"] == art][:: max(1, 224 // each)]:
            h = heat(model, Image.open(work / "ablation" / label["image"]), words)
            for c, name in enumerate(NAMES):
                found = boxes(h[..., c] > 0.5)
                truth = [(x / 512, y / 512, (x + w) / 512, (y + t) / 512) for n, x, y, w, t in label["boxes"] if n == name]
                if truth:
                    best = max([overlap(truth[0], b) for b in found], default=0.0)
                    (small if (truth[0][2] - truth[0][0]) ** 2 < 0.01 else normal).append(best)
                else:
                    false, asked = false + len(found), asked + 1
        cell = lambda x: f"{np.mean(x):.2f} | {100 * np.mean(np.array(x) > 0.1):.0f} %"
        auc_, ap = np.mean(per_class, 0)
        out.append(f"| {art} | {auc_:.3f} | {ap:.2f} | {precision:.2f} | {recall:.2f} | {cell(normal)} | {cell(small or [0.0])} | {false / asked:.2f} |")
    return "\n".join(out)
