"""Stratified subsets: the fixed train / validation split, the smaller parts that a profile uses, and folds."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from benchmark.specs import Dataset, Profile, Split
from benchmark.utils import seeds

VALIDATION_SHARE, MOST_VALIDATION = 0.15, 5000


def stratified_sample(
    labels: np.ndarray, size: int, rng: np.random.Generator, *, least: int = 0, spare: int = 0
) -> np.ndarray:
    """Draw ``size`` indices without replacement, each class in proportion to its frequency.

    Classes get ``size * share`` rounded down; the places left go to the largest remainders, ties to the
    lower class. Where rare classes get more or fewer than that, the most frequent ones make up for it.

    Parameters
    ----------
    labels : ndarray of int (n,)
    size : int
        In [0, n].
    rng : numpy.random.Generator
    least, spare : int
        Images that every class has at least in the sample, and at least outside of it, as far as there are so many.

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
    low = np.minimum(least, counts)
    high = np.maximum(counts - spare, low)
    if low.sum() <= size <= high.sum():
        quotas = _within(quotas, low, high)
    return _drawn(labels, classes, quotas, rng)


def _within(quotas: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Quotas of the same sum between ``low`` and ``high``; those with the most room give and take."""
    found = quotas.clip(low, high)
    while (excess := int(found.sum() - quotas.sum())) != 0:
        room = found - low if excess > 0 else high - found
        found[np.argmax(room)] -= np.sign(excess)
    return found


def nested_sample(labels: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """Draw ``size`` indices without replacement; what a like generator draws of a smaller size is part of it.

    There is one order of all images, and the sample is its first ``size``. Within a class the order is random;
    which class comes next is decided by Tijdeman's algorithm ("The chairman assignment problem", 1980), so that
    the images of each class differ from ``size * share`` by less than one at every size; but first of all comes one
    image of each class.

    Parameters
    ----------
    labels : ndarray of int (n,)
    size : int
        In [0, n].
    rng : numpy.random.Generator
        Drawn from alike whatever the size.

    Returns
    -------
    ndarray of int64 (size,)
        Sorted.
    """
    if not 0 <= size <= len(labels):
        raise ValueError(f"cannot draw {size} of {len(labels)} images")
    classes, counts = np.unique(labels, return_counts=True)
    order = rng.permutation(len(classes))  # Among classes alike, chance says which comes first.
    quotas = np.empty(len(classes), dtype=np.int64)
    quotas[order] = _quotas([int(count) for count in counts[order]], size)
    return _drawn(labels, classes, quotas, rng)


def _quotas(counts: list[int], size: int) -> list[int]:
    """How many of the first ``size`` images each class has, in the order that :func:`nested_sample` describes."""
    if not counts:
        return []
    # The order repeats itself where the counts have a common divisor; after each round all shares are exact.
    rounds = math.gcd(*counts)
    counts = [count // rounds for count in counts]
    n, slack = sum(counts), max(2 * len(counts) - 2, 1)
    whole, rest = divmod(size, n)
    taken, first = [0] * len(counts), 0
    step = 0
    # In the first round, the first image of a class that would come later comes before.
    while (step < rest) if whole else (first < size if size < len(counts) else step - first < size - len(counts)):
        step += 1
        # What a class is owed, times n; those that are owed least may wait, of the others the most urgent is next.
        owed = [count * step - n * had for count, had in zip(counts, taken, strict=True)]
        able = [place for place, due in enumerate(owed) if due * slack >= n]
        chosen = min(able, key=lambda place: ((slack - 1) * n - slack * owed[place]) / counts[place])
        first += taken[chosen] == 0
        taken[chosen] += 1
    if not whole:
        return [min(had, 1) if size < len(counts) else max(had, 1) for had in taken]
    return [count * whole + had for count, had in zip(counts, taken, strict=True)]


def _drawn(labels: np.ndarray, classes: np.ndarray, quotas: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The first so many of a random order of each class; sorted."""
    parts = [
        rng.permutation(np.flatnonzero(labels == label))[:quota] for label, quota in zip(classes, quotas, strict=True)
    ]
    return np.sort(np.concatenate(parts)) if parts else np.empty(0, dtype=np.int64)


def make_split(name: str, labels: np.ndarray, validation_size: int) -> Split:
    """The data set's one split into training and validation; its seed depends on ``name`` alone.

    Every class keeps an image for training.
    """
    validation = stratified_sample(labels, validation_size, seeds.generator("split", name), spare=1)
    train = np.setdiff1d(np.arange(len(labels)), validation, assume_unique=True)
    return Split(train=train, validation=validation)


@dataclasses.dataclass(frozen=True)
class Parts:
    """Indices (int64, sorted): ``train`` and ``validation`` into the training pool, ``test`` into the test set; of a
    fold, all three into the training pool with the test set after it."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def parts_for(dataset: Dataset, profile: Profile) -> Parts:
    """The indices that ``profile`` uses, the same for every model, and for every seed unless it has draws."""
    if profile.folds is not None:
        return fold_parts(dataset, profile.folds, profile.fold, profile.repeat)

    def limit(part: str, indices: np.ndarray, labels: np.ndarray, size: int | None) -> np.ndarray:
        if size is None or size >= len(indices):
            return indices
        if part == "train" and profile.draw is not None:
            place = nested_sample(labels[indices], size, seeds.generator("draw", dataset.name, profile.draw))
        else:
            rng = seeds.generator("profile", dataset.name, part, size)
            place = stratified_sample(labels[indices], size, rng, least=int(part == "train"))
        chosen: np.ndarray = indices[place]
        return chosen

    test = np.arange(len(dataset.test_labels))
    return Parts(
        train=limit("train", dataset.split.train, dataset.train_labels, profile.train_size),
        validation=limit("validation", dataset.split.validation, dataset.train_labels, profile.validation_size),
        test=limit("test", test, dataset.test_labels, profile.test_size),
    )


# Of folds, all of which are asked for several times, by data set, its labels and groups, their number and repeat.
_PARTITIONS: dict[tuple[str, int, int, int], np.ndarray] = {}


def fold_parts(dataset: Dataset, n_folds: int, fold: int, repeat: int) -> Parts:
    """One fold of stratified k-fold: its images are for testing; of the others, a share is for validation.

    A repeat is another partition of all images. Neither a fold nor its validation part separates one of the groups.

    Raises
    ------
    ValueError
        If the data set has a given test part.
    """
    if dataset.groups is None:
        raise ValueError(f"{dataset.name} has no groups: its test part is given")
    labels, groups = np.concatenate([dataset.train_labels, dataset.test_labels]), np.asarray(dataset.groups)
    like = dataset.name, hash((labels.tobytes(), groups.tobytes())), n_folds, repeat
    if like not in _PARTITIONS:
        found = _divided(labels, groups, [1 / n_folds] * n_folds, seeds.generator("folds", dataset.name, repeat))
        _PARTITIONS[like] = found.astype(np.uint8)
    partition = _PARTITIONS[like]
    rest = np.flatnonzero(partition != fold)
    share = validation_share(len(rest))
    rng = seeds.generator("fold validation", dataset.name, repeat, fold)
    validates = _divided(labels[rest], groups[rest], (1 - share, share), rng) == 1
    return Parts(train=rest[~validates], validation=rest[validates], test=np.flatnonzero(partition == fold))


def validation_share(n_images: int) -> float:
    """Of the images that are not for testing."""
    return min(VALIDATION_SHARE, MOST_VALIDATION / max(1, n_images))


def _divided(labels: np.ndarray, groups: np.ndarray, shares: Sequence[float], rng: np.random.Generator) -> np.ndarray:
    """As :func:`divide`, of groups with any numbers."""
    return divide(labels, np.unique(groups, return_inverse=True)[1], shares, rng)


def divide(labels: np.ndarray, groups: np.ndarray, shares: Sequence[float], rng: np.random.Generator) -> np.ndarray:
    """Assign images to parts so that no group is divided and every class has about its share in every part.

    Groups of several images come first, the largest at the start, equals in random order; each goes to the part that
    lacks most of what it has, relative to its share. Single images then fill what is left, class by class, exactly but
    for rounding.

    Parameters
    ----------
    labels : ndarray of int (n,)
        From 0 on.
    groups : ndarray of int (n,)
        What belongs together has the same number, from 0 on.
    shares : sequence of float
        Of the parts; their sum is 1.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of int64 (n,)
        The part of every image, from 0 on.
    """
    n_parts, wanted = len(shares), np.asarray(shares, dtype=np.float64)[:, None] * np.bincount(labels)
    lacking, part = wanted.copy(), np.full(len(labels), -1, dtype=np.int64)
    sizes = np.bincount(groups)
    several = rng.permutation(np.flatnonzero(sizes > 1))
    order = np.argsort(groups, kind="stable")
    ends = np.cumsum(sizes)
    for group in several[np.argsort(-sizes[several], kind="stable")]:
        members = order[ends[group] - sizes[group] : ends[group]]
        tally = np.bincount(labels[members], minlength=wanted.shape[1])
        chosen = int(np.argmax((lacking / np.maximum(wanted, 1e-9)) @ tally))
        part[members] = chosen
        lacking[chosen] -= tally
    for label in range(wanted.shape[1]):
        single = rng.permutation(np.flatnonzero((labels == label) & (part < 0)))
        room = lacking[:, label].clip(min=0)
        room = room * len(single) / room.sum() if room.sum() > 0 else np.zeros(n_parts)
        counts = np.floor(room + 1e-9).astype(np.int64)
        fullness = np.bincount(part[part >= 0], minlength=n_parts) / np.maximum(shares, 1e-9)
        order = np.lexsort((fullness, counts - room))  # Of equal remainders, those of the emptiest parts.
        counts[order[: len(single) - int(counts.sum())]] += 1
        has = np.bincount(part[(labels == label) & (part >= 0)], minlength=n_parts)
        for empty in np.flatnonzero(counts + has == 0):  # A rare class is in every part, as far as it goes round.
            giver = int(np.argmax(np.where(counts > 0, counts + has, 0)))
            if counts[giver] > 0 and (counts + has)[giver] > 1:
                counts[giver] -= 1
                counts[empty] += 1
        part[single] = np.repeat(np.arange(n_parts), counts)
    return part
