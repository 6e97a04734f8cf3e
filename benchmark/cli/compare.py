"""The command ``compare``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchmark.cli.options import MetricOption, RecordedOption, ResultsOption, console, predictions, selected
from benchmark.errors import UserError

if TYPE_CHECKING:
    from benchmark.report.compare import Side


def compare(
    left: Annotated[str, typer.Argument(help="A collection, such as the one before a change.")],
    right: Annotated[str, typer.Argument(help="Another, such as the one after it.")],
    dataset: RecordedOption = None,
    profile: Annotated[
        str | None, typer.Option("--profile", "-p", help="Profile to compare.", show_default="full if both have it")
    ] = None,
    metric: MetricOption = None,
    results_dir: ResultsOption = Path("results"),
    markdown: Annotated[Path | None, typer.Option(help="Write the comparison as Markdown there.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write the comparison as an HTML page there.")] = None,
) -> None:
    """Set two collections side by side: the metric, tested image by image, and cost, model by model.

    For changes of code and for two machines. Names the data sets that both have; --dataset chooses among them.
    """
    from benchmark.records.store import Store
    from benchmark.report import compare as report
    from benchmark.report import terminal
    from benchmark.report.document import Report
    from benchmark.report.html import page
    from benchmark.report.markdown import render
    from benchmark.utils.files import write_atomically

    stores = [Store.open(results_dir, name, profile or "full") for name in (left, right)]
    for store in stores:
        store.check_exists()
    both = [name for name in stores[0].datasets() if name in stores[1].datasets()]
    blocks: dict[str, list[Side]] = {}
    for name in dataset or both:
        one, other = (selected(store, name, profile, metric) for store in stores)
        if one is None or other is None:
            continue
        if one.profile != other.profile:
            one, other = (selected(store, name, "quick", metric) for store in stores)
        if one is not None and other is not None and one.metric != other.metric:
            other = selected(stores[1], name, other.profile, one.metric.name)
        if one is not None and other is not None:
            blocks[f"{one.dataset.title}, profile {one.profile}"] = report.sides(one, other, predictions)
    if not blocks:
        raise UserError(
            f"{left} and {right} have no records of the same data set and profile.",
            "See 'python -m benchmark report --collection NAME' for what each has.",
        )
    for title, rows in blocks.items():
        console().print(terminal.table(report.table(rows, left, right).first(8), title), "")
    title, document = f"{left} and {right}", report.document(blocks, left, right)
    if markdown:
        write_atomically(markdown, render.page(Report(title, document)).encode())
    if html:
        write_atomically(html, page.simple(title, document).encode())
