"""Which test images are shown, against examples worked by hand."""

from __future__ import annotations

import io

import numpy as np
import pytest

from benchmark.report import gallery, style


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


def test_a_class_never_recognised_is_passed_over():
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
def test_drawing_tells_actual_predicted_and_the_other_model(channels, n, other):
    images = np.arange(7 * 16 * channels, dtype=np.uint8).reshape(7, 4, 4, channels)
    names = ("cat", "dog", "cow")
    with style.chart_style():
        figure = gallery.draw("A title", EXAMPLE, np.arange(n), images, names, other)
        figure.savefig(io.BytesIO(), dpi=30)
    pictures = [axes for axes in figure.axes if axes.images]
    assert len(pictures) == n
    titles = [axes.get_title().splitlines() for axes in pictures]
    told = [[f"{other[0]}: cat"] if other else []] * n
    assert titles[0] == ["cow", *told[0]]
    if n > 1:
        assert titles[1] == ["is cat", "taken for dog", *told[1]]
    bars = [axes for axes in figure.axes if not axes.images]
    assert bars[0].texts[0].get_text() == "cow: 90%"
    assert len(bars[0].texts) == 3


def test_two_classes_have_two_bars():
    two = shown([0, 1], [0, 0], [0.75, 0.75], k=2)
    figure = gallery.draw("A title", two, np.array([0]), np.zeros((2, 4, 4, 1), np.uint8), ("cat", "dog"))
    assert [text.get_text() for text in figure.axes[1].texts] == ["cat: 75%", "dog: 25%"]


def test_the_index_points_into_the_whole_test_set():
    images = np.zeros((9, 4, 4, 1), np.uint8)
    images[8] = 200
    place = gallery.Predicted(np.array([8]), np.array([0]), np.array([0]), np.array([[0.9, 0.1]]))
    figure = gallery.draw("A title", place, np.array([0]), images, ("cat", "dog"))
    assert (np.asarray(figure.axes[0].images[0].get_array()) == 200).all()


@pytest.mark.parametrize(
    ("probability", "text"),
    [(0, "0%"), (1e-9, "<1%"), (0.0151, "2%"), (0.5, "50%"), (0.994, "99%"), (0.996, ">99%"), (1, "100%")],
)
def test_per_cent(probability, text):
    assert gallery.per_cent(probability) == text
