"""A picture of pictures: each as given, as the model sees it, and its prediction."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmark.report.style import BLUE, GREY, INK, VERMILION, WIDTH, chart_style, plain

ROW_HEIGHT = 1.75  # inches
HEAD_HEIGHT = 0.75
STRANGE = "unlike all training images"


@dataclasses.dataclass(frozen=True)
class Shown:
    """One row: name and picture as given, image as seen uint8 (h, w, c), and what was predicted.

    ``bars`` are class names with probabilities, the most probable first; empty where the model has none. ``actual``
    is the true label where it is known. ``strange``: the picture is unlike all training images, so that the
    probabilities mean nothing.
    """

    name: str
    given: np.ndarray
    seen: np.ndarray
    label: str
    bars: tuple[tuple[str, float], ...]
    actual: str | None = None
    strange: bool = False


def draw(title: str, rows: Sequence[Shown]) -> Figure:
    """Draw the rows below one another."""
    with chart_style():
        figure = Figure(figsize=(WIDTH, HEAD_HEIGHT + ROW_HEIGHT * len(rows)), layout="constrained")
        figure.suptitle(plain(title), x=0.01, ha="left", fontsize=11, fontweight="bold", color=INK)
        grid = figure.subplots(len(rows), 3, squeeze=False, width_ratios=(1, 1, 2.4))
        for place, (row, axes) in enumerate(zip(rows, grid, strict=True)):
            first = place == 0
            _image(axes[0], row.given, "as given" if first else "", _shortened(row.name))
            _image(axes[1], row.seen, "as the model sees it" if first else "", _size(row.seen))
            _bars(axes[2], row)
    return figure


def _image(axes: Axes, pixels: np.ndarray, title: str, below: str) -> None:
    grey = pixels.shape[2] == 1
    axes.imshow(pixels[:, :, 0] if grey else pixels, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(True)
        spine.set_color("#CCCCCC")
    if title:
        axes.set_title(title, fontsize=9, fontweight="normal", loc="center", color=GREY)
    axes.set_xlabel(plain(below), fontsize=8)


def _bars(axes: Axes, row: Shown) -> None:
    right = row.actual is None or row.actual == row.label
    title = row.label if row.actual is None else f"{row.label}" + ("" if right else f", but it is {row.actual}")
    axes.set_title(plain(title), fontsize=11, color=INK if right else VERMILION)
    if row.strange:
        axes.set_title(STRANGE, fontsize=11, color=VERMILION)
    if not row.bars or row.strange:
        words = f"the model would say: {plain(row.label)}" if row.strange else "no probabilities"
        axes.text(0, 0.5, words, transform=axes.transAxes, fontsize=9, color=GREY, va="center")
        axes.set_axis_off()
        return
    names, values = zip(*row.bars, strict=True)
    places = np.arange(len(names))[::-1]
    colours = [BLUE if name == row.label and right else VERMILION if name == row.label else "#BFCBD6" for name in names]
    axes.barh(places, values, color=colours, height=0.66)
    for place, value in zip(places, values, strict=True):
        axes.text(value + 0.015, place, f"{value:.1%}", va="center", fontsize=9, color=INK)
    axes.set_yticks(places, [plain(name) for name in names], fontsize=9)
    axes.tick_params(length=0)
    axes.set_xlim(0, 1.15)
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)


def _size(pixels: np.ndarray) -> str:
    return f"{pixels.shape[1]} x {pixels.shape[0]}"


def _shortened(name: str) -> str:
    return name if len(name) <= 24 else f"{name[:12]}...{name[-9:]}"
