"""Two collections side by side: before and after a change, or two machines."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from benchmark.analysis import comparison
from benchmark.analysis.comparison import Pair
from benchmark.analysis.hits import Hits, Lending, Lookup, hits
from benchmark.analysis.select import ModelSummary, Selection
from benchmark.estimators.metrics import METRICS
from benchmark.report import pairwise
from benchmark.report.document import Column, Section, Table, section, words
from benchmark.utils.format import duration

METHOD = (
    "Differences are positive where the right side is better, tested on the same test images; p-values are adjusted by "
    "Holm's method over the models. Factors are times of the right side divided by those of the left; they compare "
    "code only where both ran on the same machine."
)


@dataclasses.dataclass(frozen=True)
class Side:
    """A model on both sides; ``pair`` is the right one less the left one, ``note`` why there is none.

    ``identical``: seed by seed the same images are correct.
    """

    left: ModelSummary | None
    right: ModelSummary | None
    pair: Pair | None
    note: str
    identical: bool = False

    @property
    def name(self) -> str:
        summary = self.left or self.right
        assert summary is not None
        return summary.name


def sides(left: Selection, right: Selection, lookup: Lookup) -> list[Side]:
    """Every model of either selection, in the order of the left one's leaderboard, then of the right one's.

    Differences are tested image by image where both saw the same test images; p-values are adjusted over
    the models that are compared.
    """
    here, there = ({s.name: s for s in selection.summaries} for selection in (left, right))
    found = [hits(s, lookup) for s in (*left.summaries, *right.summaries)]
    known = [model for model in found if isinstance(model, Hits)]
    rows = [_side(here.get(name), there.get(name), known, lookup) for name in dict.fromkeys([*here, *there])]
    adjusted = iter(comparison.adjust([row.pair for row in rows if row.pair is not None]))
    return [row if row.pair is None else dataclasses.replace(row, pair=next(adjusted)) for row in rows]


def _side(left: ModelSummary | None, right: ModelSummary | None, known: Sequence[Hits], lookup: Lookup) -> Side:
    if left is None or right is None:
        return Side(left, right, None, f"only on the {'right' if left is None else 'left'}")
    note = "; ".join(left.records[0].model.differences(right.records[0].model))
    if left.folds and right.folds:
        found = comparison.by_fold(right, left)
        return Side(left, right, *((None, found) if isinstance(found, str) else (found, note)))
    before, after = hits(left, lookup), hits(right, lookup)
    if isinstance(before, str) or isinstance(after, str):
        return Side(left, right, None, before if isinstance(before, str) else str(after))
    if not before.same_images(after):
        return Side(left, right, None, comparison.unlike(after, before))
    lending = Lending.among(known, before)
    identical = np.array_equal(before.values, after.values)
    return Side(left, right, comparison.pair(after, before, lending, same=not note), note, identical)


def table(rows: Sequence[Side], left: str, right: str) -> Table:
    """A row per model; a factor is the right side's time over the left one's."""

    def seconds(title: str) -> tuple[Column, ...]:
        columns = (Column(f"{title}, {name}", duration, absent="-") for name in (left, right))
        return *columns, Column("factor", "x {:.2f}".format, absent="-")

    metric = next((s.metric for row in rows for s in (row.left, row.right) if s is not None), METRICS["accuracy"])
    columns = (
        *(words("model"), *(Column(f"{metric.title}, {name}", metric.text, absent="-") for name in (left, right))),
        *(
            Column(metric.points.strip() or "difference", metric.difference, absent="-"),
            words("evidence"),
            *seconds("fit"),
            *seconds("predict 1,000"),
        ),
    )
    return Table(columns, [_row(row) for row in rows])


def _row(row: Side) -> tuple[object, ...]:
    both = (row.left, row.right)
    values = [None if s is None else s.value for s in both]
    fits = [None if s is None else s.mean_cost("fit_seconds") for s in both]
    predictions = [None if s is None else s.predict_seconds_per_1000 for s in both]
    difference = None
    if row.left is not None and row.right is not None:
        difference = row.left.metric.lead(row.right.value, row.left.value)
    evidence = row.note if row.pair is None else ", ".join(filter(None, (_evidence(row, row.pair), row.note)))
    return row.name, *values, difference, evidence, *fits, _factor(*fits), *predictions, _factor(*predictions)


def _evidence(row: Side, pair: Pair) -> str:
    """What the test says about the right side against the left one."""
    return "the same images are correct" if row.identical else pairwise.evidence(pair)


def _factor(left: float | None, right: float | None) -> float | None:
    return right / left if left and right else None


def document(blocks: Mapping[str, Sequence[Side]], left: str, right: str) -> list[Section]:
    """A section with a table for each data set and profile, and the method."""
    return [
        *(section("", title, table(rows, left, right)) for title, rows in blocks.items()),
        section("", "Method", METHOD),
    ]
