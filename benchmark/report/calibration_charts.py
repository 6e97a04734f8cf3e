"""Charts of calibration: reliability before and after temperature scaling, errors against coverage."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from benchmark.analysis.calibration import Reliability
from benchmark.report.style import FAMILIES, GREY, INK, WIDTH, colours, legend_below, marker

if TYPE_CHECKING:
    from benchmark.report.calibration import Scored

PANELS = 12
FEWEST = 20  # Images in a bin that is drawn: the accuracy of fewer may be anything.
SHARES = np.linspace(0.02, 1, 99)  # Coverages of the curves; of fewer images a risk may be anything.


def pooled(parts: Sequence[Reliability]) -> Reliability:
    """The reliability of all runs' images together."""
    counts = np.array([part.count for part in parts])
    total = counts.sum(axis=0)
    with np.errstate(invalid="ignore"):
        confidence, accuracy = (
            np.nansum(counts * np.array([getattr(part, name) for part in parts]), axis=0) / total
            for name in ("confidence", "accuracy")
        )
    return Reliability(parts[0].edges, confidence, accuracy, total)


def reliability(found: Sequence[Scored]) -> Figure:
    """A panel a model: accuracy against confidence, before and after temperature scaling."""
    shown = found[:PANELS]
    paint = colours(m.name for m in shown)
    columns = min(3, len(shown))
    rows = -(-len(shown) // columns)
    figure = Figure(figsize=(WIDTH if columns > 1 else 0.6 * WIDTH, 0.9 + 2.6 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for axes in panels.flat[len(shown) :]:
        axes.set_visible(False)
    for place, (axes, m) in enumerate(zip(panels.flat, shown, strict=False)):
        axes.plot([0, 1], [0, 1], color=INK, linewidth=0.8, linestyle=":")
        for parts, shade, style, zorder in (
            ([run.before for run in m.runs], GREY, "--", 2),
            ([run.after for run in m.runs], paint[m.name], "-", 3),
        ):
            whole = pooled(parts)
            full = whole.count >= FEWEST
            x, y = whole.confidence[full], whole.accuracy[full]
            axes.plot(x, y, color=shade, linestyle=style, linewidth=1.4, zorder=zorder)
            axes.scatter(x, y, s=8 + 90 * whole.count[full] / whole.count.sum(), color=shade, zorder=zorder)
        axes.set_title("\n".join(textwrap.wrap(m.name, 26)))
        axes.text(0.04, 0.96, f"ECE {m.mean('ece'):.3f} → {m.mean('ece_after'):.3f}", va="top", fontsize=9)
        axes.set(xlim=(0, 1.03), ylim=(0, 1.03), aspect="equal")
        axes.grid(True)
        # The last panel of a column may have none below it.
        if place + columns >= len(shown):
            axes.tick_params(labelbottom=True)
            axes.set_xlabel("confidence")
        if place % columns == 0:
            axes.set_ylabel("accuracy")
    panels.flat[0].plot([], [], color=GREY, linestyle="--", marker="o", markersize=4, label="before scaling")
    panels.flat[0].plot([], [], color=INK, marker="o", markersize=4, label="after scaling, in the model's colour")
    legend_below(figure, *panels.flat[0].get_legend_handles_labels())
    return figure


def risk_coverage(found: Sequence[Scored], coverage: float) -> Figure:
    """Share of errors among the surest images, a line a model, mean over seeds; one ``coverage`` is marked."""
    paint = colours(m.name for m in found)
    figure = Figure(figsize=(WIDTH, 4.6), layout="constrained")
    axes = figure.subplots()
    for m in sorted(found, key=lambda m: m.mean("error")):
        axes.plot(
            SHARES,
            np.mean([run.risk for run in m.runs], axis=0),
            color=paint[m.name],
            linewidth=1.8,
            marker=marker(m.name, m.summary.family),
            markevery=[-1],
            markersize=7,
            clip_on=False,
            label=f"{m.name} ({FAMILIES[m.summary.family]})",
        )
    axes.axvline(coverage, color=GREY, linewidth=0.8, linestyle=":")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value * 100:.3g}%"))
    axes.set(xlim=(0, 1), xlabel="coverage: share of the images that are answered, surest first")
    axes.set_ylim(bottom=0)
    axes.set_ylabel("errors among them")
    axes.grid(True)
    axes.set_title("Errors when the least sure images are passed on")
    legend_below(figure, *axes.get_legend_handles_labels())
    return figure
