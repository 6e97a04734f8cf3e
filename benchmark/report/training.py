"""Training by epoch, and the gap between choosing the epoch by validation and by test accuracy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmark.analysis.select import ModelSummary
from benchmark.estimators.history import best_epoch
from benchmark.records.schema import RunRecord
from benchmark.report.document import Axis, Chart, Column, Dash, Panel, Section, Series, Table, section, words
from benchmark.report.evidence import Evidence
from benchmark.utils.format import percent, points

MOST_SEEDS = 5  # Of a model; more lines in one colour cannot be distinguished.
TEXT = (
    "One line per {run}{cut}. Training stops early when validation no longer improves, and the weights of the starred "
    "epoch are kept; the test images play no part in it. Training loss (dotted) is measured on augmented images, with "
    "dropout and label smoothing where the model has them, and can therefore exceed validation loss. Where a model "
    "leaves images it has learnt out of an epoch (the parameter 'pruning'), it is the loss of the remaining, mostly "
    "hard images, in which those that represent others count double; it drops when the last epochs use all images "
    "again."
)


def curves(evidence: Evidence) -> Section | None:
    """Validation accuracy and losses by epoch, a line per seed, the chosen epoch marked."""
    trained = [s for s in evidence.summaries if s.family == "network" and any(record.epochs for record in s.records)]
    if not trained:
        return None
    cut = f", the first {MOST_SEEDS} of each model" if any(s.n_seeds > MOST_SEEDS for s in trained) else ""
    gaps = [(s, pairs) for s in evidence.summaries if len(pairs := selection_gaps(s))]
    bias = _selection_bias(gaps) if gaps else ()
    return section(
        "training",
        "Training",
        chart(trained),
        TEXT.format(run="fold" if evidence.selection.folds else "seed", cut=cut),
        *bias,
    )


def chart(trained: Sequence[ModelSummary]) -> Chart:
    accuracies, losses = [], []
    stars: list[tuple[float, float, str]] = []
    for s in trained:
        for first, record in zip([True] + [False] * s.n_seeds, s.records[:MOST_SEEDS], strict=False):
            accuracies.append(
                _by_epoch(record, "validation_accuracy", f"{s.name}, validation" if first else "", "solid")
            )
            losses.append(_by_epoch(record, "validation_loss", "", "solid"))
            losses.append(_by_epoch(record, "train_loss", f"{s.name}, training" if first else "", "dot"))
            best = best_epoch(record.epochs)
            if best is not None:
                accuracy = record.epochs[best]["validation_accuracy"]
                assert accuracy is not None
                stars.append((best + 1, accuracy, f"{s.name}, {record.run.to_run().number}: epoch {best + 1}"))
    if stars:
        x, y, hover = zip(*stars, strict=True)
        accuracies.append(Series("epoch kept", x, y, marker="*", hover=hover))
    epoch = Axis("epoch")
    panels = (
        Panel("Validation accuracy", accuracies, epoch, Axis("accuracy", percent=True)),
        Panel("Cross-entropy", losses, epoch, Axis("loss")),
    )
    names = ", ".join(s.name for s in trained)
    return Chart("training", f"Validation accuracy and cross-entropy by epoch of {names}.", panels, height=3.9)


def _by_epoch(record: RunRecord, field: str, label: str, dash: Dash) -> Series:
    values = [np.nan if (value := row.get(field)) is None else value for row in record.epochs]
    name, places = record.run.model, range(1, len(values) + 1)
    write = percent if field == "validation_accuracy" else "{:.3f}".format
    hover = [f"{record.run.to_run().number}, epoch {x}: {write(y)}" for x, y in zip(places, values, strict=True)]
    return Series(label, list(places), values, name, kind="line", dash=dash, hover=hover)


def selection_gap(record: RunRecord) -> tuple[float, float] | None:
    """Test accuracy from one view at the epoch that validation chose, and at the best by test of those recorded.

    None where the record does not have them.
    """
    complete = all(row.get("validation_accuracy") is not None for row in record.epochs)
    if not record.epoch_tests or len(record.epochs) != len(record.epoch_tests) or not complete:
        return None
    best = best_epoch(record.epochs)
    chosen = None if best is None else record.epoch_tests[best]
    return None if chosen is None else (chosen, max(value for value in record.epoch_tests if value is not None))


def selection_gaps(summary: ModelSummary) -> np.ndarray:
    """The pairs of :func:`selection_gap` of all seeds that have one: (n, 2)."""
    pairs = [pair for record in summary.records if (pair := selection_gap(record)) is not None]
    return np.array(pairs).reshape(-1, 2)


def _gap(gaps: np.ndarray) -> tuple[float, float | None]:
    """Mean over seeds with its standard error."""
    return float(gaps.mean()), float(gaps.std(ddof=1)) / len(gaps) ** 0.5 if len(gaps) > 1 else None


def _selection_bias(models: Sequence[tuple[ModelSummary, np.ndarray]]) -> tuple[str, Table]:
    rows = [(s.name, *pairs.mean(axis=0), _gap((pairs[:, 1] - pairs[:, 0]) * 100), len(pairs)) for s, pairs in models]
    largest = max(gap for *_, (gap, _), _ in rows)
    columns = (
        words("model"),
        Column("epoch chosen on validation", percent),
        Column("best epoch on test", percent),
        Column("gap, points", lambda gap: points(gap[0]) + ("" if gap[1] is None else f" ± {gap[1]:.2f}")),
        Column("seeds"),
    )
    return (
        "Had the epoch been chosen by its accuracy on the test images, as in some published tables, the figures would "
        f"be up to {largest:.2f} points higher. Test accuracy from one view, mean over seeds; it was measured after "
        "the fit, from weights kept for this purpose, and nothing was chosen by it. The gap is never negative; ± is "
        "its standard error over seeds, where there are several. Epochs more than two points behind the best on the "
        "validation images are not measured.",
        Table(columns, rows),
    )
