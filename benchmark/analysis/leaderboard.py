"""The leaderboard: one row per model, numbers only; every table of it is a view of this one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from benchmark.analysis.comparison import Intervals
from benchmark.analysis.select import ModelSummary

COLUMNS = (
    *("model", "family", "trivial", "convolutional", "pretrained", "seeds"),
    *("metric", "value", "ci_low", "ci_high", "value_std"),
    *("model_ci_low", "model_ci_high"),
    *(
        "validation_value",
        "accuracy",
        "fit_seconds",
        "predict_seconds_per_1000",
        "peak_memory_bytes",
        "parameter_count",
    ),
    "description",
)


def leaderboard(summaries: Sequence[ModelSummary], intervals: Mapping[str, Intervals]) -> pd.DataFrame:
    """The models, in the order of the summaries: best first.

    Parameters
    ----------
    summaries : sequence of ModelSummary
    intervals : mapping of str to Intervals
        Each model's 95 % intervals, see :func:`benchmark.analysis.comparison.intervals`.

    Returns
    -------
    DataFrame
        Columns: ``model``, ``family`` ("baseline" or "network"), ``trivial`` (whether it never looks at an image),
        ``convolutional`` (whether it is a CNN), ``pretrained`` (the data set, None for training from scratch),
        ``seeds`` (number of runs), ``metric`` (its name), ``value`` (on the test images, mean over seeds) with its
        interval for test sampling ``ci_low`` to ``ci_high``, ``value_std`` (across seeds, NaN for one),
        ``model_ci_low`` to ``model_ci_high`` (for test sampling and seeds: NaN where nothing is known of how the model
        varies with the seed), ``validation_value`` (the metric on the validation images), ``accuracy`` (on the test
        images, a fraction), ``fit_seconds``, ``predict_seconds_per_1000`` (images), ``peak_memory_bytes``,
        ``parameter_count``, ``description``. What was not measured is NaN.
    """
    rows = []
    for s in summaries:
        of_runs, of_model = intervals[s.name].runs or (np.nan, np.nan), intervals[s.name].model or (np.nan, np.nan)
        costs = (s.mean_cost(name) for name in ("fit_seconds", "peak_memory_bytes", "parameter_count"))
        fit, memory, parameters = (np.nan if value is None else value for value in costs)
        std = np.nan if s.value_sd is None else s.value_sd
        rows.append(
            (
                *(s.name, s.family, s.trivial, s.convolutional, s.pretrained, s.n_seeds),
                *(s.metric.name, s.value, *of_runs, std),
                *of_model,
                *(s.validation_value, s.accuracy, fit, s.predict_seconds_per_1000, memory, parameters),
                s.records[0].model.description,
            )
        )
    return pd.DataFrame(rows, columns=list(COLUMNS))
