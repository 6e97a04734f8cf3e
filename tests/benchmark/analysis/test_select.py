"""Which records are compared, and their means."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from benchmark.analysis.select import best, select
from benchmark.records.store import Stored

OLD, NEW = "2025-01-01T00:00:00+00:00", "2025-02-01T00:00:00+00:00"
RIGHT, HALF, NONE = (0, 0, 1, 1), (0, 1, 1, 0), (1, 1, 0, 0)


@pytest.fixture(scope="module")
def stored(make_record):
    def make(predicted=RIGHT, **settings):
        return Stored(make_record((0, 0, 1, 1), predicted, **settings), Path("made.json"))

    return make


def test_nothing_recorded(stored):
    assert select([]) is None
    assert select([], "full") is None
    assert select([stored()], "quick") is None


def test_full_is_taken_before_quick_even_if_older(stored):
    both = [stored(profile="quick", started_at=NEW), stored(profile="full", started_at=OLD)]
    assert select(both).profile == "full"
    assert select(both, "quick").profile == "quick"


def test_without_full_the_profile_of_the_newest_record_is_taken(stored):
    both = [stored(profile="tiny", started_at=OLD), stored(profile="quick", started_at=NEW)]
    assert select(both).profile == "quick"
    assert select(both[::-1]).profile == "quick"


def test_fewer_training_images_are_taken_only_where_there_is_nothing_else(stored):
    few, quick = stored(profile="train-100", started_at=NEW), stored(profile="quick", started_at=OLD)
    assert select([few, quick]).profile == "quick"
    assert select([few, stored(profile="full", started_at=OLD)]).profile == "full"
    assert select([few, stored(profile="train-300", started_at=OLD)]).profile == "train-100"
    assert select([few, quick], "train-100").profile == "train-100"


def test_the_newest_record_of_a_cell_is_taken(stored):
    old, new = stored(NONE, started_at=OLD), stored(HALF, started_at=NEW)
    for order in ([old, new], [new, old]):
        selection = select(order)
        assert [s.accuracy for s in selection.summaries] == [0.5]
        assert selection.notes == ("Records superseded by newer ones of the same run left out: 1.",)


def test_a_newer_failure_takes_the_place_of_an_older_success(stored):
    selection = select([stored(started_at=OLD), stored(status="timeout", started_at=NEW)])
    assert selection.summaries == ()
    assert [record.status for record in selection.failed] == ["timeout"]


def test_records_of_another_version_of_the_data_are_left_out_with_a_note(stored):
    others = [stored(model=name, fingerprint="b" * 64, started_at=OLD) for name in ("svm", "tree")]
    selection = select([*others, stored(started_at=NEW)])
    assert [s.name for s in selection.summaries] == ["knn"]
    assert selection.dataset.fingerprint != "b" * 64
    assert selection.notes == ("Records of another version of the data set, or of other sizes, left out: 2.",)


def test_nothing_left_out_nothing_noted(stored):
    assert select([stored(seed=0), stored(seed=1), stored(profile="quick")]).notes == ()


def test_failed_records_are_listed_by_model_and_seed(stored):
    failed = [stored(model=name, seed=seed, status="error") for name, seed in (("b", 0), ("a", 2), ("a", 1))]
    selection = select([*failed, stored()])
    assert [(r.run.model, r.run.seed) for r in selection.failed] == [("a", 1), ("a", 2), ("b", 0)]
    assert [s.name for s in selection.summaries] == ["knn"]


def test_summaries_are_sorted_by_accuracy_then_name_and_seeds_by_number(stored):
    runs = [stored(NONE, model="worst"), stored(model="b"), stored(model="a", seed=3), stored(model="a", seed=1)]
    selection = select(runs)
    assert [s.name for s in selection.summaries] == ["a", "b", "worst"]
    assert [record.run.seed for record in selection.summaries[0].records] == [1, 3]


def test_versions_of_a_model_are_kept_apart(stored):
    new = stored(seed=0, started_at=NEW)
    model = new.record.model.model_copy(update={"version": 2})
    new = Stored(new.record.model_copy(update={"model": model}), new.path)
    (summary,) = select([new, stored(NONE, seed=1, started_at=OLD)]).summaries
    assert {record.model.version for record in summary.records} == {2}


def test_means_over_seeds(make_summary):
    labels = (0, 0, 1, 1)
    summary = make_summary((labels, RIGHT), (labels, HALF), (labels, (0, 0, 1, 0)))
    assert summary.n_seeds == 3
    assert summary.values.tolist() == [1, 0.5, 0.75]
    assert summary.accuracy == pytest.approx(0.75)
    assert summary.value_sd == pytest.approx(0.25)
    assert summary.validation_accuracy == pytest.approx(0.75)
    assert np.allclose(summary.confusion, [[5 / 3, 1 / 3], [2 / 3, 4 / 3]])
    assert np.allclose(summary.per_class("recall"), [5 / 6, 4 / 6])
    assert np.allclose(summary.per_class("precision"), [(1 + 1 / 2 + 2 / 3) / 3, (1 + 1 / 2 + 1) / 3])
    assert summary.mean_cost("fit_seconds") == 2


def test_one_seed_has_no_standard_deviation(make_summary):
    assert make_summary(((0, 1), (0, 1))).value_sd is None


def test_a_cost_that_was_not_measured_everywhere_has_no_mean(stored):
    first, second = stored(seed=0), stored(seed=1)
    cost = second.record.cost.model_copy(update={"peak_memory_bytes": None})
    second = Stored(second.record.model_copy(update={"cost": cost}), second.path)
    (summary,) = select([first, second]).summaries
    assert summary.mean_cost("peak_memory_bytes") is None
    assert summary.mean_cost("total_seconds") == 5


def test_the_best_of_a_family(stored):
    runs = [stored(HALF, model="a"), stored(model="b"), stored(NONE, model="c", family="network")]
    summaries = select(runs).summaries
    assert best(summaries, "baseline").name == "b"
    assert best(summaries, "network").name == "c"
    assert best(summaries[:2], "network") is None


def test_a_trivial_baseline_is_ranked_but_neither_compared_nor_the_best(stored):
    records = [stored(model=name, family=family) for name, family in (("a", "baseline"), ("c", "network"))]
    line = stored(model="b", family="baseline")
    line = dataclasses.replace(
        line, record=line.record.model_copy(update={"model": line.record.model.model_copy(update={"trivial": True})})
    )
    selection = select([*records, line])
    assert [s.name for s in selection.summaries] == ["a", "c"]
    assert [s.name for s in selection.trivial] == ["b"]
    assert [s.name for s in selection.ranked] == ["a", "b", "c"]
    assert best(selection.ranked, "baseline").name == "a"
    assert best(selection.trivial, "baseline") is None
