"""The leaderboard as a table that sorts: what is read and what is sorted by, cell by cell."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence

from benchmark.analysis.select import ModelSummary
from benchmark.analysis.stats import Interval
from benchmark.report.style import FAMILIES
from benchmark.report.tables import UNKNOWN
from benchmark.utils.format import count, duration, memory


@dataclasses.dataclass(frozen=True)
class Cell:
    """What a cell says and the number that it sorts by; empty where there is none, which sorts last."""

    text: str
    sort: str


@dataclasses.dataclass(frozen=True)
class Row:
    name: str
    family: str
    description: str
    cells: tuple[Cell, ...]


INTERVAL = "95% CI"
Value = Callable[[ModelSummary], float | None]
# Heading, whether the highest comes first, the number, and how it is written.
COLUMNS: tuple[tuple[str, bool, Value, Callable[[float], str]], ...] = (
    ("test accuracy", True, lambda s: s.accuracy, "{:.2%}".format),
    (INTERVAL, True, lambda s: None, str),
    ("sd over seeds", False, lambda s: s.accuracy_sd, "{:.2%}".format),
    ("validation", True, lambda s: s.validation_accuracy, "{:.2%}".format),
    ("fit", False, lambda s: s.mean_cost("fit_seconds"), duration),
    ("predict 1,000", False, lambda s: s.predict_seconds_per_1000, duration),
    ("peak memory", False, lambda s: s.mean_cost("peak_memory_bytes"), memory),
    ("parameters", False, lambda s: s.mean_cost("parameter_count"), count),
)


def rows(summaries: Sequence[ModelSummary], intervals: Mapping[str, Interval | None]) -> list[Row]:
    """A row a model in the order of the summaries, its cells in the order of COLUMNS.

    ``intervals`` has each model's 95 % interval for the choice of test images, None where it is not known; they sort
    by their lower end.
    """
    found = []
    for s in summaries:
        cells = []
        for title, _, value, write in COLUMNS:
            if title == INTERVAL:
                interval = intervals[s.name]
                cells.append(
                    Cell("not known", "")
                    if interval is None
                    else Cell(f"{interval[0] * 100:.2f}\u2013{interval[1] * 100:.2f}", repr(interval[0]))
                )
                continue
            number = value(s)
            absent = "one seed" if title == "sd over seeds" else UNKNOWN
            cells.append(Cell(absent, "") if number is None else Cell(write(number), repr(float(number))))
        found.append(Row(s.name, FAMILIES[s.family], s.records[0].model.description, tuple(cells)))
    return found
