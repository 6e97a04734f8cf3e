"""Statistics of proportions and of several tests: pure functions on arrays.

Accuracies and differences are fractions, not points.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

LEVEL = 0.95
Interval = tuple[float, float]
# Draws held at a time while resampling values of which few are alike: 64 MB.
DRAWS = 8_000_000


def standard_error(share: float, n: int) -> float:
    """The binomial's sqrt(p (1 - p) / n), a fraction as ``share`` is."""
    return math.sqrt(share * (1 - share) / max(n, 1))


def wilson(hits: int, n: int, level: float = LEVEL) -> Interval:
    """Interval for a proportion: Wilson, "Probable inference, the law of succession, and statistical inference", 1927.

    Parameters
    ----------
    hits, n : int
        Images recognised, and images: ``0 <= hits <= n``, ``n >= 1``.
    level : float
        Confidence, in (0, 1).
    """
    from scipy.stats import binomtest

    interval = binomtest(hits, n).proportion_ci(confidence_level=level, method="wilson")
    return float(interval.low), float(interval.high)


def mcnemar_exact(b: int, c: int) -> float:
    """Exact two-sided p that two models are equally often right on the same images.

    McNemar, "Note on the sampling error of the difference between correlated proportions or percentages", 1947:
    under the null hypothesis ``b`` of the ``b + c`` discordant images fall to either side like tosses of a coin.

    Parameters
    ----------
    b, c : int
        Images that only the one, and only the other, gets right.
    """
    from scipy.stats import binomtest

    return float(binomtest(b, b + c, 0.5).pvalue) if b + c else 1.0


def bootstrap_interval(values: np.ndarray, *, level: float = LEVEL, resamples: int = 10_000, seed: int = 0) -> Interval:
    """Percentile interval for a mean over images: Efron, "Bootstrap methods: another look at the jackknife", 1979.

    A resample is known by how often each distinct value occurs in it, and those counts are multinomial: where
    values take few levels, as hits over a few seeds do, ten thousand resamples are a matter of milliseconds.
    With fewer than about five images right or wrong the interval is too narrow; :func:`wilson` is not.

    Parameters
    ----------
    values : ndarray of float (n_images,)
        One number an image, such as the share of seeds that get it right.
    level : float
        Confidence, in (0, 1).
    resamples : int
        How many means to draw.
    seed : int
        The same seed gives the same interval.
    """
    levels, counts = np.unique(np.asarray(values, dtype=float), return_counts=True)
    n, rng = int(counts.sum()), np.random.default_rng(seed)
    at_once = max(1, DRAWS // len(levels))
    means = [
        rng.multinomial(n, counts / n, size=min(at_once, resamples - start)) @ levels / n
        for start in range(0, resamples, at_once)
    ]
    low, high = np.quantile(np.concatenate(means), [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def paired_bootstrap(
    left: np.ndarray, right: np.ndarray, *, level: float = LEVEL, resamples: int = 10_000, seed: int = 0
) -> Interval:
    """Percentile interval for the mean of ``left - right``, each image keeping its two numbers together.

    Parameters
    ----------
    left, right : ndarray of float (n_images,)
        Numbers of two models on the same images, in the same order.
    level, resamples, seed
        As of :func:`bootstrap_interval`.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    left, right = np.asarray(left, dtype=float), np.asarray(right, dtype=float)
    if left.shape != right.shape:
        raise ValueError(f"the images must be the same: shapes {left.shape} and {right.shape}")
    return bootstrap_interval(left - right, level=level, resamples=resamples, seed=seed)


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
    from scipy.special import ndtri, stdtrit

    def quantile(q: float) -> float:
        return float(ndtri(q) if math.isinf(degrees) else stdtrit(degrees, q))

    a, b, s = quantile(1 - level / 2), quantile(power), discordant_share + n * seed_variance
    # The equation has one root: with x = sqrt(s - d^2), (n + b^2) x^2 + 2 a b sqrt(s) x + (a^2 - n) s = 0.
    root = (a * b) ** 2 * s + (n + b * b) * (n - a * a) * s
    x = (-a * b * math.sqrt(s) + math.sqrt(root)) / (n + b * b) if root >= 0 else -1.0
    difference = math.sqrt(max(s - x * x, 0.0))
    return difference if x >= 0 and 0 < difference <= discordant_share else None
