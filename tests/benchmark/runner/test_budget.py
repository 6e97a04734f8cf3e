"""The largest sample that a budget of time allows."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.errors import UserError
from benchmark.runner.budget import candidates, within
from benchmark.runner.run import Plan


def plan_on(n, recorded=None, needed=None):
    """A second per hundred images."""
    run = SimpleNamespace(run=n, recorded=recorded, needed_memory_bytes=needed)
    return Plan((run, SimpleNamespace(run=(n, 2), recorded=None, needed_memory_bytes=None)), {n: n / 100})


def replan(name):
    return plan_on(int(name.removeprefix("train-")))


@given(st.integers(200, 100_000), st.floats(1.0, 1000.0))
def test_the_largest_candidate_that_fits_is_chosen(n, budget):
    name, plan = within(budget, plan_on(n), replan, (n, 10))
    if name is None:
        assert n / 100 <= budget
        return
    size = int(name.removeprefix("train-"))
    assert plan.expected_seconds <= budget
    assert not any(size < other and other / 100 <= budget for other in candidates(n, 10))
    assert f"On {size:,} of {n:,} training images" in plan.sample


@given(st.integers(1, 10**6), st.integers(2, 1000))
def test_candidates_are_round_and_show_every_class(n, n_classes):
    found = candidates(n, n_classes)
    assert found == sorted(set(found))
    assert all(5 * n_classes <= size < n and len(str(size).rstrip("0")) <= 2 for size in found)


def test_a_budget_that_is_too_small_is_refused_with_the_least_that_it_takes():
    with pytest.raises(UserError, match=r"about 5.0 s, the budget is 500 ms. Even on 100 images it would be 1.0 s"):
        within(0.5, plan_on(500), replan, (500, 10))
    with pytest.raises(UserError, match="the budget is"):
        within(0.5, plan_on(90), replan, (90, 10))


def test_what_does_not_fit_into_memory_does_not_fit():
    def hungry(name):
        size = int(name.removeprefix("train-"))
        return plan_on(size, needed=10**12 if size > 400 else None)

    assert within(100, plan_on(900, needed=10**12), hungry, (900, 10))[0] == "train-400"


def test_a_sample_that_has_records_is_resumed():
    def partly(name):
        return plan_on(size := int(name.removeprefix("train-")), recorded="it" if size == 300 else None)

    assert within(5, plan_on(900), partly, (900, 10), ["full", "train-200", "train-300", "train-450"])[0] == "train-300"
    assert within(5, plan_on(900), replan, (900, 10), ["train-300"])[0] == "train-500"
