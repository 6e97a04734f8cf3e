"""The store of records: ``<results>/<collection>/<dataset>/<model>/<key>.json`` with a ``.npz`` beside it.

A record appears whole or not at all: files are written under another name, flushed and renamed, the ``.npz``
before the ``.json`` that names it. The name of the ``.npz`` has a part of its SHA-256, so that a new one does
not take the place of one that a record still names. Where two runs write the same run, the later one wins.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from pydantic import BaseModel, ValidationError

from benchmark.errors import UserError
from benchmark.records import cleanup as leftovers
from benchmark.records.dataset_schema import DataAudit, DatasetSummary
from benchmark.records.npz import unpack_predictions
from benchmark.records.schema import SCHEMA_VERSION, RunRecord
from benchmark.records.upgrade import upgrade
from benchmark.specs import NAME, PROFILES, ModelSpec, Profile, Run, n_folds, profile_named
from benchmark.utils.files import check_writable, locked, read_text, read_whole, write_atomically
from benchmark.utils.format import first_line

SUMMARY = "dataset.json"
AUDIT = "audit.json"
Kept = TypeVar("Kept", bound=BaseModel)
LARGEST_ARRAYS_BYTES = 1 << 30


def key(run: Run, spec: ModelSpec, fingerprint: str, profile: Profile) -> str:
    """A file name that changes when anything that decides the run's numbers is changed on purpose."""
    decides = {
        "schema": 1,  # Of this key: with schema 2 records kept their names.
        "fingerprint": fingerprint,
        "build": spec.build,
        "version": spec.version,
        "inputs": spec.inputs,
        "params": plain(spec.params_for(run)),
        "sizes": [profile.train_size, profile.validation_size, profile.test_size],
    }
    if spec.source is not None:
        decides["source"] = spec.source
    if profile.draw is not None:
        decides["draw"] = profile.draw
    if run.fold is not None:
        decides["fold"] = [profile.folds, run.repeat, run.fold]
    digest = hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()
    return f"{run.profile}-{run.slug}-{digest[:8]}"


def plain(value: Any) -> Any:
    """A parameter as JSON can hold it, alike in every process: other objects by name, or as Python writes them."""
    if isinstance(value, Mapping):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted((plain(item) for item in value), key=repr)
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, type) or (callable(value) and hasattr(value, "__qualname__")):
        return f"{value.__module__}:{value.__qualname__}"
    try:
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError):
        return re.sub(r" at 0x[0-9a-f]+", "", ascii(value))
    return value


def to_json(model: BaseModel) -> bytes:
    """A record, or what else is kept as one, as it is written."""
    return (model.model_dump_json(indent=1) + "\n").encode()


@dataclasses.dataclass(frozen=True)
class Stored:
    """A record and the file it was read from."""

    record: RunRecord
    path: Path

    def command(self, *options: str) -> str:
        """What to type to execute the run again."""
        run, collection = self.record.run, _collection(self.path).name
        parts = [f"python -m benchmark run {run.model} --dataset {run.dataset}"]
        folds = n_folds(run.profile)
        parts += [f"--profile {run.profile}"] if run.profile != "full" and folds is None else []
        parts += [f"--seeds {run.seed + 1}"] if run.seed and folds is None else []
        parts += [f"--folds {folds} --repeats {run.seed + 1}"] if folds is not None else []
        # Of these pictures few are cross-validated where nothing else is asked for.
        parts += ["--folds 0"] if run.profile == "full" and self.record.dataset.groups is not None else []
        parts += [f"--collection {collection}"] if collection not in ("local", run.profile) else []
        return " ".join([*parts, *options])

    def predictions(self) -> dict[str, np.ndarray]:
        """The arrays beside the record: ``<part>_index``, ``_labels``, ``_predicted`` and, where the model
        has them, ``_probabilities``, or ``_auroc`` (:mod:`benchmark.estimators.metrics`) of one with decision values
        only, for the parts ``validation`` and ``test``.

        Raises
        ------
        UserError
            If the file is missing, damaged, or not the one that the record names.
        """
        if self.record.predictions is None:
            raise UserError(f"{self.path} has no predictions: its status is {self.record.status}.")
        path = self.path.parent / self.record.predictions.file
        remedy = f"Run it again: {self.command('--fresh')}"
        try:
            content = read_whole(path, root=_collection(self.path))
        except OSError as error:
            raise UserError(f"Cannot read {path}: {error.strerror}.", remedy) from error
        found = hashlib.sha256(content).hexdigest()
        if found != self.record.predictions.sha256:
            raise UserError(
                f"{path.name} was altered: expected SHA-256 {self.record.predictions.sha256}, found {found}.", remedy
            )
        try:
            arrays = unpack_predictions(content, self._most_bytes())
        except ValueError as error:
            raise UserError(f"{path.name} is not a readable .npz file: {error}.", remedy) from error
        self._check(arrays, path.name, remedy)
        return arrays

    def is_intact(self) -> bool:
        """Whether the predictions are there and are those that the record names."""
        try:
            self.predictions()
        except UserError:
            return False
        return True

    def _most_bytes(self) -> int:
        """What predictions of as many images and classes may take, with some room for further arrays."""
        info = self.record.dataset
        an_image = 3 * 8 + 8 * len(info.class_names)
        return min(4 * (info.validation_size + info.test_size) * an_image + (1 << 20), LARGEST_ARRAYS_BYTES)

    def _check(self, arrays: dict[str, np.ndarray], name: str, remedy: str) -> None:
        """Hold the arrays' names, lengths and values against the record."""
        n_classes = len(self.record.dataset.class_names)
        for part, n in (("validation", self.record.dataset.validation_size), ("test", self.record.dataset.test_size)):
            for field in ("index", "labels", "predicted"):
                array = arrays.get(f"{part}_{field}")
                if array is None or array.shape != (n,) or array.dtype.kind not in "iu" or (n and array.min() < 0):
                    raise UserError(f"{name} lacks {part}_{field}, or does not have {n} integers in it.", remedy)
                if field != "index" and n and array.max() >= n_classes:
                    raise UserError(f"{name} has classes in {part}_{field} that the record does not have.", remedy)
            probabilities = arrays.get(f"{part}_probabilities")
            if probabilities is not None and (probabilities.shape != (n, n_classes) or probabilities.dtype.kind != "f"):
                raise UserError(f"{name} has {part}_probabilities of a wrong shape or type.", remedy)
            auroc = arrays.get(f"{part}_auroc")
            if auroc is not None and (auroc.shape != (n,) or auroc.dtype.kind != "f" or not np.isfinite(auroc).all()):
                raise UserError(f"{name} has {part}_auroc of a wrong shape, type or value.", remedy)
            if probabilities is not None and not ((probabilities >= 0) & (probabilities <= 1)).all():  # NaN is neither.
                raise UserError(f"{name} has {part}_probabilities outside 0-1.", remedy)


@dataclasses.dataclass(frozen=True)
class Problem:
    """A file that was skipped, and why."""

    path: Path
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


@dataclasses.dataclass(frozen=True)
class Store:
    """The records of one collection."""

    results_dir: Path
    collection: str

    @classmethod
    def open(cls, results_dir: Path | str, collection: str | None, profile: str = "full") -> Store:
        """The collection of that name; without one ``local``, or the profile's name.

        Raises
        ------
        UserError
            If the name of the collection or the profile is invalid.
        """
        profile_named(profile)
        if collection is None:  # Few training images belong beside all of them.
            collection = "local" if profile == "full" or profile not in PROFILES else profile
        if re.fullmatch(NAME, collection) is None:
            raise UserError(f"Invalid collection name {collection!r}.", "Use letters, digits, '.', '-' and '_'.")
        return cls(Path(results_dir), collection)

    def profiles(self, dataset: str) -> list[str]:
        """The profiles under which there are records of a data set."""
        return sorted({stored.record.run.profile for stored in self.read_all(dataset)[0]})

    def check_exists(self) -> None:
        """Raise UserError if there is no such collection."""
        if not self.folder.is_dir():
            raise UserError(
                f"There is no collection {self.folder}.",
                f"Make one with: python -m benchmark run --collection {self.collection}",
            )

    def check_writable(self) -> None:
        """Raise UserError now rather than after an hour's training."""
        check_writable(self.folder)

    def check_no_link(self, run: Run) -> None:
        """Raise UserError if records of a run would be written through a link: they would not be read there."""
        folder = self.path(run, "").parent
        for link in (folder.parent, folder):
            if link.is_symlink() and not link.resolve().is_relative_to(self.folder.resolve()):
                raise UserError(
                    f"{link} is a link that leads out of {self.folder}: records there are not read.",
                    f"Replace it by a folder; {self.results_dir} itself may be a link.",
                )

    @property
    def folder(self) -> Path:
        return self.results_dir / self.collection

    def path(self, run: Run, key: str) -> Path:
        return self.folder / run.dataset / run.model / f"{key}.json"

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other runs from writing meanwhile; not to be entered twice."""
        with locked(self.folder):
            yield

    def write(self, record: RunRecord, key: str) -> Path:
        """Write the record and remove predictions and models of the same key that it does not name.

        Writers of a result hold :meth:`locked` over its files and its record.
        """
        run = record.run
        path = self.folder / run.dataset / run.model / f"{key}.json"
        write_atomically(path, to_json(record))
        leftovers.remove_unnamed(path)
        return path

    def write_predictions(self, run: Run, key: str, content: bytes) -> tuple[str, str]:
        """Write the ``.npz``; return its name and SHA-256."""
        sha256 = hashlib.sha256(content).hexdigest()
        path = self.path(run, f"{key}-{sha256[:8]}").with_suffix(".npz")
        write_atomically(path, content)
        return path.name, sha256

    def tidy(self) -> None:
        """Remove what runs that were killed have left: unfinished files, predictions that no record names."""
        with self.locked():
            leftovers.remove(self.folder)

    def find(self, run: Run, key: str) -> Stored | None:
        """The record of a run, or None if it is absent or unreadable."""
        path = self.path(run, key)
        found = read(path) if path.is_file() else None
        return found if isinstance(found, Stored) else None

    def read_all(self, dataset: str) -> tuple[list[Stored], list[Problem]]:
        """Every readable record of a data set, and every file that was skipped."""
        if re.fullmatch(NAME, dataset) is None:
            raise UserError(f"{dataset!r} is not the name of a data set.", "See 'python -m benchmark list'.")
        outcomes = [read(path) for path in sorted((self.folder / dataset).glob("*/*.json"))]
        good = [outcome for outcome in outcomes if isinstance(outcome, Stored)]
        return good, [outcome for outcome in outcomes if isinstance(outcome, Problem)]

    def datasets(self) -> list[str]:
        """Names of the data sets that have a folder here."""
        if not self.folder.is_dir():
            return []
        return sorted(entry.name for entry in self.folder.iterdir() if entry.is_dir())

    def write_summary(self, summary: DatasetSummary) -> None:
        with self.locked():
            write_atomically(self.folder / summary.name / SUMMARY, to_json(summary))

    def read_summary(self, dataset: str) -> DatasetSummary | Problem | None:
        return _read_kept(self.folder / dataset / SUMMARY, DatasetSummary, root=self.folder)

    def write_audit(self, audit: DataAudit) -> Path:
        path = self.folder / audit.name / AUDIT
        with self.locked():
            write_atomically(path, to_json(audit))
        return path


def read_audit(folder: Path) -> DataAudit | Problem | None:
    """The audit that lies in a data set's folder of a collection."""
    return _read_kept(folder / AUDIT, DataAudit, root=folder)


def _read_kept(path: Path, kind: type[Kept], root: Path) -> Kept | Problem | None:
    if not path.is_file():
        return None
    try:
        raw = read_text(path, root=root)
    except OSError as error:
        return Problem(path, f"not readable ({error.strerror})")
    return _parsed(path, raw, kind)


def _parsed(path: Path, raw: bytes, kind: type[Kept]) -> Kept | Problem:
    """Content of the present schema or, upgraded, of an earlier one."""
    try:
        return kind.model_validate_json(raw, strict=True)
    except (ValidationError, RecursionError) as error:
        try:
            content = json.loads(raw)
            if content["schema_version"] == 1:
                return kind.model_validate_json(json.dumps(upgrade(content)), strict=True)
        except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as worse:
            error = worse if isinstance(worse, ValidationError) else error
        return Problem(path, _diagnosis(raw, error))


def read(path: Path) -> Stored | Problem:
    """Read one record; what cannot be read is named, with the reason, never raised."""
    try:
        raw = read_text(path, root=_collection(path))
    except OSError as error:
        return Problem(path, f"not readable ({error.strerror})")
    record = _parsed(path, raw, RunRecord)
    if isinstance(record, Problem):
        return record
    if (record.run.dataset, record.run.model) != (path.parent.parent.name, path.parent.name):
        return Problem(path, f"it is in the wrong folder: it is about {record.run.model} on {record.run.dataset}")
    return Stored(record, path)


def _collection(record: Path) -> Path:
    """The folder of the collection in which a record lies."""
    return record.parent.parent.parent


def _diagnosis(raw: bytes, error: Exception) -> str:
    """Why these bytes are no record: the plainest reason first."""
    try:
        content = json.loads(raw)
    except (ValueError, RecursionError) as worse:
        return f"not readable as JSON ({first_problem(worse)})"
    if not isinstance(content, dict):
        return "not a record"
    version = content.get("schema_version")
    if version not in (1, SCHEMA_VERSION):
        return f"schema version {version!r} is not supported (1 and {SCHEMA_VERSION} are)"
    return first_problem(error)


def first_problem(error: BaseException) -> str:
    """The first thing that is wrong, in one line."""
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        return f"{where}: {first['msg']}" if where else str(first["msg"])
    return first_line(error)
