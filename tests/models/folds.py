"""Cross-validation as it is, on drawn data: two models that see other features, which tell classes apart as well."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

import numpy as np
from scipy.special import ndtri

from benchmark.analysis.resampled import corrected_t
from benchmark.data.splits import divide

MOST = 2000
FEATURES = 8  # That each of the two models sees.


def centroids(X: np.ndarray, y: np.ndarray, X_test: np.ndarray) -> np.ndarray:
    """Predict the class whose mean is nearest: a model that changes little with its training images."""
    means = np.array([X[y == label].mean(axis=0) for label in (0, 1)])
    return np.argmin(((X_test[:, None] - means) ** 2).sum(axis=2), axis=1)


def neighbour(X: np.ndarray, y: np.ndarray, X_test: np.ndarray) -> np.ndarray:
    """Predict the class of the nearest image: a model that changes much."""
    distances = (X**2).sum(axis=1) - 2 * X_test @ X.T
    nearest: np.ndarray = y[np.argmin(distances, axis=1)]
    return nearest


@dataclasses.dataclass(frozen=True)
class Folds:
    """So many images of two classes in so many folds, partitioned so many times.

    ``accuracy`` is that of the best possible model on either half of the features, ``edge`` what is added on the left.
    """

    folds: int
    repeats: int
    n: int = 300
    accuracy: float = 0.8
    edge: float = 0.0
    learn: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray] = centroids

    def differences(self, repetitions: int) -> Iterator[np.ndarray]:
        """Left's accuracy minus right's, (n_runs,) of each draw of the data."""
        rng = np.random.default_rng([self.folds, self.repeats, self.n, round(1000 * self.edge)])
        apart = 2 * ndtri([self.accuracy + self.edge, self.accuracy]) / FEATURES**0.5
        alone = np.arange(self.n)
        for _ in range(repetitions):
            y = rng.integers(2, size=self.n)
            noise = rng.standard_normal((2, self.n, FEATURES))
            sides = [X + shift * (y[:, None] - 0.5) for X, shift in zip(noise, apart, strict=True)]
            found = []
            for _ in range(self.repeats):
                part = divide(y, alone, [1 / self.folds] * self.folds, rng)
                for fold in range(self.folds):
                    test = part == fold
                    left, right = (np.mean(self.learn(X[~test], y[~test], X[test]) == y[test]) for X in sides)
                    found.append(left - right)
            yield np.array(found)

    def significant(self, repetitions: int) -> float:
        """How often the corrected test says that the two differ; of no more than ``MOST`` draws, which take long."""
        share = 1 / (self.folds - 1)
        found = [corrected_t(values, share) for values in self.differences(min(repetitions, MOST))]
        return float(np.mean([one is not None and one.p < 0.05 for one in found]))
