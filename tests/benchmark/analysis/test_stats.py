"""Statistics against published examples and reference implementations; their properties."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import bootstrap
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from benchmark.analysis import stats

COUNTS = st.integers(0, 400)
PROBABILITIES = st.lists(st.floats(0, 1), min_size=1, max_size=20)


SHARES = st.integers(1, 30).flatmap(lambda n: st.tuples(*[arrays(float, n, elements=st.sampled_from([0, 0.5, 1]))] * 2))


def test_wilson_of_newcombes_examples():
    """Newcombe, "Two-sided confidence intervals for the single proportion", 1998, table I, method 3."""
    for (right, n), expected in {
        (81, 263): (0.2553, 0.3662),
        (15, 148): (0.0624, 0.1605),
        (0, 20): (0.0, 0.1611),
        (1, 29): (0.0061, 0.1718),
    }.items():
        assert stats.wilson(right, n) == pytest.approx(expected, abs=5e-5)


@given(COUNTS, COUNTS, st.sampled_from([0.8, 0.95, 0.99]))
def test_wilson_is_that_of_statsmodels(right, wrong, level):
    n = right + wrong + 1
    found = stats.wilson(right, n, level)
    assert found == pytest.approx(proportion_confint(right, n, alpha=1 - level, method="wilson"), abs=1e-9)
    assert 0 <= found[0] <= right / n <= found[1] <= 1


def test_mcnemar_of_a_textbook():
    """Approval of a prime minister, 1,600 asked twice, Agresti, "Categorical Data Analysis", table 10.1: 150 and 86."""
    assert stats.mcnemar_exact(150, 86) == pytest.approx(3.716e-5, rel=1e-3)
    # Two sides of a coin that falls one way nine times out of ten: 2 (1 + 10) / 1024.
    assert stats.mcnemar_exact(9, 1) == pytest.approx(22 / 1024)


@given(COUNTS, COUNTS)
def test_mcnemar_is_that_of_statsmodels_and_has_no_sides(b, c):
    p = stats.mcnemar_exact(b, c)
    assert 0 <= p <= 1
    assert p == stats.mcnemar_exact(c, b)
    if b + c:
        assert p == pytest.approx(min(mcnemar([[7, b], [c, 3]], exact=True).pvalue, 1.0), rel=1e-6)
    else:
        assert p == 1


def test_bootstrap_is_that_of_scipy():
    values = np.repeat([0, 1 / 3, 2 / 3, 1], [40, 30, 60, 870])
    found = stats.bootstrap_interval(values)
    theirs = bootstrap((values,), np.mean, n_resamples=10_000, method="percentile", rng=np.random.default_rng(1))
    assert found == pytest.approx(tuple(theirs.confidence_interval), abs=6e-4)
    assert found[0] < values.mean() < found[1]


def test_bootstrap_has_a_seed_that_bites():
    values = np.arange(50) % 7
    assert stats.bootstrap_interval(values, seed=3) == stats.bootstrap_interval(values, seed=3)
    assert stats.bootstrap_interval(values, seed=3) != stats.bootstrap_interval(values, seed=4)
    wide, narrow = (stats.bootstrap_interval(values, level=level) for level in (0.99, 0.5))
    assert wide[0] < narrow[0] < narrow[1] < wide[1]


def test_bootstrap_in_portions_is_a_bootstrap(monkeypatch):
    values = np.linspace(0, 1, 200)
    whole = stats.bootstrap_interval(values)
    monkeypatch.setattr(stats, "DRAWS", 200 * 300)
    assert stats.bootstrap_interval(values) == pytest.approx(whole, abs=4e-3)
    assert stats.bootstrap_interval(values, resamples=1)[0] == stats.bootstrap_interval(values, resamples=1)[1]


@given(SHARES)
@settings(max_examples=40)
def test_paired_bootstrap_contains_its_estimate_and_has_two_sides(both):
    left, right = both
    low, high = stats.paired_bootstrap(left, right, resamples=2_000)
    assert -1 <= low <= high <= 1
    # The quantiles of a coarse distribution may meet the mean itself.
    assert low - 1e-9 <= np.mean(left - right) <= high + 1e-9
    assert stats.paired_bootstrap(left, left, resamples=100) == (0, 0)


def test_paired_bootstrap_refuses_other_images():
    with pytest.raises(ValueError, match="images must be the same"):
        stats.paired_bootstrap(np.zeros(3), np.zeros(4))


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
    found = np.mean([stats.mcnemar_exact(x, y) < 0.05 for x, y in zip(b, c, strict=True)])
    assert 0.75 < found < 0.83  # The exact test is a little more careful than the formula.


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
