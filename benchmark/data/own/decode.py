"""Pictures decoded on all cores into one array on disk; what cannot be decoded is skipped and named."""

from __future__ import annotations

import dataclasses
import errno
import itertools
import math
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import joblib
import numpy as np
from joblib.externals.loky.process_executor import TerminatedWorkerError
from numpy.lib.format import open_memmap

from benchmark.data import pictures
from benchmark.data.own.items import Item, Pixels, Skipped
from benchmark.data.pictures import Content
from benchmark.errors import UserError
from benchmark.specs import Preparation
from benchmark.utils.cache_folder import has_room
from benchmark.utils.format import memory

CHUNK = 64
FEW = 4 * CHUNK  # Not worth starting processes for.
DEFAULT_SIZE = 64
Shape = tuple[int, int, int]


@dataclasses.dataclass(frozen=True)
class Decoded:
    """Images uint8 (n, h, w, c), memory-mapped, of those ``items`` (places, int64) that could be decoded."""

    images: np.ndarray
    kept: np.ndarray
    skipped: tuple[Skipped, ...]


def choose_shape(items: Sequence[Item], size: int | None) -> tuple[Shape, str]:
    """Height, width and channels that all pictures are brought to, and why, in words.

    Only as many headers are read as it takes. Colour that is none is seen once the pictures are decoded
    (:func:`without_colour`).
    """
    first: tuple[int, int] | None = None
    same, grey = True, True
    for item in items:
        try:
            found, is_grey = pictures.header(item.fetch())
        except UserError:
            continue  # Decoding will say so.
        grey, first = grey and is_grey, first or found
        same = same and found == first
        if not grey and (not same or size is not None or max(first) > DEFAULT_SIZE):
            break
    channels = 1 if grey else 3
    if size is None and same and first is not None and max(first) <= DEFAULT_SIZE:
        return (*first, channels), f"all are of {first[1]} x {first[0]} pixels, which stay as they are"
    side = size or DEFAULT_SIZE
    why = "as --size says" if size else "see --size"
    return (side, side, channels), f"scaled to {side} x {side} pixels, padded where they are not square ({why})"


def decode(
    items: Sequence[Item],
    shape: Shape,
    preparation: Preparation,
    path: Path,
    advance: Callable[[int], None] = lambda n: None,
) -> Decoded:
    """Decode all pictures into ``path``, an ``.npy`` file; never more than a few chunks of originals are in memory.

    Parameters
    ----------
    items : sequence of Item
    shape : tuple of int
        Height, width and channels.
    preparation : Preparation
    path : Path
    advance : callable
        Gets how many pictures were read since the last call.

    Raises
    ------
    UserError
        If a decoder ends the process that runs it.
    """
    images = allocated(path, (len(items), *shape))
    kept: list[int] = []
    skipped: list[Skipped] = []
    for start, (decoded, problems) in zip(itertools.count(0, CHUNK), _chunks(items, shape, preparation), strict=False):
        n = len(decoded) + len(problems)
        good = [start + place for place in range(n) if place not in problems]
        images[len(kept) : len(kept) + len(good)] = decoded
        kept += good
        skipped += [Skipped(items[start + place].where, reason) for place, reason in problems.items()]
        advance(n)
    return Decoded(images[: len(kept)], np.array(kept, dtype=np.int64), tuple(skipped))


def allocated(path: Path, shape: tuple[int, ...]) -> np.memmap:
    """A uint8 array in a file, for which there is room: writing to a mapped file without it ends the process."""
    n_bytes = math.prod(shape)
    if not has_room(path.parent, n_bytes):
        raise OSError(errno.ENOSPC, f"{memory(n_bytes)} are needed")
    array: np.memmap = open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)
    if hasattr(os, "posix_fallocate"):
        with path.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    return array


def _chunks(
    items: Sequence[Item], shape: Shape, preparation: Preparation
) -> Iterator[tuple[np.ndarray, dict[int, str]]]:
    """Chunk after chunk, decoded; by several processes where there are many files."""
    contents = ([item.fetch() for item in items[start : start + CHUNK]] for start in range(0, len(items), CHUNK))
    simple = all(isinstance(item.content, Pixels) and item.content.array.shape[1:3] == shape[:2] for item in items)
    if len(items) <= FEW or simple:
        yield from (_decode_chunk(chunk, shape, preparation) for chunk in contents)
        return
    parallel = joblib.Parallel(n_jobs=-1, return_as="generator", pre_dispatch="2 * n_jobs", batch_size=1)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*tasks have been successfully executed.*")  # After Ctrl-C.
            yield from parallel(joblib.delayed(_decode_chunk)(chunk, shape, preparation) for chunk in contents)
    except TerminatedWorkerError as error:
        raise UserError(
            "A process ended while it decoded a picture: one is damaged in a way that its decoder does not survive, "
            "or memory ran out.",
            "Give fewer pictures at a time to find it.",
        ) from error


def _decode_chunk(
    chunk: Sequence[Content], shape: Shape, preparation: Preparation
) -> tuple[np.ndarray, dict[int, str]]:
    """The pictures that can be decoded, uint8 (n, h, w, c), and why others cannot, by place."""
    decoded, problems = np.empty((len(chunk), *shape), dtype=np.uint8), {}
    n = 0
    for place, content in enumerate(chunk):
        try:
            decoded[n] = _pixels(content, shape, preparation)
            n += 1
        except UserError as error:
            problems[place] = error.problem.rstrip(".")
    return decoded[:n], problems


def _pixels(content: Content, shape: Shape, preparation: Preparation) -> np.ndarray:
    if isinstance(content, np.ndarray) and content.shape[:2] == shape[:2]:
        if content.ndim == 2 and shape[2] == 1:
            return content[..., None]
        if content.shape == shape:
            return content
    return pictures.pixels(content, shape, preparation)


def without_colour(images: np.ndarray) -> bool:
    """Whether images uint8 (n, h, w, 3) are grey all the same: red, green and blue are equal in every pixel."""
    return images.shape[3] == 3 and all(
        bool((chunk == chunk[..., :1]).all())
        for chunk in (images[start : start + 1000] for start in range(0, len(images), 1000))
    )
