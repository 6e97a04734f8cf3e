"""How the suite uses any model: configures it, passes images in its form, and reads its predictions."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.metadata
from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmark.errors import OF_OTHERS, UnsupportedError
from benchmark.estimators.predictions import as_labels, as_probabilities
from benchmark.specs import ModelSpec
from benchmark.utils.format import in_one_line


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a model predicted: int64 (n,) and, where it has probabilities, float32 (n, k); copies, so that it
    cannot change them later. ``problem`` says why there are no probabilities of a model that should have them.
    ``decision`` are decision values, float32 (n, k), of a model without probabilities: the higher, the likelier."""

    predicted: np.ndarray
    probabilities: np.ndarray | None
    problem: str = ""
    decision: np.ndarray | None = None


@dataclasses.dataclass(frozen=True)
class Adapter:
    """A model that is fitted and asked in the labels that it understands: 0 to m - 1, without gaps.

    Where training images show all classes, these are the data set's labels. Some models (XGBoost) refuse others.

    Attributes
    ----------
    model : object
    classes : ndarray of int64 (m,)
        The labels that training images show, sorted.
    n_classes : int
        Of the data set.
    """

    model: Any
    classes: np.ndarray
    n_classes: int

    @classmethod
    def for_labels(cls, model: Any, y: np.ndarray, n_classes: int) -> Adapter:
        """For a model that is to be fitted on ``y`` (n,)."""
        return cls(model, np.unique(y), n_classes)

    def encode(self, y: np.ndarray) -> np.ndarray:
        """Labels of the data set (n,) as the model's.

        Raises
        ------
        UnsupportedError
            If the training images do not show one of them.
        """
        unseen = np.setdiff1d(y, self.classes)
        if len(unseen):
            raise UnsupportedError(f"no training image shows class {unseen[0]}, which validation images show")
        return np.searchsorted(self.classes, y)

    def fit(self, X: np.ndarray, y: np.ndarray, **validation: Any) -> None:
        with during("fitting"):
            self.model.fit(X, y, **validation)

    def predict(self, images: np.ndarray) -> Any:
        """Whatever the model returns."""
        with during("predicting"):
            return self.model.predict(images)

    def labels(self, images: np.ndarray, predicted: Any = None) -> np.ndarray:
        """Labels of ``images``, int64 (n,); of ``predicted`` if the model has predicted them already."""
        found = self.predict(images) if predicted is None else predicted
        labels: np.ndarray = self.classes[as_labels(found, len(images), len(self.classes))]
        return labels

    def answer(self, images: np.ndarray, predicted: Any = None) -> Answer:
        """Labels and, where there are any, probabilities; those that are none are left out, with the reason."""
        labels = self.labels(images, predicted)
        if not hasattr(self.model, "predict_proba"):
            return Answer(labels, None, decision=self._decision(images))
        try:
            return Answer(labels, self._probabilities(images))
        except OF_OTHERS as error:  # The labels are valid whatever is wrong with the probabilities.
            return Answer(labels, None, f"its probabilities are left out: {in_one_line(error)}")

    def _decision(self, images: np.ndarray) -> np.ndarray | None:
        """Decision values (n, n_classes), the lowest of all for classes that the model does not know; None where there
        are none of every class."""
        if not hasattr(self.model, "decision_function"):
            return None
        try:
            found = np.asarray(self.model.decision_function(images), dtype=np.float32)
        except OF_OTHERS:  # The labels are what counts.
            return None
        if found.ndim == 1:  # Of two classes, how much the second is the likelier.
            found = np.column_stack([-found, found])
        if found.shape != (len(images), len(self.classes)) or not np.isfinite(found).all():
            return None
        every = np.full((len(images), self.n_classes), found.min(), dtype=np.float32)
        every[:, self.classes] = found
        return every

    def of(self, model: Any) -> Adapter:
        """For another model that was fitted on the same labels."""
        return dataclasses.replace(self, model=model)

    def _probabilities(self, images: np.ndarray) -> np.ndarray:
        m = len(self.classes)
        own = getattr(self.model, "classes_", None)
        columns = np.arange(m) if own is None else as_labels(own, len(own), m, source="classes_")
        if len(np.unique(columns)) != len(columns):
            raise ValueError("classes_ names a class twice")
        found = self.model.predict_proba(images)
        return as_probabilities(found, len(images), self.classes[columns], self.n_classes)


@contextlib.contextmanager
def during(what: str) -> Iterator[None]:
    """Errors of a model say during what they happened (:func:`benchmark.runner.worker.main` prints it)."""
    try:
        yield
    except OF_OTHERS as error:
        error.add_note(f"while {what}")
        raise


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


def implementation(model: Any) -> str:
    """The class of a model, with the version of its package."""
    kind = type(model)
    names = importlib.metadata.packages_distributions().get(kind.__module__.partition(".")[0], [])
    version = f" {importlib.metadata.version(names[0])}" if names else ""
    return f"{kind.__module__}.{kind.__qualname__}{version}"
