"""The reference timings that ship with the package: what the runs of the reference results cost, and on which machine.

``python -m benchmark.runner.timings results/reference`` writes them again, on the machine that those results are of.
"""

from __future__ import annotations

import functools
import sys
from collections import defaultdict
from pathlib import Path
from statistics import mean, median
from typing import Annotated

from pydantic import Field

from benchmark.records.schema import Line, Model, Name, Positive, RunRecord
from benchmark.records.store import Store
from benchmark.runner.law import Measured
from benchmark.utils.files import write_atomically

FILE = Path(__file__).with_name("timings.json")
REST_SECONDS = 0.5  # Of a run with corrupted images, whose record does not say it.


class Machine(Model):
    """``gemm_gflops`` is the speed of NumPy's float32 matrix product, ``training`` images a second by precision
    (:func:`cnn.speed.training_speed`)."""

    cpu: Line
    cores: Positive
    gemm_gflops: float
    training: dict[Line, float]


class Timing(Model):
    """The median over seeds of a model's runs under a profile. ``steady`` and ``lasting`` are those of
    :class:`benchmark.runner.law.Law`."""

    dataset: Name
    model: Name
    profile: Name
    cost: Measured
    steady: Annotated[float, Field(gt=0, le=1)] = 1.0
    lasting: Annotated[float, Field(gt=0, le=1)] = 1.0


class Timings(Model):
    machine: Machine
    runs: tuple[Timing, ...]


@functools.cache
def shipped() -> Timings:
    """What comes with the package."""
    return Timings.model_validate_json(FILE.read_bytes())


def measured(record: RunRecord) -> Measured | None:
    """What a recorded run cost, nothing cached; None if it has no result."""
    cost, (height, width, channels) = record.cost, record.dataset.image_shape
    if cost is None:
        return None
    known = cost.fit_seconds + cost.predict_seconds + cost.scoring_seconds - cost.cached_seconds
    rest = REST_SECONDS if record.corruptions else cost.total_seconds - known
    numbers = height * width * channels
    looks = bool(record.epoch_tests)
    return Measured.of(cost, record.dataset.sizes, numbers, rest=rest, epochs=record.epochs, looks=looks)


def collect(store: Store, machine: Machine) -> Timings:
    """The timings of a collection's results."""
    found: dict[tuple[str, str, str], list[RunRecord]] = defaultdict(list)
    for dataset in store.datasets():
        for stored in store.read_all(dataset)[0]:
            run = stored.record.run
            if stored.record.cost is not None and not stored.record.model.trivial:
                found[dataset, run.model, run.profile].append(stored.record)
    return Timings(machine=machine, runs=tuple(_timing(*like, found[like]) for like in sorted(found)))


def _timing(dataset: str, model: str, profile: str, records: list[RunRecord]) -> Timing:
    points = [point for point in map(measured, records) if point is not None]
    middle: dict[str, float | int] = {}
    for name in ("fit", "predict", "scoring", "rest", "epoch", "rate", "memory", "epochs"):
        values = [getattr(point, name) for point in points if getattr(point, name) is not None]
        if values:
            digits = None if name in ("memory", "epochs") else 3
            middle[name] = round(median(values), digits)
    return Timing(
        dataset=dataset,
        model=model,
        profile=profile,
        cost=points[0].model_copy(update=middle),
        steady=min(1.0, round(mean(map(_steady, records)), 3)),
        lasting=min(1.0, round(mean(map(lasting, records)), 3)),
    )


def _steady(record: RunRecord) -> float:
    """How long epochs take on average, of the first."""
    seconds = [row["seconds"] for row in record.epochs if row.get("seconds")]
    return mean(seconds) / seconds[0] if seconds else 1.0  # type: ignore[type-var,operator]


def lasting(record: RunRecord) -> float:
    """How many epochs were run, of the most."""
    most = record.model.params.get("epochs")
    return len(record.epochs) / most if isinstance(most, int) and most and record.epochs else 1.0


def this_machine(known: Machine) -> Machine:
    """Measured here and now, or what is ``known`` of it where that is faster: it may be busy now."""
    from benchmark.runner.environment import describe
    from cnn.speed import training_speed

    here = describe()
    gflops = round(here.gemm_gflops or 0.0, 1)
    speeds = {name: round(training_speed(precision=name)[1], 1) for name in known.training}
    if (here.cpu, here.cores) == (known.cpu, known.cores):
        gflops = max(gflops, known.gemm_gflops)
        speeds = {name: max(speed, known.training[name]) for name, speed in speeds.items()}
    return Machine(cpu=here.cpu, cores=here.cores, gemm_gflops=gflops, training=speeds)


def main(folder: Path) -> None:
    found = collect(Store(folder.parent, folder.name), this_machine(shipped().machine))
    runs = ",\n".join(one.model_dump_json(exclude_defaults=True) for one in found.runs)
    text = f'{{"machine": {found.machine.model_dump_json()},\n"runs": [\n{runs}\n]}}\n'
    write_atomically(FILE, text.encode())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
