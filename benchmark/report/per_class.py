"""Scores class by class, and which classes are confused."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from benchmark.analysis.select import ModelSummary
from benchmark.report import document as doc
from benchmark.report.evidence import Evidence
from benchmark.utils.format import percent, points

SCORES = {"F1": "f1", "Recall": "recall", "Precision": "precision"}
MOST_CELLS = 30  # Of a confusion matrix, that are named.
TINY_CELL = 0.0005  # Below a twentieth of a percent a cell is left empty rather than shown as 0.0.


def scores(evidence: Evidence) -> doc.Section | None:
    """Precision, recall and F1 of every model in every class."""
    summaries, names = evidence.summaries, evidence.class_names
    if not summaries:
        return None
    title = "Class by class"
    if len(names) > doc.MANY_CLASSES:
        said = f"F1 of each of {len(names):,} classes on the test images, mean over seeds, the hardest first"
        hardest = (_gains(evidence.baseline, evidence.cnn, names), chart(evidence))
        return doc.section("classes", title, *hardest, doc.Details(said, [tall_table(summaries, names)]))
    return doc.section(
        "classes",
        title,
        _gains(evidence.baseline, evidence.cnn, names),
        chart(evidence),
        "F1 on the test images, mean over seeds; the best of each class in bold:",
        table(summaries, names, "f1"),
        doc.Details(
            "Precision and recall",
            doc.section(
                "",
                "",
                "Precision: of the images classified as the class, the share that belong to it.",
                table(summaries, names, "precision"),
                "Recall: of the images of the class, the share classified as it.",
                table(summaries, names, "recall"),
            ).blocks,
        ),
    )


def _gains(baseline: ModelSummary | None, cnn: ModelSummary | None, names: Sequence[str]) -> str:
    """How far the F1 of the best CNN lies from that of the best baseline; what is significant is told of recall."""
    if baseline is None or cnn is None:
        return ""
    gain = (cnn.per_class("f1") - baseline.per_class("f1")) * 100
    most, least = int(np.nanargmax(gain)), int(np.nanargmin(gain))
    span = f"from {points(gain[least])} points ({names[least]}) to {points(gain[most])} ({names[most]})"
    if gain[most] == gain[least]:
        span = f"{points(gain[most]) + ' points' if gain[most] else '0'} in every class"
    return (
        f"F1 of {cnn.name} less that of {baseline.name}: {span}. "
        "Differences of F1 are not tested; those of recall are, class by class."
    )


def table(summaries: Sequence[ModelSummary], class_names: Sequence[str], score: str) -> doc.Table:
    """A score of every model in every class, a row per model, the best of each class emphasized."""
    columns = (
        doc.words("model"),
        *(
            doc.Column(name, "{:.3f}".format, best="highest", high_first=True, absent=doc.UNDEFINED)
            for name in class_names
        ),
    )
    return doc.Table(columns, [(s.name, *map(float, s.per_class(score))) for s in summaries])


def tall_table(summaries: Sequence[ModelSummary], class_names: Sequence[str]) -> doc.Table:
    """F1 of every model in every class, a row per class, the hardest first."""
    columns = [doc.words("class"), doc.Column("test images", "{:,}".format)]
    columns += [doc.Column(s.name, "{:.3f}".format, absent=doc.UNDEFINED) for s in summaries]
    f1 = np.array([s.per_class("f1") for s in summaries])
    support = summaries[0].support
    order = np.argsort(f1.mean(axis=0), kind="stable")
    rows = [(class_names[k], int(support[k]), *map(float, f1[:, k])) for k in order]
    return doc.Table(columns, rows, sortable=True)


def shown(score: np.ndarray) -> np.ndarray:
    """Numbers of the classes that a chart shows, from the highest score on; those without one are left out.

    Of many classes, as many with the highest and with the lowest scores as there is room for.
    """
    order = np.argsort(-score, kind="stable")[: int(np.isfinite(score).sum())]
    half = doc.MANY_CLASSES // 2
    return order if len(order) <= doc.MANY_CLASSES else np.r_[order[:half], order[-half:]]


def chart(evidence: Evidence) -> doc.Chart:
    """Scores of every model in every class, hardest class on top; beside F1 what the best CNN gains."""
    summaries, names = evidence.summaries, evidence.class_names
    f1 = np.mean([s.per_class("f1") for s in summaries], axis=0)
    order = shown(f1)  # From the bottom up.
    y = doc.Axis(
        ticks={float(place): names[index] for place, index in enumerate(order)}, low=-0.6, high=len(order) - 0.4
    )
    some = len(order) < np.isfinite(f1).sum()
    of_all = f" of {len(names):,}" if some else ""
    which = f"{len(order) // 2} hardest on top, {len(order) // 2} easiest below" if some else "hardest on top"
    panels = []
    for title, score in SCORES.items():
        series = [_scored(s, s.per_class(score)[order], np.array(names, dtype=object)[order]) for s in summaries[::-1]]
        panels.append(doc.Panel(f"{title} by class, {which}", series, doc.Axis(f"{title}, mean over seeds"), y))
    cnn, baseline = evidence.cnn, evidence.baseline
    if cnn is not None and baseline is not None:
        panels.insert(1, _gain_panel(cnn, baseline, order, y))
    hardest, easiest = (names[index] for index in (order[-1], order[0]))
    which = f"each of {len(order)} classes" if len(order) > 1 else "the one class"
    alt = (
        f"Scores of every model in {which}{of_all}. The hardest class is {hardest}, with a mean "
        f"F1 of {np.nanmin(f1):.3f}; the easiest is {easiest} with {np.nanmax(f1):.3f}."
    )
    printed = (0, 2 if cnn is not None and baseline is not None else 1)
    return doc.Chart("per-class", alt, panels, choice="Score", printed=printed, height=2 + 0.36 * len(order))


def _scored(summary: ModelSummary, values: np.ndarray, names: np.ndarray) -> doc.Series:
    """A model's scores of classes, from the bottom up, as far as they are defined."""
    places = np.flatnonzero(np.isfinite(values))
    hover = [f"{name}: {value:.3f}" for name, value in zip(names[places], values[places], strict=True)]
    return doc.Series(summary.name, values[places], places, summary.name, hover=hover)


def _gain_panel(cnn: ModelSummary, baseline: ModelSummary, order: np.ndarray, y: doc.Axis) -> doc.Panel:
    gain = (cnn.per_class("f1") - baseline.per_class("f1"))[order] * 100
    series = []
    for model, chosen in ((cnn.name, gain >= 0), (baseline.name, gain < 0)):
        notes = [f"{points:+z.1f}" for points in gain[chosen]]
        if chosen.any():
            series.append(
                doc.Series("", gain[chosen], np.flatnonzero(chosen), model, kind="bars", notes=notes, hover=notes)
            )
    # Room for the numbers beside the bars.
    spare = 0.3 * max(float(np.ptp([*gain, 0.0])), 0.5)
    low, high = min(0.0, float(gain.min())), max(0.0, float(gain.max()))
    x = doc.Axis("points of F1", low=low - (spare if low < 0 else 0), high=high + spare)
    return doc.Panel(f"{cnn.name} minus {baseline.name}", series, x, y, guide=0.0)


def confusion(evidence: Evidence) -> doc.Section | None:
    """The hardest classes, the most confused pairs, and confusion matrices."""
    summaries, names = evidence.summaries, evidence.class_names
    if not summaries:
        return None
    pair = [s for s in (evidence.baseline, evidence.cnn) if s is not None]
    hardest = _hardest(pair, names)
    return doc.section(
        "confusion",
        "Confusion",
        "The classes with the lowest recall:" if hardest else None,
        doc.Bullets(hardest) if hardest else None,
        *_pairs(pair, names),
        *(_largest(pair, names) if len(names) > doc.MANY_CLASSES else ()),
        doc.Printed(() if len(names) > doc.MANY_CLASSES else _matrices(summaries, pair, names), explorer=True),
    )


def _pairs(pair: Sequence[ModelSummary], names: Sequence[str]) -> list[doc.Block | str]:
    """The classes that are most often confused with each other."""
    columns = (doc.words("classes"), *(doc.Column(s.name, "{:.0f}".format) for s in pair))
    found = most_confused(pair, names)
    rows = [(f"{p.first} and {p.second}", *(p.errors[s.name] for s in pair)) for p in found]
    said = "The pairs confused most often: test images of either class misclassified as the other, mean over seeds:"
    return [said, doc.Table(columns, rows)] if rows else []


def _matrices(summaries: Sequence[ModelSummary], pair: Sequence[ModelSummary], names: Sequence[str]) -> list[doc.Block]:
    others = [matrix(s, names) for s in summaries if s not in pair]
    folded = [doc.Details("Confusion matrices of the other models", others)] if others else []
    return [*(matrix(s, names) for s in pair), *folded]


def _largest(pair: Sequence[ModelSummary], names: Sequence[str]) -> list[doc.Block | str]:
    """The largest cells off the diagonals, of matrices that would be too large to be seen."""
    rows = []
    for s in pair:
        counts, support = s.confusion, np.maximum(s.support, 1)
        wrong = counts - np.diag(np.diag(counts))
        for place in np.argsort(-wrong, axis=None, kind="stable")[:MOST_CELLS]:
            i, j = divmod(int(place), len(names))
            if wrong[i, j]:
                rows.append((names[i], s.name, names[j], float(wrong[i, j]), float(wrong[i, j] / support[i])))
    columns = (doc.words("actual"), doc.words("model"), doc.words("predicted"), doc.Column("images", "{:.0f}".format))
    said = f"The {MOST_CELLS} largest confusions of each, with their share of the actual class:"
    return [said, doc.Table((*columns, doc.Column("share", percent)), rows, sortable=True)] if rows else []


def _hardest(pair: Sequence[ModelSummary], names: Sequence[str]) -> list[str]:
    """The three classes with the lowest recall, mean of the models in ``pair``, with each model's recall."""
    if not pair:
        return []
    recalls = np.array([s.per_class("recall") for s in pair])
    mean = recalls.mean(axis=0)
    return [
        f"{names[index]}: " + ", ".join(f"{s.name} {r[index]:.3f}" for s, r in zip(pair, recalls, strict=True))
        for index in np.argsort(mean)[:3]
        if np.isfinite(mean[index])
    ]


def matrix(summary: ModelSummary, class_names: Sequence[str]) -> doc.Heatmap:
    """Per cent of each actual class (rows) predicted as each class (columns), mean over seeds."""
    counts = summary.confusion
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    texts = [[f"{value * 100:.1f}" if value >= TINY_CELL else "" for value in row] for row in share]
    title = f"{summary.name} ({summary.family}): per cent of each actual class"
    name, alt = f"confusion-{summary.name}", f"Confusion matrix of {summary.name}"
    return doc.Heatmap(name, alt, title, class_names, class_names, share, texts, x_title="predicted", y_title="actual")


@dataclasses.dataclass(frozen=True)
class ConfusedPair:
    """Two classes and how many images of either are misclassified as the other, by model (mean over seeds)."""

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
