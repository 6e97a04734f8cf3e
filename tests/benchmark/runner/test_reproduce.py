"""Recorded runs run again: what is the same, what is near, what is another."""

from __future__ import annotations

import dataclasses
import hashlib

import numpy as np
import pytest
from runs import go, spec

from benchmark import registry
from benchmark.errors import UserError
from benchmark.records.npz import pack
from benchmark.records.store import to_json
from benchmark.runner import reproduce as verification
from benchmark.runner.progress import Quiet
from benchmark.runner.reproduce import reproduce, sample


@pytest.fixture
def recorded(prepared, settings):
    """A recorded run of a forest, and its model."""
    model = spec("TwoWays", name="two-ways")
    go([model], prepared, settings)
    (stored,), _ = settings.store.read_all("digits")
    assert stored.record.status == "ok"
    return stored, model


def rewritten(stored, change):
    """The same record with other predictions, all of it consistent."""
    arrays = dict(stored.predictions())
    change(arrays)
    content = pack(arrays)
    path = stored.path.parent / stored.record.predictions.file
    path.write_bytes(content)
    named = stored.record.predictions.model_copy(update={"sha256": hashlib.sha256(content).hexdigest()})
    record = stored.record.model_copy(update={"predictions": named})
    stored.path.write_bytes(to_json(record))
    return dataclasses.replace(stored, record=record)


def checked(stored, model, prepared, settings):
    def spec_of(record):
        if model is None:
            raise UserError("Unknown model.")
        return model

    return reproduce(stored, spec_of, prepared["digits"], settings, settings.environment, Quiet())


def test_the_same_numbers_come_out_and_nothing_is_changed(recorded, prepared, settings):
    stored, model = recorded
    before = {path: path.read_bytes() for path in settings.store.folder.rglob("*") if path.is_file()}
    check = checked(stored, model, prepared, settings)
    assert (check.outcome, check.detail) == ("bit-identical", "every prediction and probability")
    assert check.repeated.test == stored.record.test
    assert {path: path.read_bytes() for path in settings.store.folder.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("weight", [None, "balanced"])
def test_class_weights_are_those_of_the_record_whatever_the_settings_say(prepared, settings, weight):
    model = registry.models()["linear-svm"]
    go([model], prepared, dataclasses.replace(settings, class_weight=weight))
    (stored,), _ = settings.store.read_all("digits")
    other = dataclasses.replace(settings, class_weight="balanced" if weight is None else None)
    check = reproduce(stored, registry.of_record, prepared["digits"], other, settings.environment, Quiet())
    assert check.outcome == "bit-identical", check.detail


@pytest.mark.parametrize(
    ("flipped", "outcome"), [(1, "within tolerance"), (100, "different")], ids=["one label", "many labels"]
)
def test_other_labels_are_told(recorded, prepared, settings, flipped, outcome):
    stored, model = recorded

    def change(arrays):
        arrays["test_predicted"][:flipped] = (arrays["test_predicted"][:flipped] + 1) % 10

    check = checked(rewritten(stored, change), model, prepared, settings)
    assert check.outcome == outcome
    assert f"{1 - flipped / 360:.2%} of the predicted labels agree" in check.detail


def test_what_has_changed_since_is_not_compared(recorded, prepared, settings):
    stored, model = recorded
    check = checked(stored, dataclasses.replace(model, version=2), prepared, settings)
    assert check.outcome == "not comparable"
    assert "version" in check.detail
    assert checked(stored, None, prepared, settings).outcome == "not comparable"
    (stored.path.parent / stored.record.predictions.file).unlink()
    assert checked(stored, model, prepared, settings).outcome == "not comparable"


def test_a_cell_that_fails_now_is_told(prepared, settings, tmp_path):
    model = spec("WorksOnce", params={"trace": str(tmp_path / "trace")})
    go([model], prepared, settings)
    (stored,), _ = settings.store.read_all("digits")
    check = checked(stored, model, prepared, settings)
    assert check.outcome == "failed"
    assert check.detail.startswith("error: FileExistsError")


def test_what_is_not_the_same_here_explains_a_difference(make_record):
    then = make_record().environment
    now = then.model_copy(update={"cpu": "another", "packages": {**then.packages, "numpy": "9.9"}})
    assert verification.changes(then, then) == []
    assert verification.changes(then, now) == ["cpu", f"numpy {then.packages['numpy']} and 9.9"]


def test_cells_are_drawn_within_the_budget(make_cell, make_collection, tmp_path):
    models = [(f"m{number}", "baseline", 5) for number in range(8)]
    store = make_collection(tmp_path, models, seeds=(0,), class_names=("cat", "dog"), total_seconds=10.0)
    stored, _ = store.read_all("synthetic")
    draw = [[s.path for s in sample(stored, 3, 1000, np.random.default_rng(seed))] for seed in (0, 0, 1)]
    assert draw[0] == draw[1] != draw[2]
    assert len(set(draw[0])) == 3
    assert len(sample(stored, 8, 35, np.random.default_rng(0))) == 3
    assert sample(stored, 8, 5, np.random.default_rng(0)) == []
