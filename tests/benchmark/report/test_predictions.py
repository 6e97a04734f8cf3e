"""Which test images are shown, against examples worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from documents import drawn

from benchmark.report import document as doc
from benchmark.report import predictions as gallery


def shown(labels, predicted, confidence, k=3):
    labels, predicted = np.array(labels), np.array(predicted)
    probabilities = np.repeat((1 - np.array(confidence))[:, None] / (k - 1), k, axis=1)
    probabilities[np.arange(len(labels)), predicted] = confidence
    return gallery.Predicted(np.arange(len(labels)), labels, predicted, probabilities)


EXAMPLE = shown(
    labels=[2, 0, 0, 1, 2, 1, 0],
    predicted=[2, 1, 0, 1, 2, 0, 2],
    confidence=[0.9, 0.6, 0.8, 0.7, 0.95, 0.85, 0.85],
)


def test_predicted_of_arrays():
    arrays = {f"test_{name}": np.zeros(2) for name in ("index", "labels", "predicted")}
    assert gallery.Predicted.of(arrays) is None
    found = gallery.Predicted.of(arrays | {"test_probabilities": np.array([[0.1, 0.9], [0.6, 0.4]])})
    assert found is not None
    assert found.confidence.tolist() == [0.9, 0.6]


def test_one_right_of_each_class():
    assert gallery.one_right_of_each_class(EXAMPLE).tolist() == [2, 3, 0]


def test_a_class_without_a_correct_image_is_skipped():
    assert gallery.one_right_of_each_class(shown([0, 1, 1], [0, 0, 0], [0.9] * 3)).tolist() == [0]
    assert gallery.one_right_of_each_class(shown([0, 1], [1, 0], [0.9] * 2)).tolist() == []


def test_most_confident_errors_keep_the_order_of_the_images_where_equal():
    assert gallery.most_confident_errors(EXAMPLE).tolist() == [5, 6, 1]
    assert gallery.most_confident_errors(EXAMPLE, limit=2).tolist() == [5, 6]


def test_no_error_nothing_to_show():
    assert gallery.most_confident_errors(shown([0, 1], [0, 1], [0.9, 0.9])).tolist() == []


def test_gained_takes_two_of_a_class_first_and_shows_them_by_class():
    labels = [0, 0, 0, 0, 1, 2]
    good = shown(labels, labels, [0.6, 0.9, 0.8, 0.7, 0.5, 0.55])
    other = np.array([1, 1, 1, 1, 0, 2])
    # The last is right in both; of class 0 the surest two, then class 1.
    assert gallery.gained(good, other, limit=3).tolist() == [1, 2, 4]
    # Room is left: the third of class 0 by confidence, then the fourth.
    assert gallery.gained(good, other, limit=4).tolist() == [1, 2, 3, 4]
    assert gallery.gained(good, other).tolist() == [0, 1, 2, 3, 4]


def test_gained_leaves_out_what_is_wrong_here():
    assert gallery.gained(EXAMPLE, EXAMPLE.predicted).tolist() == []
    assert gallery.gained(shown([0, 1], [1, 1], [0.9, 0.9]), np.array([1, 1])).tolist() == []


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("n", [1, 5, 7])
@pytest.mark.parametrize("other", [None, ("knn", np.zeros(7, dtype=int))])
def test_items_have_the_actual_the_predicted_class_and_the_other_models(channels, n, other):
    images = np.arange(7 * 16 * channels, dtype=np.uint8).reshape(7, 4, 4, channels)
    items = gallery.items(EXAMPLE, np.arange(n), images, ("cat", "dog", "cow"), other)
    assert len(items) == n
    second = ["knn: cat"] if other else []
    assert items[0].lines == ["cow", *second]
    if n > 1:
        assert items[1].lines == ["cat", "classified as dog", *second]
    label, probability, shade = items[0].bars[0]
    assert (label, round(probability, 3), shade) == ("cow", 0.9, "actual")
    assert len(items[0].bars) == 3
    figure = drawn(doc.Gallery("examples", "Alt", "A title", items))
    assert len([axes for axes in figure.axes if axes.images]) == n


def test_a_wrong_prediction_and_the_actual_class_have_their_shades():
    (item,) = gallery.items(EXAMPLE, np.array([1]), np.zeros((7, 4, 4, 1), np.uint8), ("cat", "dog", "cow"))
    assert {name: shade for name, _, shade in item.bars} == {"dog": "wrong", "cat": "actual", "cow": "other"}


def test_two_classes_have_two_bars():
    two = shown([0, 1], [0, 0], [0.75, 0.75], k=2)
    (item,) = gallery.items(two, np.array([0]), np.zeros((2, 4, 4, 1), np.uint8), ("cat", "dog"))
    assert [bar[:2] for bar in item.bars] == [("cat", 0.75), ("dog", 0.25)]


def test_the_index_points_into_the_whole_test_set():
    images = np.zeros((9, 4, 4, 1), np.uint8)
    images[8] = 200
    place = gallery.Predicted(np.array([8]), np.array([0]), np.array([0]), np.array([[0.9, 0.1]]))
    (item,) = gallery.items(place, np.array([0]), images, ("cat", "dog"))
    assert (item.image == 200).all()
