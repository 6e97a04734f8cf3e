"""Two collections side by side: before and after a change, or two machines."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import jinja2

from benchmark.analysis import comparison
from benchmark.analysis.comparison import Lookup, Pair
from benchmark.analysis.select import ModelSummary, Selection
from benchmark.report.pairs import evidence
from benchmark.utils import markdown as md
from benchmark.utils.format import duration

HEADER = ("model", "accuracy", "", "difference", "evidence", "fit", "", "factor", "predict 1,000", "", "factor")
ABSENT = "-"


@dataclasses.dataclass(frozen=True)
class Side:
    """A model on both sides; ``pair`` is the right one less the left one, ``note`` why there is none."""

    left: ModelSummary | None
    right: ModelSummary | None
    pair: Pair | None
    note: str

    @property
    def name(self) -> str:
        found = self.left or self.right
        assert found is not None
        return found.name


def sides(left: Selection, right: Selection, lookup: Lookup) -> list[Side]:
    """Every model of either selection, in the order of the left one's leaderboard, then of the right one's.

    Differences are tested image by image where both saw the same test images; p-values are adjusted over
    the models that are compared.
    """
    here, there = ({s.name: s for s in selection.summaries} for selection in (left, right))
    rows = [_side(here.get(name), there.get(name), lookup) for name in dict.fromkeys([*here, *there])]
    adjusted = iter(comparison.adjust([row.pair for row in rows if row.pair is not None]))
    return [row if row.pair is None else dataclasses.replace(row, pair=next(adjusted)) for row in rows]


def _side(left: ModelSummary | None, right: ModelSummary | None, lookup: Lookup) -> Side:
    if left is None or right is None:
        return Side(left, right, None, f"only on the {'right' if left is None else 'left'}")
    note = _changes(left, right)
    found = comparison.pair(right, left, lookup)
    return Side(left, right, None, found) if isinstance(found, str) else Side(left, right, found, note)


def _changes(left: ModelSummary, right: ModelSummary) -> str:
    """What of the model is not the same on both sides, in words."""
    one, other = left.records[0].model, right.records[0].model
    changes = []
    if one.version != other.version or one.build != other.build:
        changes.append(f"version {one.version} and {other.version}")
    names = sorted(one.params.keys() | other.params.keys())
    differing = [name for name in names if one.params.get(name) != other.params.get(name)]
    changes += [f"{name}: {one.params.get(name)!r} and {other.params.get(name)!r}" for name in differing]
    return "; ".join(changes)


def cells(row: Side) -> list[str]:
    """The texts of a row, as many as HEADER has; nothing in them is escaped."""
    accuracies = [ABSENT if s is None else f"{s.accuracy:.4f}" for s in (row.left, row.right)]
    both = (row.left, row.right)
    fits = _times([None if s is None else s.mean_cost("fit_seconds") for s in both])
    predictions = _times([None if s is None else s.predict_seconds_per_1000 for s in both])
    if row.left is None or row.right is None:
        difference = ABSENT
    else:
        difference = f"{(row.right.accuracy - row.left.accuracy) * 100:+z.2f} points"
    told = row.note if row.pair is None else ", ".join(filter(None, (_told(row.pair), row.note)))
    return [row.name, *accuracies, difference, told, *fits, *predictions]


def _told(pair: Pair) -> str:
    """What the test says of the right side against the left one."""
    if pair.only_left == pair.only_right == 0:
        return "identical predictions"
    return evidence(pair).replace("is beaten by", "worse by").replace("beats by", "better by")


def _times(seconds: Sequence[float | None]) -> list[str]:
    shown = [ABSENT if value is None else duration(value) for value in seconds]
    left, right = seconds
    return [*shown, f"x {right / left:.2f}" if left and right else ABSENT]


def markdown(blocks: Mapping[str, Sequence[Side]], left: str, right: str) -> str:
    """The comparison as Markdown, a table for each data set and profile."""
    parts = [f"# {md.escape(left)} and {md.escape(right)}"]
    for title, rows in blocks.items():
        header = _named(left, right)
        table = md.table(
            [md.escape(name) for name in header], [[md.escape(text) for text in cells(row)] for row in rows], 1
        )
        parts += [f"## {md.escape(title)}", table]
    return "\n\n".join([*parts, METHOD]) + "\n"


METHOD = (
    "Differences are those of the right side to the left one, tested on the same test images; p-values are adjusted by "
    "Holm's method over the models. Factors are times of the right side over those of the left one; they compare code "
    "only where both ran on the same machine."
)


def _named(left: str, right: str) -> list[str]:
    """HEADER with the collections' names where two columns belong together."""
    names = {
        1: f"accuracy, {left}",
        2: f"accuracy, {right}",
        5: f"fit, {left}",
        6: f"fit, {right}",
        8: f"predict 1,000, {left}",
        9: f"predict 1,000, {right}",
    }
    return [names.get(place, name) for place, name in enumerate(HEADER)]


def html(blocks: Mapping[str, Sequence[Side]], left: str, right: str) -> str:
    """The comparison as one HTML page."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("benchmark.report", "."), undefined=jinja2.StrictUndefined, autoescape=True
    )
    return environment.get_template("sides.html.jinja").render(
        blocks={title: [cells(row) for row in rows] for title, rows in blocks.items()},
        header=_named(left, right),
        left=left,
        method=METHOD,
        right=right,
    )
