"""The command ``report``, and the writing of a report at the end of a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchmark.cli.options import (
    CollectionOption,
    DatasetsOption,
    ReportsOption,
    ResultsOption,
    collection_name,
    warn,
)
from benchmark.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmark.records.store import Store
    from benchmark.report.page import Written
    from benchmark.specs import Dataset


def report(
    dataset: DatasetsOption = None,
    profile: Annotated[
        str | None, typer.Option("--profile", "-p", help="Profile to report.  [default: full if there]")
    ] = None,
    collection: CollectionOption = None,
    results_dir: ResultsOption = Path("results"),
    reports_dir: ReportsOption = Path("reports"),
    into: Annotated[
        Path | None, typer.Option(help="Markdown file that takes headline and leaderboard between its marks.")
    ] = None,
    html: Annotated[bool, typer.Option(help="Write report.html beside the Markdown: one file, opens offline.")] = True,
) -> None:
    """Write reports again from the records alone (every data set of the collection, or those named)."""
    from benchmark.records.store import Store
    from benchmark.report.headline import put_between_marks

    store = Store(results_dir, collection_name(collection, profile or "full"))
    names = dataset or [name for name in store.datasets() if any((store.folder / name).glob("*/*.json"))]
    if not names:
        raise UserError(f"There are no records in {store.folder}.", "Make some with: python -m benchmark run --all")
    if into and len(names) != 1:
        raise UserError("--into takes the leaderboard of one data set.", "Name it with --dataset.")
    for name in names:
        written = write_report(store, name, reports_dir, profile, _cached(name), html=html)
        if into:
            put_between_marks(into, written.leaderboard)


def _cached(name: str) -> Dataset | None:
    """The data set, if it is registered and decoded already; a report fetches nothing."""
    from benchmark import registry
    from benchmark.data import cache

    spec = registry.datasets().get(name)
    try:
        dataset = cache.read(spec, verify=False) if spec else None
    except UserError as error:
        warn(str(error))
        dataset = None
    if dataset is None:
        warn(f"the images of {name} are not at hand, so its report has no pictures; 'data fetch {name}' gets them")
    return dataset


def write_report(
    store: Store,
    name: str,
    reports_dir: Path,
    profile: str | None,
    data: Dataset | None,
    *,
    html: bool = True,
    say: Callable[[str], None] = typer.echo,
) -> Written:
    """Write a data set's report as Markdown and, unless told otherwise, as HTML beside it, and the index."""
    from benchmark.report import index, page
    from benchmark.report.html import page as html_page

    written = page.write(store, name, reports_dir, profile=profile, data=data)
    folder = written.path.parent
    paths = [written.path]
    if html:
        paths.append(html_page.write(written.contents, folder))
    else:
        html_page.remove(folder)
    problems = written.contents.evidence.problems
    for problem in problems[: page.MOST_PROBLEMS]:
        warn(f"passed over {problem}")
    if len(problems) > page.MOST_PROBLEMS:
        warn(f"passed over {len(problems) - page.MOST_PROBLEMS:,} more")
    index.write(store, reports_dir, {name: written.contents.evidence.stored})
    say(f"\n{written.headline}\nReport: {' and '.join(map(str, paths))}")
    return written
