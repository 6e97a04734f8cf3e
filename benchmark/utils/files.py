"""Files written whole or not at all, read only up to a sensible size, and errors explained in one line."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import platformdirs
from filelock import FileLock

from benchmark.errors import UserError

APP = "do-i-need-a-cnn"
CACHE_VARIABLE = "BENCHMARK_CACHE_DIR"
LOCK = ".lock"
LARGEST_BYTES = 256 << 20
LARGEST_TEXT_BYTES = 16 << 20  # Parsed, text takes many times its size.


def cache_root() -> Path:
    """``$BENCHMARK_CACHE_DIR``, or the user's cache folder."""
    chosen = os.environ.get(CACHE_VARIABLE)
    return Path(chosen).expanduser() if chosen else platformdirs.user_cache_path(APP, appauthor=False)


def read_whole(path: Path, *, root: Path | None = None, largest: int | None = None) -> bytes:
    """The content of a plain file of sensible size; anything else is an OSError.

    Parameters
    ----------
    root : Path or None
        A folder that ``path`` must not lead out of by links.
    largest : int or None
        Bytes; None is LARGEST_BYTES.
    """
    most = LARGEST_BYTES if largest is None else largest
    if root is not None and _leads_out(path, root):
        raise OSError(errno.ELOOP, "a link that leads elsewhere")
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "not a plain file")
    with path.open("rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"larger than {most / (1 << 20):g} MiB")
    return content


def _leads_out(path: Path, root: Path) -> bool:
    # Resolving takes longer than reading a record: without links on the way below the root it is not needed.
    if path.is_relative_to(root) and ".." not in path.parts:
        way = (path, *path.parents[: len(path.parts) - len(root.parts) - 1])
        if not any(map(os.path.islink, way)):
            return False
    return not path.resolve().is_relative_to(root.resolve())


def read_text(path: Path, *, root: Path | None = None) -> bytes:
    """The same of a file that holds text."""
    return read_whole(path, root=root, largest=LARGEST_TEXT_BYTES)


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Only one thread of one process at a time is inside with the same folder, which is created.

    The lock ends with its process. Where the file system has no locks, nothing is held back.
    """
    with explain_write_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):
            # A soft lock may outlive a killed run; without the mode, a second user of the folder would have no lock.
            stack.enter_context(FileLock(folder / LOCK, mode=0o666, fallback_to_soft=False))
        yield


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
