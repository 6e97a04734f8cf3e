"""Scores against an example worked by hand, and what is refused as a prediction."""

from __future__ import annotations

import numpy as np
import pytest

from benchmark.estimators.metrics import check_labels, check_probabilities, evaluate


def test_scores_of_three_classes_one_of_them_never_predicted():
    labels = np.array([0, 0, 0, 1, 1, 2])
    predicted = np.array([0, 0, 1, 1, 0, 1])
    scores = evaluate(labels, predicted, 3)
    assert scores.confusion == ((2, 1, 0), (1, 1, 0), (0, 1, 0))
    assert scores.n_images == 6
    assert scores.accuracy == pytest.approx(3 / 6)
    found = [(c.precision, c.recall, c.f1, c.support) for c in scores.per_class]
    assert found[0] == pytest.approx((2 / 3, 2 / 3, 2 / 3, 3))
    assert found[1] == pytest.approx((1 / 3, 1 / 2, 2 / 5, 2))
    assert found[2] == (0, 0, 0, 1)


def test_a_class_without_images_has_a_row_of_its_own():
    scores = evaluate(np.array([0, 2]), np.array([0, 2]), 4)
    assert [c.support for c in scores.per_class] == [1, 0, 1, 0]
    assert scores.accuracy == 1
    assert scores.per_class[1].recall == 0


def test_good_labels_come_back_as_int64():
    checked = check_labels(np.array([0, 2, 1], dtype=np.uint8), 3, 3)
    assert checked.dtype == np.int64
    assert checked.tolist() == [0, 2, 1]


@pytest.mark.parametrize(
    ("predicted", "reason"),
    [
        ([0, 1], "shape"),
        ([[0], [1], [2]], "shape"),
        ([0.0, 1.0, 2.0], "not integer labels"),
        ([0.0, np.nan, 1.0], "not integer labels"),
        ([True, False, True], "not integer labels"),
        (["0", "1", "2"], "not integer labels"),
        ([0, 1, 3], "outside 0-2"),
        ([0, 1, -1], "outside 0-2"),
    ],
)
def test_labels_that_are_refused(predicted, reason):
    with pytest.raises(ValueError, match=reason):
        check_labels(np.array(predicted), 3, 3)


def test_good_probabilities_come_back_as_float32():
    given = np.array([[0.25, 0.75], [1.0, 0.0]])
    checked = check_probabilities(given, 2, 2)
    assert checked.dtype == np.float32
    assert np.array_equal(checked, given)


@pytest.mark.parametrize(
    ("probabilities", "reason"),
    [
        ([[0.5, 0.5]], "shape"),
        ([0.5, 0.5], "shape"),
        ([[0.5, 0.3, 0.2], [0.5, 0.3, 0.2]], "shape"),
        ([[0.5, 0.5], [np.nan, 1.0]], "not finite"),
        ([[0.5, 0.5], [np.inf, 0.0]], "not finite"),
        ([[0.5, 0.5], [1.2, -0.2]], "no probabilities"),
        ([[0.5, 0.5], [0.5, 0.4]], "no probabilities"),
        ([[0.5, 0.5], [0.5, 0.6]], "no probabilities"),
        ([[2.0, -3.0], [0.1, 0.2]], "no probabilities"),
    ],
)
def test_probabilities_that_are_refused(probabilities, reason):
    with pytest.raises(ValueError, match=reason):
        check_probabilities(np.array(probabilities), 2, 2)
