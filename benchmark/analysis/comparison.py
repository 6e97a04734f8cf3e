"""Pairwise comparison: models compared on the test images that both predicted.

Seeds and test images are two sources of variance, kept apart as :mod:`benchmark.analysis.stats` says. Only runs on
the same test images with the same labels are compared; others are left out, with the reason.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np

from benchmark.analysis import stats
from benchmark.analysis.select import ModelSummary
from benchmark.records.store import Stored

SIGNIFICANT = 0.05
Lookup = Callable[[Stored], dict[str, np.ndarray] | None]
Verdict = Literal["better", "worse", "no significant difference"]


@dataclasses.dataclass(frozen=True)
class Hits:
    """What a model's runs get right.

    Attributes
    ----------
    model : str
    index, labels : ndarray of int (n_images,)
        Places of the test images in the test set, and their classes.
    right : ndarray of bool (n_seeds, n_images)
    """

    model: str
    index: np.ndarray
    labels: np.ndarray
    right: np.ndarray

    def same_images(self, other: Hits) -> bool:
        return np.array_equal(self.index, other.index) and np.array_equal(self.labels, other.labels)

    def of_class(self, number: int) -> Hits:
        chosen = self.labels == number
        return Hits(self.model, self.index[chosen], self.labels[chosen], self.right[:, chosen])


@dataclasses.dataclass(frozen=True)
class Pair:
    """Two models on the same test images.

    Attributes
    ----------
    left, right : str
        The models' names.
    seeds : tuple of int
        How many runs of either there are.
    n_images : int
    points, low, high : float
        Accuracy of ``left`` minus ``right`` with its 95 % interval, in points (per cent of the images).
    p, adjusted_p : float
        Two-sided, alone and among the pairs that :func:`adjust` was given.
    only_left, only_right : float
        Images that only one of the two gets right (of several seeds, the mean over all pairs of runs).
    images_error, training_error : float
        Standard errors of ``points`` by source: the choice of test images, and training (0 where no
        model has several seeds).
    """

    left: str
    right: str
    seeds: tuple[int, int]
    n_images: int
    points: float
    low: float
    high: float
    p: float
    adjusted_p: float
    only_left: float
    only_right: float
    images_error: float
    training_error: float

    @property
    def verdict(self) -> Verdict:
        """What ``left`` is beside ``right``, at the level of 5 % after adjustment."""
        if self.adjusted_p >= SIGNIFICANT or self.points == 0:
            return "no significant difference"
        return "better" if self.points > 0 else "worse"

    @property
    def interval(self) -> tuple[float, float] | None:
        """``low`` and ``high``; None where the images are so few that half of all differences lie between them."""
        return None if self.high - self.low >= 100 else (self.low, self.high)

    @property
    def discordant_share(self) -> float:
        """Share of the images that one model gets right and the other wrong."""
        return (self.only_left + self.only_right) / self.n_images

    def swapped(self) -> Pair:
        """The same from the side of ``right``."""
        return dataclasses.replace(
            self,
            left=self.right,
            right=self.left,
            seeds=self.seeds[::-1],
            points=-self.points,
            low=-self.high,
            high=-self.low,
            only_left=self.only_right,
            only_right=self.only_left,
        )


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Every pair that can be compared, the earlier of the summaries on the left, and what was left out, why."""

    pairs: tuple[Pair, ...]
    left_out: tuple[str, ...]

    def find(self, left: str, right: str) -> Pair | None:
        """The pair seen from ``left``, or None if the two are not compared."""
        for pair in self.pairs:
            if (pair.left, pair.right) == (left, right):
                return pair
            if (pair.left, pair.right) == (right, left):
                return pair.swapped()
        return None


def hits(summary: ModelSummary, lookup: Lookup) -> Hits | str:
    """What a model's runs get right, or why that cannot be said."""
    first: Hits | None = None
    rows = []
    for stored in summary.stored:
        arrays = lookup(stored)
        if arrays is None:
            return f"{summary.name}: the predictions of seed {stored.record.run.seed} cannot be read"
        index, labels = arrays["test_index"], arrays["test_labels"]
        right = arrays["test_predicted"] == labels
        first = first or Hits(summary.name, index, labels, right)
        if not first.same_images(Hits(summary.name, index, labels, right)):
            return f"{summary.name}: its runs are not on the same test images"
        rows.append(right)
    if first is None or not len(first.index):
        return f"{summary.name}: there are no test images"
    return dataclasses.replace(first, right=np.array(rows))


def pair(left: ModelSummary, right: ModelSummary, lookup: Lookup) -> Pair | str:
    """Compare two models, or say why they cannot be.

    With one seed each, p is McNemar's exact test on the images; otherwise the t approximation of
    :func:`benchmark.analysis.stats.paired_difference`. A model with one seed contributes no variance of training.

    Parameters
    ----------
    left, right : ModelSummary
    lookup : callable
        Gives the arrays of :meth:`benchmark.records.store.Stored.predictions`, or None where they cannot be read.
    """
    both = _both(left, right, lookup)
    return both if isinstance(both, str) else _pair(*both)


def _both(left: ModelSummary, right: ModelSummary, lookup: Lookup) -> tuple[Hits, Hits] | str:
    """The hits of two models on the same images, or why they cannot be compared."""
    first, second = hits(left, lookup), hits(right, lookup)
    if isinstance(first, str):
        return first
    if isinstance(second, str):
        return second
    return (first, second) if first.same_images(second) else _unlike(first, second)


def _unlike(left: Hits, right: Hits) -> str:
    return f"{left.model} and {right.model} are not compared: their test images or labels differ"


def _pair(left: Hits, right: Hits) -> Pair:
    found = stats.paired_difference(left.right, right.right)
    return Pair(
        left=left.model,
        right=right.model,
        seeds=(len(left.right), len(right.right)),
        n_images=len(left.index),
        points=100 * found.estimate,
        low=100 * found.low,
        high=100 * found.high,
        p=found.p,
        adjusted_p=found.p,
        only_left=found.only_left,
        only_right=found.only_right,
        images_error=100 * found.images_error,
        training_error=100 * found.training_error,
    )


def adjust(pairs: Sequence[Pair]) -> tuple[Pair, ...]:
    """The pairs with their p-values adjusted by Holm's method: all tests of one question belong in one call."""
    adjusted = stats.holm([pair.p for pair in pairs])
    return tuple(dataclasses.replace(pair, adjusted_p=float(p)) for pair, p in zip(pairs, adjusted, strict=True))


def compare(summaries: Sequence[ModelSummary], lookup: Lookup) -> Comparison:
    """Compare every model with every other, p-values adjusted over all pairs.

    Of two summaries, the earlier is on the left.
    """
    found = [hits(summary, lookup) for summary in summaries]
    known = [model for model in found if isinstance(model, Hits)]
    both = list(itertools.combinations(known, 2))
    return Comparison(
        pairs=adjust([_pair(left, right) for left, right in both if left.same_images(right)]),
        left_out=(
            *(reason for reason in found if isinstance(reason, str)),
            *(_unlike(left, right) for left, right in both if not left.same_images(right)),
        ),
    )


def class_pairs(
    left: ModelSummary, right: ModelSummary, n_classes: int, lookup: Lookup
) -> tuple[Pair | None, ...] | str:
    """Compare two models class by class: differences of recall, paired on the images of each class.

    Returns
    -------
    tuple of (Pair or None) (n_classes,), or str
        None for a class without test images; p-values are adjusted over the classes. A text says why the two
        cannot be compared.
    """
    both = _both(left, right, lookup)
    if isinstance(both, str):
        return both
    classes = [number for number in range(n_classes) if (both[0].labels == number).any()]
    adjusted = adjust([_pair(both[0].of_class(number), both[1].of_class(number)) for number in classes])
    by_class = dict(zip(classes, adjusted, strict=True))
    return tuple(by_class.get(number) for number in range(n_classes))


def accuracy_interval(summary: ModelSummary, lookup: Lookup) -> stats.Interval | None:
    """95 % interval of a model's accuracy for the choice of test images alone.

    Wilson's for one seed. For several, the bootstrap over images of the share of seeds that are right; None where
    their predictions cannot be read.
    """
    if summary.n_seeds == 1:
        n = summary.tests[0].n_images
        return stats.wilson(round(summary.accuracy * n), n)
    found = hits(summary, lookup)
    return None if isinstance(found, str) else stats.bootstrap_interval(found.right.mean(axis=0))
