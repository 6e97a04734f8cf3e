from __future__ import annotations

import itertools
import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmark import registry
from benchmark.errors import UserError
from benchmark.records.store import Store
from benchmark.runner import environment
from benchmark.runner import tune as tuning
from benchmark.runner.run import Settings
from benchmark.specs import ModelSpec, Span

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def prepared(prepared):
    return prepared["digits"]


def spec(**changes) -> ModelSpec:
    settings = {
        "name": "tunable",
        "family": "baseline",
        "build": "misbehaving:Tunable",
        "inputs": "flat",
        "description": "for tests",
        "params": {"level": 2},
        "search": {"level": Span(1, 10)},
    }
    return ModelSpec(**{**settings, **changes})


def search(prepared, model: ModelSpec, seconds: float = 6.0, **changes) -> tuning.Search:
    return tuning.Search(
        model=model,
        prepared=prepared,
        environment=environment.describe(),
        **{"budget_seconds": seconds, "train_size": None, "seed": 0, "settings": Settings(threads=1), **changes},
    )


@pytest.fixture
def a_trial_a_second(monkeypatch):
    """The budget in trials: the search's clock moves on by a second whenever it is read."""
    monkeypatch.setattr(tuning, "time", SimpleNamespace(monotonic=itertools.count().__next__))


@pytest.mark.usefixtures("a_trial_a_second")
def test_the_present_parameters_come_first_and_the_best_wins_without_a_look_at_test(prepared, tmp_path):
    """``Tunable`` raises if it is ever given as many images as there are test images."""
    store, told = Store(tmp_path, "made"), []
    record = tuning.tune(search(prepared, spec(), seconds=8.0), store, told.append)
    assert list(record.trials) == told
    assert record.trials[0].params == {"level": 2}
    assert len(record.trials) >= 5
    assert all(trial.status == "ok" for trial in record.trials[:-1])
    assert record.winner.validation_accuracy == max(trial.validation_accuracy or 0 for trial in record.trials)
    assert record.winner.validation_accuracy > record.trials[0].validation_accuracy
    assert record.space == {"level": {"low": 1, "high": 10, "log": False}}
    assert (record.train_size, record.validation_size) == (1200, 237)
    written = tuning.path_of(store, "digits", "tunable")
    assert tuning.TuningRecord.model_validate_json(written.read_bytes()) == record
    assert [path.name for path in written.parent.iterdir()] == ["tuning-tunable.json"]
    assert store.read_all("digits") == ([], [])


@pytest.mark.usefixtures("a_trial_a_second")
def test_a_trial_that_breaks_is_told_and_does_not_win(prepared, tmp_path):
    model = spec(params={"kind": "broken"}, search={"kind": ("broken", "slow")})
    record = tuning.tune(search(prepared, model, seconds=12.0), Store(tmp_path, "made"), lambda trial: None)
    assert record.trials[0].status == "error"
    assert "this kind breaks" in record.trials[0].reason
    assert record.best == {"kind": "slow"}


def test_a_search_that_only_fails_is_given_up_and_leaves_its_log(prepared, tmp_path):
    store, model = Store(tmp_path, "made"), spec(params={}, search={"kind": ("broken",)})
    record = tuning.tune(search(prepared, model, seconds=100.0), store, lambda trial: None)
    assert [trial.status for trial in record.trials] == ["error"] * 10
    (left,) = (tmp_path / "made/digits").iterdir()
    assert left.name == "tuning-tunable.log"
    assert "this kind breaks" in left.read_text()


def test_a_trial_is_cut_off_when_the_budget_is_spent_and_nothing_is_overwritten(prepared, tmp_path):
    store = Store(tmp_path, "made")
    written = tuning.path_of(store, "digits", "tunable")
    written.parent.mkdir(parents=True)
    written.write_bytes(before := b"an earlier search")
    model = spec(build="misbehaving:HangsWhenTuned")
    record = tuning.tune(search(prepared, model, seconds=2.0), store, lambda trial: None)
    assert [trial.status for trial in record.trials] == ["timeout"]
    assert (record.best, record.winner) == (None, None)
    assert written.read_bytes() == before


def test_an_interrupted_search_writes_nothing(prepared, tmp_path):
    store = Store(tmp_path, "made")

    def interrupt(trial):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tuning.tune(search(prepared, spec()), store, interrupt)
    assert not list((tmp_path / "made/digits").iterdir())


def test_fewer_images_may_be_searched_on(prepared, tmp_path):
    record = tuning.tune(
        search(prepared, spec(), seconds=2.0, train_size=500), Store(tmp_path, "made"), lambda trial: None
    )
    assert (record.train_size, record.validation_size) == (500, 237)


@pytest.mark.usefixtures("a_trial_a_second")
def test_the_same_search_tries_the_same(prepared, tmp_path):
    space = {"level": Span(1, 10), "kind": ("slow", "quick")}
    first, again = (
        tuning.tune(search(prepared, spec(search=space), seconds=6.0), Store(tmp_path, name), lambda trial: None)
        for name in ("one", "two")
    )
    n = min(len(first.trials), len(again.trials)) - 1
    assert n >= 2
    assert [t.params for t in first.trials[:n]] == [t.params for t in again.trials[:n]]


def test_a_model_without_a_search_cannot_be_tuned(prepared, tmp_path):
    with pytest.raises(UserError, match="nothing to tune"):
        tuning.tune(search(prepared, spec(search={})), Store(tmp_path, "made"), lambda trial: None)


@pytest.mark.parametrize("wrong", [(3, 3), (5, 1), (0.0, 1.0, True), (-1.0, 1.0, True)])
def test_what_is_no_range_is_refused(wrong):
    with pytest.raises(ValueError, match="is not a range"):
        Span(*wrong)


@pytest.mark.parametrize("wrong", [{"C": ()}, {"C": [1, 2]}, {"C": 3}])
def test_what_cannot_be_searched_is_refused(wrong):
    with pytest.raises(ValueError, match="Spans or tuples"):
        spec(search=wrong)


@pytest.mark.parametrize("model", [m for m in registry.models().values() if m.search], ids=lambda m: m.name)
def test_the_catalogs_parameters_are_those_that_won(model):
    path = ROOT / f"results/reference/fashion-mnist/tuning-{model.name}.json"
    record = tuning.TuningRecord.model_validate_json(path.read_bytes())
    assert record.model == model.name
    assert set(record.space) == set(model.search)
    assert record.winner is not None
    for name, value in record.best.items():
        # Rounded to what a person reads.
        assert model.params[name] == (pytest.approx(value, rel=0.05) if isinstance(value, float) else value), name
    assert json.loads(path.read_text())["budget_seconds"] > 0


def test_the_augmented_svm_has_the_parameters_that_won_for_hog_svm():
    models = registry.models()
    for name in ("orientations", "cells", "block", "pixels", "C", "gamma"):
        assert models["augmented-svm"].params[name] == models["hog-svm"].params[name]
