"""Calibration against scikit-learn, examples worked by hand, data whose calibration is known, and properties."""

from __future__ import annotations

import inspect
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from scipy.special import softmax
from sklearn.metrics import brier_score_loss, log_loss

from benchmark.analysis import calibration

FLOOR = calibration.FLOOR
SCORES = (
    calibration.nll,
    calibration.floored,
    calibration.brier,
    calibration.expected_calibration_error,
    calibration.calibration_error_by_chance,
    lambda p, y: calibration.risk_coverage(p, y).area,
    calibration.temperature,
)


def drawn(n=20_000, k=5, sharpness=2.0, seed=0):
    """Probabilities and labels that are drawn by them: calibrated by construction."""
    generator = np.random.default_rng(seed)
    probabilities = softmax(sharpness * generator.normal(size=(n, k)), axis=1)
    labels = (probabilities.cumsum(axis=1) < generator.random((n, 1))).sum(axis=1)
    return probabilities, np.minimum(labels, k - 1)


@st.composite
def cases(draw):
    """A few images and classes, probabilities with zeros and ties among them."""
    n, k = draw(st.integers(1, 12)), draw(st.integers(2, 5))
    weights = draw(npst.arrays(np.int64, (n, k), elements=st.sampled_from((0, 0, 1, 2, 7, 1_000_000))))
    weights[:, 0] += weights.sum(axis=1) == 0
    labels = draw(npst.arrays(np.int64, n, elements=st.integers(0, k - 1)))
    return weights / weights.sum(axis=1, keepdims=True), labels


def test_nll_is_log_loss():
    probabilities, labels = drawn(500)
    assert calibration.nll(probabilities, labels) == pytest.approx(log_loss(labels, probabilities), rel=1e-6)


def test_nll_has_the_floor_of_log_loss_for_float32():
    probabilities = np.array([[1, 0, 0], [0.5, 0.5, 0], [0, 0.25, 0.75]], dtype=np.float32)
    labels = np.array([1, 0, 2])
    assert calibration.nll(probabilities, labels) == pytest.approx(log_loss(labels, probabilities), rel=1e-6)
    assert calibration.nll(probabilities[:1], labels[:1]) == pytest.approx(-math.log(FLOOR), rel=1e-6)
    assert calibration.floored(probabilities, labels) == pytest.approx(1 / 3)


def test_a_class_that_never_occurs_is_scored_as_the_others():
    probabilities, labels = drawn(500)
    kept = labels != 3
    probabilities, labels = probabilities[kept], labels[kept]
    expected = log_loss(labels, probabilities, labels=range(5))
    assert calibration.nll(probabilities, labels) == pytest.approx(expected, rel=1e-6)
    assert calibration.risk_coverage(probabilities, labels).at(1.0) == pytest.approx(
        np.mean(probabilities.argmax(axis=1) != labels)
    )


@pytest.mark.skipif("scale_by_half" not in inspect.signature(brier_score_loss).parameters, reason="of two classes only")
def test_brier_is_that_of_scikit_learn():
    probabilities, labels = drawn(500)
    expected = brier_score_loss(labels, probabilities, scale_by_half=False)
    assert calibration.brier(probabilities, labels) == pytest.approx(expected)


def test_brier_by_hand():
    probabilities, labels = np.array([[0.8, 0.2, 0.0], [0.0, 1.0, 0.0]]), np.array([0, 2])
    assert calibration.brier(probabilities, labels) == pytest.approx(((0.04 + 0.04) + (1 + 1)) / 2)


def test_ece_and_reliability_by_hand():
    # Five bins. (0.4, 0.6]: confidences 0.5 and 0.6, one right: |0.5 - 0.55|. (0.8, 1]: 0.9, 0.9 and 1.0, all but one
    # right: |2/3 - 2.8/3|.
    top = np.array([0.5, 0.6, 0.9, 0.9, 1.0])
    probabilities, labels = np.column_stack([top, 1 - top]), np.array([0, 1, 0, 1, 0])
    found = calibration.reliability(probabilities, labels, bins=5)
    assert found.edges == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1])
    assert found.count.tolist() == [0, 0, 2, 0, 3]
    assert found.confidence == pytest.approx([np.nan, np.nan, 0.55, np.nan, 2.8 / 3], nan_ok=True)
    assert found.accuracy == pytest.approx([np.nan, np.nan, 0.5, np.nan, 2 / 3], nan_ok=True)
    expected = 2 / 5 * 0.05 + 3 / 5 * (0.8 / 3)
    assert calibration.expected_calibration_error(probabilities, labels, bins=5) == pytest.approx(expected)


def test_risk_coverage_by_hand():
    top = np.array([0.6, 0.9, 0.8, 0.7])
    probabilities, labels = np.column_stack([top, 1 - top]), np.array([1, 0, 1, 0])
    found = calibration.risk_coverage(probabilities, labels)
    assert found.risk == pytest.approx([0, 1 / 2, 1 / 3, 1 / 2])
    assert found.area == pytest.approx(np.mean([0, 1 / 2, 1 / 3, 1 / 2]))
    assert [found.at(share) for share in (0.01, 0.25, 0.5, 0.51, 1.0)] == pytest.approx([0, 0, 1 / 2, 1 / 3, 1 / 2])


def test_coverage_is_not_rounded_up_by_the_error_of_a_product():
    assert calibration.RiskCoverage(np.arange(10.0), 0.0).at(0.7) == 6


def test_equal_confidences_have_no_order():
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4]])
    for labels in ([0, 1, 0], [1, 0, 0]):
        found = calibration.risk_coverage(probabilities, np.array(labels))
        assert found.risk == pytest.approx([1 / 2, 1 / 2, 1 / 3])


def test_calibrated_probabilities_have_no_error_but_chance_and_keep_their_temperature():
    probabilities, labels = drawn()
    ece = calibration.expected_calibration_error(probabilities, labels)
    assert ece < 0.012
    assert 0.4 < ece / calibration.calibration_error_by_chance(probabilities, labels) < 2
    fitted = calibration.temperature(probabilities, labels)
    assert fitted.value == pytest.approx(1, abs=0.03)
    assert not fitted.at_bound


@pytest.mark.parametrize("factor", [0.4, 2.5])
def test_a_known_factor_is_found_and_taken_back(factor):
    probabilities, labels = drawn(sharpness=1.0)
    off = softmax(factor * np.log(probabilities), axis=1)
    assert calibration.expected_calibration_error(off, labels) > 0.1
    fitted = calibration.temperature(off, labels)
    assert fitted.value == pytest.approx(factor, rel=0.04)
    again = calibration.rescale(off, fitted.value)
    assert calibration.expected_calibration_error(again, labels) < 0.015
    # But for the floor, which lifts the smallest.
    assert calibration.rescale(off, factor) == pytest.approx(probabilities, abs=1e-3)


def test_one_hot_probabilities():
    labels = np.arange(100) % 4
    probabilities = np.eye(4)[np.where(np.arange(100) < 80, labels, (labels + 1) % 4)]
    assert calibration.expected_calibration_error(probabilities, labels) == pytest.approx(0.2)
    assert calibration.brier(probabilities, labels) == pytest.approx(0.4)
    assert calibration.nll(probabilities, labels) == pytest.approx(-0.2 * math.log(FLOOR), rel=1e-3)
    assert calibration.risk_coverage(probabilities, labels).risk == pytest.approx(np.full(100, 0.2))
    fitted = calibration.temperature(probabilities, labels)
    assert not fitted.at_bound
    # The best that can be said: the first choice is right in 80 of 100 cases.
    assert calibration.rescale(probabilities, fitted.value).max(axis=1) == pytest.approx(np.full(100, 0.8), abs=1e-3)


@pytest.mark.parametrize(("shift", "bound"), [(0, calibration.BOUNDS[0]), (1, calibration.BOUNDS[1])])
def test_a_fit_that_ends_at_a_bound_says_so(shift, bound):
    labels = np.arange(60) % 3
    probabilities = np.full((60, 3), 0.2)
    probabilities[np.arange(60), (labels + shift) % 3] = 0.6
    fitted = calibration.temperature(probabilities, labels)
    assert fitted.at_bound
    assert fitted.value == pytest.approx(bound, rel=1e-2)


def test_where_no_temperature_changes_anything_it_stays_one():
    fitted = calibration.temperature(np.full((6, 3), 1 / 3), np.arange(6) % 3)
    assert (fitted.value, fitted.at_bound) == (1.0, False)


@settings(deadline=None)
@given(cases(), st.floats(0.05, 20))
def test_rescaling_keeps_the_first_choice_and_makes_probabilities(case, temperature):
    probabilities, _ = case
    again = calibration.rescale(probabilities, temperature)
    assert again.sum(axis=1) == pytest.approx(np.ones(len(again)))
    place = np.arange(len(again))
    assert again[place, probabilities.argmax(axis=1)] == pytest.approx(again.max(axis=1))


@settings(deadline=None)
@given(cases())
def test_fitting_never_makes_the_likelihood_worse(case):
    probabilities, labels = case
    fitted = calibration.temperature(probabilities, labels)
    after = calibration.nll(calibration.rescale(probabilities, fitted.value), labels)
    assert after <= calibration.nll(probabilities, labels) + 1e-5  # The floor, once more.


@settings(deadline=None)
@given(cases())
def test_bounds_of_the_scores(case):
    probabilities, labels = case
    error = np.mean(probabilities.argmax(axis=1) != labels)
    curve = calibration.risk_coverage(probabilities, labels)
    assert curve.risk[-1] == pytest.approx(error)
    assert curve.at(1.0) == curve.risk[-1]
    assert 0 <= curve.area <= 1
    assert 0 <= calibration.expected_calibration_error(probabilities, labels) <= 1
    assert 0 <= calibration.brier(probabilities, labels) <= 2
    found = calibration.reliability(probabilities, labels)
    assert found.count.sum() == len(labels)
    full = found.count > 0
    assert (found.edges[:-1][full] - 1e-9 <= found.confidence[full]).all()
    assert (found.confidence[full] <= found.edges[1:][full] + 1e-9).all()


@pytest.mark.parametrize("score", SCORES)
@pytest.mark.parametrize(
    ("probabilities", "labels", "reason"),
    [
        ([[0.5, 0.5]], [0, 1], "do not fit"),
        ([0.5, 0.5], [0, 1], "do not fit"),
        (np.zeros((0, 2)), np.zeros(0, dtype=int), "do not fit"),
        ([[0.5, 0.5]], [2], "from 0 to 1"),
        ([[0.5, 0.5]], [-1], "from 0 to 1"),
        ([[0.5, 0.5]], [0.0], "integers"),
        ([[np.nan, 0.5]], [0], "finite"),
        ([[1.5, -0.5]], [0], "not negative"),
        ([[3.0, 4.0]], [0], "sum to 1"),
    ],
)
def test_what_cannot_be_scored(score, probabilities, labels, reason):
    with pytest.raises(ValueError, match=reason):
        score(np.array(probabilities), np.array(labels))


@pytest.mark.parametrize("value", [0.0, -1.0, math.inf, math.nan])
def test_what_is_no_temperature(value):
    with pytest.raises(ValueError, match="above 0 and finite"):
        calibration.rescale(np.array([[0.5, 0.5]]), value)


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_resampled_errors_of_a_few_images_are_numbers(n):
    found = calibration.resampled_errors([np.column_stack([np.full(n, 0.9), np.ones(n)])])
    assert found == pytest.approx(0.1, abs=1e-6)


def test_resampled_errors_scatter_as_the_error_does():
    """Of one bin: the distance of accuracy from confidence, whose standard error is that of a share."""
    rng = np.random.default_rng(0)
    hit = rng.random(2000) < 0.8
    found = calibration.resampled_errors([np.column_stack([np.full(2000, 0.99), hit])], resamples=4000)
    assert found.mean() == pytest.approx(0.99 - hit.mean(), abs=1e-3)
    assert found.std() == pytest.approx(hit.std() / np.sqrt(2000), rel=0.05)
