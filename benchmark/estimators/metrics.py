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

from benchmark.errors import UserError
from benchmark.records.schema import Metrics
from benchmark.utils.format import percent

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
    """A metric, and how it is written.

    Differences are written in points (per cent) where it is a share, otherwise in its own unit. For statistics it is
    brought to a scale on which more is better and 1 the best.

    Attributes
    ----------
    name, title : str
        In records and options; in sentences.
    meaning : str
        In a sentence.
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
    extra, prior : float
        What keeps its variance from being too small where classes are: see
        :class:`benchmark.analysis.uncertainty.Classes`.
    """

    name: str
    title: str
    meaning: str
    contributions: Callable[[Predicted], np.ndarray]
    lowest: float = 0.0
    needs: Literal["labels", "scores", "probabilities"] = "labels"
    higher: bool = True
    percent: bool = False
    extra: float = 0.0
    prior: float = 0.0

    def value(self, found: Predicted) -> float:
        return float(self.contributions(found).mean())

    def recorded(self, scores: Metrics) -> float:
        """Its value in a record; NaN where the model does not predict what it needs.

        Records of earlier versions have the accuracy only: what needs no more than labels follows from their confusion
        matrix.
        """
        if self.name == "accuracy":
            return scores.accuracy
        found = scores.further.get(self.name)
        if found is None and self.needs == "labels":
            matrix = scores.matrix
            rows, columns = np.nonzero(matrix)
            times = matrix[rows, columns]
            found = self.value(Predicted(np.repeat(rows, times), np.repeat(columns, times), len(matrix)))
        return np.nan if found is None else found

    def scaled(self, values: np.ndarray) -> np.ndarray:
        """From its own unit to the scale on which more is better."""
        return (values - self.lowest) / (1 - self.lowest) if self.higher else -values

    def unscaled(self, low: float, high: float) -> tuple[float, float]:
        """An interval, from that scale to its own unit."""
        return (
            (low * (1 - self.lowest) + self.lowest, high * (1 - self.lowest) + self.lowest)
            if self.higher
            else (
                -high,
                -low,
            )
        )

    @property
    def span(self) -> float:
        """What a difference of 1 on that scale is in its own unit."""
        return 1 - self.lowest if self.higher else 1.0

    @property
    def unit(self) -> float:
        """What a difference of 1 on that scale is as it is written."""
        return 100.0 if self.percent else self.span

    def lead(self, value: float, other: float) -> float:
        """By how much ``value`` is better than another, as it is written."""
        return (value - other) * (100 if self.percent else 1) * (1 if self.higher else -1)

    def text(self, value: float) -> str:
        """``94.65%`` or ``0.921``."""
        return percent(value) if self.percent else f"{value:.3f}"

    @property
    def digits(self) -> int:
        """Of a difference, behind the point."""
        return 2 if self.percent else 4

    def difference(self, lead: float) -> str:
        """A difference with its sign: ``+1.25`` or ``+0.0125``."""
        return f"{lead:+z.{self.digits}f}"

    def worded(self, value: float) -> str:
        """``94.65%`` for accuracy, of which most is said, and ``MCC 0.921`` for others."""
        return self.text(value) if self.name == "accuracy" else f"{self.title} {self.text(value)}"

    @property
    def points(self) -> str:
        """The unit of a difference, in words."""
        return " points" if self.percent else ""


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
        Metric(
            "accuracy",
            "accuracy",
            "Accuracy is the share of images that are classified correctly.",
            accuracy,
            percent=True,
        ),
        Metric(
            "balanced-accuracy",
            "balanced accuracy",
            "Balanced accuracy is the mean recall of the classes: each counts alike, however many images it has.",
            balanced_accuracy,
            percent=True,
            extra=1.0,
        ),
        Metric(
            "macro-f1",
            "macro-F1",
            "Macro-F1 is the mean F1 of the classes, each the harmonic mean of its precision and recall.",
            macro_f1,
            percent=True,
        ),
        Metric(
            "mcc",
            "MCC",
            "MCC is Matthews' correlation coefficient of actual and predicted classes, 0 for guessing.",
            mcc,
            lowest=-1.0,
        ),
        Metric(
            "log-loss",
            "log loss",
            "Log loss is the mean of minus the logarithm of the probability given to the actual class: it punishes "
            "confident errors, and lower is better.",
            log_loss,
            needs="probabilities",
            higher=False,
        ),
        Metric(
            "auroc",
            "AUROC",
            "AUROC is the mean area under the ROC curves of each class against the rest, 0.5 for guessing.",
            auroc,
            needs="scores",
            prior=10.0,
        ),
    )
}


def named(name: str) -> Metric:
    """The metric of this name.

    Raises
    ------
    UserError
        If there is none.
    """
    if name not in METRICS:
        raise UserError(f"Unknown metric {name!r}.", f"There are: {', '.join(METRICS)}.")
    return METRICS[name]


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
