"""Features of images, computed once and kept on disk, without making a model look cheaper than it is.

A cache that is full when a run starts would hide the price of its features. So the seconds that were
spent when they were computed are kept with them, and reported to :mod:`benchmark.estimators.timing`.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.errors import UserError
from benchmark.estimators import timing as clock
from benchmark.utils.cache_folder import SPARE_BYTES, has_room, limit_bytes, shrink
from benchmark.utils.files import cache_root

ABANDONED_SECONDS = 86_400
_keeping = [True]


@contextlib.contextmanager
def unkept() -> Iterator[None]:
    """Inside, features are computed and not kept: they are not used again."""
    before, _keeping[0] = _keeping[0], False
    try:
        yield
    finally:
        _keeping[0] = before


def features(name: str, images: np.ndarray, compute: Callable[[np.ndarray], np.ndarray], **settings: Any) -> np.ndarray:
    """``compute(images)``, out of the cache where it is there.

    Parameters
    ----------
    name : str
        Of the kind of features; a part of the file's name.
    images : ndarray (n, ...)
        Everything the features are computed from.
    compute : callable
        Takes ``images``, returns an array of numbers (n, ...).
    **settings
        Whatever else decides the values, versions of packages included; must be JSON.
    """
    if not _keeping[0]:
        return compute(images)
    with clock.aside():
        images = np.ascontiguousarray(images)
        described = json.dumps([str(images.dtype), images.shape, settings], sort_keys=True)
        digest = hashlib.sha256(described.encode())
        digest.update(images.data)
        path = cache_root() / "features" / f"{name}-{digest.hexdigest()[:32]}.npz"
        kept = _read(path)
    if kept is not None and len(kept[0]) == len(images):
        with contextlib.suppress(OSError):
            os.utime(path)  # What was used last is removed last.
        clock.spare(kept[1])
        return kept[0]
    start = time.perf_counter()
    computed = compute(images)
    seconds = time.perf_counter() - start
    with clock.aside():
        _keep(path, computed, seconds)
    return computed


def _read(path: Path) -> tuple[np.ndarray, float] | None:
    """Features and the seconds they took; None where they are absent or damaged, to be computed again."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return arrays["features"], float(arrays["seconds"])
    except Exception:  # Modules for zip, zlib and headers raise what they like, by where the damage lies.
        return None


def _keep(path: Path, computed: np.ndarray, seconds: float) -> None:
    temporary = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        most = limit_bytes()
        if computed.nbytes > most or not has_room(path.parent, computed.nbytes, SPARE_BYTES):
            print(f"The features are not kept: {computed.nbytes:,} bytes are too many for cache or disk")  # noqa: T201
            return
        for left in path.parent.glob(".*.npz"):  # By a process that was killed while it wrote.
            if time.time() - left.stat().st_mtime > ABANDONED_SECONDS:
                left.unlink(missing_ok=True)
        try:
            np.savez(temporary, features=computed, seconds=seconds)
            temporary.replace(path)
            shrink(path.parent, most)
        finally:
            temporary.unlink(missing_ok=True)
    except (OSError, UserError) as error:  # A full disk costs time the next time, not this result.
        print(f"The features could not be kept as {path}: {error}")  # noqa: T201 -- into the run's log
