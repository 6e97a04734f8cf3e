"""What a worker does: load, fit, predict, score, measure.

The test set is kept in a vault (``docs/decisions/0006-test-vault.md``). Until ``fit`` returns, nothing of it is in this
process; then its images are read, and its labels only after all predictions have been made and copied. The images of a
fold are kept likewise. This guards the
interface against an oversight, not the machine against malice: a model that opens the cache's files, or starts a
thread that waits, finds what it looks for.
"""

from __future__ import annotations

import contextlib
import dataclasses
import random
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import threadpoolctl

from benchmark.data import cache, corruptions
from benchmark.data.splits import Parts, parts_for
from benchmark.errors import OF_OTHERS, UserError
from benchmark.estimators import details, scoring
from benchmark.estimators import serialization as saving
from benchmark.estimators.adapter import Adapter, Answer, configured, implementation, inputs
from benchmark.estimators.details import Details
from benchmark.estimators.feature_cache import unkept
from benchmark.estimators.metrics import METRICS, Predicted
from benchmark.estimators.timing import Stopwatch
from benchmark.records.schema import Cost, Metrics, NotSaved, Variant
from benchmark.runner.environment import memory_bytes
from benchmark.runner.job import Job, Result, Saved
from benchmark.specs import Dataset, Split
from benchmark.utils.format import described, in_one_line

OnEpoch = Callable[[dict[str, float | None]], None]
CHECKED = 200  # Images that a saved model has to predict again.
AUROC = METRICS["auroc"]
SAME_SHARE = 0.005  # Of them may differ: a model made portable computes in another order.


@dataclasses.dataclass(frozen=True)
class Kept:
    """A fitted model with some images and the labels that it predicts for them."""

    fitted: Adapter
    images: np.ndarray
    labels: np.ndarray


Keep = Callable[[Kept], object]


def execute(job: Job, on_epoch: OnEpoch, keep: Keep = lambda kept: None) -> Result:
    """Fit and score the job's model in this process.

    ``on_epoch`` is called after each epoch of a network; ``keep`` gets the fitted model after its last prediction.
    """
    pool, parts = _learnable(job)
    random.seed(job.random_state)
    np.random.seed(job.random_state)
    with unkept() if job.pilot else contextlib.nullcontext():
        outputs = _fit_and_predict(job, pool, parts, on_epoch, keep)
    # The model is gone, unless it is to be saved, and its predictions are in arrays of our own.
    labels = {"validation": np.asarray(pool.train_labels[parts.validation])}
    if job.test:
        test_labels = _read_test(job, "labels")
        labels["test"] = test_labels[_places(job, len(test_labels))]
    if job.profile.folds is not None and job.parts is not None:
        outputs.index["validation"] = job.parts.validation
    return _scored(outputs, labels, len(pool.class_names), job)


def _changed(job: Job) -> UserError:
    return UserError(f"The data set {job.dataset.name} was changed during the run.", "Run the same command again.")


def _learnable(job: Job) -> tuple[Dataset, Parts]:
    """The data set without its test images, and the parts as places in that; of a fold, in a copy of its training and
    validation images, so that nothing of the others is even mapped."""
    pool = cache.read_pool(job.dataset)
    if pool is None or pool.fingerprint != job.fingerprint:
        raise _changed(job)
    parts = job.parts or parts_for(pool, job.profile)
    if job.profile.folds is None:
        return pool, parts
    rows = np.union1d(parts.train, parts.validation)
    images, labels = _rows(job, "images", rows), _rows(job, "labels", rows)
    train, validation = np.searchsorted(rows, parts.train), np.searchsorted(rows, parts.validation)
    pool = dataclasses.replace(
        pool,
        train_images=images,
        train_labels=labels,
        test_images=images[:0],
        test_labels=labels[:0],
        split=Split(train=train, validation=validation),
    )
    return pool, Parts(train=train, validation=validation, test=parts.test)


def _rows(job: Job, what: Literal["images", "labels"], rows: np.ndarray) -> np.ndarray:
    array = cache.read_rows(job.dataset, what, rows, job.fingerprint)
    if array is None:
        raise _changed(job)
    return array


def _read_test(job: Job, what: Literal["images", "labels"]) -> np.ndarray:
    """The test images or their labels; of a fold, those alone; of a pilot, the training images that stand for them."""
    if job.profile.folds is not None and job.parts is not None:
        return _rows(job, what, job.parts.test)
    if job.pilot:
        pool = cache.read_pool(job.dataset)
        array = None if pool is None else pool.train_images if what == "images" else pool.train_labels
    else:
        array = cache.read_test(job.dataset, what, job.fingerprint)
    if array is None:
        raise _changed(job)
    return array


def _places(job: Job, n_read: int) -> np.ndarray:
    """Which of the images that :func:`_read_test` returns are to be predicted."""
    return np.arange(n_read) if job.parts is None or job.profile.folds is not None else job.parts.test


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


def _fit_and_predict(job: Job, pool: Dataset, parts: Parts, on_epoch: OnEpoch, keep: Keep) -> Outputs:
    n_classes = len(pool.class_names)
    # Imported before the limit is set, which holds only for libraries that are loaded by then.
    model = configured(job.model.create(job.run), job.random_state, job.threads, job.device)
    fitted = Adapter.for_labels(model, pool.train_labels[parts.train], n_classes)
    libraries = memory_bytes(peak=False)
    with threadpoolctl.threadpool_limits(job.threads):
        watch, X_val = Stopwatch(), inputs(pool.train_images, parts.validation, job.model)
        fit_seconds = _fit(fitted, job, pool, parts, X_val, on_epoch, watch)

        index, images = {"validation": parts.validation}, {"validation": X_val}
        if job.test:
            test_images = _read_test(job, "images")
            places = _places(job, len(test_images))
            index["test"] = places if job.parts is None else job.parts.test
            images["test"] = inputs(test_images, places, job.model)
        timed = "test" if job.test else "validation"
        watch.lap()
        predicted = fitted.predict(images[timed])
        predict_seconds = watch.lap()

        scoring = Stopwatch()
        predictions = {timed: fitted.answer(images[timed], predicted)}
        for part in images.keys() - predictions.keys():
            predictions[part] = fitted.answer(images[part])
        told = Details(model)
        variants = told.get("variants", lambda others: _variants(others, fitted, images), {}) if job.test else {}
        epochs = told.get("by_epoch", lambda then: _by_epoch(then, fitted, images["test"]), ()) if job.test else ()
        scoring_seconds = scoring.lap() - scoring.spared
        peak = memory_bytes(peak=True)  # Corrupted images count neither here nor in the seconds above.
        corrupted = {}
        if job.corruptions and job.test:
            corrupted = _corrupted(fitted, job, test_images[places])
    keep(Kept(fitted, images[timed][:CHECKED], predictions[timed].predicted[:CHECKED]))
    seconds = {
        "fit_seconds": fit_seconds,
        "predict_seconds": predict_seconds,
        "cached_seconds": watch.spared,
        "scoring_seconds": scoring_seconds,
    }
    memory = None if libraries is None or peak is None else max(0, peak - libraries)
    return Outputs(index, predictions, variants, epochs, corrupted, _fields(model, told, job, seconds, memory))


def _fit(
    fitted: Adapter, job: Job, pool: Dataset, parts: Parts, X_val: np.ndarray, on_epoch: OnEpoch, watch: Stopwatch
) -> float:
    """Fit, and return the seconds that it took."""
    X = inputs(pool.train_images, parts.train, job.model)
    y = fitted.encode(pool.train_labels[parts.train])
    if not job.model.validates:
        watch.lap()
        fitted.fit(X, y)
        return watch.lap()
    y_val = fitted.encode(pool.train_labels[parts.validation])

    def report(row: Mapping[str, Any]) -> None:
        with contextlib.suppress(TypeError, ValueError):  # Progress that cannot be shown is no reason to stop.
            on_epoch(details.finite(row))

    watch.lap()
    fitted.fit(X, y, X_val=X_val, y_val=y_val, on_epoch=report)
    return watch.lap()


def _fields(model: Any, told: Details, job: Job, seconds: dict[str, float], memory: int | None) -> dict[str, Any]:
    """What a result says besides predictions and scores."""
    device = told.get("device", details.text, "cpu")
    return {
        "cost": Cost(
            **seconds,
            total_seconds=0.0,  # The supervisor knows.
            peak_memory_bytes=memory,
            parameter_count=told.get("parameter_count", details.number, None),
            threads=job.threads,
            device=device,
            precision=told.get("precision", details.text, None),
        ),
        "gpu": told.get("device", _gpu, None),
        "implementation": told.get("implementation", details.text, None) or implementation(model),
        "epochs": told.get("history", details.rows, ()),
        "warnings": tuple(told.problems),
    }


def _variants(
    others: Mapping[str, Any], fitted: Adapter, images: Mapping[str, np.ndarray]
) -> dict[str, tuple[dict[str, Answer], float]]:
    """Predictions of the fitted model in its other ways to predict, and seconds for the test images."""
    variants = {}
    for words, model in others.items():
        watch, variant = Stopwatch(), fitted.of(model)
        predicted = model.predict(images["test"])
        seconds = watch.lap()
        answers = {
            "test": variant.answer(images["test"], predicted),
            "validation": variant.answer(images["validation"]),
        }
        variants[details.text(words)] = (answers, seconds)
    return variants


def _by_epoch(models: Iterable[Any], fitted: Adapter, images: np.ndarray) -> tuple[np.ndarray | None, ...]:
    """What the model would have predicted after each epoch."""
    return tuple(None if then is None else fitted.of(then).labels(images) for then in models)


def _corrupted(fitted: Adapter, job: Job, images: np.ndarray) -> dict[str, list[np.ndarray]]:
    """Predicted labels of corrupted ``images`` uint8 (n, h, w, c), by corruption, from the mildest severity on."""
    predicted: dict[str, list[np.ndarray]] = {}
    every = np.arange(len(images))
    with unkept():
        for name, _, changed in corruptions.versions(images, job.dataset.name):
            labels = fitted.labels(inputs(changed, every, job.model))
            predicted.setdefault(name, []).append(labels)
    return predicted


def _scored(outputs: Outputs, labels: Mapping[str, np.ndarray], n_classes: int, job: Job) -> Result:
    """Compare predictions with labels; collect what is kept of every image. A trivial model is not doubted."""

    def scores(predictions: Mapping[str, Answer]) -> dict[str, Metrics]:
        return {
            part: scoring.evaluate(labels[part], one.predicted, n_classes, one.probabilities, one.decision)
            for part, one in predictions.items()
        }

    def accuracy(predicted: np.ndarray) -> float:
        return float(np.mean(predicted == labels["test"]))

    label_type = np.uint8 if n_classes <= 256 else np.int32
    arrays: dict[str, np.ndarray] = {}
    for part, one in outputs.predictions.items():
        arrays[f"{part}_index"] = outputs.index[part].astype(np.int32)
        arrays[f"{part}_labels"] = labels[part].astype(label_type)
        arrays[f"{part}_predicted"] = one.predicted.astype(label_type)
        if one.probabilities is not None and not any(other.problem for other in outputs.predictions.values()):
            arrays[f"{part}_probabilities"] = one.probabilities
        if one.decision is not None:  # Decision values themselves would take ten times as much room.
            found = Predicted(labels[part], one.predicted, n_classes, one.decision)
            arrays[f"{part}_{AUROC.name}"] = AUROC.contributions(found).astype(np.float32)
    by_part = scores(outputs.predictions)
    doubted = {} if job.model.trivial else outputs.predictions
    weighted = job.model.params_for(job.run).get("class_weight") is not None
    doubts = {
        doubt for part, one in doubted.items() for doubt in scoring.doubts(part, labels[part], one, weighted=weighted)
    }
    warnings = (*sorted(doubts), *outputs.fields.pop("warnings"))
    return Result(
        warnings=warnings,
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


def save(kept: Kept, job: Job, path: Path) -> Saved | NotSaved:
    """Write a fitted model to ``path`` and read it again; or say why it is not saved."""
    try:
        kind = saving.save(kept.fitted.model, path)
        unfitted = configured(job.model.create(job.run), job.random_state, job.threads, job.device)
        again = configured(saving.read(path.read_bytes(), kind, unfitted), job.random_state, job.threads)
        with unkept():
            differing = int((kept.fitted.of(again).labels(kept.images) != kept.labels).sum())
        if differing > SAME_SHARE * len(kept.labels):
            raise saving.CannotBeSavedError(
                f"read again, it predicts {differing} of {len(kept.labels)} images differently"
            )
        classes = kept.fitted.classes
        known = None if len(classes) == kept.fitted.n_classes else tuple(int(label) for label in classes)
        return Saved(kind, saving.sha256(path), path.stat().st_size, known)
    except (OSError, MemoryError) as error:
        return NotSaved(reason=described(error), lasting=False)
    except OF_OTHERS as error:  # Its result has been sent.
        return NotSaved(reason=in_one_line(error), lasting=True)


def _gpu(device: Any) -> str | None:
    if not str(device).startswith("cuda"):
        return None
    import torch

    return str(torch.cuda.get_device_name(str(device)))
