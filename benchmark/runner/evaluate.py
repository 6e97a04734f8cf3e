"""What a worker does: load, fit, predict, score, measure.

The test set is kept in a vault (``docs/decisions/0006-test-vault.md``). Until ``fit`` returns, nothing of it is in this
process; then its images are read, and its labels only after all predictions have been made and copied. This guards the
interface against an oversight, not the machine against malice: a model that opens the cache's files, or starts a
thread that waits, finds what it looks for.
"""

from __future__ import annotations

import dataclasses
import math
import random
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import threadpoolctl

from benchmark.data import cache, corruptions
from benchmark.data.splits import Parts, parts_for
from benchmark.errors import UnsupportedError, UserError
from benchmark.estimators import metrics
from benchmark.estimators import serialization as saving
from benchmark.estimators.adapter import Answer, answer, configured, implementation, inputs
from benchmark.estimators.feature_cache import unkept
from benchmark.estimators.timing import Stopwatch
from benchmark.records.schema import Cost, Metrics, NotSaved, Variant
from benchmark.runner.environment import memory_bytes
from benchmark.runner.job import Job, Result, Saved
from benchmark.specs import Dataset
from benchmark.utils.format import first_line

OnEpoch = Callable[[dict[str, float | None]], None]


def execute(job: Job, on_epoch: OnEpoch, keep: Callable[[Any], object] = lambda model: None) -> Result:
    """Fit and score the job's model in this process.

    ``on_epoch`` is called after each epoch of a network; ``keep`` gets the fitted model after its last prediction.
    """
    pool = cache.read_pool(job.dataset)
    if pool is None or pool.fingerprint != job.fingerprint:
        raise _changed(job)
    parts = parts_for(pool, job.profile)
    random.seed(job.random_state)
    np.random.seed(job.random_state)
    outputs = _fit_and_predict(job, pool, parts, on_epoch, keep)
    # The model is gone, unless it is to be saved, and its predictions are in arrays of our own.
    labels = {"validation": np.asarray(pool.train_labels[parts.validation])}
    if job.test:
        labels["test"] = _read_test(job, "labels")[outputs.index["test"]]
    return _scored(outputs, labels, len(pool.class_names))


def _changed(job: Job) -> UserError:
    return UserError(f"The data set {job.dataset.name} was changed during the run.", "Run the same command again.")


def _read_test(job: Job, what: Literal["images", "labels"]) -> np.ndarray:
    array = cache.read_test(job.dataset, what, job.fingerprint)
    if array is None:
        raise _changed(job)
    return array


@dataclasses.dataclass(frozen=True)
class Outputs:
    """All predictions of a fitted model, by part: ``validation`` and, unless the job goes without, ``test``.

    ``index`` are the images' places in the data set, ``variants`` the predictions of other ways to predict with their
    seconds, ``epochs`` and ``corrupted`` predicted labels of the test images (n,): after each epoch, and by corruption
    from the mildest severity on; ``fields`` those of :class:`Result` that need no labels.
    """

    index: dict[str, np.ndarray]
    predictions: dict[str, Answer]
    variants: dict[str, tuple[dict[str, Answer], float]]
    epochs: tuple[np.ndarray | None, ...]
    corrupted: dict[str, list[np.ndarray]]
    fields: dict[str, Any]


def _fit_and_predict(
    job: Job, pool: Dataset, parts: Parts, on_epoch: OnEpoch, keep: Callable[[Any], object]
) -> Outputs:
    n_classes = len(pool.class_names)
    # Imported before the limit is set, which holds only for libraries that are loaded by then.
    model = configured(job.model.create(job.run), job.random_state, job.threads, job.device)
    libraries = memory_bytes(peak=False)
    with threadpoolctl.threadpool_limits(job.threads):
        watch, X_val = Stopwatch(), inputs(pool.train_images, parts.validation, job.model)
        fit_seconds = _fit(model, job, pool, parts, X_val, on_epoch, watch)

        index, images = {"validation": parts.validation}, {"validation": X_val}
        if job.test:
            test_images = _read_test(job, "images")
            index["test"] = np.arange(len(test_images)) if job.test_index is None else job.test_index
            images["test"] = inputs(test_images, index["test"], job.model)
        timed = "test" if job.test else "validation"
        watch.lap()
        predicted = model.predict(images[timed])
        predict_seconds = watch.lap()

        scoring = Stopwatch()
        predictions = {timed: answer(model, images[timed], n_classes, predicted)}
        for part in images.keys() - predictions.keys():
            predictions[part] = answer(model, images[part], n_classes)
        variants = _variants(model, images, n_classes) if job.test else {}
        epochs = _by_epoch(model, images["test"], n_classes) if job.test else ()
        scoring_seconds = scoring.lap() - scoring.spared
        peak = memory_bytes(peak=True)  # Corrupted images count neither here nor in the seconds above.
        corrupted = {}
        if job.corruptions and job.test:
            corrupted = _corrupted(model, job, test_images[index["test"]], n_classes)
    keep(model)
    seconds = {
        "fit_seconds": fit_seconds,
        "predict_seconds": predict_seconds,
        "cached_seconds": watch.spared,
        "scoring_seconds": scoring_seconds,
    }
    memory = None if libraries is None or peak is None else max(0, peak - libraries)
    return Outputs(index, predictions, variants, epochs, corrupted, _fields(model, job, seconds, memory))


def _fit(
    model: Any, job: Job, pool: Dataset, parts: Parts, X_val: np.ndarray, on_epoch: OnEpoch, watch: Stopwatch
) -> float:
    """Fit, and return the seconds that it took."""
    X = inputs(pool.train_images, parts.train, job.model)
    y = np.asarray(pool.train_labels[parts.train])
    watch.lap()
    if not job.model.validates:
        model.fit(X, y)
        return watch.lap()
    y_val = np.asarray(pool.train_labels[parts.validation])
    if not np.isin(y_val, y).all():  # Possible with very few images.
        raise UnsupportedError("the validation images show a class that the training images do not")
    model.fit(X, y, X_val=X_val, y_val=y_val, on_epoch=lambda row: on_epoch(_finite(row)))
    return watch.lap()


def _fields(model: Any, job: Job, seconds: dict[str, float], memory: int | None) -> dict[str, Any]:
    """What a result says besides predictions and scores."""
    count, precision = getattr(model, "parameter_count_", None), getattr(model, "precision_", None)
    device = str(getattr(model, "device_", "cpu"))
    return {
        "cost": Cost(
            **seconds,
            total_seconds=0.0,  # The supervisor knows.
            peak_memory_bytes=memory,
            parameter_count=None if count is None else int(count),
            threads=job.threads,
            device=device,
            precision=None if precision is None else str(precision),
        ),
        "gpu": _gpu(device),
        "implementation": implementation(model),
        "epochs": tuple(_finite(row) for row in getattr(model, "history_", ())),
    }


def _variants(
    model: Any, images: Mapping[str, np.ndarray], n_classes: int
) -> dict[str, tuple[dict[str, Answer], float]]:
    """Predictions of the fitted model in its other ways to predict, if it has any, and seconds for the test images."""
    variants = {}
    for words, variant in getattr(model, "variants", dict)().items():
        watch = Stopwatch()
        predicted = variant.predict(images["test"])
        seconds = watch.lap()
        test = answer(variant, images["test"], n_classes, predicted)
        variants[str(words)] = ({"test": test, "validation": answer(variant, images["validation"], n_classes)}, seconds)
    return variants


def _by_epoch(model: Any, images: np.ndarray, n_classes: int) -> tuple[np.ndarray | None, ...]:
    """What the model would have predicted after each epoch, if it keeps them."""
    predictors: Iterable[Any] = getattr(model, "by_epoch", tuple)()
    return tuple(
        None if then is None else metrics.check_labels(then.predict(images), len(images), n_classes)
        for then in predictors
    )


def _corrupted(model: Any, job: Job, images: np.ndarray, n_classes: int) -> dict[str, list[np.ndarray]]:
    """Predicted labels of corrupted ``images`` uint8 (n, h, w, c), by corruption, from the mildest severity on."""
    predicted: dict[str, list[np.ndarray]] = {}
    every = np.arange(len(images))
    with unkept():
        for name, _, changed in corruptions.versions(images, job.dataset.name):
            labels = model.predict(inputs(changed, every, job.model))
            predicted.setdefault(name, []).append(metrics.check_labels(labels, len(images), n_classes))
    return predicted


def _scored(outputs: Outputs, labels: Mapping[str, np.ndarray], n_classes: int) -> Result:
    """Compare predictions with labels; collect what is kept of every image."""

    def scores(predictions: Mapping[str, Answer]) -> dict[str, Metrics]:
        return {part: metrics.evaluate(labels[part], one.predicted, n_classes) for part, one in predictions.items()}

    def accuracy(predicted: np.ndarray) -> float:
        return float(np.mean(predicted == labels["test"]))

    label_type = np.uint8 if n_classes <= 256 else np.int32
    arrays: dict[str, np.ndarray] = {}
    for part, one in outputs.predictions.items():
        arrays[f"{part}_index"] = outputs.index[part].astype(np.int32)
        arrays[f"{part}_labels"] = labels[part].astype(label_type)
        arrays[f"{part}_predicted"] = one.predicted.astype(label_type)
        if one.probabilities is not None:
            arrays[f"{part}_probabilities"] = one.probabilities
    by_part = scores(outputs.predictions)
    return Result(
        validation=by_part["validation"],
        test=by_part.get("test"),
        variants={
            words: Variant(**scores(predictions), predict_seconds=seconds)
            for words, (predictions, seconds) in outputs.variants.items()
        },
        epoch_tests=tuple(None if predicted is None else accuracy(predicted) for predicted in outputs.epochs),
        corruptions={
            name: tuple(accuracy(predicted) for predicted in by_severity)
            for name, by_severity in outputs.corrupted.items()
        },
        arrays=arrays,
        **outputs.fields,
    )


def save(model: Any, path: Path) -> Saved | NotSaved:
    """Write a fitted model to ``path``, or say why not."""
    try:
        kind = saving.save(model, path)
        return Saved(kind, saving.sha256(path), path.stat().st_size)
    except (OSError, MemoryError) as error:
        return NotSaved(reason=f"{type(error).__name__}: {first_line(error)}", lasting=False)
    except Exception as error:  # A model may raise anything; its result has been sent.
        return NotSaved(reason=first_line(error)[:500], lasting=True)


def _gpu(device: str) -> str | None:
    if not device.startswith("cuda"):
        return None
    import torch

    return str(torch.cuda.get_device_name(device))


def _finite(row: Mapping[str, Any]) -> dict[str, float | None]:
    """Numbers as a record may hold them; None for what is not finite or out of range."""
    numbers = {str(name): math.nan if value is None else float(value) for name, value in row.items()}
    return {name: value if abs(value) <= 1e12 else None for name, value in numbers.items()}
