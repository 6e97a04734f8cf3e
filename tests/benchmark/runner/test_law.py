"""The law by which time and memory grow."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.runner.law import Law, Measured, Target

COST = {"validation": 500, "test": 500, "numbers": 100, "fit": 0.0, "predict": 0.0, "scoring": 0.0, "rest": 0.0}
seconds = st.floats(0.001, 100)


def point(train, **changes):
    return Measured(**{**COST, "train": train, **changes})


def target(train, **changes):
    return Target(**{"validation": 500, "test": 500, "numbers": 100, "train": train, **changes})


def law(*points, **settings):
    return Law(tuple(points), **settings)


@given(st.floats(0, 5), st.floats(1e-6, 1e-3), st.sampled_from([1.0, 1.5, 2.0]), st.integers(1001, 10**6))
def test_a_constant_and_a_known_power_are_found_again(constant, slope, power, n):
    points = (point(m, fit=constant + slope * m**power) for m in (500, 1000))
    assert law(*points, power=power).seconds(target(n)) == pytest.approx(constant + slope * n**power, rel=1e-6)


@given(seconds, seconds, st.integers(1000, 10**6))
def test_without_a_known_power_time_grows_at_most_quadratically_and_never_falls(few, many, n):
    found = law(point(500, fit=few), point(1000, fit=many)).seconds(target(n))
    assert many * 0.999 <= found <= many * (n / 1000) ** 2 * 1.001


@given(seconds, seconds, seconds, seconds, st.integers(1000, 10**5), st.integers(1, 10**5))
def test_more_images_never_take_less_time(fit1, fit2, predict1, predict2, n, more):
    points = point(500, fit=fit1, predict=predict1), point(1000, fit=fit2, predict=predict2)
    small, large = (law(*points).seconds(target(size)) for size in (n, n + more))
    assert large >= small * (1 - 1e-9)


def test_predictions_grow_with_the_images_to_predict_and_of_neighbours_with_those_of_training():
    steady = law(point(500, predict=1.0), point(1000, predict=1.1))
    assert steady.seconds(target(8000, test=1000)) == pytest.approx(2.2)
    neighbours = law(point(500, predict=1.0), point(1000, predict=2.0))
    assert neighbours.seconds(target(8000, test=1000)) == pytest.approx(32)


def test_corrupted_images_are_predicted_too():
    alone = law(point(500, predict=1.0))
    assert alone.seconds(target(500)) == 1
    assert alone.seconds(target(500, corruptions=True)) == 31


def test_an_epoch_of_few_images_goes_through_them_several_times():
    """4,096 images an epoch at 1,000 a second, until there are more."""
    points = [point(n, fit=10.0, epochs=1, epoch=4.096 + 1 / 6, rate=1000.0) for n in (500, 1000)]
    before = 10 - points[0].epoch
    for n, images in ((2000, 4096), (40_000, 40_000)):
        expected = before + 12 * (images / 1000 + 1 / 6)
        assert law(*points).seconds(target(n, epochs=12)) == pytest.approx(expected, rel=1e-3)
    # Later epochs leave images out, and training stops early.
    shorter = law(*points, steady=0.5, lasting=0.5).seconds(target(2000, epochs=12))
    assert shorter == pytest.approx(before + 4.263 * (1 + 5 * 0.5), rel=1e-3)


def test_rounds_without_a_rate_grow_linearly():
    points = [point(n, fit=1 + 20 * n / 1e4, epochs=20, epoch=n / 1e4) for n in (500, 1000)]
    assert law(*points).seconds(target(5000, epochs=100)) == pytest.approx(1 + 100 * 0.5)


def test_larger_images_take_longer_in_proportion():
    assert law(point(500, fit=6.0)).seconds(target(500, numbers=300)) == pytest.approx(18)


@given(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(1000, 10**6))
def test_memory_is_extrapolated_on_a_line_that_does_not_fall(few, many, n):
    found = law(point(500, memory=few), point(1000, memory=many)).memory(target(n))
    assert many - 1 <= found <= many * n / 1000 + 1


def test_memory_counts_the_images_that_a_pilot_did_not_hold():
    points = point(500, memory=10**8), point(1000, memory=2 * 10**8)
    assert law(*points).memory(target(4000)) == 8 * 10**8
    assert law(*points).memory(target(4000, test=10_500)) == 8 * 10**8 + 10_000 * 100 * 4
    assert law(point(500), point(1000, memory=1)).memory(target(4000)) is None


def test_a_run_that_was_measured_takes_what_it_took():
    measured = point(500, fit=1.0, predict=2.0, scoring=3.0, rest=4.0, epochs=3, epoch=0.3)
    assert law(measured, lasting=0.1).seconds(target(500, epochs=30)) == 10
