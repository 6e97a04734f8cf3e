"""What tests look at of a report's sections: text, tables and pictures."""

from __future__ import annotations

import io
from collections.abc import Iterator

from matplotlib.figure import Figure

from benchmark.report import document as doc
from benchmark.report import style
from benchmark.report.markdown import draw, render


def text(section: doc.Section) -> str:
    """As Markdown."""
    return render.section(section)


def tables(section: doc.Section) -> list[dict[str, dict[str, str]]]:
    """The tables in their order: by the first cell of a row, its other cells by title of the column."""
    return [rows(table) for table in _tables(section.blocks)]


def rows(table: doc.Table) -> dict[str, dict[str, str]]:
    titles = [column.title for column in table.columns]
    cells = [[str(text) for text, _ in row] for row in table.cells()]
    return {row[0]: dict(zip(titles[1:], row[1:], strict=True)) for row in cells}


def _tables(blocks) -> Iterator[doc.Table]:
    for block in blocks:
        if isinstance(block, doc.Table):
            yield block
        elif isinstance(block, doc.Details | doc.Printed):
            yield from _tables(block.blocks)


def pictures(section: doc.Section) -> dict[str, doc.Picture]:
    """By name."""
    return {picture.name: picture for picture in doc.pictures(section.blocks)}


def drawn(picture: doc.Picture, families: dict[str, str] | None = None) -> Figure:
    """Draw all of it, so that late warnings of the layout come too."""
    panels = picture.panels if isinstance(picture, doc.Chart) else ()
    models = {series.model for panel in panels for series in panel.series if series.model}
    with style.chart_style():
        figure = draw.draw(picture, style.looks({name: (families or {}).get(name, "baseline") for name in models}))
        figure.savefig(io.BytesIO(), dpi=40)
    return figure
