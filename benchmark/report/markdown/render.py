"""Sections of a report as Markdown, in which nothing of the text is markup."""

from __future__ import annotations

from collections.abc import Iterable

from benchmark.report import document as doc
from benchmark.utils import markdown as md

MOST_ROWS = 300  # Of a table; more are for the interactive page.
CHARTS = "charts"  # Folder of the pictures, beside the page.


def page(report: doc.Report) -> str:
    """The whole report."""
    top = [f"# {md.escape(report.title)}", answer(report), md.escape(report.notice)]
    return _joined([*top, *map(section, report.sections)])


def answer(report: doc.Report) -> str:
    """The headline, what it costs, and what makes it doubtful."""
    said = inline([doc.Strong(report.headline), f" {report.price}"]).strip() if report.headline else ""
    doubts = f"Read it with care:\n\n{blocks([doc.Bullets(report.cautions)])}" if report.cautions else ""
    return "\n\n".join(filter(None, (said, doubts)))


def section(part: doc.Section) -> str:
    heading = f"{'#' * part.level} {md.escape(part.title)}\n\n" if part.title else ""
    return heading + blocks(part.blocks)


def blocks(found: Iterable[doc.Block]) -> str:
    return _joined(map(_block, found)).rstrip("\n")


def _joined(parts: Iterable[str]) -> str:
    return "\n\n".join(part for part in parts if part) + "\n"


def _block(block: doc.Block) -> str:
    match block:
        case doc.Paragraph(text):
            return inline(text)
        case doc.Bullets(items):
            return "\n".join(f"- {inline(item)}" for item in items)
        case doc.Listing(text):
            return f"```\n{text}\n```"
        case doc.Table():
            return table(block)
        case doc.Chart() | doc.Heatmap() | doc.Gallery():
            return f"![{md.escape(block.alt)}]({CHARTS}/{block.name}.png)"
        case doc.Details(summary, inner):
            return f"<details>\n<summary>{md.escape(summary)}</summary>\n\n{blocks(inner)}\n\n</details>"
        case doc.Printed(inner):
            return blocks(inner)


def inline(text: doc.Text) -> str:
    return "".join(map(_span, doc.spans(text)))


def _span(span: doc.Span) -> str:
    match span:
        case doc.Strong(text):
            return f"**{md.escape(text)}**"
        case doc.Code(text):
            return f"`{text}`"
        case doc.Link(text, target):
            return f"[{md.escape(text)}]({target})"
        case str():
            # Spaces at the ends separate it from its neighbours.
            start, end = (" " if span[:1] == " " else ""), (" " if span[-1:] == " " and span.strip() else "")
            return f"{start}{md.escape(span)}{end}"


def table(found: doc.Table) -> str:
    rows = [
        [inline(doc.Strong(text) if best and isinstance(text, str) else text) for text, best in row]
        for row in found.cells()[:MOST_ROWS]
    ]
    numeric = [column.numeric for column in found.columns]
    table = md.table([md.escape(column.title) for column in found.columns], rows, numeric)
    more = len(found.rows) - len(rows)
    return table + (f"\n\n{more:,} more rows are in report.html." if more else "")
