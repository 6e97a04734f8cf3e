"""Corruptions of test images: how much accuracy is left when images are not as clean as those of training.

In the manner of Hendrycks and Dietterich, "Benchmarking Neural Network Robustness to Common Corruptions and
Perturbations", 2019, with six corruptions that make sense on small images of one channel too. What is drawn by
chance comes from a generator seeded by data set, corruption and severity: every model sees the same images.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

import numpy as np
from scipy.ndimage import gaussian_filter

from benchmark.records.schema import SEVERITIES
from benchmark.utils import seeds

CHUNK = 2000  # Images at a time; a part of what is drawn: other chunks, other noise.
# Lengths below are pixels of images of this side and grow or shrink with the shorter side of others; so does the grain
# of noise, in whole pixels.
SIDE = 28
DIRECTIONS = np.array([(-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1)])


@dataclasses.dataclass(frozen=True)
class Corruption:
    """One way to spoil images.

    Attributes
    ----------
    description : str
        What is done to an image.
    parameter : str
        What ``values`` are, with their unit.
    values : tuple of float
        By severity, from the mildest on.
    apply : callable
        Takes images (n, h, w, c) uint8, a value and a generator; returns numbers of that shape, not rounded yet.
    """

    description: str
    parameter: str
    values: tuple[float, ...]
    apply: Callable[[np.ndarray, float, np.random.Generator], np.ndarray]

    def __post_init__(self) -> None:
        if len(self.values) != SEVERITIES:
            raise ValueError(f"a corruption has {SEVERITIES} severities, not {len(self.values)}")


def corrupt(images: np.ndarray, name: str, severity: int, dataset: str) -> np.ndarray:
    """Corrupt images in one way.

    Parameters
    ----------
    images : ndarray of uint8 (n, h, w, c)
        Left alone.
    name : str
        A name in :data:`CORRUPTIONS`.
    severity : int
        From 1, the mildest, to :data:`benchmark.records.schema.SEVERITIES`.
    dataset : str
        Name of the data set; with ``name`` and ``severity`` it decides what is drawn.

    Returns
    -------
    ndarray of uint8 (n, h, w, c)

    Raises
    ------
    ValueError
        For other images, names or severities.
    """
    if images.ndim != 4 or images.dtype != np.uint8:
        raise ValueError(f"images must be uint8 (n, h, w, c), got {images.dtype} {images.shape}")
    if name not in CORRUPTIONS or not 1 <= severity <= SEVERITIES:
        raise ValueError(f"there is no corruption {name!r} of severity {severity}")
    corruption = CORRUPTIONS[name]
    rng = seeds.generator("corruption", dataset, name, severity)
    corrupted = np.empty_like(images)
    for start in range(0, len(images), CHUNK):
        found = corruption.apply(images[start : start + CHUNK], corruption.values[severity - 1], rng)
        corrupted[start : start + CHUNK] = np.clip(np.rint(found), 0, 255)
    return corrupted


def versions(images: np.ndarray, dataset: str) -> Iterator[tuple[str, int, np.ndarray]]:
    """Every corruption at every severity, one after the other: its name, the severity, the images."""
    for name in CORRUPTIONS:
        for severity in range(1, SEVERITIES + 1):
            yield name, severity, corrupt(images, name, severity, dataset)


def _scale(images: np.ndarray) -> float:
    return float(min(images.shape[1:3])) / SIDE


def _sampled(images: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Images seen at the places (h, w) ``rows`` and ``columns``, bilinear, zero outside; float32."""
    n, height, width, channels = images.shape
    flat = images.reshape(n, height * width, channels)
    top, left = np.floor(rows).astype(int), np.floor(columns).astype(int)
    found = np.zeros(flat.shape, dtype=np.float32)
    for row, row_share in ((top, 1 - (rows - top)), (top + 1, rows - top)):
        for column, share in ((left, 1 - (columns - left)), (left + 1, columns - left)):
            inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
            weight = np.where(inside, row_share * share, 0).astype(np.float32).ravel()
            if weight.any():
                place = np.where(inside, row * width + column, 0).ravel()
                found += flat.take(place, axis=1) * weight[:, None]
    return found.reshape(images.shape)


def _by_choice(
    images: np.ndarray, choice: np.ndarray, places: Callable[[int], tuple[np.ndarray, np.ndarray]]
) -> np.ndarray:
    """Sample the images of each choice (n,) at the places that belong to it."""
    found = np.empty(images.shape, dtype=np.float32)
    for which in np.unique(choice):
        chosen = choice == which
        found[chosen] = _sampled(images[chosen], *places(int(which)))
    return found


def _shift(images: np.ndarray, pixels: float, rng: np.random.Generator) -> np.ndarray:
    rows, columns = np.mgrid[: images.shape[1], : images.shape[2]]
    steps = DIRECTIONS * pixels * _scale(images)
    return _by_choice(
        images,
        rng.integers(len(steps), size=len(images)),
        lambda which: (rows - steps[which, 0], columns - steps[which, 1]),
    )


def _rotate(images: np.ndarray, degrees: float, rng: np.random.Generator) -> np.ndarray:
    height, width = images.shape[1:3]
    rows, columns = np.mgrid[:height, :width]
    y, x = rows - (height - 1) / 2, columns - (width - 1) / 2

    def places(which: int) -> tuple[np.ndarray, np.ndarray]:
        angle = np.deg2rad(degrees if which else -degrees)
        turned = np.cos(angle) * y - np.sin(angle) * x, np.sin(angle) * y + np.cos(angle) * x
        return turned[0] + (height - 1) / 2, turned[1] + (width - 1) / 2

    return _by_choice(images, rng.integers(2, size=len(images)), places)


def _blur(images: np.ndarray, sigma: float, rng: np.random.Generator) -> np.ndarray:
    # In proportion, sigmas below half a pixel would do nothing to images of 8 x 8.
    sigma *= max(1.0, _scale(images))
    blurred: np.ndarray = gaussian_filter(images.astype(np.float32), (0, sigma, sigma, 0), mode="nearest")
    return blurred


def _noise(images: np.ndarray, deviation: float, rng: np.random.Generator) -> np.ndarray:
    n, height, width, channels = images.shape
    grain = max(1, round(_scale(images)))  # Finer noise would average out in larger images.
    shape = n, -(-height // grain), -(-width // grain), channels
    drawn = rng.standard_normal(shape, dtype=np.float32).repeat(grain, axis=1).repeat(grain, axis=2)
    noisy: np.ndarray = images + np.float32(255 * deviation) * drawn[:, :height, :width]
    return noisy


def _occlude(images: np.ndarray, side: float, rng: np.random.Generator) -> np.ndarray:
    height, width = images.shape[1:3]
    size = max(1, round(side * _scale(images)))
    top = rng.integers(height - size + 1, size=(len(images), 1))
    left = rng.integers(width - size + 1, size=(len(images), 1))
    rows, columns = np.arange(height), np.arange(width)
    hidden_rows, hidden_columns = (rows >= top) & (rows < top + size), (columns >= left) & (columns < left + size)
    hidden = hidden_rows[:, :, None] & hidden_columns[:, None, :]
    return np.where(hidden[..., None], 0, images)


def _flatten(images: np.ndarray, factor: float, rng: np.random.Generator) -> np.ndarray:
    mean = images.mean(axis=(1, 2, 3), keepdims=True, dtype=np.float32)
    flat: np.ndarray = mean + np.float32(factor) * (images - mean)
    return flat


CORRUPTIONS: Mapping[str, Corruption] = MappingProxyType(
    {
        "shift": Corruption(
            "moved in one of eight directions, zeros behind it",
            f"pixels along each axis, of {SIDE}",
            (1, 2, 3, 4, 5),
            _shift,
        ),
        "rotation": Corruption(
            "turned about its centre to either side, bilinear, zeros behind it", "degrees", (6, 12, 18, 24, 30), _rotate
        ),
        "blur": Corruption(
            "blurred by a Gaussian",
            f"standard deviation in pixels, of {SIDE}; not less in smaller images",
            (0.5, 0.75, 1.0, 1.5, 2.0),
            _blur,
        ),
        "noise": Corruption(
            "Gaussian noise added to every pixel and channel",
            "standard deviation, pixels in [0, 1]",
            (0.05, 0.1, 0.15, 0.2, 0.3),
            _noise,
        ),
        "occlusion": Corruption(
            "a square set to zero, anywhere inside", f"side in pixels, of {SIDE}", (5, 8, 11, 14, 17), _occlude
        ),
        "contrast": Corruption(
            "pixels drawn towards the image's mean", "factor of the distance", (0.75, 0.6, 0.45, 0.3, 0.15), _flatten
        ),
    }
)
"""What is done at which severity, by name."""
