"""How the suite uses any model: configures it, passes images in its form, and checks its predictions."""

from __future__ import annotations

import dataclasses
import importlib.metadata
import sys
from typing import Any

import numpy as np

from benchmark.estimators import metrics
from benchmark.specs import ModelSpec


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a model predicted: int64 (n,) and, where it has probabilities, float32 (n, k); copies, so that it
    cannot change them later."""

    predicted: np.ndarray
    probabilities: np.ndarray | None


def answer(model: Any, images: np.ndarray, n_classes: int, predicted: np.ndarray | None = None) -> Answer:
    """What ``model`` says of ``images``; ``predicted`` if it has said that already."""
    labels = metrics.check_labels(model.predict(images) if predicted is None else predicted, len(images), n_classes)
    probabilities = all_classes(model, images, n_classes)
    if probabilities is not None:
        probabilities = metrics.check_probabilities(probabilities, len(images), n_classes)
    return Answer(labels, probabilities)


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
    own = getattr(model, "implementation_", None)
    if own is not None:
        return str(own)
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
