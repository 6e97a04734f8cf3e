"""What models of a collection lend each other."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from benchmark.analysis import seed_variance
from benchmark.analysis.hits import ASSUMED_FROM, ASSUMED_SD, Hits, Lending

N = 400
LABELS = np.arange(N) % 4


def made(name, *runs, train_size=ASSUMED_FROM, index=None):
    """A model whose runs get these images wrong."""
    right = np.array([~np.isin(np.arange(N), list(wrong)) for wrong in runs])
    return Hits(name, np.arange(N) if index is None else index, LABELS, right, True, train_size)


def observed(model):
    return seed_variance.observed_variance(model.right.astype(float))


def test_a_model_lends_nothing_to_itself():
    model = made("a", range(10), range(60), train_size=60)
    assert Lending.among([model], model).to(model) is None


def test_an_assumption_fills_up_what_others_show():
    """To four degrees of freedom: two of them where another model has three seeds."""
    one, other = made("a", range(10)), made("b", range(10), range(60), range(100, 130))
    lent = Lending.among([one, other], one).to(one)
    assert lent.total == pytest.approx((2 * ASSUMED_SD**2 + 2 * observed(other).whole) / 4)
    assert (lent.flips, lent.degrees) == (0, 2)  # 1 / (1 / 4 + 1 / 4)
    more = [dataclasses.replace(other, model=name) for name in "bcd"]
    lent = Lending.among([one, *more], one).to(one)
    assert lent.total == pytest.approx((ASSUMED_SD**2 + 6 * observed(other).whole) / 7)
    assert lent.degrees == pytest.approx(1 / (1 / 4 + 1 / 7))


def test_a_class_is_assumed_to_vary_no_more_than_its_images():
    """Of models without errors 0.2 points are many: of class 0 no more is assumed than p (1 - p) / n."""
    n = 10_000
    right = np.ones((1, n), dtype=bool)
    model = Hits("a", np.arange(n), np.arange(n) % 4, right, True, ASSUMED_FROM)
    lent = Lending.among([model], model, number=0).to(model)
    p = (n / 4 + 1) / (n / 4 + 2)
    assert lent.total == pytest.approx(p * (1 - p) / (n / 4))


def test_what_is_assumed_for_a_class_is_of_its_recall_before_a_change():
    before, after = made("a", range(0, 40, 4)), made("a", range(0, 400, 4))
    lent = Lending.among([after, before], after, number=0, before=[before]).to(after)
    assert lent.total == pytest.approx(Lending.among([before], before, number=0).to(before).total)
    assert lent.total != Lending.among([after, before], after, number=0).to(after).total


def test_a_single_run_is_not_lent_what_hardly_anyone_shows():
    one, other = made("a", range(10), train_size=60), made("b", range(10), range(60), range(100, 130), train_size=60)
    third = dataclasses.replace(other, model="c")
    assert Lending.among([one, other], one).to(one) is None
    assert Lending.among([one, other, third], one).to(one).total == pytest.approx(observed(other).whole)
    two = made("a", range(10), range(20), train_size=60)
    lent = Lending.among([two, other], two).to(two)
    assert (lent.total, lent.degrees) == pytest.approx((observed(other).whole, 1 / (1 / 4 + 1 / 2)))


def test_models_on_other_images_lend_nothing():
    one, other = made("a", range(10)), made("b", range(10), range(60), index=np.arange(N) + 1)
    assert Lending.among([one, other], one).to(one).total == pytest.approx(ASSUMED_SD**2)


def test_nothing_is_lent_where_nothing_is_random():
    fixed = dataclasses.replace(made("a", range(10)), stochastic=False)
    assert Lending.among([fixed], fixed).to(fixed) is None


def test_a_class_is_assumed_to_move_further_the_smaller_and_the_harder_it_is():
    """As the variance of a binomial share: p (1 - p) / n, p with one more image right and one more wrong."""
    model = made("a", [*range(0, 160, 4), 1, 2, 3])  # 40 of the 100 images of class 0, one of each other.
    found = [Lending.among([model], model, number=number).assumed for number in range(4)]
    whole, hard, easy = (358 / 402 * 44 / 402 / 400, 61 / 102 * 41 / 102 / 100, 100 / 102 * 2 / 102 / 100)
    assert found == pytest.approx([ASSUMED_SD**2 * hard / whole, *[ASSUMED_SD**2 * easy / whole] * 3])


def test_a_class_without_errors_is_still_assumed_to_move():
    model = made("a", range(0, 40, 4))
    assert Lending.among([model], model, number=1).assumed > 0


def test_what_a_class_shows_is_of_its_own_images():
    one, other = made("a", [], [], train_size=60), made("b", range(0, 40, 4), range(0, 160, 4), train_size=60)
    expected = observed(other.of_class(0)).whole
    assert Lending.among([one, other], one, number=0).to(one).total == pytest.approx(expected)
    assert Lending.among([one, other], one, number=1).to(one).total == 0
