"""How much accuracy varies with the seed: what several runs show, and what is lent to runs that show little of it.

``hits`` are as in :mod:`benchmark.analysis.uncertainty`; accuracies are fractions, not points.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

FEWEST_DEGREES = 1.5  # Below, as with two seeds of one model, a seed variance is as good as unknown.


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


def degrees_known(seeds: Sequence[int], lent: Sequence[SeedVariance | None]) -> float:
    """Degrees of freedom with which a seed variance is known: those of the seeds themselves, and what is lent."""
    return sum(n - 1 for n in seeds) + sum(part.degrees for part in lent if part is not None)
