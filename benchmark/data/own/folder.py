"""A folder of class folders, with or without folders of a training, validation and test part."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from benchmark.data import pictures
from benchmark.data.own.items import PART_NAMES, Item, Items, Part, Skipped
from benchmark.errors import UserError
from benchmark.utils.format import counted, listed

SYSTEM = {"__macosx", "thumbs.db", "desktop.ini", "icon\r", "@eadir", "lost+found", "$recycle.bin"}
SYSTEM |= {"system volume information"}
SUFFIXES = {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".gif", ".bmp", ".dib", ".webp", ".tif", ".tiff"}
SUFFIXES |= {".ppm", ".pgm", ".pbm", ".pnm", ".avif", ".jp2", ".j2k", ".ico", ".tga", ".mpo"}
# Pictures all the same: whoever has them will not want them left out unsaid.
UNSUPPORTED = {".heic", ".heif", ".svg", ".psd", ".eps", ".raw", ".cr2", ".cr3", ".nef", ".arw", ".dng", ".jxl"}
Kind = Literal["picture", "unsupported", "other"]


def visible(folder: Path) -> list[Path]:
    """Entries in the order of their names, without hidden ones and those of operating systems."""
    return sorted(entry for entry in folder.iterdir() if not is_hidden(entry.name))


def is_hidden(name: str) -> bool:
    return name.startswith(".") or name.lower() in SYSTEM


def kind(path: Path) -> Kind:
    """What a file is, by the ending of its name; by its first bytes if that says nothing."""
    suffix = path.suffix.lower()
    if suffix in SUFFIXES:
        return "picture"
    if suffix in UNSUPPORTED:
        return "unsupported"
    try:
        pictures.header(path)
    except UserError:
        return "other"
    return "picture"


def relative(path: Path, root: Path) -> str:
    """A path relative to the user's, with slashes, as Unicode text."""
    text = os.path.relpath(path, root).replace(os.sep, "/")
    return in_a_line(text.encode(errors="surrogateescape").decode(errors="replace"))


def in_a_line(text: str) -> str:
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def files(folder: Path, root: Path, skipped: list[Skipped]) -> Iterator[Path]:
    """All visible files below a folder; links that lead outside ``root`` and what cannot be read are skipped."""

    def note(error: OSError) -> None:
        where = Path(error.filename) if error.filename else folder
        skipped.append(Skipped(relative(where, root), "a folder that may not be read"))

    for place, folders, names in os.walk(folder, onerror=note):
        for name in sorted(folders):
            if not is_hidden(name) and (link := Path(place, name)).is_symlink():
                skipped.append(Skipped(relative(link, root), "a link to a folder"))
        folders[:] = sorted(name for name in folders if not is_hidden(name))
        for name in sorted(names):
            path = Path(place, name)
            if is_hidden(name):
                continue
            if path.is_symlink() and not inside(path, root):
                skipped.append(Skipped(relative(path, root), "a link that leads outside the folder"))
            elif path.is_symlink() and not path.exists():
                skipped.append(Skipped(relative(path, root), "a link to nothing"))
            else:
                yield path


def inside(path: Path, root: Path) -> bool:
    try:
        return path.resolve().is_relative_to(root.resolve())
    except (OSError, RuntimeError):  # A link to itself.
        return False


def unwrapped(folder: Path) -> Path:
    """The folder itself, or the only one in it and in that, as archives have them."""
    entries = _of_interest(folder)
    while len(entries) == 1 and entries[0].is_dir() and not entries[0].is_symlink():
        inner = _of_interest(entries[0])
        if not any(entry.is_dir() for entry in inner) and not any(is_data(entry) for entry in inner):
            break  # A folder of one class: to be named as such.
        folder, entries = entries[0], inner
    return folder


def _of_interest(folder: Path) -> list[Path]:
    """What of a folder is no README or licence."""
    return [entry for entry in visible(folder) if entry.is_dir() or is_data(entry) or kind(entry) != "other"]


def is_data(path: Path) -> bool:
    """Whether a file may hold many pictures: a table or arrays."""
    return path.name.lower().endswith((".csv", ".tsv", ".parquet", ".npz", ".npy", "-ubyte", "-ubyte.gz"))


def holds_pictures(folder: Path) -> bool:
    """Whether there is a picture or data somewhere below a folder, by the endings of names."""
    return any(
        Path(name).suffix.lower() in SUFFIXES | UNSUPPORTED or is_data(Path(name))
        for _, _, names in os.walk(folder)
        for name in names
        if not is_hidden(name)
    )


def parts(folder: Path) -> dict[Part, list[Path]]:
    """The folders of parts, such as ``train`` or ``seg_test``, if all folders with pictures are such; otherwise none.

    Raises
    ------
    UserError
        If there are parts, but none for training.
    """
    found: dict[Part, list[Path]] = {}
    for entry in visible(folder):
        if entry.is_dir() and holds_pictures(entry):
            named = [PART_NAMES[word] for word in re.findall("[a-z]+", entry.name.lower()) if word in PART_NAMES]
            if not named:
                return {}
            found.setdefault(named[0], []).append(entry)
    if len(found) > 1 and "train" not in found:
        raise UserError(
            f"There are pictures for {' and '.join(found)}, but none for training.",
            "Name the folder of training 'train'.",
        )
    return found if len(found) > 1 else {}


def class_folders(folder: Path, root: Path, part: Part | None = None) -> Items:
    """The pictures of every class folder, which may have folders of their own."""
    items: list[Item] = []
    skipped: list[Skipped] = []
    notes: list[str] = []
    empty, ignored = [], 0
    loose: list[Skipped] = []
    for entry in visible(folder):
        if entry.is_symlink() and not inside(entry, root):
            skipped.append(Skipped(relative(entry, root), "a link that leads outside the folder"))
            continue
        if not entry.is_dir():
            if kind(entry) != "other":
                loose.append(Skipped(relative(entry, root), "a picture that lies in no class folder"))
            continue
        before = len(items) + len(skipped)
        for path in files(entry, root, skipped):
            where = relative(path, root)
            match kind(path):
                case "picture":
                    items.append(Item(where, path, unicodedata.normalize("NFC", entry.name), part))
                case "unsupported":
                    skipped.append(Skipped(where, f"{path.suffix.lower()} is not a supported format"))
                case "other":
                    ignored += 1
        if len(items) + len(skipped) == before:
            empty.append(entry.name)
    if empty:
        notes.append(f"without a picture: {counted(len(empty), 'folder')} ({listed(empty, 5)})")
    return Items(items, [*skipped, *loose], notes, ignored=ignored)
