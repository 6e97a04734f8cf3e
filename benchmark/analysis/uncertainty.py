"""Accuracies and their differences over test images and over seeds: two sources of variance, kept apart.

``hits`` are 1 where a model is right and 0 where it is wrong, as (n_seeds, n_images), axes in this order.
Accuracies and differences are fractions, not points.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from benchmark.analysis.stats import LEVEL, Interval, mcnemar_exact

FEWEST_DRAWS = 3  # Two show so little of a variance that no test of them holds its level.


@dataclasses.dataclass(frozen=True)
class SeedVariance:
    """How much one run's accuracy varies with the seed.

    Attributes
    ----------
    total : float
        Variance over seeds on the same images, a squared fraction.
    flips : float
        The part of it that is due to single images flipping from seed to seed, a squared fraction, which the variance
        over images holds already.
    degrees : float
        Degrees of freedom of ``total``.
    """

    total: float
    flips: float
    degrees: float

    @property
    def whole(self) -> float:
        """What seeds move accuracy as a whole; the estimate may be negative, as it must be for its mean to be right."""
        return self.total - self.flips


def observed_variance(hits: np.ndarray) -> SeedVariance:
    """The seed variance that several runs on the same images show.

    Seeds and images are crossed, as readers and cases are in Gallas, "One-shot estimate of MRMC variance: AUC",
    2006; ``flips`` is the interaction's mean square / n_images.

    Parameters
    ----------
    hits : ndarray of float (n_seeds, n_images)
        With at least two seeds.
    """
    n_seeds, n = hits.shape
    per_seed = hits.mean(axis=1)
    # Of the sums of squares about the means, as one pass over the matrix suffices for them.
    squares = float(np.vdot(hits, hits)) - n_seeds * float((hits.mean(axis=0) ** 2).sum())
    total = float(per_seed.var(ddof=1))
    flips = max(squares / (n_seeds - 1) / n - total, 0.0) / max(n - 1, 1)
    return SeedVariance(total, flips, n_seeds - 1)


def pooled_variance(observed: Sequence[SeedVariance], lent: SeedVariance | None = None) -> SeedVariance | None:
    """Pool seed variances, shrunk towards one that is lent from elsewhere: a handful of seeds shows little of its own.

    s^2 = (d0 s0^2 + sum d_i s_i^2) / (d0 + sum d_i), as in Smyth, "Linear models and empirical Bayes methods for
    assessing differential expression in microarray experiments", 2004.

    Parameters
    ----------
    observed : sequence of SeedVariance
        Of runs whose true variance is the same; may be empty.
    lent : SeedVariance or None
        Of accuracy as a whole, s0^2 with d0 degrees of freedom; its flips do not count. None lends nothing.

    Returns
    -------
    SeedVariance or None
        None where nothing is observed or lent.
    """
    weight = 0.0 if lent is None else lent.degrees
    whole = 0.0 if lent is None else lent.whole
    seen = sum(part.degrees for part in observed)
    if weight + seen == 0:
        return None
    flips = sum(part.degrees * part.flips for part in observed) / seen if seen else 0.0
    total = (weight * (whole + flips) + sum(part.degrees * part.total for part in observed)) / (weight + seen)
    if not weight and total < flips:
        # With nothing to shrink towards, seeds that agree by luck must not make the error vanish.
        return SeedVariance(flips, flips, math.inf)
    # What is lent is uncertain by itself; flips of single images are added to it, and they are known.
    scatter = weight * whole**2 + seen * total**2
    return SeedVariance(total, flips, total**2 * (weight + seen) ** 2 / scatter if scatter else math.inf)


@dataclasses.dataclass(frozen=True)
class Estimate:
    """A mean over images and seeds with its sources of error.

    Attributes
    ----------
    value, low, high : float
        The mean with its interval.
    centre : float
        The middle of the interval, drawn a little towards 0.
    images_error, training_error : float
        Standard errors by source: test sampling, and training.
    degrees : float
        Degrees of freedom of the two together.
    """

    value: float
    low: float
    high: float
    centre: float
    images_error: float
    training_error: float
    degrees: float

    @property
    def standard_error(self) -> float:
        return math.hypot(self.images_error, self.training_error)


def estimate(
    values: np.ndarray,
    variances: Sequence[tuple[SeedVariance, float]] = (),
    level: float = LEVEL,
    *,
    extra: float = 2.0,
    power: int = 2,
) -> Estimate:
    """The mean of one number per image, whose error is that of images and of training.

    The interval is t times the standard error, with the degrees of freedom of Satterthwaite, "An approximate
    distribution of estimates of variance components", 1946. ``extra`` images more, half of them with 1 and half
    with -1, steady it where few images are discordant: Bonett and Price, "Adjusted Wald confidence interval for a
    difference of binomial proportions based on paired data", 2012.

    Parameters
    ----------
    values : ndarray of float (n_images,)
        Means over seeds, in [-1, 1].
    variances : sequence of (SeedVariance, float)
        For each independent source of training, its variance and the factor by which it enters the mean's: the
        reciprocal of the number of seeds.
    level : float
        Confidence, in (0, 1).
    power : int
        Of each source's share of the variance by which the reciprocals of degrees of freedom are weighted: 2 is
        Satterthwaite's. Where a source of two degrees of freedom outweighs the others, that rejects in 8 % instead of
        5 %, as it makes much of a variance that happens to be small; 1 holds the level.
    """
    from scipy.special import stdtrit

    n = len(values)
    value, centre = float(values.mean()), float(values.sum()) / (n + extra)
    images = (float((values**2).sum() + extra) / (n + extra) - centre**2) / (n + extra)
    # Single images that flip from seed to seed are in the variance over images and again in the one over seeds.
    alone = max(images - sum(part.flips * factor for part, factor in variances), 0.0)
    variance = alone + sum(part.total * factor for part, factor in variances)
    sources = [(alone, n + 1), *((part.total * factor, part.degrees) for part, factor in variances)]
    within = sum(source**power / degrees for source, degrees in sources)
    degrees = variance**power / within if within else float(n)
    reach = float(stdtrit(degrees, (1 + level) / 2)) * math.sqrt(variance)
    return Estimate(
        value=value,
        low=centre - reach,
        high=centre + reach,
        centre=centre,
        # Where seeds vary less than flips alone would make them, the sum is below the variance over images.
        images_error=math.sqrt(min(images, variance)),
        training_error=math.sqrt(max(variance - images, 0.0)),
        degrees=degrees,
    )


@dataclasses.dataclass(frozen=True)
class Difference(Estimate):
    """How far two models' accuracies lie apart on the same images.

    Attributes
    ----------
    p : float
        Two-sided, that there is no difference.
    only_left, only_right : float
        Images that only one of the two gets right; of several seeds, the mean over all pairs of runs.
    """

    p: float
    only_left: float
    only_right: float

    def p_beyond(self, margin: float) -> float:
        """One-sided p that the difference is not larger than ``margin``, by t."""
        from scipy.special import stdtr

        return float(stdtr(self.degrees, (margin - self.centre) / self.standard_error))


def paired_difference(
    left: np.ndarray,
    right: np.ndarray,
    *,
    lent: tuple[SeedVariance | None, SeedVariance | None] = (None, None),
    same: bool = False,
    level: float = LEVEL,
) -> Difference:
    """Compare two models on the same images.

    Two sources make up the variance: that of the per-image difference over images, and for each model its seed
    variance / number of seeds, observed and lent as :func:`pooled_variance` says. A model with one seed to which
    none is lent adds none: either nothing in its training is random, or the result holds for this run and not for
    the model trained again.

    Where no side has a seed variance, p is that of McNemar's exact test, otherwise that of t. How often interval
    and p are right is simulated in ``tests/benchmark/analysis/test_simulations.py``.

    Parameters
    ----------
    left, right : ndarray of bool or float (n_seeds, n_images)
        Hits on the same images in the same order; the numbers of seeds may differ.
    lent : (SeedVariance or None, SeedVariance or None)
        For either side the variance to shrink towards; None for a side in whose training
        nothing is random, or where nothing is known.
    same : bool
        Both sides are of one model, as before and after a change, and share their seed variance.
    level : float
        Confidence, in (0, 1).

    Raises
    ------
    ValueError
        If the numbers of images differ or are 0.
    """
    left, right = _checked(left, right)
    if same:
        both = pooled_variance([*_observed(left), *_observed(right)], lent[0])
        variances = [(both, 1 / len(left) + 1 / len(right))] if both else []
    else:
        sides = (
            (pooled_variance(_observed(side), given), side) for side, given in zip((left, right), lent, strict=True)
        )
        variances = [(part, 1 / len(side)) for part, side in sides if part]
    return _difference(left.mean(axis=0), right.mean(axis=0), variances, level)


def difference_by_draw(left: np.ndarray, right: np.ndarray, level: float = LEVEL) -> Difference:
    """Compare two models trained on the same draws of training images, draw by draw, on the same test images.

    What a draw does to both models alike cancels; the variance of their difference over draws takes the place of
    two seed variances.

    Parameters
    ----------
    left, right : ndarray of bool or float (n_draws, n_images)
        Hits, the same draw in the same row; at least ``FEWEST_DRAWS``.
    level : float
        Confidence, in (0, 1).

    Raises
    ------
    ValueError
        If the shapes differ, or there are fewer draws.
    """
    left, right = _checked(left, right)
    if len(left) != len(right) or len(left) < FEWEST_DRAWS:
        raise ValueError(f"the draws must be the same, and at least {FEWEST_DRAWS}: {len(left)} and {len(right)}")
    variance = pooled_variance([observed_variance(left - right)])
    variances = [(variance, 1 / len(left))] if variance else []
    return _difference(left.mean(axis=0), right.mean(axis=0), variances, level, power=1)


def mean_interval(hits: np.ndarray, lent: SeedVariance | None = None, level: float = LEVEL) -> Interval:
    """Interval of a model's accuracy over test images and seeds: of the algorithm rather than of these runs.

    Parameters
    ----------
    hits : ndarray of bool or float (n_seeds, n_images)
    lent : SeedVariance or None
        As of :func:`paired_difference`; with one seed and None, Wilson's interval is the one to use.
    level : float
        Confidence, in (0, 1).
    """
    hits = np.asarray(hits, dtype=float)
    part = pooled_variance(_observed(hits), lent)
    # Four images more, half of them right: Agresti and Coull, "Approximate is better than exact for interval
    # estimation of binomial proportions", 1998.
    variances = [(_scaled(part, 4.0), 1 / len(hits))] if part else []
    found = estimate(2 * hits.mean(axis=0) - 1, variances, level, extra=4.0)
    return max((found.low + 1) / 2, 0.0), min((found.high + 1) / 2, 1.0)


def error_ratio(
    left: np.ndarray,
    right: np.ndarray,
    lent: tuple[SeedVariance | None, SeedVariance | None] = (None, None),
    level: float = LEVEL,
) -> Interval | None:
    """Interval for the ratio of two models' error rates, left's over right's, by the delta method on its logarithm.

    Parameters and errors are those of :func:`paired_difference`.

    Returns
    -------
    (float, float) or None
        None where a model makes no error.
    """
    left, right = _checked(left, right)
    errors = 1 - float(left.mean()), 1 - float(right.mean())
    if not all(errors):
        return None
    values, variances = np.zeros(left.shape[1]), []
    for side, error, given, sign in zip((left, right), errors, lent, (1, -1), strict=True):
        values += sign * (1 - side.mean(axis=0)) / error
        if part := pooled_variance(_observed(side), given):
            variances.append((_scaled(part, error**-2), 1 / len(side)))
    found = estimate(values, variances, level, extra=0.0)
    ratio = errors[0] / errors[1]
    return ratio * math.exp(found.low), ratio * math.exp(found.high)


def _observed(hits: np.ndarray) -> list[SeedVariance]:
    return [observed_variance(hits)] if len(hits) > 1 else []


def _scaled(part: SeedVariance, factor: float) -> SeedVariance:
    return SeedVariance(part.total * factor, part.flips * factor, part.degrees)


def _checked(left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    left, right = np.asarray(left, dtype=float), np.asarray(right, dtype=float)
    if left.shape[1] != right.shape[1] or left.shape[1] == 0:
        raise ValueError(f"the images must be the same: {left.shape[1]} and {right.shape[1]}")
    return left, right


def _difference(
    left: np.ndarray, right: np.ndarray, variances: Sequence[tuple[SeedVariance, float]], level: float, power: int = 2
) -> Difference:
    """Of shares of seeds that are right (n_images,)."""
    from scipy.special import stdtr

    found = estimate(left - right, variances, level, power=power)
    only_left, only_right = float((left * (1 - right)).sum()), float((right * (1 - left)).sum())
    if variances:
        p = 2 * float(stdtr(found.degrees, -abs(found.centre) / found.standard_error))
    else:
        p = mcnemar_exact(round(only_left), round(only_right))
    within = {**dataclasses.asdict(found), "low": max(found.low, -1.0), "high": min(found.high, 1.0)}
    return Difference(**within, p=p, only_left=only_left, only_right=only_right)
