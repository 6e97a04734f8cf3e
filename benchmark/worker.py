"""One cell in a process of its own: load, fit, predict, measure.

The test images are read only after the model has been fitted; until then it can have seen nothing but
training and validation images.
"""

from __future__ import annotations

import dataclasses
import faulthandler
import math
import os
import random
import signal
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Literal

import numpy as np

from benchmark.contract import Cell, DatasetSpec, ModelSpec, Profile, UnsupportedError, UserError
from benchmark.schema import Metrics


@dataclasses.dataclass(frozen=True)
class Job:
    """What a worker has to know. ``log`` takes what the model prints and the traceback if it fails."""

    cell: Cell
    model: ModelSpec
    dataset: DatasetSpec
    fingerprint: str
    profile: Profile
    random_state: int
    threads: int
    log: Path


@dataclasses.dataclass(frozen=True)
class Result:
    """What a worker found out."""

    validation: Metrics
    test: Metrics
    fit_seconds: float
    predict_seconds: float
    peak_memory_bytes: int | None
    parameter_count: int | None
    device: str
    gpu: str | None
    implementation: str
    epochs: tuple[dict[str, float | None], ...]
    arrays: dict[str, np.ndarray]

    @property
    def has_probabilities(self) -> bool:
        return "test_probabilities" in self.arrays


@dataclasses.dataclass(frozen=True)
class Failure:
    """Why there is no result."""

    status: Literal["error", "unsupported"]
    reason: str


@dataclasses.dataclass(frozen=True)
class Epoch:
    """Sent while a network trains."""

    row: Mapping[str, float | None]


def main(connection: Connection, job: Job) -> None:
    """Entry point of the process: sends any number of :class:`Epoch`, then a Result or a Failure."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # The runner decides what Ctrl-C means.
    if hasattr(os, "setpgrp"):
        os.setpgrp()  # So that what the model starts can be ended with it.
    _end_with_parent()
    try:
        log = job.log.open("w", encoding="utf-8")
    except OSError as error:
        connection.send(Failure("error", f"its log could not be written: {error.strerror}"))
        return
    with log:
        for descriptor in (1, 2):  # Also what native code prints.
            os.dup2(log.fileno(), descriptor)
        faulthandler.enable(log)
        connection.send(_guarded(job, connection))
    connection.close()


def _end_with_parent() -> None:
    """However the runner ends, ``kill -9`` included, do not go on without it."""
    parent = parent_process()
    if parent is None:
        return

    def watch() -> None:
        wait([parent.sentinel])
        if hasattr(os, "killpg"):
            os.killpg(0, signal.SIGKILL)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _guarded(job: Job, connection: Connection) -> Result | Failure:
    try:
        return execute(job, connection)
    except UnsupportedError as reason:
        return Failure("unsupported", _short(reason) or "no reason was given")
    except UserError as error:
        return Failure("error", _short(error))
    except Exception as error:  # A model may raise anything; the other cells go on.
        traceback.print_exc()
        text = _short(error)
        return Failure("error", f"{type(error).__name__}: {text}" if text else type(error).__name__)


def _short(error: Exception) -> str:
    """What an error says, in one line of at most 500 characters."""
    text = " ".join(str(error).split()).encode(errors="replace").decode()
    return text if len(text) <= 500 else f"{text[:500]} ... ({len(text):,} characters)"


def execute(job: Job, connection: Connection) -> Result:
    """Fit and score the job's model in this process."""
    import threadpoolctl

    from benchmark import metrics
    from benchmark.data import cache
    from benchmark.data.splits import parts_for
    from benchmark.environment import peak_memory_bytes

    dataset = cache.read(job.dataset, verify=False)
    if dataset is None or dataset.fingerprint != job.fingerprint:
        raise UserError(f"The data set {job.dataset.name} was changed during the run.", "Run the same command again.")
    parts = parts_for(dataset, job.profile)
    n_classes = len(dataset.class_names)
    random.seed(job.random_state)
    np.random.seed(job.random_state)

    # Imported before the limit is set, which holds only for libraries that are loaded by then.
    model = configured(job.model.create(job.cell), job.random_state, job.threads)
    with threadpoolctl.threadpool_limits(job.threads):
        X = inputs(dataset.train_images, parts.train, job.model)
        y = np.asarray(dataset.train_labels[parts.train])
        X_val = inputs(dataset.train_images, parts.validation, job.model)
        y_val = np.asarray(dataset.train_labels[parts.validation])

        start = time.perf_counter()
        if job.model.validates:
            model.fit(X, y, X_val=X_val, y_val=y_val, on_epoch=lambda row: connection.send(Epoch(_finite(row))))
        else:
            model.fit(X, y)
        fit_seconds = time.perf_counter() - start
        del X

        X_test = inputs(dataset.test_images, parts.test, job.model)
        y_test = np.asarray(dataset.test_labels[parts.test])
        start = time.perf_counter()
        test_predicted = model.predict(X_test)
        predict_seconds = time.perf_counter() - start

        scores: dict[str, Metrics] = {}
        arrays: dict[str, np.ndarray] = {}
        label_type = np.uint8 if n_classes <= 256 else np.int32
        for part, images, labels, predicted, index in (
            ("validation", X_val, y_val, model.predict(X_val), parts.validation),
            ("test", X_test, y_test, test_predicted, parts.test),
        ):
            predicted = metrics.check_labels(predicted, len(labels), n_classes)
            scores[part] = metrics.evaluate(labels, predicted, n_classes)
            arrays[f"{part}_index"] = index.astype(np.int32)
            arrays[f"{part}_labels"] = labels.astype(label_type)
            arrays[f"{part}_predicted"] = predicted.astype(label_type)
            probabilities = all_classes(model, images, n_classes)
            if probabilities is not None:
                arrays[f"{part}_probabilities"] = metrics.check_probabilities(probabilities, len(labels), n_classes)

    count = getattr(model, "parameter_count_", None)
    device = str(getattr(model, "device_", "cpu"))
    return Result(
        validation=scores["validation"],
        test=scores["test"],
        fit_seconds=fit_seconds,
        predict_seconds=predict_seconds,
        peak_memory_bytes=peak_memory_bytes(),
        parameter_count=None if count is None else int(count),
        device=device,
        gpu=_gpu(device),
        implementation=implementation(model),
        epochs=tuple(_finite(row) for row in getattr(model, "history_", ())),
        arrays=arrays,
    )


def configured(model: Any, random_state: int, threads: int) -> Any:
    """Set the seed wherever the model, or a step inside it, takes one, and the number of threads.

    Threads go to the outermost step that takes them; the steps inside it get one each, or a forest in a
    vote of ten would start ten times as many as allowed.
    """
    names = model.get_params() if hasattr(model, "get_params") else {}
    chosen = {name: random_state for name in names if name.rpartition("__")[2] == "random_state"}
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
    """The class that did the work, with the version of its package: the nearest one not of this project."""
    import importlib.metadata

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
