"""The sentence on top of a report."""

from __future__ import annotations

import numpy as np
import pytest

from benchmark.report import page


@pytest.fixture(scope="module")
def headline(make_summary):
    """The sentence for a CNN and a baseline with so many of 100 right."""

    def make(cnn, baseline):
        labels = np.arange(100) % 2
        pair = [("cnn-simple", "deep", cnn), ("knn", "classical", baseline)]
        guessed = [(name, family, np.where(np.arange(100) < right, labels, 1 - labels)) for name, family, right in pair]
        return page.sentence([make_summary((labels, g), model=name, family=family) for name, family, g in guessed])

    return make


def test_headline_ahead_behind_and_equal(headline):
    assert headline(90, 80) == (
        "cnn-simple (90.00%) leads the best baseline, knn (80.00%), by 10.00 points: it makes 50% fewer errors."
    )
    assert headline(80, 90) == (
        "No CNN is ahead: cnn-simple (80.00%) trails the best baseline, knn (90.00%), by 10.00 points."
    )
    assert headline(90, 90) == "cnn-simple (90.00%) and the best baseline, knn (90.00%), are level."


def test_headline_of_equals_names_no_leader(headline):
    assert "leads" not in headline(90, 90)


def test_headline_of_a_cnn_without_errors(headline):
    assert "000000" not in headline(100, 90)


def test_headline_tells_seeds_and_missing_sides(make_summary):
    run = ((0, 1), (0, 1))
    assert page.sentence([]) == "No model has finished yet."
    two = make_summary(run, run, model="cnn_x", family="deep")
    assert page.sentence([two]) == (r"cnn\_x (100.00%, mean of 2 seeds); no baseline is recorded to compare it with.")
