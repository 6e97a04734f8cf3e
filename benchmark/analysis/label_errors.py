"""Labels that may be wrong, by confident learning from predictions that are out of sample."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Sequence

import numpy as np


@dataclasses.dataclass(frozen=True)
class Suspects:
    """Images whose label is doubted, the most suspect first; arrays (n_suspects,).

    ``index`` is the place in the arrays given, ``suggested`` the most probable class, ``score`` the probability
    of the given label: the lower, the more suspect.
    """

    index: np.ndarray
    given: np.ndarray
    suggested: np.ndarray
    score: np.ndarray

    def __len__(self) -> int:
        return len(self.index)


def average(models: Sequence[Sequence[np.ndarray]]) -> np.ndarray:
    """Mean probabilities (n, k): over a model's seeds first, so that each model has one voice, then over models.

    Parameters
    ----------
    models : sequence of sequence of ndarray of float (n, k)
        For each model, the probabilities by seed.
    """
    return np.asarray(np.mean([np.mean(seeds, axis=0, dtype=np.float64) for seeds in models], axis=0))


def find(labels: np.ndarray, probabilities: np.ndarray) -> Suspects:
    """Doubt a label where the image is, with confidence, counted to another class.

    Confident learning (Northcutt, Jiang and Chuang, "Confident Learning: Estimating Uncertainty in Dataset
    Labels", 2021): an image counts to the class whose probability reaches the mean of that class among the
    images that are labelled so. Deterministic; ties keep the order of the images.

    Parameters
    ----------
    labels : ndarray of int (n,)
        In ``range(k)``.
    probabilities : ndarray of float (n, k)
        Of models that have not been fitted on these images; rows add up to one.
    """
    # Imports scikit-learn, which takes a second, and tqdm, which warns in a notebook without widgets.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from cleanlab.filter import find_label_issues

    labels = np.asarray(labels).astype(np.int64)
    if len(np.unique(labels)) < 2:  # There is no other class to confuse it with.
        empty = np.empty(0, dtype=np.int64)
        return Suspects(empty, empty, empty, np.empty(0))
    mask = find_label_issues(labels, probabilities, filter_by="confident_learning", n_jobs=1)
    places = np.flatnonzero(mask)
    scores = probabilities[places, labels[places]]
    order = np.argsort(scores, kind="stable")
    index = places[order]
    return Suspects(index, labels[index], probabilities[index].argmax(axis=1), scores[order])
