"""How long a run will take, from earlier records of the same cells."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from statistics import mean

from benchmark.contract import Cell
from benchmark.records import Store


def expected_seconds(cells: Sequence[Cell], stores: Iterable[Store], jobs: int) -> tuple[float, int]:
    """Estimate the wall time of ``cells``.

    Parameters
    ----------
    cells : sequence of Cell
    stores : iterable of Store
        Where to look for records; the first that knows a model, data set and profile is believed.
    jobs : int
        Cells at a time.

    Returns
    -------
    seconds : float
        For the cells whose like is recorded, as fast as it was there.
    unknown : int
        Cells of which nothing is known.
    """
    known: dict[tuple[str, str, str], float] = {}
    for store in stores:
        found: dict[tuple[str, str, str], list[float]] = defaultdict(list)
        for dataset in {cell.dataset for cell in cells}:
            for stored in store.read_all(dataset)[0]:
                info, cost = stored.record.cell, stored.record.cost
                if cost is not None:
                    found[info.dataset, info.model, info.profile].append(cost.total_seconds)
        known = {like: mean(times) for like, times in found.items()} | known
    times = [known.get((cell.dataset, cell.model, cell.profile)) for cell in cells]
    told = [seconds for seconds in times if seconds is not None]
    return sum(told) / max(1, min(jobs, len(cells))), len(times) - len(told)
