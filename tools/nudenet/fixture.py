#!/usr/bin/env python3
"""Writes tests/inputs/nudenet.json: what the package nudenet itself finds in the example pictures.

    pip install nudenet==3.4.2 && tools/nudenet/fixture.py

For each picture, and for the upper half of each (which is not square, so that it is padded): the package's
detections, and of each of its 18 classes the largest score at any place, which a threshold does not hide.
"""
import json
import pathlib

import cv2
import numpy as np
from nudenet import NudeDetector
from nudenet import nudenet as package

root = pathlib.Path(__file__).resolve().parents[2]
labels = getattr(package, "__labels")
detector = NudeDetector()


def seen(pixels):
    blob = package._read_image(pixels, detector.input_width)[0]
    output = detector.onnx_session.run(None, {detector.input_name: blob})[0]
    best = np.squeeze(output)[4:].max(axis=1)
    return {
        "best": [round(float(score), 6) for score in best],
        "detections": [
            {"class": found["class"], "score": round(found["score"], 6), "box": found["box"]}
            for found in detector.detect(pixels)
        ],
    }


pictures = {}
for path in sorted((root / "models/demo/examples").glob("*.png")):
    whole = cv2.imread(str(path))
    pictures[path.name] = {"whole": seen(whole), "upper_half": seen(whole[: whole.shape[0] // 2])}
text = json.dumps({"nudenet": "3.4.2", "labels": labels, "pictures": pictures}, indent=1)
(root / "tests/inputs/nudenet.json").write_text(text + "\n")
