"""Who beats whom: the paired comparison of models, over all test images and class by class."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from benchmark.analysis import stats
from benchmark.analysis.comparison import Comparison, Hits, Pair, class_pairs, hits
from benchmark.analysis.select import ModelSummary
from benchmark.report.evidence import Evidence, Section
from benchmark.report.style import GREY, INK, WIDTH, colours, legend_below, plain
from benchmark.utils.markdown import escape
from benchmark.utils.markdown import table as markdown

LEVEL = "cannot be told apart"
PALE = "#E4E4E4"


def evidence(pair: Pair) -> str:
    """What the comparison says of ``pair.left``, with its numbers where it says something."""
    if pair.beats:
        return f"beats by {extent(pair)}"
    if pair.swapped().beats:
        return f"is beaten by {extent(pair.swapped())}"
    return LEVEL


def extent(pair: Pair) -> str:
    """The difference in points with its interval and the adjusted p."""
    points = f"{pair.points:.2f}" if pair.beats else f"{pair.points:+z.2f}"
    return f"{points} points (95% CI {interval(pair)}, p {_relation(pair.adjusted_p)})"


def interval(pair: Pair) -> str:
    return f"{pair.low:.2f} to {pair.high:.2f}"


def _relation(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"= {p:.3f}"


def probability(p: float) -> str:
    """A p-value in a table."""
    return _relation(p).removeprefix("= ")


def neighbours(found: Evidence) -> list[Pair]:
    """Each model of the leaderboard against the next."""
    names = [s.name for s in found.summaries]
    pairs = (found.comparison.find(*both) for both in itertools.pairwise(names))
    return [pair for pair in pairs if pair is not None]


def detectable(found: Evidence) -> str:
    """What difference the paired test can find at all, in a sentence; empty where nothing is compared."""
    pairs = neighbours(found)
    if not pairs:
        return ""
    share, n = float(np.median([pair.discordant_share for pair in pairs])), pairs[0].n_images
    points = stats.minimum_detectable_difference(n, share)
    smallest = "no difference at all" if points is None else f"a true difference of {points * 100:.2f} points"
    return (
        f"Of two neighbours in the table, one is right and the other wrong on {share:.1%} of the {n:,} images "
        f"(median): a paired test at the level of 5%, taken alone, then finds {smallest} in four cases out of five."
    )


METHOD = """\
Every pair is compared on the same images. "Only it" and "only the other" count those that one of the two alone gets
right (of several seeds, the mean over pairs of runs). With one seed each, p is that of McNemar's exact test. With
several it rests on t with Satterthwaite's degrees of freedom, and on two sources of variance: per-image differences
over the images, and what seeds move accuracy as a whole. A model with one seed contributes nothing to the second: the
verdict then is about that run. Intervals are for each pair alone; Holm's p, which the headline gives, is adjusted over
all pairs, and the verdict is at the level of 5%."""


def section(found: Evidence) -> Section | None:
    """Every model against every other: a matrix, and the pairs that matter in numbers."""
    if len(found.summaries) < 2:
        return None
    comparison, best = found.comparison, found.best_pair
    left_out = "\n".join(f"- {escape(reason)}" for reason in comparison.left_out)
    if not comparison.pairs:
        return Section(f"## Who beats whom\n\nNo two models can be compared image by image:\n\n{left_out}")
    apart = sum(evidence(pair) != LEVEL for pair in comparison.pairs)
    shown = [best, *(pair for pair in neighbours(found) if pair != best)] if best else neighbours(found)
    text = [
        "## Who beats whom",
        f"{apart} of {len(comparison.pairs)} pairs of models can be told apart.",
        "![By how many points each model is ahead of each other](pairs.png)",
        *([_about(found, best)] if best else []),
        f"{'The best network against the best baseline, and each' if best else 'Each'} model against the next of the "
        "leaderboard:",
        _table(shown),
        METHOD,
        *([f"Not compared:\n\n{left_out}"] if left_out else []),
    ]
    return Section("\n\n".join(text), {"pairs.png": matrix([s.name for s in found.summaries], comparison)})


def _about(found: Evidence, pair: Pair) -> str:
    """The pair of the headline, with the sources of its error and the bootstrap beside the t interval."""
    left, right = (hits(s, found.predictions) for s in (found.cnn, found.baseline) if s is not None)
    assert isinstance(left, Hits)
    assert isinstance(right, Hits)
    low, high = stats.paired_bootstrap(left.right.mean(axis=0), right.right.mean(axis=0))
    training = (
        f"training by chance {pair.training_error:.2f}"
        if max(pair.seeds) > 1
        else "what training adds cannot be seen with one seed each"
    )
    return (
        f"{escape(pair.left)} against {escape(pair.right)}: {evidence(pair)}. To the standard error of the difference "
        f"the choice of test images contributes {pair.images_error:.2f} points, {training}. Resampling the images "
        f"alone, without any formula, gives an interval of {low * 100:.2f} to {high * 100:.2f}."
    )


def _table(pairs: Sequence[Pair]) -> str:
    rows = [
        [
            escape(pair.left),
            escape(pair.right),
            f"{pair.points:+z.2f}",
            interval(pair),
            f"{pair.only_left:.0f}",
            f"{pair.only_right:.0f}",
            probability(pair.p),
            probability(pair.adjusted_p),
            pair.verdict.removesuffix(" from"),
        ]
        for pair in pairs
    ]
    header = ["model", "against", "points", "95% CI", "only it", "only the other", "p", "Holm's p", "verdict"]
    return markdown(header, rows, n_left=2)


def matrix(names: Sequence[str], comparison: Comparison) -> Figure:
    """By how many points the model of a row is ahead of that of a column; ``names`` are sorted, best first."""
    k = len(names) - 1
    height = 0.85 + 0.055 * max(map(len, names)) + 0.4 * k  # The names of the columns stand aslant on top.
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    axes = figure.subplots()
    found = {(r, c): comparison.find(names[r], names[c + 1]) for r in range(k) for c in range(r, k)}
    points = np.full((k, k), np.nan)
    for place, pair in found.items():
        if pair is not None and evidence(pair) != LEVEL:
            points[place] = pair.points
    top = float(np.nanmax(points)) if np.isfinite(points).any() else 1.0
    # The root spreads the small differences, of which there are most.
    scale = PowerNorm(0.5, vmin=0, vmax=1.3 * top)
    axes.imshow(points, cmap="Blues", norm=scale, aspect="auto")
    for (row, column), pair in found.items():
        if pair is None:
            continue
        apart = evidence(pair) != LEVEL
        tile = Rectangle(
            (column - 0.5, row - 0.5), 1, 1, fill=not apart, facecolor=PALE, edgecolor="white", linewidth=1
        )
        if not apart:
            tile.set_hatch("///")
        axes.add_patch(tile)
        axes.text(
            column,
            row,
            f"{pair.points:z.1f}",
            ha="center",
            va="center",
            fontsize=10 if k <= 8 else 8.5 if k <= 14 else 6,
            color="white" if apart and float(scale(pair.points)) > 0.66 else INK,
        )
    axes.set_xticks(range(k), names[1:], rotation=40, ha="left", rotation_mode="anchor")
    axes.set_yticks(range(k), names[:-1])
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_xlim(-0.5, max(k, 8) - 0.5)  # Few models leave room to the right.
    figure.suptitle(
        "By how many points of test accuracy the row is ahead of the column",
        x=0.01,
        ha="left",
        fontsize=11,
        fontweight="bold",
    )
    handle = Patch(facecolor=PALE, edgecolor="white", hatch="///", linewidth=0)
    legend_below(figure, [handle], ["cannot be told apart (Holm's p is 0.05 or more)"])
    return figure


def class_section(found: Evidence) -> Section | None:
    """The best network against the best baseline in every class: where networks win, and where they do not."""
    cnn, baseline, names = found.cnn, found.baseline, found.class_names
    if cnn is None or baseline is None:
        return None
    by_class = class_pairs(cnn, baseline, len(names), found.predictions)
    if isinstance(by_class, str):
        return None
    compared = [(number, pair) for number, pair in enumerate(by_class) if pair is not None]
    compared.sort(key=lambda item: -item[1].points)
    outcomes = {
        f"{escape(cnn.name)} finds more": [names[number] for number, pair in compared if pair.beats],
        f"{escape(baseline.name)} finds more": [names[number] for number, pair in compared if pair.swapped().beats],
        f"they {LEVEL}": [names[number] for number, pair in compared if evidence(pair) == LEVEL],
    }
    said = [f"{outcome} in {', '.join(map(escape, classes))}" for outcome, classes in outcomes.items() if classes]
    recalls = cnn.per_class("recall"), baseline.per_class("recall")
    rows = [
        [
            escape(names[number]),
            *(f"{recall[number]:.3f}" for recall in recalls),
            f"{pair.points:+z.1f}",
            f"{pair.low:.1f} to {pair.high:.1f}",
            f"{pair.only_left:.0f}",
            f"{pair.only_right:.0f}",
            probability(pair.adjusted_p),
            evidence(pair).split(" by ")[0],
        ]
        for number, pair in compared
    ]
    header = ["class", cnn.name, baseline.name, "points", "95% CI", "only it", "only the other", "Holm's p", "verdict"]
    text = [
        f"### {escape(cnn.name)} against {escape(baseline.name)}, class by class",
        f"Compared on the test images of each class (recall), {'; '.join(said)}.",
        "![Difference of recall in every class, with intervals](class-pairs.png)",
        markdown([*map(escape, header)], rows, n_left=1),
        "Intervals are for each class alone; Holm's p is adjusted over the classes.",
    ]
    figure = class_chart([(names[number], pair) for number, pair in compared], cnn, baseline)
    return Section("\n\n".join(text), {"class-pairs.png": figure})


def class_chart(compared: Sequence[tuple[str, Pair]], cnn: ModelSummary, baseline: ModelSummary) -> Figure:
    """Differences of recall with their 95 % intervals, in the order given from the top."""
    paint = colours([cnn.name, baseline.name])
    groups = {
        "beats": (paint[cnn.name], "D", f"{cnn.name} finds more"),
        "is beaten by": (paint[baseline.name], "o", f"{baseline.name} finds more"),
        "cannot be told apart from": (GREY, "s", LEVEL),
    }
    figure = Figure(figsize=(WIDTH, 1.8 + 0.36 * len(compared)), layout="constrained")
    axes = figure.subplots()
    axes.axvline(0, color=INK, linewidth=0.8)
    places = np.arange(len(compared))[::-1]
    drawn = {}
    for (_, pair), place in zip(compared, places, strict=True):
        colour, shape, label = groups[pair.verdict]
        axes.plot([pair.low, pair.high], [place, place], color=colour, linewidth=2)
        drawn[label] = axes.scatter(pair.points, place, s=55, marker=shape, color=colour, zorder=3)
        axes.annotate(
            f"{pair.points:+z.1f}", (pair.high, place), xytext=(7, 0), textcoords="offset points", va="center"
        )
    axes.set_yticks(places, [plain(name) for name, _ in compared])
    axes.set_ylim(-0.6, len(compared) - 0.4)
    axes.margins(x=0.09)
    axes.xaxis.grid(True)
    axes.set_xlabel("points of recall, with 95% interval")
    axes.set_title(f"{cnn.name} minus {baseline.name}: images found of each class")
    legend_below(figure, list(drawn.values()), list(drawn))
    return figure
