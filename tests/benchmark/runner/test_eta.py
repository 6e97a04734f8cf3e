"""How long a run will take."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from benchmark.records.store import Store
from benchmark.runner.eta import estimated
from benchmark.runner.run import Planned
from benchmark.specs import Profile, Run


@pytest.fixture
def store(tmp_path, make_record):
    kept = Store(tmp_path, "made")
    for model, seed, seconds in (("knn", 0, 10.0), ("knn", 1, 20.0), ("svm-rbf", 0, 40.0)):
        kept.write(make_record(model=model, seed=seed, total_seconds=seconds), f"full-seed{seed}-00000000")
    return kept


@pytest.fixture
def runs(data):
    """Makes planned runs of models on the synthetic data set, whose training part has 100 images."""

    def make(*models, profile="full", dataset="synthetic", train_size=None, recorded=None):
        size = Profile(name=profile, description="", train_size=train_size)
        prepared = SimpleNamespace(dataset=data)
        return [
            Planned(Run(dataset, model, seed, profile), None, prepared, size, "", None, recorded)
            for seed, model in enumerate(models)
        ]

    return make


def expected_seconds(runs, stores, jobs, gflops=None):
    plan = estimated(runs, stores, jobs, gflops)
    return plan.expected_seconds, plan.unknown


def test_cells_take_the_mean_of_their_like_whatever_the_seed(store, runs):
    assert expected_seconds(runs("knn", "knn", "svm-rbf"), [store], 1) == (15 + 15 + 40, 0)


@pytest.mark.parametrize(("jobs", "seconds"), [(1, 55), (2, 27.5), (8, 27.5), (0, 55)])
def test_jobs_share_the_time_but_no_more_than_there_are_cells(store, runs, jobs, seconds):
    assert expected_seconds(runs("knn", "svm-rbf"), [store], jobs) == (seconds, 0)


def test_unknown_cells_are_counted_and_take_no_time(store, runs):
    wanted = [*runs("knn", "cnn-simple"), *runs("knn", dataset="other")]
    assert expected_seconds(wanted, [store], 1) == (15, 2)


def test_records_of_a_faster_machine_count_more(tmp_path, make_record, runs):
    kept = Store(tmp_path, "made")
    record = make_record(model="knn", total_seconds=10.0)
    fast = record.environment.model_copy(update={"gemm_gflops": 300.0})
    kept.write(record.model_copy(update={"environment": fast}), "full-seed0-00000000")
    assert expected_seconds(runs("knn"), [kept], 1, gflops=100.0) == (30, 0)
    assert expected_seconds(runs("knn"), [kept], 1, gflops=600.0) == (5, 0)
    assert expected_seconds(runs("knn"), [kept], 1) == (10, 0)
    assert expected_seconds(runs("knn"), [kept], 1, gflops=1e-6) == (200, 0)


def test_a_gpus_records_do_not_depend_on_the_processor(tmp_path, make_record, runs):
    kept = Store(tmp_path, "made")
    record = make_record(model="cnn", total_seconds=10.0)
    changes = {
        "environment": record.environment.model_copy(update={"gemm_gflops": 300.0}),
        "cost": record.cost.model_copy(update={"device": "cuda"}),
    }
    kept.write(record.model_copy(update=changes), "full-seed0-00000000")
    assert expected_seconds(runs("cnn"), [kept], 1, gflops=100.0) == (10, 0)


def test_another_profile_is_believed_in_proportion_to_its_images(store, runs):
    """The records have 60 training images."""
    assert expected_seconds(runs("svm-rbf", profile="quick", train_size=30), [store], 1) == (20, 0)


def test_what_is_recorded_takes_no_time(store, runs, make_record):
    plan = estimated([*runs("knn"), *runs("svm-rbf", recorded=make_record())], [store], 1)
    assert (plan.expected_seconds, len(plan.runs), len(plan.waiting)) == (15, 2, 1)


def test_what_came_from_the_cache_is_counted(tmp_path, make_record, runs):
    kept = Store(tmp_path, "made")
    record = make_record(model="hog-svm", total_seconds=10.0)
    kept.write(
        record.model_copy(update={"cost": record.cost.model_copy(update={"cached_seconds": 7.0})}),
        "full-seed0-00000000",
    )
    assert expected_seconds(runs("hog-svm"), [kept], 1) == (17, 0)


def test_no_cells_take_no_time(store, runs):
    assert expected_seconds([], [store], 4) == (0, 0)


def test_a_run_without_cost_tells_nothing(tmp_path, make_record, runs):
    store = Store(tmp_path, "made")
    store.write(make_record(status="error"), "full-seed0-00000000")
    assert expected_seconds(runs("knn"), [store], 1) == (0, 1)


def test_the_first_store_that_knows_is_believed(store, tmp_path, make_record, runs):
    other = Store(tmp_path, "other")
    for model, seconds in (("knn", 1000.0), ("cnn-simple", 7.0)):
        other.write(make_record(model=model, total_seconds=seconds), "full-seed0-00000000")
    assert expected_seconds(runs("knn", "cnn-simple"), [store, other], 1) == (22, 0)
    assert expected_seconds(runs("knn", "cnn-simple"), [other, store], 1) == (1007, 0)
