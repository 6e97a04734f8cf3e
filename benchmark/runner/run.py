"""Which runs there are, and running those that are not recorded yet.

joblib hands the runs to threads; each thread starts one worker process at a time, watches its limit and
writes its record. Nothing is shared between runs but the decoded data set on disk.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

import joblib
from pydantic import ValidationError

from benchmark.data.splits import parts_for
from benchmark.records.schema import Environment, RunInfo, RunRecord
from benchmark.records.store import Store, first_problem, key
from benchmark.runner import job as messages
from benchmark.runner.record import dataset_info, has_model, model_info, result_parts, saved_parts, unfinished_model
from benchmark.runner.supervisor import InterruptedRunError, Outcome, supervise, warm_up, worker_environment
from benchmark.specs import Dataset, DatasetSpec, ModelSpec, Run, profile_named
from benchmark.utils import seeds
from benchmark.utils.files import explain_write_errors

KEPT = ("ok", "unsupported")


class Watcher(Protocol):
    """Told what happens; called from several threads."""

    def started(self, run: Run, epochs: int | None) -> None: ...

    def epoch(self, run: Run, row: Mapping[str, float | None]) -> None: ...

    def finished(self, record: RunRecord, *, kept: bool) -> None: ...


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """How to run.

    Attributes
    ----------
    store : Store
    environment : Environment
    jobs : int
        Cells at a time.
    threads : int
        Threads that a run may use.
    device : str
        Where networks run: ``auto``, ``cpu``, ``cuda`` or ``mps``.
    time_limit_seconds : float
        After which a run's process is killed.
    fresh : bool
        Run also what is recorded already.
    memory_limit_bytes : int or None
        Resident memory of a run's processes, added up, beyond which they are killed.
    corruptions : bool
        Predict corrupted test images too; what is recorded without them is run again. A record that has them
        keeps them: when its run is run again they are predicted again, asked for or not.
    save_models : bool
        Keep the fitted models beside the records. The rest is as with ``corruptions``; a model that can never be
        saved is not fitted again for it.
    """

    store: Store
    environment: Environment
    jobs: int
    threads: int
    device: str
    time_limit_seconds: float
    fresh: bool
    memory_limit_bytes: int | None = None
    corruptions: bool = False
    save_models: bool = False


@dataclasses.dataclass(frozen=True)
class Prepared:
    """A data set with its specification."""

    spec: DatasetSpec
    dataset: Dataset


def plan(models: Iterable[ModelSpec], datasets: Iterable[str], n_seeds: int, profile: str) -> Iterator[Run]:
    """Yield every run once, seeds innermost.

    A model that is not stochastic gets one seed, unless the seed decides about the training images too.
    """
    models = tuple(models)
    drawn = profile_named(profile).draw is not None
    for dataset in datasets:
        for model in models:
            for seed in range(n_seeds if model.stochastic or drawn else 1):
                yield Run(dataset, model.name, seed, profile)


def run(
    runs: Sequence[Run],
    models: Mapping[str, ModelSpec],
    datasets: Mapping[str, Prepared],
    settings: Settings,
    watcher: Watcher,
) -> list[RunRecord]:
    """Run the runs that have no record yet, ``settings.jobs`` at a time; return a record for each.

    Cells that failed before, or ran out of time or memory, are tried again. When interrupted, running runs are
    killed and finished ones stay recorded.
    """
    stop = threading.Event()
    records = []
    settings.store.tidy()
    with worker_environment(settings.threads, preload(models[run.model] for run in runs)):
        parallel = joblib.Parallel(
            n_jobs=min(settings.jobs, max(len(runs), 1)), backend="threading", return_as="generator_unordered"
        )
        if len(recorded(runs, models, datasets, settings)) < len(runs):
            warm_up()
        try:
            for record in parallel(
                joblib.delayed(_run_or_keep)(run, models[run.model], datasets[run.dataset], settings, watcher, stop)
                for run in runs
            ):
                records.append(record)
        finally:
            stop.set()
    return records


def preload(models: Iterable[ModelSpec]) -> set[str]:
    """Modules to import once for all runs: this project's own, which can be trusted to be only imported."""
    builders = {model.build.partition(":")[0] for model in models}
    return {"benchmark.runner.evaluate"} | {name for name in builders if name.partition(".")[0] in ("baselines", "cnn")}


def recorded(
    runs: Sequence[Run], models: Mapping[str, ModelSpec], datasets: Mapping[str, Prepared], settings: Settings
) -> dict[Run, RunRecord]:
    """The runs that :func:`run` would not execute again, with their records."""
    found = {run: _recorded(run, models[run.model], datasets[run.dataset], settings) for run in runs}
    return {run: record for run, record in found.items() if record is not None}


def _recorded(run: Run, model: ModelSpec, prepared: Prepared, settings: Settings) -> RunRecord | None:
    if settings.fresh:
        return None
    profile = profile_named(run.profile, run.seed)
    stored = settings.store.find(run, key(run, model, prepared.dataset.fingerprint, profile))
    if stored is None or stored.record.status not in KEPT:
        return None
    if stored.record.status == "ok":
        if settings.corruptions and not stored.record.corruptions:
            return None
        if settings.save_models and not has_model(stored):
            return None
    # The rest of what a record rests on: how the data were split, and predictions that are still there.
    then, now = stored.record.dataset, dataset_info(prepared.dataset, profile)
    if (then.train_size, then.validation_size, then.test_size) != (now.train_size, now.validation_size, now.test_size):
        return None
    return stored.record if stored.record.status != "ok" or stored.is_intact() else None


def _run_or_keep(
    run: Run, model: ModelSpec, prepared: Prepared, settings: Settings, watcher: Watcher, stop: threading.Event
) -> RunRecord:
    if stop.is_set():
        raise InterruptedRunError
    record = _recorded(run, model, prepared, settings)
    if record is not None:
        watcher.finished(record, kept=True)
        return record
    epochs = model.params_for(run).get("epochs")
    watcher.started(run, epochs if isinstance(epochs, int) else None)
    record = run_cell(run, model, prepared, settings, watcher, stop)
    watcher.finished(record, kept=False)
    return record


def run_cell(
    run: Run, model: ModelSpec, prepared: Prepared, settings: Settings, watcher: Watcher, stop: threading.Event
) -> RunRecord:
    """Run one run in a process of its own and write its record, whatever becomes of it."""
    profile = profile_named(run.profile, run.seed)
    name = key(run, model, prepared.dataset.fingerprint, profile)
    log = settings.store.path(run, name).with_suffix(".log")
    with explain_write_errors(log):
        log.parent.mkdir(parents=True, exist_ok=True)
    random_state = seeds.derive("fit", run.dataset, run.seed)
    earlier = settings.store.find(run, name)
    keeps = settings.save_models or (earlier is not None and earlier.record.saved is not None)
    job = messages.Job(
        run,
        model,
        prepared.spec,
        prepared.dataset.fingerprint,
        profile,
        random_state,
        settings.threads,
        settings.device,
        log,
        corruptions=settings.corruptions or (earlier is not None and bool(earlier.record.corruptions)),
        test_index=parts_for(prepared.dataset, profile).test,
        save=unfinished_model(settings.store.path(run, name)) if keeps else None,
    )
    started_at = datetime.now(UTC)
    start = time.perf_counter()
    try:
        outcome = supervise(
            job,
            settings.time_limit_seconds,
            lambda row: watcher.epoch(run, row),
            stop,
            memory_limit_bytes=settings.memory_limit_bytes,
        )
        total_seconds = time.perf_counter() - start
        return _record(job, outcome, name, started_at, total_seconds, prepared, settings)
    finally:
        if job.save is not None:
            job.save.unlink(missing_ok=True)


def _record(
    job: messages.Job,
    outcome: Outcome,
    name: str,
    started_at: datetime,
    total_seconds: float,
    prepared: Prepared,
    settings: Settings,
) -> RunRecord:
    """Write the record of what became of a job."""
    run, log = job.run, job.log

    def record(parts: dict[str, Any], environment: Environment, implementation: str | None) -> RunRecord:
        return RunRecord(
            started_at=started_at.isoformat(timespec="seconds"),
            run=RunInfo(**dataclasses.asdict(run)),
            random_state=job.random_state,
            dataset=dataset_info(prepared.dataset, job.profile),
            model=model_info(job.model, run, implementation),
            environment=environment,
            **parts,
        )

    if isinstance(outcome, messages.Result):
        environment = settings.environment.model_copy(update={"gpu": outcome.gpu})
        with settings.store.locked():
            try:
                parts = result_parts(
                    run, name, outcome, total_seconds - outcome.saving_seconds, settings.threads, settings.store
                )
                parts |= saved_parts(job, name, outcome)
                done = record(parts, environment, outcome.implementation)
            except ValidationError as error:  # What the model tells of itself is not to be believed.
                outcome = messages.Failure("error", f"its result is no record: {first_problem(error)}")
            else:
                settings.store.write(done, name)
                log.unlink(missing_ok=True)
                return done
    reason = outcome.reason
    if log.exists() and log.stat().st_size == 0:
        log.unlink()
    elif log.exists():
        reason += f" (log: {log.name})"
    failed = record({"status": outcome.status, "reason": reason}, settings.environment, None)
    with settings.store.locked():
        # A failure does not take the place of a result: with --fresh, the earlier one stays.
        earlier = settings.store.find(run, name)
        if earlier is None or earlier.record.status != "ok":
            settings.store.write(failed, name)
    return failed
