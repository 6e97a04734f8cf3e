"""The part of a report on training sizes: chart, table, and the size from which on a network is ahead."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from benchmark.analysis.learning_curve import Lead, Point, crossover, curve, leads, proven
from benchmark.report.evidence import Evidence, Section
from benchmark.report.pairs import evidence as verdict
from benchmark.report.style import FAMILIES, GREY, INK, WIDTH, colours, legend_below, marker
from benchmark.utils.markdown import escape
from benchmark.utils.markdown import table as markdown

CHART = "efficiency.png"
NETWORKS = (
    " Networks train for the same number of epochs at every size; an epoch goes through few images several times. "
    "Recipes made for small sets might do better there."
)


def section(evidence: Evidence) -> Section | None:
    """Accuracy by number of training images; None where no model is recorded at two sizes."""
    points = curve(evidence.stored, evidence.selection.dataset.fingerprint)
    if not points:
        return None
    ahead, info = leads(points, evidence.predictions), points[0].summary.records[0].dataset
    parts = [
        "## How many images each needs",
        sentence(ahead),
        f"![Test accuracy against the number of training images]({CHART})",
        "Test accuracy, mean over seeds, with the 95% interval of the mean (Student's t) where there are three seeds "
        "or more; the best of each size in bold. A seed stands for a draw of training images and for chance in "
        "training; where all images are used there is no draw, and a model without chance has one value. The test "
        "images are the same throughout: their choice is not in the interval.",
        table(points),
    ]
    if ahead:
        parts += [
            "The best of either family at each size, by validation accuracy. The evidence is that of the comparison on "
            "the same test images, p adjusted by Holm's method over the sizes:",
            leads_table(ahead),
        ]
    parts += [
        "Training images are drawn stratified by class; of one seed, the smaller set is part of the larger. Every size "
        f"is validated on the same {info.validation_size:,} images, which choose the epoch and the best of a family: "
        f"a luxury where there are few to train on.{NETWORKS if any(p.family == 'network' for p in points) else ''}",
        f"```\n{_command(points)}\n```",
    ]
    return Section("\n\n".join(parts), {CHART: chart(points, crossover(ahead))})


def sentence(ahead: Mapping[int, Lead]) -> str:
    """From how many training images on the best network is ahead."""
    if not ahead:
        return "No size has both a network and a baseline: there is nothing to compare."
    found, most = crossover(ahead), max(ahead)
    if found is None:
        lead = ahead[most]
        order = f"{-lead.points:.2f} points behind" if lead.points else "level with"
        return (
            f"**No crossover: none found up to {most:,} training images**, where the best network, "
            f"{escape(lead.network.model)}, is {order} the best baseline, {escape(lead.baseline.model)}."
        )
    lead, fewer = ahead[found], [size for size in ahead if size < found]
    onward = "and at every larger size" if found != most else "the most that were tried"
    before = f"{onward}; with {max(fewer):,} it is not yet" if fewer else f"the fewest that were tried, {onward}"
    return (
        f"**The best network is ahead from {found:,} training images on**, {before}. With {found:,}, "
        f"{escape(lead.network.model)} leads {escape(lead.baseline.model)} by {lead.points:.2f} points.{_doubt(ahead)}"
    )


def _doubt(ahead: Mapping[int, Lead]) -> str:
    """What the tests say of the crossover, which goes by means alone."""
    found, sure = crossover(ahead), proven(ahead)
    if sure is not None and sure == found:
        return " That is more than chance, there and at every larger size."
    if sure is None:
        return " At the largest size the difference may still be chance."
    return f" Below {sure:,} images the difference may be chance; from there on it is not."


def table(points: Sequence[Point]) -> str:
    """A row a model, the best at the largest size first; a column a size."""
    sizes = sorted({point.size for point in points})
    found = {(point.model, point.size): point for point in points}
    best = {size: max(point.mean for point in points if point.size == size) for size in sizes}
    families = {point.model: FAMILIES[point.family] for point in points}

    def cell(model: str, size: int) -> str:
        point = found.get((model, size))
        if point is None:
            return "-"
        mean = f"**{point.mean:.4f}**" if point.mean == best[size] else f"{point.mean:.4f}"
        if point.half_width is not None:
            return f"{mean} ± {point.half_width:.4f}"
        return mean

    order = sorted(families, key=lambda model: [-found[model, s].mean for s in sizes[::-1] if (model, s) in found])
    seeds = {model: sorted({len(point.accuracies) for point in points if point.model == model}) for model in families}
    rows = [
        [escape(model), families[model], " to ".join(map(str, dict.fromkeys((seeds[model][0], seeds[model][-1]))))]
        + [cell(model, size) for size in sizes]
        for model in order
    ]
    return markdown(["model", "family", "seeds", *(f"{size:,}" for size in sizes)], rows, n_left=2)


def leads_table(ahead: Mapping[int, Lead]) -> str:
    rows = [
        [
            f"{size:,}",
            f"{escape(lead.network.model)} ({lead.network.mean:.4f})",
            f"{escape(lead.baseline.model)} ({lead.baseline.mean:.4f})",
            f"{lead.points:+.2f}",
            "not tested" if lead.pair is None else verdict(lead.pair),
        ]
        for size, lead in ahead.items()
    ]
    return markdown(["training images", "network", "baseline", "points", "evidence for the network"], rows)


def chart(points: Sequence[Point], crossing: int | None) -> Figure:
    """Test accuracy against training images, the latter logarithmic; intervals where there are any."""
    paint = colours(point.model for point in points)
    sizes = sorted({point.size for point in points})
    figure = Figure(figsize=(WIDTH, 4.8), layout="constrained")
    axes = figure.subplots()
    last = {point.model: point.mean for point in points}  # By model, then by size.
    for model in sorted(last, key=lambda name: -last[name]):
        line = [point for point in points if point.model == model]
        deep = line[0].family == "network"
        axes.errorbar(
            [point.size for point in line],
            [point.mean for point in line],
            yerr=[point.half_width or 0.0 for point in line],
            color=paint[model],
            marker=marker(model, line[0].family),
            markersize=7,
            linewidth=1.6,
            linestyle="-" if deep else "--",
            capsize=3,
            elinewidth=1,
            label=model,
            zorder=3 if deep else 2,
        )
    if crossing is not None:
        axes.axvline(crossing, color=GREY, linewidth=1, linestyle=":", zorder=1)
        axes.annotate(
            f"best network ahead\nfrom {crossing:,} on",
            (crossing, 0.03),
            xycoords=("data", "axes fraction"),
            # Away from the nearer edge.
            xytext=(-6 if crossing == sizes[-1] else 6, 0),
            textcoords="offset points",
            ha="right" if crossing == sizes[-1] else "left",
            va="bottom",
            color=INK,
            fontsize=9,
        )
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(FixedLocator(sizes))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value * 100:.3g}%"))
    axes.set_ylim(top=min(axes.get_ylim()[1], 1.02))  # Intervals may reach beyond what accuracies can.
    axes.grid(True)
    axes.set_xlabel("training images (logarithmic)")
    axes.set_ylabel("test accuracy")
    axes.set_title("Test accuracy by number of training images")
    handles, labels = axes.get_legend_handles_labels()
    legend_below(figure, handles, labels)
    return figure


def _command(points: Sequence[Point]) -> str:
    # The whole set may have been run with more seeds, for the leaderboard's sake.
    drawn = [point for point in points if point.summary.records[0].run.profile != "full"] or points
    seeds = max(len(point.accuracies) for point in drawn)
    models, sizes = sorted({point.model for point in points}), sorted({point.size for point in points})
    dataset = points[0].summary.records[0].run.dataset
    options = ["--sizes", ",".join(map(str, sizes)), "--seeds", str(seeds), "--dataset", dataset]
    return shlex.join(["python", "-m", "benchmark", "curve", *models, *options])
