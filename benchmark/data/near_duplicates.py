"""Near duplicates: test and validation images that are almost an image of the training part.

Exact copies are counted by :mod:`benchmark.data.integrity`. What is found here is the same picture in another
brightness or contrast, or with a few pixels changed; not a shifted, turned or mirrored one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Literal

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from benchmark.records.dataset_schema import DataAudit, DuplicateSearch, NearDuplicate
from benchmark.specs import Dataset
from benchmark.utils import seeds

CHUNK = 500
CLOSEST = 30
# In the logarithm of the distance, as many robust standard deviations below the median; of 10,000 normally
# distributed values, less than one.
DEVIATIONS = 4.0
DIGITS = 6  # The same on every machine; more depend on how it multiplies matrices.
FARTHEST = 0.2  # Of near duplicates: a correlation of 0.98.
NEIGHBOUR = 5  # Whose distance is what is usual between images that are not duplicates.
NEAREST = 0.05  # Always near duplicates, even where most images have one: a correlation of 0.9988.
MARGIN = 2.0
SIDE = 16
SHORT = 64  # Numbers by which pairs are looked for first.
BLOCK_BYTES = 64 << 20
SAMPLE = 2000
SMALLEST = 1e-4  # Below it, float32 cannot resolve distances.


def features(images: np.ndarray) -> np.ndarray:
    """Pixels less their mean, scaled to length one: alike for an image in every brightness and contrast.

    The Euclidean distance of two is sqrt(2 - 2 r), r being the correlation of their pixels: from 0 to 2.

    Parameters
    ----------
    images : ndarray of uint8 (n, h, w, c)

    Returns
    -------
    ndarray of float32 (n, h * w * c)
        Zeros for an image of one value only.
    """
    flat: np.ndarray = images.reshape(len(images), -1).astype(np.float32)
    flat -= flat.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(flat, axis=1, keepdims=True)
    flat /= np.where(lengths > 0, lengths, 1)
    return flat


def nearest(
    queries: np.ndarray, references: np.ndarray, advance: Callable[[int], None] = lambda n: None
) -> tuple[np.ndarray, np.ndarray]:
    """The nearest reference of every query, by brute force.

    Parameters
    ----------
    queries, references : ndarray of float32 (n, d), (m, d)
    advance : callable
        Told how many queries have been answered since the last call.

    Returns
    -------
    ndarray of int64 (n,), ndarray of float64 (n,)
        Index and Euclidean distance.
    """
    lengths = np.einsum("ij,ij->i", references, references)
    index = np.empty(len(queries), dtype=np.int64)
    distance = np.empty(len(queries), dtype=np.float64)
    for start in range(0, len(queries), CHUNK):
        chunk = queries[start : start + CHUNK]
        products = chunk @ references.T
        products *= -2
        products += lengths  # The squared distance, less what is the same for all references.
        found = products.argmin(axis=1)
        index[start : start + CHUNK] = found
        # From the difference: between images nearly alike, the formula above has no digits left.
        distance[start : start + CHUNK] = np.linalg.norm(chunk.astype(np.float64) - references[found], axis=1)
        advance(len(chunk))
    return index, distance


def threshold(distances: np.ndarray) -> float:
    """Below which a pair is a near duplicate: far below the bulk of the distances to the nearest neighbour.

    These are about log-normal. The threshold lies four robust standard deviations (1.4826 times the median
    absolute deviation) below the median of their logarithm, but never above half the median.
    """
    logs = np.log(np.maximum(distances, SMALLEST))
    median = float(np.median(logs))
    spread = 1.4826 * float(np.median(np.abs(logs - median)))
    return float(np.exp(min(median - DEVIATIONS * spread, median - np.log(2))))


def search(dataset: Dataset, advance: Callable[[int], None] = lambda n: None) -> DataAudit:
    """Look for the nearest training image of every test and every validation image."""
    split = dataset.split
    references = features(dataset.train_images[split.train])

    def one(
        part: Literal["test", "validation"], images: np.ndarray, labels: np.ndarray, index: np.ndarray
    ) -> DuplicateSearch:
        found, distance = nearest(features(images), references, advance)
        distance = distance.round(DIGITS)
        limit = round(threshold(distance), DIGITS)
        near = distance < limit
        theirs = dataset.train_labels[split.train[found]]
        closest = np.argsort(distance, kind="stable")[:CLOSEST]
        return DuplicateSearch(
            part=part,
            n_images=len(images),
            median_distance=round(float(np.median(distance)), DIGITS),
            threshold=limit,
            count=int(near.sum()),
            disagreeing=int((near & (labels != theirs)).sum()),
            closest=tuple(
                NearDuplicate(
                    index=int(index[place]),
                    train_index=int(split.train[found[place]]),
                    distance=float(distance[place]),
                    label=int(labels[place]),
                    train_label=int(theirs[place]),
                )
                for place in closest
            ),
        )

    test = np.arange(len(dataset.test_labels))
    held_out = dataset.train_images[split.validation], dataset.train_labels[split.validation]
    return DataAudit(
        name=dataset.name,
        fingerprint=dataset.fingerprint,
        searches=(
            one("test", dataset.test_images, dataset.test_labels, test),
            one("validation", *held_out, split.validation),
        ),
    )


def groups(images: np.ndarray, advance: Callable[[int], None] = lambda n: None) -> tuple[np.ndarray, float]:
    """Number the images so that copies and near duplicates have the same number.

    Two images are near duplicates if the distance of their pixels (:func:`features`) is below the :func:`threshold` of
    the distances to the fifth neighbour, but always below NEAREST and never above FARTHEST; so is what such pairs
    connect. Pairs are looked for among averages of SIDE x SIDE grey pixels and then compared pixel by pixel.

    Parameters
    ----------
    images : ndarray of uint8 (n, h, w, c)
    advance : callable
        Told how many images have been compared with all others since the last call; copies are not compared.

    Returns
    -------
    ndarray of int64 (n,)
        From 0 on.
    float
        The distance below which pairs are near duplicates.
    """
    digests = [hashlib.blake2b(np.ascontiguousarray(image).data, digest_size=16).digest() for image in images]
    _, first, same = np.unique(np.array(digests), return_index=True, return_inverse=True)
    small = np.concatenate([_small(images[first[start : start + CHUNK]]) for start in range(0, len(first), CHUNK)])
    textured = np.flatnonzero(small.any(axis=1))  # Images of one value are like each other in nothing but that.
    if len(textured) < 2:
        return same.astype(np.int64), 0.0
    limit = max(min(threshold(_usual(images, first, small, textured)), FARTHEST), NEAREST)
    # Averages of near duplicates are nearer than their pixels, but for what contrast the averaging takes.
    least = 1 - (MARGIN * limit) ** 2 / 2
    numbers, short, start = np.arange(len(first)), _shortened(small), 0
    while start < len(first):
        rest = short[start:]
        products = rest[: max(1, BLOCK_BYTES // (4 * len(rest)))] @ rest.T
        left, right = np.divmod(np.flatnonzero(products > least), len(rest))
        pairs = start + np.column_stack([left, right])[left < right]
        for begin in range(0, len(pairs), CHUNK):
            left, right = pairs[begin : begin + CHUNK].T
            # What is connected already is not compared.
            likely = (numbers[left] != numbers[right]) & (np.einsum("ij,ij->i", small[left], small[right]) > least)
            left, right = left[likely], right[likely]
            near = _distances(images, first[left], first[right]) < limit
            numbers = _connected(numbers, left[near], right[near])
        start += len(products)
        advance(len(products))
    return numbers[same], limit


def _usual(images: np.ndarray, first: np.ndarray, small: np.ndarray, textured: np.ndarray) -> np.ndarray:
    """What is usual between images that are not duplicates: the distances (SAMPLE,) to the fifth neighbour.

    Not to the nearest: where most images have near duplicates, those would be what is usual.
    """
    if len(textured) > SAMPLE:  # Their order is that of digests, so what is drawn does not depend on files' names.
        rng = seeds.generator("near duplicates")
        textured = np.sort(rng.choice(textured, SAMPLE, replace=False))
    rank = min(NEIGHBOUR, len(small) - 1)
    neighbour = np.empty(len(textured), dtype=np.int64)
    step = max(1, BLOCK_BYTES // (4 * len(small)))
    for start in range(0, len(textured), step):
        rows = textured[start : start + step]
        products = small[rows] @ small.T
        products[np.arange(len(rows)), rows] = -2
        neighbour[start : start + step] = np.argpartition(products, -rank, axis=1)[:, -rank]
    return _distances(images, first[textured], first[neighbour])


def _connected(numbers: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Numbers of groups (n,) once those of these places are connected."""
    if not len(left):
        return numbers
    graph = coo_array((np.ones(len(left)), (numbers[left], numbers[right])), shape=(len(numbers),) * 2)
    joined: np.ndarray = connected_components(graph, directed=False)[1].astype(np.int64)[numbers]
    return joined


def merged(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Number images (n,) so that what has the same number in either grouping has the same number."""
    n, first = len(one), int(one.max()) + 1
    links = coo_array((np.ones(n), (one, first + other)), shape=(first + int(other.max()) + 1,) * 2)
    return np.asarray(np.unique(connected_components(links, directed=False)[1][one], return_inverse=True)[1])


def _small(images: np.ndarray) -> np.ndarray:
    """:func:`features` of images averaged to SIDE x SIDE grey pixels, those of one value all zeros."""
    grey = np.einsum("nhwc->nhw", images, dtype=np.float32, casting="unsafe")  # The scale does not matter.
    for axis in (1, 2):
        size = grey.shape[axis]
        if size > SIDE:
            edges = np.linspace(0, size, SIDE + 1).astype(int)
            grey = np.add.reduceat(grey, edges[:-1], axis=axis) / np.diff(edges).reshape((-1, 1) if axis == 1 else -1)
    return features(grey[..., None])


def _shortened(vectors: np.ndarray) -> np.ndarray:
    """Vectors (n, SHORT) whose products are never smaller than those of the given ones (n, d), and seldom much larger.

    They are the principal components, and the length of what is left of each vector (the Cauchy-Schwarz inequality).
    """
    if vectors.shape[1] <= SHORT:
        return vectors
    components = np.linalg.eigh(vectors.T @ vectors)[1][:, 1 - SHORT :]
    kept = vectors @ components
    left = np.einsum("ij,ij->i", vectors, vectors) - np.einsum("ij,ij->i", kept, kept)
    return np.column_stack([kept, np.sqrt(left.clip(min=0))])


def _distances(images: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The distance (n,) of pairs of images, by their places."""
    found = np.empty(len(left), dtype=np.float64)
    for start in range(0, len(left), CHUNK):
        pairs = np.stack([left[start : start + CHUNK], right[start : start + CHUNK]])
        places, pairs = np.unique(pairs, return_inverse=True)
        vectors = features(images[places])
        one, other = pairs.reshape(2, -1)
        between = vectors[one] - vectors[other]
        found[start : start + CHUNK] = np.sqrt(np.einsum("ij,ij->i", between, between))
    return found
