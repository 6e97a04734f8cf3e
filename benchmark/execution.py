"""What a cell does: load, fit, predict, score, measure.

The test images are read only after the model has been fitted; until then it can have seen nothing but
training and validation images.
"""

from __future__ import annotations

import dataclasses
import importlib.metadata
import math
import random
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import threadpoolctl

from benchmark import corruptions, metrics, saving
from benchmark.clock import Stopwatch
from benchmark.contract import ModelSpec, UnsupportedError, UserError
from benchmark.data import cache
from benchmark.data.splits import parts_for
from benchmark.environment import memory_bytes
from benchmark.feature_cache import unkept
from benchmark.messages import Job, Result, Saved
from benchmark.schema import Metrics, NotSaved, Variant
from benchmark.units import first_line


def execute(
    job: Job, on_epoch: Callable[[dict[str, float | None]], None], keep: Callable[[Any], object] = lambda model: None
) -> Result:
    """Fit and score the job's model in this process.

    ``on_epoch`` hears of each epoch of a network; ``keep`` is given the fitted model when it has been asked all.
    """
    dataset = cache.read(job.dataset, verify=False)
    if dataset is None or dataset.fingerprint != job.fingerprint:
        raise UserError(f"The data set {job.dataset.name} was changed during the run.", "Run the same command again.")
    parts = parts_for(dataset, job.profile)
    n_classes = len(dataset.class_names)
    random.seed(job.random_state)
    np.random.seed(job.random_state)

    # Imported before the limit is set, which holds only for libraries that are loaded by then.
    model = configured(job.model.create(job.cell), job.random_state, job.threads, job.device)
    libraries = memory_bytes(peak=False)
    with threadpoolctl.threadpool_limits(job.threads):
        X = inputs(dataset.train_images, parts.train, job.model)
        y = np.asarray(dataset.train_labels[parts.train])
        X_val = inputs(dataset.train_images, parts.validation, job.model)
        y_val = np.asarray(dataset.train_labels[parts.validation])
        validation = Part("validation", X_val, y_val, parts.validation)

        if job.model.validates and not np.isin(y_val, y).all():  # With very few images that may be.
            raise UnsupportedError("the validation images show a class that the training images do not")
        watch = Stopwatch()
        if job.model.validates:
            model.fit(X, y, X_val=X_val, y_val=y_val, on_epoch=lambda row: on_epoch(_finite(row)))
        else:
            model.fit(X, y)
        fit_seconds = watch.lap()
        del X

        if job.test:
            X_test = inputs(dataset.test_images, parts.test, job.model)
            test = Part("test", X_test, np.asarray(dataset.test_labels[parts.test]), parts.test)
        else:
            test = validation
        watch.lap()
        test_predicted = model.predict(test.X)
        predict_seconds = watch.lap()
        cached_seconds = watch.spared

        scoring = Stopwatch()
        arrays: dict[str, np.ndarray] = {}
        test_scores = _score(model, test, n_classes, arrays, predicted=test_predicted)
        scores = _score(model, validation, n_classes, arrays) if job.test else test_scores
        variants = _variants(model, validation, test, n_classes) if job.test else {}
        epoch_tests = _epoch_tests(model, test) if job.test else ()
        scoring_seconds = scoring.lap() - scoring.spared
        peak = memory_bytes(peak=True)  # Corrupted images count neither here nor in the seconds above.
        corrupted = {}
        if job.corruptions and job.test:
            corrupted = _corrupted(model, job, dataset.test_images[parts.test], test.y, n_classes)

    keep(model)
    count = getattr(model, "parameter_count_", None)
    device, precision = str(getattr(model, "device_", "cpu")), getattr(model, "precision_", None)
    return Result(
        validation=scores,
        test=test_scores if job.test else None,
        variants=variants,
        fit_seconds=fit_seconds,
        predict_seconds=predict_seconds,
        cached_seconds=cached_seconds,
        scoring_seconds=scoring_seconds,
        peak_memory_bytes=_added(libraries, peak),
        parameter_count=None if count is None else int(count),
        device=device,
        precision=None if precision is None else str(precision),
        gpu=_gpu(device),
        implementation=implementation(model),
        epochs=tuple(_finite(row) for row in getattr(model, "history_", ())),
        epoch_tests=epoch_tests,
        arrays=arrays,
        corruptions=corrupted,
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


@dataclasses.dataclass(frozen=True)
class Part:
    """Images in the form that the model asks for, their labels, and their places in the data set."""

    name: str
    X: np.ndarray
    y: np.ndarray
    index: np.ndarray


def _score(
    model: Any, part: Part, n_classes: int, arrays: dict[str, np.ndarray], predicted: np.ndarray | None = None
) -> Metrics:
    """Score ``model`` on ``part``; put what is kept of every image into ``arrays``."""
    labels = metrics.check_labels(model.predict(part.X) if predicted is None else predicted, len(part.y), n_classes)
    label_type = np.uint8 if n_classes <= 256 else np.int32
    arrays[f"{part.name}_index"] = part.index.astype(np.int32)
    arrays[f"{part.name}_labels"] = part.y.astype(label_type)
    arrays[f"{part.name}_predicted"] = labels.astype(label_type)
    probabilities = all_classes(model, part.X, n_classes)
    if probabilities is not None:
        arrays[f"{part.name}_probabilities"] = metrics.check_probabilities(probabilities, len(part.y), n_classes)
    return metrics.evaluate(part.y, labels, n_classes)


def _epoch_tests(model: Any, test: Part) -> tuple[float, ...]:
    """Test accuracy as it would have been after each epoch, where the model can tell: what choosing by it would have
    claimed."""
    predictors: Iterable[Any] = getattr(model, "by_epoch", tuple)()
    return tuple(float((predictor.predict(test.X) == test.y).mean()) for predictor in predictors)


def _variants(model: Any, validation: Part, test: Part, n_classes: int) -> dict[str, Variant]:
    """Scores of the fitted model's other ways to predict, where it has any."""
    found = {}
    for words, variant in getattr(model, "variants", dict)().items():
        watch = Stopwatch()
        predicted = variant.predict(test.X)
        seconds = watch.lap()
        test_scores = _score(variant, test, n_classes, {}, predicted=predicted)
        found[str(words)] = Variant(
            validation=_score(variant, validation, n_classes, {}), test=test_scores, predict_seconds=seconds
        )
    return found


def _corrupted(
    model: Any, job: Job, images: np.ndarray, labels: np.ndarray, n_classes: int
) -> dict[str, tuple[float, ...]]:
    """Accuracy on corrupted ``images`` uint8 (n, h, w, c), by corruption, from the mildest severity on."""
    accuracies: dict[str, list[float]] = {}
    every = np.arange(len(images))
    with unkept():
        for name, _, changed in corruptions.versions(images, job.dataset.name):
            found = model.predict(inputs(changed, every, job.model))
            predicted = metrics.check_labels(found, len(images), n_classes)
            accuracies.setdefault(name, []).append(float(np.mean(predicted == labels)))
    return {name: tuple(values) for name, values in accuracies.items()}


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
