"""Training by epoch, and the bias of choosing the epoch on the test images."""

from __future__ import annotations

import numpy as np
import pytest
from documents import drawn, tables, text

from benchmark.analysis.select import select
from benchmark.report import training
from benchmark.report.evidence import Evidence


def epochs(*pairs):
    return tuple({"validation_accuracy": accuracy, "validation_loss": loss} for accuracy, loss in pairs)


@pytest.mark.parametrize(
    ("rows", "tests", "expected"),
    [
        (epochs((0.8, 1.0), (0.9, 0.5), (0.85, 0.6)), (0.7, 0.8, 0.9), (0.8, 0.9)),
        (epochs((0.9, 0.6), (0.9, 0.5)), (0.7, 0.65), (0.65, 0.7)),  # Equal accuracy: the lower loss.
        (epochs((0.9, 0.5), (0.9, 0.5)), (0.7, 0.65), (0.7, 0.7)),  # Equal both: the earlier.
        (epochs((0.9, None), (0.9, 0.5)), (0.7, 0.65), (0.65, 0.7)),
        (epochs((0.1, 2.0), (0.9, 0.5), (0.85, 0.6)), (None, 0.8, 0.85), (0.8, 0.85)),
        (epochs((0.9, 0.5), (0.85, 0.6)), (None, 0.8), None),
        (epochs((0.9, 0.5)), (), None),
        (epochs((0.9, 0.5)), (0.7, 0.8), None),
        (epochs((None, 0.5)), (0.7,), None),
    ],
)
def test_the_gap_is_between_the_chosen_and_the_best_epoch(make_record, rows, tests, expected):
    assert training.selection_gap(make_record(epochs=rows, epoch_tests=tests)) == expected


def test_the_section_names_every_network_that_tells_and_the_largest_gap(tmp_path, make_collection, make_cell):
    store = make_collection(tmp_path, [("knn", "baseline", 20)], class_names=("cat", "dog"))
    for seed, tests in enumerate([(0.7, 0.9), (0.8, 0.8)]):
        make_cell(
            store,
            model="cnn_x",
            family="network",
            seed=seed,
            class_names=("cat", "dog"),
            epochs=epochs((0.9, 0.5), (0.8, 0.6)),
            epoch_tests=tests,
        )
    stored, _ = store.read_all("synthetic")
    section = training.curves(Evidence(select(stored), stored, None, []))
    assert "up to 10.00 points higher" in text(section)
    (table,) = tables(section)
    assert list(table["cnn_x"].values()) == ["75.00%", "85.00%", "+10.00 ± 10.00", "2"]
    assert np.isfinite(training.selection_gaps(select(stored).summaries[0])).all()


def test_without_such_records_there_is_no_table(tmp_path, make_collection):
    stored, _ = make_collection(tmp_path).read_all("synthetic")
    assert tables(training.curves(Evidence(select(stored), stored, None, []))) == []


def test_without_networks_there_is_no_section(tmp_path, make_collection):
    stored, _ = make_collection(tmp_path, [("knn", "baseline", 20)]).read_all("synthetic")
    assert training.curves(Evidence(select(stored), stored, None, [])) is None


LABELS = (0, 0, 1, 1)


def test_the_star_is_at_the_best_epoch_of_each_seed(make_summary):
    rows = tuple({"validation_accuracy": value, "train_loss": 1.0} for value in (0.5, 0.9, None, 0.7))
    run = (LABELS, LABELS)
    chart = training.chart([make_summary(run, run, model="cnn-simple", family="network", epochs=rows)])
    *lines, star = chart.panels[0].series
    assert (star.label, list(star.x), list(star.y)) == ("epoch kept", [2, 2], [0.9, 0.9])
    for line in lines:
        np.testing.assert_array_equal(line.y, [0.5, 0.9, np.nan, 0.7])
    assert [line.label for line in lines] == ["cnn-simple, validation", ""]
    drawn(chart)


def test_of_many_seeds_the_first_are_shown(make_summary):
    runs = [(LABELS, LABELS)] * 7
    summary = make_summary(*runs, family="network", epochs=({"validation_accuracy": 0.5},))
    assert len(training.chart([summary]).panels[0].series) == training.MOST_SEEDS + 1


def test_curves_without_any_value(make_summary):
    summary = make_summary((LABELS, LABELS), family="network", epochs=({"validation_accuracy": None},))
    chart = training.chart([summary])
    assert [series.label for series in chart.panels[0].series] == ["knn, validation"]
    drawn(chart)
