"""Training by epoch: which epoch's weights are kept."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence


def best_epoch(history: Sequence[Mapping[str, float | None]]) -> int | None:
    """The place, from 0, of the epoch whose weights are kept.

    The highest validation accuracy decides, balanced accuracy where it is there, then the lowest loss, then the
    earliest epoch.

    Parameters
    ----------
    history : sequence of mapping
        One row per epoch with ``validation_accuracy`` and ``validation_loss``, None where not measured, and
        ``validation_balanced_accuracy`` of networks that were trained by it.

    Returns
    -------
    int or None
        None without any validation accuracy.
    """

    def rank(place: int) -> tuple[float, float, int]:
        accuracy, loss = criterion(history[place]), history[place].get("validation_loss")
        assert accuracy is not None
        return -accuracy, math.inf if loss is None else loss, place

    measured = [place for place, row in enumerate(history) if criterion(row) is not None]
    return min(measured, key=rank, default=None)


def criterion(row: Mapping[str, float | None]) -> float | None:
    """The validation accuracy of an epoch by which it is judged; None where not measured."""
    return row.get("validation_balanced_accuracy", row.get("validation_accuracy"))
