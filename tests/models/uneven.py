"""Models of uneven classes, of which the truth is known for every metric.

An image has a score for each class: normal noise, a part of it shared by all models, and on top of that of its own
class what the model knows of it. The most probable class is predicted; the truth is what so many images of the same
mixture of classes show that chance is gone.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator

import numpy as np

from benchmark.analysis import uncertainty
from benchmark.analysis.uncertainty import Classes
from benchmark.estimators.metrics import METRICS, Metric, Predicted

SHARED = 0.7  # Of the variance of scores: what is hard for one model is hard for another.
MANY = 1_000_000
SHARPNESS = 2.0


@dataclasses.dataclass(frozen=True)
class Uneven:
    """Test images by class, and by how much two models know them; harder ones first."""

    counts: tuple[int, ...]
    left: float
    right: float

    def predictions(self, rng: np.random.Generator, counts: np.ndarray) -> Iterator[Predicted]:
        """Of either model on the same images."""
        k, labels = len(counts), np.repeat(np.arange(len(counts)), counts)
        shared = np.sqrt(SHARED) * rng.standard_normal((len(labels), k), dtype=np.float32)
        harder = np.linspace(-0.5, 0.5, k)
        for knows in (self.left + harder, self.right + (harder if self.left == self.right else -harder / 2)):
            scores = shared + np.sqrt(1 - SHARED) * rng.standard_normal(shared.shape, dtype=np.float32)
            scores[np.arange(len(labels)), labels] += knows[labels]
            shares = np.exp(SHARPNESS * scores)
            yield Predicted(labels, scores.argmax(axis=1), k, shares / shares.sum(axis=1, keepdims=True))

    @functools.cached_property
    def truth(self) -> list[dict[str, float]]:
        """Of either model, every metric."""
        times = max(1, MANY // (sum(self.counts) * len(self.counts)))
        found = self.predictions(np.random.default_rng(0), np.array(self.counts) * times)
        return [{name: metric.value(one) for name, metric in METRICS.items()} for one in found]

    def draws(self, repetitions: int) -> Iterator[tuple[Predicted, Predicted]]:
        rng = np.random.default_rng([*self.counts, round(100 * self.left), round(100 * self.right)])
        for _ in range(repetitions):
            left, right = self.predictions(rng, np.array(self.counts))
            yield left, right

    def coverage(self, repetitions: int) -> tuple[float, ...]:
        """How often the interval of each metric, and that of the two models' difference in it, holds the truth."""
        inside = []
        for both in self.draws(repetitions):
            for name, metric in METRICS.items():
                left, right = ((contributions(metric, one))[None] for one in both)
                classes = of_classes(metric, both[0])
                low, high = metric.unscaled(*uncertainty.runs_interval(left, classes=classes, bounded=metric.higher))
                first, second = (metric.scaled(np.array(truth[name])) for truth in self.truth)
                found = uncertainty.paired_difference(left, right, classes=classes)
                inside.append((low <= self.truth[0][name] <= high, found.low <= first - second <= found.high))
        shares = np.mean(np.reshape(inside, (repetitions, len(METRICS), 2)), axis=0)
        return tuple(shares.ravel().tolist())

    def significant(self, repetitions: int) -> tuple[float, ...]:
        """How often two models that know the same are found to differ, by each metric."""
        equal, found = dataclasses.replace(self, right=self.left), []
        for both in equal.draws(repetitions):
            for metric in METRICS.values():
                left, right = ((contributions(metric, one))[None] for one in both)
                found.append(uncertainty.paired_difference(left, right, classes=of_classes(metric, both[0])).p < 0.05)
        return tuple(np.mean(np.reshape(found, (repetitions, len(METRICS))), axis=0).tolist())


def contributions(metric: Metric, found: Predicted) -> np.ndarray:
    """On the scale on which more is better (n,)."""
    return metric.scaled(metric.contributions(found))


def of_classes(metric: Metric, found: Predicted) -> Classes | None:
    return None if metric.name == "accuracy" else Classes(found.labels, metric.extra, metric.prior)


UNEVEN = {
    "10 classes of 100": Uneven((100,) * 10, 2.0, 2.3),
    "15 classes of 20 to 400": Uneven((20, 20, 25, 30, 40, 50, 60, 80, 100, 120, 150, 200, 250, 300, 400), 2.0, 2.3),
    "classes of 20, 20 and 20": Uneven((20, 20, 20), 1.6, 2.0),
    "classes of 20 and 500": Uneven((20, 500), 1.8, 2.2),
    "5 classes of 20 to 320, few errors": Uneven((20, 40, 80, 160, 320), 3.2, 3.5),
}
