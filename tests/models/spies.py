"""Models that look for the test set wherever Python lets them; imported by worker processes by this module's name."""

from __future__ import annotations

import gc
import hashlib
import json
import mmap
import os
import re
import sys
from pathlib import Path

import numpy as np

from benchmark.estimators.details import DetailsMixin


def digest(values) -> str:
    """SHA-256 of labels or pixels, alike for every type and shape that could hold them."""
    flat = np.asarray(values).ravel()
    if flat.dtype.kind == "f":
        flat = np.rint(flat * 255)
    return hashlib.sha256(flat.astype(np.int64).tobytes()).hexdigest()


def reachable():
    """Every object that a frame of any thread names or that something refers to which the garbage collector tracks.

    Arrays are not tracked themselves; whatever holds them is.
    """
    frames = list(sys._current_frames().values())
    for frame in frames:
        if frame.f_back is not None:
            frames.append(frame.f_back)
        yield from (*frame.f_locals.values(), *frame.f_globals.values())
    yield from gc.get_referents(*gc.get_objects())


def candidates(sizes: set[int]):
    """Arrays of so many numbers among all that can be reached, the environment and the arguments."""
    seen = set()
    for thing in reachable():
        # Not isinstance: to ask some objects for their class is to import what they stand for.
        if not issubclass(type(thing), np.ndarray | bytes | bytearray | mmap.mmap) or id(thing) in seen:
            continue
        seen.add(id(thing))
        if isinstance(thing, np.ndarray):
            for array in (thing, thing.base):
                if isinstance(array, np.ndarray) and array.size in sizes and array.dtype.kind in "biuf":
                    yield array
        else:
            for kind in (np.uint8, np.int32, np.int64):
                if len(thing) in {size * np.dtype(kind).itemsize for size in sizes}:
                    yield np.frombuffer(bytes(thing), kind)
    for text in (*os.environ.values(), *sys.argv):
        numbers = re.findall(r"\d", text)
        if len(numbers) in sizes:
            yield np.array(numbers, dtype=int)


def opened() -> list[str]:
    """Names of all files of this process, open or mapped into its memory."""
    names = [line.split(maxsplit=5)[-1] for line in Path("/proc/self/maps").read_text().splitlines()]
    for entry in Path("/proc/self/fd").iterdir():
        try:
            names.append(str(entry.readlink()))
        except OSError:  # The folder's own, closed by now.
            continue
    return names


def look(sought: dict[str, tuple[int, str]]) -> list[str]:
    """Which of the arrays sought, given by size and digest, are reachable in memory or as open files."""
    digests = {digest(values) for values in candidates({size for size, _ in sought.values()})}
    found = {name for name, (_, expected) in sought.items() if expected in digests}
    files = opened() if sys.platform == "linux" else []
    return sorted(found | {f"{name}.npy" for name in sought if any(f"{name}.npy" in file for file in files)})


class Spy(DetailsMixin):
    """Looks for what it is told of whenever it is called, and writes down when it found what.

    ``sought`` maps names to sizes and digests: what it seeks is not in its memory.
    """

    def __init__(self, trace, sought):
        self.trace, self.sought = trace, sought
        self._look("build")

    def _look(self, when):
        with Path(self.trace).open("a", encoding="ascii") as file:
            file.write(json.dumps([when, look(self.sought)]) + "\n")

    def fit(self, X, y, *, X_val, y_val, on_epoch):
        self.classes_ = np.unique(y)
        self._look("fit")
        on_epoch({"epoch": 1})
        self._look("epoch")
        return self

    def predict(self, X):
        self._look(f"predict {len(X)}")
        return np.zeros(len(X), dtype=int)

    def predict_proba(self, X):
        self._look(f"probabilities {len(X)}")
        return np.full((len(X), len(self.classes_)), 1 / len(self.classes_))

    def variants(self):
        return {"once more": self}

    @property
    def parameter_count_(self):
        self._look("count")
        return 1


class ChangesItsMind:
    """Keeps the array that it has answered with, and changes it later."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        self.answer_ = np.zeros(len(X), dtype=np.int64)
        return self.answer_

    def predict_proba(self, X):
        self.answer_[:] = 7
        return np.full((len(X), len(self.classes_)), 1 / len(self.classes_))


class ReadsTheCache:
    """What no interface can forbid: it opens the file that it knows of."""

    def fit(self, X, y):
        root = Path(os.environ["BENCHMARK_CACHE_DIR"])
        self.stolen_ = np.load(root / "decoded" / "digits" / "test_labels.npy")
        return self

    def predict(self, X):
        return self.stolen_ if len(X) == len(self.stolen_) else np.zeros(len(X), dtype=int)
