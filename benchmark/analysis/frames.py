"""What was measured as pandas DataFrames, numbers as numbers, units in the columns' names."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from benchmark.analysis.comparison import Comparison
from benchmark.analysis.select import ModelSummary
from benchmark.errors import UserError
from benchmark.records.schema import RunRecord
from benchmark.records.store import Stored

COSTS = ("fit_seconds", "predict_seconds", "total_seconds", "peak_memory_bytes", "parameter_count")

PARTS = ("validation", "test")


def runs(stored: Sequence[Stored]) -> pd.DataFrame:
    """One row per recorded run, failed ones included, in the order given.

    Columns: ``dataset``, ``model``, ``family``, ``profile``, ``seed``, ``status``, ``test_accuracy`` and
    ``validation_accuracy`` (fractions), ``fit_seconds``, ``predict_seconds`` (of all test images), ``total_seconds``,
    ``peak_memory_bytes``, ``parameter_count``, ``train_size`` (images), ``device``, ``started_at`` (UTC) and ``reason``
    (of a failure). What was not measured is NaN or None.
    """
    rows = [_run(one.record) for one in stored]
    frame = pd.DataFrame(rows, columns=list(rows[0]) if rows else list(_run_columns()))
    frame["started_at"] = pd.to_datetime(frame["started_at"], utc=True)
    return frame


def _run_columns() -> list[str]:
    return [
        *("dataset", "model", "family", "profile", "seed", "status", "test_accuracy", "validation_accuracy"),
        *COSTS,
        *("train_size", "device", "started_at", "reason"),
    ]


def _run(record: RunRecord) -> dict[str, object]:
    cost = record.cost
    values = (
        *(record.run.dataset, record.run.model, record.model.family, record.run.profile, record.run.seed),
        record.status,
        *(np.nan if part is None else part.accuracy for part in (record.test, record.validation)),
        *(np.nan if cost is None or (value := getattr(cost, name)) is None else value for name in COSTS),
        *(record.dataset.train_size, None if cost is None else cost.device, record.started_at, record.reason),
    )
    return dict(zip(_run_columns(), values, strict=True))


def pairwise(comparison: Comparison) -> pd.DataFrame:
    """One row per pair of models that were compared on the same test images, the better of the leaderboard first.

    Columns: ``model``, ``against``, ``metric`` (its name), ``points`` (by how much the first is better on the test
    images, in percentage points of a metric that is a share, of others in their own unit, with the 95 % interval
    ``low`` to ``high``), ``p`` and ``adjusted_p`` (Holm's method, over all pairs but the primary one), ``primary`` (the
    best CNN against the best baseline by validation, tested by itself), ``significant`` (``adjusted_p`` below 0.05),
    ``runs_only`` (a stochastic model has one seed and nothing shows how such models vary: the runs are compared, not
    the models), ``only_model_correct`` and ``only_against_correct`` (images; with several seeds the mean over all pairs
    of runs), ``n_images``.
    """
    rows = [
        {
            **{field.name: getattr(pair, field.name) for field in dataclasses.fields(pair)},
            "metric": pair.metric.name,
            "significant": pair.verdict != "no significant difference",
            "primary": pair == comparison.primary,
            "runs_only": bool(pair.single),
        }
        for pair in comparison.pairs
    ]
    columns = ["left", "right", "metric", "points", "low", "high", "p", "adjusted_p", "primary", "significant"]
    columns += ["runs_only", "only_left", "only_right"]
    frame = pd.DataFrame(rows, columns=[*columns, "n_images"])
    return frame.rename(
        columns={
            "left": "model",
            "right": "against",
            "only_left": "only_model_correct",
            "only_right": "only_against_correct",
        }
    )


def per_class(summaries: Sequence[ModelSummary], class_names: Sequence[str]) -> pd.DataFrame:
    """One row per model and class, means over seeds.

    Columns: ``model``, ``class`` (name), ``precision``, ``recall``, ``f1`` (fractions, NaN where undefined),
    ``support`` (test images).
    """
    rows = []
    for summary in summaries:
        scores = {name: summary.per_class(name) for name in ("precision", "recall", "f1")}
        support = [scores.support for scores in summary.tests[0].per_class]
        for number, name in enumerate(class_names):
            values = {score: float(values[number]) for score, values in scores.items()}
            rows.append({"model": summary.name, "class": name, **values, "support": support[number]})
    return pd.DataFrame(rows, columns=["model", "class", "precision", "recall", "f1", "support"])


def predictions(arrays: Mapping[str, np.ndarray], class_names: Sequence[str], part: str = "test") -> pd.DataFrame:
    """One row per image of a part of one run.

    Columns: ``index`` (the image's place in the data set), ``label`` and ``predicted`` (class names) and, where the run
    has probabilities, one column per class.
    """
    if part not in PARTS:
        raise UserError(f"There are no predictions of the part {part!r}.", f"There are: {', '.join(PARTS)}.")
    names = np.asarray(class_names, dtype=object)
    frame = pd.DataFrame(
        {
            "index": arrays[f"{part}_index"],
            "label": names[arrays[f"{part}_labels"]],
            "predicted": names[arrays[f"{part}_predicted"]],
        }
    )
    probabilities = arrays.get(f"{part}_probabilities")
    if probabilities is None:
        return frame
    return pd.concat([frame, pd.DataFrame(probabilities, columns=list(class_names))], axis=1)
