"""Runs of misbehaving models on the digits: how tests specify, follow and execute them."""

from __future__ import annotations

import dataclasses
import functools
import os
import time
from pathlib import Path

from benchmark import registry
from benchmark.records.schema import Environment
from benchmark.records.store import Store
from benchmark.runner import supervisor
from benchmark.runner.progress import Quiet
from benchmark.runner.run import Runner, Settings, preload
from benchmark.specs import ModelSpec


@functools.cache
def ready() -> None:
    """Import all that models need in the process that runs are forked from.

    There is one for all tests of a process, which imports no more once it is there: without this, what the first
    test's models did not need would be imported in every later run.
    """
    with supervisor.worker_environment(1, preload(registry.models().values())):
        supervisor.warm_up()


def spec(attribute: str, **changes) -> ModelSpec:
    settings = {
        "name": attribute.lower(),
        "family": "baseline",
        "build": f"misbehaving:{attribute}",
        "inputs": "flat",
        "description": "for tests",
    }
    return ModelSpec(**{**settings, **changes})


@dataclasses.dataclass(frozen=True, kw_only=True)
class Lab(Settings):
    """Settings with the place where a test keeps its records."""

    store: Store
    environment: Environment


class Log(Quiet):
    """A watcher that remembers."""

    def __init__(self):
        self.started_cells, self.epochs, self.kept = [], [], []

    def started(self, run, epochs):
        self.started_cells.append(run)

    def epoch(self, run, row):
        self.epochs.append((run.model, row["epoch"]))

    def finished(self, record, *, kept):
        if kept:
            self.kept.append(record.run.model)


def go(specs, prepared, settings, n_seeds=1, profile="full", log=None):
    runner = Runner(settings.store, settings, log or Log(), settings.environment)
    records = runner.execute(runner.plan(specs, prepared.values(), n_seeds, [profile]))
    return {(record.run.model, record.run.seed): record for record in records}


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
