from __future__ import annotations

import io

import pytest
from rich.console import Console

from benchmark.contract import Cell
from benchmark.progress import Display, outcome_line

CELL = Cell("synthetic", "knn", 0, "full")


def shown(terminal: bool, make_record) -> str:
    console = Console(file=io.StringIO(), force_terminal=terminal, width=120, color_system=None)
    with Display(console, 2) as display:
        display.started(CELL, 3)
        display.epoch(CELL, {"epoch": 1, "validation_accuracy": 0.5})
        display.finished(make_record(), kept=False)
        display.finished(make_record(seed=1, status="error", reason="[bold]it broke"), kept=False)
    return console.file.getvalue()


def test_a_terminal_sees_bars_for_cells_and_epochs(make_record):
    text = shown(True, make_record)
    assert "all cells" in text
    assert "2/2" in text
    assert "ok          knn on synthetic, seed 0: test accuracy 0.7500 (5.0 s)" in text


def test_elsewhere_there_is_a_plain_line_a_cell(make_record):
    lines = shown(False, make_record).splitlines()
    assert [line for line in lines if line.strip()] == [
        "started     knn on synthetic, seed 0",
        "ok          knn on synthetic, seed 0: test accuracy 0.7500 (5.0 s)",
        "error       knn on synthetic, seed 1: [bold]it broke",
    ]


@pytest.mark.parametrize("status", ["error", "timeout", "unsupported"])
def test_a_failure_is_told_with_its_reason(make_record, status):
    assert f"it ended with {status}" in outcome_line(make_record(status=status), kept=False)


def test_a_kept_record_is_told_as_such(make_record):
    assert outcome_line(make_record(), kept=True).endswith("(already recorded)")


def test_a_profile_is_named_where_there_are_several(make_record):
    few, quick = (make_record(seed=2, profile=profile) for profile in ("train-100", "quick"))
    assert "knn on synthetic, seed 2, train-100: test" in outcome_line(few, kept=True)
    assert "knn on synthetic, seed 2: test" in outcome_line(quick, kept=True)
