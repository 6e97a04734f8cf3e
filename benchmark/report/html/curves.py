"""Charts of lines: training by epoch, accuracy by severity of corruption."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmark.analysis.select import ModelSummary
from benchmark.records.schema import SEVERITIES, RunRecord
from benchmark.report.charts import best_epoch
from benchmark.report.evidence import Evidence
from benchmark.report.html.panels import Chart, Figure, Panel, models_figure, plain

MOST_SEEDS = 5  # Of a model; more lines in one colour are not told apart.


def training(evidence: Evidence) -> Panel | None:
    """Validation accuracy and the losses by epoch, a line a seed."""
    trained = [s for s in evidence.summaries if s.family == "network" and any(record.epochs for record in s.records)]
    if not trained:
        return None
    accuracies, losses = [], []
    for s in trained:
        for record in s.records[:MOST_SEEDS]:
            accuracies.append(_by_epoch(record, "validation_accuracy", "validation", ".2%"))
            accuracies += _star(record)
            losses.append(_by_epoch(record, "validation_loss", "validation", ".3f"))
            losses.append(_by_epoch(record, "train_loss", "training", ".3f"))
    epoch = {"title": {"text": "epoch"}}
    names = ", ".join(s.name for s in trained)
    charts = (
        Chart(
            f"Validation accuracy by epoch of {names}.",
            {
                "accuracy": models_figure(
                    accuracies, epoch, {"title": {"text": "validation accuracy"}, "tickformat": ".3~p"}
                )
            },
            height=360,
        ),
        Chart(
            f"Cross-entropy by epoch of {names}: validation and training.",
            {"loss": models_figure(losses, epoch, {"title": {"text": "cross-entropy"}})},
            height=360,
        ),
    )
    cut = f", the first {MOST_SEEDS} of each model" if any(s.n_seeds > MOST_SEEDS for s in trained) else ""
    text = (
        f"A line is a seed{cut}. The star is the epoch whose weights are kept; solid lines are validation, dotted ones "
        "training loss, which is measured on augmented images and with dropout where the model has them."
    )
    return Panel("training", "Training", text, charts)


def _by_epoch(record: RunRecord, field: str, word: str, number: str) -> dict[str, Any]:
    values = [row.get(field) for row in record.epochs]
    name = record.run.model
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": list(range(1, len(values) + 1)),
        "y": [None if value is None else float(f"{value:.5g}") for value in values],
        "hovertemplate": f"{_run(record)}<br>epoch %{{x}}, {word}: %{{y:{number}}}<extra></extra>",
        "line": {"width": 1.6, "dash": "dot" if word == "training" else "solid"},
        "meta": {"model": name},
    }


def _run(record: RunRecord) -> str:
    return f"<b>{plain(record.run.model)}</b>, seed {record.run.seed}"


def _star(record: RunRecord) -> list[dict[str, Any]]:
    best = best_epoch(record.epochs)
    if best is None:
        return []
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "name": record.run.model,
            "x": [best + 1],
            "y": [record.epochs[best].get("validation_accuracy")],
            "hovertemplate": f"{_run(record)}<br>best epoch: %{{x}}<extra></extra>",
            "marker": {"symbol": "star", "size": 11},
            "meta": {"model": record.run.model, "role": "ink"},
        }
    ]


def robustness(evidence: Evidence) -> Panel | None:
    """Accuracy on corrupted test images by severity, where records have it."""
    tested = {s.name: found for s in evidence.summaries if (found := _corruptions(s))}
    if not tested:
        return None
    kinds = list(dict.fromkeys(kind for found in tested.values() for kind in found))
    clean = {s.name: s.accuracy for s in evidence.summaries}
    figures = {
        "mean of all": _by_severity({name: np.mean(list(f.values()), axis=0) for name, f in tested.items()}, clean)
    }
    for kind in kinds:
        figures[kind] = _by_severity({name: found[kind] for name, found in tested.items() if kind in found}, clean)
    alt = (
        f"Test accuracy of {', '.join(tested)} on images corrupted in {len(kinds)} ways, by severity from 0 (clean) "
        f"to {SEVERITIES}."
    )
    text = (
        "Accuracy on corrupted test images, mean over seeds; severity 0 is the clean test set. No model was trained on "
        "them."
    )
    return Panel("robustness", "Corrupted images", text, (Chart(alt, figures, "Corruption"),))


def _corruptions(summary: ModelSummary) -> dict[str, np.ndarray]:
    """Accuracies (SEVERITIES,) by the corruptions that every run of the model has, mean over seeds."""
    first, *others = summary.records
    common = [kind for kind in first.corruptions if all(kind in record.corruptions for record in others)]
    return {kind: np.mean([record.corruptions[kind] for record in summary.records], axis=0) for kind in common}


def _by_severity(lines: dict[str, np.ndarray], clean: dict[str, float]) -> Figure:
    traces: Sequence[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": name,
            "x": list(range(SEVERITIES + 1)),
            "y": [round(float(value), 5) for value in (clean[name], *line)],
            "hovertemplate": f"<b>{plain(name)}</b><br>severity %{{x}}: %{{y:.2%}}<extra></extra>",
            "marker": {"size": 8},
            "line": {"width": 1.6},
            "meta": {"model": name},
        }
        for name, line in lines.items()
    ]
    return models_figure(
        list(traces), {"title": {"text": "severity"}, "dtick": 1}, {"title": {"text": "accuracy"}, "tickformat": ".0%"}
    )
