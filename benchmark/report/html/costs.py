"""Accuracy against cost, and scores by class."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from benchmark.analysis.select import ModelSummary
from benchmark.records.schema import RunRecord
from benchmark.report.evidence import Evidence
from benchmark.report.html.panels import Chart, Figure, Panel, models_figure, plain
from benchmark.utils.format import count, duration, memory

Measure = Callable[[RunRecord], float | None]
SECONDS = (1e-4, 1e-3, 1e-2, 0.1, 1, 10, 60, 600, 3600, 36_000)
DECADES = tuple(10.0**power for power in range(13))


def _cost(field: str) -> Measure:
    return lambda record: None if record.cost is None else getattr(record.cost, field)


def _predict_1000(record: RunRecord) -> float | None:
    if record.cost is None or record.test is None:
        return None
    return record.cost.predict_seconds / record.test.n_images * 1000


# Of each choice: the number, how it is written, where ticks may be, and what counts as nothing on a logarithmic axis.
COSTS: dict[str, tuple[Measure, Callable[[float], str], Sequence[float], float]] = {
    "Time to fit": (_cost("fit_seconds"), duration, SECONDS, 1e-4),
    "Time to predict 1,000 images": (_predict_1000, duration, SECONDS, 1e-4),
    "Parameters": (_cost("parameter_count"), count, DECADES, 1.0),
    "Peak memory": (_cost("peak_memory_bytes"), memory, DECADES, 1e6),
}


def cost(evidence: Evidence) -> Panel | None:
    """Test accuracy against what a model costs, with the frontier of those that nothing beats in both."""
    if not evidence.summaries:
        return None
    figures = {name: _against(evidence.summaries, name) for name in COSTS}
    figures = {name: figure for name, figure in figures.items() if len(figure["data"]) > 1}
    best = evidence.summaries[0]
    alt = (
        f"Test accuracy of {len(evidence.summaries)} models against their cost on a logarithmic axis. The most "
        f"accurate is {best.name} with {best.accuracy:.2%}. The leaderboard has the numbers."
    )
    text = (
        "Further left is cheaper, further up is better. The line joins the models that no other beats in both; bars "
        "reach from the lowest to the highest seed."
    )
    return Panel("cost", "What it costs", text, (Chart(alt, figures, "Cost", 460),))


def _against(summaries: Sequence[ModelSummary], name: str) -> Figure:
    measure, write, ticks, least = COSTS[name]
    traces: list[dict[str, Any]] = [
        {"type": "scatter", "mode": "lines", "line": {"shape": "hv"}, "hoverinfo": "skip", "meta": {"role": "frontier"}}
    ]
    seen: list[float] = []
    for s in summaries:
        costs = [value for record in s.records if (value := measure(record)) is not None]
        if not costs:
            continue
        x, y = max(float(np.mean(costs)), least), s.accuracy
        seen.append(x)
        trace: dict[str, Any] = {
            "type": "scatter",
            "mode": "markers+text",
            "name": s.name,
            "x": [x],
            "y": [y],
            "customdata": [write(x)],
            "hovertemplate": f"<b>{plain(s.name)}</b><br>%{{y:.2%}}<br>%{{customdata}}<extra></extra>",
            "marker": {"size": 11},
            "cliponaxis": False,
            "meta": {"model": s.name},
        }
        if s.n_seeds > 1:
            trace["error_x"] = _spread(x, np.maximum(costs, least))
            trace["error_y"] = _spread(y, s.accuracies)
        traces.append(trace)
    shown = [tick for tick in ticks if seen and min(seen) / 10 <= tick <= max(seen) * 10]
    axis: dict[str, Any] = {
        "type": "log",
        "title": {"text": name},
        "tickvals": shown,
        "ticktext": [_round(write(tick)) for tick in shown],
    }
    if seen:  # Room for the names beside the outermost points.
        low, high = (float(edge) for edge in np.log10([min(seen), max(seen)]))
        span = max(high - low, 0.5)
        axis["range"] = [low - 0.1 * span, high + 0.16 * span]
    return models_figure(traces, axis, {"title": {"text": "test accuracy"}, "tickformat": ".3~p"})


def _round(text: str) -> str:
    """A round number without its zeros: ``1 min``, not ``1 min 00 s``; ``1 ms``, not ``1.0 ms``."""
    return text.removesuffix(" 00 s").removesuffix(" 00 min").replace(".0 ", " ")


def _spread(middle: float, values: Sequence[float] | np.ndarray) -> dict[str, Any]:
    """Error bars from the lowest to the highest."""
    low, high = middle - float(np.min(values)), float(np.max(values)) - middle
    return {"type": "data", "symmetric": False, "array": [max(high, 0)], "arrayminus": [max(low, 0)], "width": 3}


def per_class(evidence: Evidence) -> Panel | None:
    """F1, recall and precision of every model in every class, hardest class on top."""
    if not evidence.summaries:
        return None
    f1 = np.mean([s.per_class("f1") for s in evidence.summaries], axis=0)
    order = np.argsort(-f1, kind="stable")  # Plotly draws categories from the bottom up.
    names = [plain(evidence.class_names[index]) for index in order]
    figures = {
        title: _scores(evidence.summaries, score, order, names)
        for title, score in (("F1", "f1"), ("Recall", "recall"), ("Precision", "precision"))
    }
    hardest = evidence.class_names[order[-1]]
    alt = (
        f"Scores of every model in each of {len(names)} classes. The hardest class is {hardest}, with a mean F1 of "
        f"{f1[order[-1]]:.3f}; the easiest is {evidence.class_names[order[0]]} with {f1[order[0]]:.3f}."
    )
    text = (
        "Hardest class on top. Recall is the share of a class's images that are found; precision the share of those "
        "taken for the class that are of it; F1 their harmonic mean. All are means over seeds."
    )
    return Panel("classes", "Class by class", text, (Chart(alt, figures, "Score", 110 + 34 * len(names)),))


def _scores(summaries: Sequence[ModelSummary], score: str, order: np.ndarray, names: Sequence[str]) -> Figure:
    traces = [
        {
            "type": "scatter",
            "mode": "markers",
            "name": s.name,
            "x": [round(float(value), 5) for value in s.per_class(score)[order]],
            # Places and not names: two classes may have one name.
            "y": list(range(len(names))),
            "text": list(names),
            "hovertemplate": f"<b>{plain(s.name)}</b><br>%{{text}}: %{{x:.3f}}<extra></extra>",
            "marker": {"size": 10},
            "meta": {"model": s.name},
        }
        for s in reversed(summaries)  # The best is drawn last, on top.
    ]
    y = {"tickvals": list(range(len(names))), "ticktext": list(names), "range": [-0.6, len(names) - 0.4]}
    return models_figure(traces, {"title": {"text": score.replace("f1", "F1")}}, y)
