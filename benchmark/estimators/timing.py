"""What work costs, whether or not this process was spared it.

Results that are kept, on disk or in memory, would make a model look cheaper than it is, and looking after
them would make it look dearer. Code that keeps something reports it here, and a :class:`Stopwatch` shows the
seconds that the work takes where nothing is kept.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

_spared = [0.0]
_aside = [0.0]


def spare(seconds: float) -> None:
    """Count seconds of work that were not spent, because its result had been kept."""
    _spared[0] += seconds


@contextlib.contextmanager
def aside() -> Iterator[None]:
    """What is done inside is not charged to the model: reading and writing what is kept, downloads."""
    start = time.perf_counter()
    try:
        yield
    finally:
        _aside[0] += time.perf_counter() - start


class Stopwatch:
    """Seconds between laps, as if nothing had been kept; ``spared`` is the part that was not spent."""

    def __init__(self) -> None:
        self.spared = 0.0
        self._now, self._spared = self._read()

    def lap(self) -> float:
        before, spared_before = self._now, self._spared
        self._now, self._spared = self._read()
        self.spared += self._spared - spared_before
        return self._now - before + self._spared - spared_before

    @staticmethod
    def _read() -> tuple[float, float]:
        return time.perf_counter() - _aside[0], _spared[0]
