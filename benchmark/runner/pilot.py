"""Short runs on small nested samples of the training images: what a model costs on data never seen before.

They are runs of the real worker, but leave no record, read no test image and keep no features. What they measured is
remembered beside the decoded data set.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import math
import os
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from benchmark.data import cache
from benchmark.data.splits import parts_for
from benchmark.errors import UserError
from benchmark.records.schema import Environment
from benchmark.records.store import plain
from benchmark.runner.job import Job, Result
from benchmark.runner.law import Measured
from benchmark.runner.run import Planned, Settings
from benchmark.runner.supervisor import supervise
from benchmark.specs import Dataset, ModelSpec, Profile, Run
from benchmark.utils import seeds
from benchmark.utils.files import write_atomically

FILE = "pilots.json"
LEAST_IMAGES, MOST_IMAGES = 500, 4000  # Of the larger sample.
SHARE = 8  # The larger sample is this part of the training images, the smaller one half of it.
LOOKED_AT = 500  # Images that a pilot validates on, and as many that stand for test images.
EPOCHS_SHARE = 40  # A pilot runs this part of the epochs, and one at least.
LIMIT_SECONDS, LONG_SECONDS = 120.0, 20.0  # After which a pilot is ended, or there is no second one.
# Environment variables by which libraries use fewer instructions than the processor has.
RESTRICTIONS = ("ONEDNN_MAX_CPU_ISA", "ATEN_CPU_CAPABILITY", "OPENBLAS_CORETYPE", "MKL_ENABLE_INSTRUCTIONS")


def sample_sizes(n: int, n_classes: int) -> list[int]:
    """How many training images pilots for a run on ``n`` use, fewest first: two sizes, or one if there are so few."""
    large = min(max(n // SHARE, LEAST_IMAGES), MOST_IMAGES)
    large = min(max(large, 4 * n_classes), max(n // 2, min(n, n_classes)))
    return sorted({max(large // 2, min(large, n_classes)), large})


@dataclasses.dataclass
class Pilots:
    """Runs pilots, or remembers them; the settings are resolved.

    ``progress`` is told which model is being tried, how many have been, and of how many.
    """

    settings: Settings
    environment: Environment
    progress: Callable[[str, int, int], None]

    def measure(self, wanted: Sequence[Planned]) -> dict[Run, list[Measured]]:
        """What pilots for each of the runs cost; nothing of a model that fails on them."""
        found: dict[Run, list[Measured]] = {}
        for done, planned in enumerate(wanted):
            file = cache.folder(planned.prepared.spec.key) / FILE
            name = self._name(planned)
            points = _remembered(file, name)
            if points is None:
                self.progress(f"estimating: {planned.run.model}", done, len(wanted))
                points = self._run(planned)
                if points:  # What failed may have met a limit of this command.
                    content = json.dumps(_read(file) | {name: [point.model_dump() for point in points]})
                    with contextlib.suppress(UserError):  # Then the next command measures again.
                        write_atomically(file, content.encode())
                self.progress(f"estimating: {planned.run.model}", len(wanted), len(wanted))
            found[planned.run] = points
        return found

    def _name(self, planned: Planned) -> str:
        """Changes with whatever changes what a pilot would measure."""
        model, here, settings = planned.model, self.environment, self.settings
        parameters = {name: value for name, value in model.params_for(planned.run).items() if name != "patience"}
        decides = [
            *(planned.prepared.dataset.fingerprint, model.build, model.version, model.source, plain(parameters)),
            *(here.cpu, here.cores, here.packages, settings.threads, settings.device),
            *(os.environ.get(name) for name in RESTRICTIONS),
            sample_sizes(*_sizes(planned)),
        ]
        return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()[:32]

    def _run(self, planned: Planned) -> list[Measured]:
        measured: list[Measured] = []
        with tempfile.TemporaryDirectory() as folder:
            for size in sample_sizes(*_sizes(planned)):
                start = time.monotonic()
                point = _pilot(planned, size, self.settings, Path(folder) / "log")
                if point is None:
                    break
                measured.append(point)
                if time.monotonic() - start > LONG_SECONDS:
                    break
        return measured


def _pilot(planned: Planned, size: int, settings: Settings, log: Path) -> Measured | None:
    dataset, spec = planned.prepared.dataset, planned.prepared.spec
    draw = seeds.derive("pilot", dataset.name)
    profile = Profile(name="pilot", description="", train_size=size, validation_size=LOOKED_AT, draw=draw)
    parts = dataclasses.replace(parts_for(dataset, profile), test=_stand_ins(dataset))
    job = Job(
        run=planned.run,
        model=_shortened(planned),
        dataset=spec,
        fingerprint=dataset.fingerprint,
        profile=profile,
        random_state=draw,
        threads=settings.threads or 1,
        device=settings.device,
        log=log,
        pilot=True,
        parts=parts,
    )
    arrived: list[float] = []
    start = time.perf_counter()
    outcome = supervise(
        job,
        min(LIMIT_SECONDS, settings.time_limit_seconds),
        lambda row: arrived.append(time.perf_counter()),
        threading.Event(),
        memory_limit_bytes=settings.memory_limit_bytes,
    )
    total = time.perf_counter() - start
    if not isinstance(outcome, Result):
        return None
    cost = outcome.cost
    return Measured.of(
        cost,
        (len(parts.train), len(parts.validation), len(parts.test)),
        math.prod(dataset.train_images.shape[1:]),
        rest=total - cost.fit_seconds - cost.predict_seconds - cost.scoring_seconds,
        epochs=outcome.epochs,
        seconds=np.diff(arrived).tolist(),
        looks=bool(outcome.epoch_tests),
    )


def epochs_of(planned: Planned) -> int | None:
    """The most epochs that a model would train for; None for one without."""
    found = planned.model.params_for(planned.run).get("epochs") if planned.model.validates else None
    return found if isinstance(found, int) and found > 0 else None


def _shortened(planned: Planned) -> ModelSpec:
    """The model with the few epochs of a pilot."""
    model, epochs = planned.model, epochs_of(planned)
    if epochs is None:
        return model
    return dataclasses.replace(model, adapted={**model.adapted, "epochs": math.ceil(epochs / EPOCHS_SHARE)})


def _stand_ins(dataset: Dataset) -> np.ndarray:
    """Training images, evenly spread, that are predicted as if they were test images."""
    train = dataset.split.train
    places = np.linspace(0, len(train) - 1, min(LOOKED_AT, len(train), len(dataset.test_labels))).astype(np.int64)
    chosen: np.ndarray = train[places]
    return chosen


def _sizes(planned: Planned) -> tuple[int, int]:
    dataset = planned.prepared.dataset
    return len(parts_for(dataset, planned.profile).train), len(dataset.class_names)


def _remembered(file: Path, name: str) -> list[Measured] | None:
    try:
        return [Measured.model_validate(point) for point in _read(file)[name]]
    except (KeyError, TypeError, ValidationError):
        return None


def _read(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
