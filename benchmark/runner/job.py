"""What passes between the runner and a worker process."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np

from benchmark.data.splits import Parts
from benchmark.records.schema import Cost, Metrics, NotSaved, Variant
from benchmark.specs import DatasetSpec, ModelSpec, Profile, Run
from benchmark.utils.files import CACHE_VARIABLE, cache_root


def _variables() -> dict[str, str]:
    """The environment, with a cache that is the same wherever a model moves its working directory."""
    return {**os.environ, CACHE_VARIABLE: str(cache_root().absolute())}


@dataclasses.dataclass(frozen=True)
class Job:
    """All that a worker needs to know.

    ``log`` takes what the model prints, and the traceback if it fails. Without ``test`` the test images are never
    read: a search for hyper-parameters sees validation images only. ``parts`` are the images of each part (None: all
    that the profile has, and all test images); they come with the job because drawing them takes labels that the worker
    must not see. With ``corruptions``, corrupted test images are predicted after everything else. A ``pilot`` only
    measures: its test part are training images, those for testing are never read, and no features are kept. ``save`` is
    where to write the fitted model once the result is sent. ``variables`` is the environment in which the job was made:
    a forked process has another.
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
    parts: Parts | None = None
    pilot: bool = False
    save: Path | None = None
    variables: Mapping[str, str] = dataclasses.field(default_factory=_variables)


@dataclasses.dataclass(frozen=True)
class Saved:
    """Sent after a result: the fitted model is in the job's file."""

    format: Literal["safetensors", "skops"]
    sha256: str
    size_bytes: int
    classes: tuple[int, ...] | None = None


@dataclasses.dataclass(frozen=True)
class Result:
    """The outcome of a run that ended well.

    ``cost.total_seconds`` and the last two fields are the supervisor's: how long the process took, what became of the
    model if it was to be saved, and how long that took.
    """

    validation: Metrics
    test: Metrics | None
    variants: dict[str, Variant]
    cost: Cost
    gpu: str | None
    implementation: str
    epochs: tuple[dict[str, float | None], ...]
    epoch_tests: tuple[float | None, ...]
    arrays: dict[str, np.ndarray]
    warnings: tuple[str, ...] = ()
    corruptions: dict[str, tuple[float, ...]] = dataclasses.field(default_factory=dict)
    saved: Saved | NotSaved | None = None
    saving_seconds: float = 0.0


@dataclasses.dataclass(frozen=True)
class Failure:
    """Why there is no result, as the worker reports it or as the supervisor saw its process end."""

    status: Literal["error", "timeout", "out-of-memory", "crashed", "unsupported"]
    reason: str


@dataclasses.dataclass(frozen=True)
class Epoch:
    """Sent while a network trains."""

    row: Mapping[str, float | None]
