"""The arrays beside a record, the rounding of probabilities, and the names of files."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import shutil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from benchmark.errors import UserError
from benchmark.records.npz import decode, encode, pack, pack_predictions, unpack_predictions
from benchmark.records.store import Stored, key, plain, read
from benchmark.specs import ModelSpec, Profile, Run

CELL = Run("synthetic", "knn", 0, "full")
SPEC = ModelSpec(
    name="knn", family="baseline", build="a:b", inputs="flat", description="a model", params={"k": 5, "p": 2}
)
FULL = Profile(name="full", description="every image")
TINY = 2.0**-126  # The smallest number that has all its bits in float32.


@pytest.fixture
def stored(tmp_path, make_collection):
    store = make_collection(tmp_path, models=[("knn", "baseline", 20)], seeds=(0,))
    return store.read_all("synthetic")[0][0]


def naming(stored, content):
    """The record as if ``content`` were the predictions that it names, which are written."""
    predictions = stored.record.predictions.model_copy(update={"sha256": hashlib.sha256(content).hexdigest()})
    (stored.path.parent / predictions.file).write_bytes(content)
    return dataclasses.replace(stored, record=stored.record.model_copy(update={"predictions": predictions}))


def test_predictions_are_those_that_were_written(stored):
    arrays = stored.predictions()
    assert sorted(arrays) == sorted(
        f"{part}_{name}"
        for part in ("validation", "test")
        for name in ("index", "labels", "predicted", "probabilities")
    )
    assert np.mean(arrays["test_labels"] == arrays["test_predicted"]) == stored.record.test.accuracy


def test_missing_predictions(stored):
    path = stored.path.with_name(stored.record.predictions.file)
    path.unlink()
    with pytest.raises(UserError, match=r"Cannot read .*\.npz: No such file") as caught:
        stored.predictions()
    assert "--fresh" in caught.value.remedy


def test_altered_predictions_are_told_with_both_sums(stored):
    path = stored.path.with_name(stored.record.predictions.file)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    expected, found = stored.record.predictions.sha256, hashlib.sha256(content).hexdigest()
    with pytest.raises(UserError, match=f"was altered: expected SHA-256 {expected}, found {found}"):
        stored.predictions()


def test_pickled_objects_are_refused(stored, tmp_path):
    with (tmp_path / "pickled.npz").open("wb") as file:
        np.savez(file, test_labels=np.array([{"any": "object"}], dtype=object))
    with pytest.raises(UserError, match=r"not a readable \.npz file"):
        naming(stored, (tmp_path / "pickled.npz").read_bytes()).predictions()
    with pytest.raises(ValueError, match="allow_pickle"):
        pack({"objects": np.array([{}], dtype=object)})


@pytest.mark.parametrize("content", [b"", b"not an archive", b"PK\x03\x04 cut short"])
def test_predictions_that_are_no_archive(stored, content):
    with pytest.raises(UserError, match=r"not a readable \.npz file"):
        naming(stored, content).predictions()


@pytest.mark.parametrize("kind", ["damaged stream", "bare array"])
def test_archives_damaged_inside_are_the_users_mistake_too(stored, kind):
    buffer = io.BytesIO()
    if kind == "bare array":
        np.save(buffer, np.zeros(3))
        content = buffer.getvalue()
    else:
        whole = bytearray(pack({"a": np.zeros(3000)}))
        whole[60:71] = bytes(byte ^ 255 for byte in whole[60:71])
        content = bytes(whole)
    with pytest.raises(UserError):
        naming(stored, content).predictions()


def test_a_failed_record_has_no_predictions(tmp_path, make_record):
    with pytest.raises(UserError, match="its status is timeout"):
        Stored(make_record(status="timeout"), tmp_path / "x.json").predictions()


def test_a_record_in_another_collection_is_as_good(stored, tmp_path):
    copy = tmp_path / "elsewhere" / "synthetic" / "knn"
    shutil.copytree(stored.path.parent, copy)
    outcome = read(copy / stored.path.name)
    assert isinstance(outcome, Stored)
    assert outcome.predictions().keys() == stored.predictions().keys()


@given(npst.arrays(np.float32, npst.array_shapes(max_dims=2), elements=st.floats(0, 1, width=32)))
def test_codes_are_close_and_keep_the_order(probabilities):
    codes = encode(probabilities)
    decoded = decode(codes)
    assert (codes.dtype, decoded.dtype) == (np.uint16, np.float32)
    error = np.abs(decoded.astype(np.float64) - probabilities)
    assert (error <= np.maximum(probabilities.astype(np.float64) * 2.0**-12, 2.0**-31)).all()
    assert np.array_equal(encode(decoded), codes)
    assert (decoded <= 1).all()
    order = np.argsort(probabilities, axis=None, kind="stable")
    assert (np.diff(decoded.ravel()[order]) >= 0).all()


def test_codes_keep_nought_and_one():
    ends = np.array([0.0, 1.0, 0.5, 0.25, 2.0**-30])
    assert np.array_equal(decode(encode(ends)), ends)


def test_a_run_of_a_curve_keeps_labels_only():
    arrays = {"test_index": np.arange(3), "test_probabilities": np.full((3, 2), 0.5, dtype=np.float32)}
    content, scores = pack_predictions(arrays, Run("d", "m", 0, "train-100"))
    assert (scores, unpack_predictions(content, 10_000).keys()) == (None, {"test_index"})
    content, scores = pack_predictions(arrays, Run("d", "m", 0, "full"))
    assert scores == "probabilities"
    assert np.array_equal(unpack_predictions(content, 10_000)["test_probabilities"], arrays["test_probabilities"])


def test_probabilities_of_schema_1_are_read_as_they_are():
    arrays = {"test_probabilities": np.full((3, 2), 0.3, dtype=np.float32)}
    assert np.array_equal(unpack_predictions(pack(arrays), 10_000)["test_probabilities"], arrays["test_probabilities"])


@pytest.mark.parametrize(
    ("spec", "fingerprint", "profile"),
    [
        (dataclasses.replace(SPEC, params={"k": 6, "p": 2}), "f", FULL),
        (dataclasses.replace(SPEC, version=2), "f", FULL),
        (dataclasses.replace(SPEC, inputs="images"), "f", FULL),
        (dataclasses.replace(SPEC, build="a:c"), "f", FULL),
        (dataclasses.replace(SPEC, profile_params={"full": {"k": 6}}), "f", FULL),
        (dataclasses.replace(SPEC, dataset_params={"synthetic": {"k": 6}}), "f", FULL),
        (SPEC, "g", FULL),
        (SPEC, "f", dataclasses.replace(FULL, train_size=10)),
        (SPEC, "f", dataclasses.replace(FULL, validation_size=10)),
        (SPEC, "f", dataclasses.replace(FULL, test_size=10)),
        (SPEC, "f", dataclasses.replace(FULL, draw=0)),
    ],
)
def test_the_key_changes_with_what_decides_the_numbers(spec, fingerprint, profile):
    assert key(CELL, spec, fingerprint, profile) != key(CELL, SPEC, "f", FULL)


@pytest.mark.parametrize(
    ("spec", "profile"),
    [
        (dataclasses.replace(SPEC, description="other words"), FULL),
        (dataclasses.replace(SPEC, params={"p": 2, "k": 5}), FULL),
        (dataclasses.replace(SPEC, profile_params={"quick": {"k": 6}}), FULL),
        (dataclasses.replace(SPEC, dataset_params={"other": {"k": 6}}), FULL),
        (SPEC, dataclasses.replace(FULL, description="other words")),
    ],
)
def test_the_key_does_not_change_with_anything_else(spec, profile):
    assert key(CELL, spec, "f", profile) == key(CELL, SPEC, "f", FULL)


def test_the_key_names_profile_and_seed():
    assert key(dataclasses.replace(CELL, seed=7, profile="quick"), SPEC, "f", FULL).startswith("quick-seed7-")


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda arrays: arrays.pop("test_predicted"), "lacks test_predicted"),
        (lambda arrays: arrays.update(test_index=arrays["test_index"][:-1]), "lacks test_index"),
        (lambda arrays: arrays.update(test_labels=arrays["test_labels"] * 0.5), "lacks test_labels"),
        (lambda arrays: arrays.update(validation_predicted=arrays["test_labels"] + 9), "that the record does not have"),
        (lambda arrays: arrays.update(test_probabilities=np.ones((200, 3))), "wrong shape"),
    ],
)
def test_arrays_that_do_not_fit_the_record(stored, spoil, problem):
    arrays = stored.predictions()
    spoil(arrays)
    with pytest.raises(UserError, match=problem):
        naming(stored, pack(arrays)).predictions()


def a_metric(left, right):
    """A parameter that is no JSON."""


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"a": (1, 2.5, None, "x")}, {"a": [1, 2.5, None, "x"]}),
        ({3, 1, 2}, [1, 2, 3]),
        (np.float64(0.5), 0.5),
        (np.int32, "numpy:int32"),
        (float("nan"), "nan"),
        ("\udcff", "'\\udcff'"),
        (object(), "<object object>"),
    ],
)
def test_parameters_are_written_alike_in_every_process(value, expected):
    assert plain(value) == expected
    assert plain(a_metric).endswith(":a_metric")
