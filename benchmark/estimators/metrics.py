"""What a model is judged by: accuracy and five metrics that say more where classes are uneven.

Each comes as one number per test image, its contribution: their mean is the metric, and their variance over n is the
variance of the metric due to the choice of test images. Differences of contributions are those of a paired comparison.
So one test and one interval (:mod:`benchmark.analysis.uncertainty`) serve all metrics.

For a metric that is no mean over images the contributions are its influence function, centred within each class as in
sampling stratified by class: Hampel, "The influence curve and its role in robust estimation", 1974. That of the area
under the curve is DeLong's, DeLong and Clarke-Pearson, "Comparing the areas under two or more correlated receiver
operating characteristic curves", 1988.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Literal

import numpy as np
from scipy.stats import rankdata

FLOOR = 1e-7  # Of a probability: what is impossible and happens would cost infinitely much.


@dataclasses.dataclass(frozen=True)
class Predicted:
    """A run's predictions of test images.

    ``labels`` and ``predicted`` are int (n,), ``scores`` float (n, k): probabilities or decision values, None where the
    model has neither; ``n_classes`` is k.
    """

    labels: np.ndarray
    predicted: np.ndarray
    n_classes: int
    scores: np.ndarray | None = None

    @property
    def counts(self) -> np.ndarray:
        """Images of each class (k,)."""
        tally: np.ndarray = np.bincount(self.labels, minlength=self.n_classes)
        return tally


@dataclasses.dataclass(frozen=True)
class Metric:
    """A metric.

    Attributes
    ----------
    name, title : str
        In records and options; in sentences.
    contributions : callable
        Gives of :class:`Predicted` a float64 (n,) whose mean is the metric.
    lowest : float
        Of its values, of which 1 is the highest; log loss has no highest.
    needs : {"labels", "scores", "probabilities"}
        What a model must predict.
    higher : bool
        Whether more is better.
    percent : bool
        Whether it is a share.
    """

    name: str
    title: str
    contributions: Callable[[Predicted], np.ndarray]
    lowest: float = 0.0
    needs: Literal["labels", "scores", "probabilities"] = "labels"
    higher: bool = True
    percent: bool = False

    def value(self, found: Predicted) -> float:
        return float(self.contributions(found).mean())


def accuracy(found: Predicted) -> np.ndarray:
    """1 where a prediction is right, 0 where it is wrong."""
    right: np.ndarray = (found.labels == found.predicted).astype(np.float64)
    return right


def balanced_accuracy(found: Predicted) -> np.ndarray:
    """The mean recall of the classes that have test images."""
    right, counts = accuracy(found), found.counts
    recall = np.bincount(found.labels, right, minlength=found.n_classes) / np.maximum(counts, 1)
    weight = len(right) / ((counts > 0).sum() * np.maximum(counts, 1))
    return _about(float(recall[counts > 0].mean()), weight[found.labels] * right, found)


def macro_f1(found: Predicted) -> np.ndarray:
    """The mean F1 of the classes that have test images: 2 TP / (2 TP + FP + FN)."""
    actual, k = found.counts, found.n_classes
    predicted = np.bincount(found.predicted, minlength=k)
    right = accuracy(found)
    total = actual + predicted
    present = actual > 0
    f1 = 2 * np.bincount(found.labels, right, minlength=k) / np.maximum(total, 1)
    # d F = (2 d TP - F d(TP + FN) - F d(TP + FP)) / (TP + FN + TP + FP), for the image's own and its predicted class.
    slope = np.where(present, 1 / np.maximum(total, 1), 0.0)
    of_label = slope[found.labels] * (2 * right - f1[found.labels])
    of_predicted = -slope[found.predicted] * f1[found.predicted]
    return _about(float(f1[present].mean()), len(right) / present.sum() * (of_label + of_predicted), found)


def mcc(found: Predicted) -> np.ndarray:
    """Matthews' correlation coefficient of several classes: Gorodkin, "Comparing two K-category assignments by a
    K-category correlation coefficient", 2004; 0 where all images are of one class, or predicted as one."""
    n, k = len(found.labels), found.n_classes
    actual, predicted = found.counts.astype(float), np.bincount(found.predicted, minlength=k).astype(float)
    right = accuracy(found)
    correct = right.sum()
    covariance = correct * n - predicted @ actual
    spread = n**2 - predicted @ predicted, n**2 - actual @ actual
    if min(spread) == 0:
        return np.zeros(n)
    scale = float(np.sqrt(spread[0] * spread[1]))
    value = covariance / scale
    # How each part changes with one image more, of its class and predicted class.
    up = right * n + correct - actual[found.predicted] - predicted[found.labels]
    wide = (2 * n - 2 * predicted[found.predicted]) / spread[0] + (2 * n - 2 * actual[found.labels]) / spread[1]
    return _about(float(value), n * (up / scale - value / 2 * wide), found)


def log_loss(found: Predicted) -> np.ndarray:
    """Minus the logarithm of the probability given to the label; below FLOOR it counts as FLOOR."""
    assert found.scores is not None
    given = np.take_along_axis(found.scores.astype(np.float64), found.labels[:, None], axis=1)[:, 0]
    return -np.log(np.clip(given, FLOOR, 1.0))


def auroc(found: Predicted) -> np.ndarray:
    """The mean area under the ROC curve, each class that has test images against the rest."""
    assert found.scores is not None
    n, counts = len(found.labels), found.counts
    areas, moves, classes = 0.0, np.zeros(n), 0
    for label in np.flatnonzero((counts > 0) & (counts < n)):
        positive = found.labels == label
        score, n_positive = found.scores[:, label], int(counts[label])
        ranks, among = rankdata(score), np.empty(n)
        among[positive], among[~positive] = rankdata(score[positive]), rankdata(score[~positive])
        # The share of the other side that an image is rightly ahead of, or behind.
        beaten = np.where(positive, (ranks - among) / (n - n_positive), 1 - (ranks - among) / n_positive)
        area = float(beaten[positive].mean())
        areas, classes = areas + area, classes + 1
        moves += (beaten - area) / np.where(positive, n_positive, n - n_positive)
    return _about(areas / max(classes, 1), n / max(classes, 1) * moves, found)


def _about(value: float, moves: np.ndarray, found: Predicted) -> np.ndarray:
    """Contributions whose mean is ``value``: ``moves`` (n,) less their mean within each class, widened as a sample's
    variance is."""
    counts = found.counts
    means = np.bincount(found.labels, moves, minlength=found.n_classes) / np.maximum(counts, 1)
    widened = np.sqrt(counts / np.maximum(counts - 1, 1))
    contributions: np.ndarray = value + (moves - means[found.labels]) * widened[found.labels]
    return contributions


METRICS: Mapping[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("accuracy", "accuracy", accuracy, percent=True),
        Metric("balanced-accuracy", "balanced accuracy", balanced_accuracy, percent=True),
        Metric("macro-f1", "macro-F1", macro_f1, percent=True),
        Metric("mcc", "MCC", mcc, lowest=-1.0),
        Metric("log-loss", "log loss", log_loss, needs="probabilities", higher=False),
        Metric("auroc", "AUROC", auroc, needs="scores"),
    )
}

UNEVEN = 3  # Times as many images as the smallest class: from here on accuracy is about the largest.


def default(counts: np.ndarray) -> str:
    """The name of the metric to judge by, where none is asked for.

    Parameters
    ----------
    counts : ndarray of int (n_classes,)
        Images of each class, of all parts; classes without any do not count.
    """
    present = counts[counts > 0]
    return "balanced-accuracy" if len(present) and present.max() > UNEVEN * present.min() else "accuracy"
