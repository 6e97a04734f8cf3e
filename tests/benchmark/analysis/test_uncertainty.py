"""Accuracies over images and seeds: worked examples, reference implementations, properties."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from statsmodels.stats.contingency_tables import mcnemar

from benchmark.analysis import seed_variance, stats, uncertainty


def hits(n_seeds, n):
    return arrays(np.int8, (n_seeds, n), elements=st.integers(0, 1))


SAME_IMAGES = st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(1, 30)).flatmap(
    lambda sizes: st.tuples(hits(sizes[0], sizes[2]), hits(sizes[1], sizes[2]))
)


LENT = st.sampled_from([None, seed_variance.SeedVariance(4e-6, 0.0, 2), seed_variance.SeedVariance(1e-3, 0.0, 4)])


@given(SAME_IMAGES, LENT)
def test_the_interval_of_a_model_holds_that_of_its_runs(both, lent):
    for side in both:
        runs, model = uncertainty.runs_interval(side), uncertainty.model_interval(side, lent)
        assert 0 <= model[0] <= runs[0] <= side.mean() + 1e-12
        assert side.mean() - 1e-12 <= runs[1] <= model[1] <= 1


def test_the_interval_of_one_run_is_wilsons():
    hits = np.repeat([[1.0, 0.0]], [93, 7], axis=1)
    assert uncertainty.runs_interval(hits) == pytest.approx(stats.wilson(0.93, 100))


def test_runs_without_errors_have_the_interval_of_one():
    assert uncertainty.runs_interval(np.ones((3, 100))) == pytest.approx(stats.wilson(1.0, 100))
    # Runs that are wrong on other images say more than one of them.
    hits = np.ones((2, 1_000))
    hits[0, :50], hits[1, 50:100] = 0, 0
    low, high = uncertainty.runs_interval(hits)
    assert high - low == pytest.approx(math.sqrt(0.5) * np.ptp(stats.wilson(0.95, 1_000)), rel=0.05)


def test_few_degrees_of_freedom_widen_the_interval_of_a_model():
    """Two of a variance that outweighs the images: t is 4.30, of many 1.96."""
    hits = np.repeat([[1.0, 0.0]], [5_000, 5_000], axis=1)
    few, many = (
        np.ptp(uncertainty.model_interval(hits, seed_variance.SeedVariance(1e-3, 0.0, degrees))) for degrees in (2, 1e9)
    )
    assert few / many == pytest.approx(4.303 / 1.960, rel=0.05)


def test_an_accuracy_of_seeds_and_images_is_wider_than_of_images_alone():
    hits = np.random.default_rng(0).random((5, 2_000)) < np.array([[0.9], [0.92], [0.94], [0.9], [0.93]])
    model, runs = uncertainty.model_interval(hits), uncertainty.runs_interval(hits)
    assert np.ptp(model) > 3 * np.ptp(runs)


@given(SAME_IMAGES, LENT, LENT)
def test_the_ratio_of_errors_says_what_the_difference_says(both, lent, other):
    """It leaves out 1 where p is below 0.05, and only there, however few errors there are."""
    left, right = both
    found = uncertainty.error_ratio(left, right, (lent, other))
    if left.mean() == 1 or right.mean() == 1:
        assert found is None
        return
    low, high = found
    assert 0 <= low <= (1 - left.mean()) / (1 - right.mean()) * (1 + 1e-9)
    assert high >= (1 - left.mean()) / (1 - right.mean()) * (1 - 1e-9)
    p = uncertainty.paired_difference(left, right, lent=(lent, other)).p
    assert (p < 0.05) == (high < 1 or low > 1)
    again = uncertainty.error_ratio(right, left, (other, lent))
    if left.mean() < right.mean():
        assert again[::-1] == pytest.approx((1 / low if low else math.inf, 1 / high))


def test_seeds_that_flip_more_than_the_images_show_widen_the_ratio_too():
    """Every seed is wrong on images of its own, so what flips is more than what the images' variance holds."""
    left, right = (1 - np.eye(4).repeat(times, axis=1) for times in (5, 15))
    left = np.concatenate([left, np.ones((4, 40))], axis=1)
    low, high = uncertainty.error_ratio(left, right)
    found = uncertainty.paired_difference(left, right)
    assert (high < 1) == (found.p < 0.05)
    # As far from 1 in errors of the right model as the difference is from 0.
    assert 1 - high == pytest.approx(found.low / (1 - right.mean()), abs=0.15)
    assert low < 0.8 * 5 / 15


def errors(n, only_left, only_right, both):
    wrong = np.zeros((2, 1, n))
    wrong[0, 0, : only_left + both] = 1
    wrong[1, 0, only_left : only_left + both + only_right] = 1
    return 1 - wrong


def test_the_ratio_of_few_errors_has_sensible_ends():
    """Two errors against forty of 2,000, thirty against 250 of 10,000: not 9,000 times as many, and not none."""
    assert uncertainty.error_ratio(*errors(2_000, 1, 39, 1)) == pytest.approx((0.014, 0.188), abs=1e-3)
    seeds = seed_variance.SeedVariance(4e-6, 0.0, 2)
    low, high = uncertainty.error_ratio(*errors(10_000, 15, 235, 15), (seeds, seeds))
    assert 0.02 < low < 0.12 < high < 0.4


def test_the_ratio_of_many_errors_is_that_of_the_delta_method():
    n, only_left, only_right, both = 10_000, 200, 400, 300
    low, high = uncertainty.error_ratio(*errors(n, only_left, only_right, both))
    ratio = (only_left + both) / (only_right + both)
    variance = (only_left + only_right) / ((only_left + both) * (only_right + both))
    assert np.log([low, high]) == pytest.approx(
        math.log(ratio) + 1.96 * math.sqrt(variance) * np.array([-1, 1]), abs=0.01
    )


@pytest.mark.parametrize("right_errors", [30, 60])
@pytest.mark.parametrize("expected", [1, 2, 3, 5, 10])
def test_the_ratio_of_a_handful_of_errors_covers(expected, right_errors):
    """Two models of 2,000 images, half of the better one's errors shared."""
    rng, inside, n = np.random.default_rng(expected), [], 2_000
    both, left, right = expected / 2 / n, expected / 2 / n, (right_errors - expected / 2) / n
    for counts in rng.multinomial(n, [left, right, both, 1 - left - right - both], size=1_000):
        found = uncertainty.error_ratio(*errors(n, *counts[:3]))
        if found is not None:
            inside.append(found[0] <= expected / right_errors <= found[1])
    # Of one error that is expected, those cases are left out in which there is none.
    assert (0.9 if expected == 1 else 0.93) <= np.mean(inside) <= 0.985


@pytest.mark.parametrize(("seeds", "sd"), [((2, 2), 0.01), ((3, 1), 0.01), ((3, 1), 0.03), ((3, 2), 0.01)])
def test_few_seeds_that_outweigh_the_images_hold_the_level(seeds, sd):
    """Equal models; one of one seed is deterministic."""
    rng, n = np.random.default_rng(0), 2_000
    found = []
    for _ in range(1_500):
        share = [0.9 + (sd * rng.standard_normal((count, 1)) if count > 1 else 0.0) for count in seeds]
        difficulty = rng.random(n)
        both = [np.where(rng.random((len(s) if np.ndim(s) else 1, n)) < 0.03, 0, difficulty < s) for s in share]
        found.append(uncertainty.paired_difference(*both).p < 0.05)
    assert np.mean(found) <= 0.07


def test_two_seeds_alone_are_compared_as_runs():
    rng = np.random.default_rng(0)
    left, right = rng.random((2, 500)) < np.array([[0.9], [0.8]]), rng.random((1, 500)) < 0.7
    assert uncertainty.paired_difference(left, right).training_error == 0
    lent = seed_variance.SeedVariance(1e-4, 0.0, 2.0)
    assert uncertainty.paired_difference(left, right, lent=(lent, None)).training_error > 0


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
    only_left, only_right = uncertainty.discordant(left, right)
    assert (only_right, only_left) == pytest.approx(uncertainty.discordant(right, left))
    assert only_left - only_right == pytest.approx(left.shape[1] * found.value)
    assert found.standard_error > 0
    assert found.training_error >= 0
    assert (found.p < 0.05) == (found.low > 0 or found.high < 0)
    assert (found.p_beyond(0.1) < 0.025) == (found.low > 0.1)


def test_a_paired_difference_of_single_runs_is_mcnemars_with_two_images_more():
    """3 and 10 discordant of 40: (4 - 11) / 42, whose variance is (15 / 42 - d^2) / 42 if the truth is d."""
    left, right = np.zeros((1, 40)), np.zeros((1, 40))
    left[0, :3], right[0, 5:15] = 1, 1
    found = uncertainty.paired_difference(left, right)
    for end in (found.low, found.high):
        reach = 2.0195410 * math.sqrt((15 / 42 - end**2) / 42)  # t at 41 degrees of freedom
        assert abs(end + 7 / 42) == pytest.approx(reach, rel=1e-6)
    statistic = mcnemar([[0, 4], [11, 27]], exact=False, correction=False).statistic
    assert found.p == pytest.approx(2 * scipy.stats.t.sf(math.sqrt(statistic), 41))
    assert found.training_error == 0


def test_a_drop_beyond_what_differs_is_not_there():
    left, right = np.ones((1, 100)), np.ones((1, 100))
    right[0, 0] = 0
    assert uncertainty.paired_difference(left, right).p_beyond(0.5) == 1


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
