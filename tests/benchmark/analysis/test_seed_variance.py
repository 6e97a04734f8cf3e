"""Seed variances by hand."""

from __future__ import annotations

import numpy as np
import pytest

from benchmark.analysis import seed_variance


def test_observed_variance_by_hand():
    # Accuracies 1/3 and 1: variance over seeds 2/9; the interaction's sum of squares is 1/3, its mean square 1/6.
    found = seed_variance.observed_variance(np.array([[1.0, 0.0, 0.0], [1.0, 1.0, 1.0]]))
    assert found.total == pytest.approx(2 / 9)
    assert found.flips == pytest.approx(1 / 18)
    assert found.whole == pytest.approx(1 / 6)
    assert found.degrees == 1


def test_pooled_variance_by_hand():
    """(4 x (0.01 + 0.002) + 2 x 0.03 + 1 x 0.06) / 7, flips (2 x 0.001 + 1 x 0.004) / 3.

    Degrees of freedom: (7 x 0.024)^2 / (4 x 0.01^2 + 3 x 0.024^2).
    """
    seen = [seed_variance.SeedVariance(0.03, 0.001, 2), seed_variance.SeedVariance(0.06, 0.004, 1)]
    lent = seed_variance.SeedVariance(0.01, 0.0, 4)
    found = seed_variance.pooled_variance(seen, lent)
    assert found.total == pytest.approx((4 * 0.012 + 0.06 + 0.06) / 7)
    assert (found.flips, found.degrees) == pytest.approx((0.002, (7 * 0.024) ** 2 / (4 * 0.01**2 + 3 * 0.024**2)))
    assert seed_variance.pooled_variance([], lent) == lent
    assert seed_variance.pooled_variance(seen).total == pytest.approx(0.04)
    assert seed_variance.pooled_variance([]) is None
