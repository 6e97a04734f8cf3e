"""The baseline that never looks at an image."""

from __future__ import annotations

import numpy as np
from sklearn.base import clone

from baselines.majority import Majority

IMAGES = np.zeros((10, 4, 4, 1), np.uint8)


def test_it_says_the_most_frequent_class_with_the_classes_shares():
    y = np.array([2, 0, 2, 1, 2, 0, 2, 1, 2, 2])
    model = clone(Majority()).fit(IMAGES, y)
    assert model.predict(IMAGES[:3]).tolist() == [2, 2, 2]
    np.testing.assert_allclose(model.predict_proba(IMAGES[:2]), [[0.2, 0.2, 0.6]] * 2)
    assert model.parameter_count_ == 3


def test_of_equally_frequent_classes_it_says_the_first():
    model = Majority().fit(IMAGES, np.array([1, 0] * 5))
    assert model.predict(IMAGES[:1]).tolist() == [0]
