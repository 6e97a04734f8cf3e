"""Thresholds against records."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmark.errors import UserError
from benchmark.gate.thresholds import Threshold, draft, judge, read_thresholds

GOOD = """
schema_version = 1
[datasets.synthetic.full]
margin = 0.1
[datasets.synthetic.full.accuracy]
knn = 0.5
"""


def run(hits, of=10):
    """Labels and predictions with so many hits."""
    return [0, 1] * (of // 2), [label if place < hits else 1 - label for place, label in enumerate([0, 1] * (of // 2))]


@pytest.fixture(scope="module")
def pair(make_summary):
    """A baseline with 0.7 and a CNN with 0.9, one seed each."""
    return [make_summary(run(7)), make_summary(run(9), model="cnn-simple", family="network")]


def verdict(threshold, summaries):
    (only,) = judge("synthetic", "full", Threshold(**threshold), summaries)
    assert (only.dataset, only.profile) == ("synthetic", "full")
    return only


@pytest.mark.parametrize(
    ("least", "outcome", "reason"),
    [
        (0.65, "pass", "5.00 points above (mean of 1 seed)"),
        (0.7, "pass", "0.00 points above (mean of 1 seed)"),
        (0.75, "fail", "5.00 points below (mean of 1 seed)"),
        (0.0, "pass", "70.00 points above (mean of 1 seed)"),
        (1.0, "fail", "30.00 points below (mean of 1 seed)"),
    ],
)
def test_accuracy(pair, least, outcome, reason):
    found = verdict({"accuracy": {"knn": least}}, pair)
    assert (found.subject, found.required, found.found) == ("knn", least, 0.7)
    assert (found.outcome, found.reason) == (outcome, reason)


def test_accuracy_is_the_mean_over_seeds(make_summary):
    found = verdict({"accuracy": {"knn": 0.7}}, [make_summary(run(6), run(9))])
    assert found.found == pytest.approx(0.75)
    assert (found.outcome, found.reason) == ("pass", "5.00 points above (mean of 2 seeds)")


def test_three_seeds_exactly_at_the_threshold_pass(make_summary):
    assert verdict({"accuracy": {"knn": 0.7}}, [make_summary(run(7), run(7), run(7))]).outcome == "pass"


def test_a_model_without_finished_run_is_missing(pair):
    found = verdict({"accuracy": {"svm-rbf": 0.5}}, pair)
    assert (found.found, found.outcome, found.reason) == (None, "missing", "no finished run is recorded")


@pytest.mark.parametrize(("least", "outcome"), [(0.15, "pass"), (0.25, "fail"), (-1.0, "pass"), (1.0, "fail")])
def test_margin(pair, least, outcome):
    found = verdict({"margin": least}, pair)
    assert found.subject == "best CNN - best baseline"
    assert found.found == pytest.approx(0.2)
    assert found.outcome == outcome
    assert found.reason == "cnn-simple 90.00% against knn 70.00%"


def test_a_margin_exactly_at_the_threshold_passes(make_summary):
    even = [make_summary(run(8, 16)), make_summary(run(12, 16), model="cnn-simple", family="network")]
    assert verdict({"margin": 0.25}, even).outcome == "pass"
    assert verdict({"margin": 0.0}, [even[0], make_summary(run(8, 16), family="network")]).outcome == "pass"


def test_a_margin_of_tenths_exactly_at_the_threshold_passes(make_summary):
    tenths = [make_summary(run(8)), make_summary(run(9), model="cnn-simple", family="network")]
    assert verdict({"margin": 0.1}, tenths).outcome == "pass"


def test_a_margin_takes_the_best_of_either_family(pair, make_summary):
    worse = [make_summary(run(1), model="a"), make_summary(run(2), model="b", family="network")]
    assert verdict({"margin": 0.15}, [*worse, *pair]).reason == "cnn-simple 90.00% against knn 70.00%"


@pytest.mark.parametrize(("kept", "reason"), [(0, "no CNN is recorded"), (1, "no baseline is recorded")])
def test_a_margin_needs_both_families(pair, kept, reason):
    found = verdict({"margin": 0.1}, [pair[kept]])
    assert (found.found, found.outcome, found.reason) == (None, "missing", reason)


def test_no_threshold_no_verdict_and_all_in_order(pair):
    assert judge("synthetic", "full", Threshold(), pair) == []
    threshold = Threshold(accuracy={"knn": 0.5, "cnn-simple": 0.5}, margin=0.1)
    assert [v.subject for v in judge("synthetic", "full", threshold, pair)] == [
        "knn",
        "cnn-simple",
        "best CNN - best baseline",
    ]


def test_a_good_file(tmp_path):
    path = tmp_path / "thresholds.toml"
    path.write_text(GOOD)
    threshold = read_thresholds(path).datasets["synthetic"]["full"]
    assert threshold.accuracy == {"knn": 0.5}
    assert threshold.margin == 0.1


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("knn = 0.5", "knn = ", "line 6"),
        ("knn = 0.5", "knn = 1.01", "datasets.synthetic.full.accuracy.knn"),
        ("knn = 0.5", "knn = -0.1", "datasets.synthetic.full.accuracy.knn"),
        ("knn = 0.5", "knn = nan", "datasets.synthetic.full.accuracy.knn"),
        ("knn = 0.5", 'knn = "0.5"', "datasets.synthetic.full.accuracy.knn"),
        ("knn = 0.5", "knn = true", "datasets.synthetic.full.accuracy.knn"),
        ("margin = 0.1", "margin = 2", "datasets.synthetic.full.margin"),
        ("margin = 0.1", "margin = inf", "datasets.synthetic.full.margin"),
        ("margin = 0.1", "margins = 0.1", "datasets.synthetic.full.margins: Extra inputs"),
        ("margin = 0.1", "margin = 0.1\nmargin = 0.2", "line 5"),
        ("schema_version = 1", "schema_version = 2", "schema_version"),
        ("schema_version = 1", "", "schema_version: Field required"),
        ("schema_version = 1", "schema_version = 1\nsurplus = 1", "surplus: Extra inputs"),
        ("[datasets.synthetic.full]", "[datasets.synthetic]", "datasets.synthetic.margin"),
    ],
)
def test_a_mistake_in_the_file_is_named_with_its_place(tmp_path, old, new, place):
    path = tmp_path / "thresholds.toml"
    assert old in GOOD
    path.write_text(GOOD.replace(old, new))
    with pytest.raises(UserError) as caught:
        read_thresholds(path)
    assert str(path) in caught.value.problem
    assert place in caught.value.problem
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_text(tmp_path):
    path = tmp_path / "thresholds.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(UserError, match="cannot be read") as caught:
        read_thresholds(path)
    assert str(path) in str(caught.value)


def test_a_missing_file_and_a_folder(tmp_path):
    with pytest.raises(UserError, match="There is no thresholds file") as caught:
        read_thresholds(tmp_path / "none.toml")
    assert "none.toml" in caught.value.problem
    with pytest.raises(UserError, match="cannot be read"):
        read_thresholds(tmp_path)


def test_the_suites_own_thresholds_are_well_formed():
    own = read_thresholds(Path(__file__).resolve().parents[3] / "thresholds.toml")
    assert {"full", "quick"} <= own.datasets["fashion-mnist"].keys()


def test_floors_of_classes(make_summary):
    labels = np.repeat([0, 1], 50)
    names = ("cat", "dog", "fox")
    summary = make_summary((labels, np.where(np.arange(100) < 40, 0, 1)), model="knn", class_names=names)
    threshold = Threshold(recall={"knn": {"cat": 0.9, "dog": 0.9, "fox": 0.1, "cow": 0.1}, "svm": {"cat": 0.1}})
    found = {v.subject: (v.outcome, v.found) for v in judge("d", "full", threshold, [summary])}
    assert found == {
        "knn, recall of cat": ("fail", pytest.approx(0.8)),
        "knn, recall of dog": ("pass", 1.0),
        "knn, recall of fox": ("insufficient evidence", None),  # No test image shows one.
        "knn, recall of cow": ("missing", None),
        "svm, recall of cat": ("missing", None),
    }


def test_floors_are_a_point_below_the_mean_or_three_standard_deviations(make_summary, tmp_path):
    steady, noisy = make_summary(run(70, 100)), make_summary(run(88, 100), run(92, 100), model="pca.svm")
    text = draft("full", {"synthetic": [steady, noisy]})
    (tmp_path / "thresholds.toml").write_text(text)
    found = read_thresholds(tmp_path / "thresholds.toml").datasets["synthetic"]["full"]
    assert found.accuracy == {"knn": 0.69, "pca.svm": 0.815}  # Of 0.88 and 0.92 the deviation is 0.0283.
    assert found.margin is None


def test_a_floor_is_never_below_zero(make_summary):
    assert "knn = 0.000" in draft("full", {"synthetic": [make_summary(run(0))]})
