"""Metrics of a yes/no prediction out of two histograms of the score, and their bootstrap confidence intervals.

A trust's histograms are all that leaves it, and they can be added up: pooled metrics need no score of one person.
"""

from collections.abc import Callable

import numpy as np

BINS = 20  # of the score, from 0 to 1; the threshold 0.5 is an edge
Histograms = tuple[np.ndarray, np.ndarray]  # counts (BINS,) of people with the outcome, and of those without


def histograms(scores: np.ndarray, labels: np.ndarray) -> Histograms:
    edges = np.linspace(0, 1, BINS + 1)
    return np.histogram(scores[labels == 1], edges)[0], np.histogram(scores[labels == 0], edges)[0]


def auc(positives: np.ndarray, negatives: np.ndarray) -> float:
    """Area under the ROC curve. Two people in the same bin count as a tie: half."""
    below = np.concatenate([[0], np.cumsum(negatives)[:-1]])
    return float((positives * (below + negatives / 2)).sum() / (positives.sum() * negatives.sum()))


def sensitivity(positives: np.ndarray, _negatives: np.ndarray) -> float:
    return float(positives[BINS // 2 :].sum() / positives.sum())


def specificity(_positives: np.ndarray, negatives: np.ndarray) -> float:
    return float(negatives[: BINS // 2].sum() / negatives.sum())


def accuracy(positives: np.ndarray, negatives: np.ndarray) -> float:
    right = positives[BINS // 2 :].sum() + negatives[: BINS // 2].sum()
    return float(right / (positives.sum() + negatives.sum()))


METRICS: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "auc": auc,
    "sensitivity": sensitivity,
    "specificity": specificity,
    "accuracy": accuracy,
}


def with_intervals(counts: Histograms, samples: int, seed: int = 0) -> dict[str, tuple[float, float, float]]:
    """(value, low, high) of each metric: 95 % percentile bootstrap, people drawn anew within each outcome.

    Raises ValueError where one of the two outcomes does not occur: none of these metrics is defined then.
    """
    positives, negatives = counts
    if not positives.sum() or not negatives.sum():
        raise ValueError("the cohort has people of one outcome only")
    rng = np.random.default_rng(seed)
    drawn = [
        [rng.multinomial(side.sum(), side / side.sum()) for side in (positives, negatives)] for _ in range(samples)
    ]
    found = {}
    for name, metric in METRICS.items():
        low, high = np.percentile([metric(*one) for one in drawn], [2.5, 97.5])
        found[name] = (metric(positives, negatives), float(low), float(high))
    return found
