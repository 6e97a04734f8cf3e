"""Whether a picture is like any training image: otherwise a model's probabilities say nothing about it."""

from __future__ import annotations

import dataclasses

import numpy as np

from benchmark.data import near_duplicates
from benchmark.specs import Dataset

MOST_TRAINING, MOST_VALIDATION = 10_000, 2_000  # Images; a second on two cores.
FEWEST_VALIDATION = 20
CHUNK = 500
SIDE = 32  # Pixels; larger images are averaged down.
CELLS, DIRECTIONS = 4, 8
STRANGE_SHARE = 0.01  # Of the validation images, which are like training images by definition.


@dataclasses.dataclass(frozen=True)
class Likeness:
    """Distances to the nearest training image, in two feature spaces, in units of what is usual.

    Two, because each is blind to something: pixels find a wrong background, noise and photographs, directions of edges
    find strokes where there were surfaces. A distance is divided by that which one validation image in a hundred
    exceeds; the larger of the two counts, and its limit is set by the validation images in the same way.

    Attributes
    ----------
    training : sequence of ndarray of float32 (n, d)
        Features of training images, one array for each space.
    usual : sequence of float
    limit : float
    """

    training: tuple[np.ndarray, ...]
    usual: tuple[float, ...]
    limit: float

    @classmethod
    def of(cls, data: Dataset) -> Likeness | None:
        """Calibrated on the validation images; None if they are too few."""
        if len(data.split.validation) < FEWEST_VALIDATION:
            return None
        parts = ((data.split.train, MOST_TRAINING), (data.split.validation, MOST_VALIDATION))
        small = [_small(data.train_images, index[:: -(-len(index) // most)]) for index, most in parts]
        training, validation = (tuple(space(images) for space in SPACES) for images in small)
        distances = [_distances(v, t) for v, t in zip(validation, training, strict=True)]
        usual = tuple(max(float(np.quantile(d, 1 - STRANGE_SHARE)), near_duplicates.SMALLEST) for d in distances)
        largest = np.max([d / u for d, u in zip(distances, usual, strict=True)], axis=0)
        return cls(training, usual, float(np.quantile(largest, 1 - STRANGE_SHARE)))

    def strange(self, images: np.ndarray) -> np.ndarray:
        """Which images, uint8 (n, h, w, c), are unlike all training images: ndarray of bool (n,)."""
        small = reduced(images)
        spaces = zip(SPACES, self.training, self.usual, strict=True)
        largest = np.max([_distances(space(small), training) / usual for space, training, usual in spaces], axis=0)
        return np.asarray(largest > self.limit)


def _small(images: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Those images, reduced; never all of them in full size in memory."""
    starts = range(0, len(index), CHUNK)
    return np.concatenate([reduced(images[index[start : start + CHUNK]]) for start in starts])


def reduced(images: np.ndarray) -> np.ndarray:
    """Images (n, h, w, c) averaged over blocks, so that no side is longer than 2 * SIDE - 1 pixels, as float32."""
    factor = max(1, max(images.shape[1:3]) // SIDE)
    if factor == 1 or min(images.shape[1:3]) < factor:
        return images.astype(np.float32)
    n, height, width, channels = images.shape
    blocks = images[:, : height // factor * factor, : width // factor * factor]
    grouped = blocks.reshape(n, height // factor, factor, width // factor, factor, channels)
    return np.asarray(grouped.mean(axis=(2, 4), dtype=np.float32))


def edges(images: np.ndarray) -> np.ndarray:
    """How strong edges of each direction are in each of 4 x 4 cells, of length one: float32 (n, d)."""
    grey = images.mean(axis=3)
    down, right = np.zeros_like(grey), np.zeros_like(grey)
    down[:, 1:-1], right[:, :, 1:-1] = grey[:, 2:] - grey[:, :-2], grey[:, :, 2:] - grey[:, :, :-2]
    strength = np.hypot(down, right)
    direction = (np.arctan2(down, right) % np.pi * (DIRECTIONS / np.pi)).astype(np.int8) % DIRECTIONS
    rows, columns = (np.unique(np.arange(CELLS) * side // CELLS) for side in grey.shape[1:])
    found = [
        np.add.reduceat(np.add.reduceat(np.where(direction == one, strength, 0), rows, axis=1), columns, axis=2)
        for one in range(DIRECTIONS)
    ]
    flat: np.ndarray = np.sqrt(np.stack(found, axis=-1)).reshape(len(images), -1)
    flat /= np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), near_duplicates.SMALLEST)
    return flat


SPACES = (near_duplicates.features, edges)


def _distances(queries: np.ndarray, references: np.ndarray) -> np.ndarray:
    return near_duplicates.nearest(queries, references)[1]
