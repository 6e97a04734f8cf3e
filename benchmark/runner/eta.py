"""How long a plan will take, from earlier records of similar runs, scaled to this machine."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from statistics import mean

from benchmark.data.splits import parts_for
from benchmark.records.schema import RunRecord
from benchmark.records.store import Store
from benchmark.runner.run import Plan, Planned

SPEED_LIMITS = (0.05, 20.0)  # A ratio of two short measurements beyond these is no speed.


def estimated(runs: Sequence[Planned], stores: Iterable[Store], jobs: int, gflops: float | None = None) -> Plan:
    """The plan with the expected seconds of the runs that are not recorded.

    Parameters
    ----------
    runs : sequence of Planned
    stores : iterable of Store
        Where to look for records. The first with the same model, data set and profile counts; one with the model
        under another profile counts in proportion to the training images.
    jobs : int
        Runs at a time.
    gflops : float or None
        Speed of this machine's matrix product (:func:`benchmark.runner.environment.gemm_gflops`). A record from a
        machine twice as fast counts twice; None counts every record as it is.
    """
    waiting = [planned for planned in runs if planned.recorded is None]
    exact: dict[tuple[str, str, str], float] = {}
    rates: dict[tuple[str, str], float] = {}
    for store in stores:
        by_profile: dict[tuple[str, str, str], list[float]] = defaultdict(list)
        by_image: dict[tuple[str, str], list[float]] = defaultdict(list)
        for dataset in {planned.run.dataset for planned in waiting}:
            for stored in store.read_all(dataset)[0]:
                run, seconds = stored.record.run, _seconds(stored.record, gflops)
                if seconds is not None:
                    by_profile[run.dataset, run.model, run.profile].append(seconds)
                    by_image[run.dataset, run.model].append(seconds / max(1, stored.record.dataset.train_size))
        exact = {like: mean(times) for like, times in by_profile.items()} | exact
        rates = {like: mean(times) for like, times in by_image.items()} | rates

    sizes: dict[tuple[str, str], int] = {}

    def estimate(planned: Planned) -> float | None:
        run = planned.run
        known, rate = exact.get((run.dataset, run.model, run.profile)), rates.get((run.dataset, run.model))
        if known is not None or rate is None:
            return known
        part = run.dataset, run.profile
        if part not in sizes:
            sizes[part] = len(parts_for(planned.prepared.dataset, planned.profile).train)
        return rate * sizes[part]

    estimates = {planned.run: estimate(planned) for planned in waiting}
    return Plan(tuple(runs), {run: seconds for run, seconds in estimates.items() if seconds is not None}, jobs)


def _seconds(record: RunRecord, gflops: float | None) -> float | None:
    """What a recorded run would take here, nothing cached; None if it has no result."""
    if record.cost is None:
        return None
    seconds = record.cost.total_seconds + record.cost.cached_seconds
    there = record.environment.gemm_gflops
    # For a network on a GPU the processor's speed does not matter.
    if gflops is None or there is None or record.cost.device != "cpu":
        return seconds
    slowest, fastest = SPEED_LIMITS
    return seconds * min(max(there / gflops, slowest), fastest)
