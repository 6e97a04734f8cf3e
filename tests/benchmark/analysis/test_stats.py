"""Statistics against published examples and reference implementations; their properties."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from benchmark.analysis import stats

COUNTS = st.integers(0, 400)
PROBABILITIES = st.lists(st.floats(0, 1), min_size=1, max_size=20)


def test_wilson_of_newcombes_examples():
    """Newcombe, "Two-sided confidence intervals for the single proportion", 1998, table I, method 3."""
    for (right, n), expected in {
        (81, 263): (0.2553, 0.3662),
        (15, 148): (0.0624, 0.1605),
        (0, 20): (0.0, 0.1611),
        (1, 29): (0.0061, 0.1718),
    }.items():
        assert stats.wilson(right / n, n) == pytest.approx(expected, abs=5e-5)


@given(COUNTS, COUNTS, st.sampled_from([0.8, 0.95, 0.99]))
def test_wilson_is_that_of_statsmodels(right, wrong, level):
    n = right + wrong + 1
    found = stats.wilson(right / n, n, level)
    assert found == pytest.approx(proportion_confint(right, n, alpha=1 - level, method="wilson"), abs=1e-9)
    assert 0 <= found[0] <= right / n <= found[1] <= 1


@given(COUNTS, COUNTS, st.floats(0, 1e-3), st.floats(1, 100))
def test_wilson_with_more_variance_holds_that_without(right, wrong, more, degrees):
    n = right + wrong + 1
    narrow, wide = stats.wilson(right / n, n), stats.wilson(right / n, n, more=more, degrees=degrees)
    assert 0 <= wide[0] <= narrow[0] <= narrow[1] <= wide[1] <= 1


def test_wilson_with_more_variance_by_hand():
    """0.9 of 100 and a variance of 0.0016: the ends are as far away as their own variance says."""
    for end in stats.wilson(0.9, 100, more=0.0016):
        assert abs(end - 0.9) == pytest.approx(1.9599640 * math.sqrt(end * (1 - end) / 100 + 0.0016), rel=1e-6)


def holm_by_definition(p_values):
    """Holm, "A simple sequentially rejective multiple test procedure", 1979: the largest step up to a test's own."""
    steps = sorted(p_values)
    n = len(steps)
    return [max(min((n - i) * q, 1.0) for i, q in enumerate(steps) if q <= p) for p in p_values]


@given(st.lists(st.floats(0, 1) | st.sampled_from([0.01, 0.05]), max_size=30))
def test_holm_is_its_definition(p):
    np.testing.assert_allclose(stats.holm(p), holm_by_definition(p), rtol=1e-12, atol=0)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
@settings(max_examples=20)  # Theirs takes a tenth of a second.
def test_holm_is_that_of_statsmodels(p):
    np.testing.assert_allclose(stats.holm(p), multipletests(p, method="holm")[1], rtol=1e-12, atol=0)


def test_holm_of_worked_examples():
    # Holm's procedure by hand: 4 x 0.005, then 3 x 0.01, then 2 x 0.03 and what is not below it.
    assert stats.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    # R's documented p.adjust(c(0.01, 0.02, 0.03), "holm").
    assert stats.holm([0.01, 0.02, 0.03]) == pytest.approx([0.03, 0.04, 0.04])
    assert stats.holm([]).shape == (0,)
    assert stats.holm([0.2]) == pytest.approx([0.2])


@given(PROBABILITIES)
def test_holm_keeps_the_order_and_lowers_nothing(p_values):
    adjusted = stats.holm(p_values)
    assert np.all(adjusted >= np.array(p_values) - 1e-12)
    assert np.all(adjusted <= 1)
    assert np.all(np.diff(adjusted[np.argsort(p_values, kind="stable")]) >= -1e-12)
    assert np.all(adjusted <= np.minimum(len(p_values) * np.array(p_values), 1) + 1e-12)


def test_minimum_detectable_difference_solves_connors_equation():
    for n, share, power in ((10_000, 0.05, 0.8), (1_000, 0.2, 0.9), (300, 1.0, 0.8), (10_000, 0.05, 0.5)):
        d = stats.minimum_detectable_difference(n, share, power=power)
        z = {0.5: 0.0, 0.8: 0.8416212, 0.9: 1.2815516}[power]
        assert n == pytest.approx(((1.9599640 * math.sqrt(share) + z * math.sqrt(share - d * d)) / d) ** 2, rel=1e-5)


def test_minimum_detectable_difference_is_found_in_four_cases_of_five():
    n, share = 2_000, 0.1
    d = stats.minimum_detectable_difference(n, share)
    rng = np.random.default_rng(0)
    b, c, _ = rng.multinomial(n, [(share + d) / 2, (share - d) / 2, 1 - share], size=2_000).T
    found = np.mean((b - c) ** 2 / (b + c + 2) > 1.96**2)
    assert 0.77 < found < 0.83


@given(st.integers(1, 100_000), st.floats(0, 1))
def test_minimum_detectable_difference_is_no_larger_than_the_discordant_share(n, share):
    d = stats.minimum_detectable_difference(n, share)
    assert d is None or 0 < d <= share
    more = stats.minimum_detectable_difference(4 * n, share)
    assert d is None or d / 2.2 < more < d


def test_nothing_is_detectable_on_few_images():
    assert stats.minimum_detectable_difference(3, 1.0) is None
    assert stats.minimum_detectable_difference(10_000, 0.0) is None


def test_minimum_detectable_difference_counts_seeds_and_level():
    plain = stats.minimum_detectable_difference(10_000, 0.05)
    assert stats.minimum_detectable_difference(10_000, 0.05, seed_variance=2e-6) > 1.1 * plain
    assert stats.minimum_detectable_difference(10_000, 0.05, level=0.05 / 14) > 1.3 * plain
    assert stats.minimum_detectable_difference(10_000, 0.05, degrees=8) > 1.1 * plain
