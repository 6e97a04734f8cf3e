"""Fitted estimators as plain ones of scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest

from baselines.accelerated import ACCELERATED
from baselines.boosting import PixelBoosting
from baselines.pixels import PcaSVC, PixelForest, PixelKNeighbors, PixelLogisticRegression, PixelSVC

RNG = np.random.default_rng(0)


def blobs(n_classes: int) -> tuple[np.ndarray, np.ndarray]:
    labels = np.arange(30 * n_classes) % n_classes
    return (RNG.normal(size=(len(labels), 6)) + 2 * labels[:, None]).astype(np.float32), labels


MODELS = [
    PixelLogisticRegression(),
    PixelSVC(C=3.0),
    PixelKNeighbors(n_neighbors=5, weights="distance", algorithm="brute"),
    PixelForest(n_estimators=10, random_state=0),
    PcaSVC(n_components=3),
]


@pytest.mark.parametrize("n_classes", [2, 3, 7])
@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
def test_a_plain_estimator_predicts_the_same(model, n_classes):
    X, y = blobs(n_classes)
    plain = model.fit(X, y).portable()
    modules = {type(part).__module__.partition(".")[0] for part in (plain, *vars(plain).values())}
    assert not modules & {"sklearnex", "onedal", "daal4py"}
    others, _ = blobs(n_classes)
    assert np.array_equal(plain.predict(others), model.predict(others))


@pytest.mark.parametrize("labels", [[3, 8], [-1, 5, 9]])
@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
def test_labels_of_any_kind_stay(model, labels):
    X, y = blobs(len(labels))
    plain = model.fit(X, np.array(labels)[y]).portable()
    assert set(plain.predict(X)) == set(labels)


@pytest.mark.skipif(not ACCELERATED, reason="scikit-learn's own forest can be written as it is")
def test_a_forest_whose_leaves_are_lost_is_refused():
    with pytest.raises(ValueError, match="most frequent class"):
        PixelForest(n_estimators=2, min_samples_leaf=3, random_state=0).fit(*blobs(3)).portable()


def test_boosted_trees_come_back_from_their_text():
    X, y = blobs(3)
    model = PixelBoosting(epochs=8, min_child_samples=2, random_state=0).fit(X, y, X_val=X, y_val=y)
    state = model.__getstate__()
    assert isinstance(state["booster_"], str)
    again = PixelBoosting.__new__(PixelBoosting)
    again.__setstate__(state)
    np.testing.assert_allclose(again.predict_proba(X), model.predict_proba(X))
