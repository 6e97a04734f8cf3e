"""Images and labels in arrays: ``.npz`` with the keys of MedMNIST, Keras or X and y; ``.npy`` pairs; IDX files."""

from __future__ import annotations

import gzip
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from benchmark.data import idx
from benchmark.data.own.items import PART_NAMES, Item, Items, Part, Pixels, Skipped
from benchmark.data.own.labels import flat
from benchmark.errors import UserError
from benchmark.utils.format import first_line, listed

Role = Literal["images", "labels", "groups", "names"]
ROLES: dict[str, Role] = {
    **dict.fromkeys(("x", "images", "image", "imgs", "img", "data", "pixels", "pictures"), "images"),
    **dict.fromkeys(("y", "labels", "label", "targets", "target"), "labels"),
    **dict.fromkeys(("groups", "group"), "groups"),
}
NO_PIXELS = {"name", "names", "id", "ids", "path", "paths", "file", "files", "filename", "filenames"}
CLASSES = {"class", "classes", "label", "labels", "target", "targets", "category", "categories"}
NPY = b"\x93NUMPY"
CHANNELS = (1, 3, 4)
DEPTHS = (8, 10, 12, 14, 16)  # Bits of a pixel.
CHUNK = 1000
KEYS = "Expected are pairs of arrays such as x_train and y_train, train_images and train_labels, or X and y."


def role(name: str) -> tuple[Role, Part | None] | None:
    """What an array is by its name, such as ``x_train``, ``val_labels`` or ``t10k-images-idx3-ubyte``."""
    words = re.findall("[a-z]+", name.lower().replace("t10k", "test"))
    if not NO_PIXELS.isdisjoint(words):  # Names of files or patients, not of classes.
        return ("names", None) if "names" in words and CLASSES.issuperset({*words} - {"names"}) else None
    found = [ROLES[word] for word in words if word in ROLES]
    named = [PART_NAMES[word] for word in words if word in PART_NAMES]
    return (found[0], named[0] if named else None) if found else None


def read(paths: Sequence[Path], root: Path) -> Items:
    """The images of ``.npz``, ``.npy`` and IDX files that belong together.

    Raises
    ------
    UserError
        If no array is one of images, or arrays do not belong together.
    """
    arrays: dict[tuple[Role, Part | None], tuple[str, np.ndarray]] = {}
    names: list[str] = []
    for path in paths:
        for name, array in _arrays(path, names):
            what = role(name)
            if what is not None and (what not in arrays or arrays[what][1].ndim < array.ndim):
                arrays[what] = name, array
    _, class_names = arrays.pop(("names", None), ("", None))
    found = Items([], class_names=None if class_names is None else _texts(class_names))
    for part in dict.fromkeys(part for what, part in arrays if what == "images"):
        found += _part(arrays, part)
    if not found.items and not found.skipped:
        raise UserError(f"{paths[0].name}: no images with labels among its arrays: {listed(names, 8)}.", KEYS)
    return found


def _texts(names: np.ndarray) -> list[str]:
    return [n.decode(errors="replace") if isinstance(n, bytes) else str(n) for n in names.ravel().tolist()]


def _arrays(path: Path, names: list[str]) -> Iterator[tuple[str, np.ndarray]]:
    """The arrays of a file that may be of use, with their names; ``names`` gets all. Nothing is run as code."""
    suffix = path.suffix.lower()
    try:
        with path.open("rb") as file:
            start = file.read(len(NPY))
            file.seek(0)
            if suffix == ".npz":
                if not zipfile.is_zipfile(file):
                    raise ValueError("it is not an .npz file")
                file.seek(0)
                with np.load(file, allow_pickle=False) as archive:
                    names += archive.files
                    yield from ((name, archive[name]) for name in archive.files if role(name))
            elif suffix == ".npy":
                names.append(path.stem)
                if start != NPY:
                    raise ValueError("it is not an .npy file")
                yield path.stem, np.load(path, mmap_mode="r", allow_pickle=False)
            else:
                names.append(path.name)
                content = file.read()
                yield path.name, idx.parse(gzip.decompress(content) if suffix == ".gz" else content)
    except MemoryError as error:
        raise UserError(f"{path.name} does not fit into memory.", "Give the images as files or as .npy.") from error
    except (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        remedy = "Save it again with numpy.savez, the labels as whole numbers or as text."
        if "pickle" in str(error).lower() or "object array" in str(error).lower():
            raise UserError(f"{path.name} holds Python objects, which can run code when read.", remedy) from error
        raise UserError(f"{path.name} cannot be read: {first_line(error)}.", remedy) from error


def _part(arrays: Mapping[tuple[Role, Part | None], tuple[str, np.ndarray]], part: Part | None) -> Items:
    name, images = arrays["images", part]
    images = as_images(images, name)
    if ("labels", part) not in arrays:
        return Items([], notes=[f"{name} has no labels and is not used"])
    label_name, labels = arrays["labels", part]
    groups = arrays.get(("groups", part), ("", np.full(len(images), None)))[1]
    if len(labels) != len(images) or len(groups) != len(images):
        raise UserError(
            f"{label_name} has {len(labels):,} labels, {name} {len(images):,} images.", "They must be as many."
        )
    rows = zip(flat(labels, label_name), groups.ravel().tolist(), strict=True)
    items = [Item(f"{name}[{row}]", Pixels(images, row), *one) for row, one in enumerate(_with(part, rows))]
    unlabelled = [Skipped(item.where, "it has no label") for item in items if item.label is None]
    return Items([item for item in items if item.label is not None], unlabelled)


def _with(part: Part | None, rows: Any) -> Iterator[tuple[Any, Part | None, Any]]:
    return ((label, part, group) for label, group in rows)


def as_images(array: np.ndarray, name: str) -> np.ndarray:
    """An array of any usual layout and range as uint8 (n, h, w) or (n, h, w, 3 or 4).

    Raises
    ------
    UserError
        If it is not one of images in two dimensions, or their range is not clear.
    """
    if array.ndim == 2:
        array = _unflattened(array, name)
    if array.ndim == 4 and array.shape[3] not in CHANNELS and array.shape[1] in CHANNELS:
        array = np.moveaxis(array, 1, 3)
    if array.ndim not in (3, 4) or (array.ndim == 4 and array.shape[3] not in CHANNELS):
        few = array.ndim == 4 and min(array.shape[1], array.shape[3]) == 2
        what = "two channels" if few else "volumes in three dimensions" if array.ndim > 3 else "no images"
        raise UserError(
            f"{name}: {what}, of shape {array.shape}.", "Expected is (n, height, width) or (n, height, width, 1 or 3)."
        )
    if 0 in array.shape:
        raise UserError(f"{name} is empty: its shape is {array.shape}.", "Give some images.")
    if array.ndim == 4 and array.shape[3] == 1:
        array = array[..., 0]
    return array if array.dtype == np.uint8 and array.max() > 1 else _eight_bits(array, name)


def _unflattened(array: np.ndarray, name: str) -> np.ndarray:
    side = round(array.shape[1] ** 0.5)
    if side * side != array.shape[1] or side < 2:
        raise UserError(
            f"{name}: rows of {array.shape[1]:,} numbers are not square grey images.",
            "Give images of shape (n, height, width) or (n, height, width, 3).",
        )
    return array.reshape(len(array), side, side)


def _eight_bits(array: np.ndarray, name: str) -> np.ndarray:
    """uint8 by the range of all values: 0 to 1, 0 to 255, or 16 bits."""
    if array.dtype.kind not in "buif":
        raise UserError(f"{name} holds {array.dtype}, not numbers.", "Give pixels as numbers from 0 to 255.")
    low, high = np.inf, -np.inf
    for start in range(0, len(array), CHUNK):
        chunk = np.asarray(array[start : start + CHUNK])
        if chunk.dtype.kind == "f" and not np.isfinite(chunk).all():
            raise UserError(
                f"{name} has values that are not numbers (NaN or infinite).", "Replace them or leave the images out."
            )
        low, high = min(low, float(chunk.min())), max(high, float(chunk.max()))
    if low < 0 or high > (65535 if array.dtype.kind in "iu" else 255):
        raise UserError(
            f"{name} has values from {low:g} to {high:g}: it is not clear what is black and what is white.",
            "Scale them to 0 to 1, or to 0 to 255.",
        )
    highest = 1 if high <= 1 else next(2**bits - 1 for bits in DEPTHS if high < 2**bits)
    factor = np.float32(255 / highest)
    eight = np.empty(array.shape, dtype=np.uint8)
    for start in range(0, len(array), CHUNK):
        eight[start : start + CHUNK] = np.rint(np.asarray(array[start : start + CHUNK], dtype=np.float32) * factor)
    return eight
