"""The corrected resampled t-test, for runs that were trained on overlapping parts of the same images.

Folds share most of their training images, so their results vary together and the plain variance of their mean is too
small: a t-test of it finds differences where there are none.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from benchmark.analysis.stats import LEVEL, quantile

FEWEST_RUNS = 2


@dataclasses.dataclass(frozen=True)
class Mean:
    """A mean over runs, with its interval and a two-sided p that it is 0, which agree with each other."""

    value: float
    low: float
    high: float
    standard_error: float
    degrees: float
    p: float


def corrected_t(values: np.ndarray, test_share: float, level: float = LEVEL) -> Mean | None:
    """Test and interval of a mean over resampled runs: of differences of two models, or of one model's scores.

    Nadeau and Bengio, "Inference for the generalization error", Machine Learning 52, 2003: the variance of the mean of
    J runs is (1 / J + n_test / n_train) times that over runs, and t has J - 1 degrees of freedom. Over repeats of
    k-fold, J are all folds of all repeats: Bouckaert and Frank, "Evaluating the replicability of significance tests
    for comparing learning algorithms", 2004.

    Parameters
    ----------
    values : ndarray of float (n_runs,)
        At least ``FEWEST_RUNS``.
    test_share : float
        Test images of a run / its training images.
    level : float
        Confidence, in (0, 1).

    Returns
    -------
    Mean or None
        None if all values are the same: they do not show how they vary.

    Raises
    ------
    ValueError
        If there are fewer values.
    """
    from scipy.special import stdtr

    values = np.asarray(values, dtype=float)
    n = len(values)
    if n < FEWEST_RUNS:
        raise ValueError(f"at least {FEWEST_RUNS} runs are needed, got {n}")
    if np.ptp(values) < 1e-12:
        return None
    value, degrees = float(values.mean()), float(n - 1)
    error = math.sqrt((1 / n + test_share) * float(values.var(ddof=1)))
    reach = quantile((1 + level) / 2, degrees) * error
    return Mean(value, value - reach, value + reach, error, degrees, 2 * float(stdtr(degrees, -abs(value) / error)))
