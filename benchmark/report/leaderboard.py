"""The leaderboard: a table of the numeric one, its chart, and accuracy against cost."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from benchmark.analysis.select import ModelSummary
from benchmark.estimators.metrics import METRICS
from benchmark.records.schema import RunRecord
from benchmark.report import pairwise
from benchmark.report.document import (
    Axis,
    Chart,
    Column,
    Details,
    Panel,
    Paragraph,
    Section,
    Series,
    Table,
    section,
    words,
)
from benchmark.report.evidence import Evidence
from benchmark.utils.format import count, counted, duration, interval, memory, percent, points

SECONDS = (1e-4, 1e-3, 1e-2, 0.1, 1, 10, 60, 600, 3600, 36_000)
DECADES = tuple(10.0**power for power in range(13))
METHOD = (
    "The first confidence interval is of these very runs and for test sampling: what other test images of the same "
    "kind might give (Wilson's interval; for several seeds, of the variance that their mean has). The second is of the "
    "model, trained again with other seeds on the same training images: it adds the seed-to-seed variance, for which "
    "the other models' seeds count too and, on 10,000 training images or more, an assumed 0.2 points. The standard "
    "deviation across seeds is that of training; deterministic models run once."
)
FURTHER = (
    "Balanced accuracy is the mean recall of the classes, macro-F1 the mean of their F1: every class counts alike, "
    "however many images it has. MCC is Matthews' correlation coefficient, 0 for guessing. Log loss punishes confident "
    "errors: lower is better. AUROC is the mean area under the ROC curves of each class against the rest, 0.5 for "
    "guessing. The last two need probabilities, AUROC at least decision values."
)
COSTS = (
    'The best CNN and the best baseline, of which the headline speaks, have the highest validation accuracy. "fit" is '
    'training time, validation included; "predict 1,000" the time for a thousand test images; "peak memory" what the '
    'model\'s process needs on top of its libraries, data included; "parameters" the numbers kept to predict with (for '
    "k-NN, the training set)."
)


METHOD_OF_FOLDS = (
    "Every image is predicted once per repeat, by a model that has not seen it; test accuracy is the mean over the "
    "folds of all repeats. The confidence interval is that of the corrected resampled t-test (see below), for a model "
    "trained on as many other images and tested on others. The standard deviation is that over folds, which share "
    "training images: it is no error of the mean. Where single images matter, below, the folds of a repeat are put "
    "together, and a seed stands for a repeat."
)


def of(evidence: Evidence) -> Table:
    """The leaderboard of a report; of folds it has one interval."""
    whole = table(evidence.leaderboard)
    if evidence.selection.folds is None:
        return whole
    titles = {4: "95% CI", 5: "std across folds (n)"}
    columns = [dataclasses.replace(c, title=titles.get(place, c.title)) for place, c in enumerate(whole.columns)]
    kept = [place for place in range(len(columns)) if place != 3]
    rows = [[row[place] for place in kept] for row in whole.rows]
    return Table([columns[place] for place in kept], rows, whole.sortable, whole.sorted_by)


def table(board: pd.DataFrame) -> Table:
    """The numeric leaderboard as people read it (:func:`benchmark.analysis.leaderboard.leaderboard`)."""
    columns = (
        words("model"),
        words("family"),
        Column("test accuracy", percent, best="highest", high_first=True),
        Column("95% CI (test sampling)", lambda ends: _percents(*ends), absent="unknown", high_first=True),
        Column("95% CI (test sampling and seeds)", lambda ends: _percents(*ends), absent="unknown", high_first=True),
        Column("std across seeds (n)", lambda value: f"{value[0]:.2%} ({value[1]})", absent="one seed"),
        Column("validation", percent, high_first=True),
        Column("fit", duration),
        Column("predict 1,000", duration),
        Column("peak memory", memory),
        Column("parameters", count),
    )
    records: Iterable[Any] = board.itertuples()
    rows = [
        (
            row.model,
            pairwise.family(row.family, row.convolutional, row.pretrained),
            row.accuracy,
            None if np.isnan(row.ci_low) else (row.ci_low, row.ci_high),
            None if np.isnan(row.model_ci_low) else (row.model_ci_low, row.model_ci_high),
            None if np.isnan(row.accuracy_std) else (row.accuracy_std, row.seeds),
            row.validation_accuracy,
            row.fit_seconds,
            row.predict_seconds_per_1000,
            row.peak_memory_bytes,
            row.parameter_count,
        )
        for row in records
    ]
    return Table(columns, rows, sortable=True, sorted_by=2)


def _percents(low: float, high: float) -> str:
    return f"{interval(low * 100, high * 100)}%"


def board(evidence: Evidence) -> Section | None:
    if not evidence.summaries:
        return None
    info, summaries = evidence.selection.dataset, evidence.summaries
    detectable = pairwise.detectable(evidence)
    compared = f'"Pairwise comparison" compares them image by image. {detectable}' if detectable else ""
    variants = _variants(summaries)
    return section(
        "leaderboard",
        "Leaderboard",
        chart(summaries),
        of(evidence),
        f"This is {evidence.selection.protocol}. {METHOD_OF_FOLDS}"
        if evidence.selection.folds
        else f"Test accuracy is the share of {info.test_size:,} test images that are classified correctly, mean over "
        f"seeds. {METHOD}",
        f"The models see the same images, so overlapping intervals do not make them equal: {compared}"
        if compared
        else None,
        COSTS,
        Details("Other metrics", [Paragraph(FURTHER), further]) if (further := _further(summaries)) else None,
        Details("The same networks, predicting in another way", (variants,)) if variants else None,
    )


def chart(summaries: Sequence[ModelSummary]) -> Chart:
    """Mean test accuracy of each model, with a dot per seed where there are several."""
    places = np.arange(len(summaries))[::-1]
    low = min(float(s.accuracies.min()) for s in summaries)
    high = max(float(s.accuracies.max()) for s in summaries)
    span = max(high - low, 0.02)
    series = []
    for place, s in zip(places, summaries, strict=True):
        if s.n_seeds > 1:
            spread = {"kind": "points", "sizes": [0.05] * s.n_seeds, "marker": "o"}
            series.append(Series("", s.accuracies, [place] * s.n_seeds, s.name, **spread))  # type: ignore[arg-type]
        ends = [(s.accuracies.min(), s.accuracies.max())]
        series.append(Series("", [s.accuracy], [place], s.name, notes=[percent(s.accuracy)], x_range=ends))
    ticks = {float(place): f"{s.name} ({s.family})" for place, s in zip(places, summaries, strict=True)}
    x = Axis("test accuracy (axis not from zero)", percent=True, low=low - 0.1 * span, high=high + span / 4)
    best = summaries[0]
    leader = f"{best.name} with {percent(best.accuracy)}"
    alt = f"Test accuracy of {counted(len(summaries), 'model')}; the most accurate is {leader}."
    panel = Panel("Test accuracy by model", series, x, Axis(ticks=ticks))
    return Chart("leaderboard", alt, [panel], columns=1, height=1.1 + 0.36 * len(summaries))


def _further(summaries: Sequence[ModelSummary]) -> Table | None:
    """Each model's other metrics on the test images, means over seeds; older records have none."""
    recorded = {name for s in summaries for test in s.tests for name in test.further}
    kept = [metric for metric in METRICS.values() if metric.name in recorded]
    if not kept:
        return None
    rows = []
    for s in summaries:
        values = [[test.further.get(metric.name) for test in s.tests] for metric in kept]
        means = [None if None in each else float(np.mean([v for v in each if v is not None])) for each in values]
        rows.append((s.name, *means))
    columns = [
        Column(
            metric.title,
            percent if metric.percent else "{:.3f}".format,
            absent="none",
            best="highest" if metric.higher else "lowest",
            high_first=metric.higher,
        )
        for metric in kept
    ]
    return Table([words("model"), *columns], rows)


def _variants(summaries: Sequence[ModelSummary]) -> Table | None:
    """What the models' other ways to predict give, beside what they are recorded with."""
    rows = []
    for s in summaries:
        for what in s.variants:
            accuracies, seconds = s.variant(what)
            rows.append((s.name, what, accuracies.mean(), (accuracies.mean() - s.accuracy) * 100, seconds))
    columns = (
        words("model"),
        words("predicting"),
        Column("test accuracy", percent),
        Column("points against the leaderboard", points),
        Column("predict 1,000", duration),
    )
    return Table(columns, rows) if rows else None


Measure = Callable[[RunRecord], "float | None"]


def _cost(field: str) -> Measure:
    return lambda record: None if record.cost is None else getattr(record.cost, field)


def _predict_1000(record: RunRecord) -> float | None:
    if record.cost is None or record.test is None:
        return None
    return record.cost.predict_seconds / record.test.n_images * 1000


# Of each choice: the number, how it is written, where ticks may be, and what counts as zero on a logarithmic axis.
MEASURES: dict[str, tuple[Measure, Callable[[float], str], Sequence[float], float]] = {
    "Time to fit": (_cost("fit_seconds"), duration, SECONDS, 1e-4),
    "Time to predict 1,000 images": (_predict_1000, duration, SECONDS, 1e-4),
    "Parameters": (_cost("parameter_count"), count, DECADES, 1.0),
    "Peak memory": (_cost("peak_memory_bytes"), memory, DECADES, 1e6),
}


def cost(evidence: Evidence) -> Section | None:
    """Test accuracy against what a model costs."""
    if not evidence.summaries:
        return None
    panels = [panel for name in MEASURES if (panel := _against(evidence.summaries, name)) is not None]
    alt = f"Test accuracy of {counted(len(evidence.summaries), 'model')} against cost on a logarithmic axis."
    mixed = len({_machine(record) for s in evidence.summaries for record in s.records}) > 1
    return section(
        "cost",
        "Accuracy and cost",
        "Further left is cheaper, further up is better; the line joins the models that no other beats in both, error "
        f"bars reach from the lowest to the highest {'fold' if evidence.selection.folds else 'seed'}. Times include "
        "the computing of features, even where they came from a cache."
        + (
            " The runs differ in processor or number of threads, so their times cannot be compared directly."
            if mixed
            else ""
        ),
        Chart("cost", alt, panels, choice="Cost", printed=(0, 2), height=3.9),
    )


def _machine(record: RunRecord) -> tuple[object, ...]:
    """What two runs must share for their times to compare."""
    return record.environment.cpu, record.environment.gpu, record.cost.threads if record.cost else None


def _against(summaries: Sequence[ModelSummary], name: str) -> Panel | None:
    measure, write, ticks, least = MEASURES[name]
    series: list[Series] = []
    seen: list[float] = []
    for s in summaries:
        costs = [value for record in s.records if (value := measure(record)) is not None]
        if not costs:
            continue
        x = max(float(np.mean(costs)), least)
        seen += [max(value, least) for value in costs]
        ranges: dict[str, Any] = {}
        if s.n_seeds > 1:
            ranges["x_range"] = [(max(min(costs), least), max(*costs, least))]
            ranges["y_range"] = [(s.accuracies.min(), s.accuracies.max())]
        hover = [f"{percent(s.accuracy)}, {write(x)}"]
        series.append(Series(s.name, [x], [s.accuracy], s.name, hover=hover, frontier=True, **ranges))
    if not series:
        return None
    shown = {tick: _round(write(tick)) for tick in ticks if min(seen) / 10 <= tick <= max(seen) * 10}
    # Room for the names beside the outermost points.
    low, high = np.log10([min(seen), max(seen)])
    span = max(high - low, 0.5)
    x_axis = Axis(name, log=True, ticks=shown, low=10 ** (low - 0.1 * span), high=10 ** (high + 0.16 * span))
    return Panel(name, series, x_axis, Axis("test accuracy", percent=True))


def _round(text: str) -> str:
    """A round number without its zeros: ``1 min``, not ``1 min 00 s``; ``1 ms``, not ``1.0 ms``."""
    return text.removesuffix(" 00 s").removesuffix(" 00 min").replace(".0 ", " ")
