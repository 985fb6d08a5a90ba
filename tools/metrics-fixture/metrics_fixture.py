#!/usr/bin/env python3
"""Random labels and scores, and what scikit-learn measures on them: tests/data/metrics.json.

    pip install scikit-learn
    python tools/metrics-fixture/metrics_fixture.py > tests/data/metrics.json

Some cases have few different scores, so that many are equal; some have weights, as drawing images
anew gives them. scikit-learn has no expected calibration error: it is put together from its
calibration_curve and the counts of the bins.
"""

import json

import numpy as np
import sklearn
from sklearn.calibration import calibration_curve
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    balanced_accuracy_score,
    brier_score_loss,
    f1_score,
    precision_score,
    recall_score,
    roc_auc_score,
)

BINS = 10


def calibration_error(truth, score, weight):
    """calibration_curve takes no weights, so an image that is drawn twice stands there twice."""
    truth, score = np.repeat(truth, weight), np.repeat(score, weight)
    share, mean = calibration_curve(truth, score, n_bins=BINS, strategy="uniform")
    edges = np.linspace(0.0, 1.0, BINS + 1)
    counts = np.bincount(np.searchsorted(edges[1:-1], score, side="right"), minlength=BINS)
    # calibration_curve puts an edge into the bin below; scores of the cases lie on no edge.
    counts = counts[counts > 0]
    assert len(counts) == len(share)
    return float(np.sum(counts * np.abs(share - mean)) / np.sum(counts))


def case(random, number):
    size = int(random.integers(8, 60))
    truth = random.random(size) < random.uniform(0.2, 0.8)
    truth[:2] = [True, False]
    score = np.clip(random.normal(0.35 + 0.3 * truth, 0.25), 0.001, 0.999)
    if number % 3 == 0:  # many equal scores, none of them an edge of a bin
        score = np.floor(score * 7) / 7 + 0.03
    score = np.round(score, 4)
    score = np.where(np.isclose(score * BINS, np.round(score * BINS)), score + 0.001, score)
    weight = random.integers(0, 4, size) if number % 2 else np.ones(size, dtype=int)
    weight[:2] = np.maximum(weight[:2], 1)
    said = score > 0.5
    w = dict(sample_weight=weight)
    return {
        "unsafe": truth.tolist(),
        "score": score.tolist(),
        "weight": weight.tolist(),
        "said_unsafe": said.tolist(),
        "expected": {
            "roc_auc": roc_auc_score(truth, score, **w),
            "average_precision": average_precision_score(truth, score, **w),
            "brier": brier_score_loss(truth, score, **w),
            "calibration_error": calibration_error(truth, score, weight),
            "precision": precision_score(truth, said, zero_division=np.nan, **w),
            "recall": recall_score(truth, said, **w),
            "f1": f1_score(truth, said, **w),
            "accuracy": accuracy_score(truth, said, **w),
            "balanced_accuracy": balanced_accuracy_score(truth, said, **w),
        },
    }


def main():
    random = np.random.default_rng(20260724)
    cases = [case(random, number) for number in range(30)]
    assert not any(np.isnan(list(case["expected"].values())).any() for case in cases)
    lines = ",\n".join(json.dumps(case) for case in cases)
    print(f'{{"scikit-learn": "{sklearn.__version__}", "cases": [\n{lines}\n]}}')


main()
