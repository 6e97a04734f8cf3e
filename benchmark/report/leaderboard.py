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
from benchmark.utils.format import count, counted, duration, interval, memory

SECONDS = (1e-4, 1e-3, 1e-2, 0.1, 1, 10, 60, 600, 3600, 36_000)
DECADES = tuple(10.0**power for power in range(13))
METHOD = (
    "The first confidence interval is of these very runs and for test sampling: what other test images of the same "
    "kind might give ({interval}). The second is of the "
    "model, trained again with other seeds on the same training images: it adds the seed-to-seed variance, for which "
    "the other models' seeds count too and, on 10,000 training images or more, an assumed 0.2 points of accuracy. The "
    "standard "
    "deviation across seeds is that of training; deterministic models run once."
)
WILSON = "Wilson's interval; for several seeds, of the variance that their mean has"
OF_CLASSES = "Wilson's interval, of the variance that the metric has when test images are drawn class by class"
STUDENT = "Student's interval of the logarithm of the loss"
NEEDS = "Log loss needs probabilities, AUROC at least decision values."
COSTS = (
    'The best CNN and the best baseline, of which the headline speaks, are the best on the validation images. "fit" is '
    'training time, validation included; "predict 1,000" the time for a thousand test images; "peak memory" what the '
    'model\'s process needs on top of its libraries, data included; "parameters" the numbers kept to predict with (for '
    "k-NN, the training set)."
)


METHOD_OF_FOLDS = (
    "Every image is predicted once per repeat, by a model that has not seen it; the metric is the mean over the "
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
    metric = METRICS[board["metric"].iloc[0]] if len(board) else METRICS["accuracy"]

    def ends(both: tuple[float, float]) -> str:
        scale = 100 if metric.percent else 1
        return (
            f"{interval(both[0] * scale, both[1] * scale, 2 if metric.percent else 3)}{'%' if metric.percent else ''}"
        )

    def spread(value: tuple[float, int]) -> str:
        return f"{value[0]:.2%} ({value[1]})" if metric.percent else f"{value[0]:.4f} ({value[1]})"

    columns = (
        words("model"),
        words("family"),
        Column(
            f"test {metric.title}",
            metric.text,
            best="highest" if metric.higher else "lowest",
            absent="none",
            high_first=metric.higher,
        ),
        Column("95% CI (test sampling)", ends, absent="unknown", high_first=metric.higher),
        Column("95% CI (test sampling and seeds)", ends, absent="unknown", high_first=metric.higher),
        Column("std across seeds (n)", spread, absent="one seed"),
        Column("validation", metric.text, absent="none", high_first=metric.higher),
        Column("fit", duration),
        Column("predict 1,000", duration),
        Column("peak memory", memory),
        Column("parameters", count),
    )
    records: Iterable[Any] = board.itertuples()
    rows = [
        (
            row.model,
            "trivial baseline" if row.trivial else pairwise.family(row.family, row.convolutional, row.pretrained),
            row.value,
            None if np.isnan(row.ci_low) else (row.ci_low, row.ci_high),
            None if np.isnan(row.model_ci_low) else (row.model_ci_low, row.model_ci_high),
            None if np.isnan(row.value_std) else (row.value_std, row.seeds),
            row.validation_value,
            row.fit_seconds,
            row.predict_seconds_per_1000,
            row.peak_memory_bytes,
            row.parameter_count,
        )
        for row in records
    ]
    return Table(columns, rows, sortable=True, sorted_by=2 if metric.higher else None)


def board(evidence: Evidence) -> Section | None:
    info, summaries, metric = evidence.selection.dataset, evidence.summaries, evidence.metric
    if not evidence.selection.ranked:
        return None
    how = WILSON if metric.name == "accuracy" else OF_CLASSES if metric.higher else STUDENT
    detectable = pairwise.detectable(evidence)
    compared = f'"Pairwise comparison" compares them image by image. {detectable}' if detectable else ""
    variants = _variants(summaries)
    return section(
        "leaderboard",
        "Leaderboard",
        chart(summaries) if any(_measured(summaries)) else None,
        of(evidence),
        f"{metric.meaning} This is {evidence.selection.protocol}. {METHOD_OF_FOLDS}"
        if evidence.selection.folds
        else f"{metric.meaning} The table has that of {info.test_size:,} test images, mean over seeds. "
        + METHOD.format(interval=how),
        f"The models see the same images, so overlapping intervals do not make them equal: {compared}"
        if compared
        else None,
        COSTS,
        _trivial(evidence.selection.trivial),
        _further(evidence.selection.ranked),
        Details("The same networks, predicting in another way", (variants,)) if variants else None,
    )


def _trivial(lines: Sequence[ModelSummary]) -> str:
    """What reference lines are for."""
    said = (f"For reference, {s.name}: {s.records[0].model.description}. It is compared with nothing." for s in lines)
    return " ".join(said)


def chart(summaries: Sequence[ModelSummary]) -> Chart:
    """The metric of each model, mean over seeds, with a dot per seed where there are several."""
    summaries, metric = _measured(summaries), summaries[0].metric
    places = np.arange(len(summaries))[::-1]
    low = min(float(s.values.min()) for s in summaries)
    high = max(float(s.values.max()) for s in summaries)
    span = max(high - low, 0.02)
    series = []
    for place, s in zip(places, summaries, strict=True):
        if s.n_seeds > 1:
            spread = {"kind": "points", "sizes": [0.05] * s.n_seeds, "marker": "o"}
            series.append(Series("", s.values, [place] * s.n_seeds, s.name, **spread))  # type: ignore[arg-type]
        ends = [(s.values.min(), s.values.max())]
        series.append(Series("", [s.value], [place], s.name, notes=[metric.text(s.value)], x_range=ends))
    ticks = {float(place): f"{s.name} ({s.family})" for place, s in zip(places, summaries, strict=True)}
    x = Axis(
        f"test {metric.title} (axis not from zero)", percent=metric.percent, low=low - 0.1 * span, high=high + span / 4
    )
    best = summaries[0]
    leader = f"{best.name} with {metric.text(best.value)}"
    alt = f"Test {metric.title} of {counted(len(summaries), 'model')}; the best is {leader}."
    panel = Panel(f"Test {metric.title} by model", series, x, Axis(ticks=ticks))
    return Chart("leaderboard", alt, [panel], columns=1, height=1.1 + 0.36 * len(summaries))


def _measured(summaries: Sequence[ModelSummary]) -> list[ModelSummary]:
    """The models that predict what the metric needs."""
    return [s for s in summaries if not np.isnan(s.value)]


def _further(summaries: Sequence[ModelSummary]) -> Details | None:
    """Each model by the other metrics, on the test images, means over seeds; of older records, those of labels."""
    others = [metric for metric in METRICS.values() if metric != summaries[0].metric]
    values = {m.name: [float(np.mean([m.recorded(test) for test in s.tests])) for s in summaries] for m in others}
    kept = [metric for metric in others if not all(np.isnan(values[metric.name]))]
    rows = [(s.name, *(values[metric.name][place] for metric in kept)) for place, s in enumerate(summaries)]
    columns = [
        Column(
            metric.title,
            metric.text,
            absent="none",
            best="highest" if metric.higher else "lowest",
            high_first=metric.higher,
        )
        for metric in kept
    ]
    meanings = " ".join([metric.meaning for metric in kept])
    return Details("Other metrics", [Paragraph(f"{meanings} {NEEDS}"), Table([words("model"), *columns], rows)])


def _variants(summaries: Sequence[ModelSummary]) -> Table | None:
    """What the models' other ways to predict give, beside what they are recorded with."""
    rows: list[tuple[object, ...]] = []
    metric = METRICS["accuracy"]
    for s in summaries:
        metric = s.metric
        for what in s.variants:
            value, seconds = s.variant(what)
            rows.append((s.name, what, value, s.metric.lead(value, s.value), seconds))
    columns = (
        words("model"),
        words("predicting"),
        Column(f"test {metric.title}", metric.text, absent="none"),
        Column(f"{metric.points.strip() or 'better'} against the leaderboard", metric.difference, absent="none"),
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
    """The metric against what a model costs."""
    metric, measured = evidence.metric, _measured(evidence.summaries)
    if not measured:
        return None
    panels = [panel for name in MEASURES if (panel := _against(measured, name)) is not None]
    alt = f"Test {metric.title} of {counted(len(measured), 'model')} against cost on a logarithmic axis."
    mixed = len({_machine(record) for s in evidence.summaries for record in s.records}) > 1
    return section(
        "cost",
        f"{metric.title[0].upper()}{metric.title[1:]} and cost",
        f"Further left is cheaper, further {'up' if metric.higher else 'down'} is better; "
        + ("the line joins the models that no other beats in both, " if metric.higher else "")
        + f"error bars reach from the lowest to the highest {'fold' if evidence.selection.folds else 'seed'}. Times "
        "include the computing of features, even where they came from a cache."
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
    metric = summaries[0].metric
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
            ranges["y_range"] = [(s.values.min(), s.values.max())]
        hover = [f"{s.metric.text(s.value)}, {write(x)}"]
        series.append(Series(s.name, [x], [s.value], s.name, hover=hover, frontier=s.metric.higher, **ranges))
    if not series:
        return None
    shown = {tick: _round(write(tick)) for tick in ticks if min(seen) / 10 <= tick <= max(seen) * 10}
    # Room for the names beside the outermost points.
    low, high = np.log10([min(seen), max(seen)])
    span = max(high - low, 0.5)
    x_axis = Axis(name, log=True, ticks=shown, low=10 ** (low - 0.1 * span), high=10 ** (high + 0.16 * span))
    return Panel(name, series, x_axis, Axis(f"test {metric.title}", percent=metric.percent))


def _round(text: str) -> str:
    """A round number without its zeros: ``1 min``, not ``1 min 00 s``; ``1 ms``, not ``1.0 ms``."""
    return text.removesuffix(" 00 s").removesuffix(" 00 min").replace(".0 ", " ")
