"""Scores of predicted labels, and checks of what a model predicted."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from benchmark.records.schema import ClassScores, Metrics


def evaluate(labels: np.ndarray, predicted: np.ndarray, n_classes: int) -> Metrics:
    """Score predictions.

    Parameters
    ----------
    labels, predicted : ndarray of int (n,)
        In ``range(n_classes)``.
    n_classes : int
    """
    every = np.arange(n_classes)
    confusion = confusion_matrix(labels, predicted, labels=every)
    precision, recall, f1, support = precision_recall_fscore_support(labels, predicted, labels=every, zero_division=0)
    return Metrics(
        n_images=len(labels),
        accuracy=float(np.mean(labels == predicted)),
        per_class=tuple(
            ClassScores(precision=float(p), recall=float(r), f1=float(f), support=int(s))
            for p, r, f, s in zip(precision, recall, f1, support, strict=True)
        ),
        confusion=tuple(tuple(int(count) for count in row) for row in confusion),
    )


def check_labels(predicted: np.ndarray, n_images: int, n_classes: int) -> np.ndarray:
    """Return what a model predicted as int64 (n_images,), or say what is wrong with it."""
    predicted = np.asarray(predicted)
    if predicted.shape != (n_images,):
        raise ValueError(f"predict returned shape {predicted.shape} for {n_images} images")
    if not np.issubdtype(predicted.dtype, np.integer):
        raise ValueError(f"predict returned {predicted.dtype}, not integer labels")
    if predicted.min() < 0 or predicted.max() >= n_classes:
        raise ValueError(f"predict returned labels outside 0-{n_classes - 1}")
    return predicted.astype(np.int64)


def check_probabilities(probabilities: np.ndarray, n_images: int, n_classes: int) -> np.ndarray:
    """Return a model's probabilities as float32 (n_images, n_classes), or say what is wrong with them."""
    probabilities = np.asarray(probabilities)
    if probabilities.shape != (n_images, n_classes):
        raise ValueError(
            f"predict_proba returned shape {probabilities.shape} for {n_images} images and {n_classes} classes"
        )
    if not np.isfinite(probabilities).all():
        raise ValueError("predict_proba returned numbers that are not finite")
    if probabilities.min() < 0 or not np.allclose(probabilities.sum(axis=1), 1, atol=1e-3):
        raise ValueError("predict_proba returned rows that are no probabilities")
    return probabilities.astype(np.float32)
