"""Metrics as contributions of images: values as scikit-learn's, errors as resampling shows them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from benchmark.estimators.metrics import METRICS, Predicted, default


def example(seed: int, n: int = 400, k: int = 4, skew: float = 0.5) -> Predicted:
    """Classes of uneven sizes, of which about three in four are predicted rightly."""
    rng = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(k).repeat(3), rng.choice(k, n - 3 * k, p=skewed(k, skew))])
    scores = rng.normal(size=(n, k))
    scores[np.arange(n), labels] += 1.5
    probabilities = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    return Predicted(labels, probabilities.argmax(axis=1), k, probabilities)


def skewed(k: int, skew: float) -> np.ndarray:
    shares = skew ** np.arange(k)
    return shares / shares.sum()


def reference(name: str, found: Predicted) -> float:
    labels, predicted, scores = found.labels, found.predicted, found.scores
    every = np.arange(found.n_classes)
    return {
        "accuracy": lambda: sk.accuracy_score(labels, predicted),
        "balanced-accuracy": lambda: sk.balanced_accuracy_score(labels, predicted),
        "macro-f1": lambda: sk.f1_score(labels, predicted, average="macro", labels=np.unique(labels), zero_division=0),
        "mcc": lambda: sk.matthews_corrcoef(labels, predicted),
        "log-loss": lambda: sk.log_loss(labels, scores, labels=every),
        "auroc": lambda: (
            sk.roc_auc_score(labels, scores, multi_class="ovr", labels=every)
            if found.n_classes > 2
            else sk.roc_auc_score(labels, scores[:, 1])
        ),
    }[name]()


@pytest.mark.parametrize("name", METRICS)
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), k=st.integers(2, 6), skew=st.floats(0.3, 1.0))
def test_values_are_those_of_scikit_learn(name, seed, k, skew):
    found = example(seed, 120, k, skew)
    contributions = METRICS[name].contributions(found)
    assert contributions.shape == (120,)
    assert contributions.mean() == pytest.approx(reference(name, found), abs=1e-6)


@pytest.mark.parametrize("name", METRICS)
def test_their_variance_is_that_of_resampled_images(name):
    """By resampling within classes; accuracy and log loss are means over images drawn anyhow."""
    found, rng = example(1, 2000), np.random.default_rng(2)
    plain = name in ("accuracy", "log-loss")
    values = []
    for _ in range(600):
        if plain:
            chosen = rng.integers(0, 2000, 2000)
        else:
            places = [np.flatnonzero(found.labels == label) for label in range(found.n_classes)]
            chosen = np.concatenate([rng.choice(place, len(place)) for place in places])
        again = Predicted(found.labels[chosen], found.predicted[chosen], found.n_classes, found.scores[chosen])
        values.append(METRICS[name].value(again))
    contributions = METRICS[name].contributions(found)
    assert contributions.std() / np.sqrt(2000) == pytest.approx(np.std(values), rel=0.1)


@pytest.mark.parametrize("name", METRICS)
def test_a_class_without_images_or_predictions_is_no_trouble(name):
    rng = np.random.default_rng(0)
    labels, scores = rng.integers(0, 3, 60), rng.dirichlet(np.ones(5), 60)
    found = Predicted(labels, np.zeros(60, dtype=int), 5, scores)
    assert np.isfinite(METRICS[name].contributions(found)).all()
    one_class = Predicted(np.zeros(10, dtype=int), np.zeros(10, dtype=int), 2, np.tile([1.0, 0.0], (10, 1)))
    assert np.isfinite(METRICS[name].contributions(one_class)).all()


@pytest.mark.parametrize(("name", "best"), [(n, 0.0 if n == "log-loss" else 1.0) for n in METRICS])
def test_perfect_predictions_have_the_best_value_without_doubt(name, best):
    labels = np.arange(30) % 3
    contributions = METRICS[name].contributions(Predicted(labels, labels, 3, np.eye(3)[labels]))
    np.testing.assert_allclose(contributions, best, atol=1e-12)


def test_accuracy_counts_hits():
    found = example(3)
    np.testing.assert_array_equal(METRICS["accuracy"].contributions(found), found.labels == found.predicted)


def test_with_equally_many_images_a_class_balanced_accuracy_is_accuracy():
    labels = np.arange(90) % 3
    found = Predicted(labels, np.where(np.arange(90) < 60, labels, 0), 3)
    one, other = (METRICS[name].value(found) for name in ("accuracy", "balanced-accuracy"))
    assert one == pytest.approx(other)


@pytest.mark.parametrize(
    ("counts", "name"),
    [
        ([10, 10], "accuracy"),
        ([30, 10], "accuracy"),
        ([31, 10], "balanced-accuracy"),
        ([10, 0, 30], "accuracy"),
        ([0, 0], "accuracy"),
    ],
)
def test_uneven_classes_are_judged_by_balanced_accuracy(counts, name):
    assert default(np.array(counts)) == name
