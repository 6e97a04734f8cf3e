"""What lies in the cache folder: how much it takes, and removing it."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from benchmark.errors import UserError
from benchmark.utils.files import cache_root, explain_write_errors
from benchmark.utils.format import parse_memory

OWN_FEATURES = re.compile(r".+-[0-9a-f]{32}\.npz")
LIMIT_VARIABLE = "BENCHMARK_CACHE_LIMIT"
LIMIT_BYTES = 4_000_000_000
SPARE_BYTES = 1_000_000_000  # Of the disk, left for others.
# What each folder of the cache holds; all of it is made again when it is needed.
KINDS = {
    "decoded": "data sets ready to use",
    "downloads": "files that data sets were decoded from",
    "features": "features of images, the least recently used removed first",
    "compiled": "networks compiled for an accelerator",
}


@dataclasses.dataclass(frozen=True)
class Kept:
    """The files of one data set, or of one kind of features."""

    kind: str
    name: str
    paths: tuple[Path, ...]
    n_bytes: int


def limit_bytes() -> int:
    """``$BENCHMARK_CACHE_LIMIT``, or LIMIT_BYTES: how large features may grow; 0 keeps none.

    Raises
    ------
    UserError
        If the variable is not a size.
    """
    text = os.environ.get(LIMIT_VARIABLE, "").strip()
    if not text or text == "0":
        return 0 if text else LIMIT_BYTES
    try:
        return parse_memory(text)
    except UserError as error:
        raise UserError(f"${LIMIT_VARIABLE}: {error.problem}", error.remedy) from None


def has_room(folder: Path, n_bytes: int, spare: int = 0) -> bool:
    """Whether so many bytes can be written to a folder's disk, and as many as ``spare`` are left for others."""
    return shutil.disk_usage(folder).free >= n_bytes + spare


def entries() -> list[Kept]:
    """What is kept, by kind and name."""
    found: dict[tuple[str, str], list[Path]] = {}
    for kind in KINDS:
        folder = cache_root() / kind
        # Behind a link, and in the folders of kinds under other names than ours, are files of others.
        for path in sorted(folder.iterdir()) if folder.is_dir() and not folder.is_symlink() else ():
            if not _ours(kind, path):
                continue
            name = path.stem.rpartition("-")[0] or path.stem if kind == "features" else path.name
            found.setdefault((kind, name), []).append(path)
    kept = [Kept(kind, name, tuple(paths), sum(map(_size, paths))) for (kind, name), paths in found.items()]
    return [one for one in kept if one.n_bytes]


def _ours(kind: str, path: Path) -> bool:
    """Whether we have made it: the variable may name a folder that holds files of others too."""
    if kind == "features":
        return OWN_FEATURES.fullmatch(path.name) is not None
    return kind == "compiled" or (path.is_dir() and (kind == "downloads" or (path / "meta.json").is_file()))


def clear(kinds: Iterable[str]) -> int:
    """Remove all that is kept of these kinds; return how many bytes that were.

    Raises
    ------
    UserError
        If there is no such kind, or it cannot be removed.
    """
    wanted = set(kinds)
    if unknown := wanted - KINDS.keys():
        raise UserError(f"The cache has no {sorted(unknown)[0]!r}.", f"There are: {', '.join(KINDS)}.")
    removed = [kept for kept in entries() if kept.kind in wanted]
    for kept in removed:
        for path in kept.paths:
            with explain_write_errors(path):
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink(missing_ok=True)
    return sum(kept.n_bytes for kept in removed)


def shrink(folder: Path, most: int) -> None:
    """Remove the files of a folder that were used least recently, until all take at most so many bytes."""
    files = []
    for path in filter(lambda path: _ours("features", path), folder.iterdir()):
        with contextlib.suppress(OSError):  # Another process may have removed it.
            files.append((path.stat().st_mtime, path.stat().st_size, path))
    total = sum(size for _, size, _ in files)
    for _, size, path in sorted(files):
        if total <= most:
            return
        with contextlib.suppress(OSError):
            path.unlink()
            total -= size


def _size(path: Path) -> int:
    total = 0
    for file in path.rglob("*") if path.is_dir() else [path]:
        with contextlib.suppress(OSError):
            total += file.stat().st_size if file.is_file() else 0
    return total
