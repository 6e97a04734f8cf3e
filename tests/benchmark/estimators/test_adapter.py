"""Models whose classes are in another order, incomplete, or numbered in their own way."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier

from benchmark.errors import UnsupportedError
from benchmark.estimators.adapter import Adapter
from benchmark.estimators.scoring import doubts

RNG = np.random.default_rng(0)
Y = np.repeat([0, 1, 2], 20)
X = RNG.normal(size=(60, 2)) + 5 * np.array([[0, 0], [0, 1], [1, 0]])[Y]


class ReversedClasses:
    """Complete ``classes_`` in descending order, with columns to match."""

    def fit(self, X, y):
        self._model = GaussianNB().fit(X, y)
        self.classes_ = self._model.classes_[::-1]
        return self

    def predict(self, X):
        return self._model.predict(X)

    def predict_proba(self, X):
        return self._model.predict_proba(X)[:, ::-1]


class WantsNoGaps(GaussianNB):
    """Refuses labels that are not 0 to m - 1, as XGBoost does."""

    def fit(self, X, y):
        if sorted(set(y)) != list(range(len(set(y)))):
            raise ValueError(f"expected 0 to m - 1, got {sorted(set(y))}")
        return super().fit(X, y)


def fitted(model, y=Y, n_classes=3):
    adapter = Adapter.for_labels(model, y, n_classes)
    model.fit(X, adapter.encode(y))
    return adapter


def test_probabilities_of_classes_in_another_order_belong_to_their_classes():
    answer = fitted(ReversedClasses()).answer(X)
    np.testing.assert_allclose(answer.probabilities, GaussianNB().fit(X, Y).predict_proba(X), atol=1e-6)
    assert doubts("test", Y, answer) == []


def test_classes_that_training_does_not_show_are_neither_shown_to_the_model_nor_predicted():
    y = np.array([1, 4, 6])[Y]
    answer = fitted(WantsNoGaps(), y, 8).answer(X)
    assert np.mean(answer.predicted == y) > 0.95
    assert answer.probabilities.shape == (60, 8)
    assert np.array_equal(answer.probabilities.argmax(1), answer.predicted)
    assert not answer.probabilities[:, [0, 2, 3, 5, 7]].any()


def test_labels_that_training_does_not_show_cannot_be_validated_on():
    with pytest.raises(UnsupportedError, match="no training image shows class 2"):
        Adapter.for_labels(None, np.array([0, 1, 3]), 4).encode(np.array([0, 2]))


@pytest.mark.parametrize("classes", [["a", "b", "c"], [0, 1, 1], [0, 1], [5, 6, 7], 3], ids=str)
def test_classes_that_make_no_sense_cost_the_probabilities_only(classes):
    model = ReversedClasses()
    adapter = fitted(model)
    model.classes_ = classes
    answer = adapter.answer(X)
    assert answer.probabilities is None
    assert "its probabilities are left out" in answer.problem
    assert np.mean(answer.predicted == Y) > 0.95


@pytest.mark.parametrize("error", [NotImplementedError(), ValueError("no calibration"), np.nan])
def test_probabilities_that_fail_or_are_none_leave_the_labels(error, monkeypatch):
    adapter = fitted(KNeighborsClassifier())

    def fail(X):
        if isinstance(error, Exception):
            raise error
        return np.full((len(X), 3), error)

    monkeypatch.setattr(adapter.model, "predict_proba", fail, raising=False)
    answer = adapter.answer(X)
    assert answer.probabilities is None
    assert np.mean(answer.predicted == Y) > 0.95
    assert doubts("test", Y, answer)[0].startswith("its probabilities are left out: ")
