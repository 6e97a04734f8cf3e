"""How long a run will take, from earlier records of the same runs, scaled to this machine."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from statistics import mean

from benchmark.records.schema import RunRecord
from benchmark.records.store import Store
from benchmark.specs import Run

SPEED_LIMITS = (0.05, 20.0)  # A quotient of two short measurements beyond these is no speed.


def expected_seconds(
    runs: Sequence[Run],
    stores: Iterable[Store],
    jobs: int,
    *,
    gflops: float | None = None,
    train_sizes: Mapping[str, int] | None = None,
) -> tuple[float, int]:
    """Estimate the wall time of ``runs``.

    Parameters
    ----------
    runs : sequence of Run
    stores : iterable of Store
        Where to look for records; the first that knows a model, data set and profile is believed. One that
        knows the model under another profile is believed in proportion to the training images.
    jobs : int
        Cells at a time.
    gflops : float or None
        Speed of this machine's matrix product (:func:`benchmark.runner.environment.gemm_gflops`). A record from a
        machine twice as fast counts twice; None counts every record as it is.
    train_sizes : mapping of str to int, optional
        Training images of each data set under the profile that is to be run.

    Returns
    -------
    seconds : float
        For the runs whose like is recorded.
    unknown : int
        Cells of which nothing is known.
    """
    exact: dict[tuple[str, str, str], float] = {}
    by_size: dict[tuple[str, str], float] = {}
    for store in stores:
        found: dict[tuple[str, str, str], list[float]] = defaultdict(list)
        rates: dict[tuple[str, str], list[float]] = defaultdict(list)
        for dataset in {run.dataset for run in runs}:
            for stored in store.read_all(dataset)[0]:
                info, seconds = stored.record.run, _seconds(stored.record, gflops)
                if seconds is not None:
                    found[info.dataset, info.model, info.profile].append(seconds)
                    rates[info.dataset, info.model].append(seconds / max(1, stored.record.dataset.train_size))
        exact = {like: mean(times) for like, times in found.items()} | exact
        by_size = {like: mean(times) for like, times in rates.items()} | by_size

    def one(run: Run) -> float | None:
        known = exact.get((run.dataset, run.model, run.profile))
        rate, size = by_size.get((run.dataset, run.model)), (train_sizes or {}).get(run.dataset)
        if known is None and rate is not None and size is not None:
            return rate * size
        return known

    told = [seconds for seconds in map(one, runs) if seconds is not None]
    return sum(told) / max(1, min(jobs, len(runs))), len(runs) - len(told)


def _seconds(record: RunRecord, gflops: float | None) -> float | None:
    """What a recorded run would take here, nothing cached; None if it has no result."""
    if record.cost is None:
        return None
    seconds = record.cost.total_seconds + record.cost.cached_seconds
    there = record.environment.gemm_gflops
    # A network on a GPU does not care how fast the processor multiplies.
    if gflops is None or there is None or record.cost.device != "cpu":
        return seconds
    slowest, fastest = SPEED_LIMITS
    return seconds * min(max(there / gflops, slowest), fastest)
