"""Records on disk: written whole or not at all, and read without ever raising."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.errors import UserError
from benchmark.records.dataset_schema import DatasetSummary
from benchmark.records.store import (
    Problem,
    Store,
    Stored,
    read,
    to_json,
)
from benchmark.specs import Run

CELL = Run("synthetic", "knn", 0, "full")


@pytest.fixture(scope="module")
def record_file(tmp_path_factory, make_record):
    """A valid record in its folder; tests that change it put it back."""
    return Store(tmp_path_factory.mktemp("fuzz"), "made").write(make_record(), "full-seed0-00000000")


def test_a_record_is_read_as_it_was_written(record_file, make_record):
    assert read(record_file) == Stored(make_record(), record_file)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not readable as JSON"),
        (b"{", "not readable as JSON"),
        (b"\xff\xfe\x00", "not readable as JSON"),
        (b"[" * 200_000, "not readable as JSON"),
        (b'{"schema_version": ' + b"9" * 5000 + b"}", "not readable as JSON"),
        (b"[]", "not a record"),
        (b"null", "not a record"),
        (b"{}", "schema version None is not supported"),
        (b'{"schema_version": 3}', "schema version 3 is not supported (1 and 2 are)"),
        (b'{"schema_version": 2}', "Field required"),
        (b'{"schema_version": 1}', "Field required"),
    ],
)
def test_what_is_no_record_is_a_problem_that_names_the_file(tmp_path, content, reason):
    path = tmp_path / "synthetic" / "knn" / "damaged.json"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    problem = read(path)
    assert isinstance(problem, Problem)
    assert reason in problem.reason
    assert str(problem).startswith(f"{path}: ")
    assert "\n" not in str(problem)


@pytest.mark.parametrize(
    ("place", "value", "reason"),
    [
        ("surplus", 1, "surplus: Extra inputs"),
        ("status", "fine", "status: Input should be"),
        ("started_at", 5, "started_at: "),
        ("run", {"dataset": "synthetic", "model": "svm", "seed": 0, "profile": "full"}, "wrong folder"),
        ("run", {"dataset": "other", "model": "knn", "seed": 0, "profile": "full"}, "about knn on other"),
        ("test", None, "an ok record needs test"),
    ],
)
def test_a_record_that_breaks_the_schema_is_a_problem(record_file, make_record, place, value, reason):
    content = json.loads(to_json(make_record())) | {place: value}
    path = record_file.with_name("altered.json")
    path.write_text(json.dumps(content))
    try:
        problem = read(path)
    finally:
        path.unlink()
    assert isinstance(problem, Problem)
    assert problem.path == path
    assert reason in problem.reason


def test_every_truncation_of_a_record_is_a_problem(record_file, make_record):
    path = record_file.with_name("truncated.json")
    content = to_json(make_record()).rstrip()
    for length in range(0, len(content), 97):
        path.write_bytes(content[:length])
        assert isinstance(read(path), Problem)
    path.unlink()


def test_a_missing_record_is_a_problem(tmp_path):
    assert isinstance(read(tmp_path / "none.json"), Problem)


@settings(deadline=None, max_examples=150)
@given(
    st.lists(
        st.tuples(st.sampled_from(["replace", "delete", "insert", "cut"]), st.floats(0, 0.9999), st.integers(0, 255)),
        min_size=1,
        max_size=4,
    )
)
def test_mutated_bytes_never_raise(record_file, make_record, mutations):
    content = bytearray(to_json(make_record()))
    for kind, where, byte in mutations:
        place = int(where * len(content))
        if kind == "cut":
            del content[place:]
        elif kind == "insert":
            content.insert(place, byte)
        elif content:
            content[place : place + 1] = bytes([byte] if kind == "replace" else [])
    path = record_file.with_name("mutated.json")
    path.write_bytes(bytes(content))
    outcome = read(path)
    assert outcome.path == path
    assert isinstance(outcome, Stored | Problem)
    path.unlink()


SOME_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_any_json_in_any_place_never_raises(record_file, make_record, data):
    content = json.loads(to_json(make_record()))
    target, step = content, data.draw(st.sampled_from(sorted(content)))
    while isinstance(target[step], dict) and target[step] and data.draw(st.booleans()):
        target = target[step]
        step = data.draw(st.sampled_from(sorted(target)))
    target[step] = data.draw(SOME_JSON)
    path = record_file.with_name("mutated.json")
    path.write_text(json.dumps(content))
    outcome = read(path)
    assert outcome.path == path
    if isinstance(outcome, Stored):
        assert outcome.record.run.model == "knn"
    path.unlink()


def test_a_store_finds_and_lists(tmp_path, make_collection, make_record):
    store = make_collection(tmp_path, failed=[make_record(model="broken", status="error")])
    damaged = store.folder / "synthetic" / "knn" / "damaged.json"
    damaged.write_text("{")
    good, problems = store.read_all("synthetic")
    assert len(good) == 9
    assert [problem.path for problem in problems] == [damaged]
    assert store.datasets() == ["synthetic"]
    found = store.find(CELL, "full-seed0-00000000")
    assert found is not None
    assert found.record.run.model == "knn"
    assert store.find(CELL, "full-seed0-ffffffff") is None
    assert store.find(CELL, "damaged") is None


def test_an_empty_store(tmp_path):
    store = Store(tmp_path / "none", "made")
    assert store.datasets() == []
    assert store.read_all("synthetic") == ([], [])
    assert store.read_summary("synthetic") is None


def test_what_killed_runs_left_is_removed_and_nothing_else(tmp_path, make_collection):
    store = make_collection(tmp_path, models=[("knn", "baseline", 20)], seeds=(0,))
    folder = store.folder / "synthetic/knn"
    before = {path.name for path in folder.iterdir()}
    kept = [folder / "notes.txt", folder / "full-seed9-0000000a.npz", folder / ".hidden"]
    left = [
        folder / ".full-seed0-00000000.json-abc_1xyz",
        folder / "full-seed0-00000000-abcdef01.npz",  # Of a run that was killed before it wrote the record.
        folder / "full-seed1-00000000-abcdef01.npz",
        store.folder / "synthetic/.dataset.json-abcdefgh",
    ]
    for path in (*kept, *left):
        path.write_bytes(b"anything")
    store.tidy()
    assert {path.name for path in folder.iterdir()} == before | {path.name for path in kept}
    assert not left[-1].exists()
    assert store.read_all("synthetic")[0][0].is_intact()


def test_new_predictions_leave_the_old_ones_until_a_record_names_them(tmp_path, make_collection):
    store = make_collection(tmp_path, models=[("knn", "baseline", 20)], seeds=(0,))
    (old,) = store.read_all("synthetic")[0]
    run, key = Run("synthetic", "knn", 0, "full"), old.path.stem
    name, sha256 = store.write_predictions(run, key, b"other predictions")
    assert old.is_intact()
    named = old.record.predictions.model_copy(update={"file": name, "sha256": sha256})
    store.write(old.record.model_copy(update={"predictions": named}), key)
    assert [path.name for path in old.path.parent.glob("*.npz")] == [name]


def test_the_summary_of_a_data_set(tmp_path, make_collection):
    store = make_collection(tmp_path, models=[])
    assert isinstance(store.read_summary("synthetic"), DatasetSummary)
    path = store.folder / "synthetic" / "dataset.json"
    path.write_text(path.read_text().replace('"title"', '"tittle"'))
    problem = store.read_summary("synthetic")
    assert isinstance(problem, Problem)
    assert problem.path == path


def test_a_collection_is_named_after_its_profile_unless_that_is_full(tmp_path):
    assert Store.open(tmp_path, None).folder == tmp_path / "local"
    assert Store.open(tmp_path, None, "quick").collection == "quick"
    assert Store.open(tmp_path, None, "train-100").collection == "local"
    assert Store.open(tmp_path, "mine", "quick").collection == "mine"


@pytest.mark.parametrize("name", ["", "..", "a/b", "-a", "a b", "ä"])
def test_a_collection_is_not_a_path(tmp_path, name):
    with pytest.raises(UserError, match="Invalid collection name"):
        Store.open(tmp_path, name)
