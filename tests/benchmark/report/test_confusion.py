"""Confusion matrices and pairs against examples worked by hand."""

from __future__ import annotations

import io

import pytest

from benchmark.report import confusion, style

NAMES = ("cat", "dog", "cow")


def test_most_confused_adds_both_directions_and_all_models(make_summary):
    labels = (0, 0, 0, 1, 1, 2, 2, 2)
    # One cat for a dog, one dog for a cat; two cows for dogs.
    first = make_summary((labels, (1, 0, 0, 0, 1, 1, 1, 2)), model="knn", class_names=NAMES)
    # Three cats for dogs; nothing else.
    second = make_summary((labels, (1, 1, 1, 1, 1, 2, 2, 2)), model="cnn", class_names=NAMES)
    pairs = confusion.most_confused([first, second], NAMES)
    assert pairs == [
        confusion.ConfusedPair("cat", "dog", {"knn": 2.0, "cnn": 3.0}),
        confusion.ConfusedPair("dog", "cow", {"knn": 2.0, "cnn": 0.0}),
    ]
    assert confusion.most_confused([first, second], NAMES, limit=1) == pairs[:1]


def test_most_confused_is_the_mean_over_seeds(make_summary):
    labels = (0, 0, 1, 2)
    summary = make_summary((labels, (1, 1, 1, 2)), (labels, (1, 0, 1, 2)), class_names=NAMES)
    assert [pair.errors for pair in confusion.most_confused([summary], NAMES)] == [{"knn": 1.5}]


def test_nothing_is_confused_where_there_is_no_error_and_no_model(make_summary):
    assert confusion.most_confused([make_summary(((0, 1, 2), (0, 1, 2)), class_names=NAMES)], NAMES) == []
    assert confusion.most_confused([], NAMES) == []


def test_the_matrix_shows_per_cent_of_the_actual_class(make_summary):
    labels, predicted = (0, 0, 0, 0, 1, 1), (0, 0, 0, 1, 1, 1)
    figure = confusion.matrix(make_summary((labels, predicted), class_names=NAMES), NAMES)
    axes = figure.axes[0]
    shown = {tuple(map(int, text.get_position()[::-1])): text.get_text() for text in axes.texts}
    assert shown == {(0, 0): "75.0", (0, 1): "25.0", (1, 1): "100.0"}
    assert [label.get_text() for label in axes.get_yticklabels()] == list(NAMES)
    assert axes.get_ylabel() == "actual"


@pytest.mark.parametrize("k", [2, 3, 10, 25])
def test_the_matrix_is_drawn_without_warnings(make_summary, k):
    names = [f"class number {index}" for index in range(k)]
    with style.chart_style():
        figure = confusion.matrix(make_summary((range(k), [0] * k), class_names=names), names)
        figure.savefig(io.BytesIO(), dpi=40)
    assert len(figure.axes[0].texts) == k
