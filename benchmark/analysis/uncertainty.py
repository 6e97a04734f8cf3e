"""Metrics and their differences over test images and over seeds: two sources of variance, kept apart.

``hits`` are 1 where a model is right and 0 where it is wrong, as (n_seeds, n_images), axes in this order; of a metric
other than accuracy, they are the images' contributions to it (:mod:`benchmark.estimators.metrics`) on a scale on which
more is better, and ``classes`` say of which class each image is. Values and differences are on that scale, of accuracy
fractions, not points.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence

import numpy as np

from benchmark.analysis.seed_variance import (
    FEWEST_DEGREES,
    SeedVariance,
    degrees_known,
    observed_variance,
    pooled_variance,
)
from benchmark.analysis.stats import LEVEL, Interval, quantile, wilson

FEWEST_DRAWS = 3  # Two show so little of a variance that no test of them holds its level.
SCARCE_DEGREES = 2.0  # Up to here a test of it rejects too often if it is weighted as usual.
EXTRA = 2  # Images added to a pair, one that only the left and one that only the right model gets right.


@dataclasses.dataclass(frozen=True)
class Classes:
    """How contributions to a metric vary over test images: class by class, as test images are sampled.

    The variance of their mean is the sum of the classes' own; its degrees of freedom are those of Satterthwaite, who is
    cited in :func:`_combined`. In small classes of which all images are alike chance hides variance, against which two
    kinds of prior help; how much of either a metric needs was chosen by simulation (``make simulations``).

    Attributes
    ----------
    labels : ndarray of int (n_images,)
    extra : float
        Images added to every pair that only one of the two models gets right, shared out evenly among the classes.
    prior : float
        Images' worth of the variance that all classes have together, added to each class's own.
    """

    labels: np.ndarray
    extra: float = 0.0
    prior: float = 0.0

    def variance(self, values: np.ndarray, *, extra: float = 1.0) -> tuple[float, float]:
        """Of the mean of ``values`` (n_images,), and its degrees of freedom; ``extra`` is a factor of the images added.

        An image's share in a metric to which all classes contribute alike goes with 1 / the size of its class.
        """
        n, counts = len(values), np.bincount(self.labels)
        squares: np.ndarray = np.bincount(self.labels, (values - values.mean()) ** 2)[counts > 0]
        counts = counts[counts > 0]
        squares = squares + extra * self.extra / len(counts) * (n / (len(counts) * counts)) ** 2
        of_class = squares * counts  # Of classes that contribute alike, in proportion to the variance of an image.
        of_class = (counts * of_class + self.prior * (counts @ of_class) / n) / (counts + self.prior)
        parts = of_class / counts / n**2
        total = float(parts.sum())
        within = float((parts**2 / np.maximum(counts + self.prior - 1, 1)).sum())
        return total, total**2 / within if within else n - 1.0


# Of each independent source of training its variance, and the factor by which it enters that of a mean over seeds.
Sources = Sequence[tuple[SeedVariance, float]]


@dataclasses.dataclass(frozen=True)
class Difference:
    """How far two models' accuracies lie apart on the same images.

    Attributes
    ----------
    value, low, high : float
        The difference with its interval, which leaves out 0 where ``p`` is below 1 - its confidence, and only there.
    centre : float
        The difference with an image more to either side: a little nearer to 0.
    images_error, training_error : float
        Standard errors by source: test sampling, and training.
    degrees : float
        Degrees of freedom of the two together.
    p : float
        Two-sided, that there is no difference.
    n_images : int
        Those added included.
    """

    value: float
    low: float
    high: float
    centre: float
    images_error: float
    training_error: float
    degrees: float
    p: float
    n_images: int

    @property
    def standard_error(self) -> float:
        return math.hypot(self.images_error, self.training_error)

    def p_beyond(self, margin: float) -> float:
        """One-sided p that the difference is not larger than ``margin``, by t."""
        from scipy.special import stdtr

        variance = self.standard_error**2 + (self.centre**2 - margin**2) / self.n_images
        if variance <= 0:  # So many images do not differ.
            return 1.0
        return float(stdtr(self.degrees, (margin - self.centre) / math.sqrt(variance)))


def paired_difference(
    left: np.ndarray,
    right: np.ndarray,
    *,
    lent: tuple[SeedVariance | None, SeedVariance | None] = (None, None),
    same: bool = False,
    level: float = LEVEL,
    classes: Classes | None = None,
) -> Difference:
    """Compare two models on the same images.

    Two sources make up the variance: that of the per-image difference over images, and for each model its seed
    variance / number of seeds, observed and lent as :func:`pooled_variance` says. A model with one seed to which
    none is lent adds none, and where :func:`degrees_known` are below ``FEWEST_DEGREES`` none adds any: either nothing
    in training is random, or the result holds for these runs and not for the models trained again.

    The test is McNemar's, "Note on the sampling error of the difference between correlated proportions or
    percentages", 1947, (b - c)^2 / (b + c), with the variance of training added to that of images, by t, and with
    one image more on either side: as Bonett and Price, "Adjusted Wald confidence interval for a difference of
    binomial proportions based on paired data", 2012. Of another metric than accuracy the variance over images is that
    of ``classes``. The interval holds the differences that the same test does not reject. How often interval and p are
    right is simulated in ``tests/benchmark/analysis/test_simulations.py``.

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
    classes : Classes or None
        Of the images, where left and right are not hits.

    Raises
    ------
    ValueError
        If the numbers of images differ or are 0.
    """
    left, right = _checked(left, right)
    if same:
        seeds, sources = (len(left), len(right)), []
        if degrees_known(seeds, lent[:1]) >= FEWEST_DEGREES:
            both = pooled_variance([*_observed(left), *_observed(right)], lent[0])
            sources = [(both, 1 / len(left) + 1 / len(right))] if both else []
        power = _power(seeds, lent[:1])
    else:
        (first, second), power = _sources_of_both(left, right, lent)
        sources = [*first, *second]
    return _difference(left.mean(axis=0), right.mean(axis=0), sources, level, power, classes)


def _power(seeds: Sequence[int], lent: Sequence[SeedVariance | None]) -> int:
    """How :func:`_combined` weights degrees of freedom: seeds alone that are few may show little variance by chance."""
    return 1 if sum(seeds) > len(seeds) and degrees_known(seeds, lent) <= SCARCE_DEGREES else 2


def difference_by_draw(
    left: np.ndarray, right: np.ndarray, level: float = LEVEL, classes: Classes | None = None
) -> Difference:
    """Compare two models trained on the same draws of training images, draw by draw, on the same test images.

    What a draw does to both models alike cancels; the variance of their difference over draws takes the place of
    two seed variances.

    Parameters
    ----------
    left, right : ndarray of bool or float (n_draws, n_images)
        Hits, the same draw in the same row; at least ``FEWEST_DRAWS``.
    level : float
        Confidence, in (0, 1).
    classes : Classes or None
        As of :func:`paired_difference`.

    Raises
    ------
    ValueError
        If the shapes differ, or there are fewer draws.
    """
    left, right = _checked(left, right)
    if len(left) != len(right) or len(left) < FEWEST_DRAWS:
        raise ValueError(f"the draws must be the same, and at least {FEWEST_DRAWS}: {len(left)} and {len(right)}")
    return _difference(left.mean(axis=0), right.mean(axis=0), _sources(left - right), level, 1, classes)


def discordant(left: np.ndarray, right: np.ndarray) -> tuple[float, float]:
    """Images that only one of two models gets right; of several seeds, the mean over all pairs of runs.

    Parameters
    ----------
    left, right : ndarray of bool (n_seeds, n_images)
        Hits; the numbers of seeds may differ.
    """
    left, right = _checked(left, right)
    shares = left.mean(axis=0), right.mean(axis=0)
    return float((shares[0] * (1 - shares[1])).sum()), float((shares[1] * (1 - shares[0])).sum())


def runs_interval(
    hits: np.ndarray, level: float = LEVEL, classes: Classes | None = None, *, bounded: bool = True
) -> Interval:
    """Interval of the accuracy of these runs over test images: Wilson's for one seed, and its like for several.

    Over several seeds the share of right runs varies less from image to image than right and wrong do: by the factor
    of :func:`_evenness`, for which Wilson's interval is that of so many more images (Korn and Graubard, "Confidence
    intervals for proportions with small expected number of positive counts estimated from survey data", 1998). So it is
    for other metrics that lie between 0 and 1, whose variance comes from ``classes``; for one that is not ``bounded``
    it is Student's of the logarithm of the loss.

    Parameters
    ----------
    hits : ndarray of bool or float (n_seeds, n_images)
    level : float
        Confidence, in (0, 1).
    classes : Classes or None
        Of the images, where they are not hits.
    bounded : bool
        Whether the metric lies between 0 and 1.
    """
    share = np.asarray(hits, dtype=float).mean(axis=0)
    return _interval(share, 0.0, lambda images, degrees: degrees, level, classes, bounded=bounded)


def model_interval(
    hits: np.ndarray,
    lent: SeedVariance | None = None,
    level: float = LEVEL,
    classes: Classes | None = None,
    *,
    bounded: bool = True,
) -> Interval:
    """Interval of a model's accuracy over test images and seeds: of the algorithm rather than of these runs.

    It holds that of :func:`runs_interval`, whose parameters it has.

    Parameters
    ----------
    lent : SeedVariance or None
        As of :func:`paired_difference`; :func:`degrees_known` should not be below ``FEWEST_DEGREES``.
    """
    hits = np.asarray(hits, dtype=float)
    sources, power = _sources(hits, lent), _power([len(hits)], [lent])
    training = max(sum(part.whole * factor for part, factor in sources), 0.0)

    def degrees(images: float, of_images: float) -> float:
        # Student's t counts too: of accuracy, the degrees of freedom over images are as many as there are images.
        return _combined(images, min(of_images, hits.shape[1]), sources, power)[1]

    return _interval(hits.mean(axis=0), training, degrees, level, classes, bounded=bounded)


def _interval(
    share: np.ndarray,
    training: float,
    degrees: Callable[[float, float], float],
    level: float,
    classes: Classes | None,
    *,
    bounded: bool,
) -> Interval:
    """Of a mean over images (n_images,) with the variance of training.

    ``degrees`` gives the degrees of freedom together, of the variance over images and those that it has itself.
    """
    value, n = float(share.mean()), len(share)
    if classes is None:
        n_like, smoothed = n / _evenness(share), (n * value + 2) / (n + 4)
        return wilson(
            value, n_like, level, more=training, degrees=degrees(smoothed * (1 - smoothed) / n_like, math.inf)
        )
    images, of_images = classes.variance(share, extra=0.5)
    together = degrees(images, of_images)
    if not bounded:  # A loss, negative: as likely too low by a factor as too high.
        spread = quantile((1 + level) / 2, together) * math.sqrt(images + training)
        factor = math.exp(spread / -value) if value < 0 else 1.0
        return value * factor, value / factor
    value = min(max(value, 0.0), 1.0)
    n_like = value * (1 - value) / images if images and 0 < value < 1 else n
    return wilson(value, n_like, level, more=training, degrees=together)


def error_ratio(
    left: np.ndarray,
    right: np.ndarray,
    lent: tuple[SeedVariance | None, SeedVariance | None] = (None, None),
    level: float = LEVEL,
) -> Interval | None:
    """Interval for the ratio of two models' error rates, left's over right's.

    It holds each ratio r for which :func:`paired_difference` would not reject that left's errors are r times right's,
    so that it leaves out 1 where the difference is significant, and only there: Fieller, "Some problems in interval
    estimation", 1954. A ratio that is not the measured one would come with other numbers of errors, whose variance
    counts as in the score test of Nam and Blackwelder, "Analysis of the ratio of marginal probabilities in a
    matched-pair setting", 2002: it holds with a handful of errors too.

    Parameters and errors are those of :func:`paired_difference`.

    Returns
    -------
    (float, float) or None
        The upper end may be infinite. None where a model makes no error.
    """
    from scipy.optimize import brentq

    left, right = _checked(left, right)
    wrong = 1 - left.mean(axis=0), 1 - right.mean(axis=0)
    if not all(errors.any() for errors in wrong):
        return None
    if wrong[0].sum() > wrong[1].sum():  # What is below is for ratios up to 1.
        ends = error_ratio(right, left, lent[::-1], level)
        return None if ends is None else (1 / ends[1], 1 / ends[0])
    n = left.shape[1] + EXTRA
    sources, power = _sources_of_both(left, right, lent)
    first, second = (float(errors.sum()) for errors in wrong)
    squares, together = [float(errors @ errors) for errors in wrong], float(wrong[0] @ wrong[1])
    flips, totals = (
        [n**2 * sum(getattr(part, name) * factor for part, factor in own) for own in sources]
        for name in ("flips", "total")
    )
    discordant = n * _second_moment(*wrong)
    _, degrees = _combined(discordant / n**2, n - 1, [*sources[0], *sources[1]], power)
    t, measured = quantile((1 + level) / 2, degrees), first / second

    def outside(ratio: float) -> float:
        thinned = min(ratio / measured, 1.0)

        def of_both(left: float, right: float) -> float:
            return thinned * left + ratio**2 * right

        # If the ratio is smaller than measured, left's errors are fewer, thinned out image by image; of the images
        # added as many as the ratio says are wrong by left alone, and one by right alone.
        images = of_both(*squares) - 2 * ratio * thinned * together + ratio + ratio**2
        if ratio > measured:  # Errors as many as those of both, divided by the ratio.
            images = max(images, ratio * discordant)
        variance = max(images - of_both(*flips), 0.0) + of_both(*totals)
        return float((first - ratio * second) ** 2 - t**2 * variance)

    highest = 1e6 * measured
    high = float(brentq(outside, measured, highest)) if outside(highest) > 0 else math.inf
    return float(brentq(outside, 0.0, measured)), high


def _observed(hits: np.ndarray) -> list[SeedVariance]:
    return [observed_variance(hits)] if len(hits) > 1 else []


def _sources(hits: np.ndarray, lent: SeedVariance | None = None) -> Sources:
    """The seed variance of one model's mean over its seeds; empty where nothing is known or random."""
    part = pooled_variance(_observed(hits), lent)
    return [(part, 1 / len(hits))] if part else []


def _sources_of_both(
    left: np.ndarray, right: np.ndarray, lent: Sequence[SeedVariance | None]
) -> tuple[list[Sources], int]:
    """The sources of two models, none where too little is known of them, and how their degrees are weighted."""
    seeds = len(left), len(right)
    known = degrees_known(seeds, lent) >= FEWEST_DEGREES
    sources = [_sources(side, given) if known else [] for side, given in zip((left, right), lent, strict=True)]
    return sources, _power(seeds, lent)


def _checked(left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    left, right = np.asarray(left, dtype=float), np.asarray(right, dtype=float)
    if left.shape[1] != right.shape[1] or left.shape[1] == 0:
        raise ValueError(f"the images must be the same: {left.shape[1]} and {right.shape[1]}")
    return left, right


def _evenness(share: np.ndarray) -> float:
    """By what factor shares of right seeds vary less over images than right and wrong would; 1 for one seed.

    Four images more, two right and two wrong, steady it where nearly all are alike: Agresti and Coull, "Approximate
    is better than exact for interval estimation of binomial proportions", 1998.
    """
    n = len(share) + 4
    mean = (float(share.sum()) + 2) / n
    return (float(share @ share) + 2 - n * mean**2) / (n * mean * (1 - mean))


def _second_moment(left: np.ndarray, right: np.ndarray) -> float:
    """Of the difference over images, with one image more to either side."""
    return (float(((left - right) ** 2).sum()) + EXTRA) / (len(left) + EXTRA)


def _combined(images: float, degrees: float, sources: Sources, power: int = 2) -> tuple[float, float]:
    """The variance of a mean over images and seeds, and its degrees of freedom.

    They are those of Satterthwaite, "An approximate distribution of estimates of variance components", 1946: the
    reciprocals of the sources' degrees, weighted by their shares of the variance to the power of 2. Where a source of
    two degrees of freedom outweighs the others, that rejects in 8 % instead of 5 %, as it makes much of a variance
    that happens to be small; a power of 1 holds the level.
    """
    # Single images that flip from seed to seed are in the variance over images and again in the one over seeds.
    alone = max(images - sum(part.flips * factor for part, factor in sources), 0.0)
    parts = [(alone, degrees), *((part.total * factor, part.degrees) for part, factor in sources)]
    variance = sum(size for size, _ in parts)
    within = sum(size**power / degrees for size, degrees in parts)
    return variance, variance**power / within if within else degrees


def _difference(
    left: np.ndarray, right: np.ndarray, sources: Sources, level: float, power: int, classes: Classes | None
) -> Difference:
    """Of means over seeds (n_images,)."""
    from scipy.special import stdtr

    value = float((left - right).mean())
    if classes is None:
        n = len(left) + EXTRA
        centre, of_images, most = float((left - right).sum()) / n, n - 1.0, 1.0
        images = _second_moment(left, right) / n
    else:
        n, centre, most = len(left), value, math.inf
        images, of_images = classes.variance(left - right)
        images += centre**2 / n
    # If the models are equal; if they are d apart, it is less by d^2 / n.
    variance, degrees = _combined(images, of_images, sources, power)
    square = quantile((1 + level) / 2, degrees) ** 2
    # All d with (centre - d)^2 <= t^2 (variance - d^2 / n).
    k = square / n
    reach = math.sqrt(max((1 + k) * square * variance - k * centre**2, 0.0))
    images, variance_here = images - centre**2 / n, max(variance - centre**2 / n, 0.0)
    return Difference(
        value=value,
        # Of a handful of images that all differ the same way, the images added would leave out the value itself.
        low=max(min((centre - reach) / (1 + k), value), -most),
        high=min(max((centre + reach) / (1 + k), value), most),
        centre=centre,
        # Where seeds vary less than flips alone would make them, the sum is below the variance over images.
        images_error=math.sqrt(min(images, variance_here)),
        training_error=math.sqrt(max(variance_here - images, 0.0)),
        degrees=degrees,
        p=2 * float(stdtr(degrees, -abs(centre) / math.sqrt(variance))) if variance else 1.0,
        n_images=n,
    )
