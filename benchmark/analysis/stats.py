"""Statistics of proportions and of several tests: pure functions on arrays.

Accuracies and differences are fractions, not points.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

LEVEL = 0.95
Interval = tuple[float, float]


def quantile(q: float, degrees: float = math.inf) -> float:
    """Of Student's t, or of the normal distribution where the degrees of freedom are infinite."""
    from scipy.special import ndtri, stdtrit

    return float(ndtri(q) if math.isinf(degrees) else stdtrit(degrees, q))


def standard_error(share: float, n: int) -> float:
    """The binomial's sqrt(p (1 - p) / n), a fraction as ``share`` is."""
    return math.sqrt(share * (1 - share) / max(n, 1))


def wilson(share: float, n: float, level: float = LEVEL, *, more: float = 0.0, degrees: float = math.inf) -> Interval:
    """Interval for a proportion: Wilson, "Probable inference, the law of succession, and statistical inference", 1927.

    Parameters
    ----------
    share : float
        Of images that are recognised, in [0, 1].
    n : float
        Images, at least one; where they vary less than right and wrong do, as many as would vary alike.
    level : float
        Confidence, in (0, 1).
    more : float
        Variance that is added to that of the images, whatever the proportion: a squared fraction.
    degrees : float
        Degrees of freedom of the two together; infinite for a normal distribution.
    """
    square = quantile((1 + level) / 2, degrees) ** 2
    # All p with (share - p)^2 <= square (p (1 - p) / n + more).
    k = square / n
    middle = share + k / 2
    reach = math.sqrt(max(middle**2 - (1 + k) * (share**2 - square * more), 0.0))
    # What is recognised always or never has an end at 1 or 0, and rounding must not move it.
    low = 0.0 if share == 0 else max((middle - reach) / (1 + k), 0.0)
    return low, 1.0 if share == 1 else min((middle + reach) / (1 + k), 1.0)


def holm(p_values: Sequence[float] | np.ndarray) -> np.ndarray:
    """Adjust p-values of several tests, so that the chance of any false alarm among them stays below the level.

    Holm, "A simple sequentially rejective multiple test procedure", 1979.

    Parameters
    ----------
    p_values : array_like of float (n_tests,)
        In [0, 1].

    Returns
    -------
    ndarray of float (n_tests,)
        Adjusted, in the order given; none is below its own p.
    """
    p = np.asarray(p_values, dtype=float)
    order = np.argsort(p)
    # The smallest p counts n times, the next n - 1 times, ...; none is adjusted below one that is smaller.
    steps = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(steps, 1.0)
    return adjusted


def minimum_detectable_difference(
    n: int,
    discordant_share: float,
    *,
    seed_variance: float = 0.0,
    degrees: float = math.inf,
    power: float = 0.8,
    level: float = 0.05,
) -> float | None:
    """The smallest true difference of two accuracies that a paired test detects with the given power.

    Solves the sample size of McNemar's test, Connor, "Sample size for testing differences in proportions for the
    paired-sample design", 1987, for the difference d, each variance enlarged by that of training:
    n d^2 = (t_level sqrt(s + n v) + t_power sqrt(s + n v - d^2))^2.

    Parameters
    ----------
    n : int
        Test images.
    discordant_share : float
        Share s of images that one model gets right and the other wrong, in [0, 1].
    seed_variance : float
        What training adds to the variance v of the difference, a squared fraction, less what a mean over seeds varies
        less with the images than single runs do; above -discordant_share / n.
    degrees : float
        Degrees of freedom of the test's t; infinite for a normal distribution.
    power : float
        Probability to detect the difference.
    level : float
        Of the two-sided test.

    Returns
    -------
    float or None
        A fraction; None where even models that differ in every discordant image would be missed.
    """
    a, b, s = quantile(1 - level / 2, degrees), quantile(power, degrees), discordant_share + n * seed_variance
    # The equation has one root: with x = sqrt(s - d^2), (n + b^2) x^2 + 2 a b sqrt(s) x + (a^2 - n) s = 0.
    root = (a * b) ** 2 * s + (n + b * b) * (n - a * a) * s
    x = (-a * b * math.sqrt(s) + math.sqrt(root)) / (n + b * b) if root >= 0 else -1.0
    difference = math.sqrt(max(s - x * x, 0.0))
    return difference if x >= 0 and 0 < difference <= discordant_share else None
