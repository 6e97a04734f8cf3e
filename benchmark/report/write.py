"""Writes a report: Markdown with charts, HTML beside it, and the collection's index."""

from __future__ import annotations

from pathlib import Path

from benchmark.records.store import Store
from benchmark.report import index, page
from benchmark.report.html import page as html_page
from benchmark.report.page import Written as Written
from benchmark.specs import Dataset


def write(
    store: Store,
    dataset: str,
    reports_dir: Path,
    *,
    profile: str | None = None,
    data: Dataset | None = None,
    html: bool = True,
) -> Written:
    """Write a data set's report."""
    written = page.write(store, dataset, reports_dir, profile=profile, data=data)
    folder = written.path.parent
    if html:
        html_page.write(written.contents, folder)
    else:
        html_page.remove(folder)
    index.write(store, reports_dir, {dataset: written.contents.evidence.stored})
    return written
