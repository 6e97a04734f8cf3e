"""What choosing the epoch by test accuracy would have claimed: the gap that this suite does not help itself to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmark.analysis.select import ModelSummary
from benchmark.records.schema import RunRecord
from benchmark.report.evidence import Evidence, Section
from benchmark.utils import markdown as md


def gap(record: RunRecord) -> tuple[float, float] | None:
    """Test accuracy from one view at the epoch that validation chose, and at the best by test of those looked up.

    None where the record does not tell.
    """
    accuracies = [row.get("validation_accuracy") for row in record.epochs]
    if not record.epoch_tests or len(accuracies) != len(record.epoch_tests) or None in accuracies:
        return None
    # As in training: the highest accuracy, then the lowest loss, then the earliest.
    losses = [row.get("validation_loss") for row in record.epochs]
    order = sorted(
        range(len(accuracies)), key=lambda e: (-(accuracies[e] or 0.0), np.inf if losses[e] is None else losses[e], e)
    )
    chosen = record.epoch_tests[order[0]]
    return None if chosen is None else (chosen, max(found for found in record.epoch_tests if found is not None))


def gaps(summary: ModelSummary) -> np.ndarray:
    """The pairs of :func:`gap` of all seeds that have one: (n, 2)."""
    return np.array([found for record in summary.records if (found := gap(record)) is not None]).reshape(-1, 2)


def section(evidence: Evidence) -> Section | None:
    """The table of networks whose records tell, with a sentence."""
    found = [(s, pairs) for s in evidence.summaries if len(pairs := gaps(s))]
    return Section(_text(found)) if found else None


def _text(found: Sequence[tuple[ModelSummary, np.ndarray]]) -> str:
    rows, largest = [], 0.0
    for summary, pairs in found:
        honest, claimed = pairs.mean(axis=0)
        largest = max(largest, (claimed - honest) * 100)
        rows.append(
            [
                md.escape(summary.name),
                f"{honest:.4f}",
                f"{claimed:.4f}",
                f"{(claimed - honest) * 100:+.2f} points",
                str(len(pairs)),
            ]
        )
    header = ["model", "epoch chosen on validation", "best epoch on test", "optimism", "seeds"]
    return (
        "Had the epoch been chosen by its accuracy on the test images, as published tables sometimes do, these would "
        f"be the claims, up to {largest:.2f} points too high. Test accuracy from one view, mean over seeds; it was "
        "looked up after the fit, from weights kept for the purpose, and chose nothing. Epochs more than two points "
        "behind the best on the validation images are passed over:\n\n" + md.table(header, rows, n_left=1)
    )
