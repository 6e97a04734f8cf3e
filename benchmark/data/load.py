"""Find a data set, check it, decode it once, load it."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import json
import os
import pkgutil
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmark.data import cache
from benchmark.errors import OF_OTHERS, UserError
from benchmark.specs import Dataset, DatasetSpec, JsonValue, Places, no_progress
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


@contextlib.contextmanager
def _explain_loader_errors(spec: DatasetSpec) -> Iterator[None]:
    """The data set's functions, which may be a plug-in's: errors are one line, the working directory stays, and what
    they print is no result."""
    try:
        with contextlib.chdir(Path.cwd()), contextlib.redirect_stdout(sys.stderr):
            yield
    except UserError:
        raise
    except OF_OTHERS as error:
        raise UserError(
            f"The data set {spec.name!r} could not be read: {described(error)}{_place(error)}.",
            "Fix its files or its load function, or name other files with --data-dir.",
        ) from error


def _place(error: BaseException) -> str:
    """Where in the loader's code an error arose, by the innermost line outside of installed packages."""
    own = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename != __file__ and not {"site-packages", "importlib"} & set(Path(frame.filename).parts)
    ]
    return f" (in {Path(own[-1].filename).name}, line {own[-1].lineno}, {own[-1].name})" if own else ""


def same_files(places: Places) -> None:
    """The stamp of a data set whose loader holds its files against known sums: they never change."""


def _origin(spec: DatasetSpec, places: Places) -> JsonValue:
    """What would be read, and by which code; None where only reading tells."""
    if spec.stamp is None:
        return None
    stamp = pkgutil.resolve_name(spec.stamp)(places, **spec.params)
    module = sys.modules.get(spec.load.partition(":")[0])
    file = None if module is None else getattr(module, "__file__", None)
    if module is None:  # Found, not imported: that may take long.
        found = importlib.util.find_spec(spec.load.partition(":")[0])
        file = found.origin if found is not None else None
    code = hashlib.sha256(Path(file).read_bytes()).hexdigest() if file and Path(file).is_file() else None
    origin: JsonValue = json.loads(json.dumps({"load": spec.load, "code": code, "stamp": stamp}))
    return origin


def prepare(
    spec: DatasetSpec,
    *,
    data_dir: Path | None = None,
    force: bool = False,
    say: Callable[[str], None] = lambda text: None,
    progress: Callable[[str, int, int], None] = no_progress,
) -> Dataset:
    """Load a data set, first fetching and decoding it where that has not been done yet.

    The decoded arrays in the cache are used, checked by their fingerprint, if they are of this data set: read by the
    same code from what its stamp still describes. A folder named by the user is read and checked each time, as are
    data sets without a stamp.

    Parameters
    ----------
    spec : DatasetSpec
    data_dir : Path or None
        A folder of the user's to look in first.
    force : bool
        Ignore what is decoded already.
    say : callable
        Told in words what takes long.
    progress : callable
        Called as :class:`benchmark.specs.Places` says.

    Raises
    ------
    UserError
        If the data set is not available, is damaged or cannot be kept.
    """
    output = sys.stdout

    def aloud(text: str) -> None:
        with contextlib.redirect_stdout(output):
            say(text)

    data_dir = None if spec.own else chosen_data_dir(data_dir)
    downloads = files.cache_root() / "downloads" / spec.name
    places = Places(data_dir=data_dir, downloads=downloads, say=aloud, progress=progress)
    with _explain_cache_errors(spec.name):
        downloads.mkdir(parents=True, exist_ok=True)
    with _explain_loader_errors(spec):
        origin = _origin(spec, places)
        if data_dir is None and not force and origin is not None and origin == cache.origin(spec):
            dataset = cache.read(spec)
            if dataset is not None:
                return dataset
        raw = pkgutil.resolve_name(spec.load)(places, **spec.params)
    with _explain_cache_errors(spec.name):
        cache.write(spec, raw, origin)
    dataset = cache.read(spec, verify=False)
    if dataset is None:
        raise UserError(
            f"The decoded data set {spec.name!r} has just vanished from {files.cache_root()}.", "Run it again."
        )
    return dataset
