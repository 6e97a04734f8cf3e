"""The gate's verdicts as a table, in the terminal and as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from benchmark.gate.thresholds import Verdict
from benchmark.utils import markdown as md
from benchmark.utils.files import explain_write_errors

HEADER = ("data set", "what", "required", "found", "verdict", "reason")
COLOURS = {"pass": "green", "fail": "red"}  # Others are yellow.


def _cells(verdict: Verdict) -> list[str]:
    accuracy = "-" if verdict.found is None else f"{verdict.found:.4f}"
    where = f"{verdict.dataset}, {verdict.profile}"
    return [where, verdict.subject, f"{verdict.required:.4f}", accuracy, verdict.outcome, verdict.reason]


def show(console: Console, title: str, verdicts: Sequence[Verdict]) -> None:
    table = Table(title=escape(title), title_justify="left")
    for column in HEADER:
        table.add_column(column, justify="right" if column in ("required", "found") else "left")
    for verdict in verdicts:
        cells = [escape(text) for text in _cells(verdict)]
        cells[4] = f"[{COLOURS.get(verdict.outcome, 'yellow')}]{cells[4]}[/]"
        table.add_row(*cells)
    console.print(table)


def summary(verdicts: Sequence[Verdict]) -> str:
    """How many pass, and how many are inconclusive."""
    unjudged = sum(verdict.outcome in ("insufficient evidence", "not comparable") for verdict in verdicts)
    passed = f"{sum(verdict.outcome == 'pass' for verdict in verdicts)} of {len(verdicts)} pass"
    return passed + (f", {unjudged} inconclusive" if unjudged else "")


def markdown(title: str, verdicts: Sequence[Verdict], *, strict: bool) -> str:
    """A heading with the count and a table, failures first."""
    failing = sum(verdict.fails(strict=strict) for verdict in verdicts)
    line = f"{len(verdicts) - failing} of {len(verdicts)} checks pass" + (f", {failing} fail" if failing else "")
    ordered = sorted(verdicts, key=lambda verdict: not verdict.fails(strict=strict))
    rows = [[md.escape(text) for text in _cells(verdict)] for verdict in ordered]
    return f"## {md.escape(title)}\n\n**{line}**\n\n{md.table(HEADER, rows)}\n\n"


def append(path: Path, text: str) -> None:
    """Add to a file, as a job's summary page needs it, where other steps have written before."""
    with explain_write_errors(path), path.open("a", encoding="utf-8") as file:
        file.write(text)
