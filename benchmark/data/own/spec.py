"""A path as a data set's specification, and the data sets that paths have become before.

Only the standard library is imported: ``list`` and ``--help`` start at once.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmark.errors import UserError
from benchmark.specs import DatasetSpec
from benchmark.utils.files import cache_root

LOAD, STAMP = "benchmark.data.own.load:load", "benchmark.data.own.load:stamp"
COLOURS = {"white": (255, 255, 255), "black": (0, 0, 0), "grey": (128, 128, 128), "gray": (128, 128, 128)}
SMALLEST, LARGEST = 4, 1024


@dataclasses.dataclass(frozen=True, kw_only=True)
class Reading:
    """How pictures are read; each part has an option of the command line of the same name.

    Attributes
    ----------
    size : int or None
        Pixels a side that pictures are scaled to; None: as they are if all are of one size up to 64, otherwise 64.
    background : str or None
        ``"white"``, ``"black"``, ``"grey"`` or ``"#rrggbb"``: what transparent parts are laid on and pictures are
        padded with; None: transparent parts on white, padding in the colour of each picture's own edge.
    image_column, label_column, group_column : str or None
        Of a table; None: found by name.
    min_class_size : int
        Classes with fewer pictures are left out.
    allow_skipped : bool
        Whether to go on if more than 5 % of the pictures cannot be used.
    show_pictures : bool or None
        Whether reports may show pictures; None: unless it was said before of this path that they may not.
    mirror : bool
        Whether a mirrored picture may be of the same class, as it is not of text.
    """

    size: int | None = None
    background: str | None = None
    image_column: str | None = None
    label_column: str | None = None
    group_column: str | None = None
    min_class_size: int = 0
    allow_skipped: bool = False
    show_pictures: bool | None = None
    mirror: bool = True

    def __post_init__(self) -> None:
        if self.size is not None and not (type(self.size) is int and SMALLEST <= self.size <= LARGEST):
            raise UserError(f"{self.size!r} is not a size.", f"Give --size from {SMALLEST} to {LARGEST} pixels.")
        if self.background is not None:
            self.colour()
        if type(self.min_class_size) is not int or self.min_class_size < 0:
            raise UserError(f"{self.min_class_size!r} is not a number of pictures.", "Give --min-class-size from 0 on.")

    def colour(self) -> tuple[int, int, int] | None:
        """The background in red, green and blue."""
        if self.background is None:
            return None
        text = self.background.lower()
        if re.fullmatch("#[0-9a-f]{6}", text):
            return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)
        if text not in COLOURS:
            raise UserError(
                f"{self.background!r} is not a background.",
                f"Give {', '.join(COLOURS)}, or a colour such as '#ffeedd'.",
            )
        return COLOURS[text]


def looks_like_path(name: str) -> bool:
    """Whether a text is meant as a path and not as a data set's name."""
    try:
        return "/" in name or "\\" in name or name.startswith((".", "~")) or Path(name).exists()
    except (OSError, ValueError):  # No path can be so long.
        return False


def slug(path: Path) -> str:
    """The name under which a path's data set is recorded, unless the user gives one."""
    stem = path.name if path.is_dir() else path.name.removesuffix(".gz").partition(".")[0] or path.name
    plain = unicodedata.normalize("NFKD", stem).encode("ascii", errors="ignore").decode().lower()
    words = re.sub(r"[^a-z0-9._-]+", "-", plain).strip("-._")[:80]
    lost = sum(not unicodedata.combining(c) and not c.isascii() for c in unicodedata.normalize("NFKD", stem))
    if not words or lost:  # Letters that have no likeness: two such names must not become one.
        words = f"{words or 'pictures'}-{hashlib.sha256(stem.encode(errors='replace')).hexdigest()[:4]}"
    return words


def spec_of(path: Path, name: str | None, taken: Mapping[str, DatasetSpec], reading: Reading) -> DatasetSpec:
    """The specification of a path.

    Parameters
    ----------
    path : Path
    name : str or None
        None: made of the path's name.
    taken : mapping
        The registered data sets, whose names it cannot have.
    reading : Reading

    Raises
    ------
    UserError
        If the name is taken or invalid, or there is nothing at the path.
    """
    try:
        place = (path if path.exists() else path.expanduser()).resolve()
        there = place.exists()
    except (OSError, ValueError, RuntimeError):
        there = False
    if not there:
        raise UserError(
            f"There is no data set, file or folder {str(path)!r}.",
            "Give a folder of class folders, a table, arrays or a .zip; 'list' shows the data sets that have names.",
        )
    chosen = name or slug(place)
    if chosen in taken:
        if name is not None:
            raise UserError(f"{name!r} is the name of a registered data set.", "Choose another with --name.")
        chosen = f"my-{chosen}"
    options = {
        field.name: getattr(reading, field.name)
        for field in dataclasses.fields(Reading)
        if getattr(reading, field.name) != field.default
    }
    try:
        return DatasetSpec(
            name=chosen,
            title=name or place.name.encode(errors="replace").decode() or chosen,
            description=f"your own pictures: {'folder' if place.is_dir() else place.suffix.lstrip('.')}",
            load=LOAD,
            stamp=STAMP,
            params={"path": str(place), **options},
        )
    except ValueError as error:
        raise UserError(f"{error}.", "Choose another with --name.") from error


def remembered() -> list[tuple[DatasetSpec, str]]:
    """The data sets of paths that have been decoded, each with the fingerprint of its images; the latest last."""
    found: list[tuple[float, DatasetSpec, str]] = []
    for file in (cache_root() / "decoded").glob("*/meta.json"):
        try:
            meta = json.loads(file.read_bytes())
            fields: dict[str, Any] = meta.get("own") or {}
            if fields:
                spec = DatasetSpec(load=LOAD, stamp=STAMP, **fields)
                found.append((file.stat().st_mtime, spec, str(meta["fingerprint"])))
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            continue  # Whoever uses it will be told.
    return [(spec, fingerprint) for _, spec, fingerprint in sorted(found, key=lambda one: one[0])]


def options(params: Mapping[str, Any]) -> list[str]:
    """The options of the command line with which a path is read, as words."""
    words: list[str] = []
    for key, value in params.items():
        name = key.replace("_", "-")
        if value is False:
            words.append(f"--no-{name.removeprefix('show-')}")
        elif value is True:
            words.append(f"--{name}")
        elif key != "path":
            words += [f"--{name}", str(value)]
    return words
