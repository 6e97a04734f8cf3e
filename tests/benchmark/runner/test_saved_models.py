"""Cells whose fitted models are to be saved: what becomes of the model never touches the result."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import time

import pytest
from runs import Log, go, spec

from benchmark import registry
from benchmark.records import cleanup as leftovers
from benchmark.records.schema import RunRecord
from benchmark.records.store import Stored, read
from benchmark.runner import supervisor
from benchmark.runner.record import unfinished_model


def saver(name: str, **changes):
    return spec(name, build=f"savers:{name}", **changes)


def keeping(settings, **changes):
    return dataclasses.replace(settings, save_models=True, **changes)


def files(settings, model: str) -> set[str]:
    return {path.suffix for path in (settings.store.folder / "digits" / model).iterdir()}


def only(settings) -> Stored:
    (stored,) = settings.store.read_all("digits")[0]
    return stored


def test_the_model_lies_beside_its_record(prepared, settings):
    record = go([saver("Saves")], prepared, keeping(settings))["saves", 0]
    path = only(settings).path.parent / record.saved.file
    content = path.read_bytes()
    assert record.saved.sha256 == hashlib.sha256(content).hexdigest()
    assert (record.saved.format, record.saved.size_bytes) == ("safetensors", len(content))
    assert path.name == f"{only(settings).path.stem}-{record.saved.sha256[:8]}.safetensors"
    assert record.not_saved is None
    assert files(settings, "saves") == {".json", ".npz", ".safetensors"}


def test_without_the_option_nothing_is_saved(prepared, settings):
    record = go([saver("Saves")], prepared, settings)["saves", 0]
    assert (record.saved, record.not_saved) == (None, None)
    assert files(settings, "saves") == {".json", ".npz"}


@pytest.mark.parametrize(
    ("name", "reason", "lasting"),
    [
        ("RaisesInSaving", "these weights", True),
        ("ExitsInSaving", "these weights", True),
        ("DiesInSaving", "SIGABRT", False),
        ("RunsOut", "No space left", False),
        ("Strange", "types that would not be read again: savers.Strange", True),
    ],
)
def test_the_result_stands_where_saving_fails(prepared, settings, name, reason, lasting):
    model = saver(name)
    plain = go([model], prepared, settings)[model.name, 0]
    record = go([model], prepared, keeping(settings))[model.name, 0]
    assert record.status == "ok"
    assert record.predictions.sha256 == plain.predictions.sha256
    assert record.saved is None
    assert (reason in record.not_saved.reason, record.not_saved.lasting) == (True, lasting), record.not_saved
    assert files(settings, model.name) == {".json", ".npz"}
    log = Log()
    go([model], prepared, keeping(settings), log=log)
    assert len(log.started_cells) == (0 if lasting else 1)


def test_the_result_stands_where_saving_hangs(prepared, settings, monkeypatch):
    monkeypatch.setattr(supervisor, "SAVE_SECONDS", 1.0)
    start = time.monotonic()
    record = go([saver("HangsInSaving")], prepared, keeping(settings))["hangsinsaving", 0]
    assert record.status == "ok"
    assert record.not_saved.reason == "stopped at the time limit of 1.0 s"
    assert record.cost.total_seconds < time.monotonic() - start - 0.9  # Saving is no part of what the run cost.


def test_the_result_stands_where_saving_takes_all_memory(prepared, settings):
    limited = keeping(settings, memory_limit_bytes=1_200_000_000)
    record = go([saver("TakesAllMemory")], prepared, limited)["takesallmemory", 0]
    assert record.status == "ok"
    assert "memory limit of 1.2 GB" in record.not_saved.reason


def test_a_cell_without_its_model_is_run_again_and_one_with_it_is_not(prepared, settings):
    model = saver("Saves")
    go([model], prepared, settings)
    log = Log()
    record = go([model], prepared, keeping(settings), log=log)["saves", 0]
    assert len(log.started_cells) == 1
    log = Log()
    go([model], prepared, keeping(settings), log=log)
    go([model], prepared, settings, log=log)
    assert log.kept == ["saves", "saves"]
    (only(settings).path.parent / record.saved.file).unlink()
    log = Log()
    go([model], prepared, keeping(settings), log=log)
    assert len(log.started_cells) == 1


def test_a_record_that_has_a_model_gets_one_when_it_is_run_again(prepared, settings):
    go([saver("Saves")], prepared, keeping(settings))
    record = go([saver("Saves")], prepared, dataclasses.replace(settings, fresh=True))["saves", 0]
    assert record.saved is not None
    assert (only(settings).path.parent / record.saved.file).is_file()


def test_models_of_registered_names_are_saved_and_told(prepared, settings):
    record = go([registry.models()["knn"]], prepared, keeping(settings))["knn", 0]
    assert record.saved.format == "skops"


def test_what_is_left_of_saving_is_removed_when_it_is_old(prepared, settings):
    go([saver("Saves")], prepared, keeping(settings))
    stored = only(settings)
    fresh, old = unfinished_model(stored.path), unfinished_model(stored.path)
    unnamed = stored.path.with_name(f"{stored.path.stem}-00000000.safetensors")
    for path in (fresh, old, unnamed):
        path.touch()
    os.utime(old, (0, 0))
    leftovers.remove(settings.store.folder)
    assert (fresh.exists(), old.exists(), unnamed.exists()) == (True, False, False)
    assert (stored.path.parent / stored.record.saved.file).is_file()


@pytest.mark.parametrize(
    "file", ["../knn.skops", "/etc/knn.skops", ".knn.skops", "knn.pkl", "knn.skops\n", "knn.safetensors"]
)
def test_a_record_cannot_name_any_file(prepared, settings, file):
    go([registry.models()["knn"]], prepared, keeping(settings))
    stored = only(settings)
    told = stored.record.model_dump(mode="json")
    told["saved"]["file"] = file
    stored.path.write_text(json.dumps(told))
    assert "saved" in read(stored.path).reason


def test_records_of_before_are_read(make_record):
    told = make_record().model_dump(mode="json")
    del told["saved"], told["not_saved"]
    assert RunRecord.model_validate(told, strict=False).saved is None
