from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC, LinearSVC

from baselines.accelerated import ACCELERATED
from baselines.pixels import (
    PcaSVC,
    PixelForest,
    PixelKNeighbors,
    PixelLinearSVC,
    PixelLogisticRegression,
    PixelSVC,
)
from baselines.scale import pixel_weight, weighted


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    X = (X / 16).astype(np.float32)
    return X[:900], y[:900], X[900:], y[900:]


@pytest.mark.parametrize(
    ("ours", "reference"),
    [
        (PixelSVC(C=10.0, n_jobs=2), SVC(C=10.0)),
        (PixelKNeighbors(weights="distance"), KNeighborsClassifier(weights="distance")),
        (PixelKNeighbors(weights="uniform"), KNeighborsClassifier(weights="uniform")),
    ],
)
def test_predictions_are_scikit_learns_own(digits, ours, reference):
    X, y, X_test, _ = digits
    same = ours.fit(X, y).predict(X_test) == reference.fit(X, y).predict(X_test)
    # Another solver may stop a hair's breadth away.
    assert same.mean() > 0.995


@pytest.mark.parametrize(
    "model",
    [PixelLogisticRegression(), PixelSVC(), PixelKNeighbors(), PixelForest(n_estimators=5), PcaSVC(n_components=10)],
    ids=lambda model: type(model).__name__,
)
def test_it_says_which_code_ran(digits, model):
    told = model.fit(*digits[:2]).implementation_
    assert ("by oneDAL, scikit-learn-intelex 20" if ACCELERATED else "of scikit-learn 1.") in told


@pytest.mark.parametrize("model", [PcaSVC(n_components=20), PixelForest(random_state=0), PixelLinearSVC(C=0.1)])
def test_the_others_learn_too(digits, model):
    X, y, X_test, y_test = digits
    assert model.fit(X, y).score(X_test, y_test) > 0.85
    assert model.parameter_count_ > 100
    assert clone(model).get_params() == model.get_params()


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("classes", [2, 10])
def test_classes_side_by_side_are_what_liblinear_makes_of_them(digits, n_jobs, classes):
    X, y, X_test, _ = digits
    some = y < classes
    whole = LinearSVC(C=0.1, dual=False).fit(weighted(X[some]), y[some])
    whole.coef_ = whole.coef_ * pixel_weight(X.shape[1])
    model = PixelLinearSVC(C=0.1, n_jobs=n_jobs).fit(X[some], y[some])
    assert np.array_equal(model.classes_, whole.classes_)
    # LIBLINEAR stops near the minimum, where exactly depends on the processor's rounding: what it promises is
    # the objective's value.
    targets = [y[some] == 1] if classes == 2 else [y[some] == label for label in range(classes)]
    for row, target in enumerate(targets):
        ours, theirs = (_squared_hinge_objective(one, row, X[some], target, C=0.1) for one in (model, whole))
        assert ours == pytest.approx(theirs, rel=1e-3)
    assert np.mean(model.predict(X_test) == whole.predict(X_test)) > 0.995


def _squared_hinge_objective(fitted, row, X, target, C):
    """What LIBLINEAR minimises (L2-regularised, squared hinge, the intercept regularised like a weight)."""
    weight = pixel_weight(X.shape[1])
    w, b = fitted.coef_[row].astype(float) / weight, float(fitted.intercept_[row])
    margins = np.where(target, 1.0, -1.0) * (X * weight @ w + b)
    return 0.5 * (w @ w + b * b) + C * np.square(np.maximum(0, 1 - margins)).sum()


def test_components_are_no_more_than_there_can_be(digits):
    X, y, X_test, _ = digits
    model = PcaSVC(n_components=500).fit(X, y)
    assert model.pca_.components_.shape == (64, 64)
    assert model.predict(X_test[:3]).shape == (3,)


def test_a_forests_numbers_are_those_of_its_nodes(digits):
    X, y, *_ = digits
    forest = PixelForest(n_estimators=3, random_state=0).fit(X, y)
    leaves = inner = 0
    for tree in forest.portable().estimators_:
        left = tree.tree_.children_left
        leaves += int((left == -1).sum())
        inner += int((left != -1).sum())
    assert forest.parameter_count_ == 2 * inner + 10 * leaves


def test_without_the_accelerator_scikit_learn_does_the_work_and_says_so():
    program = """
import sys
sys.modules["sklearnex"] = None
import warnings
warnings.simplefilter("error")
import numpy as np
from sklearn.datasets import load_digits
from baselines.accelerated import ACCELERATED
from baselines.pixels import *
X, y = load_digits(return_X_y=True)
X = (X / 16).astype(np.float32)
assert not ACCELERATED
for model in (PixelLogisticRegression(max_iter=5, n_jobs=2), PixelSVC(n_jobs=2), PixelKNeighbors(n_jobs=2),
              PixelForest(n_estimators=5, n_jobs=2), PcaSVC(n_components=10, n_jobs=2)):
    model.fit(X, y).predict(X[:50])
    print(model.implementation_)
"""
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=root, check=False)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 5
    assert all("of scikit-learn 1." in line and "oneDAL" not in line for line in lines)


def test_what_predicts_the_neighbours_is_told(digits):
    """It need not be what has fitted."""
    X, y, X_test, _ = digits
    model = PixelKNeighbors(n_jobs=1).fit(X, y)
    model.predict(X_test)
    assert ("by oneDAL" in model.implementation_) == bool(ACCELERATED)
    model = PixelKNeighbors(n_jobs=1).fit(X, y)
    model.estimator_ = KNeighborsClassifier().fit(X, y)
    model.predict(X_test)
    assert "of scikit-learn 1." in model.implementation_


def test_stopping_early_is_no_warning(digits):
    model = PixelLogisticRegression(max_iter=3).fit(*digits[:2])
    assert model.portable().n_iter_[0] == 3


def test_what_is_kept_to_predict_with_is_counted(digits):
    X, y, *_ = digits
    assert PixelLogisticRegression(max_iter=5).fit(X, y).parameter_count_ == 10 * 64 + 10
    assert PixelKNeighbors().fit(X, y).parameter_count_ == X.size
    svm = PixelSVC(C=1.0).fit(X, y)
    n_support = len(svm.support_)
    assert svm.parameter_count_ == n_support * 64 + 9 * n_support + 45


@pytest.mark.parametrize("n", [1, 3, 10])
def test_the_svm_predicts_few_images_in_many_threads(digits, n):
    X, y, X_test, _ = digits
    model = PixelSVC(n_jobs=4).fit(X, y)
    assert model.predict(X_test[:n]).shape == (n,)


def test_the_svm_claims_no_probabilities(digits):
    assert not hasattr(PixelSVC().fit(*digits[:2]), "predict_proba")


def test_the_svm_can_be_cloned():
    model = PixelSVC(C=3.0, gamma=0.1, n_jobs=2)
    assert clone(model).get_params() == model.get_params()
