"""What killed runs leave in a collection: unfinished files, and predictions and models that no record names."""

from __future__ import annotations

import contextlib
import re
import time
from pathlib import Path

from benchmark.utils.files import explain_write_errors, read_text

# What files.write_atomically writes to, and what records.Store names.
_UNFINISHED = re.compile(r"\..+\.(json|npz)-[A-Za-z0-9_]{8}")
_UNFINISHED_MODEL = re.compile(r"\..+\.model-[0-9a-f]{8}")
_NAMED = re.compile(r"(.+-[0-9a-f]{8})-[0-9a-f]{8}\.(npz|safetensors|skops)")
ABANDONED_SECONDS = 3600  # Models are written by workers, which hold no lock.


def remove(collection: Path) -> None:
    """Remove them all; the collection must be locked meanwhile."""
    for path in [*collection.glob("*/.*"), *collection.glob("*/*/.*")]:
        if _UNFINISHED.fullmatch(path.name) or (_UNFINISHED_MODEL.fullmatch(path.name) and _is_old(path)):
            with explain_write_errors(path):
                path.unlink(missing_ok=True)
    for path in collection.glob("*/*/*"):
        match = _NAMED.fullmatch(path.name)
        if match is not None:
            remove_unnamed(path.with_name(f"{match[1]}.json"))


def remove_unnamed(record: Path) -> None:
    """Remove predictions and models of the record's key that it does not name; all of them if the record is missing."""
    with explain_write_errors(record):
        named = read_text(record) if record.exists() else b""
        for path in record.parent.glob(f"{record.stem}-*"):
            if _NAMED.fullmatch(path.name) and path.name.encode() not in named:
                path.unlink(missing_ok=True)


def _is_old(path: Path) -> bool:
    with contextlib.suppress(OSError):
        return time.time() - path.stat().st_mtime > ABANDONED_SECONDS
    return False
