"""Pairs of models: p-values, sources of chance, and who is never compared."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import scipy.stats

from benchmark.analysis import comparison, seed_variance, stats, uncertainty
from benchmark.analysis.comparison import Pair, adjust, class_pairs, compare
from benchmark.analysis.hits import ASSUMED_FROM, ASSUMED_SD
from benchmark.records.store import Stored

N = 400
LABELS = np.arange(N) % 4


def guesses(wrong):
    """Right but for these images."""
    return np.where(np.isin(np.arange(N), list(wrong)), (LABELS + 1) % 4, LABELS)


@pytest.fixture(scope="module")
def world(make_summary):
    """Build summaries from the images that each run gets wrong, and the look-up of their predictions."""

    def build(**models):
        held, summaries = {}, []
        for name, runs in models.items():
            predicted = [guesses(wrong) for wrong in runs]
            summary = make_summary(
                *((LABELS, guess) for guess in predicted), model=name, class_names=("a", "b", "c", "d")
            )
            summaries.append(summary)
            for stored, guess in zip(summary.stored, predicted, strict=True):
                arrays = {"test_index": np.arange(N), "test_labels": LABELS, "test_predicted": guess}
                held[(name, stored.record.run.seed)] = arrays

        def lookup(stored: Stored):
            return held.get((stored.record.run.model, stored.record.run.seed))

        return summaries, held, lookup

    return build


def make_pair(p=0.01, points=1.0, **changes):
    values = {"left": "a", "right": "b", "seeds": (1, 1), "n_images": 100, "points": points, "low": 0.2, "high": 1.8}
    values |= {"p": p, "adjusted_p": p, "only_left": 3.0, "only_right": 2.0, "images_error": 0.4, "training_error": 0.0}
    return Pair(**{**values, **changes})


def pair_of(left, right, lookup):
    """The comparison of two models alone, or why there is none."""
    found = compare([left, right], lookup)
    return found.pairs[0] if found.pairs else found.left_out[0]


def mcnemars(only_left, only_right, n):
    """Two-sided p with an image more on either side."""
    statistic = abs(only_left - only_right) / math.sqrt(only_left + only_right + 2)
    return 2 * scipy.stats.t.sf(statistic, n + 1)


def test_one_seed_each_is_mcnemars_test(world):
    (a, b), _, lookup = world(a=[range(10, 30)], b=[range(20, 80)])
    pair = pair_of(a, b, lookup)
    assert (pair.only_left, pair.only_right, pair.seeds, pair.n_images) == (50, 10, (1, 1), N)
    assert pair.p == pair.adjusted_p == pytest.approx(mcnemars(50, 10, N))
    assert pair.points == pytest.approx(10)
    assert pair.low < 10 < pair.high
    assert pair.training_error == 0
    assert pair.discordant_share == pytest.approx(0.15)
    assert pair.verdict == "better"


def test_several_seeds_keep_both_sources(world):
    (a, b), _, lookup = world(a=[range(10), range(40), range(25)], b=[range(50, 90)])
    pair = pair_of(a, b, lookup)
    assert pair.seeds == (3, 1)
    assert pair.points == pytest.approx(a.accuracy * 100 - b.accuracy * 100)
    assert 0 < pair.training_error < 100 * a.value_sd / math.sqrt(3)
    alone = pair_of(dataclasses.replace(a, stored=a.stored[2:]), b, lookup)
    assert alone.training_error == 0
    assert pair.high - pair.low > alone.high - alone.low


def test_equal_models_do_not_differ(world):
    (a, b), _, lookup = world(a=[range(5)], b=[range(5)])
    pair = pair_of(a, b, lookup)
    assert (pair.p, pair.points, pair.verdict) == (1, 0, "no significant difference")
    assert pair.low < 0 < pair.high


def test_a_pair_from_the_other_side(world):
    (a, b), _, lookup = world(a=[range(10, 30), range(8, 30)], b=[range(20, 80)])
    pair, other = pair_of(a, b, lookup), pair_of(b, a, lookup)
    swapped = pair.swapped()
    numbers = [[v for v in dataclasses.astuple(one)[3:] if isinstance(v, (int, float))] for one in (swapped, other)]
    assert numbers[0] == pytest.approx(numbers[1])
    assert (swapped.left, swapped.right, swapped.seeds) == ("b", "a", (1, 2))
    assert swapped.verdict == other.verdict == "worse"
    assert swapped.swapped() == pair


@pytest.mark.parametrize(
    ("points", "adjusted_p", "verdict"),
    [
        (1.0, 0.049, "better"),
        (-1.0, 0.049, "worse"),
        (1.0, 0.05, "no significant difference"),
        (-1.0, 0.9, "no significant difference"),
    ],
)
def test_the_verdict_is_at_five_per_cent_after_adjustment(points, adjusted_p, verdict):
    pair = make_pair(p=0.001, points=points, adjusted_p=adjusted_p)
    assert pair.verdict == verdict


def test_adjust_is_holms_and_keeps_the_order():
    pairs = adjust([make_pair(p=p, left=name) for name, p in zip("abcd", (0.01, 0.04, 0.03, 0.005), strict=True)])
    assert [pair.adjusted_p for pair in pairs] == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert [pair.p for pair in pairs] == [0.01, 0.04, 0.03, 0.005]
    assert [pair.left for pair in pairs] == list("abcd")
    assert [pair.verdict == "better" for pair in pairs] == [True, False, False, True]
    assert adjust([]) == ()


def test_every_model_is_compared_with_every_other(world):
    summaries, _, lookup = world(a=[range(10)], b=[range(30)], c=[range(32)])
    found = compare(summaries, lookup)
    assert [(pair.left, pair.right) for pair in found.pairs] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert found.left_out == ()
    assert [pair.adjusted_p for pair in found.pairs] == pytest.approx(stats.holm([pair.p for pair in found.pairs]))
    assert found.find("a", "c") == found.pairs[1]
    assert found.find("c", "a") == found.pairs[1].swapped()
    assert found.find("a", "nobody") is None
    assert found.find("a", "a") is None


def test_models_without_predictions_are_left_out(world):
    summaries, held, lookup = world(a=[range(10)], b=[range(30), range(20)], c=[range(32)])
    del held["b", 1]
    found = compare(summaries, lookup)
    assert [(pair.left, pair.right) for pair in found.pairs] == [("a", "c")]
    assert found.left_out == ("b: the predictions of seed 1 cannot be read",)
    assert pair_of(summaries[0], summaries[1], lookup) == found.left_out[0]
    assert pair_of(summaries[1], summaries[0], lookup) == found.left_out[0]
    assert class_pairs("a", "b", summaries, 4, lookup) == found.left_out[0]


@pytest.mark.parametrize("field", ["test_index", "test_labels"])
def test_other_images_or_labels_are_never_compared(world, field):
    summaries, held, lookup = world(a=[range(10)], b=[range(30)], c=[range(32)])
    held["b", 0][field] = np.roll(held["b", 0][field], 1)
    found = compare(summaries, lookup)
    assert [(pair.left, pair.right) for pair in found.pairs] == [("a", "c")]
    assert found.left_out == (
        "a and b are not compared: their test images or labels differ",
        "b and c are not compared: their test images or labels differ",
    )
    assert "differ" in class_pairs("a", "b", summaries, 4, lookup)


def test_fewer_images_are_other_images(world):
    (a, b), held, lookup = world(a=[range(10)], b=[range(30)])
    held["b", 0] = {name: array[:200] for name, array in held["b", 0].items()}
    assert "not compared" in pair_of(a, b, lookup)


def test_runs_of_one_model_on_other_images_are_no_model(world):
    (a, b), held, lookup = world(a=[range(10), range(12)], b=[range(30)])
    held["a", 1]["test_index"] = held["a", 1]["test_index"] + 1
    assert pair_of(a, b, lookup) == "a: its runs are not on the same test images"


def test_no_test_images_at_all(world):
    (a, b), held, lookup = world(a=[range(10)], b=[range(30)])
    held["a", 0] = {name: array[:0] for name, array in held["a", 0].items()}
    assert pair_of(a, b, lookup) == "a: there are no test images"


def test_classes_are_compared_on_their_own_images(world):
    mistakes = range(1, 241, 4)  # Sixty images of class b.
    (a, b), _, lookup = world(a=[range(2)], b=[mistakes])
    found = class_pairs("a", "b", (a, b), 5, lookup)
    assert [pair.n_images for pair in found[:4]] == [100] * 4
    assert found[4] is None
    recall = 100 * (a.per_class("recall") - b.per_class("recall"))
    assert [pair.points for pair in found[:4]] == pytest.approx(recall[:4])
    assert [pair.verdict == "better" for pair in found[:4]] == [False, True, False, False]
    assert found[1].adjusted_p == pytest.approx(4 * found[1].p)
    assert found[1].p == pytest.approx(mcnemars(59, 0, 100))


def test_accuracy_intervals(world):
    (one, two), held, lookup = world(one=[range(20)], two=[range(20), range(40)])
    found = comparison.intervals([one, two], lookup)
    assert found["one"].runs == found["one"].model == pytest.approx(stats.wilson(0.95, N))
    low, high = found["two"].runs
    assert low < two.accuracy < high
    right = np.array([held["two", seed]["test_predicted"] == LABELS for seed in (0, 1)])
    assert (low, high) == uncertainty.runs_interval(right)
    held.clear()
    assert comparison.intervals([one, two], lookup)["one"].runs is not None
    assert comparison.intervals([one, two], lookup)["two"] == comparison.Intervals(None, None)


def stochastic(summary, train_size=60):
    """The same runs, of a model in whose training something is random, on so many training images."""
    stored = []
    for one in summary.stored:
        changes = {"model": one.record.model.model_copy(update={"stochastic": True})}
        changes["dataset"] = one.record.dataset.model_copy(update={"train_size": train_size})
        stored.append(dataclasses.replace(one, record=one.record.model_copy(update=changes)))
    return dataclasses.replace(summary, stored=tuple(stored))


def test_single_runs_of_a_stochastic_model_differ_as_runs(world):
    (a, b), _, lookup = world(a=[range(10)], b=[range(20, 80)])
    found = pair_of(stochastic(a), b, lookup)
    assert (found.verdict, found.single, found.lent) == ("these runs differ", ("a",), ())
    assert found.p == pytest.approx(mcnemars(60, 10, N))
    assert pair_of(a, b, lookup).verdict == "better"


def test_on_many_training_images_a_seed_variance_is_assumed(world):
    (a, b), _, lookup = world(a=[range(10)], b=[range(20, 80)])
    found = pair_of(stochastic(a, ASSUMED_FROM), stochastic(b, ASSUMED_FROM), lookup)
    assert (found.verdict, found.single, found.lent) == ("better", (), ("a", "b"))
    assert found.training_error == pytest.approx(100 * ASSUMED_SD * math.sqrt(2))


def test_a_single_run_is_lent_what_the_others_seeds_show(world):
    runs = [range(10), range(60), range(100, 130)]
    (a, b, c, d), _, lookup = world(a=[range(10)], b=[range(20, 80)], c=runs, d=runs)
    found = compare([stochastic(a), b, stochastic(c), stochastic(d)], lookup).find("a", "b")
    assert (found.single, found.lent) == ((), ("a",))
    seen = seed_variance.observed_variance(
        np.array([~np.isin(np.arange(N), list(wrong)) for wrong in runs], dtype=float)
    )
    assert found.training_error == pytest.approx(100 * math.sqrt(seen.whole))
    assert found.p > pair_of(a, b, lookup).p


def test_before_and_after_may_change_places(world):
    """One model with three seeds on one side and one on the other, and another that lends it a little."""
    runs = [range(10), range(20), range(100, 130)]
    (a, b, other), _, lookup = world(a=runs, b=[range(200, 240)], other=[range(15), range(40)])
    several, one, lends = (comparison.hits(stochastic(summary), lookup) for summary in (a, b, other))
    one = dataclasses.replace(one, model="a")
    lending = comparison.Lending.among([several, one, lends], several)
    there, back = (comparison.pair(*both, lending, same=True) for both in ((several, one), (one, several)))
    assert (there.p, there.low) == pytest.approx((back.p, -back.high))
    assert there.single == ()


def test_the_primary_pair_is_tested_by_itself(world, make_summary):
    """The best CNN against the best baseline by validation; Holm's method is for the others."""
    summaries, _, lookup = world(a=[range(10), range(12)], b=[range(30)], c=[range(32)])
    network = [
        dataclasses.replace(
            one,
            record=one.record.model_copy(
                update={"model": one.record.model.model_copy(update={"family": "network", "convolutional": True})}
            ),
        )
        for one in summaries[0].stored
    ]
    models = [dataclasses.replace(summaries[0], stored=tuple(network)), *summaries[1:]]
    found = compare(models, lookup)
    assert (found.primary.left, found.primary.right) == ("a", "b")
    assert found.primary.adjusted_p == found.primary.p
    assert [(pair.left, pair.right) for pair in found.secondary] == [("a", "c"), ("b", "c")]
    secondary = [pair.p for pair in found.secondary]
    assert [pair.adjusted_p for pair in found.secondary] == pytest.approx(stats.holm(secondary))
    assert found.level == pytest.approx(0.05 / sum(p.verdict == "no significant difference" for p in found.secondary))
    assert compare(summaries, lookup).primary is None


def test_ahead_of_all_is_ahead_of_the_closest(world):
    summaries, _, lookup = world(a=[range(10)], b=[range(60)], c=[range(20)])
    found = compare(summaries, lookup)
    assert [pair.right for pair in found.against_all("a", ["b", "c"])] == ["c", "b"]
    assert found.against_all("a", ["b", "nobody"]) is None
    assert found.against_all("a", []) is None


def test_draws_are_compared_one_by_one(world):
    draws = [range(10), range(60), range(100)]
    (a, b), _, lookup = world(a=draws, b=[[*wrong, *range(300, 320)] for wrong in draws])
    found = comparison.by_draw(a, b, lookup)
    assert found.points == pytest.approx(5)
    assert found.verdict == "better"
    assert found.training_error == 0
    two = dataclasses.replace(a, stored=a.stored[1:])
    assert comparison.by_draw(two, b, lookup) == "a and b have fewer than 3 draws in common"
