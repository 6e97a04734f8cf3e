"""Markdown of this project's own reports as HTML: tables, figures and collapsed parts, and no other markup."""

from __future__ import annotations

import base64
import html
import io
import re
from collections.abc import Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markupsafe import Markup
from matplotlib.figure import Figure

from benchmark.report import style

OWN_TAGS = re.compile(r"</?details>|</?summary>|<!--.*?-->", re.DOTALL)
DPI = 130


def render(text: str, figures: Mapping[str, Figure] | None = None) -> Markup:
    """Render Markdown; pictures are those of ``figures``, by file name, and others are left out.

    Tags other than ``<details>`` and ``<summary>`` are shown as text.
    """
    return Markup(_parser().render(text, {"figures": figures or {}}))


def inline(text: str) -> Markup:
    """Render one line, without a paragraph around it."""
    return Markup(_parser().renderInline(text, {"figures": {}}))


# Drawn once: the layout of a figure that is drawn again moves a little.
_drawn: WeakKeyDictionary[Figure, str] = WeakKeyDictionary()


def picture(figure: Figure, alt: str) -> Markup:
    """A matplotlib figure as an embedded PNG."""
    data = _drawn.get(figure)
    if data is None:
        buffer = io.BytesIO()
        with style.chart_style():
            figure.savefig(buffer, dpi=DPI, metadata={"Software": None})
        data = _drawn[figure] = base64.b64encode(buffer.getvalue()).decode()
    return Markup('<img class="figure" alt="{}" src="data:image/png;base64,{}">').format(alt, data)


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark").enable("table")
    parser.add_render_rule("image", _image)
    parser.add_render_rule("html_block", _own_tags)
    parser.add_render_rule("html_inline", _own_tags)
    parser.add_render_rule("table_open", lambda *_: '<div class="scroll" tabindex="0" role="group"><table>\n')
    parser.add_render_rule("table_close", lambda *_: "</table></div>\n")
    return parser


def _image(_: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    figure = env["figures"].get(str(tokens[index].attrs["src"]))
    return "" if figure is None else str(picture(figure, html.unescape(tokens[index].content)))


def _own_tags(_: RendererHTML, tokens: Sequence[Token], index: int, options: Any, env: Any) -> str:
    """The tags that this project's templates write; all else is text."""
    text = tokens[index].content
    kept, place = [], 0
    for found in OWN_TAGS.finditer(text):
        kept += [html.escape(text[place : found.start()]), found[0]]
        place = found.end()
    return "".join([*kept, html.escape(text[place:])])
