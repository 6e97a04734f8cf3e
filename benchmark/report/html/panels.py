"""What a part of the page is, and how a section of the Markdown report becomes one."""

from __future__ import annotations

import dataclasses
import html
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from benchmark.report.evidence import Section
from benchmark.report.html import markdown

Figure = Mapping[str, Any]  # Plotly's JSON: {"data": [...], "layout": {...}}


@dataclasses.dataclass(frozen=True)
class Chart:
    """A Plotly chart, or several of one kind that a reader chooses from.

    Attributes
    ----------
    alt : str
        What the chart shows and its main message, for those who do not see it.
    figures : mapping of str to Figure
        By what the choice is called. A trace with ``meta={"model": name}`` takes the model's colour and shape and is
        switched by the legend of models; ``meta={"role": "frontier"}`` is drawn through the best of the models that
        are switched on. Colours, fonts and grids are the page's.
    control : str
        The label of the choice; not shown where there is one figure only.
    height : int
        In pixels.
    """

    alt: str
    figures: Mapping[str, Figure]
    control: str = ""
    height: int = 420


@dataclasses.dataclass(frozen=True)
class Panel:
    """A part of the page: a heading, text, charts and what else belongs below them."""

    id: str
    title: Markup | str
    text: Markup | str = ""
    charts: tuple[Chart, ...] = ()
    body: Markup | str = ""


def from_section(name: str, section: Section, chart: Panel | None = None) -> Panel:
    """A section of the Markdown report as a panel: its text and tables as HTML, its figures as pictures.

    Where there is an interactive panel on the same matter, it keeps its charts, and the section's text goes below them
    in place of the pictures.
    """
    first, _, rest = section.text.strip().partition("\n")
    title = markdown.inline(first.lstrip("#").strip()) if first.startswith("#") else Markup(html.escape(name.title()))
    text = rest if first.startswith("#") else section.text
    if chart is None:
        return Panel(name, title, body=markdown.render(text, section.figures))
    return dataclasses.replace(chart, body=Markup(chart.body) + markdown.render(text))


def plain(text: str) -> str:
    """Text that Plotly draws as it stands: it takes some tags and entities for markup."""
    return html.escape(text, quote=False)


def models_figure(traces: list[dict[str, Any]], x: dict[str, Any], y: dict[str, Any]) -> Figure:
    """A figure of traces with its two axes."""
    return {"data": traces, "layout": {"xaxis": x, "yaxis": y}}
