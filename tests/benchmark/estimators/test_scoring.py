"""Scores against an example worked by hand, and contradictions in predictions."""

from __future__ import annotations

import numpy as np
import pytest

from benchmark.estimators.adapter import Answer
from benchmark.estimators.scoring import doubts, evaluate


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


def test_of_many_classes_the_cells_above_zero_are_kept():
    rng = np.random.default_rng(0)
    labels, predicted = rng.integers(0, 101, (2, 500))
    few, many = evaluate(labels % 100, predicted % 100, 100), evaluate(labels, predicted, 101)
    assert few.cells is None
    assert many.confusion is None
    assert len(many.cells) <= 500
    expected = np.zeros((101, 101), dtype=int)
    np.add.at(expected, (labels, predicted), 1)
    assert np.array_equal(many.matrix, expected)


def test_a_class_without_images_has_a_row_of_its_own():
    scores = evaluate(np.array([0, 2]), np.array([0, 2]), 4)
    assert [c.support for c in scores.per_class] == [1, 0, 1, 0]
    assert scores.accuracy == 1
    assert scores.per_class[1].recall == 0


def images_of(share_wrong, n=1000):
    """Labels of two classes, as many right as asked for, and probabilities that agree."""
    labels = np.arange(n) % 2
    predicted = np.where(np.arange(n) < share_wrong * n, 1 - labels, labels)
    return labels, predicted, np.eye(2, dtype=np.float32)[predicted] * 0.8 + 0.1


def test_predictions_without_contradiction_are_not_doubtful():
    labels, predicted, probabilities = images_of(0.3)
    assert doubts("test", labels, Answer(predicted, probabilities)) == []
    assert doubts("test", labels, Answer(predicted, None)) == []


def test_labels_that_are_not_the_most_probable_class_are_doubtful_from_half_a_percent_on():
    labels, predicted, probabilities = images_of(0.3)
    probabilities[:5] = probabilities[:5, ::-1]
    assert doubts("test", labels, Answer(predicted, probabilities)) == []
    probabilities[5] = probabilities[5, ::-1]
    assert doubts("test", labels, Answer(predicted, probabilities)) == [
        "predict and the highest probability disagree on 0.60% of the test images"
    ]


def test_either_of_two_equally_probable_classes_may_be_predicted():
    labels, predicted, _ = images_of(0.3)
    assert doubts("test", labels, Answer(predicted, np.full((1000, 2), 0.5, dtype=np.float32))) == []


def test_predicting_one_class_only_is_doubtful_unless_there_is_only_one():
    labels = np.arange(10) % 2
    assert doubts("test", labels, Answer(np.ones(10, dtype=int), None)) == [
        "all 10 test images are predicted as the same class"
    ]
    assert doubts("test", np.ones(10, dtype=int), Answer(np.ones(10, dtype=int), None)) == []


def test_an_accuracy_below_the_largest_class_is_doubtful():
    labels = np.repeat([0, 1, 2], [6, 2, 2])
    assert doubts("validation", labels, Answer(np.roll(labels, 5), None)) == [
        "validation accuracy 20.00% is below the share of the largest class, 60.00%"
    ]
    assert doubts("validation", labels, Answer(np.roll(labels, 5), None), weighted=True) == []
