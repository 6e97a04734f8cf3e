"""Near duplicates: test and validation images that are almost an image of the training part.

Exact copies are counted by :mod:`benchmark.data.integrity`. What is found here is the same picture in another
brightness or contrast, or with a few pixels changed; not a shifted, turned or mirrored one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np

from benchmark.records.dataset_schema import DataAudit, DuplicateSearch, NearDuplicate
from benchmark.specs import Dataset

CHUNK = 500
CLOSEST = 30
# In the logarithm of the distance, as many robust standard deviations below the median; of 10,000 normally
# distributed values, less than one.
DEVIATIONS = 4.0
DIGITS = 6  # The same on every machine; more depend on how it multiplies matrices.
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
