"""What a cell does: load, fit, predict, score, measure.

The test set is kept in a vault (``docs/decisions/0006-test-vault.md``). Until ``fit`` returns, nothing of it is
in this process; then its images are read, and its labels only when the model has answered all that is asked and
its answers have been copied. This guards the interface against an oversight, not the machine against malice: a
model that opens the cache's files, or starts a thread that waits, finds what it looks for.
"""

from __future__ import annotations

import dataclasses
import importlib.metadata
import math
import random
import sys
from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np
import threadpoolctl

from benchmark import metrics
from benchmark.clock import Stopwatch
from benchmark.contract import Dataset, ModelSpec, UserError
from benchmark.data import cache
from benchmark.data.splits import Parts, parts_for
from benchmark.environment import memory_bytes
from benchmark.messages import Job, Result
from benchmark.schema import Metrics, Variant


def execute(job: Job, on_epoch: Callable[[dict[str, float | None]], None]) -> Result:
    """Fit and score the job's model in this process; ``on_epoch`` hears of each epoch of a network."""
    pool = cache.read_pool(job.dataset)
    if pool is None or pool.fingerprint != job.fingerprint:
        raise _changed(job)
    parts = parts_for(pool, job.profile)
    random.seed(job.random_state)
    np.random.seed(job.random_state)
    asked = _fit_and_ask(job, pool, parts, on_epoch)
    # The model is gone, and what it answered is in arrays of our own.
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
class Answer:
    """What a model predicted: int64 (n,) and, where it has probabilities, float32 (n, k); copies, so that it
    cannot change them later."""

    predicted: np.ndarray
    probabilities: np.ndarray | None


@dataclasses.dataclass(frozen=True)
class Asked:
    """All that a fitted model had to say, by part: ``validation`` and, unless the job goes without, ``test``.

    ``index`` are the images' places in the data set, ``variants`` the answers of other ways to predict with their
    seconds, ``told`` the fields of :class:`Result` that need no labels.
    """

    index: dict[str, np.ndarray]
    answers: dict[str, Answer]
    variants: dict[str, tuple[dict[str, Answer], float]]
    told: dict[str, Any]


def _fit_and_ask(job: Job, pool: Dataset, parts: Parts, on_epoch: Callable[[dict[str, float | None]], None]) -> Asked:
    n_classes = len(pool.class_names)
    # Imported before the limit is set, which holds only for libraries that are loaded by then.
    model = configured(job.model.create(job.cell), job.random_state, job.threads, job.device)
    libraries = memory_bytes(peak=False)
    with threadpoolctl.threadpool_limits(job.threads):
        X = inputs(pool.train_images, parts.train, job.model)
        y = np.asarray(pool.train_labels[parts.train])
        X_val = inputs(pool.train_images, parts.validation, job.model)

        watch = Stopwatch()
        if job.model.validates:
            y_val = np.asarray(pool.train_labels[parts.validation])
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
        answers = {timed: _answer(model, images[timed], n_classes, predicted)}
        for part in images.keys() - answers.keys():
            answers[part] = _answer(model, images[part], n_classes)
        variants = _variants(model, images, n_classes) if job.test else {}
        scoring_seconds = scoring.lap() - scoring.spared

    count = getattr(model, "parameter_count_", None)
    device, precision = str(getattr(model, "device_", "cpu")), getattr(model, "precision_", None)
    told = {
        "fit_seconds": fit_seconds,
        "predict_seconds": predict_seconds,
        "cached_seconds": cached_seconds,
        "scoring_seconds": scoring_seconds,
        "peak_memory_bytes": _added(libraries, memory_bytes(peak=True)),
        "parameter_count": None if count is None else int(count),
        "device": device,
        "precision": None if precision is None else str(precision),
        "gpu": _gpu(device),
        "implementation": implementation(model),
        "epochs": tuple(_finite(row) for row in getattr(model, "history_", ())),
    }
    return Asked(index, answers, variants, told)


def _answer(model: Any, images: np.ndarray, n_classes: int, predicted: np.ndarray | None = None) -> Answer:
    """What ``model`` says of ``images``; ``predicted`` if it has said that already."""
    labels = metrics.check_labels(model.predict(images) if predicted is None else predicted, len(images), n_classes)
    probabilities = all_classes(model, images, n_classes)
    if probabilities is not None:
        probabilities = metrics.check_probabilities(probabilities, len(images), n_classes)
    return Answer(labels, probabilities)


def _variants(
    model: Any, images: Mapping[str, np.ndarray], n_classes: int
) -> dict[str, tuple[dict[str, Answer], float]]:
    """What the fitted model says in its other ways to predict, where it has any, and how long the test images took."""
    found = {}
    for words, variant in getattr(model, "variants", dict)().items():
        watch = Stopwatch()
        predicted = variant.predict(images["test"])
        seconds = watch.lap()
        test = _answer(variant, images["test"], n_classes, predicted)
        found[str(words)] = ({"test": test, "validation": _answer(variant, images["validation"], n_classes)}, seconds)
    return found


def _scored(asked: Asked, labels: Mapping[str, np.ndarray], n_classes: int) -> Result:
    """Hold the answers against the labels; put what is kept of every image into arrays."""

    def scores(answers: Mapping[str, Answer]) -> dict[str, Metrics]:
        return {part: metrics.evaluate(labels[part], answer.predicted, n_classes) for part, answer in answers.items()}

    label_type = np.uint8 if n_classes <= 256 else np.int32
    arrays: dict[str, np.ndarray] = {}
    for part, answer in asked.answers.items():
        arrays[f"{part}_index"] = asked.index[part].astype(np.int32)
        arrays[f"{part}_labels"] = labels[part].astype(label_type)
        arrays[f"{part}_predicted"] = answer.predicted.astype(label_type)
        if answer.probabilities is not None:
            arrays[f"{part}_probabilities"] = answer.probabilities
    found = scores(asked.answers)
    return Result(
        validation=found["validation"],
        test=found.get("test"),
        variants={
            words: Variant(**scores(answers), predict_seconds=seconds)
            for words, (answers, seconds) in asked.variants.items()
        },
        arrays=arrays,
        **asked.told,
    )


def _added(before: int | None, peak: int | None) -> int | None:
    return None if before is None or peak is None else max(0, peak - before)


def configured(model: Any, random_state: int, threads: int, device: str = "auto") -> Any:
    """Set the seed wherever the model, or a step inside it, takes one, the device, and the number of threads.

    Threads go to the outermost step that takes them; the steps inside it get one each, or a forest in a
    vote of ten would start ten times as many as allowed.
    """
    names = model.get_params() if hasattr(model, "get_params") else {}
    chosen = {name: random_state for name in names if name.rpartition("__")[2] == "random_state"}
    if device != "auto":  # Otherwise the model's own default holds.
        chosen |= {name: device for name in names if name.rpartition("__")[2] == "device"}
    pools = sorted((name for name in names if name.rpartition("__")[2] == "n_jobs"), key=lambda name: name.count("__"))
    for name in pools:
        inside = any(name.startswith(outer.removesuffix("n_jobs")) for outer in pools if outer != name)
        chosen[name] = 1 if inside else threads
    return model.set_params(**chosen) if chosen else model


def inputs(images: np.ndarray, index: np.ndarray, model: ModelSpec) -> np.ndarray:
    """The images in the form the model asks for (``ModelSpec.inputs``), copied out of the memory map."""
    chosen = images[index]
    if model.inputs == "images":
        return np.ascontiguousarray(chosen)
    flat: np.ndarray = chosen.reshape(len(chosen), -1).astype(np.float32)
    flat /= 255
    return flat


def all_classes(model: Any, images: np.ndarray, n_classes: int) -> np.ndarray | None:
    """Probabilities with a column for every class, also for those that training has not shown; None if
    the model has no probabilities."""
    if not hasattr(model, "predict_proba"):
        return None
    probabilities = np.asarray(model.predict_proba(images))
    seen = getattr(model, "classes_", None)
    if seen is None or len(seen) == n_classes or probabilities.shape[-1] != len(seen):
        return probabilities
    every = np.zeros((len(probabilities), n_classes), dtype=probabilities.dtype)
    every[:, seen] = probabilities
    return every


def implementation(model: Any) -> str:
    """What did the work: in the model's own words, or the nearest class not of this project, with its version."""
    told = getattr(model, "implementation_", None)
    if told is not None:
        return str(told)
    for base in type(model).__mro__:
        package = base.__module__.partition(".")[0]
        if package not in ("baselines", "cnn"):
            if base.__name__ in ("ClassifierMixin", "BaseEstimator", "object"):
                break
            names = importlib.metadata.packages_distributions().get(package, [])
            version = f" {importlib.metadata.version(names[0])}" if names else ""
            return f"{base.__module__}.{base.__qualname__}{version}"
    version = importlib.metadata.version("torch") if "torch" in sys.modules else ""
    return f"{type(model).__module__}.{type(model).__qualname__}" + (f" on torch {version}" if version else "")


def _gpu(device: str) -> str | None:
    if not device.startswith("cuda"):
        return None
    import torch

    return str(torch.cuda.get_device_name(device))


def _finite(row: Mapping[str, Any]) -> dict[str, float | None]:
    """Numbers that a record may hold; what is not finite, or beyond all sense, is None."""
    numbers = {str(name): math.nan if value is None else float(value) for name, value in row.items()}
    return {name: value if abs(value) <= 1e12 else None for name, value in numbers.items()}
