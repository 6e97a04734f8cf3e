"""Colours, markers and sizes of every chart, and the figures on which matplotlib draws."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from benchmark import registry
from benchmark.report import fonts
from benchmark.utils.files import write_atomically

# Okabe and Ito, "Color Universal Design", 2008: distinguishable with every common colour blindness.
BLUE, VERMILION = "#0072B2", "#D55E00"
GREY, INK, PALE = "#8A8A8A", "#222222", "#E4E4E4"
SPARE = ("#A6761D", "#332288", "#882255", "#117733", "#999933", "#44AA99", "#AA4499", "#661100")  # Paul Tol's "muted"
MARKERS = {"baseline": "o", "network": "D"}
DPI = 200
LONGEST_LABEL = 30  # Characters.
WIDTH = 8.3  # inches: the 830 pixels at which code hosts show pictures, at 100 pixels an inch, drawn twice as fine
LEGEND_HEIGHT = 0.6  # Inches that figures have room for.


@dataclasses.dataclass(frozen=True)
class Look:
    """How charts show a model: a colour ``#rrggbb`` and a marker of matplotlib."""

    colour: str
    marker: str


def looks(families: Mapping[str, str]) -> dict[str, Look]:
    """How each model looks, by name, from names and families.

    A registered model looks as its specification says; another's colour is decided by its name. Where two names decide
    for the same, the later one takes the next that is free, so that a chart of up to eight others has as many colours.
    """
    registered = registry.models()
    chosen = {name: spec.colour for name, spec in registered.items() if spec.colour}
    for name in sorted(families.keys() - chosen.keys()):
        start = zlib.crc32(name.encode())
        order = [SPARE[(start + step) % len(SPARE)] for step in range(len(SPARE))]
        chosen[name] = next((shade for shade in order if shade not in chosen.values()), order[0])
    markers = {name: spec.marker for name, spec in registered.items()}
    return {name: Look(chosen[name], markers.get(name) or MARKERS[family]) for name, family in families.items()}


def plain(text: str) -> str:
    """Text that matplotlib draws as it is, cut where it would crowd out the chart.

    Dollar signs would begin a formula, and what is not printable has no glyph.
    """
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return (line if len(line) <= LONGEST_LABEL else f"{line[: LONGEST_LABEL - 3]}...").replace("$", r"\$")


@contextlib.contextmanager
def chart_style() -> Iterator[None]:
    """matplotlib settings for the charts drawn inside."""
    settings: dict[Any, Any] = {
        "font.size": 10,
        "axes.titlesize": 11,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.edgecolor": GREY,
        "axes.labelcolor": INK,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.axisbelow": True,
        "grid.color": "#E3E3E3",
        "grid.linewidth": 0.8,
        "xtick.color": INK,
        "ytick.color": INK,
        "legend.frameon": False,
        "figure.facecolor": "white",
    }
    with matplotlib.rc_context(settings):
        yield


def legend_below(figure: Figure, handles: Sequence[Any], labels: Sequence[str]) -> None:
    """Put a legend under a figure in as many columns as fit into its width, at most five.

    The figure grows by what the legend needs beyond LEGEND_HEIGHT.
    """
    for columns in range(5, 0, -1):
        legend = figure.legend(handles, labels, loc="outside lower center", ncols=columns)
        extent = legend.get_window_extent()
        if columns == 1 or extent.width <= figure.bbox.width:
            figure.set_figheight(figure.get_figheight() + max(0.0, extent.height / figure.dpi - LEGEND_HEIGHT))
            return
        legend.remove()


def save(figure: Figure, path: Path) -> None:
    """Write a PNG whose bytes depend on the picture alone."""
    buffer = io.BytesIO()
    with fonts.for_all_text(figure):
        figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    write_atomically(path, buffer.getvalue())
