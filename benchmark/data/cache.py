"""Decoded arrays on disk, memory-mapped, so that a second start needs neither decoding nor torch.

A data set is a folder of four ``.npy`` files and ``meta.json``; it appears whole or not at all. The test
images and the test labels are files of their own, so that who fits a model need not open them
(``docs/decisions/0006-test-vault.md``). ``meta.json`` says what was read and by which code: an entry that is not of the
data set at hand, though it has its name, is not used.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import hashlib
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from benchmark.data.pictures import derive
from benchmark.data.splits import make_split
from benchmark.errors import UserError
from benchmark.records.schema import LONGEST_NAME, MOST_CLASSES
from benchmark.specs import Account, Dataset, DatasetSpec, JsonValue, Preparation, RawImages, Split
from benchmark.utils.cache_folder import has_room
from benchmark.utils.files import CACHE_VARIABLE, cache_root, read_text
from benchmark.utils.format import memory

LAYOUT = 2
POOL = ("train_images", "train_labels")
ARRAYS = (*POOL, "test_images", "test_labels")
NAMES = "names.json"
NAMED = ("train_names", "test_names", "train_groups", "test_groups")  # Of an account, one for each image.
VALIDATION = "validation"  # Where the loader says which images these are.
GROUPS = "groups"  # Where no test part is given.


def folder(name: str) -> Path:
    return cache_root() / "decoded" / name


def fingerprint(arrays: dict[str, np.ndarray], class_names: tuple[str, ...]) -> str:
    """SHA-256 (hex) over class names and, array by array, its name, dtype, shape and bytes; the loader's choice of
    validation images and its groups are among the arrays."""
    digest = hashlib.sha256(json.dumps(class_names).encode())
    for name in [name for name in (*ARRAYS, VALIDATION, GROUPS) if name in arrays]:
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name}:{array.dtype.str}:{array.shape}".encode())
        digest.update(array.data)
    return digest.hexdigest()


def check(name: str, raw: RawImages, validation_size: int | None = 1) -> dict[str, np.ndarray]:
    """Hold what a loader returned against the contract; return its arrays with labels as int64."""

    def refuse(problem: str) -> UserError:
        return UserError(f"The loader of data set {name!r} broke the contract: {problem}.", "Fix its load function.")

    if not isinstance(raw, RawImages):
        raise refuse(f"it returned {type(raw).__name__}, not RawImages")
    if len(raw.class_names) < 2 or not all(isinstance(text, str) for text in (*raw.class_names, raw.source)):
        raise refuse("two class names or more are needed, and they and the source must be text")
    if len(raw.class_names) > MOST_CLASSES or not all(0 < len(name) <= LONGEST_NAME for name in raw.class_names):
        raise refuse(f"at most {MOST_CLASSES:,} classes are possible, with names of 1 to {LONGEST_NAME} characters")
    if any(text.encode(errors="replace").decode() != text for text in (*raw.class_names, raw.source)):
        raise refuse("a class name or the source is not Unicode text")
    arrays: dict[str, np.ndarray] = {}
    for part in ("train", "test"):
        images, labels = np.asarray(getattr(raw, f"{part}_images")), np.asarray(getattr(raw, f"{part}_labels"))
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] not in (1, 3):
            raise refuse(f"{part} images must be uint8 (n, h, w, 1 or 3), got {images.dtype} {images.shape}")
        if not np.issubdtype(labels.dtype, np.integer) or labels.shape != images.shape[:1]:
            raise refuse(f"{part} labels must be {len(images)} integers, got {labels.dtype} {labels.shape}")
        if len(labels) == 0:
            raise refuse(f"there are no {part} images")
        strange = np.unique(labels[(labels < 0) | (labels >= len(raw.class_names))])
        if len(strange):
            shown = ", ".join(map(str, strange[:5])) + (", ..." if len(strange) > 5 else "")
            raise refuse(f"{part} labels must lie in 0-{len(raw.class_names) - 1}, but there are {shown}")
        arrays[f"{part}_images"], arrays[f"{part}_labels"] = images, labels.astype(np.int64)
    if arrays["train_images"].shape[1:] != arrays["test_images"].shape[1:]:
        raise refuse("training and test images differ in size or channels")
    background = None if raw.preparation is None else raw.preparation.background
    if background is not None and len(background) != arrays["train_images"].shape[3]:
        raise refuse(f"the preparation's background {background} does not have the channels of the images")
    for name in NAMED if raw.account is not None else ():
        n_named, n_images = len(getattr(raw.account, name)), len(arrays[f"{name.partition('_')[0]}_labels"])
        if n_named not in (0, n_images):
            raise refuse(f"{name} of its account are {n_named:,}, the images {n_images:,}")
    n_train = len(arrays["train_labels"])
    if raw.validation is not None:
        arrays[VALIDATION] = np.asarray(raw.validation)
        if arrays[VALIDATION].dtype != bool or arrays[VALIDATION].shape != (n_train,):
            raise refuse(f"validation must be bool ({n_train},)")
        validation_size = int(arrays[VALIDATION].sum())
    if raw.groups is not None:
        arrays[GROUPS], n_images = np.asarray(raw.groups), n_train + len(arrays["test_labels"])
        if arrays[GROUPS].dtype.kind not in "iu" or arrays[GROUPS].shape != (n_images,):
            raise refuse(f"groups must be integers ({n_images},)")
    if validation_size is None or not 0 < validation_size < n_train:
        raise refuse(f"validation_size is {validation_size}, but it must lie between 0 and {n_train} images")
    return arrays


def write(spec: DatasetSpec, raw: RawImages, origin: JsonValue = None) -> None:
    """Check, fingerprint and store what a loader returned, replacing what was there.

    ``origin`` is what was read and by which code.
    """
    arrays = check(spec.name, raw, spec.validation_size)
    class_names, account = tuple(map(str, raw.class_names)), raw.account or Account()
    target = folder(spec.key)
    target.parent.mkdir(parents=True, exist_ok=True)
    n_bytes = sum(array.nbytes for array in arrays.values())
    if not has_room(target.parent, n_bytes):
        raise OSError(errno.ENOSPC, f"there is no room for {memory(n_bytes)}")
    with tempfile.TemporaryDirectory(prefix=f".{spec.name}-", dir=target.parent) as temporary:
        fresh, replaced = Path(temporary, "fresh"), Path(temporary, "replaced")
        fresh.mkdir()
        for name, array in arrays.items():
            np.save(fresh / f"{name}.npy", array)
        meta = {
            "layout": LAYOUT,
            "fingerprint": fingerprint(arrays, class_names),
            "class_names": class_names,
            "source": raw.source,
            "preparation": dataclasses.asdict(raw.preparation or derive(arrays["train_images"])),
            "origin": origin,
            "account": {name: value for name, value in dataclasses.asdict(account).items() if name not in NAMED},
        }
        if spec.params:  # Of a path: to be used again by name (benchmark.data.own.spec).
            meta["own"] = {name: getattr(spec, name) for name in ("name", "title", "description", "params")}
        names = {name: getattr(account, name) for name in NAMED}
        (fresh / NAMES).write_text(json.dumps(names), encoding="utf-8")
        (fresh / "meta.json").write_text(json.dumps(meta, indent=1), encoding="utf-8")
        with contextlib.suppress(FileNotFoundError):
            target.rename(replaced)
        try:
            fresh.rename(target)
        except OSError:
            if not target.exists():  # Otherwise another process has just put the same data set there.
                with contextlib.suppress(FileNotFoundError):
                    replaced.rename(target)
                raise


def origin(spec: DatasetSpec) -> JsonValue:
    """What was read for the entry of this name, and by which code; None if there is none or it is not known."""
    try:
        meta = json.loads(read_text(folder(spec.key) / "meta.json"))
        return meta["origin"] if meta["layout"] == LAYOUT else None
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return None


def read(spec: DatasetSpec, *, verify: bool = True) -> Dataset | None:
    """Load a data set from the cache; None if it is not there.

    With ``verify`` every byte is checked by the fingerprint.

    Raises
    ------
    UserError
        If the cached bytes are damaged.
    """
    found = _open(spec, ARRAYS)
    if found is None:
        return None
    described, arrays = found
    damaged = f"The decoded data set in {folder(spec.key)} is damaged"
    expected = described["fingerprint"]
    if verify and (digest := fingerprint(arrays, described["class_names"])) != expected:
        raise UserError(f"{damaged}: expected SHA-256 {expected}, found {digest}.", _remedy(spec))
    split, groups = _split(spec, arrays), arrays.pop(GROUPS, None)
    described["account"] = dataclasses.replace(described["account"], **_names(spec))
    return None if split is None else Dataset(**described, **arrays, split=split, groups=groups)


def read_pool(spec: DatasetSpec) -> Dataset | None:
    """Load a data set as if it had no test images, unverified: the files of the test set are not opened."""
    found = _open(spec, POOL)
    if found is None:
        return None
    described, arrays = found
    split = _split(spec, arrays)
    none = {"test_images": arrays["train_images"][:0], "test_labels": arrays["train_labels"][:0]}
    return None if split is None else Dataset(**described, **arrays, **none, split=split)


def read_test(spec: DatasetSpec, what: Literal["images", "labels"], fingerprint: str) -> np.ndarray | None:
    """Load the test images or the test labels alone, unverified; None if they are not of this fingerprint."""
    found = _open(spec, (f"test_{what}",))
    if found is None or found[0]["fingerprint"] != fingerprint:
        return None
    array: np.ndarray = found[1][f"test_{what}"]
    return array


def read_rows(
    spec: DatasetSpec, what: Literal["images", "labels"], rows: np.ndarray, fingerprint: str
) -> np.ndarray | None:
    """Copy the images or labels at ``rows`` (n,) of the training part with the test part after it, unverified; no file
    stays open. None if they are not of this fingerprint."""
    found = _open(spec, (f"train_{what}", f"test_{what}"))
    if found is None or found[0]["fingerprint"] != fingerprint:
        return None
    train, test = found[1][f"train_{what}"], found[1][f"test_{what}"]
    early = rows < len(train)
    copied = np.empty((len(rows), *train.shape[1:]), dtype=train.dtype)
    copied[early], copied[~early] = train[rows[early]], test[rows[~early] - len(train)]
    return copied


def _split(spec: DatasetSpec, arrays: dict[str, Any]) -> Split | None:
    """The split of the pool, by the loader's choice, which is taken out of ``arrays``, or drawn."""
    n_train, chosen = len(arrays["train_labels"]), arrays.pop(VALIDATION, None)
    if chosen is not None:
        return Split(train=np.flatnonzero(~chosen), validation=np.flatnonzero(chosen))
    if spec.validation_size is None or not 0 < spec.validation_size < n_train:
        return None  # Decoded for another validation_size; decoding again reports what is wrong.
    return make_split(spec.name, np.asarray(arrays["train_labels"]), spec.validation_size)


def _frozen(value: JsonValue) -> JsonValue:
    return tuple(value) if isinstance(value, list) else value


def _names(spec: DatasetSpec) -> dict[str, tuple[str, ...]]:
    """The names and groups of the images, which no worker needs; empty where they have none."""
    try:
        found = json.loads((folder(spec.key) / NAMES).read_bytes())
        return {name: tuple(map(str, found.get(name, ()))) for name in NAMED}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _remedy(spec: DatasetSpec) -> str:
    return f"Decode it again with: python -m benchmark data fetch {spec.name} --force"


def _open(spec: DatasetSpec, names: Sequence[str]) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """What a :class:`Dataset` has besides arrays and split, and the arrays of these names; None if absent."""
    path = folder(spec.key)
    try:
        meta = json.loads(read_text(path / "meta.json"))
        if meta["layout"] != LAYOUT:
            return None
        # Mapped, not read: a header that promises more than the file has is refused.
        optional = {VALIDATION: "train_labels" in names, GROUPS: set(names) == set(ARRAYS)}
        chosen = [name for name, wanted in optional.items() if wanted and (path / f"{name}.npy").exists()]
        arrays = {name: np.load(path / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in (*names, *chosen)}
        described = {
            "name": spec.name,
            "title": spec.title,
            "class_names": tuple(meta["class_names"]),
            "fingerprint": meta["fingerprint"],
            "source": meta["source"],
            "preparation": Preparation(**meta["preparation"]),
            "account": Account(**{key: _frozen(value) for key, value in meta.get("account", {}).items()}),
        }
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError as error:
        raise UserError(
            f"The decoded data set in {path} cannot be read: {error.strerror}.",
            f"Make it readable, or name another folder in ${CACHE_VARIABLE}.",
        ) from error
    except Exception as error:  # Parsers of JSON and of headers raise what they like, by where the damage lies.
        raise UserError(f"The decoded data set in {path} is damaged: {error}.", _remedy(spec)) from error
    return described, arrays
