"""What killed runs leave in a collection: unfinished files, and predictions that no record names."""

from __future__ import annotations

import re
from pathlib import Path

from benchmark.files import explain_write_errors, read_text

# What files.write_atomically writes to, and what records.Store.write_predictions names.
_UNFINISHED = re.compile(r"\..+\.(json|npz)-[A-Za-z0-9_]{8}")
_PREDICTIONS = re.compile(r"(.+-[0-9a-f]{8})-[0-9a-f]{8}\.npz")


def remove(collection: Path) -> None:
    """Remove them all; nobody may write to the collection meanwhile."""
    for path in [*collection.glob("*/.*"), *collection.glob("*/*/.*")]:
        if _UNFINISHED.fullmatch(path.name):
            with explain_write_errors(path):
                path.unlink(missing_ok=True)
    for path in collection.glob("*/*/*.npz"):
        match = _PREDICTIONS.fullmatch(path.name)
        if match is not None:
            remove_unnamed(path.with_name(f"{match[1]}.json"))


def remove_unnamed(record: Path) -> None:
    """Remove predictions of the record's key that it does not name; all, where there is no record."""
    with explain_write_errors(record):
        named = read_text(record) if record.exists() else b""
        for path in record.parent.glob(f"{record.stem}-*.npz"):
            if _PREDICTIONS.fullmatch(path.name) and path.name.encode() not in named:
                path.unlink(missing_ok=True)
