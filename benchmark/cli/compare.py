"""The command ``compare``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchmark.cli.options import DatasetsOption, ResultsOption, console, predictions, selected
from benchmark.errors import UserError

if TYPE_CHECKING:
    from benchmark.report.compare import Side


def compare(
    left: Annotated[str, typer.Argument(help="A collection, such as the one before a change.")],
    right: Annotated[str, typer.Argument(help="Another, such as the one after it.")],
    dataset: DatasetsOption = None,
    profile: Annotated[
        str | None, typer.Option("--profile", "-p", help="Profile to compare.  [default: full if both have it]")
    ] = None,
    results_dir: ResultsOption = Path("results"),
    markdown: Annotated[Path | None, typer.Option(help="Write the comparison as Markdown there.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write the comparison as an HTML page there.")] = None,
) -> None:
    """Set two collections side by side: accuracy, tested image by image, and cost, model by model.

    For changes of code and for two machines. Names the data sets that both have; --dataset chooses among them.
    """
    from benchmark.records.store import Store
    from benchmark.report import compare as sides
    from benchmark.utils.files import write_atomically

    stores = [Store.open(results_dir, name, profile or "full") for name in (left, right)]
    for store in stores:
        store.check_exists()
    both = [name for name in stores[0].datasets() if name in stores[1].datasets()]
    blocks: dict[str, list[Side]] = {}
    for name in dataset or both:
        one, other = (selected(store, name, profile) for store in stores)
        if one is None or other is None:
            continue
        if one.profile != other.profile:
            one, other = (selected(store, name, "quick") for store in stores)
        if one is not None and other is not None:
            blocks[f"{one.dataset.title}, profile {one.profile}"] = sides.sides(one, other, predictions)
    if not blocks:
        raise UserError(
            f"{left} and {right} have no records of the same data set and profile.",
            "See 'python -m benchmark report' for what each has.",
        )
    _show(blocks, left, right)
    if markdown:
        write_atomically(markdown, sides.markdown(blocks, left, right).encode())
    if html:
        write_atomically(html, sides.html(blocks, left, right).encode())


def _show(blocks: dict[str, list[Side]], left: str, right: str) -> None:
    from rich.markup import escape
    from rich.table import Table

    from benchmark.report import compare as sides

    screen = console()
    for title, rows in blocks.items():
        table = Table(title=escape(title), title_justify="left", box=None, pad_edge=False)
        for name in ("model", left, right, "difference", "evidence", f"fit, {left}", right, "factor"):
            table.add_column(escape(name), justify="left" if name in ("model", "evidence") else "right")
        for row in rows:
            table.add_row(*map(escape, sides.cells(row)[:8]))
        screen.print(table, "")
