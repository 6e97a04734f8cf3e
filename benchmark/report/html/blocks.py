"""Blocks of a report as HTML."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable
from typing import Any

import numpy as np
from markupsafe import Markup
from PIL import Image

from benchmark.report import document as doc
from benchmark.report.html import plotly
from benchmark.utils.format import share

LARGEST_SIDE = 64  # Pixels; larger images are shrunk.
EMPTY = Markup()


def sections(found: Iterable[doc.Section], explorer: Markup = EMPTY) -> list[tuple[doc.Section, Markup]]:
    """Each section's content; a section of printed blocks alone has none and is left out."""
    made = [(part, blocks(part.blocks, explorer)) for part in found]
    return [(part, content) for part, content in made if content]


def blocks(found: Iterable[doc.Block], explorer: Markup = EMPTY) -> Markup:
    return EMPTY.join(_block(block, explorer) for block in found)


def _block(block: doc.Block, explorer: Markup) -> Markup:
    match block:
        case doc.Paragraph(text):
            return Markup("<p>{}</p>\n").format(inline(text))
        case doc.Bullets(items):
            return Markup("<ul>{}</ul>\n").format(EMPTY.join(Markup("<li>{}</li>").format(inline(i)) for i in items))
        case doc.Listing(text):
            return Markup('<pre tabindex="0"><code>{}</code></pre>\n').format(text)
        case doc.Table():
            return table(block)
        case doc.Chart() | doc.Heatmap():
            return _chart(block)
        case doc.Gallery():
            return _gallery(block)
        case doc.Details(summary, inner):
            return Markup("<details>\n<summary>{}</summary>\n{}</details>\n").format(summary, blocks(inner, explorer))
        case doc.Printed():
            return explorer if block.explorer else EMPTY


def inline(text: doc.Text) -> Markup:
    return EMPTY.join(map(_span, doc.spans(text)))


def _span(span: doc.Span) -> Markup:
    match span:
        case doc.Strong(text):
            return Markup("<strong>{}</strong>").format(text)
        case doc.Code(text):
            return Markup('<code class="long">{}</code>').format(text)
        case doc.Link(text, target):
            return Markup('<a href="{}">{}</a>').format(target, text)
        case str():
            return Markup("{}").format(span)


def table(found: doc.Table) -> Markup:
    """A table that scrolls sideways; one that is sortable has buttons as headings and controls to filter its rows."""
    heads, rows = [], []
    for place, column in enumerate(found.columns):
        title: Markup | str = column.title
        if found.sortable:
            kind, high = ("number" if column.numeric else "text"), Markup(" data-high") if column.high_first else EMPTY
            title = Markup('<button type="button" data-kind="{}"{}>{}</button>').format(kind, high, title)
        sort = Markup(' aria-sort="descending"') if place == found.sorted_by else EMPTY
        number = Markup(' class="number"') if column.numeric else EMPTY
        heads.append(Markup('<th scope="col"{}{}>{}</th>').format(number, sort, title))
    for values, cells in zip(found.rows, found.cells(), strict=True):
        made = []
        for place, (column, value, (text, best)) in enumerate(zip(found.columns, values, cells, strict=True)):
            content = inline(doc.Strong(text) if best and isinstance(text, str) else text)
            name = " ".join(filter(None, ("number" * column.numeric, "quiet" * doc.is_absent(value))))
            tag, scope = ("td", EMPTY) if place else ("th", Markup(' scope="row"'))
            sort = Markup(' data-sort="{}"').format(_sort_key(value)) if found.sortable else EMPTY
            open_tag = Markup("<{}{}{}{}>").format(
                Markup(tag), scope, Markup(f' class="{name}"') if name else EMPTY, sort
            )
            made.append(open_tag + content + Markup(f"</{tag}>"))
        rows.append(Markup("<tr>{}</tr>\n").format(EMPTY.join(made)))
    whole = Markup(
        '<div class="scroll" tabindex="0" role="group" aria-label="Table, scrolls sideways">'
        "<table{}>\n<thead><tr>{}</tr></thead>\n<tbody>\n{}</tbody></table></div>\n"
    )
    made_table = whole.format(
        Markup(' class="sortable"') if found.sortable else EMPTY, EMPTY.join(heads), EMPTY.join(rows)
    )
    if not found.sortable:
        return made_table
    return Markup('<div class="sorts">\n{}{}</div>\n').format(_filters(found), made_table)


def _sort_key(value: Any) -> str:
    """What a cell sorts by; empty where there is no value, which sorts last."""
    first = value[0] if isinstance(value, tuple) else value
    return "" if doc.is_absent(first) else first if isinstance(first, str) else repr(float(first))


def _filters(found: doc.Table) -> Markup:
    """What narrows down a table's rows: a choice of the words in its second column, if it has words, and a search."""
    second, choose = found.columns[1], EMPTY
    if not second.numeric:
        names = dict.fromkeys(row[1] for row in found.rows)
        options = EMPTY.join(Markup("<option>{}</option>").format(name) for name in names)
        choose = Markup('<label>{} <select class="choose"><option value="">all</option>{}</select></label>\n').format(
            second.title.capitalize(), options
        )
    return Markup(
        '<div class="controls" role="search" aria-label="Filter the table">\n{0}'
        '<label>Find <input class="find" type="search" placeholder="part of a name" autocomplete="off"></label>\n'
        '<output class="count quiet" aria-live="polite">{1:,} of {1:,} rows</output>\n</div>\n'
    ).format(choose, len(found.rows))


def _chart(chart: doc.Chart | doc.Heatmap) -> Markup:
    """Places for the figures of a chart, which the page's script draws: one to choose from, or all side by side."""
    place = Markup(
        '<figure>{}<div class="chart" id="chart-{}" data-key="{}" style="height: {}px" role="img" aria-label="{}">'
        "</div></figure>\n"
    )
    if isinstance(chart, doc.Heatmap):
        height = 110 + 30 * len(chart.rows)
        return _caption(chart.title) + place.format(EMPTY, chart.name, chart.name, height, chart.alt)
    titles = plotly.titles(chart)
    height = max(330, min(round(90 * chart.height), 1200))
    if not chart.choice:
        made = [
            place.format(_caption(title), f"{chart.name}-{n}", f"{chart.name}/{title}", height, f"{title}. {chart.alt}")
            for n, title in enumerate(titles)
        ]
        return Markup('<div class="charts">{}</div>\n').format(EMPTY.join(made))
    options = EMPTY.join(Markup("<option>{}</option>").format(title) for title in titles)
    choose = Markup('<div class="controls"><label>{} <select data-chart="{}">{}</select></label></div>').format(
        chart.choice, chart.name, options
    )
    return place.format(choose, chart.name, chart.name, max(height, 400), chart.alt)


def _caption(title: str) -> Markup:
    return Markup('<p class="caption">{}</p>').format(title)


def _gallery(gallery: doc.Gallery) -> Markup:
    items = EMPTY.join(map(_item, gallery.items))
    return _caption(gallery.title) + Markup('<ul class="thumbs">{}</ul>\n').format(items)


def _item(item: doc.Item) -> Markup:
    alt = ", ".join(item.lines)
    lines = EMPTY.join(Markup("<p>{}</p>").format(line) for line in item.lines)
    bars = EMPTY.join(
        Markup('<li><span>{}</span><span>{}</span><i class="{}" style="width: {}%"></i></li>').format(
            label, share(fraction), shade, round(fraction * 100, 1)
        )
        for label, fraction, shade in item.bars
    )
    return Markup('<li class="thumb"><img class="photo" alt="{}" src="data:image/png;base64,{}">{}{}</li>').format(
        alt, encoded(item.image), lines, Markup('<ul class="bars">{}</ul>').format(bars) if bars else EMPTY
    )


def encoded(image: np.ndarray) -> str:
    """An image, uint8 (h, w, c), as a PNG in base64, shrunk where it is large."""
    made = Image.fromarray(np.ascontiguousarray(image[..., 0] if image.shape[2] == 1 else image))
    made.thumbnail((LARGEST_SIDE * 2, LARGEST_SIDE))  # Of two images side by side each has its share.
    buffer = io.BytesIO()
    made.save(buffer, "PNG", optimize=True)
    return base64.b64encode(buffer.getvalue()).decode()
