from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

from baselines.pixels import PixelKNeighbors, PixelLogisticRegression, PixelSVC


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    X = (X / 16).astype(np.float32)
    return X[:900], y[:900], X[900:], y[900:]


@pytest.mark.parametrize(
    ("ours", "reference"),
    [
        (PixelLogisticRegression(max_iter=1000), LogisticRegression(max_iter=1000)),
        (PixelSVC(C=10.0, n_jobs=2), SVC(C=10.0)),
        (PixelKNeighbors(weights="distance"), KNeighborsClassifier(weights="distance")),
    ],
)
def test_predictions_are_scikit_learns_own(digits, ours, reference):
    X, y, X_test, _ = digits
    assert np.array_equal(ours.fit(X, y).predict(X_test), reference.fit(X, y).predict(X_test))


def test_stopping_early_is_no_warning(digits):
    model = PixelLogisticRegression(max_iter=3).fit(*digits[:2])
    assert model.n_iter_[0] == 3


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
