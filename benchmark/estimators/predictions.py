"""What models return, brought into one form: labels int64 (n,), probabilities float32 (n, k)."""

from __future__ import annotations

from typing import Any

import numpy as np


def as_labels(predicted: Any, n: int, n_labels: int, source: str = "predict") -> np.ndarray:
    """Labels as int64 (n,).

    Whatever can mean only one thing is accepted: a column (n, 1), whole numbers of any type, numerals as text, lists,
    tensors, series and data frames.

    Parameters
    ----------
    predicted : array_like
    n, n_labels : int
        How many labels there must be; they must lie in ``range(n_labels)``.
    source : str
        What returned them, for messages.

    Raises
    ------
    ValueError
        If they mean something else.
    """
    array = _array(predicted)
    if array.shape == (n, 1):
        array = array[:, 0]
    if array.shape != (n,):
        raise ValueError(f"{source} returned shape {array.shape} for {n} images")
    if array.dtype.kind not in "iub":
        try:
            numbers = array.astype(np.float64, casting="same_kind" if array.dtype.kind in "cmM" else "unsafe")
        except (TypeError, ValueError):
            raise ValueError(f"{source} returned {_first(array)}, not integer labels") from None
        strange = ~(np.isfinite(numbers) & (numbers == np.rint(numbers)))
        if strange.any():
            raise ValueError(f"{source} returned {_first(array[strange])}, not integer labels")
        array = numbers
    outside = (array < 0) | (array >= n_labels)
    if outside.any():
        raise ValueError(
            f"{source} returned labels outside 0-{n_labels - 1}: {', '.join(map(str, np.unique(array[outside])[:5]))}"
        )
    return array.astype(np.int64)


def as_probabilities(found: Any, n: int, columns: np.ndarray, n_classes: int) -> np.ndarray:
    """Probabilities as float32 (n, n_classes), with a column for every class.

    Parameters
    ----------
    found : array_like (n, n_columns)
    n : int
    columns : ndarray of int (n_columns,)
        The class of each column; all others get 0.
    n_classes : int

    Raises
    ------
    ValueError
        If they are no probabilities.
    """
    array = _array(found)
    if array.shape != (n, len(columns)):
        raise ValueError(f"predict_proba returned shape {array.shape} for {n} images and {len(columns)} classes")
    array = array.astype(np.float64)
    if not np.isfinite(array).all():
        raise ValueError("predict_proba returned numbers that are not finite")
    if array.min() < -1e-6 or not np.allclose(array.sum(axis=1), 1, atol=1e-3):
        raise ValueError("predict_proba returned rows that are no probabilities")
    every = np.zeros((n, n_classes), dtype=np.float32)
    every[:, columns] = array.clip(0, 1)
    return every


def _array(found: Any) -> np.ndarray:
    if hasattr(found, "detach") and hasattr(found, "cpu"):  # A tensor, perhaps one of an accelerator.
        found = found.detach().cpu()
    return np.asarray(found)


def _first(array: np.ndarray) -> str:
    return ascii(array.reshape(-1)[0])[:100] if array.size else "nothing"
