"""Do the 95 % intervals contain the truth in 95 of 100 cases, and are tests right when there is nothing to find?

Images have a difficulty that all models share; a model is right where its skill outweighs difficulty and noise. With
normal variables throughout, the true accuracy is known: the normal distribution function of the skill over the
root of all variances.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.special import ndtri
from scipy.stats import binom

from benchmark.analysis import stats, uncertainty

RUNS = 1_500


def nightly(*values):
    """Parameters of a simulation that is run at night; by day there is a sample of each."""
    return pytest.param(*values, marks=pytest.mark.nightly)


def simulated(rng, n, accuracies, seeds, *, shared=3.0, shift=0.075):
    """Hits of models with these true accuracies, each of so many seeds, on n images drawn anew.

    ``shared`` is the spread of the images' difficulty, ``shift`` that of what a seed does to a model as a whole
    (models of one seed have none), both beside a noise of 1 in each image. The defaults are like Fashion-MNIST:
    five per cent of discordant images, seeds that matter half as much as the choice of images.
    """
    difficulty = rng.normal(0, shared, n)
    found = []
    for accuracy, n_seeds in zip(accuracies, seeds, strict=True):
        own = shift if n_seeds > 1 else 0.0
        skill = ndtri(accuracy) * math.sqrt(1 + shared**2 + own**2)
        noise = rng.standard_normal((n_seeds, n), dtype=np.float32)
        found.append(skill + difficulty + own * rng.standard_normal((n_seeds, 1)) + noise > 0)
    return found


def differences(n, accuracies, seeds, *, runs=RUNS, **settings):
    rng = np.random.default_rng(n + sum(seeds))
    return [uncertainty.paired_difference(*simulated(rng, n, accuracies, seeds, **settings)) for _ in range(runs)]


def coverage(found, truth):
    return np.mean([difference.low <= truth <= difference.high for difference in found])


@pytest.mark.parametrize("accuracy", [0.5, 0.85, 0.95, 0.99])
@pytest.mark.parametrize("n", [1_000, 10_000])
def test_wilson_covers(n, accuracy):
    drawn, times = np.unique(np.random.default_rng(n).binomial(n, accuracy, size=20_000), return_counts=True)
    intervals = np.array([stats.wilson(hits / n, n) for hits in drawn.tolist()])
    inside = (intervals[:, 0] <= accuracy) & (accuracy <= intervals[:, 1])
    assert 0.94 <= times[inside].sum() / 20_000 <= 0.965


@pytest.mark.parametrize(
    ("n", "accuracy"),
    [(1_000, 0.9), *(nightly(1_000, 0.5), nightly(2_000, 0.95), nightly(4_000, 0.99), nightly(400, 0.99))],
)
def test_the_interval_of_several_runs_covers(n, accuracy):
    rng = np.random.default_rng(n)
    intervals = [uncertainty.runs_interval(simulated(rng, n, [accuracy], [3], shift=0)[0]) for _ in range(RUNS)]
    # Of four errors that are expected, numbers of errors are so coarse that it holds more.
    assert 0.93 <= np.mean([low <= accuracy <= high for low, high in intervals]) <= (0.97 if n > 400 else 0.98)


@pytest.mark.parametrize("n", [20, 100, 1_000])
def test_of_few_discordant_images_too_no_more_than_one_in_twenty_are_found(n):
    """Summed up exactly, over all numbers of discordant images and all ways in which they fall."""
    for share in (0.02, 0.05, 0.1, 0.2, 0.5, 1.0):
        alarms = 0.0
        for discordant in range(n + 1):
            if (chance := binom.pmf(discordant, n, share)) > 1e-6:
                only_left = np.arange(discordant + 1)
                found = np.array([single_runs(n, b, discordant - b).p < 0.05 for b in only_left])
                alarms += chance * binom.pmf(only_left, discordant, 0.5)[found].sum()
        assert alarms <= 0.05


def single_runs(n, only_left, only_right):
    left, right = np.zeros((2, 1, n))
    left[0, :only_left], right[0, only_left : only_left + only_right] = 1, 1
    return uncertainty.paired_difference(left, right)


@pytest.mark.parametrize(
    ("n", "accuracies"),
    [
        (1_000, (0.9, 0.9)),
        *(nightly(1_000, (0.99, 0.97)), nightly(2_000, (0.945, 0.925)), nightly(2_000, (0.85, 0.6))),
    ],
)
def test_paired_difference_of_single_runs_covers(n, accuracies):
    found = differences(n, accuracies, (1, 1))
    assert 0.93 <= coverage(found, accuracies[0] - accuracies[1]) <= 0.97


@pytest.mark.parametrize(
    ("seeds", "accuracies"),
    [
        ((3, 1), (0.945, 0.925)),
        nightly((3, 3), (0.945, 0.925)),
        nightly((3, 3), (0.9, 0.9)),
        nightly((5, 1), (0.8, 0.7)),
        nightly((2, 2), (0.9, 0.88)),
    ],
)
def test_paired_difference_of_several_seeds_covers(seeds, accuracies):
    found = differences(2_000, accuracies, seeds)
    assert 0.93 <= coverage(found, accuracies[0] - accuracies[1]) <= 0.97


def test_where_the_interval_of_several_seeds_is_slack():
    """Seeds that only flip single images make it too wide, three seeds that outweigh the images not too narrow."""
    assert 0.96 <= coverage(differences(1_000, (0.9, 0.88), (3, 3), shift=0), 0.02) <= 0.99
    assert 0.93 <= coverage(differences(1_000, (0.9, 0.88), (3, 1), shift=0.4), 0.02) <= 0.97


def test_leaving_out_the_training_would_cover_too_little():
    found = differences(2_000, (0.9, 0.88), (3, 1), shift=0.15)
    half = [1.96 * difference.images_error for difference in found]
    without = np.mean([abs(d.value - 0.02) <= reach for d, reach in zip(found, half, strict=True)])
    assert without < 0.9 < 0.93 <= coverage(found, 0.02) <= 0.97


@pytest.mark.parametrize("seeds", [(1, 1), (3, 1), (3, 3)])
def test_where_there_is_nothing_to_find_about_one_in_twenty_is_found(seeds):
    found = differences(2_000, (0.92, 0.92), seeds)
    assert np.mean([difference.p < 0.05 for difference in found]) < 0.065


def test_holm_keeps_all_false_alarms_of_a_family_together_below_the_level():
    rng = np.random.default_rng(0)
    alarms = 0
    for _ in range(25):
        hits = simulated(rng, 500, [0.9] * 5, [1] * 5)
        p = [uncertainty.paired_difference(hits[i], hits[j]).p for i in range(5) for j in range(i)]
        alarms += stats.holm(p).min() < 0.05
    assert alarms / 25 <= 0.1


@pytest.mark.parametrize("seeds", [(1, 1), (3, 1)])
def test_one_point_on_ten_thousand_images_that_mostly_agree_is_found(seeds):
    found = differences(10_000, (0.93, 0.92), seeds, runs=60, shared=4.0, shift=0.0)
    assert np.mean([d.p < 0.05 and d.value > 0 for d in found]) > 0.9
