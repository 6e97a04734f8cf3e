"""What a path holds before anything is decoded: pictures with their labels, and what was skipped."""

from __future__ import annotations

import dataclasses
import functools
from collections import Counter
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from benchmark.data.pictures import Content
from benchmark.utils.format import counted, listed

Part = Literal["train", "validation", "test"]
PART_NAMES: dict[str, Part] = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
}
MOST_NAMED = 5


@dataclasses.dataclass(frozen=True)
class Skipped:
    """A picture that is left out: where it lies, relative to the user's path, and why."""

    where: str
    reason: str


@dataclasses.dataclass(frozen=True)
class Encoded:
    """The bytes of a picture in a row of a Parquet file."""

    file: Path
    column: str
    row_group: int
    row: int
    changed: int  # When the file was, in nanoseconds.

    def fetch(self) -> Content:
        content = _row_group(self.file, self.changed, self.column, self.row_group)[self.row]
        encoded: bytes | None = content["bytes"] if isinstance(content, dict) else content
        return encoded or b""


@functools.lru_cache(maxsize=2)
def _row_group(file: Path, changed: int, column: str, index: int) -> list[Any]:
    from pyarrow import parquet

    found: list[Any] = parquet.ParquetFile(file).read_row_group(index, columns=[column]).column(0).to_pylist()
    return found


@dataclasses.dataclass(frozen=True)
class Pixels:
    """One image of an array, (n, h, w) or (n, h, w, c)."""

    array: np.ndarray
    row: int

    def fetch(self) -> Content:
        return np.asarray(self.array[self.row])


@dataclasses.dataclass(frozen=True, slots=True)
class Item:
    """A picture that is not decoded yet; ``where`` names it in words or by its path relative to the user's."""

    where: str
    content: Path | Encoded | Pixels
    label: Hashable
    part: Part | None = None
    group: Hashable = None

    def fetch(self) -> Content:
        return self.content if isinstance(self.content, Path) else self.content.fetch()


@dataclasses.dataclass(frozen=True)
class Items:
    """All pictures of a path, in an order that does not depend on the file system.

    ``class_names`` are given where the labels are their places; ``notes`` say in words what was chosen, ``ignored`` is
    the number of files that are no pictures.
    """

    items: Sequence[Item]
    skipped: Sequence[Skipped] = ()
    notes: Sequence[str] = ()
    class_names: Sequence[str] | None = None
    ignored: int = 0

    def __add__(self, other: Items) -> Items:
        return Items(
            [*self.items, *other.items],
            [*self.skipped, *other.skipped],
            [*self.notes, *(note for note in other.notes if note not in self.notes)],
            self.class_names or other.class_names,
            self.ignored + other.ignored,
        )


def by_reason(skipped: Sequence[Skipped]) -> dict[str, int]:
    """How many were skipped for each reason, without its particulars, the most frequent first."""
    return dict(Counter(map(_kind, skipped)).most_common())


def _kind(one: Skipped) -> str:
    return one.reason.partition(":")[0]


def in_words(skipped: Sequence[Skipped]) -> str:
    """The reasons with their counts and the first files of each."""
    lines = []
    for reason, count in by_reason(skipped).items():
        names = [one.where for one in skipped if _kind(one) == reason]
        lines.append(f"{counted(count, 'picture')} ({reason}): {listed(names, MOST_NAMED)}")
    return "; ".join(lines)
