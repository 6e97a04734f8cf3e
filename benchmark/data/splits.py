"""Stratified subsets: the fixed train / validation split, and the smaller parts that a profile uses."""

from __future__ import annotations

import dataclasses

import numpy as np

from benchmark import seeds
from benchmark.contract import Dataset, Profile, Split


def stratified_sample(labels: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """Draw ``size`` indices without replacement, each class in proportion to its frequency.

    Classes get ``size * share`` rounded down; the places left go to the largest remainders, ties to the
    lower class.

    Parameters
    ----------
    labels : ndarray of int (n,)
    size : int
        In [0, n].
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of int64 (size,)
        Sorted.
    """
    n = len(labels)
    if not 0 <= size <= n:
        raise ValueError(f"cannot draw {size} of {n} images")
    classes, counts = np.unique(labels, return_counts=True)
    quotas, remainders = np.divmod(counts * size, max(n, 1))
    left = size - int(quotas.sum())
    quotas[np.argsort(-remainders, kind="stable")[:left]] += 1
    parts = [
        rng.permutation(np.flatnonzero(labels == label))[:quota] for label, quota in zip(classes, quotas, strict=True)
    ]
    return np.sort(np.concatenate(parts)) if parts else np.empty(0, dtype=np.int64)


def make_split(name: str, labels: np.ndarray, validation_size: int) -> Split:
    """The data set's one split into training and validation; its seed depends on ``name`` alone."""
    validation = stratified_sample(labels, validation_size, seeds.generator("split", name))
    train = np.setdiff1d(np.arange(len(labels)), validation, assume_unique=True)
    return Split(train=train, validation=validation)


@dataclasses.dataclass(frozen=True)
class Parts:
    """Indices (int64, sorted): ``train`` and ``validation`` into the training pool, ``test`` into the test set."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def parts_for(dataset: Dataset, profile: Profile) -> Parts:
    """The indices that ``profile`` uses, the same for every model and seed."""

    def limit(part: str, indices: np.ndarray, labels: np.ndarray, size: int | None) -> np.ndarray:
        if size is None or size >= len(indices):
            return indices
        rng = seeds.generator("profile", dataset.name, part, size)
        chosen: np.ndarray = indices[stratified_sample(labels[indices], size, rng)]
        return chosen

    test = np.arange(len(dataset.test_labels))
    return Parts(
        train=limit("train", dataset.split.train, dataset.train_labels, profile.train_size),
        validation=limit("validation", dataset.split.validation, dataset.train_labels, profile.validation_size),
        test=limit("test", test, dataset.test_labels, profile.test_size),
    )
