"""Sections of a report as Markdown, in which nothing of the text is markup."""

from __future__ import annotations

from collections.abc import Iterable

from benchmark.report.document import (
    Block,
    Bullets,
    Chart,
    Code,
    Details,
    Gallery,
    Heatmap,
    Link,
    Listing,
    Paragraph,
    Printed,
    Report,
    Section,
    Span,
    Strong,
    Table,
    Text,
    spans,
)
from benchmark.utils import markdown as md

CHARTS = "charts"  # Folder of the pictures, beside the page.


def page(report: Report) -> str:
    """The whole report."""
    top = [f"# {md.escape(report.title)}", answer(report), md.escape(report.notice)]
    return _joined([*top, *map(section, report.sections)])


def answer(report: Report) -> str:
    """The headline and what it costs."""
    return inline([Strong(report.headline), f" {report.price}"]).strip() if report.headline else ""


def section(part: Section) -> str:
    return f"{'#' * part.level} {md.escape(part.title)}\n\n{blocks(part.blocks)}"


def blocks(found: Iterable[Block]) -> str:
    return _joined(map(_block, found)).rstrip("\n")


def _joined(parts: Iterable[str]) -> str:
    return "\n\n".join(part for part in parts if part) + "\n"


def _block(block: Block) -> str:
    match block:
        case Paragraph(text):
            return inline(text)
        case Bullets(items):
            return "\n".join(f"- {inline(item)}" for item in items)
        case Listing(text):
            return f"```\n{text}\n```"
        case Table():
            return table(block)
        case Chart() | Heatmap() | Gallery():
            return f"![{md.escape(block.alt)}]({CHARTS}/{block.name}.png)"
        case Details(summary, inner):
            return f"<details>\n<summary>{md.escape(summary)}</summary>\n\n{blocks(inner)}\n\n</details>"
        case Printed(inner):
            return blocks(inner)


def inline(text: Text) -> str:
    return "".join(map(_span, spans(text)))


def _span(span: Span) -> str:
    match span:
        case Strong(text):
            return f"**{md.escape(text)}**"
        case Code(text):
            return f"`{text}`"
        case Link(text, target):
            return f"[{md.escape(text)}]({target})"
        case str():
            # Spaces at the ends separate it from its neighbours.
            start, end = (" " if span[:1] == " " else ""), (" " if span[-1:] == " " and span.strip() else "")
            return f"{start}{md.escape(span)}{end}"


def table(found: Table) -> str:
    rows = [
        [inline(Strong(text) if best and isinstance(text, str) else text) for text, best in row]
        for row in found.cells()
    ]
    numeric = [column.numeric for column in found.columns]
    return md.table([md.escape(column.title) for column in found.columns], rows, numeric)
