"""Tests and intervals are as often right as they claim, on runs like those of the reference."""

from __future__ import annotations

import re

import numpy as np
import pytest
import simulations
import uneven
import worlds

CHEAP = 300  # By day, a sample that a gross mistake does not survive.


def test_a_world_disagrees_as_often_as_the_reference():
    of, rng = worlds.world(), np.random.default_rng(0)
    left, right = of.runs(rng, [of.accuracy] * 2, [2, 2], [0.0, 0.0])
    assert left.mean() == pytest.approx(of.accuracy, abs=0.02)
    assert np.mean(left[0] != left[1]) == pytest.approx(of.within, abs=0.01)
    assert np.mean(left[0] != right[0]) == pytest.approx(of.between, abs=0.01)


def test_seeds_move_a_model_as_far_as_they_are_told_to():
    of = worlds.world()
    (runs,) = of.runs(np.random.default_rng(0), [of.accuracy], [200], [0.005])
    assert runs.mean(axis=1).std() == pytest.approx(0.005, rel=0.2)


@pytest.mark.parametrize("seeds", [(1, 1), (3, 0), (3, 3)])
def test_equal_models_differ_in_one_of_twenty_cases(seeds):
    assert simulations.pair_test(worlds.world(), seeds, CHEAP) < 0.1


def test_a_gross_difference_is_found():
    assert simulations.pair_test(worlds.world(), (3, 3), 50, points=2.0) == 1


@pytest.mark.nightly
@pytest.mark.timeout(7200)
def test_all_is_as_often_right_as_it_claims():
    found = [*simulations.rows(), *simulations.rows(of=simulations.metric_cases)]
    outside = [row for row in found if not row[3][0] <= row[2] <= row[3][1]]
    assert not outside


@pytest.mark.parametrize(
    ("cases", "marks"),
    [(simulations.cases, simulations.MARKS), (simulations.metric_cases, simulations.METRIC_MARKS)],
)
def test_the_documentation_has_a_figure_for_every_case(cases, marks):
    page = (worlds.ROOT / simulations.PAGE).read_text(encoding="utf-8")
    shown = page.partition(marks[0])[2].partition(marks[1])[0].strip()
    rows = [
        (what, case.of, 0.5, bounds, case.note)
        for case in cases()
        for what, bounds in zip(case.what, case.bounds, strict=False)
    ]
    blank = re.compile(r"\d+\.\d%( \(| \|)")
    assert blank.sub(r"#\1", shown) == blank.sub(r"#\1", simulations.table(rows))


@pytest.mark.parametrize("name", ["15 classes of 20 to 400", "classes of 20 and 500"])
def test_intervals_of_every_metric_hold_the_truth(name):
    assert min(uneven.UNEVEN[name].coverage(CHEAP)) > 0.88


def test_equal_models_rarely_differ_by_any_metric():
    assert max(uneven.UNEVEN["15 classes of 20 to 400"].significant(CHEAP)) < 0.1
