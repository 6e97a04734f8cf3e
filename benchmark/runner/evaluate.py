"""What a run does: load, fit, predict, score, measure.

The test set is kept in a vault (``docs/decisions/0006-test-vault.md``). Until ``fit`` returns, nothing of it is
in this process; then its images are read, and its labels only when the model has answered all that is asked and
its answers have been copied. This guards the interface against an oversight, not the machine against malice: a
model that opens the cache's files, or starts a thread that waits, finds what it looks for.
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
from benchmark.records.schema import Metrics, NotSaved, Variant
from benchmark.runner.environment import memory_bytes
from benchmark.runner.job import Job, Result, Saved
from benchmark.specs import Dataset
from benchmark.utils.format import first_line


def execute(
    job: Job, on_epoch: Callable[[dict[str, float | None]], None], keep: Callable[[Any], object] = lambda model: None
) -> Result:
    """Fit and score the job's model in this process.

    ``on_epoch`` hears of each epoch of a network; ``keep`` is given the fitted model when it has been asked all.
    """
    pool = cache.read_pool(job.dataset)
    if pool is None or pool.fingerprint != job.fingerprint:
        raise _changed(job)
    parts = parts_for(pool, job.profile)
    random.seed(job.random_state)
    np.random.seed(job.random_state)
    asked = _fit_and_ask(job, pool, parts, on_epoch, keep)
    # The model is gone, unless it is to be saved, and what it answered is in arrays of our own.
    labels = {"validation": np.asarray(pool.train_labels[parts.validation])}
    if job.test:
        labels["test"] = _read_test(job, "labels")[asked.index["test"]]
    return _scored(asked, labels, len(pool.class_names))


def _changed(job: Job) -> UserError:
    return UserError(f"The data set {job.dataset.name} was changed during the run.", "Run the same command again.")


def _read_test(job: Job, what: Literal["images", "labels"]) -> np.ndarray:
    found = cache.read_test(job.dataset, what, job.fingerprint)
    if found is None:
        raise _changed(job)
    return found


@dataclasses.dataclass(frozen=True)
class Asked:
    """All that a fitted model had to say, by part: ``validation`` and, unless the job goes without, ``test``.

    ``index`` are the images' places in the data set, ``variants`` the answers of other ways to predict with their
    seconds, ``epochs`` and ``corrupted`` predicted labels of the test images (n,): after each epoch, and by corruption
    from the mildest severity on, ``told`` the fields of :class:`Result` that need no labels.
    """

    index: dict[str, np.ndarray]
    answers: dict[str, Answer]
    variants: dict[str, tuple[dict[str, Answer], float]]
    epochs: tuple[np.ndarray | None, ...]
    corrupted: dict[str, list[np.ndarray]]
    told: dict[str, Any]


def _fit_and_ask(
    job: Job,
    pool: Dataset,
    parts: Parts,
    on_epoch: Callable[[dict[str, float | None]], None],
    keep: Callable[[Any], object],
) -> Asked:
    n_classes = len(pool.class_names)
    # Imported before the limit is set, which holds only for libraries that are loaded by then.
    model = configured(job.model.create(job.run), job.random_state, job.threads, job.device)
    libraries = memory_bytes(peak=False)
    with threadpoolctl.threadpool_limits(job.threads):
        X = inputs(pool.train_images, parts.train, job.model)
        y = np.asarray(pool.train_labels[parts.train])
        X_val = inputs(pool.train_images, parts.validation, job.model)

        watch = Stopwatch()
        if job.model.validates:
            y_val = np.asarray(pool.train_labels[parts.validation])
            if not np.isin(y_val, y).all():  # With very few images that may be.
                raise UnsupportedError("the validation images show a class that the training images do not")
            model.fit(X, y, X_val=X_val, y_val=y_val, on_epoch=lambda row: on_epoch(_finite(row)))
        else:
            model.fit(X, y)
        fit_seconds = watch.lap()
        del X

        index, images = {"validation": parts.validation}, {"validation": X_val}
        if job.test:
            every = _read_test(job, "images")
            index["test"] = np.arange(len(every)) if job.test_index is None else job.test_index
            images["test"] = inputs(every, index["test"], job.model)
        timed = "test" if job.test else "validation"
        watch.lap()
        predicted = model.predict(images[timed])
        predict_seconds = watch.lap()
        cached_seconds = watch.spared

        scoring = Stopwatch()
        answers = {timed: answer(model, images[timed], n_classes, predicted)}
        for part in images.keys() - answers.keys():
            answers[part] = answer(model, images[part], n_classes)
        variants = _variants(model, images, n_classes) if job.test else {}
        epochs = _by_epoch(model, images["test"], n_classes) if job.test else ()
        scoring_seconds = scoring.lap() - scoring.spared
        peak = memory_bytes(peak=True)  # Corrupted images count neither here nor in the seconds above.
        corrupted = {}
        if job.corruptions and job.test:
            corrupted = _corrupted(model, job, every[index["test"]], n_classes)

    keep(model)
    count = getattr(model, "parameter_count_", None)
    device, precision = str(getattr(model, "device_", "cpu")), getattr(model, "precision_", None)
    told = {
        "fit_seconds": fit_seconds,
        "predict_seconds": predict_seconds,
        "cached_seconds": cached_seconds,
        "scoring_seconds": scoring_seconds,
        "peak_memory_bytes": _added(libraries, peak),
        "parameter_count": None if count is None else int(count),
        "device": device,
        "precision": None if precision is None else str(precision),
        "gpu": _gpu(device),
        "implementation": implementation(model),
        "epochs": tuple(_finite(row) for row in getattr(model, "history_", ())),
    }
    return Asked(index, answers, variants, epochs, corrupted, told)


def _variants(
    model: Any, images: Mapping[str, np.ndarray], n_classes: int
) -> dict[str, tuple[dict[str, Answer], float]]:
    """What the fitted model says in its other ways to predict, where it has any, and how long the test images took."""
    found = {}
    for words, variant in getattr(model, "variants", dict)().items():
        watch = Stopwatch()
        predicted = variant.predict(images["test"])
        seconds = watch.lap()
        test = answer(variant, images["test"], n_classes, predicted)
        found[str(words)] = ({"test": test, "validation": answer(variant, images["validation"], n_classes)}, seconds)
    return found


def _by_epoch(model: Any, images: np.ndarray, n_classes: int) -> tuple[np.ndarray | None, ...]:
    """What the model would have said after each epoch, where it can tell."""
    predictors: Iterable[Any] = getattr(model, "by_epoch", tuple)()
    return tuple(
        None if then is None else metrics.check_labels(then.predict(images), len(images), n_classes)
        for then in predictors
    )


def _corrupted(model: Any, job: Job, images: np.ndarray, n_classes: int) -> dict[str, list[np.ndarray]]:
    """What the model says of corrupted ``images`` uint8 (n, h, w, c), by corruption, from the mildest severity on."""
    said: dict[str, list[np.ndarray]] = {}
    every = np.arange(len(images))
    with unkept():
        for name, _, changed in corruptions.versions(images, job.dataset.name):
            found = model.predict(inputs(changed, every, job.model))
            said.setdefault(name, []).append(metrics.check_labels(found, len(images), n_classes))
    return said


def _scored(asked: Asked, labels: Mapping[str, np.ndarray], n_classes: int) -> Result:
    """Hold the answers against the labels; put what is kept of every image into arrays."""

    def scores(answers: Mapping[str, Answer]) -> dict[str, Metrics]:
        return {part: metrics.evaluate(labels[part], said.predicted, n_classes) for part, said in answers.items()}

    label_type = np.uint8 if n_classes <= 256 else np.int32
    arrays: dict[str, np.ndarray] = {}
    for part, said in asked.answers.items():
        arrays[f"{part}_index"] = asked.index[part].astype(np.int32)
        arrays[f"{part}_labels"] = labels[part].astype(label_type)
        arrays[f"{part}_predicted"] = said.predicted.astype(label_type)
        if said.probabilities is not None:
            arrays[f"{part}_probabilities"] = said.probabilities
    found = scores(asked.answers)
    return Result(
        validation=found["validation"],
        test=found.get("test"),
        variants={
            words: Variant(**scores(answers), predict_seconds=seconds)
            for words, (answers, seconds) in asked.variants.items()
        },
        epoch_tests=tuple(None if found is None else float(np.mean(found == labels["test"])) for found in asked.epochs),
        corruptions={
            name: tuple(float(np.mean(found == labels["test"])) for found in by_severity)
            for name, by_severity in asked.corrupted.items()
        },
        arrays=arrays,
        **asked.told,
    )


def save(model: Any, path: Path) -> Saved | NotSaved:
    """Write a fitted model to ``path``, or say why not."""
    try:
        kind = saving.save(model, path)
        return Saved(kind, saving.sha256(path), path.stat().st_size)
    except (OSError, MemoryError) as error:
        return NotSaved(reason=f"{type(error).__name__}: {first_line(error)}", lasting=False)
    except Exception as error:  # A model may raise anything; its result is there already.
        return NotSaved(reason=first_line(error)[:500], lasting=True)


def _added(before: int | None, peak: int | None) -> int | None:
    return None if before is None or peak is None else max(0, peak - before)


def _gpu(device: str) -> str | None:
    if not device.startswith("cuda"):
        return None
    import torch

    return str(torch.cuda.get_device_name(device))


def _finite(row: Mapping[str, Any]) -> dict[str, float | None]:
    """Numbers that a record may hold; what is not finite, or beyond all sense, is None."""
    numbers = {str(name): math.nan if value is None else float(value) for name, value in row.items()}
    return {name: value if abs(value) <= 1e12 else None for name, value in numbers.items()}
