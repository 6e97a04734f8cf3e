"""Charts of accuracy, classes, cost and training. Each returns a figure; ``style.save`` writes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from benchmark.analysis.select import ModelSummary
from benchmark.report.style import FAMILIES, INK, WIDTH, colours, legend_below, marker, plain


def leaderboard(summaries: Sequence[ModelSummary]) -> Figure:
    """Mean test accuracy of each model, with a dot a seed where there are several."""
    paint = colours(s.name for s in summaries)
    figure = Figure(figsize=(WIDTH, 1.1 + 0.42 * len(summaries)), layout="constrained")
    axes = figure.subplots()
    places = np.arange(len(summaries))[::-1]
    low = min(float(s.accuracies.min()) for s in summaries)
    high = max(float(s.accuracies.max()) for s in summaries)
    span = max(high - low, 0.02)
    for place, s in zip(places, summaries, strict=True):
        axes.plot([low - 0.25 * span, s.accuracy], [place, place], color=paint[s.name], linewidth=2, alpha=0.35)
        if s.n_seeds > 1:
            axes.scatter(s.accuracies, np.full(s.n_seeds, place), s=16, color=paint[s.name], alpha=0.5, linewidths=0)
        axes.scatter(s.accuracy, place, s=70, marker=marker(s.name, s.family), color=paint[s.name], zorder=3)
        axes.annotate(
            f"{s.accuracy:.2%}",
            (float(s.accuracies.max()), place),
            xytext=(10, 0),
            textcoords="offset points",
            va="center",
        )
    axes.set_yticks(places, [f"{s.name} ({FAMILIES[s.family]})" for s in summaries])
    axes.set_ylim(-0.6, len(summaries) - 0.4)
    axes.set_xlim(low - 0.25 * span, high + 0.2 * span)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, steps=[1, 2, 2.5, 5, 10]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value * 100:.3g}%"))
    axes.xaxis.grid(True)
    axes.set_xlabel("test accuracy (the axis does not begin at zero)")
    axes.set_title("Test accuracy by model")
    return figure


def per_class(
    summaries: Sequence[ModelSummary],
    class_names: Sequence[str],
    baseline: ModelSummary | None,
    cnn: ModelSummary | None,
) -> Figure:
    """F1 of every model in every class, hardest class on top; beside it what the best CNN gains."""
    paint = colours(s.name for s in summaries)
    compare = baseline is not None and cnn is not None
    order = np.argsort(np.mean([s.per_class("f1") for s in summaries], axis=0))
    places = np.arange(len(order))[::-1]
    figure = Figure(figsize=(WIDTH, 2.0 + 0.36 * len(order)), layout="constrained")
    if compare:
        left, right = figure.subplots(1, 2, sharey=True, width_ratios=(2.3, 1))
    else:
        left, right = figure.subplots(), None
    for s in reversed(summaries):  # The best is drawn last, on top.
        scores = s.per_class("f1")[order]
        left.scatter(scores, places, s=52, marker=marker(s.name, s.family), color=paint[s.name], label=s.name, zorder=3)
    left.set_yticks(places, [plain(class_names[index]) for index in order])
    left.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.2f}"))
    left.set_xlabel("F1 score, mean over seeds")
    left.set_title("F1 by class, hardest on top")
    left.grid(True)
    handles, labels = left.get_legend_handles_labels()
    legend_below(figure, handles[::-1], labels[::-1])
    if right is not None and baseline is not None and cnn is not None:
        _gain(right, (cnn.per_class("f1") - baseline.per_class("f1"))[order] * 100, places, paint, baseline, cnn)
    return figure


def _gain(
    axes: Axes, gain: np.ndarray, places: np.ndarray, paint: dict[str, str], baseline: ModelSummary, cnn: ModelSummary
) -> None:
    shades = [paint[cnn.name] if points >= 0 else paint[baseline.name] for points in gain]
    axes.barh(places, gain, color=shades, height=0.62)
    for points, place in zip(gain, places, strict=True):
        axes.annotate(
            f"{points:+.1f}",
            (points, place),
            xytext=(4 if points >= 0 else -4, 0),
            textcoords="offset points",
            va="center",
            ha="left" if points >= 0 else "right",
        )
    axes.axvline(0, color=INK, linewidth=0.8)
    spare = 0.3 * max(float(np.ptp([*gain, 0.0])), 0.5)
    axes.set_xlim(min(0.0, float(gain.min())) - (spare if gain.min() < 0 else 0), max(0.0, float(gain.max())) + spare)
    axes.xaxis.grid(True)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("points of F1")
    axes.set_title(f"{cnn.name}\nminus {baseline.name}", fontsize=10)


def cost(summaries: Sequence[ModelSummary]) -> Figure:
    """Test accuracy against fit time and against the time to predict 1,000 images."""
    paint = colours(s.name for s in summaries)
    figure = Figure(figsize=(WIDTH, 3.9), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    fit = [s.mean_cost("fit_seconds") or 0.0 for s in summaries]
    predict = [s.predict_seconds_per_1000 for s in summaries]
    for axes, seconds, title in zip(
        panels, (fit, predict), ("Time to fit", "Time to predict 1,000 images"), strict=True
    ):
        for s, x in zip(summaries, seconds, strict=True):
            axes.scatter(
                max(x, 1e-4),
                s.accuracy,
                s=70,
                marker=marker(s.name, s.family),
                color=paint[s.name],
                label=s.name,
                zorder=3,
            )
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _short(value)))
        axes.margins(x=0.15, y=0.15)
        axes.grid(True)
        axes.set_title(title)
    panels[0].yaxis.set_major_formatter(
        FuncFormatter(lambda value, _: f"{value:.0%}" if _whole(value) else f"{value:.1%}")
    )
    panels[0].set_ylabel("test accuracy")
    handles, labels = panels[0].get_legend_handles_labels()
    legend_below(figure, handles, labels)
    return figure


def training_curves(summaries: Sequence[ModelSummary]) -> Figure | None:
    """Validation accuracy and losses by epoch, a line a seed, the chosen epoch marked; None without any."""
    trained = [s for s in summaries if s.family == "network" and any(record.epochs for record in s.records)]
    if not trained:
        return None
    paint = colours(s.name for s in summaries)
    figure = Figure(figsize=(WIDTH, 3.9), layout="constrained")
    panels = figure.subplots(1, 2)
    for s in trained:
        validated: list[np.ndarray] = []
        losses: dict[str, list[np.ndarray]] = {"validation_loss": [], "train_loss": []}
        stars: list[np.ndarray] = []
        for record in s.records:
            accuracy = _curve(record.epochs, "validation_accuracy")
            validated.append(accuracy)
            for name, lines in losses.items():
                lines.append(_curve(record.epochs, name))
            best = best_epoch(record.epochs)
            if best is not None:
                stars.append(accuracy[best])
        # A collection a model: of thousands of seeds, lines one by one would take minutes.
        look: dict[str, Any] = {"colors": paint[s.name], "linewidths": 1.6, "alpha": 0.9}
        panels[0].add_collection(LineCollection(validated, **look, label=f"{s.name}, validation"))
        panels[1].add_collection(LineCollection(losses["validation_loss"], **look))
        panels[1].add_collection(
            LineCollection(losses["train_loss"], **look, linestyles=":", label=f"{s.name}, training")
        )
        if stars:
            panels[0].scatter(*np.transpose(stars), s=42, marker="*", color=INK, zorder=4)
    panels[0].scatter([], [], s=42, marker="*", color=INK, label="best epoch")
    for axes, title in zip(panels, ("Validation accuracy", "Cross-entropy"), strict=True):
        axes.autoscale_view()
        axes.set_title(title)
        axes.set_xlabel("epoch")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(True)
    (lines, words), (others, other_words) = (axes.get_legend_handles_labels() for axes in panels)
    legend_below(figure, lines + others, words + other_words)
    return figure


def best_epoch(rows: Sequence[dict[str, float | None]]) -> int | None:
    """The place of the epoch whose weights are kept; None without a validation accuracy.

    As in training: the highest accuracy, then the lowest loss, then the earliest.
    """
    accuracy, loss = (_curve(rows, f"validation_{name}")[:, 1] for name in ("accuracy", "loss"))
    if not np.isfinite(accuracy).any():
        return None
    ties = np.flatnonzero(accuracy == np.nanmax(accuracy))
    return int(ties[np.nanargmin(loss[ties])] if np.isfinite(loss[ties]).any() else ties[0])


def _curve(rows: Sequence[dict[str, float | None]], name: str) -> np.ndarray:
    """Epochs from 1 and the values of that name, nan where there is none: (n, 2)."""
    values = [np.nan if (value := row.get(name)) is None else value for row in rows]
    return np.column_stack([np.arange(1, len(rows) + 1), np.array(values, dtype=float)])


def _whole(value: float) -> bool:
    return abs(value * 100 - round(value * 100)) < 1e-6


def _short(seconds: float) -> str:
    return f"{seconds * 1000:,.10g} ms" if seconds < 1 else f"{seconds:,.10g} s"
