#!/usr/bin/env python3
"""Reference values for src/eval/agreement, computed by libraries that others wrote.

    pip install scikit-learn==1.9.1 statsmodels==0.15.0 scipy==1.17.1
    tools/agreement-reference/make.py > tests/inputs/agreement.json

Cohen's kappa by scikit-learn (and its large-sample interval by statsmodels), Fleiss' kappa and the
exact McNemar test by statsmodels, Spearman's rank correlation by scipy. Cases are drawn at random by
a fixed seed, from one item to 400, with judges that agree often, seldom, and not at all.
"""

import json
import math
import sys
import warnings

import numpy as np
import scipy
import sklearn
import statsmodels
from scipy.stats import spearmanr
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.inter_rater import aggregate_raters, cohens_kappa, fleiss_kappa

warnings.simplefilter("ignore")
CATEGORIES = 3


def number(value: float) -> float | None:
    """JSON has no NaN: what can't be computed is null."""
    return None if math.isnan(value) else float(value)


def ratings(random: np.random.Generator, items: int, judges: int, agreement: float) -> np.ndarray:
    """Categories of the items by each judge, who follows the first with a given probability."""
    weights = random.dirichlet([1.0] * CATEGORIES)
    first = random.choice(CATEGORIES, size=items, p=weights)
    columns = [first]
    for _ in range(judges - 1):
        own = random.choice(CATEGORIES, size=items, p=random.dirichlet([1.0] * CATEGORIES))
        columns.append(np.where(random.random(items) < agreement, first, own))
    return np.stack(columns, axis=1)


def cohen(random: np.random.Generator, items: int, agreement: float) -> dict:
    both = ratings(random, items, 2, agreement)
    kappa = cohen_kappa_score(both[:, 0], both[:, 1])
    case = {"ratings": both.tolist(), "kappa": number(kappa)}
    if items >= 200:
        table = np.zeros((CATEGORIES, CATEGORIES), dtype=int)
        for one, other in both:
            table[one, other] += 1
        found = cohens_kappa(table)
        case["low"], case["high"] = number(found.kappa_low), number(found.kappa_upp)
    return case


def fleiss(random: np.random.Generator, items: int, judges: int, agreement: float) -> dict:
    all_of_them = ratings(random, items, judges, agreement)
    counts, _ = aggregate_raters(all_of_them, n_cat=CATEGORIES)
    return {"ratings": all_of_them.tolist(), "kappa": number(fleiss_kappa(counts, method="fleiss"))}


def exact(one: int, other: int) -> dict:
    found = mcnemar([[7, one], [other, 9]], exact=True)
    return {"first_only": one, "second_only": other, "p": float(found.pvalue)}


def ranks(random: np.random.Generator, items: int, agreement: float, digits: int) -> dict:
    one = random.random(items)
    other = agreement * one + (1 - agreement) * random.random(items)
    one, other = np.round(one, digits), np.round(other, digits)
    return {
        "first": one.tolist(),
        "second": other.tolist(),
        "correlation": number(spearmanr(one, other).statistic),
    }


def main() -> None:
    random = np.random.default_rng(20_261_124)
    sizes, agreements = [1, 2, 5, 16, 60, 400], [0.0, 0.5, 0.9, 1.0]
    cases = {
        "made_with": {
            "numpy": np.__version__,
            "scikit-learn": sklearn.__version__,
            "scipy": scipy.__version__,
            "statsmodels": statsmodels.__version__,
        },
        "cohen": [cohen(random, items, often) for items in sizes for often in agreements],
        "fleiss": [
            fleiss(random, items, judges, often)
            for items in sizes[1:5]
            for judges in [2, 3, 5]
            for often in agreements
        ],
        "mcnemar": [
            exact(one, other)
            for one, other in [(0, 0), (0, 1), (1, 5), (3, 3), (2, 12), (40, 61), (0, 25), (900, 1_000)]
        ],
        "spearman": [
            ranks(random, items, often, digits)
            for items in [2, 3, 10, 50]
            for often in agreements
            for digits in [1, 6]
        ],
    }
    json.dump(cases, sys.stdout, separators=(",", ":"))
    print()


if __name__ == "__main__":
    main()
