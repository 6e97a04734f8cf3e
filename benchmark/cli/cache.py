"""The commands of ``cache``: list and clear."""

from __future__ import annotations

from typing import Annotated

import typer

from benchmark.cli.options import console
from benchmark.utils.terminal import literal, show

cache_app = typer.Typer(
    help="Show or remove what was kept to save time: decoded data sets, downloads, features.", no_args_is_help=True
)


@cache_app.command(name="list")
def list_() -> None:
    """List what the cache keeps, with sizes."""
    from rich.table import Table

    from benchmark.utils import cache_folder
    from benchmark.utils.files import CACHE_VARIABLE, cache_root
    from benchmark.utils.format import memory

    kept = cache_folder.entries()
    table = Table(box=None, pad_edge=False)
    for column in ("kind", "name", "size"):
        table.add_column(column, justify="right" if column == "size" else "left")
    for one in kept:
        table.add_row(one.kind, literal(one.name), memory(one.n_bytes))
    if kept:
        console().print(table)
    for kind in dict.fromkeys(one.kind for one in kept):
        show(f"{kind}: {cache_folder.KINDS[kind]}")
    show(f"{memory(sum(one.n_bytes for one in kept))} in {cache_root()} (${CACHE_VARIABLE} names another folder).")
    show(f"Features take at most {memory(cache_folder.limit_bytes())} (${cache_folder.LIMIT_VARIABLE}).")


@cache_app.command()
def clear(
    kinds: Annotated[
        list[str] | None, typer.Argument(help="decoded, downloads, features or compiled; without any, all.")
    ] = None,
) -> None:
    """Remove what the cache keeps; it is made again when it is needed, downloads where there is a network."""
    from benchmark.utils import cache_folder
    from benchmark.utils.format import memory

    show(f"{memory(cache_folder.clear(kinds or cache_folder.KINDS))} removed")
