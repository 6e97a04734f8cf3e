"""A search for hyper-parameters on the validation images, by Optuna, every trial in a process of its own.

The test images are never read (``messages.Job.test``). What was tried, and what won, is written beside the
records as ``tuning-<model>.json``.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, JsonValue

from benchmark.data.splits import parts_for
from benchmark.errors import UserError
from benchmark.records.schema import Count, Environment, Fraction, Model, Name, Positive, Seconds, Sha256, Status
from benchmark.records.store import Store, plain, to_json
from benchmark.runner.job import Job, Result
from benchmark.runner.run import Prepared, preload
from benchmark.runner.supervisor import supervise, worker_environment
from benchmark.specs import ModelSpec, Profile, Run, Span
from benchmark.utils import seeds
from benchmark.utils.files import write_atomically

FAILURES = 10  # So many trials from the start without one result, and the search is given up.


class Trial(Model):
    """One choice of parameters and what became of it."""

    params: dict[str, JsonValue]
    status: Status
    validation_accuracy: Fraction | None = None
    fit_seconds: Seconds | None = None
    reason: str | None = None


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
    """What to search, on what, for how long."""

    model: ModelSpec
    prepared: Prepared
    budget_seconds: float
    train_size: int | None
    seed: int
    threads: int
    device: str
    environment: Environment
    memory_limit_bytes: int | None = None


def path_of(store: Store, dataset: str, model: str) -> Path:
    return store.folder / dataset / f"tuning-{model}.json"


def tune(search: Search, store: Store, on_trial: Callable[[Trial], None]) -> TuningRecord:
    """Try parameters until the budget is spent; write the record if there is a winner, and return it.

    The parameters that the model has now are tried first. A search that is interrupted, or has no winner,
    writes nothing: it must not take the place of a complete one.
    """
    import optuna

    model, dataset = search.model, search.prepared.dataset
    if not model.search:
        raise UserError(f"{model.name} has nothing to tune.", "Give its specification a 'search'.")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(seed=search.seed, n_startup_trials=8)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    run = Run(dataset.name, model.name, search.seed, "full")
    now = {name: value for name, value in model.params_for(run).items() if _inside(value, model.search.get(name))}
    if now:
        study.enqueue_trial(now)
    started_at = datetime.now(UTC).isoformat(timespec="seconds")
    deadline = time.monotonic() + search.budget_seconds
    trials: list[Trial] = []
    log = path_of(store, dataset.name, model.name).with_suffix(".log")
    log.parent.mkdir(parents=True, exist_ok=True)
    try:
        with worker_environment(search.threads, preload([model])):
            while (left := deadline - time.monotonic()) > 1:
                asked = study.ask()
                chosen = {name: _suggest(asked, name, choice) for name, choice in model.search.items()}
                trial = _try(search, run, chosen, left, log)
                trials.append(trial)
                on_trial(trial)
                if len(trials) == FAILURES and not any(trial.status == "ok" for trial in trials):
                    break  # Not worth the rest of the budget.
                if trial.validation_accuracy is None:
                    study.tell(asked, state=optuna.trial.TrialState.FAIL)
                else:
                    study.tell(asked, trial.validation_accuracy)
    finally:
        if not trials or trials[-1].status in ("ok", "timeout", "unsupported"):  # Otherwise it says where.
            log.unlink(missing_ok=True)
    profile = _profile(search)
    parts = parts_for(dataset, profile)
    scored = [trial for trial in trials if trial.validation_accuracy is not None]
    record = TuningRecord(
        started_at=started_at,
        dataset=dataset.name,
        fingerprint=dataset.fingerprint,
        train_size=len(parts.train),
        validation_size=len(parts.validation),
        model=model.name,
        build=model.build,
        version=model.version,
        fixed=plain({name: value for name, value in model.params_for(run).items() if name not in model.search}),
        space={name: _told(choice) for name, choice in model.search.items()},
        budget_seconds=search.budget_seconds,
        seed=search.seed,
        sampler=f"TPESampler of Optuna {optuna.__version__}, after 8 random trials",
        threads=search.threads,
        environment=search.environment,
        trials=tuple(trials),
        best=max(scored, key=lambda trial: trial.validation_accuracy or 0.0).params if scored else None,
    )
    if record.best is not None:
        with store.locked():
            write_atomically(path_of(store, dataset.name, model.name), to_json(record))
    return record


def _try(search: Search, run: Run, chosen: Mapping[str, Any], limit_seconds: float, log: Path) -> Trial:
    dataset = search.prepared.dataset
    # A data set's own parameters have the last word elsewhere; here what is tried has it.
    layers = {name: {**layer, **chosen} for name, layer in search.model.dataset_params.items()}
    model = dataclasses.replace(search.model, params={**search.model.params, **chosen}, dataset_params=layers)
    job = Job(
        run=run,
        model=model,
        dataset=search.prepared.spec,
        fingerprint=dataset.fingerprint,
        profile=_profile(search),
        random_state=seeds.derive("tune", run.dataset, search.seed),
        threads=search.threads,
        device=search.device,
        log=log,
        test=False,
    )
    outcome = supervise(
        job, limit_seconds, lambda row: None, threading.Event(), memory_limit_bytes=search.memory_limit_bytes
    )
    params = plain(dict(chosen))
    if isinstance(outcome, Result):
        accuracy = outcome.validation.accuracy
        return Trial(params=params, status="ok", validation_accuracy=accuracy, fit_seconds=outcome.fit_seconds)
    return Trial(params=params, status=outcome.status, reason=outcome.reason)


def _profile(search: Search) -> Profile:
    return Profile(name="tuning", description="for the search alone", train_size=search.train_size)


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


def _told(choice: Span | tuple[Any, ...]) -> JsonValue:
    if isinstance(choice, Span):
        return {"low": choice.low, "high": choice.high, "log": choice.log}
    return list(plain(choice))
