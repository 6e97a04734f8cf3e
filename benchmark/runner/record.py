"""What a record says of a run's data, model and result."""

from __future__ import annotations

import dataclasses
import secrets
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.data.splits import parts_for
from benchmark.estimators import metrics
from benchmark.records.npz import pack_predictions
from benchmark.records.schema import DatasetInfo, ModelInfo, Predictions, SavedModel
from benchmark.records.store import Store, Stored, plain
from benchmark.runner.job import Job, Result, Saved
from benchmark.specs import Dataset, ModelSpec, Profile, Run
from benchmark.utils.files import explain_write_errors


def result_parts(job: Job, name: str, result: Result, total_seconds: float, store: Store) -> dict[str, Any]:
    """Write predictions and model; return the fields that a record has only with a result."""
    content, scores = pack_predictions(result.arrays, job.run)
    file, sha256 = store.write_predictions(job.run, name, content)
    return {
        "status": "ok",
        "validation": result.validation,
        "test": result.test,
        "variants": result.variants,
        "cost": result.cost.model_copy(update={"total_seconds": total_seconds - result.saving_seconds}),
        "epochs": result.epochs,
        "epoch_tests": result.epoch_tests,
        "corruptions": result.corruptions,
        "warnings": result.warnings,
        "predictions": Predictions(file=file, sha256=sha256, scores=scores),
        **_saved_parts(job, name, result),
    }


def unfinished_model(record: Path) -> Path:
    """Where a worker may write a fitted model until its record names it (:mod:`benchmark.records.cleanup`)."""
    return record.with_name(f".{record.stem}.model-{secrets.token_hex(4)}")


def _saved_parts(job: Job, name: str, result: Result) -> dict[str, Any]:
    """Put the saved model beside its record; return the record's fields about it."""
    saved = result.saved
    if not isinstance(saved, Saved) or job.save is None:
        return {"not_saved": saved}
    path = job.save.with_name(f"{name}-{saved.sha256[:8]}.{saved.format}")
    with explain_write_errors(path):
        job.save.replace(path)
    fields = {name: value for name, value in dataclasses.asdict(saved).items() if value is not None}
    return {"saved": SavedModel(file=path.name, **fields)}


def has_model(stored: Stored) -> bool:
    """Whether a record's fitted model is beside it in its full size, or can never be saved."""
    saved, reason = stored.record.saved, stored.record.not_saved
    if saved is None:
        return reason is not None and reason.lasting
    path = stored.path.parent / saved.file
    return path.is_file() and path.stat().st_size == saved.size_bytes


def dataset_info(dataset: Dataset, profile: Profile) -> DatasetInfo:
    parts = parts_for(dataset, profile)
    height, width, channels = dataset.train_images.shape[1:]
    return DatasetInfo(
        title=dataset.title,
        fingerprint=dataset.fingerprint,
        source=dataset.source,
        class_names=dataset.class_names,
        image_shape=(height, width, channels),
        train_size=len(parts.train),
        validation_size=len(parts.validation),
        test_size=len(parts.test),
        groups=dataset.account.groups,
        metric=default_metric(dataset),
        preparation=plain(dataclasses.asdict(dataset.preparation)),
    )


def default_metric(dataset: Dataset) -> str:
    """The name of the metric that a data set's models are compared by, where no other is asked for."""
    labels = np.concatenate([dataset.train_labels, dataset.test_labels])
    return metrics.default(np.bincount(labels, minlength=len(dataset.class_names)))


def model_info(model: ModelSpec, run: Run, implementation: str | None) -> ModelInfo:
    return ModelInfo(
        family=model.family,
        convolutional=bool(model.convolutional),
        pretrained=model.pretrained,
        version=model.version,
        description=model.description,
        build=model.build,
        params=plain(model.params_for(run)),
        implementation=implementation,
        base=model.base,
        settings=model.settings,
        stochastic=model.stochastic,
        trivial=model.trivial,
        adapted=plain(model.adapted),
        source=model.source,
    )
