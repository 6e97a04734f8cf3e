"""Find a data set, check it, decode it once, load it."""

from __future__ import annotations

import contextlib
import os
import pkgutil
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmark.data import cache
from benchmark.errors import OF_OTHERS, UserError
from benchmark.specs import Dataset, DatasetSpec, Places
from benchmark.utils import files
from benchmark.utils.format import described

DATA_VARIABLE = "BENCHMARK_DATA_DIR"


def chosen_data_dir(option: Path | None) -> Path | None:
    """The folder named by ``--data-dir``, else by ``$BENCHMARK_DATA_DIR``, else None."""
    if option is None and os.environ.get(DATA_VARIABLE):
        option = Path(os.environ[DATA_VARIABLE])
    remedy = f"Fix --data-dir or ${DATA_VARIABLE}."
    try:
        if option is not None and not option.is_dir():
            raise UserError(f"The data folder {option} does not exist or is not a folder.", remedy)
    except OSError as error:
        raise UserError(f"The data folder {option} cannot be read: {error.strerror}.", remedy) from error
    return option


@contextlib.contextmanager
def _explain_cache_errors(name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(
            f"The data set {name!r} could not be kept in {files.cache_root()}: {error}.",
            f"Make room or make it writable, or name another folder in ${files.CACHE_VARIABLE}.",
        ) from error


def prepare(
    spec: DatasetSpec,
    *,
    data_dir: Path | None = None,
    force: bool = False,
    say: Callable[[str], None] = lambda text: None,
) -> Dataset:
    """Load a data set, first fetching and decoding it where that has not been done yet.

    A folder named by the user is read and checked each time, since its files may have changed; otherwise
    the decoded arrays in the cache are used, checked by their fingerprint.

    Parameters
    ----------
    spec : DatasetSpec
    data_dir : Path or None
        A folder of the user's to look in first.
    force : bool
        Ignore what is decoded already.
    say : callable
        Told in words what takes long.

    Raises
    ------
    UserError
        If the data set is not available, is damaged or cannot be kept.
    """
    data_dir = chosen_data_dir(data_dir)
    if data_dir is None and not force:
        dataset = cache.read(spec)
        if dataset is not None:
            return dataset
    downloads = files.cache_root() / "downloads" / spec.name
    with _explain_cache_errors(spec.name):
        downloads.mkdir(parents=True, exist_ok=True)
    try:
        raw = pkgutil.resolve_name(spec.load)(Places(data_dir=data_dir, downloads=downloads, say=say))
    except UserError:
        raise
    except OF_OTHERS as error:  # The loader may be a plug-in.
        raise UserError(
            f"The data set {spec.name!r} could not be read: {described(error)}.",
            "Fix its files or its load function, or name other files with --data-dir.",
        ) from error
    with _explain_cache_errors(spec.name):
        cache.write(spec, raw)
    dataset = cache.read(spec, verify=False)
    if dataset is None:
        raise UserError(
            f"The decoded data set {spec.name!r} has just vanished from {files.cache_root()}.", "Run it again."
        )
    return dataset
