"""Charts and galleries drawn by matplotlib, for a page that shows pictures only."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from benchmark.report.document import Axis, Chart, Gallery, Heatmap, Item, Panel, Picture, Series
from benchmark.report.style import BLUE, GREY, INK, PALE, VERMILION, WIDTH, Look, legend_below, plain
from benchmark.utils.format import share

DASHES = {"solid": "-", "dash": "--", "dot": ":"}
SHADES = {"actual": BLUE, "wrong": VERMILION, "other": GREY}
UNMODELLED = Look(GREY, "o")
Looks = Mapping[str, Look]


def draw(picture: Picture, looks: Looks) -> Figure:
    """Draw a picture; ``looks`` has the models' colours and markers by name."""
    match picture:
        case Chart():
            return _chart(picture, looks)
        case Heatmap():
            return _heatmap(picture)
        case Gallery():
            return _gallery(picture)


def _chart(chart: Chart, looks: Looks) -> Figure:
    panels = chart.panels[slice(*chart.printed)]
    columns = min(chart.columns, len(panels))
    rows = -(-len(panels) // columns)
    # Bars are an appendix to the panel on their left.
    ratios = [1.0 if any(s.kind == "bars" for s in panel.series) else 2.3 for panel in panels[:columns]]
    figure = Figure(figsize=(WIDTH, 0.5 + chart.height * rows), layout="constrained")
    grid = figure.subplots(
        rows,
        columns,
        sharex=all(panel.x == panels[0].x for panel in panels),
        sharey=all(panel.y == panels[0].y for panel in panels),
        squeeze=False,
        width_ratios=ratios,
    )
    handles: dict[str, Any] = {}
    for place, (axes, panel) in enumerate(zip(grid.flat, panels, strict=False)):
        _panel(axes, panel, looks, handles, width=26 if columns > 2 else 34 if columns > 1 else 64)
        if place % columns and panel.y == panels[0].y:
            axes.set_ylabel("")
        if place + columns < len(panels) and panel.x == panels[0].x and rows > 1:
            axes.set_xlabel("")
        else:  # The last panel of a column may have none below it.
            axes.tick_params(labelbottom=True)
    for axes in list(grid.flat)[len(panels) :]:
        axes.set_visible(False)
    if handles:
        legend_below(figure, list(handles.values()), [plain(label) for label in handles])
    return figure


def _panel(axes: Axes, panel: Panel, looks: Looks, handles: dict[str, Any], width: int) -> None:
    if panel.guide == "diagonal":
        axes.plot([0, 1], [0, 1], color=INK, linewidth=0.8, linestyle=":")
        axes.set_aspect("equal")
    elif panel.guide is not None:
        axes.axvline(panel.guide, color=GREY, linewidth=1, linestyle=":", zorder=1)
    for series in panel.series:
        handle = _series(axes, series, looks.get(series.model or "", UNMODELLED))
        if series.label:
            handles.setdefault(series.label, handle)
    points = sorted((s.x[0], s.y[0]) for s in panel.series if s.frontier)
    best = [point for n, point in enumerate(points) if all(y < point[1] for _, y in points[:n])]
    if best:
        axes.step(*zip(*best, strict=True), where="post", color=GREY, linewidth=1, linestyle=":", zorder=1)
    lines = [line for part in panel.title.split("\n") for line in textwrap.wrap(part, width)]
    axes.set_title("\n".join(line.replace("$", r"\$") for line in lines))
    axes.grid(True)
    for axis, settings in ((axes.xaxis, panel.x), (axes.yaxis, panel.y)):
        _axis(axes, axis, settings)
    if any(series.notes and series.kind != "bars" for series in panel.series):
        axes.margins(x=0.1)  # Room for the notes.


def _axis(axes: Axes, axis: Any, settings: Axis) -> None:
    name = axis.axis_name
    if settings.log:
        axes.set(**{f"{name}scale": "log"})
        axis.set_minor_locator(NullLocator())
    if settings.ticks is not None:
        axis.set_major_locator(FixedLocator(list(settings.ticks)))
        labels = {place: plain(label) for place, label in settings.ticks.items()}
        axis.set_major_formatter(FuncFormatter(lambda value, _: labels.get(float(value), "")))
    elif settings.percent:
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value * 100:.4g}%"))
    elif settings.title == "epoch":
        axis.get_major_locator().set_params(integer=True)
    axes.set(**{f"{name}label": settings.title})
    if settings.low is not None or settings.high is not None:
        axes.set(**{f"{name}lim": (settings.low, settings.high)})


def _series(axes: Axes, series: Series, look: Look) -> Any:
    x, y, colour = np.asarray(series.x, dtype=float), np.asarray(series.y, dtype=float), look.colour
    marker = series.marker or look.marker
    if series.marker == "*" and series.model is None:
        colour = INK
    handle: Any = None
    for bounds, draw, at in ((series.x_range, axes.hlines, y), (series.y_range, axes.vlines, x)):
        if bounds is not None:
            draw(at, *np.transpose(bounds), color=colour, linewidth=1.6, alpha=0.8, zorder=2)
    if series.kind == "bars":
        handle = axes.barh(y, x, color=colour, height=0.62)
    if series.kind in ("line", "both"):
        dots = series.kind == "both" and series.sizes is None
        (handle,) = axes.plot(x, y, color=colour, linestyle=DASHES[series.dash], linewidth=1.5, zorder=3)
        handle.set(marker=marker if dots else "", markersize=5.5)
    if series.kind == "points" or series.sizes is not None:
        sizes: Any = 52 if series.sizes is None else 8 + 90 * np.asarray(series.sizes)
        points = axes.scatter(x, y, s=sizes, marker=marker, color=colour, linewidths=0, zorder=4)
        handle = handle or points
    ends = x if series.x_range is None else np.array([high for _, high in series.x_range])
    for place, note in enumerate(series.notes or ()):
        left = series.kind == "bars" and x[place] < 0
        axes.annotate(
            note,
            (ends[place], y[place]),
            xytext=(-5 if left else 8 if series.kind != "bars" else 5, 0),
            textcoords="offset points",
            va="center",
            ha="right" if left else "left",
        )
    return handle


def _heatmap(found: Heatmap) -> Figure:
    n_rows, n_columns = found.values.shape
    on_top = found.greyed is not None  # The upper triangle of a comparison.
    names = 0.055 * max(map(len, map(plain, found.columns)))  # They stand aslant.
    figure = Figure(figsize=(WIDTH, 1 + names + 0.42 * n_rows + (0.3 if on_top else 0)), layout="constrained")
    axes = figure.subplots()
    top = float(np.nanmax(found.values)) if np.isfinite(found.values).any() else 1.0
    scale = PowerNorm(0.5, vmin=0, vmax=1.3 * (top or 1.0) if on_top else 1)
    axes.imshow(found.values, cmap="Blues", norm=scale, aspect="auto")
    size = 10 if n_columns <= 8 else 8.5 if n_columns <= 14 else 6
    for row, column in np.ndindex(n_rows, n_columns):
        text, value = found.texts[row][column], found.values[row, column]
        if found.greyed is not None and text:
            grey = bool(found.greyed[row, column])
            tile = Rectangle((column - 0.5, row - 0.5), 1, 1, fill=grey, facecolor=PALE, edgecolor="white", linewidth=1)
            tile.set_hatch("///" if grey else "")
            axes.add_patch(tile)
        colour = "white" if np.isfinite(value) and float(scale(value)) > 0.6 else INK
        axes.text(column, row, text, ha="center", va="center", fontsize=size, color=colour)
    if on_top:
        axes.xaxis.tick_top()
    alignment = "left" if on_top else "right"
    axes.set_xticks(range(n_columns), map(plain, found.columns), rotation=38, ha=alignment, rotation_mode="anchor")
    axes.set_yticks(range(n_rows), map(plain, found.rows))
    axes.set(xlabel=found.x_title, ylabel=found.y_title)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_xlim(-0.5, max(n_columns, 8) - 0.5)  # Few models leave room to the right.
    _title(figure, found.title)
    if found.greyed_label:
        patch = Patch(facecolor=PALE, edgecolor="white", hatch="///", linewidth=0)
        legend_below(figure, [patch], [found.greyed_label])
    return figure


def _title(figure: Figure, title: str) -> None:
    figure.suptitle(title.replace("$", r"\$"), x=0.01, ha="left", fontsize=11, fontweight="bold")


def _gallery(gallery: Gallery) -> Figure:
    rows = -(-len(gallery.items) // gallery.columns)
    lines = max(len(item.lines) for item in gallery.items)
    bars = any(item.bars for item in gallery.items)
    side = 0.9 * WIDTH / gallery.columns * min(1.0, 5 / gallery.columns)
    height, width = gallery.items[0].image.shape[:2]
    row_height = 0.17 * lines + side * min(1.2, height / width) + (0.9 if bars else 0.05)
    figure = Figure(figsize=(WIDTH, 0.45 + row_height * rows), layout="constrained")
    _title(figure, gallery.title)
    outer = figure.add_gridspec(rows, gallery.columns)
    for slot, item in enumerate(gallery.items):
        cell = outer[slot // gallery.columns, slot % gallery.columns]
        inner = cell.subgridspec(2, 1, height_ratios=(1.45, 1)) if bars else [cell]
        axes = figure.add_subplot(inner[0])
        show(axes, item.image)
        text = "\n".join(map(plain, item.lines))
        axes.set_title(text, fontsize=8, fontweight="normal", loc="center", color=INK)
        if bars:
            _bars(figure.add_subplot(inner[1]), item)
    return figure


def _bars(axes: Axes, item: Item) -> None:
    for place, (label, fraction, shade) in enumerate(item.bars):
        axes.barh(place, fraction, color=SHADES[shade], height=0.34, align="edge")
        axes.text(0, place - 0.08, f"{plain(label)}: {share(fraction)}", fontsize=8, va="bottom")
    axes.set_xlim(0, 1)
    axes.set_ylim(max(len(item.bars), 1) - 0.5, -0.6)
    axes.axis("off")


def show(axes: Axes, image: np.ndarray) -> None:
    """Draw one image, uint8 (h, w, c), grey or in colours."""
    axes.imshow(image if image.shape[2] == 3 else image[..., 0], cmap="gray", vmin=0, vmax=255)
    axes.axis("off")
