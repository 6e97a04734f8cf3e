"""The gate's verdicts as a table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmark.gate.thresholds import Verdict
from benchmark.report.document import Column, Section, Strong, Table, section, words
from benchmark.report.markdown import render
from benchmark.utils.files import explain_write_errors

COLOURS = {
    **{"pass": "green", "fail": "red", "missing": "red"},
    **{"insufficient evidence": "yellow", "not comparable": "yellow"},
}


def table(verdicts: Sequence[Verdict]) -> Table:
    columns = (
        *(words("data set"), words("what"), Column("required"), Column("actual", absent="-")),
        *(words("verdict"), words("reason")),
    )
    rows = [
        (
            *(f"{v.dataset}, {v.profile}", v.what, v.text(v.required), None if v.found is None else v.text(v.found)),
            *(v.outcome, v.reason),
        )
        for v in verdicts
    ]
    return Table(columns, rows)


def summary(verdicts: Sequence[Verdict]) -> str:
    """How many pass, how many fail or are missing, and how many are inconclusive."""
    counts = {
        "fail": sum(verdict.outcome == "fail" for verdict in verdicts),
        "missing": sum(verdict.outcome == "missing" for verdict in verdicts),
        "inconclusive": sum(verdict.outcome in ("insufficient evidence", "not comparable") for verdict in verdicts),
    }
    others = (f"{count} {word}" for word, count in counts.items() if count)
    return ", ".join([f"{sum(verdict.outcome == 'pass' for verdict in verdicts)} of {len(verdicts)} pass", *others])


def document(title: str, verdicts: Sequence[Verdict], *, strict: bool) -> Section:
    """A heading with the count and a table, failures first."""
    ordered = sorted(verdicts, key=lambda verdict: not verdict.fails(strict=strict))
    return section("verdicts", title, Strong(summary(verdicts)), table(ordered))


def append(path: Path, part: Section) -> None:
    """Add a section as Markdown to a file, such as a job's summary page, where other steps have written before."""
    with explain_write_errors(path), path.open("a", encoding="utf-8") as file:
        file.write(render.section(part) + "\n\n")
