"""Scores by class, confusion matrices and pairs, against examples worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from documents import drawn, rows

from benchmark.analysis.select import Selection
from benchmark.report import per_class
from benchmark.report.evidence import Evidence

NAMES = ("cat", "dog", "cow")


def test_most_confused_adds_both_directions_and_all_models(make_summary):
    labels = (0, 0, 0, 1, 1, 2, 2, 2)
    # One cat for a dog, one dog for a cat; two cows for dogs.
    first = make_summary((labels, (1, 0, 0, 0, 1, 1, 1, 2)), model="knn", class_names=NAMES)
    # Three cats for dogs; nothing else.
    second = make_summary((labels, (1, 1, 1, 1, 1, 2, 2, 2)), model="cnn", class_names=NAMES)
    pairs = per_class.most_confused([first, second], NAMES)
    assert pairs == [
        per_class.ConfusedPair("cat", "dog", {"knn": 2.0, "cnn": 3.0}),
        per_class.ConfusedPair("dog", "cow", {"knn": 2.0, "cnn": 0.0}),
    ]
    assert per_class.most_confused([first, second], NAMES, limit=1) == pairs[:1]


def test_most_confused_is_the_mean_over_seeds(make_summary):
    labels = (0, 0, 1, 2)
    summary = make_summary((labels, (1, 1, 1, 2)), (labels, (1, 0, 1, 2)), class_names=NAMES)
    assert [pair.errors for pair in per_class.most_confused([summary], NAMES)] == [{"knn": 1.5}]


def test_nothing_is_confused_where_there_is_no_error_and_no_model(make_summary):
    assert per_class.most_confused([make_summary(((0, 1, 2), (0, 1, 2)), class_names=NAMES)], NAMES) == []
    assert per_class.most_confused([], NAMES) == []


def test_the_matrix_shows_per_cent_of_the_actual_class(make_summary):
    labels, predicted = (0, 0, 0, 0, 1, 1), (0, 0, 0, 1, 1, 1)
    matrix = per_class.matrix(make_summary((labels, predicted), class_names=NAMES), NAMES)
    assert matrix.texts == [["75.0", "25.0", ""], ["", "100.0", ""], ["", "", ""]]
    axes = drawn(matrix).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == list(NAMES)
    assert axes.get_ylabel() == "actual"


@pytest.mark.parametrize("k", [2, 3, 10, 25])
def test_the_matrix_is_drawn_without_warnings(make_summary, k):
    names = [f"class number {index}" for index in range(k)]
    drawn(per_class.matrix(make_summary((range(k), [0] * k), class_names=names), names))


def evidence(make_record, *summaries):
    info = make_record().dataset.model_copy(update={"class_names": NAMES})
    return Evidence(Selection(info, "full", summaries, (), ()), [], None, [])


def test_the_best_of_each_class_is_emphasized(make_summary):
    labels = (0, 0, 1, 1)
    good, bad = make_summary((labels, labels), model="good"), make_summary((labels, (0, 0, 0, 0)), model="bad")
    table = per_class.table([good, bad], ["cat", "dog"], "f1")
    assert rows(table) == {"good": {"cat": "1.000", "dog": "1.000"}, "bad": {"cat": "0.667", "dog": "0.000"}}
    assert [[best for _, best in row] for row in table.cells()] == [[False, True, True], [False, False, False]]
    assert sum(best for row in per_class.table([good, good], ["cat", "dog"], "f1").cells() for _, best in row) == 4
    assert rows(per_class.table([bad], ["cat", "dog"], "precision"))["bad"] == {"cat": "0.500", "dog": "\u2013"}
    assert rows(per_class.table([bad], ["cat", "dog"], "recall"))["bad"] == {"cat": "1.000", "dog": "0.000"}


def test_undefined_scores_are_dashes_and_a_zero_is_never_the_best(make_summary):
    """Nothing shows a fox; dogs are never recognised."""
    labels, names = (0, 0, 1, 1), ("cat", "dog", "fox")
    one = make_summary((labels, (0, 0, 0, 2)), (labels, (0, 0, 0, 0)), class_names=names)
    tables = {score: per_class.table([one], names, score) for score in ("precision", "recall", "f1")}
    assert rows(tables["precision"])["knn"] == {"cat": "0.583", "dog": "\u2013", "fox": "0.000"}
    assert rows(tables["recall"])["knn"] == {"cat": "1.000", "dog": "0.000", "fox": "\u2013"}
    assert rows(tables["f1"])["knn"] == {"cat": "0.733", "dog": "0.000", "fox": "\u2013"}
    assert [[best for _, best in row] for row in tables["f1"].cells()] == [[False, True, False, False]]


@pytest.mark.parametrize(
    ("right", "words"), [((0, 0, 1, 1), "+50.00 points in every class."), ((0, 1, 0, 1), "0 in every class.")]
)
def test_equal_gains_are_told_as_what_they_are(make_summary, make_record, right, words):
    labels, names = (0, 0, 1, 1), ("cat", "dog")
    baseline = make_summary((labels, (0, 1, 0, 1)), class_names=names)
    cnn = make_summary((labels, right), model="cnn-simple", family="network", class_names=names)
    section = per_class.scores(evidence(make_record, baseline, cnn))
    assert f"F1 of cnn-simple less that of knn: {words}" in section.blocks[0].text


def test_classes_without_test_images_are_not_in_the_chart(make_summary, make_record):
    labels = (0, 0, 1, 1)
    baseline = make_summary((labels, (0, 0, 1, 2)), class_names=NAMES)
    cnn = make_summary((labels, (0, 0, 0, 0)), model="cnn-simple", family="network", class_names=NAMES)
    found = evidence(make_record, baseline, cnn)
    chart = per_class.chart(found)
    for panel in chart.panels:
        assert sorted(panel.y.ticks.values()) == sorted(NAMES[:2])
        assert all(np.isfinite(np.asarray(series.x, dtype=float)).all() for series in panel.series)
    section = per_class.scores(found)
    assert "from -66.67 points (dog) to -33.33 (cat). Differences of F1 are not tested" in section.blocks[0].text
    assert NAMES[2] not in str(per_class.confusion(found).blocks[1])


def test_the_hardest_class_is_on_top_and_the_gain_beside_it(make_summary, make_record):
    labels = (0, 0, 1, 1, 2, 2)
    baseline = make_summary((labels, (0, 0, 1, 1, 1, 1)), class_names=NAMES)
    cnn = make_summary((labels, labels), model="cnn-simple", family="network", class_names=NAMES)
    f1, gain, *others = per_class.chart(evidence(make_record, cnn, baseline)).panels
    from_top = sorted(f1.y.ticks, reverse=True)
    assert [f1.y.ticks[place] for place in from_top] == ["cow", "dog", "cat"]
    (bars,) = gain.series
    assert dict(zip(bars.y, bars.notes, strict=True)) == {2: "+100.0", 1: "+33.3", 0: "+0.0"}
    assert [panel.title.split(" ")[0] for panel in others] == ["Recall", "Precision"]
    assert len(drawn(per_class.chart(evidence(make_record, baseline))).axes) == 1
