"""Colours and sizes of every chart: legible at the 830 pixels at which code hosts show them."""

from __future__ import annotations

import contextlib
import io
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from benchmark.utils.files import write_atomically

# Okabe and Ito, "Color Universal Design", 2008: distinguishable with every common colour blindness. Cool
# colours for baselines, warm ones for networks; with so many models, shapes tell apart what colours do not.
BLUE, SKY, GREEN, VERMILION, ORANGE, PURPLE = "#0072B2", "#56B4E9", "#009E73", "#D55E00", "#E69F00", "#CC79A7"
GREY, INK = "#8A8A8A", "#222222"
KNOWN = {
    "svm-rbf": BLUE,
    "knn": SKY,
    "logistic-regression": GREEN,
    "linear-svm": "#66A61E",
    "random-forest": "#1B6B6F",
    "gradient-boosting": "#4B4EA3",
    "pca-svm": "#7FA8D1",
    "hog-svm": "#123E6B",
    "augmented-svm": "#2FA39A",
    "mlp": "#B8860B",
    "cnn-augmented": VERMILION,
    "cnn-simple": ORANGE,
    "resnet": "#8B1A1A",
    "transfer": PURPLE,
}
SHAPES = {
    "linear-svm": "v",
    "random-forest": "^",
    "gradient-boosting": "s",
    "pca-svm": "p",
    "hog-svm": "h",
    "augmented-svm": "X",
    "mlp": "d",
    "resnet": "*",
    "transfer": "P",
}
SPARE = ("#A6761D", "#332288", "#882255", "#117733", "#999933", "#44AA99", "#AA4499", "#661100")  # Paul Tol's "muted"
MARKERS = {"baseline": "o", "network": "D"}
FAMILIES = {"baseline": "baseline", "network": "network"}
DPI = 200
LONGEST_LABEL = 30  # Characters.
WIDTH = 8.3  # inches: 830 pixels at 100 pixels an inch, drawn twice as fine
LEGEND_HEIGHT = 0.6  # Inches that figures have room for.


def colours(models: Iterable[str]) -> dict[str, str]:
    """A colour for each model: the suite's own have theirs, another's is decided by its name.

    Where two names decide for the same, the later one takes the next that is free, so that a chart of up to
    eight others has as many colours.
    """
    chosen = dict(KNOWN)
    for name in sorted(set(models) - KNOWN.keys()):
        start = zlib.crc32(name.encode())
        order = [SPARE[(start + step) % len(SPARE)] for step in range(len(SPARE))]
        chosen[name] = next((shade for shade in order if shade not in chosen.values()), order[0])
    return chosen


def marker(model: str, family: str) -> str:
    """A shape for each model: the family's, but for those of the suite's own that have theirs."""
    return SHAPES.get(model, MARKERS[family])


def plain(text: str) -> str:
    """Text that matplotlib draws as it stands, cut where it would crowd out the chart.

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
    figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    write_atomically(path, buffer.getvalue())
