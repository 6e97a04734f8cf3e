"""``reports/<collection>/``: an index over its data sets, as Markdown and as a page to open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmark.analysis.select import ModelSummary, Selection, best, select
from benchmark.records.store import Store, Stored
from benchmark.report.document import Column, Link, Report, Table, section, words
from benchmark.report.html import page
from benchmark.report.markdown import render
from benchmark.utils.files import write_atomically

PAGES = {"report.html": "interactive", "README.md": "Markdown"}
NOTE = (
    "The best CNN and the best baseline are chosen on the validation images; figures are on the test images, mean over "
    "seeds, accuracy where no metric is named. Whether a difference is significant is in the report."
)
COLUMNS = (
    *(words("data set"), words("profile"), Column("models"), Column("runs"), words("best CNN"), words("best baseline")),
    *(Column("difference", str, absent=""), words("last run"), words("report"), words("")),
)


def write(store: Store, reports_dir: Path, read: Mapping[str, Sequence[Stored]] | None = None) -> Path | None:
    """Write ``index.html`` and ``README.md`` over the data sets that have a report; None if none has.

    ``read`` holds the records of data sets that have been read already.
    """
    folder = reports_dir / store.collection
    rows, read = [], read or {}
    for name in store.datasets():
        pages = [Link(PAGES[page], f"{name}/{page}") for page in PAGES if (folder / name / page).is_file()]
        selection = select(read[name] if name in read else store.read_all(name)[0]) if pages else None
        if selection is not None:
            rows.append((*_entry(selection), *pages, *[""] * (len(PAGES) - len(pages))))
    if not rows:
        return None
    title = f"Reports of the collection {store.collection}"
    content = section("index", "", Table(COLUMNS, rows), NOTE)
    write_atomically(folder / "README.md", render.page(Report(title, [content])).encode())
    write_atomically(folder / "index.html", page.simple(title, [content]).encode())
    return folder / "index.html"


def _entry(selection: Selection) -> tuple[object, ...]:
    cnn, baseline = best(selection.summaries, "cnn"), best(selection.summaries, "baseline")
    records = [record for summary in selection.summaries for record in summary.records] + list(selection.failed)
    return (
        *(selection.dataset.title, selection.profile, len(selection.summaries), len(records)),
        *(_described(cnn), _described(baseline)),
        None if cnn is None or baseline is None else _lead(cnn, baseline),
        max((record.started_at for record in records), default="").partition("T")[0],
    )


def _described(summary: ModelSummary | None) -> str:
    return "none" if summary is None else f"{summary.name}, {summary.metric.worded(summary.value)}"


def _lead(cnn: ModelSummary, baseline: ModelSummary) -> str:
    metric = cnn.metric
    return f"{metric.difference(metric.lead(cnn.value, baseline.value))}{metric.points}"
