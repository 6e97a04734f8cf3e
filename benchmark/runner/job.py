"""What a worker process is told and what it answers."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np

from benchmark.records.schema import Metrics, NotSaved, Variant
from benchmark.specs import DatasetSpec, ModelSpec, Profile, Run


@dataclasses.dataclass(frozen=True)
class Job:
    """What a worker has to know.

    ``log`` takes what the model prints and the traceback if it fails. Without ``test``, the test images are
    never read: a search for hyper-parameters sees validation images only. ``test_index`` says which test images
    (None: all); it comes with the job because drawing them takes the labels. With ``corruptions``, corrupted test
    images are predicted when all else is done. ``save`` is where to write the fitted model after the result is
    sent. ``variables`` are those of the environment in which the job was made: a forked process has others.
    """

    run: Run
    model: ModelSpec
    dataset: DatasetSpec
    fingerprint: str
    profile: Profile
    random_state: int
    threads: int
    device: str
    log: Path
    test: bool = True
    corruptions: bool = False
    test_index: np.ndarray | None = None
    save: Path | None = None
    variables: Mapping[str, str] = dataclasses.field(default_factory=lambda: dict(os.environ))


@dataclasses.dataclass(frozen=True)
class Saved:
    """Sent after a result: the fitted model lies where the job wanted it."""

    format: Literal["safetensors", "skops"]
    sha256: str
    size_bytes: int


@dataclasses.dataclass(frozen=True)
class Result:
    """What a worker found out.

    The last two are the supervisor's: what became of the model if it was to be saved, and how long that took.
    """

    validation: Metrics
    test: Metrics | None
    variants: dict[str, Variant]
    fit_seconds: float
    predict_seconds: float
    cached_seconds: float
    scoring_seconds: float
    peak_memory_bytes: int | None
    parameter_count: int | None
    device: str
    precision: str | None
    gpu: str | None
    implementation: str
    epochs: tuple[dict[str, float | None], ...]
    epoch_tests: tuple[float | None, ...]
    arrays: dict[str, np.ndarray]
    corruptions: dict[str, tuple[float, ...]] = dataclasses.field(default_factory=dict)
    saved: Saved | NotSaved | None = None
    saving_seconds: float = 0.0


@dataclasses.dataclass(frozen=True)
class Failure:
    """Why there is no result."""

    status: Literal["error", "out-of-memory", "unsupported"]
    reason: str


@dataclasses.dataclass(frozen=True)
class Epoch:
    """Sent while a network trains."""

    row: Mapping[str, float | None]
