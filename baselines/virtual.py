"""Virtual samples: training images rotated, zoomed, shifted and mirrored, for models that take no batches.

The networks draw new parameters for every image in every epoch; a support vector machine sees a fixed set,
so ``copies`` variants of each image are made once. Ranges and order are those of :mod:`cnn.augment`.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.ndimage import affine_transform


def virtual_samples(
    images: np.ndarray,
    rng: np.random.Generator,
    *,
    copies: int,
    rotation_degrees: float,
    zoom: float,
    shift: float,
    flip: bool,
) -> np.ndarray:
    """Make ``copies`` variants of each image.

    Parameters
    ----------
    images : ndarray of uint8 (n, h, w, c)
    rng : numpy.random.Generator
    copies : int
        At least 0.
    rotation_degrees, zoom, shift : float
        Angles are uniform in [-rotation_degrees, rotation_degrees], factors in [1 - zoom, 1 + zoom], shifts
        along x and y in [-shift, shift] times the width and the height.
    flip : bool
        Mirror every other variant: of two copies of an image one is mirrored, of one it is the one.

    Returns
    -------
    ndarray of uint8 (copies * n, h, w, c)
        First a variant of each image in their order, then the next of each; bilinear, zero outside.
    """
    n, height, width, channels = images.shape
    centre = np.array([(height - 1) / 2, (width - 1) / 2])
    made = np.empty((copies, n, height, width, channels), dtype=np.uint8)
    for copy in range(copies):
        mirror = -1.0 if flip and copy % 2 == 0 else 1.0
        angles = np.asarray(rng.uniform(-1, 1, n) * math.radians(rotation_degrees))
        factors = np.asarray(1 + rng.uniform(-1, 1, n) * zoom)
        shifts = rng.uniform(-1, 1, (n, 2)) * (shift * np.array([height, width]))
        for index in range(n):
            cos, sin = math.cos(angles[index]) / factors[index], math.sin(angles[index]) / factors[index]
            # Where each output pixel comes from, so the inverse: undo the mirror, the shift, then turn back.
            inverse = np.array([[cos, -sin * mirror], [sin, cos * mirror]])
            offset = centre - inverse @ centre - np.array([[cos, -sin], [sin, cos]]) @ shifts[index]
            for channel in range(channels):
                affine_transform(
                    images[index, :, :, channel],
                    inverse,
                    offset,
                    output=made[copy, index, :, :, channel],
                    order=1,
                    mode="constant",
                )
    return made.reshape(copies * n, height, width, channels)
