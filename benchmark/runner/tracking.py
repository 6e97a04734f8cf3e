"""Runs tracked by TensorBoard or MLflow; both are optional extras.

Neither is needed for anything else: a tracker that fails is given up with a warning, and the run goes on.
"""

from __future__ import annotations

import abc
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmark.errors import UserError
from benchmark.records.schema import RunRecord
from benchmark.runner.progress import Quiet
from benchmark.specs import Run
from benchmark.utils.format import first_line


class Tracker(Quiet, abc.ABC):
    """What both have in common: a failure is reported once, then tracking stops."""

    name: str

    def __init__(self, warn: Callable[[str], None]) -> None:
        self._warn = warn
        self._given_up = False

    def _try(self, action: Callable[..., None], *arguments: Any) -> None:
        if self._given_up:
            return
        try:
            action(*arguments)
        except Exception as error:  # Disk full, a server gone, a library's own trouble: the run matters more.
            self._given_up = True
            self._warn(f"{self.name} is given up, the run goes on: {first_line(error)}")

    def __exit__(self, *error: object) -> None:
        self._try(self._close)

    def started(self, run: Run, epochs: int | None) -> None:
        self._try(self._started, run)

    def epoch(self, run: Run, row: Mapping[str, float | None]) -> None:
        self._try(self._epoch, run, {name: value for name, value in row.items() if value is not None})

    def finished(self, record: RunRecord, *, kept: bool) -> None:
        if not kept:
            self._try(self._finished, record)

    @abc.abstractmethod
    def _started(self, run: Run) -> None: ...

    @abc.abstractmethod
    def _epoch(self, run: Run, row: Mapping[str, float]) -> None: ...

    @abc.abstractmethod
    def _finished(self, record: RunRecord) -> None: ...

    @abc.abstractmethod
    def _close(self) -> None: ...


def results(record: RunRecord) -> dict[str, float]:
    """The numbers of a record that are worth a curve or a column."""
    numbers: dict[str, float | None] = {}
    for part in ("validation", "test"):
        metrics = getattr(record, part)
        if metrics is not None:
            numbers[f"{part}_accuracy_final"] = metrics.accuracy
            numbers[f"{part}_macro_f1"] = sum(c.f1 for c in metrics.per_class) / len(metrics.per_class)
    if record.cost is not None:
        for name in ("fit_seconds", "predict_seconds", "total_seconds", "peak_memory_bytes", "parameter_count"):
            numbers[name] = getattr(record.cost, name)
    return {name: float(value) for name, value in numbers.items() if value is not None}


class TensorBoard(Tracker):
    """Curves below ``folder``, a run a run: ``<dataset>/<model>/<profile>-seed<seed>``.

    Raises
    ------
    UserError
        If the extra ``tensorboard`` is not installed.
    """

    name = "TensorBoard"

    def __init__(self, folder: Path, warn: Callable[[str], None]) -> None:
        super().__init__(warn)
        try:
            from tensorboard.compat.proto import event_pb2, summary_pb2
            from tensorboard.summary.writer.event_file_writer import EventFileWriter
        except ImportError as error:
            raise UserError("TensorBoard is not installed.", "pip install 'do-i-need-a-cnn[tensorboard]'") from error
        self._folder = folder
        self._event, self._summary, self._writer = event_pb2.Event, summary_pb2.Summary, EventFileWriter
        self._open: dict[Run, Any] = {}

    def _write(self, run: Run, step: int, numbers: Mapping[str, float]) -> None:
        if run not in self._open:
            place = self._folder / run.dataset / run.model / f"{run.profile}-{run.slug}"
            self._open[run] = self._writer(str(place))
        values = [self._summary.Value(tag=name, simple_value=value) for name, value in numbers.items()]
        self._open[run].add_event(self._event(wall_time=time.time(), step=step, summary=self._summary(value=values)))

    def _started(self, run: Run) -> None:
        pass

    def _epoch(self, run: Run, row: Mapping[str, float]) -> None:
        self._write(run, int(row.get("epoch", 0)), {name: value for name, value in row.items() if name != "epoch"})

    def _finished(self, record: RunRecord) -> None:
        run = record.run.to_run()
        if record.status == "ok":
            self._write(run, len(record.epochs), results(record))
        writer = self._open.pop(run, None)
        if writer is not None:
            writer.close()

    def _close(self) -> None:
        for writer in self._open.values():
            writer.close()
        self._open.clear()


class MLflow(Tracker):
    """Each run a run in a local store, with parameters, metrics and the record as an artifact.

    Parameters
    ----------
    folder : Path
        Where the store lies: ``mlflow.db`` and artifacts; ``mlflow ui --backend-store-uri sqlite:///...`` shows it.
    records : Path
        The collection's folder of records, whose predictions are kept as artifacts too.

    Raises
    ------
    UserError
        If the extra ``mlflow`` is not installed.
    """

    name = "MLflow"

    def __init__(self, folder: Path, records: Path, warn: Callable[[str], None]) -> None:
        super().__init__(warn)
        try:
            import sqlalchemy  # noqa: F401 -- the store needs it, and mlflow says so only when it is used
            from mlflow import MlflowClient
        except ImportError as error:
            raise UserError("MLflow is not installed.", "pip install 'do-i-need-a-cnn[mlflow]'") from error
        folder.mkdir(parents=True, exist_ok=True)
        self._artifacts = (folder / "artifacts").resolve()
        self._records = records
        self._client = MlflowClient(tracking_uri=f"sqlite:///{(folder / 'mlflow.db').resolve()}")
        self._runs: dict[Run, str] = {}

    def _started(self, run: Run) -> None:
        experiment = self._client.get_experiment_by_name(run.dataset)
        if experiment is None:
            place = (self._artifacts / run.dataset).as_uri()
            number = self._client.create_experiment(run.dataset, artifact_location=place)
        else:
            number = experiment.experiment_id
        name = f"{run.model}-{run.profile}-{run.slug}"
        self._runs[run] = self._client.create_run(number, run_name=name).info.run_id
        for key in ("model", "seed", "profile"):
            self._client.log_param(self._runs[run], key, getattr(run, key))

    def _epoch(self, run: Run, row: Mapping[str, float]) -> None:
        for name, value in row.items():
            if name != "epoch":
                self._client.log_metric(self._runs[run], name, value, step=int(row.get("epoch", 0)))

    def _finished(self, record: RunRecord) -> None:
        run = record.run.to_run()
        tracked = self._runs.pop(run, None)
        if tracked is None:
            return
        for name, value in record.model.params.items():
            self._client.log_param(tracked, f"params.{name}", str(value)[:500])
        for name, number in results(record).items():
            self._client.log_metric(tracked, name, number)
        self._client.set_tag(tracked, "status", record.status)
        if record.reason:
            self._client.set_tag(tracked, "reason", record.reason[:500])
        self._client.log_text(tracked, record.model_dump_json(indent=1), "record.json")
        if record.predictions is not None:
            file = self._records / run.dataset / run.model / record.predictions.file
            self._client.log_artifact(tracked, str(file))
        self._client.set_terminated(tracked, "FINISHED" if record.status == "ok" else "FAILED")

    def _close(self) -> None:
        for tracked in self._runs.values():
            self._client.set_terminated(tracked, "KILLED")
        self._runs.clear()
