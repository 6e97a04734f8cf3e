"""Scores of predicted labels, and what makes them doubtful."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from benchmark.estimators.adapter import Answer
from benchmark.estimators.metrics import METRICS, Predicted
from benchmark.records.schema import ClassScores, Metrics
from benchmark.utils.format import percent

CONTRADICTION = 0.005  # Share of images.
MOST_IN_MATRIX = 100  # Classes; of more, a record has the cells above 0: at most one an image.
TIE = 1e-6  # Of probabilities: either class is then the most probable.


def evaluate(
    labels: np.ndarray,
    predicted: np.ndarray,
    n_classes: int,
    probabilities: np.ndarray | None = None,
    decision: np.ndarray | None = None,
) -> Metrics:
    """Score predictions by every metric that they allow.

    Parameters
    ----------
    labels, predicted : ndarray of int (n,)
        In ``range(n_classes)``.
    n_classes : int
    probabilities, decision : ndarray of float (n, n_classes) or None
        Of the classes, and decision values where there are no probabilities.
    """
    found = Predicted(labels, predicted, n_classes, decision if probabilities is None else probabilities)
    able = {"labels": True, "scores": found.scores is not None, "probabilities": probabilities is not None}
    further = [metric for metric in METRICS.values() if able[metric.needs] and metric.name != "accuracy"]
    every = np.arange(n_classes)
    confusion = confusion_matrix(labels, predicted, labels=every)
    precision, recall, f1, support = precision_recall_fscore_support(labels, predicted, labels=every, zero_division=0)
    rows, columns = np.nonzero(confusion)
    kept: dict[str, Any] = {"confusion": confusion.tolist()}
    if n_classes > MOST_IN_MATRIX:
        kept = {"cells": np.column_stack([rows, columns, confusion[rows, columns]]).tolist()}
    return Metrics(
        n_images=len(labels),
        accuracy=float(np.mean(labels == predicted)),
        per_class=tuple(
            ClassScores(precision=float(p), recall=float(r), f1=float(f), support=int(s))
            for p, r, f, s in zip(precision, recall, f1, support, strict=True)
        ),
        further={metric.name: metric.value(found) for metric in further},
        **kept,
    )


def doubts(part: str, labels: np.ndarray, answer: Answer, *, weighted: bool = False) -> list[str]:
    """What in a model's predictions contradicts itself or cannot be of use, in words.

    Parameters
    ----------
    part : str
        Name of the part that ``labels`` (n,) and ``answer`` are about.
    weighted : bool
        Whether all classes weighed alike in training: such a model gives up accuracy on the largest for the others.
    """
    found = [answer.problem] if answer.problem else []
    predicted, probabilities = answer.predicted, answer.probabilities
    if probabilities is not None:
        gap = probabilities.max(axis=1) - np.take_along_axis(probabilities, predicted[:, None], axis=1)[:, 0]
        share = np.mean(gap > TIE)
        if share > CONTRADICTION:
            found.append(f"predict and the highest probability disagree on {percent(share)} of the {part} images")
    accuracy, largest = np.mean(predicted == labels), np.bincount(labels).max() / len(labels)
    if (predicted == predicted[0]).all() and not (labels == labels[0]).all():
        found.append(f"all {len(predicted):,} {part} images are predicted as the same class")
    elif accuracy < largest and not weighted:
        found.append(f"{part} accuracy {percent(accuracy)} is below the share of the largest class, {percent(largest)}")
    return found
