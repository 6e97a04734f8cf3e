"""Plan runs and execute those that are not recorded yet.

joblib hands the runs to threads; each thread starts one worker process at a time, enforces its limits and writes its
record. Runs share nothing but the decoded data set on disk.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, Protocol, Self

import joblib
from pydantic import ValidationError

from benchmark.data.splits import parts_for, validation_share
from benchmark.records.schema import Environment, RunInfo, RunRecord
from benchmark.records.store import Store, Stored, first_problem, key
from benchmark.runner.environment import available_cores, machine_memory_bytes
from benchmark.runner.job import Failure, Job, Result
from benchmark.runner.prepare import Prepared
from benchmark.runner.record import dataset_info, default_metric, has_model, model_info, result_parts, unfinished_model
from benchmark.runner.supervisor import InterruptedRunError, Outcome, supervise, warm_up, worker_environment
from benchmark.specs import Dataset, Facts, ModelSpec, Profile, Run, n_folds, profile_named
from benchmark.utils import seeds
from benchmark.utils.files import explain_write_errors
from benchmark.utils.format import memory

SETTLED = ("ok", "unsupported")  # What is recorded so is not run again.
MEMORY_SHARE = 0.9  # Of the machine's memory: beyond it the system itself stops working.


@dataclasses.dataclass(frozen=True, kw_only=True)
class Settings:
    """How to run.

    Attributes
    ----------
    jobs : int
        Runs at a time.
    threads : int or None
        Threads per run; None divides the cores among the jobs.
    device : {"auto", "cpu", "cuda", "mps"}
        Where networks run.
    time_limit_seconds : float
        After which a run's process is killed.
    memory_limit_bytes : int or None
        Resident memory of a run's whole process tree beyond which it is killed; None: 90 % of the machine's.
    fresh : bool
        Repeat what is already recorded.
    corruptions : bool
        Predict corrupted test images too; runs recorded without them are repeated. A record that has them keeps
        them: when its run is repeated they are predicted again.
    save_models : bool
        Keep the fitted models beside the records, by the same rules; a model that can never be saved is not fitted
        again for it.
    metric : str or None
        What models are judged by: ``"accuracy"``, ``"balanced-accuracy"``, ``"macro-f1"``, ``"mcc"``, ``"log-loss"`` or
        ``"auroc"``. None is accuracy, and balanced accuracy where the largest class has more than three times the
        images of the smallest.
    class_weight : {"auto", "balanced"} or None
        Whether models that can weigh all classes alike, however many images they have; "auto": where balanced accuracy
        is the metric.
    """

    jobs: int = 1
    threads: int | None = None
    device: str = "auto"
    time_limit_seconds: float = 7200.0
    memory_limit_bytes: int | None = None
    fresh: bool = False
    corruptions: bool = False
    save_models: bool = False
    metric: str | None = None
    class_weight: Literal["auto", "balanced"] | None = "auto"

    def class_weight_for(self, dataset: Dataset) -> str | None:
        """The class weights on a data set: "balanced" or None."""
        if self.class_weight != "auto":
            return self.class_weight
        return "balanced" if (self.metric or default_metric(dataset)) == "balanced-accuracy" else None

    def resolved(self, n_runs: int) -> Self:
        """With numbers for what this machine decides."""
        jobs = max(1, min(self.jobs, n_runs))
        return dataclasses.replace(
            self,
            jobs=jobs,
            threads=self.threads or max(1, available_cores() // jobs),
            memory_limit_bytes=self.memory_limit_bytes or int(MEMORY_SHARE * machine_memory_bytes()),
        )


@dataclasses.dataclass(frozen=True)
class Planned:
    """A run with all that decides its numbers, and its record if it need not be repeated.

    ``name`` is the record's file name without its ending; ``earlier`` is what lies there now, finished or not. A run
    that would not fit into memory has ``needed_memory_bytes``: it is recorded as unsupported, not started.
    """

    run: Run
    model: ModelSpec
    prepared: Prepared
    profile: Profile
    name: str
    earlier: Stored | None
    recorded: RunRecord | None
    needed_memory_bytes: int | None = None


@dataclasses.dataclass(frozen=True)
class Plan:
    """What there is to do, so many ``jobs`` at a time, with the seconds expected of the waiting runs of which something
    is known, and what those are judged by (:mod:`benchmark.runner.eta`); ``sample`` says of how many training images a
    budget allows."""

    runs: tuple[Planned, ...]
    expected: Mapping[Run, float] = dataclasses.field(default_factory=dict)
    jobs: int = 1
    bases: Mapping[Run, str] = dataclasses.field(default_factory=dict)
    sample: str = ""

    @property
    def datasets(self) -> list[Dataset]:
        """The data that the runs use."""
        return list({planned.run.dataset: planned.prepared.dataset for planned in self.runs}.values())

    @property
    def waiting(self) -> list[Planned]:
        return [planned for planned in self.runs if planned.recorded is None]

    @property
    def expected_seconds(self) -> float:
        """Wall time of the runs of which something is known."""
        return sum(self.expected.values()) / max(1, min(self.jobs, len(self.waiting)))

    @property
    def expected_by_model(self) -> dict[str, float]:
        """Seconds of all runs of each model."""
        models = dict.fromkeys(run.model for run in self.expected)
        return {name: sum(s for run, s in self.expected.items() if run.model == name) for name in models}

    @property
    def unknown(self) -> int:
        """The number of the others."""
        return len(self.waiting) - len(self.expected)


class Watcher(Protocol):
    """Follows what happens; called from several threads."""

    def note(self, text: str) -> None: ...

    def planned(self, plan: Plan) -> None: ...

    def started(self, run: Run, epochs: int | None) -> None: ...

    def epoch(self, run: Run, row: Mapping[str, float | None]) -> None: ...

    def finished(self, record: RunRecord, *, kept: bool) -> None: ...


class Runner:
    """Plans and executes runs, and records them in a store.

    Parameters
    ----------
    store : Store
    settings : Settings
    watcher : Watcher
    environment : Environment
        Written into every record.
    """

    def __init__(self, store: Store, settings: Settings, watcher: Watcher, environment: Environment) -> None:
        self.store = store
        self.settings = settings
        self.watcher = watcher
        self.environment = environment
        self._stop = threading.Event()

    def plan(
        self, models: Sequence[ModelSpec], datasets: Iterable[Prepared], n_seeds: int, profiles: Sequence[str]
    ) -> list[Planned]:
        """Every run once with its status, seeds or folds innermost.

        A deterministic model gets one seed, unless the seed also draws the training images. Under a profile of folds,
        ``n_seeds`` is the number of repeats.
        """
        return [
            self.status(run, model, prepared)
            for profile in profiles
            for prepared in datasets
            for model in models
            for run in _runs(prepared.spec.name, model, profile, n_seeds)
        ]

    def status(self, run: Run, model: ModelSpec, prepared: Prepared) -> Planned:
        """One run, and whether its record still holds: what decides its numbers is in the record's name."""
        profile = profile_named(run.profile, run.seed, run.fold)
        self.store.check_no_link(run)
        if prepared.spec.own and not model.adapted:  # A record's model is adapted already.
            model = model.adapted_to(facts(prepared, profile), run)
        model = model.weighted(self.settings.class_weight_for(prepared.dataset), run)
        name = key(run, model, prepared.dataset.fingerprint, profile)
        earlier = self.store.find(run, name)
        recorded = earlier.record if earlier is not None and self._holds(earlier, model, prepared, profile) else None
        return Planned(run, model, prepared, profile, name, earlier, recorded)

    def _holds(self, stored: Stored, model: ModelSpec, prepared: Prepared, profile: Profile) -> bool:
        record, settings = stored.record, self.settings
        if settings.fresh or record.status not in SETTLED:
            return False
        if record.needed_memory_bytes is not None:  # There may be more memory now.
            return False
        if record.dataset.sizes != dataset_info(prepared.dataset, profile).sizes:
            return False
        if record.status != "ok":
            return True
        if settings.corruptions and not record.corruptions and not model.trivial:
            return False
        if settings.save_models and not has_model(stored):
            return False
        return stored.is_intact()

    def execute(self, runs: Sequence[Planned]) -> list[RunRecord]:
        """Execute the runs that are not recorded, ``settings.jobs`` at a time; return a record for each.

        Runs that failed before, or hit a limit, are tried again. When interrupted, running workers are killed and
        finished runs stay recorded.
        """
        settings = self.settings.resolved(len(runs))
        self.store.tidy()
        records = []
        with worker_environment(settings.threads or 1, preload(planned.model for planned in runs)):
            parallel = joblib.Parallel(n_jobs=settings.jobs, backend="threading", return_as="generator_unordered")
            if any(planned.recorded is None for planned in runs):
                warm_up()
            try:
                for record in parallel(joblib.delayed(self._settle)(planned, settings) for planned in runs):
                    records.append(record)
            finally:
                self._stop.set()
        return records

    def _settle(self, planned: Planned, settings: Settings) -> RunRecord:
        if self._stop.is_set():
            raise InterruptedRunError
        if planned.recorded is not None:
            self.watcher.finished(planned.recorded, kept=True)
            return planned.recorded
        epochs = planned.model.params_for(planned.run).get("epochs") if planned.model.validates else None
        self.watcher.started(planned.run, epochs if isinstance(epochs, int) else None)
        record = self._execute_one(planned, settings)
        self.watcher.finished(record, kept=False)
        return record

    def _execute_one(self, planned: Planned, settings: Settings) -> RunRecord:
        """Execute one run in a process of its own and write its record, whatever the outcome."""
        job = self._job(planned, settings)
        if planned.needed_memory_bytes is not None:
            reason = too_much(planned.needed_memory_bytes, settings.memory_limit_bytes or 0)
            return self._record(planned, job, Failure("unsupported", reason), datetime.now(UTC), 0.0)
        with explain_write_errors(job.log):
            job.log.parent.mkdir(parents=True, exist_ok=True)
        started_at, start = datetime.now(UTC), time.perf_counter()
        try:
            outcome = supervise(
                job,
                settings.time_limit_seconds,
                lambda row: self.watcher.epoch(planned.run, row),
                self._stop,
                memory_limit_bytes=settings.memory_limit_bytes,
            )
            return self._record(planned, job, outcome, started_at, time.perf_counter() - start)
        finally:
            if job.save is not None:
                job.save.unlink(missing_ok=True)

    def _job(self, planned: Planned, settings: Settings) -> Job:
        run, dataset, earlier = planned.run, planned.prepared.dataset, planned.earlier
        path = self.store.path(run, planned.name)
        saves = settings.save_models or (earlier is not None and earlier.record.saved is not None)
        return Job(
            run=run,
            model=planned.model,
            dataset=planned.prepared.spec,
            fingerprint=dataset.fingerprint,
            profile=planned.profile,
            random_state=seeds.derive("fit", run.dataset, run.seed, *(() if run.fold is None else (run.fold,))),
            threads=settings.threads or 1,
            device=settings.device,
            log=path.with_suffix(".log").absolute(),  # A model may change its working directory.
            corruptions=not planned.model.trivial
            and (settings.corruptions or (earlier is not None and bool(earlier.record.corruptions))),
            parts=parts_for(dataset, planned.profile),
            save=unfinished_model(path).absolute() if saves else None,
        )

    def _record(
        self, planned: Planned, job: Job, outcome: Outcome, started_at: datetime, total_seconds: float
    ) -> RunRecord:
        """Write the record of a job's outcome."""
        run = planned.run

        def record(parts: dict[str, Any], environment: Environment, implementation: str | None) -> RunRecord:
            return RunRecord(
                started_at=started_at.isoformat(timespec="seconds"),
                run=RunInfo(**dataclasses.asdict(run)),
                random_state=job.random_state,
                dataset=dataset_info(planned.prepared.dataset, job.profile),
                model=model_info(job.model, run, implementation),
                environment=environment,
                **parts,
            )

        if isinstance(outcome, Result):
            environment = self.environment.model_copy(update={"gpu": outcome.gpu})
            with self.store.locked():
                try:
                    parts = result_parts(job, planned.name, outcome, total_seconds, self.store)
                    done = record(parts, environment, outcome.implementation)
                except ValidationError as error:  # The model's own statements about itself may be wrong.
                    outcome = Failure("error", f"its result is invalid: {first_problem(error)}")
                else:
                    self.store.write(done, planned.name)
                    job.log.unlink(missing_ok=True)
                    return done
        parts = {"status": outcome.status, "reason": self._reason(outcome, job)}
        if outcome.status == "unsupported":
            parts["needed_memory_bytes"] = planned.needed_memory_bytes
        failed = record(parts, self.environment, None)
        return self._failed(planned, failed)

    def _failed(self, planned: Planned, failed: RunRecord) -> RunRecord:
        """Record a failure, unless there is a result: with ``fresh``, the earlier one stays."""
        with self.store.locked():
            earlier = self.store.find(planned.run, planned.name)
            if earlier is None or earlier.record.status != "ok":
                self.store.write(failed, planned.name)
        return failed

    def _reason(self, outcome: Failure, job: Job) -> str:
        """Why a run failed, and where its log is; an empty log is removed."""
        if not job.log.exists():
            return outcome.reason
        if job.log.stat().st_size == 0:
            job.log.unlink()
            return outcome.reason
        # Not the folder's own path: records travel.
        log = job.log.relative_to(self.store.results_dir.absolute())
        return f"{outcome.reason} (log: {log.as_posix()} in the results folder)"


def _runs(dataset: str, model: ModelSpec, profile: str, n_seeds: int) -> list[Run]:
    """A model's runs under a profile."""
    folds = n_folds(profile)
    if folds is not None:
        return [
            Run(dataset, model.name, repeat, profile, fold, repeat)
            for repeat in range(n_seeds)
            for fold in range(folds)
        ]
    several = model.stochastic or profile_named(profile).draw is not None
    return [Run(dataset, model.name, seed, profile) for seed in range(n_seeds if several else 1)]


def too_much(needed_bytes: int, limit_bytes: int) -> str:
    """Why a run is not started, and what to do about it."""
    needed, limit = memory(needed_bytes), memory(limit_bytes)
    return f"it would need about {needed} and may use {limit}: take fewer images (--profile train-N) or smaller ones"


def facts(prepared: Prepared, profile: Profile) -> Facts:
    """What models' parameters follow on the user's own pictures."""
    dataset = prepared.dataset
    _, height, width, _ = dataset.train_images.shape
    if profile.folds is None:
        size = len(parts_for(dataset, profile).train)
    else:  # The same for all folds, which differ by some images: they are runs of one model.
        rest = (len(dataset.train_labels) + len(dataset.test_labels)) * (profile.folds - 1) // profile.folds
        size = round(rest * (1 - validation_share(rest)))
    return Facts(train_size=size, height=height, width=width, mirror=dataset.account.mirror)


def preload(models: Iterable[ModelSpec]) -> set[str]:
    """Modules to import once for all runs, in the process that they are forked from."""
    return {"benchmark.runner.evaluate"} | {model.build.partition(":")[0] for model in models if model.preload}
