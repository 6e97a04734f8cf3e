"""A table of pictures: CSV or Parquet, with paths, encoded pictures or pixels, and labels."""

from __future__ import annotations

import csv
import dataclasses
import itertools
import json
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from benchmark.data.own import folder
from benchmark.data.own.arrays import as_images
from benchmark.data.own.items import PART_NAMES, Encoded, Item, Items, Part, Pixels, Skipped
from benchmark.data.own.labels import flat
from benchmark.errors import UserError
from benchmark.utils.format import first_line, listed

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

IMAGE: tuple[str, ...] = (
    "image",
    "file_name",
    "filename",
    "file",
    "path",
    "image_path",
    "filepath",
    "file_path",
    "img",
    "img_path",
)
IMAGE += ("image_name", "image_id", "picture", "photo")
LABEL = ("label", "class", "target", "category", "y", "labels", "class_name", "label_name", "class_id", "dx")
SPLIT = ("split", "subset", "partition", "part")
GROUP = ("group", "group_id", "groups")
PROBABLE_GROUP = re.compile(r"(patient|subject|person|user|scene|sequence|video|lesion|specimen)(_?id)?$")
LONGEST_SHOWN = 100  # Characters of a name.
FEW_PIXELS = 3  # Columns of that many may be called anything.
PIXEL = re.compile(r"(pixel|px|p)?_?\d+|\d+x\d+")


@dataclasses.dataclass(frozen=True)
class Columns:
    """The columns that the user names; None: found by name."""

    image: str | None = None
    label: str | None = None
    group: str | None = None


@dataclasses.dataclass(frozen=True)
class Roles:
    """The columns of a table by what they are; ``pixels`` are there instead of ``image``."""

    image: str | None
    pixels: Sequence[str]
    label: str
    split: str | None
    group: str | None


def read(path: Path, root: Path, wanted: Columns, part: Part | None = None) -> Items:
    """The pictures that a table names or holds.

    Parameters
    ----------
    path : Path
        A ``.csv``, ``.tsv`` or ``.parquet`` file; pictures are named relative to its folder.
    root : Path
        What paths are shown relative to.
    wanted : Columns
    part : str or None
        Of all rows, where the table has no column of parts.

    Raises
    ------
    UserError
        If the table cannot be read, or a column is not there or not found.
    """
    frame, encoded, names = (_parquet if path.suffix.lower() == ".parquet" else _csv)(path)
    if not len(frame):
        raise UserError(f"{path.name} has no rows.", "Give a table with a row for each picture.")
    roles = _roles(frame, path, wanted, encoded)
    labels = flat(frame[roles.label].to_numpy(), f"{path.name}, column {roles.label!r}")
    if roles.label in names:  # The hub marks what has no label so.
        labels = [None if label == -1 else label for label in labels]
    parts = [part] * len(frame) if roles.split is None else [_part(value, path) for value in frame[roles.split]]
    groups = [None] * len(frame) if roles.group is None else [_group(value) for value in frame[roles.group]]
    skipped: list[Skipped] = []
    contents: Callable[[int], tuple[str, Any]]
    if roles.pixels:
        images = as_images(frame[list(roles.pixels)].to_numpy(), f"the pixels of {path.name}")
        contents = _pixels(images, path)
    elif roles.image in encoded:
        contents = _encoded(path, roles.image, encoded[roles.image], folder.relative(path, root))
    else:
        contents = _files(frame[roles.image].astype(str).tolist(), path, root)
    items = []
    for row, label in enumerate(labels):
        where, content = contents(row)
        if label is None:
            skipped.append(Skipped(where, "it has no label"))
        elif isinstance(content, str):
            skipped.append(Skipped(where, content))
        else:
            items.append(Item(where, content, label, parts[row], groups[row]))
    return Items(items, skipped, _notes(frame, path, roles), names.get(roles.label))


def _csv(path: Path) -> tuple[pd.DataFrame, dict[str, list[int]], dict[str, list[str]]]:
    """A table whose cells are text, but for those of pixels."""
    import pandas as pd

    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = file.readline()
        separator = max(",;\t|", key=first.count)
        header = next(csv.reader([first], delimiter=separator), [])
        headless = _headless(header)
        names = headless or header
        pixels = sum(PIXEL.fullmatch(name.strip().lower()) is not None for name in names) > FEW_PIXELS
        # "NA" and "None" may be classes, and 007 is not 7: what is not a pixel stays as it is written.
        text = {name: str for name in names if not (pixels and PIXEL.fullmatch(name.strip().lower()))}
        options: dict[str, Any] = {"sep": separator, "encoding": "utf-8-sig", "index_col": False}
        options |= {"dtype": text, "keep_default_na": False}
        if headless:
            options |= {"header": None, "names": headless}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", pd.errors.ParserWarning)  # Of separators at the ends of rows.
            return pd.read_csv(path, **options), {}, {}
    except UnicodeDecodeError as error:
        raise UserError(f"{path.name} is not UTF-8 text.", "Save it as CSV in UTF-8.") from error
    except (ValueError, OSError, csv.Error) as error:
        raise UserError(f"{path.name} cannot be read: {first_line(error)}.", "Save it as CSV with a header.") from error


def _headless(first: Sequence[str]) -> list[str] | None:
    """Names for the columns of a table without a header: a label before pixels, or a path before a label."""
    n = len(first) - 1
    if n >= 16 and round(n**0.5) ** 2 == n and all(re.fullmatch(r"\s*\d+(\.\d+)?\s*", cell) for cell in first):
        return ["label", *(f"pixel{place}" for place in range(1, n + 1))]
    if n == 1 and Path(first[0]).suffix.lower() in folder.SUFFIXES:
        return ["image", "label"]
    return None


def _parquet(path: Path) -> tuple[pd.DataFrame, dict[str, list[int]], dict[str, list[str]]]:
    """All columns but those of encoded pictures, which are read when they are decoded; those columns by name, with the
    rows of each row group; and the names of classes that the Hugging Face hub keeps with the table."""
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise UserError("Parquet needs pyarrow.", 'Install it: pip install "do-i-need-a-cnn[parquet]"') from error
    try:
        file = parquet.ParquetFile(path)
        schema = file.schema_arrow
        rows = [file.metadata.row_group(index).num_rows for index in range(file.metadata.num_row_groups)]
        encoded = {
            field.name: rows
            for field in schema
            if (pa.types.is_struct(field.type) and field.type.get_field_index("bytes") >= 0)
            or (
                (pa.types.is_binary(field.type) or pa.types.is_large_binary(field.type))
                and field.name.lower() not in (*LABEL, *SPLIT, *GROUP)
            )
        }
        frame = file.read(columns=[name for name in schema.names if name not in encoded]).to_pandas()
        features = json.loads((schema.metadata or {}).get(b"huggingface", b"{}")).get("info", {}).get("features", {})
    except (pa.ArrowException, ValueError, OSError, AttributeError) as error:
        raise UserError(f"{path.name} cannot be read: {first_line(error)}.", "Write it again as Parquet.") from error
    names = {
        name: [str(one) for one in feature["names"]]
        for name, feature in features.items()
        if isinstance(feature, dict) and isinstance(feature.get("names"), list)
    }
    return frame, encoded, names


def _roles(frame: pd.DataFrame, path: Path, wanted: Columns, encoded: Mapping[str, Any]) -> Roles:
    import pandas as pd

    columns = [str(name) for name in frame.columns]
    frame.columns = pd.Index(columns)
    by_lower = {name.lower().strip(): name for name in [*columns, *encoded]}
    there = f"There are: {listed([*columns, *encoded], 12)}."

    def named(option: str | None, usual: Sequence[str]) -> str | None:
        if option is None:
            return next((by_lower[name] for name in usual if name in by_lower), None)
        if option not in columns and option not in encoded:
            raise UserError(f"{path.name} has no column {option!r}.", there)
        return option

    pixels = [name for name in columns if PIXEL.fullmatch(name.lower())] if wanted.image is None else []
    split, group = named(None, SPLIT), named(wanted.group, GROUP)
    image = None if len(pixels) > FEW_PIXELS else named(wanted.image, IMAGE) or next(iter(encoded), None)
    label = named(wanted.label, [name for name in LABEL if by_lower.get(name) != image])
    if image is None and len(pixels) <= FEW_PIXELS:
        raise UserError(f"{path.name} has no column of images by a usual name.", f"Name it: --image-column. {there}")
    if label is None:
        others = [name for name in columns if name not in {image, split, group, *pixels}]
        if len(others) != 1:
            raise UserError(
                f"{path.name} has no column of labels by a usual name.", f"Name it: --label-column. {there}"
            )
        label = others[0]
    return Roles(image, pixels if image is None else [], label, split, group)


def _part(value: object, path: Path) -> Part | None:
    text = str(value).strip().lower()
    if text in ("", "nan", "none"):
        return None
    if text not in PART_NAMES:
        raise UserError(
            f"{path.name}: {value!r} in its column of parts is none of train, validation and test.", "Rename it."
        )
    return PART_NAMES[text]


def _group(value: object) -> str | None:
    """Rows without a group belong to none."""
    return str(value).strip() if value is not None and value == value and str(value).strip() else None


def _pixels(images: np.ndarray, path: Path) -> Callable[[int], tuple[str, Any]]:
    return lambda row: (f"{path.name}, row {row + 1}", Pixels(images, row))


def _encoded(path: Path, column: str, rows: Sequence[int], shown: str) -> Callable[[int], tuple[str, Any]]:
    places, changed = [(index, row) for index, n in enumerate(rows) for row in range(n)], path.stat().st_mtime_ns
    return lambda row: (f"{shown}, row {row + 1}", Encoded(path, column, *places[row], changed))


def _files(names: Sequence[str], path: Path, root: Path) -> Callable[[int], tuple[str, Path | str]]:
    """The files that a column names, relative to the table's folder, or why there is none.

    Where most are not there, they are looked for below that folder, by as much of the end of their path as there is,
    with the usual endings if the column leaves them out; of several that fit equally well, none is taken.
    """
    base = path.parent
    clean = [name.strip().replace("\\", "/") for name in names]
    there = [bool(name) and _is_file(base / name) for name in clean]
    index: dict[str, list[Path]] = {}
    if sum(there) < len(there) / 2:
        for file in folder.files(base, root, []):
            if file.suffix.lower() in folder.SUFFIXES:
                for name in {file.name, file.stem}:
                    index.setdefault(name, []).append(file)

    def content(row: int) -> tuple[str, Path | str]:
        name = clean[row]
        if there[row]:
            return folder.relative(base / name, root), base / name
        wanted = PurePosixPath(name).parts
        fitting = [(_common_end(wanted, file), file) for file in index.get(wanted[-1], [])] if wanted else []
        longest = max((length for length, _ in fitting), default=0)
        best = [file for length, file in fitting if length == longest]
        if len(best) == 1:
            return folder.relative(best[0], root), best[0]
        # Of a path on some machine only the name: that is all that may leave it.
        elsewhere = name.startswith("/") or re.match("[A-Za-z]:", name)
        shown = wanted[-1] if wanted and elsewhere else name or f"{path.name}, row {row + 1}"
        shown = folder.in_a_line(shown[:LONGEST_SHOWN])
        return shown, "several files have this name" if best else "there is no such file"

    return content


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # No path can be so long.
        return False


def _common_end(wanted: Sequence[str], file: Path) -> int:
    """How many parts of two paths agree, from the folder of the file backwards."""
    pairs = zip(reversed(wanted[:-1]), reversed(file.parts[:-1]), strict=False)
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))


def _notes(frame: pd.DataFrame, path: Path, roles: Roles) -> list[str]:
    image = f"{len(roles.pixels):,} columns of pixels" if roles.pixels else f"images from column {roles.image!r}"
    extra = "".join(
        f", {what} from {column!r}" for what, column in (("parts", roles.split), ("groups", roles.group)) if column
    )
    notes = [f"{path.name}: {image}, labels from {roles.label!r}{extra}"]
    probable = [name for name in map(str, frame.columns) if PROBABLE_GROUP.fullmatch(name.lower())]
    if roles.group is None and probable:
        notes.append(f"if pictures with the same {probable[0]} belong together: --group-column {probable[0]}")
    return notes
