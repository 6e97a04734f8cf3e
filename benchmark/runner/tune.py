"""A search for hyper-parameters on the validation images, by Optuna, every trial in a process of its own.

The test images are never read (``Job.test``). What was tried, and what won, is written beside the records as
``tuning-<model>.json``.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue

from benchmark.data.splits import parts_for
from benchmark.errors import UserError
from benchmark.records.schema import Count, Environment, Fraction, Line, Model, Name, Positive, Seconds, Sha256, Status
from benchmark.records.store import Store, plain, to_json
from benchmark.runner.job import Job, Result
from benchmark.runner.prepare import Prepared
from benchmark.runner.run import Settings, preload
from benchmark.runner.supervisor import supervise, worker_environment
from benchmark.specs import ModelSpec, Profile, Run, Span
from benchmark.utils import seeds
from benchmark.utils.files import write_atomically

FAILURES = 10  # As many failed trials at the start end the search.


class Trial(Model):
    """One choice of parameters and what became of it."""

    params: dict[str, JsonValue]
    status: Status
    validation_accuracy: Fraction | None = None
    fit_seconds: Seconds | None = None
    reason: Line | None = None


class TuningRecord(Model):
    """A whole search: space, budget, trials in the order in which they ran, and the winner's parameters."""

    schema_version: Literal[2] = 2
    started_at: str
    dataset: Name
    fingerprint: Sha256
    train_size: Count
    validation_size: Count
    model: Name
    build: str
    version: int
    fixed: dict[str, JsonValue]
    space: dict[str, JsonValue]
    budget_seconds: Seconds
    seed: Count
    sampler: str
    threads: Positive
    environment: Environment
    trials: tuple[Trial, ...]
    best: Annotated[dict[str, JsonValue] | None, Field(description="None if no trial had a result")]

    @property
    def winner(self) -> Trial | None:
        return next((trial for trial in self.trials if trial.status == "ok" and trial.params == self.best), None)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Search:
    """What to search, on what, for how long.

    Of the settings, threads, device and memory limit count; ``train_size`` is the number of training images per trial,
    None for all.

    Raises
    ------
    UserError
        If the model has nothing to tune, there are not as many images, or Optuna is not installed.
    """

    model: ModelSpec
    prepared: Prepared
    budget_seconds: float
    train_size: int | None
    seed: int
    settings: Settings
    environment: Environment

    def __post_init__(self) -> None:
        check_tunable(self.model)
        most = len(self.prepared.dataset.split.train)
        if self.train_size is not None and self.train_size > most:
            raise UserError(f"{self.train_size:,} training images: there are only {most:,}.", "Choose fewer.")

    @property
    def run(self) -> Run:
        return Run(self.prepared.spec.name, self.model.name, self.seed, "full")

    @property
    def profile(self) -> Profile:
        return Profile(name="tuning", description="for the search alone", train_size=self.train_size)


def check_tunable(model: ModelSpec) -> None:
    """Raise UserError unless the model can be tuned here."""
    if importlib.util.find_spec("optuna") is None:
        raise UserError("tune needs Optuna.", "Install it with: pip install 'do-i-need-a-cnn[tune]'")
    if not model.search:
        raise UserError(f"{model.name} has nothing to tune.", "'python -m benchmark list' marks the models that have.")


def path_of(store: Store, dataset: str, model: str) -> Path:
    return store.folder / dataset / f"tuning-{model}.json"


def tune(search: Search, store: Store, on_trial: Callable[[Trial], None]) -> TuningRecord:
    """Try parameters until the budget is spent; write the record if there is a winner, and return it.

    The parameters that the model has now are tried first. A search that is interrupted, or has no winner, writes
    nothing: it must not replace a complete one.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(seed=search.seed, n_startup_trials=8)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    started_at = datetime.now(UTC).isoformat(timespec="seconds")
    path = path_of(store, search.run.dataset, search.model.name)
    trials = _trials(search, study, path.with_suffix(".log"), on_trial)
    scored = [trial for trial in trials if trial.validation_accuracy is not None]
    best = max(scored, key=lambda trial: trial.validation_accuracy or 0.0).params if scored else None
    record = _record(search, trials, best, started_at, f"TPESampler of Optuna {optuna.__version__}, 8 random trials")
    if best is not None:
        with store.locked():
            write_atomically(path, to_json(record))
    return record


def no_winner(record: TuningRecord, store: Store) -> UserError:
    """Why a search has no winner."""
    if any(trial.status == "timeout" for trial in record.trials):
        return UserError("No trial ended with a result.", "Allow a larger --budget or fewer images (--train-size).")
    log = path_of(store, record.dataset, record.model).with_suffix(".log")
    return UserError(
        f"Each of {len(record.trials)} trials failed, the last with: {record.trials[-1].reason}.",
        f"The traceback, if there is one, is in {log}.",
    )


def _trials(search: Search, study: Any, log: Path, on_trial: Callable[[Trial], None]) -> list[Trial]:
    """Trials until the budget is spent, or too many have failed."""
    import optuna

    model, params = search.model, search.model.params_for(search.run)
    now = {name: value for name, value in params.items() if _inside(value, model.search.get(name))}
    if now:
        study.enqueue_trial(now)
    deadline = time.monotonic() + search.budget_seconds
    trials: list[Trial] = []
    log.parent.mkdir(parents=True, exist_ok=True)
    settings = search.settings.resolved(1)
    try:
        with worker_environment(settings.threads or 1, preload([model])):
            while (left := deadline - time.monotonic()) > 1:
                asked = study.ask()
                chosen = {name: _suggest(asked, name, choice) for name, choice in model.search.items()}
                trial = _try(search, settings, chosen, left, log)
                trials.append(trial)
                on_trial(trial)
                if len(trials) == FAILURES and not any(trial.status == "ok" for trial in trials):
                    break  # Not worth the rest of the budget.
                if trial.validation_accuracy is None:
                    study.tell(asked, state=optuna.trial.TrialState.FAIL)
                else:
                    study.tell(asked, trial.validation_accuracy)
    finally:
        if not trials or trials[-1].status in ("ok", "timeout", "unsupported"):  # Otherwise it has the traceback.
            log.unlink(missing_ok=True)
    return trials


def _record(
    search: Search, trials: Sequence[Trial], best: dict[str, JsonValue] | None, started_at: str, sampler: str
) -> TuningRecord:
    model, dataset = search.model, search.prepared.dataset
    parts = parts_for(dataset, search.profile)
    params = model.params_for(search.run)
    return TuningRecord(
        started_at=started_at,
        dataset=dataset.name,
        fingerprint=dataset.fingerprint,
        train_size=len(parts.train),
        validation_size=len(parts.validation),
        model=model.name,
        build=model.build,
        version=model.version,
        fixed=plain({name: value for name, value in params.items() if name not in model.search}),
        space={name: _space(choice) for name, choice in model.search.items()},
        budget_seconds=search.budget_seconds,
        seed=search.seed,
        sampler=sampler,
        threads=search.settings.resolved(1).threads or 1,
        environment=search.environment,
        trials=tuple(trials),
        best=best,
    )


def _try(search: Search, settings: Settings, chosen: Mapping[str, Any], limit_seconds: float, log: Path) -> Trial:
    run, prepared = search.run, search.prepared
    # Elsewhere a data set's own parameters override others; here what is tried does.
    layers = {name: {**layer, **chosen} for name, layer in search.model.dataset_params.items()}
    job = Job(
        run=run,
        model=dataclasses.replace(search.model, params={**search.model.params, **chosen}, dataset_params=layers),
        dataset=prepared.spec,
        fingerprint=prepared.dataset.fingerprint,
        profile=search.profile,
        random_state=seeds.derive("tune", run.dataset, search.seed),
        threads=settings.threads or 1,
        device=settings.device,
        log=log,
        test=False,
    )
    outcome = supervise(
        job, limit_seconds, lambda row: None, threading.Event(), memory_limit_bytes=settings.memory_limit_bytes
    )
    params = plain(dict(chosen))
    if isinstance(outcome, Result):
        accuracy, seconds = outcome.validation.accuracy, outcome.cost.fit_seconds
        return Trial(params=params, status="ok", validation_accuracy=accuracy, fit_seconds=seconds)
    return Trial(params=params, status=outcome.status, reason=outcome.reason)


def _inside(value: object, choice: Span | tuple[Any, ...] | None) -> bool:
    """Whether a parameter's value lies in what is searched, so that it can be tried first."""
    if isinstance(choice, Span):
        return isinstance(value, int | float) and choice.low <= value <= choice.high
    return choice is not None and value in choice


def _suggest(trial: Any, name: str, choice: Span | tuple[Any, ...]) -> Any:
    if not isinstance(choice, Span):
        return trial.suggest_categorical(name, choice)
    if isinstance(choice.low, int) and isinstance(choice.high, int):
        return trial.suggest_int(name, choice.low, choice.high, log=choice.log)
    return trial.suggest_float(name, choice.low, choice.high, log=choice.log)


def _space(choice: Span | tuple[Any, ...]) -> JsonValue:
    if isinstance(choice, Span):
        return {"low": choice.low, "high": choice.high, "log": choice.log}
    return list(plain(choice))
