from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_digits

from baselines.boosting import PixelBoosting


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    X = (X / 16).astype(np.float32)
    return X[:700], y[:700], X[700:1100], y[700:1100], X[1100:], y[1100:]


def fitted(digits, **params) -> PixelBoosting:
    X, y, X_val, y_val, *_ = digits
    settings = {"epochs": 30, "n_jobs": 1, "random_state": 3_000_000_000, "feature_fraction": 0.5}
    return PixelBoosting(**{**settings, **params}).fit(X, y, X_val=X_val, y_val=y_val)


def test_it_learns_and_speaks_scikit_learn(digits):
    model = fitted(digits)
    assert model.score(*digits[4:]) > 0.85
    np.testing.assert_allclose(model.predict_proba(digits[4]).sum(axis=1), 1, atol=1e-6)
    trees = model.booster_.trees_to_dataframe()
    inner = int(trees["split_feature"].notna().sum())
    assert model.parameter_count_ == 2 * inner + (len(trees) - inner) > 1000
    assert model.implementation_.startswith("LightGBM 4.")
    assert clone(model).get_params() == model.get_params()


def test_rounds_are_chosen_on_validation_and_the_best_is_kept(digits):
    model = fitted(digits, epochs=400, patience=5, learning_rate=0.3)
    losses = [row["validation_loss"] for row in model.history_]
    best = int(np.argmin(losses))
    assert len(losses) == best + 1 + 5 < 400
    assert model.booster_.best_iteration == best + 1
    accuracy = model.score(digits[2], digits[3])
    assert accuracy == pytest.approx(model.history_[best]["validation_accuracy"])


def test_the_seed_decides(digits):
    first, again, other = (fitted(digits, random_state=seed).predict_proba(digits[4]) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_labels_are_given_back_as_they_came(digits):
    X, y, X_val, y_val, X_test, _ = digits
    two = [part[np.isin(labels, (3, 8))] for part, labels in ((X, y), (y, y), (X_val, y_val), (y_val, y_val))]
    model = PixelBoosting(epochs=5, n_jobs=1).fit(two[0], two[1], X_val=two[2], y_val=two[3])
    assert model.predict_proba(X_test).shape == (len(X_test), 2)
    assert set(model.predict(X_test)) == {3, 8}


def test_a_class_that_only_validation_has_is_refused(digits):
    X, y, X_val, y_val, *_ = digits
    with pytest.raises(ValueError, match="has a class"):
        PixelBoosting(epochs=2).fit(X[y < 9], y[y < 9], X_val=X_val, y_val=y_val)
