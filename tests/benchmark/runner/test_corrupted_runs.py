"""Runs with corrupted test images: what is recorded, when a run is run again, and what it must not cost."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from runs import Log, go, spec

from benchmark.data.corruptions import CORRUPTIONS, corrupt
from benchmark.estimators import adapter as answers
from benchmark.records.schema import SEVERITIES
from benchmark.registry import models
from benchmark.runner import evaluate as execution
from benchmark.runner.job import Job
from benchmark.specs import PROFILES, Run
from benchmark.utils import seeds


@pytest.fixture
def asking(settings):
    return dataclasses.replace(settings, corruptions=True)


def started(specs, prepared, settings):
    log = Log()
    go(specs, prepared, settings, log=log)
    return [run.model for run in log.started_cells]


def test_a_cell_without_them_is_run_again_when_they_are_asked_for_and_only_then(prepared, settings, asking):
    specs = [spec("Majority"), spec("Unsupported")]
    assert go(specs, prepared, settings)["majority", 0].corruptions == {}
    assert started(specs, prepared, settings) == []
    assert started(specs, prepared, asking) == ["majority"]
    assert started(specs, prepared, asking) == []
    assert started(specs, prepared, settings) == []
    (stored,) = (s for s in settings.store.read_all("digits")[0] if s.record.status == "ok")
    assert list(stored.record.corruptions) == list(CORRUPTIONS)
    assert all(len(values) == SEVERITIES for values in stored.record.corruptions.values())


def test_a_cell_that_has_them_keeps_them_when_it_is_run_afresh(prepared, settings, asking):
    first = go([spec("Majority")], prepared, asking)["majority", 0]
    again = go([spec("Majority")], prepared, dataclasses.replace(settings, fresh=True))["majority", 0]
    assert again.corruptions == first.corruptions != {}
    assert go([spec("Majority", version=2)], prepared, settings)["majority", 0].corruptions == {}


def test_a_model_that_cannot_predict_them_keeps_its_earlier_record(prepared, settings, asking, tmp_path):
    once = spec("WorksOnce", params={"trace": str(tmp_path / "ran")})
    go([once], prepared, settings)
    assert go([once], prepared, asking)["worksonce", 0].status == "error"
    (stored,) = settings.store.read_all("digits")[0]
    assert (stored.record.status, stored.record.corruptions) == ("ok", {})


def test_accuracies_are_those_of_the_corrupted_test_images(prepared, asking):
    knn = models()["knn"]
    record = go([knn], prepared, asking)["knn", 0]
    dataset = prepared["digits"].dataset
    model = knn.create(Run("digits", "knn", 0, "full"))
    train = dataset.split.train
    model.fit(answers.inputs(dataset.train_images, train, knn), np.asarray(dataset.train_labels[train]))
    every = np.arange(len(dataset.test_labels))
    for name in ("shift", "noise"):
        changed = corrupt(np.asarray(dataset.test_images), name, 3, "digits")
        accuracy = np.mean(model.predict(answers.inputs(changed, every, knn)) == dataset.test_labels)
        assert record.corruptions[name][2] == pytest.approx(accuracy, abs=1e-3)
        assert record.corruptions[name][2] < record.test.accuracy


def execute(prepared, tmp_path, attribute, **changes):
    job = Job(
        run=Run("digits", "m", 0, "full"),
        model=spec(attribute, name="m"),
        dataset=prepared["digits"].spec,
        fingerprint=prepared["digits"].dataset.fingerprint,
        profile=PROFILES["full"],
        random_state=seeds.derive("fit", "digits", 0),
        threads=1,
        device="auto",
        log=tmp_path / "log",
        **changes,
    )
    return execution.execute(job, lambda row: None)


def test_they_cost_the_model_no_time(prepared, tmp_path):
    """Each prediction takes a twentieth of a second: thirty more of them would show."""
    plain, corrupted = (execute(prepared, tmp_path, "PredictsSlowly", corruptions=asked) for asked in (False, True))
    assert plain.corruptions == {}
    assert len(corrupted.corruptions) == len(CORRUPTIONS)
    assert corrupted.cost.predict_seconds + corrupted.cost.scoring_seconds < 1


def test_they_are_made_when_memory_has_been_measured(prepared, tmp_path, monkeypatch):
    order = []
    measure, make = execution.memory_bytes, execution.corruptions.versions
    monkeypatch.setattr(execution, "memory_bytes", lambda **how: order.append("measured") or measure(**how))
    monkeypatch.setattr(execution.corruptions, "versions", lambda *what: order.append("made") or make(*what))
    execute(prepared, tmp_path, "Majority", corruptions=True)
    assert order == ["measured", "measured", "made"]


def test_their_features_are_not_kept(prepared, tmp_path, monkeypatch):
    kept: list[object] = []
    monkeypatch.setattr("benchmark.estimators.feature_cache._keep", lambda path, *rest: kept.append(path))
    execute(prepared, tmp_path, "CachesPixels")
    without = len(kept)
    execute(prepared, tmp_path, "CachesPixels", corruptions=True)
    assert len(kept) == 2 * without > 0


def test_a_search_is_shown_none_of_them(prepared, tmp_path):
    assert execute(prepared, tmp_path, "Majority", corruptions=True, test=False).corruptions == {}
