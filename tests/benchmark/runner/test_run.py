"""Cells in real processes: what a run survives, what it records, how it goes on."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from runs import Log, go, spec

from benchmark import registry
from benchmark.errors import UserError
from benchmark.records.store import Store, key, read
from benchmark.runner.prepare import Prepared
from benchmark.runner.run import Runner, preload
from benchmark.specs import Run, profile_named
from benchmark.utils.files import CACHE_VARIABLE, cache_root


def plan(settings, models, datasets, n_seeds, profile):
    runner = Runner(settings.store, settings, Log(), settings.environment)
    return runner.plan(models, datasets, n_seeds, [profile])


def test_a_plan_has_every_run_once_and_one_seed_for_deterministic_models(prepared, settings):
    specs = [spec("Majority"), spec("Raises", stochastic=True)]
    digits = prepared["digits"]
    other = Prepared(dataclasses.replace(digits.spec, name="other"), digits.dataset)
    runs = [planned.run for planned in plan(settings, specs, [digits, other], 3, "quick")]
    assert len(runs) == len(set(runs)) == 2 * (1 + 3)
    assert runs[0] == Run("digits", "majority", 0, "quick")
    assert [run.seed for run in runs if run.model == "raises" and run.dataset == "other"] == [0, 1, 2]


def test_with_fewer_training_images_every_model_gets_all_seeds(prepared, settings):
    runs = plan(settings, [spec("Majority")], prepared.values(), 3, "train-100")
    assert [planned.run.seed for planned in runs] == [0, 1, 2]


def test_a_plan_says_what_is_recorded(prepared, settings):
    go([spec("Majority")], prepared, settings)
    first, second = plan(settings, [spec("Majority"), spec("Hoards")], prepared.values(), 1, "full")
    assert first.recorded is not None
    assert first.recorded.status == "ok"
    assert second.recorded is None


def test_a_seed_stands_for_its_own_training_images(prepared, settings):
    specs = [spec("Majority"), registry.models()["knn"]]
    records = go(specs, prepared, settings, n_seeds=2, profile="train-30")
    assert {record.dataset.train_size for record in records.values()} == {30}
    assert {record.dataset.test_size for record in records.values()} == {360}
    assert records["knn", 0].test.confusion != records["knn", 1].test.confusion
    assert len({stored.path.stem[-8:] for stored in settings.store.read_all("digits")[0]}) == 4
    log = Log()
    go(specs, prepared, settings, n_seeds=2, profile="train-30", log=log)
    assert log.started_cells == []


def test_too_few_images_are_unsupported_and_no_error(prepared, settings):
    networks = dataclasses.replace(
        registry.models()["cnn-simple"], params={"network": "simple", "epochs": 1}, dataset_params={}
    )
    few = dataclasses.replace(registry.models()["knn"], params={"n_neighbors": 20})
    records = go([few, networks], prepared, settings, profile="train-5")
    assert records["knn", 0].status == "ok"  # Of fewer images than neighbours all are asked.
    assert records["cnn-simple", 0].status == "unsupported"
    assert "no training image shows class" in records["cnn-simple", 0].reason


def test_what_is_recorded_is_kept_and_failures_are_tried_again(prepared, settings):
    specs = [spec("Majority"), spec("Unsupported"), spec("Raises")]
    go(specs, prepared, settings)
    log = Log()
    go(specs, prepared, settings, log=log)
    assert sorted(log.kept) == ["majority", "unsupported"]
    assert [run.model for run in log.started_cells] == ["raises"]
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


def test_a_record_tells_all_that_it_should(prepared, settings):
    cnn = dataclasses.replace(
        registry.models()["cnn-simple"], params={"network": "simple", "epochs": 2}, dataset_params={}
    )
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
    assert json.loads(stored.path.read_text())["schema_version"] == 2


def test_the_same_cell_twice_is_bit_identical_and_another_seed_is_not(prepared, settings, tmp_path):
    params = {"network": "deep", "epochs": 1, "rotation_degrees": 10.0, "zoom": 0.1, "shift": 0.05}
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


def test_modules_are_imported_ahead_where_the_specification_says_so():
    modules = preload([*registry.models().values(), spec("Majority")])
    assert {"benchmark.runner.evaluate", "baselines.pixels", "cnn.classifier"} <= modules
    assert not any("misbehaving" in name for name in modules)


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
    record = go([spec("Majority")], {"digits": Prepared(prepared["digits"].spec, changed)}, settings)
    assert "changed during the run" in record["majority", 0].reason


def test_the_memory_of_libraries_is_not_the_models(prepared, settings):
    records = go([spec("Majority"), spec("Hoards")], prepared, settings)
    little, much = (records[name, 0].cost.peak_memory_bytes for name in ("majority", "hoards"))
    assert little < 60e6
    assert 200e6 <= much < 260e6


def test_a_model_may_change_its_working_directory(prepared, settings, monkeypatch, tmp_path):
    """With a cache and a results folder that are named relative to the old one."""
    cache = tmp_path / "cache"
    cache.mkdir()
    shutil.copytree(cache_root() / "decoded", cache / "decoded")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(CACHE_VARIABLE, "cache")
    here = dataclasses.replace(settings, store=Store(Path("results"), "made"), save_models=True)
    record = go([spec("Wanders")], prepared, here)["wanders", 0]
    assert (record.status, record.reason) == ("ok", None)
    assert record.saved is not None
    assert (tmp_path / "results/made/digits/wanders" / record.saved.file).is_file()


def test_a_failure_with_a_log_is_recorded_where_the_results_folder_is_relative(
    prepared, settings, monkeypatch, tmp_path
):
    monkeypatch.chdir(tmp_path)
    here = dataclasses.replace(settings, store=Store(Path("results"), "made"))
    records = go([spec("Raises"), spec("Majority")], prepared, here)
    assert records["majority", 0].status == "ok"
    failed = records["raises", 0]
    assert failed.status == "error"
    assert "the model" in failed.reason
    assert list((tmp_path / "results/made/digits/raises").glob("*.json"))


@pytest.mark.parametrize("link", ["digits", "digits/majority"])
def test_records_are_not_written_through_a_link_that_would_not_be_read(prepared, settings, tmp_path, link):
    (tmp_path / "elsewhere").mkdir()
    path = settings.store.folder / link
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    with pytest.raises(UserError, match="is a link that leads out of"):
        go([spec("Majority")], prepared, settings)
    assert not list((tmp_path / "elsewhere").iterdir())


def test_the_results_folder_itself_may_be_a_link(prepared, settings, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "linked").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    there = dataclasses.replace(settings, store=Store(tmp_path / "linked", "made"))
    assert go([spec("Majority")], prepared, there)["majority", 0].status == "ok"
    log = Log()
    go([spec("Majority")], prepared, there, log=log)
    assert log.started_cells == []


@pytest.mark.parametrize(
    ("asked", "metric", "uneven", "weight"),
    [
        ("auto", None, False, None),
        ("auto", None, True, "balanced"),
        ("auto", "accuracy", True, None),
        ("auto", "balanced-accuracy", False, "balanced"),
        ("balanced", "accuracy", False, "balanced"),
        (None, "balanced-accuracy", True, None),
    ],
)
def test_models_weigh_classes_alike_where_balanced_accuracy_is_the_metric(
    prepared, settings, asked, metric, uneven, weight
):
    digits = prepared["digits"]
    if uneven:
        labels = digits.dataset.train_labels
        labels = np.where((labels == 0) & (np.arange(len(labels)) % 5 > 0), 1, labels)
        digits = Prepared(digits.spec, dataclasses.replace(digits.dataset, train_labels=labels))
    chosen = dataclasses.replace(settings, class_weight=asked, metric=metric)
    names = ("logistic-regression", "cnn-simple", "knn")
    planned = plan(chosen, [registry.models()[name] for name in names], [digits], 1, "full")
    found = [one.model.params_for(one.run).get("class_weight") for one in planned]
    assert found == [weight, weight, None]


def test_what_is_recorded_of_the_reference_is_still_found():
    """Neither a name nor a parameter of the records may change with an option that is not used."""
    store = Store(Path(__file__).parents[3] / "results", "reference")
    stored, problems = store.read_all("fashion-mnist")
    assert not problems
    newest = {one.record.run.to_run(): one for one in sorted(stored, key=lambda one: one.record.started_at)}
    for run, one in newest.items():
        profile = profile_named(run.profile, run.seed)
        assert key(run, registry.of_record(one.record), one.record.dataset.fingerprint, profile) == one.path.stem
