"""Who is taken for whom: confusion matrices, the most confused pairs, the hardest classes."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from benchmark.analysis.select import ModelSummary
from benchmark.report.style import FAMILIES, INK, WIDTH, plain

TINY_CELL = 0.0005  # Below a twentieth of a percent a cell is left empty rather than shown as 0.0.


def matrix(summary: ModelSummary, class_names: Sequence[str]) -> Figure:
    """Per cent of each actual class (rows) predicted as each class (columns), mean over seeds."""
    counts = summary.confusion
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    k = len(class_names)
    labels = [plain(name) for name in class_names]
    figure = Figure(figsize=(WIDTH, 0.78 * WIDTH), layout="constrained")
    axes = figure.subplots()
    # A square root spreads the few per cent in which models differ.
    image = axes.imshow(np.sqrt(share), cmap="Blues", vmin=0, vmax=1, aspect="auto")
    del image
    for row in range(k):
        for column in range(k):
            if share[row, column] >= TINY_CELL:
                axes.text(
                    column,
                    row,
                    f"{share[row, column] * 100:.1f}",
                    ha="center",
                    va="center",
                    fontsize=10 if k <= 10 else 7,
                    fontweight="bold" if row == column else "normal",
                    color="white" if share[row, column] > 0.3 else INK,
                )
    axes.set_xticks(range(k), labels, rotation=35, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(k), labels)
    axes.set_xlabel("predicted")
    axes.set_ylabel("actual")
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_title(f"{summary.name} ({FAMILIES[summary.family]}): per cent of each actual class")
    return figure


@dataclasses.dataclass(frozen=True)
class ConfusedPair:
    """Two classes and how many images of either are taken for the other, by model (mean over seeds)."""

    first: str
    second: str
    errors: dict[str, float]


def most_confused(summaries: Sequence[ModelSummary], class_names: Sequence[str], limit: int = 6) -> list[ConfusedPair]:
    """The pairs with the most mutual errors, added up over ``summaries``; pairs without any are left out."""
    if not summaries:
        return []
    mutual = {s.name: s.confusion + s.confusion.T for s in summaries}
    total = np.triu(sum(mutual.values()), k=1)
    order = np.argsort(-total, axis=None, kind="stable")[:limit]
    pairs = [np.unravel_index(place, total.shape) for place in order]
    return [
        ConfusedPair(class_names[i], class_names[j], {name: float(errors[i, j]) for name, errors in mutual.items()})
        for i, j in pairs
        if total[i, j] > 0
    ]
