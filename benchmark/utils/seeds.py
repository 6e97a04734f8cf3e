"""Seeds derived from named axes, so that what must be shared is shared and what must differ differs.

A split's seed is derived from the data set alone, never from the model, so that every model sees the
same images and comparisons pair image by image.
"""

from __future__ import annotations

import hashlib

import numpy as np


def derive(*axes: str | int) -> int:
    """Return a seed in [0, 2**32) that depends on every axis and on their order.

    Parameters
    ----------
    *axes : str or int
        For example ``("split", "fashion-mnist")`` or ``("fit", "fashion-mnist", 0)``.

    Raises
    ------
    TypeError
        For any other type: ``numpy.int64(0)`` would be another axis than ``0``.
    """
    if any(type(axis) not in (str, int) for axis in axes):
        raise TypeError(f"axes must be str or int, got {axes!r}")
    text = "\x1f".join(f"{type(axis).__name__}:{axis}" for axis in axes)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def generator(*axes: str | int) -> np.random.Generator:
    """A NumPy generator seeded by :func:`derive`."""
    return np.random.default_rng(derive(*axes))
