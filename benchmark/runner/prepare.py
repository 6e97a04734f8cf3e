"""A data set made ready to run on: loaded, checked, and described in the collection."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

from benchmark.data import load
from benchmark.data.integrity import summarise
from benchmark.records.dataset_schema import DatasetSummary
from benchmark.records.store import Store
from benchmark.specs import Dataset, DatasetSpec, no_progress


@dataclasses.dataclass(frozen=True)
class Prepared:
    """A data set with its specification."""

    spec: DatasetSpec
    dataset: Dataset


def prepare(
    spec: DatasetSpec,
    data_dir: Path | None,
    store: Store,
    note: Callable[[str], None],
    progress: Callable[[str, int, int], None] = no_progress,
) -> Prepared:
    """Load a data set and, if its summary is not in the collection yet, check it and write one.

    ``note`` gets what takes long and which integrity checks did not pass, ``progress`` how far loading is.
    """
    dataset = load.prepare(spec, data_dir=data_dir, say=note, progress=progress)
    known = store.read_summary(spec.name)
    account = dataset.account
    now = len(dataset.split.train), len(dataset.split.validation), dataset.fingerprint, account.choices, account.groups
    if not isinstance(known, DatasetSummary) or now != (
        *(known.train_size, known.validation_size, known.fingerprint, known.choices, known.groups),
    ):
        known = summarise(dataset, spec)
        store.write_summary(known)
    for check in known.audit.checks:
        if check.outcome != "passed":
            note(f"note: {spec.title}, {check.name}: {check.outcome}: {check.detail}")
    return Prepared(spec, dataset)
