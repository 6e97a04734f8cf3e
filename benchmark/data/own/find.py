"""What a path is: a folder of class folders, a table, arrays, or an archive of any of these."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmark.data.own import archive, arrays, folder, table
from benchmark.data.own.items import PART_NAMES, Item, Items, Part, Skipped
from benchmark.data.own.table import Columns
from benchmark.errors import UserError
from benchmark.utils.format import counted, listed

TABLES = (".csv", ".tsv", ".parquet")
HOW = (
    "Give a folder with one folder of pictures per class, a .csv or .parquet table, .npz, .npy or IDX arrays, "
    "or a .zip of these."
)


def find(path: Path, columns: Columns, scratch: Path) -> Items:
    """All pictures of a path.

    Parameters
    ----------
    path : Path
    columns : Columns
        Of a table, where the user names them.
    scratch : Path
        An empty folder for what an archive holds.

    Raises
    ------
    UserError
        If there is nothing of a supported kind.
    """
    if path.is_dir():
        found = _folder(path, path, columns)
    elif not path.is_file():
        raise UserError(f"There is no data set or file named {str(path)!r}.", f"See 'list' for data sets. {HOW}")
    elif path.suffix.lower() == ".zip":
        archive.unpack(path, scratch)
        found = _inside(_folder(scratch, scratch, columns), scratch)
    elif path.suffix.lower() in TABLES:
        found = table.read(path, path.parent, columns)
    elif folder.is_data(path):
        found = arrays.read(_siblings(path), path.parent)
    else:
        raise UserError(f"{path} is of no supported kind.", HOW)
    if not found.items:
        reasons = (
            f" {counted(len(found.skipped), 'picture')} skipped: {_first(found.skipped)}." if found.skipped else ""
        )
        raise UserError(f"There are no pictures with labels in {path}.{reasons}", HOW)
    # Without a part beside parts is what is left of the training part.
    if any(item.part for item in found.items):
        items = [dataclasses.replace(item, part=item.part or "train") for item in found.items]
        found = dataclasses.replace(found, items=items)
    return found


def sources(path: Path, columns: Columns) -> list[Path]:
    """The files that :func:`find` reads of a path, to notice when one changes."""
    if path.is_dir():
        return sorted(folder.files(path, path, []))
    if path.suffix.lower() in (".csv", ".tsv"):
        named = (item.content for item in table.read(path, path.parent, columns).items)
        return [path, *(content for content in named if isinstance(content, Path))]
    return _siblings(path) if folder.is_data(path) and path.suffix.lower() not in TABLES else [path]


def _first(skipped: Sequence[Skipped]) -> str:
    return listed([f"{one.where} ({one.reason})" for one in skipped], 3)


def _inside(found: Items, root: Path) -> Items:
    """Without files outside of an archive that its table may name."""
    outside = [i for i in found.items if isinstance(i.content, Path) and not folder.inside(i.content, root)]
    skipped = [Skipped(Path(item.where).name, "it lies outside of the archive") for item in outside]
    gone = {id(item) for item in outside}
    kept: list[Item] = [item for item in found.items if id(item) not in gone]
    return dataclasses.replace(found, items=kept, skipped=[*found.skipped, *skipped])


def _siblings(path: Path) -> list[Path]:
    """A file of arrays with those beside it of the same kind; an ``.npz`` is complete by itself."""
    if path.suffix.lower() == ".npz":
        return [path]
    npy = path.suffix.lower() == ".npy"
    return [
        other
        for other in folder.visible(path.parent)
        if other.is_file() and folder.is_data(other) and _kind(other) == (".npy" if npy else "idx")
    ]


def _kind(path: Path) -> str:
    name = path.name.lower().removesuffix(".gz")
    return "idx" if name.endswith("-ubyte") else Path(name).suffix


def _folder(place: Path, root: Path, columns: Columns, part: Part | None = None) -> Items:
    """A folder: of a table, which comes before folders' names, of parts, of arrays, or of class folders."""
    place = folder.unwrapped(place)
    data = [path for path in folder.visible(place) if path.is_file() and folder.is_data(path)]
    tables = [path for path in data if path.suffix.lower() in TABLES]
    found = _tables(tables, place, root, columns, part) if tables else Items([])
    if found.items or found.skipped:
        return found
    by_part = folder.parts(place)
    if by_part:
        return found + _of_parts(by_part, root, columns)
    found += folder.class_folders(place, root, part)
    of_arrays = [path for path in data if path not in tables]
    if not found.items and of_arrays:
        return _arrays(of_arrays, root, part)
    inner = place / "data"  # Where the Hugging Face hub has its tables.
    if not found.items and inner.is_dir() and any(map(folder.is_data, inner.iterdir())):
        return _folder(inner, root, columns, part)
    return found


def _of_parts(by_part: Mapping[Part, Sequence[Path]], root: Path, columns: Columns) -> Items:
    found = Items([])
    for part, folders in by_part.items():
        for one in folders:
            of_part = _folder(one, root, columns, part)
            found += (
                of_part if of_part.items else Items([], notes=[f"{one.name}/ has no class folders and is not used"])
            )
    return found


def _arrays(paths: Sequence[Path], root: Path, part: Part | None) -> Items:
    npz = [path for path in paths if path.suffix.lower() == ".npz"]
    if len(npz) > 1:
        raise UserError(f"There are several .npz files: {listed([path.name for path in npz], 5)}.", "Name one of them.")
    found = arrays.read(npz or paths, root)
    return (
        found
        if part is None
        else dataclasses.replace(found, items=[dataclasses.replace(item, part=part) for item in found.items])
    )


def _tables(tables: Sequence[Path], place: Path, root: Path, columns: Columns, part: Part | None) -> Items:
    """The tables of a folder: ``metadata.csv``, the only one, or one per part; nothing if they name no pictures."""
    chosen = [path for path in tables if path.stem.lower() == "metadata"] or list(tables)
    parts = {path: _part_of(path) if len(chosen) > 1 else None for path in chosen}
    classes = [entry for entry in folder.visible(place) if entry.is_dir() and folder.holds_pictures(entry)]
    beside = len(classes) > 1 and columns == Columns()
    if len(chosen) > 1 and not all(parts.values()):
        if beside:
            return Items([], notes=[f"{path.name} is not used: there are several tables" for path in chosen])
        raise UserError(
            f"{place.name or place} holds several tables: {listed([path.name for path in chosen], 5)}.",
            "Name one of them.",
        )
    found, unused = Items([]), []
    for path in chosen:
        try:
            found += table.read(path, root, columns, part or parts[path])
        except UserError as error:
            if not beside and parts[path] in (None, "train"):
                raise
            unused.append(f"{path.name} is not used ({error.problem.rstrip('.')})")
    if found.items and any(entry.is_dir() for entry in folder.visible(place)):
        unused.append(f"labels come from {chosen[0].name}, not from the names of folders")
    return found + Items([], notes=unused)


def _part_of(path: Path) -> Part | None:
    """By the first word of a file's name, as in ``train-00000-of-00001.parquet``."""
    word = path.stem.lower().replace("-", "_").partition("_")[0]
    return PART_NAMES.get(word)
