"""Files written whole or not at all, read only if they are of sensible size, and errors told in one line."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import platformdirs

from benchmark.contract import UserError

APP = "do-i-need-a-cnn"
CACHE_VARIABLE = "BENCHMARK_CACHE_DIR"
LARGEST_BYTES = 256 << 20


def cache_root() -> Path:
    """``$BENCHMARK_CACHE_DIR``, or the user's cache folder."""
    chosen = os.environ.get(CACHE_VARIABLE)
    return Path(chosen) if chosen else platformdirs.user_cache_path(APP, appauthor=False)


def read_whole(path: Path) -> bytes:
    """The content of a plain file of sensible size; anything else is an OSError."""
    if path.exists() and (not path.is_file() or path.stat().st_size > LARGEST_BYTES):
        raise OSError(errno.EFBIG, f"no plain file, or larger than {LARGEST_BYTES >> 20} MiB")
    return path.read_bytes()


@contextlib.contextmanager
def explain_write_errors(path: Path) -> Iterator[None]:
    """Turn a failed write into one clear line."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise UserError(
                f"No space is left to write {path}.",
                "Make room and run the same command again: what is recorded is kept.",
            ) from error
        raise UserError(
            f"Cannot write {path}: {error.strerror or error}.", "Make the folder writable or name another one."
        ) from error


def write_atomically(path: Path, content: bytes) -> None:
    """Write ``path`` whole or not at all, creating its folder.

    Raises
    ------
    UserError
        If the disk is full or the folder cannot be written.
    """
    with explain_write_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(temporary, 0o644)
            os.replace(temporary, path)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)
            raise


def check_writable(folder: Path) -> None:
    """Raise UserError now rather than after an hour's training."""
    with explain_write_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"0")
