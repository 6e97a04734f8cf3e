"""Every look at a test set: the test accuracies that records tell of, those that Git remembers included."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmark.records.store import Store


@dataclasses.dataclass(frozen=True)
class Look:
    """One test accuracy of a model.

    Attributes
    ----------
    model, profile : str
    version : int
        Of the model.
    params : str
        Its parameters as JSON.
    seed : int
    accuracy : float
    at : str
        When the run began, ISO 8601; the test images were read at its end.
    """

    model: str
    profile: str
    version: int
    params: str
    seed: int
    accuracy: float
    at: str


def looks(store: Store, dataset: str) -> tuple[list[Look], bool]:
    """All looks at a data set's test images, the earliest first, and whether Git was asked.

    Runs whose record was overwritten before it was committed leave no trace.
    """
    folder = store.folder / dataset
    contents = [path.read_bytes() for path in sorted(folder.glob("*/*.json"))]
    committed = list(_committed(folder))
    found = {look for content in [*contents, *committed] if (look := _look(content)) is not None}
    return sorted(found, key=lambda look: (look.at, look.model, look.seed)), bool(committed)


def _committed(folder: Path) -> Iterator[bytes]:
    """Every version of every JSON file below the folder in the history of its Git repository; nothing without one."""
    git = shutil.which("git")
    if git is None or not folder.is_dir():
        return
    # "HEAD" and not "--all": what never landed is nobody's to check.
    changes = _run([git, "log", "HEAD", "--format=", "--raw", "--no-abbrev", "--no-renames", "--", "*/*.json"], folder)
    blobs = [blob for blob in dict.fromkeys(line.split()[3] for line in changes.splitlines()) if blob.strip(b"0")]
    if not blobs:
        return
    answer = _run([git, "cat-file", "--batch"], folder, b"\n".join(blobs) + b"\n")
    while answer:
        header, _, rest = answer.partition(b"\n")
        size = int(header.split()[2])
        yield rest[:size]
        answer = rest[size + 1 :]


def _run(command: list[str], folder: Path, given: bytes | None = None) -> bytes:
    """What Git answers; nothing where it fails, as outside of a repository."""
    done = subprocess.run(command, cwd=folder, input=given, capture_output=True, check=False)
    return done.stdout if done.returncode == 0 else b""


def _look(content: bytes) -> Look | None:
    """Of a record of any schema; None for other files and for runs without a test accuracy."""
    try:
        record: dict[str, Any] = json.loads(content)
        run = record.get("run") or record["cell"]
        test = record.get("test")
        if not test:
            return None
        return Look(
            model=str(run["model"]),
            profile=str(run["profile"]),
            version=int(record["model"]["version"]),
            params=json.dumps(record["model"]["params"], sort_keys=True),
            seed=int(run["seed"]),
            accuracy=float(test["accuracy"]),
            at=str(record["started_at"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
