"""TensorBoard and MLflow are told what happens; when they fail the run goes on."""

from __future__ import annotations

import json
import sqlite3
import sys

import pytest

from benchmark.errors import UserError
from benchmark.runner.tracking import MLflow, TensorBoard
from benchmark.specs import Run

# MLflow and what it rests on warn of one another.
pytestmark = pytest.mark.filterwarnings("ignore")
CNN = Run("synthetic", "cnn-simple", 0, "full")
EPOCHS = [{"epoch": 1, "validation_accuracy": 0.5, "train_loss": 2.0}, {"epoch": 2, "validation_accuracy": 0.75}]


def a_run(tracker, record):
    with tracker:
        tracker.started(CNN, 2)
        for row in EPOCHS:
            tracker.epoch(CNN, row)
        tracker.finished(record, kept=False)


@pytest.fixture
def record(make_record):
    return make_record(model="cnn-simple", family="network", epochs=tuple({**row} for row in EPOCHS))


def fail(text):
    raise AssertionError(text)


def test_tensorboard_has_a_curve_for_each_number(tmp_path, record):
    loader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator", reason="an optional extra")
    a_run(TensorBoard(tmp_path, fail), record)
    found = loader.EventAccumulator(str(tmp_path / "synthetic" / "cnn-simple" / "full-seed0")).Reload()
    curve = found.Scalars("validation_accuracy")
    assert [(point.step, point.value) for point in curve] == [(1, 0.5), (2, 0.75)]
    (final,) = found.Scalars("test_accuracy_final")
    assert (final.step, final.value) == (2, 0.75)
    assert "fit_seconds" in found.Tags()["scalars"]


def test_mlflow_has_a_run_with_params_metrics_and_artifacts(tmp_path, make_collection):
    mlflow = pytest.importorskip("mlflow", reason="an optional extra")
    pytest.importorskip("sqlalchemy", reason="an optional extra")
    store = make_collection(tmp_path, [("cnn-simple", "network", 20)], seeds=(0,))
    (stored,), _ = store.read_all("synthetic")
    a_run(MLflow(tmp_path / "mlflow", store.folder, fail), stored.record)

    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{tmp_path}/mlflow/mlflow.db")
    experiment = client.get_experiment_by_name("synthetic")
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.info.status == "FINISHED"
    assert run.data.params == {"model": "cnn-simple", "seed": "0", "profile": "full", "params.alpha": "0.5"}
    assert run.data.metrics["test_accuracy_final"] == pytest.approx(stored.record.test.accuracy)
    history = client.get_metric_history(run.info.run_id, "validation_accuracy")
    assert [(point.step, point.value) for point in history] == [(1, 0.5), (2, 0.75)]
    artifacts = {item.path for item in client.list_artifacts(run.info.run_id)}
    assert artifacts == {"record.json", stored.record.predictions.file}
    (text,) = (tmp_path / "mlflow" / "artifacts").rglob("record.json")
    assert json.loads(text.read_text())["run"]["model"] == "cnn-simple"


def test_a_cell_that_never_ends_is_not_left_running(tmp_path):
    mlflow = pytest.importorskip("mlflow", reason="an optional extra")
    with MLflow(tmp_path, tmp_path, fail) as tracker:
        tracker.started(CNN, 2)
    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{tmp_path}/mlflow.db")
    (run,) = client.search_runs([client.get_experiment_by_name("synthetic").experiment_id])
    assert run.info.status == "KILLED"
    with sqlite3.connect(tmp_path / "mlflow.db") as database:  # The store is an ordinary database.
        assert database.execute("select count(*) from runs").fetchone() == (1,)
    database.close()


def test_a_tracker_that_fails_is_given_up_once_and_told(tmp_path, record):
    pytest.importorskip("tensorboard", reason="an optional extra")
    (tmp_path / "synthetic").write_text("in the way")
    told = []
    a_run(TensorBoard(tmp_path, told.append), record)
    (warning,) = told
    assert warning.startswith("TensorBoard is given up, the run goes on: ")


def test_what_is_recorded_already_is_not_tracked_again(tmp_path, record):
    pytest.importorskip("tensorboard", reason="an optional extra")
    with TensorBoard(tmp_path, fail) as tracker:
        tracker.finished(record, kept=True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("module", "make"), [("tensorboard", TensorBoard), ("mlflow", MLflow)])
def test_without_the_extra_the_remedy_is_named(tmp_path, monkeypatch, module, make):
    for name in [name for name in sys.modules if name.partition(".")[0] == module]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    arguments = (tmp_path, fail) if make is TensorBoard else (tmp_path, tmp_path, fail)
    with pytest.raises(UserError, match=rf"pip install 'do-i-need-a-cnn\[{module}\]'"):
        make(*arguments)
