"""The sentence on top of a report."""

from __future__ import annotations

import numpy as np
import pytest

from benchmark.contract import UserError
from benchmark.records import Stored
from benchmark.report import headline as line
from benchmark.summary import ModelSummary, best


@pytest.fixture(scope="module")
def headline(make_summary):
    """The sentence for a CNN and a baseline with so many of 1000 right."""

    def make(cnn, baseline):
        labels = np.arange(1000) % 2
        pair = [("cnn-simple", "deep", cnn), ("knn", "classical", baseline)]
        guessed = [
            (name, family, np.where(np.arange(1000) < right, labels, 1 - labels)) for name, family, right in pair
        ]
        return line.sentence([make_summary((labels, g), model=name, family=family) for name, family, g in guessed])

    return make


def test_headline_ahead_and_behind(headline):
    assert headline(900, 800) == (
        "cnn-simple (90.00%) leads the best baseline, knn (80.00%), by 10.00 points: it makes 50% fewer errors."
    )
    assert headline(800, 900) == (
        "No network is ahead: cnn-simple (80.00%) trails the best baseline, knn (90.00%), by 10.00 points."
    )


@pytest.mark.parametrize(("cnn", "baseline", "points"), [(900, 900, "+0.00"), (910, 900, "+1.00"), (899, 902, "-0.30")])
def test_headline_of_equals_names_no_leader(headline, cnn, baseline, points):
    """Two standard errors of a difference are 2.7 points here."""
    sentence = headline(cnn, baseline)
    assert f"are level: {points} points lie within" in sentence
    assert "leads" not in sentence


def test_headline_of_a_cnn_without_errors(headline):
    assert headline(1000, 900).endswith("by 10.00 points: it makes no error.")


def test_the_best_of_a_family_is_chosen_by_validation(make_summary, make_record):
    labels = np.arange(100) % 2
    lucky, sound = (np.where(np.arange(100) < right, labels, 1 - labels) for right in (95, 90))
    first, second = make_summary((labels, lucky), model="lucky"), make_summary((labels, sound), model="sound")
    better, worse = make_record(labels, lucky).validation, make_record(labels, sound).validation
    swapped = [
        ModelSummary(tuple(Stored(s.record.model_copy(update={"validation": v}), s.path) for s in summary.stored))
        for summary, v in ((first, worse), (second, better))
    ]
    assert best(swapped, "classical").name == "sound"


def test_price(make_summary):
    run = ((0, 1), (0, 1))
    cnn = make_summary(run, model="cnn-simple", family="deep", fit_seconds=90)
    knn = make_summary(run, model="knn", fit_seconds=2)
    assert line.price([cnn, knn]) == (
        "It takes 1 min 30 s to fit, the baseline 2.0 s; 1,000 images are predicted in 25 s, by the baseline in 25 s."
    )
    assert line.price([knn]) == ""


def test_headline_tells_seeds_and_missing_sides(make_summary):
    run = ((0, 1), (0, 1))
    assert line.sentence([]) == "No model has finished yet."
    two = make_summary(run, run, model="cnn_x", family="deep")
    assert line.sentence([two]) == (r"cnn\_x (100.00%, mean of 2 seeds); no baseline is recorded to compare it with.")


def test_headline_and_leaderboard_go_between_the_marks(tmp_path, make_summary):
    run = (np.arange(10) % 2, np.zeros(10, dtype=int))
    text = line.excerpt([make_summary(run, model="cnn-simple", family="deep"), make_summary(run)])
    target = tmp_path / "README.md"
    target.write_text("before\n<!-- leaderboard -->\nold\n<!-- /leaderboard -->\nafter\n")
    for _ in range(2):
        line.put_between_marks(target, text)
        assert target.read_text() == f"before\n<!-- leaderboard -->\n\n{text}\n\n<!-- /leaderboard -->\nafter\n"
    assert "| **cnn-simple** |" in text
    target.write_text("no marks")
    with pytest.raises(UserError, match="has no lines"):
        line.put_between_marks(target, text)
    with pytest.raises(UserError, match="cannot be read"):
        line.put_between_marks(tmp_path / "none.md", text)
