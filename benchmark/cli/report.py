"""The command ``report``, and how a written report is announced."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchmark.cli.options import CollectionOption, MetricOption, RecordedOption, ReportsOption, ResultsOption, warn
from benchmark.errors import UserError
from benchmark.utils.terminal import show

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmark.records.store import Store
    from benchmark.report.write import Written
    from benchmark.specs import Dataset

MOST_PROBLEMS = 20  # Printed one by one.


def report(
    dataset: RecordedOption = None,
    profile: Annotated[
        str | None, typer.Option("--profile", "-p", help="Profile to report.", show_default="full if recorded")
    ] = None,
    metric: MetricOption = None,
    collection: CollectionOption = None,
    results_dir: ResultsOption = Path("results"),
    reports_dir: ReportsOption = Path("reports"),
    into: Annotated[
        Path | None,
        typer.Option(help="Markdown file to update: headline and leaderboard between its marker lines."),
    ] = None,
    html: Annotated[bool, typer.Option(help="Write report.html beside the Markdown: one file, opens offline.")] = True,
) -> None:
    """Write reports again from the records alone (every data set of the collection, or those named)."""
    from benchmark.api import Results
    from benchmark.records.store import Store
    from benchmark.report.headline import put_between_marks

    store = Store.open(results_dir, collection, profile or "full")
    names = dataset or [name for name in store.datasets() if any((store.folder / name).glob("*/*.json"))]
    if not names:
        raise UserError(f"There are no records in {store.folder}.", "Make some with: python -m benchmark run --all")
    if into and len(names) != 1:
        raise UserError("--into takes the leaderboard of one data set.", "Name it with --dataset.")
    for name in names:
        written = Results(store, name, profile, data=_cached(name, store), metric=metric).report(reports_dir, html=html)
        announce(written)
        if into:
            put_between_marks(into, written.excerpt)


def _cached(name: str, store: Store) -> Dataset | None:
    """The data set, if it is registered and already decoded; a report fetches nothing."""
    from benchmark import registry
    from benchmark.data import cache

    summary = store.read_summary(name)
    try:
        fingerprint = getattr(summary, "fingerprint", None)
        dataset = cache.read(registry.dataset(name, fingerprint=fingerprint), verify=False)
    except UserError as error:
        warn(str(error))
        dataset = None
    if dataset is None:
        warn(f"the images of {name} are not decoded here, so its report has no pictures; 'data fetch {name}' gets them")
    return dataset


def announce(written: Written, *, quiet: bool = False, earlier: Sequence[str] = ()) -> None:
    """Say what a report found, where it is, and what was skipped; ``earlier`` are models whose results are older."""
    for problem in written.problems[:MOST_PROBLEMS]:
        warn(f"skipped {problem}")
    if len(written.problems) > MOST_PROBLEMS:
        warn(f"skipped {len(written.problems) - MOST_PROBLEMS:,} more")
    if not quiet:  # Not by rich: the headline is text of records, in which nothing is markup.
        source = f"From earlier records of {' and '.join(earlier)}: " if earlier else ""
        show(f"\n{source}{written.headline}")
        for caution in written.report.cautions:
            show(f"  caution: {caution}")
        show(f"Report: {' and '.join(map(str, written.paths))}")
