"""What the speed programs share: data, processes of their own, and the table.

No test: nothing here passes or fails. A number is a ratio of two things measured in one run on one machine.
"""

from __future__ import annotations

import contextlib
import dataclasses
import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np
from tabulate import tabulate

from benchmark import registry
from benchmark.data import load as store
from benchmark.runner import environment
from benchmark.runner.supervisor import worker_environment
from benchmark.specs import Dataset

HEADER = ("what", "ours", "against", "ratio", "notes")


@dataclasses.dataclass(frozen=True)
class Row:
    """A line of the table; ``ratio`` above 1 is in our favour where there is something to compare with."""

    what: str
    ours: str
    against: str = ""
    ratio: float | None = None
    notes: str = ""


def table(rows: Sequence[Row]) -> str:
    runs = [
        (row.what, row.ours, row.against, "" if row.ratio is None else f"{row.ratio:.2f}", row.notes) for row in rows
    ]
    return tabulate(
        runs, HEADER, tablefmt="pipe", disable_numparse=True, colalign=("left", "right", "right", "right", "left")
    )


def machine() -> str:
    """The machine, in a line."""
    found = environment.describe()
    return f"{found.cpu}, {found.cores} cores, Python {found.python}, " + ", ".join(
        f"{name} {found.packages[name]}"
        for name in ("torch", "scikit-learn", "scikit-learn-intelex")
        if name in found.packages
    )


def fashion_mnist() -> Dataset:
    return store.prepare(registry.datasets()["fashion-mnist"])


def flat(images: np.ndarray) -> np.ndarray:
    return (np.asarray(images).reshape(len(images), -1) / np.float32(255)).astype(np.float32)


def threads() -> int:
    return environment.available_cores()


def alone(function: Callable[..., Any], *arguments: Any, tuned: bool) -> Any:
    """Call a function in a process of its own; ``tuned`` with the environment that the runner gives its workers."""
    surroundings = worker_environment(threads()) if tuned else contextlib.nullcontext()
    context = multiprocessing.get_context("spawn")
    with surroundings, ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(function, *arguments).result()


@contextlib.contextmanager
def stopwatch() -> Iterator[Callable[[], float]]:
    """Yields a function that tells the seconds since it began."""
    start = time.perf_counter()
    yield lambda: time.perf_counter() - start
