"""Tables of a report in the terminal."""

from __future__ import annotations

from collections.abc import Mapping

import rich.table
from rich.text import Text

from benchmark.report.document import Table
from benchmark.utils.format import printable
from benchmark.utils.terminal import literal


def table(found: Table, title: str, colours: Mapping[str, str] | None = None) -> rich.table.Table:
    """A table for rich; cells that read like a key of ``colours`` have that colour."""
    shown = rich.table.Table(title=literal(title), title_justify="left", box=None, pad_edge=False)
    for column in found.columns:
        shown.add_column(literal(column.title), justify="right" if column.numeric else "left")
    for row in found.cells():
        shown.add_row(*(_cell(str(text), best, colours or {}) for text, best in row))
    return shown


def _cell(text: str, best: bool, colours: Mapping[str, str]) -> Text:
    return Text(printable(text), style="bold" if best else colours.get(text, ""))
