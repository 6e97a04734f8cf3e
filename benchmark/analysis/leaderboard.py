"""The leaderboard: one row per model, numbers only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from benchmark.analysis.select import ModelSummary
from benchmark.analysis.stats import Interval


def leaderboard(summaries: Sequence[ModelSummary], intervals: Mapping[str, Interval | None]) -> pd.DataFrame:
    """One row per model."""
    rows = [{"model": s.name, "accuracy": s.accuracy, "ci_low": (intervals[s.name] or (np.nan,))[0]} for s in summaries]
    return pd.DataFrame(rows)
