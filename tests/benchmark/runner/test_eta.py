"""How long a run will take, and by what that is judged."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import pytest
from runs import spec

from benchmark.records.store import Store
from benchmark.runner import eta
from benchmark.runner.eta import LIKENESS, PILOT, RECORDS, TIMINGS, Estimates
from benchmark.runner.law import Measured
from benchmark.runner.run import Planned, Settings
from benchmark.runner.timings import Machine, Timing, Timings
from benchmark.specs import Profile, Run

MACHINE = Machine(cpu="Test CPU", cores=2, gemm_gflops=200.0, training={"float32": 1000.0, "bfloat16": 2000.0})
NOTHING = Timings(machine=MACHINE, runs=())


def cost(train=100, fit=6.0, **changes):
    """Of a run on the synthetic data: as many images in every part, 16 numbers in an image."""
    parts = {"validation": 100, "test": 200, "numbers": 16, "predict": 2.0, "scoring": 1.0, "rest": 1.0}
    return Measured(**{**parts, "train": train, "fit": fit, **changes})


def timings(*runs):
    return Timings(machine=MACHINE, runs=tuple(Timing(**run) for run in runs))


@pytest.fixture
def store(tmp_path, make_record):
    kept = Store(tmp_path, "made")
    for model, seed, seconds in (("knn", 0, 10.0), ("knn", 1, 20.0), ("svm-rbf", 0, 40.0)):
        record = make_record(model=model, seed=seed, total_seconds=seconds, fit_seconds=seconds / 2)
        sizes = {"train_size": 100, "validation_size": 100, "test_size": 4}
        kept.write(
            record.model_copy(update={"dataset": record.dataset.model_copy(update=sizes)}), f"full-seed{seed}-0000"
        )
    return kept


@pytest.fixture
def runs(data):
    """Makes planned runs of models on the synthetic data set, whose training part has 100 images."""
    data = dataclasses.replace(data, test_images=data.test_images[:4], test_labels=data.test_labels[:4])

    def make(*models, profile="full", dataset="synthetic", train_size=None, recorded=None):
        size = Profile(name=profile, description="", train_size=train_size)
        prepared = SimpleNamespace(dataset=data, spec=SimpleNamespace(key=dataset))
        return [
            Planned(
                Run(dataset, model, seed, profile), spec("Majority", name=model), prepared, size, "", None, recorded
            )
            for seed, model in enumerate(models)
        ]

    return make


@pytest.fixture
def pilots(monkeypatch):
    """What pilots find, by model; which models were tried is in the list ``tried``."""
    found = SimpleNamespace(points={}, tried=[])

    class Pilots:
        def __init__(self, *arguments):
            pass

        def measure(self, wanted):
            found.tried += [planned.run.model for planned in wanted]
            return {planned.run: found.points.get(planned.run.model, []) for planned in wanted}

    monkeypatch.setattr(eta, "Pilots", Pilots)
    monkeypatch.setattr(eta, "warm_up", lambda: None)
    return found


@pytest.fixture
def estimate(make_record, pilots):
    """Plans runs with what the stores and the timings know, on a machine of so many GFLOP/s."""

    def plan(runs, stores=(), known=NOTHING, *, gflops=None, **settings):
        here = make_record().environment.model_copy(update={"gemm_gflops": gflops, "cores": 2})
        how = Settings(**{"jobs": 1, "threads": 2, "memory_limit_bytes": 1 << 40, **settings})
        return Estimates(list(stores), here, how, lambda what, done, total: None, known).plan(runs)

    return plan


def test_runs_take_the_mean_of_their_like_whatever_the_seed(store, runs, estimate):
    plan = estimate(runs("knn", "knn", "svm-rbf"), [store])
    assert (plan.expected_seconds, plan.unknown) == (pytest.approx(15 + 15 + 40), 0)
    assert set(plan.bases.values()) == {RECORDS}


@pytest.mark.parametrize(("jobs", "seconds"), [(1, 55), (2, 27.5), (8, 27.5)])
def test_jobs_share_the_time_but_no_more_than_there_are_runs(store, runs, estimate, jobs, seconds):
    assert estimate(runs("knn", "svm-rbf"), [store], jobs=jobs).expected_seconds == pytest.approx(seconds)


def test_what_not_even_a_pilot_can_tell_is_counted_and_takes_no_time(store, runs, estimate, pilots):
    plan = estimate([*runs("knn", "cnn-simple"), *runs("knn", dataset="other")], [store])
    assert (plan.expected_seconds, plan.unknown) == (pytest.approx(15), 2)
    assert sorted(pilots.tried) == ["cnn-simple", "knn"]


def test_records_of_a_faster_machine_count_more(tmp_path, make_record, runs, estimate):
    kept = Store(tmp_path, "made")
    record = make_record(model="knn", total_seconds=10.0)
    fast = record.environment.model_copy(update={"gemm_gflops": 300.0, "cores": 2})
    sizes = record.dataset.model_copy(update={"train_size": 100, "validation_size": 100, "test_size": 4})
    kept.write(record.model_copy(update={"environment": fast, "dataset": sizes}), "full-seed0-00000000")
    for gflops, seconds in ((100.0, 30), (600.0, 5), (None, 10), (1e-6, 200)):
        assert estimate(runs("knn"), [kept], gflops=gflops).expected_seconds == pytest.approx(seconds)
    # Half of the threads, half of the speed.
    assert estimate(runs("knn"), [kept], gflops=300.0, threads=1).expected_seconds == pytest.approx(20)


def test_a_gpus_records_do_not_depend_on_the_processor(tmp_path, make_record, runs, estimate):
    kept = Store(tmp_path, "made")
    record = make_record(model="cnn", total_seconds=10.0)
    changes = {
        "environment": record.environment.model_copy(update={"gemm_gflops": 300.0}),
        "cost": record.cost.model_copy(update={"device": "cuda"}),
        "dataset": record.dataset.model_copy(update={"train_size": 100, "validation_size": 100, "test_size": 4}),
    }
    kept.write(record.model_copy(update=changes), "full-seed0-00000000")
    assert estimate(runs("cnn"), [kept], gflops=100.0).expected_seconds == pytest.approx(10)


def test_what_is_recorded_takes_no_time(store, runs, make_record, estimate):
    plan = estimate([*runs("knn"), *runs("svm-rbf", recorded=make_record())], [store])
    assert (plan.expected_seconds, len(plan.runs), len(plan.waiting)) == (pytest.approx(15), 2, 1)


def test_no_runs_take_no_time(store, estimate):
    assert estimate([], [store]).expected_seconds == 0


def test_the_first_store_that_knows_is_believed(store, tmp_path, make_record, runs, estimate):
    other = Store(tmp_path, "other")
    for model, seconds in (("knn", 1000.0), ("cnn-simple", 7.0)):
        record = make_record(model=model, total_seconds=seconds)
        sizes = record.dataset.model_copy(update={"train_size": 100, "validation_size": 100, "test_size": 4})
        other.write(record.model_copy(update={"dataset": sizes}), "full-seed0-00000000")
    wanted = runs("knn", "cnn-simple")
    assert estimate(wanted, [store, other]).expected_seconds == pytest.approx(22)
    assert estimate(wanted, [other, store]).expected_seconds == pytest.approx(1007)


def test_records_come_before_reference_timings_and_those_before_pilots(store, runs, estimate, pilots):
    known = timings(
        *({"dataset": "synthetic", "model": model, "profile": "full", "cost": cost(test=4)} for model in ("knn", "mlp"))
    )
    pilots.points["own"] = [cost(25, 3.0), cost(50, 3.0)]
    plan = estimate(runs("knn", "mlp", "own"), [store], known, gflops=100.0)
    bases = {run.model: basis for run, basis in plan.bases.items()}
    assert bases == {"knn": RECORDS, "mlp": TIMINGS, "own": PILOT}
    assert pilots.tried == ["own"]
    seconds = {run.model: seconds for run, seconds in plan.expected.items()}
    assert seconds["mlp"] == pytest.approx(2 * 10)  # The timings' machine is twice as fast.
    assert seconds["own"] == pytest.approx(3 + 2 * 4 / 200 + 1 * 104 / 300 + 1)


def test_reference_timings_of_the_same_images_come_before_records_of_fewer(store, runs, estimate):
    known = timings({"dataset": "synthetic", "model": "knn", "profile": "half", "cost": cost(50, 100.0, test=4)})
    plan = estimate(runs("knn", profile="half", train_size=50), [store], known, gflops=200.0)
    assert (plan.expected_seconds, set(plan.bases.values())) == (pytest.approx(104), {TIMINGS})


def test_short_runs_need_no_pilot(runs, estimate, pilots):
    known = timings(
        {"dataset": "other", "model": "quick", "profile": "full", "cost": cost(fit=2.0)},
        {"dataset": "other", "model": "slow", "profile": "full", "cost": cost(fit=2000.0)},
    )
    plan = estimate(runs("quick", "slow"), [], known, gflops=200.0)
    assert pilots.tried == ["slow"]
    # A pilot that fails leaves what is known of other images.
    assert set(plan.bases.values()) == {LIKENESS}


def test_networks_follow_the_speed_that_networks_have_here(runs, estimate, monkeypatch):
    known = timings(
        *(
            {"dataset": "synthetic", "model": m, "profile": "full", "cost": cost(fit=100.0, test=4, precision=p)}
            for m, p in (("net", "bfloat16"), ("trees", None))
        )
    )
    monkeypatch.setattr(eta, "ask", lambda *arguments, limit_seconds: 500.0)
    plan = estimate(runs("net", "trees"), [], known, gflops=200.0)
    seconds = {run.model: seconds for run, seconds in plan.expected.items()}
    assert seconds == {"net": pytest.approx(4 * 104), "trees": pytest.approx(104)}
    monkeypatch.setattr(eta, "ask", lambda *arguments, limit_seconds: None)
    assert estimate(runs("net"), [], known, gflops=200.0).expected_seconds == pytest.approx(104)


def test_a_run_that_clearly_does_not_fit_into_memory_is_marked(runs, estimate, pilots):
    pilots.points["greedy"] = [cost(25, memory=25 << 20), cost(50, memory=50 << 20)]
    for limit, fits in ((70 << 20, False), (90 << 20, True)):
        plan = estimate(runs("greedy"), [], memory_limit_bytes=limit)
        (planned,) = plan.runs
        assert (planned.needed_memory_bytes is None) is fits
        assert (plan.expected_seconds > 0) is fits
