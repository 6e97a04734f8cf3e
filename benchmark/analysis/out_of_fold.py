"""The folds of a repeat put together: a run that has predicted every image, each by a model that had not seen it.

For all that looks at images one by one, such as calibration or suspected label errors. Models are not compared so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from benchmark.analysis.hits import Lookup
from benchmark.analysis.select import ModelSummary
from benchmark.estimators import scoring
from benchmark.records.schema import Metrics, RunRecord
from benchmark.records.store import Stored

Arrays = dict[str, np.ndarray]


def together(summary: ModelSummary, lookup: Lookup) -> list[tuple[Stored, Arrays]]:
    """One run for each repeat of which every fold has readable predictions, and its predictions, by image.

    The path of such a run is no file's; its costs are those of the first fold. The test images count in the training
    pool with the test set after it.
    """
    repeats: dict[int, list[Stored]] = defaultdict(list)
    for stored in summary.stored:
        repeats[stored.record.run.seed].append(stored)
    found = []
    for repeat, folds in repeats.items():
        read = [arrays for stored in folds if (arrays := lookup(stored)) is not None]
        if len(read) == summary.folds:
            arrays = _joined(read)
            record = _record([stored.record for stored in folds], arrays)
            found.append((Stored(record, folds[0].path.with_name(f"{record.run.profile}-repeat{repeat}")), arrays))
    return found


def _joined(read: Sequence[Arrays]) -> Arrays:
    """The arrays one after the other, test images in their order; only those that all folds have."""
    names = set.intersection(*(set(arrays) for arrays in read))
    joined = {name: np.concatenate([arrays[name] for arrays in read]) for name in sorted(names)}
    order = np.argsort(joined["test_index"], kind="stable")
    return {name: array[order] if name.startswith("test_") else array for name, array in joined.items()}


def _record(folds: Sequence[RunRecord], arrays: Arrays) -> RunRecord:
    first = folds[0]

    def scored(part: str) -> Metrics:
        fields = (arrays[f"{part}_labels"], arrays[f"{part}_predicted"])
        return scoring.evaluate(*fields, len(first.dataset.class_names), arrays.get(f"{part}_probabilities"))

    return first.model_copy(
        update={
            "run": first.run.model_copy(update={"fold": None, "repeat": None, "profile": "full"}),
            "dataset": first.dataset.model_copy(update={"test_size": len(arrays["test_index"])}),
            "validation": scored("validation"),
            "test": scored("test"),
            "predictions": first.predictions if "test_probabilities" in arrays else _without_scores(first),
            "variants": {},
            "epochs": (),
            "epoch_tests": (),
            "corruptions": {},
        }
    )


def _without_scores(record: RunRecord) -> object:
    return None if record.predictions is None else record.predictions.model_copy(update={"scores": None})
