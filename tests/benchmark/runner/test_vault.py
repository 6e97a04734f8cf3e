"""Nothing of the test set reaches a model before it is fitted, and its labels never do.

The limits of this are in ``docs/decisions/0006-test-vault.md``, and the last test shows one.
"""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
import spies
from runs import go, spec

from benchmark.data import cache
from benchmark.data.splits import parts_for
from benchmark.errors import UserError
from benchmark.runner import evaluate as execution
from benchmark.runner import run as runner
from benchmark.runner.job import Job
from benchmark.specs import PROFILES, Profile, Run

LINUX = sys.platform == "linux"


def sought_of(dataset):
    arrays = {"test_labels": dataset.test_labels, "test_images": dataset.test_images}
    return {name: (array.size, spies.digest(array)) for name, array in arrays.items()}


@pytest.fixture
def make_job(prepared, tmp_path):
    def make(attribute, profile=PROFILES["full"], **changes):
        model = spec(attribute, build=f"spies:{attribute}", **changes.pop("model", {}))
        digits = prepared["digits"]
        settings = {"random_state": 0, "threads": 1, "device": "auto", "log": tmp_path / "log"}
        run = Run("digits", model.name, 0, "full")
        return Job(run, model, digits.spec, digits.dataset.fingerprint, profile, **{**settings, **changes})

    return make


def test_the_spy_finds_what_lies_about(prepared):
    """Otherwise that it finds nothing would say nothing."""
    dataset = prepared["digits"].dataset
    sought = sought_of(dataset)
    names = ["test_images.npy", "test_labels.npy"] if LINUX else []
    assert spies.look(sought) == sorted(["test_images", "test_labels", *names])
    missing = {"test_labels": (dataset.test_labels.size, "0" * 64)}
    assert spies.look(missing) == (["test_labels.npy"] if LINUX else [])


def hide(how, monkeypatch):
    """Put 501 numbers somewhere; return what holds them, and what to seek."""
    secret = np.random.default_rng(3).integers(0, 10, 501)
    if how == "environment":
        monkeypatch.setenv("HINT", " ".join(map(str, secret)))
    holders = {
        "local": lambda: secret,
        "closure": lambda: lambda held=secret: held,
        "attribute": lambda: type("Holder", (), {"x": secret.astype(np.uint8)}),
        "bytes": lambda: [secret.astype(np.uint8).tobytes()],
    }
    return holders.get(how, lambda: None)(), {"secret": (secret.size, spies.digest(secret))}


@pytest.mark.parametrize(
    "how",
    [
        "closure",
        "environment",
        *(pytest.param(how, marks=pytest.mark.nightly) for how in ("local", "attribute", "bytes")),
    ],
)
def test_the_spy_looks_everywhere(how, monkeypatch):
    kept, sought = hide(how, monkeypatch)
    assert spies.look(sought) == ["secret"]
    assert (kept is None) == (how == "environment")


def test_a_model_that_looks_for_test_labels_finds_none(prepared, settings, tmp_path):
    """In a worker process, as ``run`` starts it."""
    trace = tmp_path / "trace"
    params = {"trace": str(trace), "sought": sought_of(prepared["digits"].dataset)}
    spy = spec("Spy", build="spies:Spy", validates=True, params=params)
    record = go([spy], prepared, settings)["spy", 0]
    assert record.status == "ok", record.reason
    told = [json.loads(line) for line in trace.read_text().splitlines()]
    assert {when: found for when, found in told if when in ("build", "fit", "epoch")} == {
        "build": [],
        "fit": [],
        "epoch": [],
    }
    # The images are in its hands by then: the spy can see. The labels are nowhere, nor is their file open.
    later = [(when, found) for when, found in told if when not in ("build", "fit", "epoch")]
    assert {when for when, _ in later} == {
        "predict 360",
        "probabilities 360",
        "predict 237",
        "probabilities 237",
        "count",
    }
    assert all("test_images" in found for when, found in later if when.endswith("360"))
    assert not any(name.startswith("test_labels") for _, found in later for name in found)


def events_of(job, monkeypatch):
    """In which order the model is called and parts of the test set are read."""
    events = []
    read = cache.read_test
    monkeypatch.setattr(
        cache, "read_test", lambda spec, what, fingerprint: (events.append(what), read(spec, what, fingerprint))[1]
    )
    for name in ("fit", "predict", "predict_proba"):
        method = getattr(spies.ChangesItsMind, name)
        monkeypatch.setattr(
            spies.ChangesItsMind,
            name,
            lambda self, *args, _name=name, _method=method: (events.append(_name), _method(self, *args))[1],
        )
    return execution.execute(job, lambda row: None), events


def test_labels_are_read_when_all_is_predicted(make_job, monkeypatch):
    _, events = events_of(make_job("ChangesItsMind"), monkeypatch)
    assert events[:3] == ["fit", "images", "predict"]
    assert events.count("predict") == events.count("predict_proba") == 2
    assert events.index("labels") == len(events) - 1


def test_a_search_reads_nothing_of_the_test_set(make_job, monkeypatch):
    result, events = events_of(make_job("ChangesItsMind", test=False), monkeypatch)
    assert events == ["fit", "predict", "predict_proba"]
    assert result.test is None


def test_an_answer_once_given_stands(make_job):
    result = execution.execute(make_job("ChangesItsMind"), lambda row: None)
    assert set(result.arrays["test_predicted"]) == set(result.arrays["validation_predicted"]) == {0}


def test_a_part_of_the_test_images_is_drawn_outside_the_worker(prepared, settings, monkeypatch):
    dataset = prepared["digits"].dataset
    small = Profile(name="full", description="few test images", test_size=100)
    monkeypatch.setattr(runner, "profile_named", lambda *_: small)
    record = go([spec("Majority")], prepared, settings)["majority", 0]
    assert record.status == "ok", record.reason
    (stored,), _ = settings.store.read_all("digits")
    arrays = stored.predictions()
    expected = parts_for(dataset, small).test
    assert len(expected) == record.test.n_images == 100
    np.testing.assert_array_equal(arrays["test_index"], expected)
    np.testing.assert_array_equal(arrays["test_labels"], dataset.test_labels[expected])


def test_a_test_set_exchanged_while_the_model_fits_is_noticed(make_job, monkeypatch):
    monkeypatch.setattr(cache, "read_test", lambda *args: None)
    with pytest.raises(UserError, match="was changed during the run"):
        execution.execute(make_job("ChangesItsMind"), lambda row: None)


def test_test_arrays_of_another_fingerprint_are_not_had(prepared):
    digits = prepared["digits"]
    assert cache.read_test(digits.spec, "labels", "0" * 64) is None
    found = cache.read_test(digits.spec, "labels", digits.dataset.fingerprint)
    np.testing.assert_array_equal(found, digits.dataset.test_labels)


def test_the_training_pool_comes_without_the_test_set(prepared):
    digits = prepared["digits"]
    pool = cache.read_pool(digits.spec)
    assert (len(pool.test_images), len(pool.test_labels)) == (0, 0)
    np.testing.assert_array_equal(pool.train_labels, digits.dataset.train_labels)
    np.testing.assert_array_equal(pool.split.validation, digits.dataset.split.validation)


def test_a_model_that_opens_files_is_not_kept_from_it(make_job):
    """The limit of the vault, on record: against intent it takes a machine without the labels."""
    assert execution.execute(make_job("ReadsTheCache"), lambda row: None).test.accuracy == 1
