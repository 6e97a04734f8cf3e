"""``reports/<collection>/``: an index over its data sets, as Markdown and as a page to open."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

import jinja2

from benchmark.analysis.select import ModelSummary, Selection, best, select
from benchmark.records.store import Store, Stored
from benchmark.utils import markdown as md
from benchmark.utils.files import write_atomically

HEADER = ("data set", "profile", "models", "runs", "best CNN", "best baseline", "difference", "last run")


@dataclasses.dataclass(frozen=True)
class Entry:
    """What the index says of a data set: a text for each column of HEADER, and the pages that there are."""

    dataset: str
    cells: tuple[str, ...]
    pages: tuple[str, ...]


def write(store: Store, reports_dir: Path, read: Mapping[str, Sequence[Stored]] | None = None) -> Path | None:
    """Write ``index.html`` and ``README.md`` over the data sets that have a report; None if none has.

    ``read`` holds the records of data sets that have been read already.
    """
    folder = reports_dir / store.collection
    entries, read = [], read or {}
    for name in store.datasets():
        pages = tuple(f"{name}/{page}" for page in PAGES if (folder / name / page).is_file())
        selection = select(read[name] if name in read else store.read_all(name)[0]) if pages else None
        if selection is not None:
            entries.append(_entry(name, selection, pages))
    if not entries:
        return None
    rows = [
        [f"[{md.escape(entry.cells[0])}]({entry.pages[-1]})", *map(md.escape, entry.cells[1:])] for entry in entries
    ]
    title = f"Reports of the collection {store.collection}"
    text = f"# {md.escape(title)}\n\n{md.table(HEADER, rows, 2)}\n\n{NOTE}\n"
    write_atomically(folder / "README.md", text.encode())
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("benchmark.report", "."), undefined=jinja2.StrictUndefined, autoescape=True
    )
    page = environment.get_template("index.html.jinja").render(
        title=title, header=HEADER, entries=entries, note=NOTE, names=PAGES
    )
    write_atomically(folder / "index.html", page.encode())
    return folder / "index.html"


PAGES = {"report.html": "to play with", "README.md": "to read"}
NOTE = (
    "The best of either family is the one with the highest validation accuracy; accuracies are on the test images, "
    "mean over seeds. Whether a difference is more than chance stands in the report."
)


def _entry(dataset: str, selection: Selection, pages: tuple[str, ...]) -> Entry:
    cnn, baseline = best(selection.summaries, "cnn"), best(selection.summaries, "baseline")
    records = [record for summary in selection.summaries for record in summary.records]
    return Entry(
        dataset,
        (
            selection.dataset.title,
            selection.profile,
            str(len(selection.summaries)),
            str(len(records) + len(selection.failed)),
            _said(cnn),
            _said(baseline),
            "" if cnn is None or baseline is None else f"{(cnn.accuracy - baseline.accuracy) * 100:+z.2f} points",
            max((record.started_at for record in (*records, *selection.failed)), default="").partition("T")[0],
        ),
        pages,
    )


def _said(summary: ModelSummary | None) -> str:
    return "none" if summary is None else f"{summary.name}, {summary.accuracy:.2%}"
