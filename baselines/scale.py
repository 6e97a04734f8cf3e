"""What parameters that were chosen on 28 x 28 grey images become on images of another size.

Enlarging a picture, or repeating its grey as three colours, repeats its numbers and must not change what a model makes
of it: inner products are brought to the scale of 28 x 28 numbers, and shares of the pixels to as many pixels as there.
"""

from __future__ import annotations

import numpy as np

SIDE = 28
FEATURES = SIDE * SIDE
WIDE = 4 * FEATURES
MOST_IMAGES = 2000  # For more, finding the basis costs more than it saves.
CHUNK = 256  # Images at a time.


def weighted(X: np.ndarray) -> np.ndarray:
    """Pixels (n, d) multiplied so that their inner products are those of an image with FEATURES numbers."""
    return X if X.shape[1] == FEATURES else X * pixel_weight(X.shape[1])


def pixel_weight(n_features: int) -> np.float32:
    """What :func:`weighted` multiplies by."""
    return np.float32((FEATURES / n_features) ** 0.5)


def row_space(X: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """Images (n, d) as coordinates (n, n) in the space that they span, and its basis (d, n), where d is far above n.

    What a linear model learns of few wide images lies in that space: fitted to the coordinates, with the same penalty
    on weights, its weights times the basis are what it learns of the pixels. Others come as they are, without a basis.
    """
    n, d = X.shape
    if d <= max(n, WIDE) or n > MOST_IMAGES:
        return X, None
    basis, coordinates = np.linalg.qr(X.T)
    return np.ascontiguousarray(coordinates.T), basis


def in_pixels(coef: np.ndarray, basis: np.ndarray | None, n_features: int) -> np.ndarray:
    """Weights (k, m) of a linear model fitted to ``row_space(weighted(X))`` as weights (k, d) of the pixels ``X``."""
    found: np.ndarray = (coef if basis is None else coef @ basis.T) * pixel_weight(n_features)
    return found


def share_of_pixels(share: float, n_features: int) -> float:
    """A share of the pixels to look at, of no more than FEATURES: enlarged images show nothing new."""
    return share * min(1.0, FEATURES / n_features)


def reduced(images: np.ndarray) -> np.ndarray:
    """Images with a shorter side of SIDE to 2 * SIDE - 1 pixels, by averaging squares; smaller ones as they are.

    Parameters
    ----------
    images : ndarray of uint8 (n, h, w, c)
        Up to a square's side of pixels at the right and lower edge is cut off.
    """
    n, height, width, channels = images.shape
    factor = min(height, width) // SIDE
    if factor < 2:
        return images
    height, width = height // factor, width // factor
    small = np.empty((n, height, width, channels), dtype=np.uint8)
    for start in range(0, n, CHUNK):
        chunk = images[start : start + CHUNK, : height * factor, : width * factor]
        squares = chunk.reshape(len(chunk), height, factor, width, factor, channels)
        small[start : start + CHUNK] = np.rint(squares.mean(axis=(2, 4), dtype=np.float32))
    return small
