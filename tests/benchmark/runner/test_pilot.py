"""Pilots: short runs that measure and leave nothing but what they measured."""

from __future__ import annotations

import dataclasses
import json
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from runs import Log, go, spec

from benchmark.data import cache
from benchmark.runner import environment
from benchmark.runner.eta import Estimates
from benchmark.runner.pilot import Pilots, sample_sizes
from benchmark.runner.run import Runner
from benchmark.runner.timings import FILE, collect, shipped


@given(st.integers(4, 10**6), st.integers(2, 1000))
def test_two_nested_samples_show_every_class_and_are_no_more_than_there_are(n, n_classes):
    found = sample_sizes(n, n_classes)
    assert found == sorted(set(found))
    assert 1 <= len(found) <= 2
    assert all(min(n, n_classes) <= size <= n for size in found)


@pytest.fixture
def pilots(settings):
    said = []
    how = settings.resolved(1)
    found = Pilots(how, settings.environment, lambda what, done, total: said.append(what))
    return SimpleNamespace(measure=found.measure, said=said, runner=Runner(settings.store, how, Log(), how.environment))


def measured(pilots, prepared, *specs):
    runs = pilots.runner.plan(specs, prepared.values(), 1, ["full"])
    return list(pilots.measure(runs).values())


def test_a_pilot_runs_the_model_on_two_samples_leaves_no_record_and_is_remembered(pilots, prepared, settings):
    ((small, large),) = measured(pilots, prepared, spec("Majority"))
    assert (small.train, large.train) == (250, 500)
    assert small.numbers == 64
    assert small.rest > 0
    assert pilots.said == ["estimating: majority"] * 2
    assert not list(settings.store.folder.glob("**/*.json"))
    assert measured(pilots, prepared, spec("Majority")) == [[small, large]]
    assert len(pilots.said) == 2
    file = cache.folder("digits") / "pilots.json"
    file.write_text("{", encoding="ascii")
    assert len(measured(pilots, prepared, spec("Majority"))[0]) == 2
    assert len(json.loads(file.read_bytes())) == 1


def test_a_pilot_sees_training_images_only(pilots, prepared, monkeypatch):
    digits = prepared["digits"]
    for name in ("test_images", "test_labels"):
        path = cache.folder("digits") / f"{name}.npy"
        path.rename(path.with_suffix(".away"))
    try:
        ((small, large),) = measured(pilots, {"digits": digits}, spec("Majority", name="blind"))
    finally:
        for name in ("test_images", "test_labels"):
            path = cache.folder("digits") / f"{name}.npy"
            path.with_suffix(".away").rename(path)
    assert small.test == large.test > 0


def test_a_model_that_fails_has_no_pilot_and_keeps_no_features(pilots, prepared):
    assert measured(pilots, prepared, spec("Raises"), spec("CachesPixels"))[0] == []
    assert not list((cache.cache_root() / "features").glob("pixels-*"))


def test_a_network_is_tried_for_few_epochs(pilots, prepared):
    from benchmark import registry

    model = dataclasses.replace(registry.models()["gradient-boosting"], adapted={"epochs": 80})
    ((small, large),) = measured(pilots, prepared, model)
    assert small.epochs == large.epochs == 2
    assert 0 < large.epoch <= large.fit / 2


def test_what_would_not_fit_into_memory_is_unsupported_with_the_figure_and_tried_where_there_is_more(
    prepared, settings
):
    """HoardsMore takes 1.5 MB per training image: 750 MB on 500 of them, 1.8 GB on all 1,200."""
    model = spec("HoardsMore")
    for limit, status in ((1_400_000_000, "unsupported"), (4_000_000_000, "ok")):
        how = dataclasses.replace(settings, memory_limit_bytes=limit)
        runner = Runner(settings.store, how, Log(), settings.environment)
        runs = runner.plan([model], prepared.values(), 1, ["full"])
        estimates = Estimates([], environment.describe(), how.resolved(1), lambda what, done, total: None)
        plan = estimates.plan(runs)
        (record,) = runner.execute(plan.runs)
        assert record.status == status, record.reason
        assert (record.needed_memory_bytes is not None) is (status == "unsupported")
        if status == "unsupported":
            assert 1.7e9 < record.needed_memory_bytes < 2.1e9
            assert "GB and may use 1.4 GB: take fewer images (--profile train-N) or smaller ones" in record.reason
            assert plan.expected_seconds == 0
    assert go([model], prepared, settings)["hoardsmore", 0].status == "ok"


def test_the_timings_that_ship_are_those_of_the_reference_results():
    from benchmark.records.store import Store

    folder = FILE.parents[2] / "results"
    if not (folder / "reference").is_dir():
        pytest.skip("the reference results are not here")
    assert collect(Store(folder, "reference"), shipped().machine) == shipped()
