"""Weighted fits of an uneven problem: what scikit-learn itself gives, and more of the rare class recognised."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.svm import SVC, LinearSVC

from baselines.accelerated import objective
from baselines.boosting import PixelBoosting
from baselines.hog import HogSVC
from baselines.pixels import PcaSVC, PixelForest, PixelLinearSVC, PixelLogisticRegression, PixelSVC

SIDE = 28
COUNTS = (500, 100, 20)  # Images of each class.
RARE = 2


def uneven(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Overlapping classes that differ in one each of six patterns of 784 pixels: (n, 784) in [0, 1], (n,)."""
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.repeat(np.arange(len(COUNTS)), COUNTS))
    strengths = rng.normal(size=(len(y), 6)) + 1.5 * (np.arange(6) == y[:, None])
    patterns = np.random.default_rng(7).normal(size=(6, SIDE * SIDE))
    return (0.5 + 0.05 * strengths @ patterns).clip(0, 1).astype(np.float32), y


@pytest.fixture(scope="module")
def problem():
    return *uneven(0), *uneven(1)


def recall(model, X, y) -> float:
    return float(np.mean(model.predict(X[y == RARE]) == RARE))


SVM = {"C": 1.0, "gamma": 0.005}


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (PixelLogisticRegression(C=0.01), LogisticRegression(C=0.01, class_weight="balanced")),
        (PixelLinearSVC(C=0.001), LinearSVC(C=0.001, dual=False, class_weight="balanced")),
        (PixelSVC(**SVM), SVC(**SVM, class_weight="balanced")),
    ],
)
def test_weights_reach_the_solver(problem, ours, theirs):
    X, y, X_test, y_test = problem
    before = recall(ours.fit(X, y), X_test, y_test)
    weighted = ours.set_params(class_weight="balanced").fit(X, y)
    assert recall(weighted, X_test, y_test) > before + 0.1
    agreement = np.mean(weighted.predict(X_test) == theirs.fit(X, y).predict(X_test))
    assert agreement > 0.99
    if isinstance(ours, PixelLogisticRegression):
        assert objective(theirs, X, y) == pytest.approx(
            objective(weighted.estimator_.set_params(class_weight="balanced"), X, y), rel=0.01
        )


def test_a_weighted_linear_machine_is_scikit_learns_own_of_two_classes_too(problem):
    X, y, *_ = problem
    y = (y == RARE).astype(int)
    ours = PixelLinearSVC(C=0.001, class_weight="balanced").fit(X, y)
    theirs = LinearSVC(C=0.001, dual=False, class_weight="balanced").fit(X, y)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-4)


def test_a_weighted_forest_is_as_good_as_scikit_learns(problem):
    X, y, X_test, y_test = problem
    params = {"n_estimators": 100, "min_samples_leaf": 20, "class_weight": "balanced", "random_state": 0}
    ours = PixelForest(**params, max_features=0.1, n_jobs=1).fit(X, y)
    theirs = RandomForestClassifier(**params, max_features=0.1).fit(X, y)
    plain = PixelForest(**{**params, "class_weight": None}, max_features=0.1, n_jobs=1).fit(X, y)
    found, expected, before = (balanced_accuracy_score(y_test, m.predict(X_test)) for m in (ours, theirs, plain))
    assert found == pytest.approx(expected, abs=0.08)
    assert found > before + 0.1


def test_a_machine_on_components_is_weighted(problem):
    X, y, X_test, y_test = problem
    models = [PcaSVC(n_components=20, C=1.0, class_weight=weight).fit(X, y) for weight in (None, "balanced")]
    before, after = (recall(model, X_test, y_test) for model in models)
    assert after > before + 0.1


@pytest.mark.parametrize("copies", [0, 1])
def test_a_machine_on_gradients_is_weighted_by_all_training_images(problem, copies):
    X, y, *_ = problem
    images = np.rint(X * 255).astype(np.uint8).reshape(-1, SIDE, SIDE, 1)
    params = {"cells": (14,), "pixels": 1.0, "C": 0.1, "copies": copies, "random_state": 0, "n_jobs": 1}
    model = HogSVC(**params, class_weight="balanced").fit(images, y)
    n, k = sum(COUNTS), len(COUNTS)
    assert model.svc_.class_weight == pytest.approx({label: n / (k * count) for label, count in enumerate(COUNTS)})
    plain = HogSVC(**params).fit(images, y)
    assert np.sum(model.predict(images) == RARE) > np.sum(plain.predict(images) == RARE)


def test_boosting_weighs_training_and_validation(problem):
    X, y, X_val, y_val = problem
    params = {"epochs": 30, "learning_rate": 0.1, "random_state": 0, "n_jobs": 1}
    plain = PixelBoosting(**params).fit(X, y, X_val=X_val, y_val=y_val)
    model = PixelBoosting(**params, class_weight="balanced").fit(X, y, X_val=X_val, y_val=y_val)
    assert recall(model, X_val, y_val) > recall(plain, X_val, y_val)
    assert "validation_balanced_accuracy" not in plain.history_[0]
    row = model.history_[model.booster_.best_iteration - 1]
    predicted = model.predict(X_val)
    assert row["validation_accuracy"] == pytest.approx(np.mean(predicted == y_val))
    assert row["validation_balanced_accuracy"] == pytest.approx(balanced_accuracy_score(y_val, predicted))
