"""Accuracies over images and seeds: worked examples, reference implementations, properties."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from statsmodels.stats.contingency_tables import mcnemar

from benchmark.analysis import stats, uncertainty


def hits(n_seeds, n):
    return arrays(np.int8, (n_seeds, n), elements=st.integers(0, 1))


SAME_IMAGES = st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(1, 30)).flatmap(
    lambda sizes: st.tuples(hits(sizes[0], sizes[2]), hits(sizes[1], sizes[2]))
)


def test_observed_variance_by_hand():
    # Accuracies 1/3 and 1: variance over seeds 2/9; the interaction's sum of squares is 1/3, its mean square 1/6.
    found = uncertainty.observed_variance(np.array([[1.0, 0.0, 0.0], [1.0, 1.0, 1.0]]))
    assert found.total == pytest.approx(2 / 9)
    assert found.flips == pytest.approx(1 / 18)
    assert found.whole == pytest.approx(1 / 6)
    assert found.degrees == 1


def test_pooled_variance_by_hand():
    """(4 x (0.01 + 0.002) + 2 x 0.03 + 1 x 0.06) / 7, flips (2 x 0.001 + 1 x 0.004) / 3.

    Degrees of freedom: (7 x 0.024)^2 / (4 x 0.01^2 + 3 x 0.024^2).
    """
    seen = [uncertainty.SeedVariance(0.03, 0.001, 2), uncertainty.SeedVariance(0.06, 0.004, 1)]
    lent = uncertainty.SeedVariance(0.01, 0.0, 4)
    found = uncertainty.pooled_variance(seen, lent)
    assert found.total == pytest.approx((4 * 0.012 + 0.06 + 0.06) / 7)
    assert (found.flips, found.degrees) == pytest.approx((0.002, (7 * 0.024) ** 2 / (4 * 0.01**2 + 3 * 0.024**2)))
    assert uncertainty.pooled_variance([], lent) == lent
    assert uncertainty.pooled_variance(seen).total == pytest.approx(0.04)
    assert uncertainty.pooled_variance([]) is None


def test_an_accuracy_of_seeds_and_images_is_wider_than_of_images_alone():
    hits = np.random.default_rng(0).random((5, 2_000)) < np.array([[0.9], [0.92], [0.94], [0.9], [0.93]])
    low, high = uncertainty.mean_interval(hits)
    of_images = stats.bootstrap_interval(hits.mean(axis=0))
    assert low < of_images[0] < of_images[1] < high
    assert uncertainty.mean_interval(np.ones((1, 10)), uncertainty.SeedVariance(1e-6, 0.0, 4))[1] == 1


def test_the_ratio_of_errors_has_an_interval():
    rng = np.random.default_rng(0)
    left, right = rng.random((3, 5_000)) < 0.96, rng.random((1, 5_000)) < 0.92
    low, high = uncertainty.error_ratio(left, right)
    ratio = (1 - left.mean()) / (1 - right.mean())
    assert low < ratio < high
    assert low * high == pytest.approx(ratio**2)
    assert uncertainty.error_ratio(right, left) == pytest.approx((1 / high, 1 / low))
    assert uncertainty.error_ratio(np.ones((1, 5)), np.zeros((1, 5))) is None


def test_draws_that_help_both_alike_cancel():
    rng = np.random.default_rng(0)
    share = np.array([[0.7], [0.8], [0.9]])
    noise = rng.random((3, 2_000))
    left, right = noise < share + 0.02, noise < share
    by_draw, apart = uncertainty.difference_by_draw(left, right), uncertainty.paired_difference(left, right)
    assert by_draw.value == apart.value
    assert by_draw.p < 0.001 < 0.5 < apart.p
    with pytest.raises(ValueError, match="draws must be the same"):
        uncertainty.difference_by_draw(left, right[:2])
    with pytest.raises(ValueError, match="at least 3"):
        uncertainty.difference_by_draw(left[:2], right[:2])


@given(SAME_IMAGES)
def test_a_paired_difference_has_two_sides(both):
    left, right = both
    found, other = uncertainty.paired_difference(left, right), uncertainty.paired_difference(right, left)
    assert -1 <= found.low <= found.value + 1e-12
    assert found.value - 1e-12 <= found.high <= 1
    assert 0 <= found.p <= 1
    assert found.p == pytest.approx(other.p)
    assert (found.low, found.high) == pytest.approx((-other.high, -other.low))
    assert (found.only_left, found.only_right) == pytest.approx((other.only_right, other.only_left))
    n = left.shape[1]
    assert found.only_left - found.only_right == pytest.approx(n * found.value)
    assert found.standard_error > 0
    assert found.training_error >= 0
    if len(left) > 1 or len(right) > 1:
        assert (found.p < 0.05) == (found.low > 0 or found.high < 0)


def test_a_paired_difference_of_single_runs_is_bonetts_and_prices():
    """3 and 10 discordant of 40: (4 - 11) / 42 -+ t sqrt((15 / 42 - (7 / 42)^2) / 42)."""
    left, right = np.zeros((1, 40)), np.zeros((1, 40))
    left[0, :3], right[0, 5:15] = 1, 1
    found = uncertainty.paired_difference(left, right)
    half = 2.0195410 * math.sqrt((15 / 42 - (7 / 42) ** 2) / 42)  # t at 41 degrees of freedom
    assert (found.low, found.high) == pytest.approx((-7 / 42 - half, -7 / 42 + half), rel=1e-6)
    assert found.p == pytest.approx(mcnemar([[0, 3], [10, 27]], exact=True).pvalue)
    assert found.training_error == 0


def test_both_sources_make_up_the_error():
    rng = np.random.default_rng(5)
    left = rng.random((4, 500)) < np.array([[0.7], [0.8], [0.9], [0.75]])
    right = rng.random((1, 500)) < 0.8
    found = uncertainty.paired_difference(left, right)
    spread = left.mean(axis=1).std(ddof=1) / 2
    assert found.training_error == pytest.approx(spread, rel=0.06)
    assert found.training_error < spread
    assert found.images_error == pytest.approx((left.mean(axis=0) - right[0]).std() / math.sqrt(500), rel=0.02)
    assert found.standard_error == pytest.approx(math.hypot(found.images_error, found.training_error))
    assert 3 < found.degrees < 500


@pytest.mark.parametrize("shapes", [((1, 3), (1, 4)), ((1, 0), (1, 0))])
def test_a_paired_difference_refuses_other_images(shapes):
    with pytest.raises(ValueError, match="images must be the same"):
        uncertainty.paired_difference(*map(np.zeros, shapes))
