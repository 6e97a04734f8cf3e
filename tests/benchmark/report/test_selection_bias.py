from __future__ import annotations

import numpy as np
import pytest

from benchmark.analysis.select import select
from benchmark.report import selection_bias as optimism
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
    assert optimism.gap(make_record(epochs=rows, epoch_tests=tests)) == expected


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
    section = optimism.section(Evidence(select(stored), stored, None, []))
    assert "up to 10.00 points too high" in section.text
    (row,) = [line for line in section.text.splitlines() if "cnn" in line]
    assert [run.strip() for run in row.strip("|").split("|")] == [
        r"cnn\_x",
        "0.7500",
        "0.8500",
        "+10.00 points",
        "2",
    ]
    assert np.isfinite(optimism.gaps(select(stored).summaries[0])).all()


def test_without_such_records_there_is_no_section(tmp_path, make_collection):
    stored, _ = make_collection(tmp_path).read_all("synthetic")
    assert optimism.section(Evidence(select(stored), stored, None, [])) is None
