"""Cells in real processes: what a run survives, what it records, how it goes on."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import time
from pathlib import Path

import numpy as np
import pytest

from benchmark import environment, registry, runner
from benchmark.contract import Cell, ModelSpec
from benchmark.data import store as data_store
from benchmark.records import Store, read

MODELS = Path(__file__).resolve().parent.parent / "models"
FAILURES = {
    "Raises": ("error", "RuntimeError: the model broke"),
    "Exits": ("error", "exit code 3"),
    "IsKilled": ("error", "SIGKILL"),
    "LeavesQuietly": ("error", "exit code"),
    "Unsupported": ("unsupported", "these images are not mine"),
    "WrongLength": ("error", "predict returned shape"),
    "FloatLabels": ("error", "not integer labels"),
    "UnknownLabels": ("error", "labels outside 0-9"),
    "NotANumber": ("error", "not finite"),
    "NoProbabilities": ("error", "no probabilities"),
    "CountsBelowZero": ("error", "its result is no record: parameter_count"),
    "TellsWords": ("error", "ValueError"),
    "Missing": ("error", "AttributeError"),
}


def spec(attribute: str, **changes) -> ModelSpec:
    settings = {
        "name": attribute.lower(),
        "family": "classical",
        "build": f"misbehaving:{attribute}",
        "inputs": "flat",
        "description": "for tests",
    }
    return ModelSpec(**{**settings, **changes})


class Log:
    """A watcher that remembers."""

    def __init__(self):
        self.started_cells, self.epochs, self.kept = [], [], []

    def started(self, cell, epochs):
        self.started_cells.append(cell)

    def epoch(self, cell, row):
        self.epochs.append((cell.model, row["epoch"]))

    def finished(self, record, *, kept):
        if kept:
            self.kept.append(record.cell.model)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BENCHMARK_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        patch.syspath_prepend(str(MODELS))
        digits = registry.datasets()["digits"]
        yield {"digits": runner.Prepared(digits, data_store.prepare(digits))}


@pytest.fixture
def settings(tmp_path):
    return runner.Settings(
        store=Store(tmp_path / "results", "test"),
        environment=environment.describe(),
        jobs=2,
        threads=1,
        device="auto",
        time_limit_seconds=60,
        fresh=False,
    )


def go(specs, prepared, settings, n_seeds=1, profile="full", log=None):
    cells = list(runner.plan(specs, ["digits"], n_seeds, profile))
    records = runner.run(cells, {s.name: s for s in specs}, prepared, settings, log or Log())
    return {(record.cell.model, record.cell.seed): record for record in records}


def test_a_plan_has_every_cell_once_and_one_seed_where_chance_plays_no_part():
    specs = [spec("Majority"), spec("Raises", stochastic=True)]
    cells = list(runner.plan(specs, ["a", "b"], 3, "quick"))
    assert len(cells) == len(set(cells)) == 2 * (1 + 3)
    assert cells[0] == Cell("a", "majority", 0, "quick")
    assert [cell.seed for cell in cells if cell.model == "raises" and cell.dataset == "b"] == [0, 1, 2]


def test_bad_cells_are_recorded_with_their_reason_and_stop_nobody(prepared, settings):
    specs = [*(spec(name, validates=name == "TellsWords") for name in FAILURES), spec("Majority")]
    records = go(specs, prepared, settings)
    assert len(records) == len(specs)
    assert records["majority", 0].status == "ok"
    for name, (status, reason) in FAILURES.items():
        record = records[name.lower(), 0]
        assert (record.status, reason in record.reason) == (status, True), record.reason
    stored, problems = settings.store.read_all("digits")
    assert (len(stored), problems) == (len(specs), [])
    (log,) = (settings.store.folder / "digits/raises").glob("*.log")
    assert "about to fail" in log.read_text()
    assert "Traceback" in log.read_text()
    assert not list((settings.store.folder / "digits/majority").glob("*.log"))


def test_a_hanging_cell_is_ended_at_its_limit(prepared, settings):
    limited = dataclasses.replace(settings, time_limit_seconds=4.0)
    start = time.monotonic()
    records = go([spec("Hangs")], prepared, limited)
    assert 4 <= time.monotonic() - start < 4 + 2
    assert records["hangs", 0].status == "timeout"
    assert "time limit of 4.0 s" in records["hangs", 0].reason


def test_what_is_recorded_is_kept_and_failures_are_tried_again(prepared, settings):
    specs = [spec("Majority"), spec("Unsupported"), spec("Raises")]
    go(specs, prepared, settings)
    log = Log()
    go(specs, prepared, settings, log=log)
    assert sorted(log.kept) == ["majority", "unsupported"]
    assert [cell.model for cell in log.started_cells] == ["raises"]
    log = Log()
    go(specs, prepared, dataclasses.replace(settings, fresh=True), log=log)
    assert len(log.started_cells) == 3


def test_a_new_version_of_a_model_is_run_and_the_old_record_stays(prepared, settings):
    go([spec("Majority")], prepared, settings)
    log = Log()
    go([spec("Majority", version=2)], prepared, settings, log=log)
    assert len(log.started_cells) == 1
    assert len(settings.store.read_all("digits")[0]) == 2


def test_a_damaged_record_is_run_again(prepared, settings):
    go([spec("Majority")], prepared, settings)
    (path,) = (settings.store.folder / "digits/majority").glob("*.json")
    path.write_bytes(path.read_bytes()[:100])
    go([spec("Majority")], prepared, settings)
    assert read(path).record.status == "ok"


def test_an_interrupt_kills_the_cells_in_flight_and_keeps_the_finished_ones(prepared, settings, tmp_path):
    trace = tmp_path / "pid"
    hanging = spec("HangsWithATrace", params={"trace": str(trace)})

    class Impatient(Log):
        def started(self, cell, epochs):
            super().started(cell, epochs)
            if cell.model == "slow":  # The third cell: one is done, one hangs.
                deadline = time.monotonic() + 30
                while not trace.exists() and time.monotonic() < deadline:
                    time.sleep(0.05)
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        go([spec("Majority"), hanging, spec("Slow")], prepared, settings, log=Impatient())
    assert gone(int(trace.read_text()))
    stored, problems = settings.store.read_all("digits")
    assert ([s.record.cell.model for s in stored], problems) == (["majority"], [])


def gone(pid: int) -> bool:
    """Whether the process has ended, or will have within moments."""
    for _ in range(100):
        status = Path(f"/proc/{pid}/stat")
        try:
            os.kill(pid, 0)
            if status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.05)
    return False


def test_a_record_tells_all_that_it_should(prepared, settings):
    cnn = dataclasses.replace(registry.models()["cnn-simple"], params={"network": "simple", "epochs": 2})
    log = Log()
    record = go([cnn], prepared, settings, log=log)["cnn-simple", 0]
    assert record.status == "ok", record.reason
    assert log.epochs == [("cnn-simple", 1), ("cnn-simple", 2)]
    assert len(record.epochs) == 2
    assert record.test.n_images == 360
    assert record.validation.n_images == 237
    assert record.dataset.train_size == 1200
    assert record.cost.fit_seconds > 0
    assert record.cost.predict_seconds > 0
    assert record.cost.total_seconds > record.cost.fit_seconds
    assert 20e6 < record.cost.peak_memory_bytes < 20e9
    assert record.cost.parameter_count > 1000
    assert (record.cost.threads, record.cost.device) == (1, "cpu")
    assert record.model.params["epochs"] == 2
    assert "torch" in record.model.implementation
    assert record.environment.packages["torch"]

    (stored,) = settings.store.read_all("digits")[0]
    arrays = stored.predictions()
    assert arrays["test_probabilities"].shape == (360, 10)
    assert arrays["validation_probabilities"].shape == (237, 10)
    assert float(np.mean(arrays["test_labels"] == arrays["test_predicted"])) == pytest.approx(record.test.accuracy)
    dataset = prepared["digits"].dataset
    assert np.array_equal(arrays["validation_index"], dataset.split.validation)
    assert np.array_equal(arrays["test_labels"], dataset.test_labels)
    assert json.loads(stored.path.read_text())["schema_version"] == 1


def test_the_same_cell_twice_is_bit_identical_and_another_seed_is_not(prepared, settings, tmp_path):
    params = {"network": "deep", "epochs": 2, "rotation_degrees": 10.0, "zoom": 0.1, "shift": 0.05}
    cnn = dataclasses.replace(registry.models()["cnn-augmented"], params=params, dataset_params={})
    other = dataclasses.replace(settings, store=Store(tmp_path / "again", "test"))
    go([cnn], prepared, settings, n_seeds=2)
    go([cnn], prepared, other)
    (first, second), _ = settings.store.read_all("digits")
    (again,), _ = other.store.read_all("digits")
    assert first.record.predictions.sha256 == again.record.predictions.sha256
    assert first.record.epochs[-1]["train_loss"] == again.record.epochs[-1]["train_loss"]
    assert not np.array_equal(first.predictions()["test_probabilities"], second.predictions()["test_probabilities"])
    for part in ("validation", "test"):
        assert np.array_equal(first.predictions()[f"{part}_index"], second.predictions()[f"{part}_index"])


def test_classes_that_training_has_not_shown_get_probability_zero(prepared, settings):
    go([spec("FewClasses")], prepared, settings)
    (stored,) = settings.store.read_all("digits")[0]
    probabilities = stored.predictions()["test_probabilities"]
    assert probabilities.shape == (360, 10)
    np.testing.assert_allclose(probabilities[0], [0, 0, 0, 0.25, 0, 0, 0, 0.75, 0, 0])


def test_a_model_is_given_nothing_but_training_and_validation(prepared, settings, tmp_path):
    """What reaches ``fit``, sum by sum."""
    trace = tmp_path / "seen.json"
    nosy = spec("Nosy", inputs="images", validates=True, params={"trace": str(trace)})
    assert go([nosy], prepared, settings)["nosy", 0].status == "ok"
    dataset = prepared["digits"].dataset
    given = {"X": dataset.split.train, "X_val": dataset.split.validation}
    expected = {name: digest(dataset.train_images[index]) for name, index in given.items()}
    expected |= {"y": digest(dataset.train_labels[given["X"]]), "y_val": digest(dataset.train_labels[given["X_val"]])}
    assert json.loads(trace.read_text()) == {"others": ["on_epoch"], **expected}


def test_only_this_projects_own_modules_are_imported_ahead():
    found = runner.preload([*registry.models().values(), spec("Majority")])
    assert {"benchmark.execution", "baselines.pixels", "cnn.classifier"} <= found
    assert not any("misbehaving" in name for name in found)


def digest(array: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def test_a_failure_does_not_take_the_place_of_a_result(prepared, settings, tmp_path):
    """A model that works once: run again with --fresh it fails, and the first record stays."""
    once = spec("WorksOnce", params={"trace": str(tmp_path / "ran")})
    assert go([once], prepared, settings)["worksonce", 0].status == "ok"
    assert go([once], prepared, dataclasses.replace(settings, fresh=True))["worksonce", 0].status == "error"
    (stored,) = settings.store.read_all("digits")[0]
    assert stored.record.status == "ok"
    assert stored.is_intact()


def test_a_record_whose_predictions_are_gone_is_run_again(prepared, settings):
    go([spec("Majority")], prepared, settings)
    (path,) = (settings.store.folder / "digits/majority").glob("*.npz")
    path.write_bytes(b"damaged")
    log = Log()
    go([spec("Majority")], prepared, settings, log=log)
    assert len(log.started_cells) == 1
    assert settings.store.read_all("digits")[0][0].is_intact()


def test_data_that_change_during_a_run_are_noticed(prepared, settings):
    changed = dataclasses.replace(prepared["digits"].dataset, fingerprint="e" * 64)
    record = go([spec("Majority")], {"digits": runner.Prepared(prepared["digits"].spec, changed)}, settings)
    assert "changed during the run" in record["majority", 0].reason


def test_what_a_model_starts_ends_with_it(prepared, settings, tmp_path):
    trace = tmp_path / "pid"
    parent = spec("HasAChild", params={"trace": str(trace)})
    record = go([parent], prepared, dataclasses.replace(settings, time_limit_seconds=8.0))["hasachild", 0]
    assert record.status == "timeout"
    assert gone(int(trace.read_text()))
