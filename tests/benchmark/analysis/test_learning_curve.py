"""Accuracy by number of training images, and the size from which on networks are ahead."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from benchmark.analysis.learning_curve import curve, draw_variance, leads, missing, proven
from benchmark.records.store import Stored

LABELS = np.zeros(100, dtype=int)
OLD, NEW = "2025-01-01T00:00:00+00:00", "2025-02-01T00:00:00+00:00"


def unknown(stored):
    """A look-up that has no predictions."""


def known(stored):
    """Predictions as the record's accuracy has them: the first so many are right."""
    right = np.arange(100) < 100 * stored.record.test.accuracy
    return {"test_index": np.arange(100), "test_labels": LABELS, "test_predicted": np.where(right, 0, 1)}


@pytest.fixture(scope="module")
def run(make_record):
    """A stored run in memory: so many per cent of a hundred test images right after training on ``size``."""

    def make(model, size, right, *, seed=0, profile=None, validation=None, **settings):
        predicted = np.where(np.arange(100) < right, 0, 1)
        family = "network" if model.startswith("cnn") else "baseline"
        record = make_record(
            LABELS, predicted, model=model, family=family, seed=seed, profile=profile or f"train-{size}", **settings
        )
        changes = {"dataset": record.dataset.model_copy(update={"train_size": size})}
        if validation is not None:
            changes["validation"] = make_record(LABELS, np.where(np.arange(100) < validation, 0, 1)).test
        return Stored(record.model_copy(update=changes), Path("made.json"))

    return make


def test_points_come_by_model_and_size_with_the_accuracies_of_every_seed(run):
    stored = [run(m, n, 50 + n // 100 + s, seed=s) for m in ("knn", "cnn") for n in (100, 1000) for s in (2, 0, 1)]
    stored += [run("knn", 5000, 90, profile="full"), run("knn", 2000, 10, profile="quick")]
    points = curve(stored)
    assert [(p.model, p.size) for p in points] == [
        ("cnn", 100),
        ("cnn", 1000),
        *(("knn", n) for n in (100, 1000, 5000)),
    ]
    assert points[1].values.tolist() == [0.6, 0.61, 0.62]
    assert points[1].mean == pytest.approx(0.61)
    assert (points[0].family, points[-1].family) == ("network", "baseline")


def test_the_interval_is_students(run):
    (point, _) = curve([run("knn", n, right, seed=s) for n in (100, 200) for s, right in enumerate((60, 64, 70, 61))])
    low, high = stats.t.interval(0.95, 3, loc=point.mean, scale=stats.sem(point.values))
    assert point.half_width == pytest.approx((high - low) / 2)


@pytest.mark.parametrize("n_seeds", [1, 2])
def test_of_one_or_two_seeds_there_is_no_interval(run, n_seeds):
    points = curve([run("knn", n, 60 + s, seed=s) for n in (100, 200) for s in range(n_seeds)])
    assert [point.half_width for point in points] == [None, None]


def test_a_model_of_one_size_is_left_out(run):
    assert curve([run("knn", 100, 60), run("cnn", 100, 60), run("cnn", 5000, 90, profile="full")])[0].model == "cnn"
    assert curve([run("knn", 5000, 90, profile="full")]) == []
    assert curve([]) == []


def test_what_cannot_be_compared_is_left_out(run):
    stored = [run("knn", n, 60, started_at=NEW) for n in (100, 300, 1000)]
    others = [
        run("knn", 500, 99, fingerprint="b" * 64, started_at=OLD),
        run("knn", 600, 99, status="timeout", started_at=NEW),
    ]
    old = run("knn", 300, 99, seed=1, started_at=OLD)
    outdated = old.record.model.model_copy(update={"version": 0})
    others.append(Stored(old.record.model_copy(update={"model": outdated}), Path("made.json")))
    points = curve([*others, *stored])
    assert [(point.size, point.mean) for point in points] == [(100, 0.6), (300, 0.6), (1000, 0.6)]


def test_the_version_of_the_data_can_be_asked_for(run):
    stored = [run("knn", n, 60, started_at=OLD) for n in (100, 300)]
    stored += [run("knn", n, 70, fingerprint="b" * 64, started_at=NEW) for n in (100, 300)]
    assert [point.mean for point in curve(stored)] == [0.7, 0.7]
    assert [point.mean for point in curve(stored, stored[0].record.dataset.fingerprint)] == [0.6, 0.6]
    assert curve(stored, "c" * 64) == []


def test_the_whole_training_part_under_its_two_names_is_one_point(run):
    points = curve([run("knn", 100, 50), run("knn", 5000, 80), run("knn", 5000, 90, profile="full")])
    assert [(point.size, point.mean) for point in points] == [(100, 0.5), (5000, 0.9)]


def test_the_best_of_a_family_is_chosen_by_validation(run):
    models = (("cnn-a", 80, 90), ("cnn-b", 85, 70), ("knn", 60, 60), ("svm", 50, 65))
    stored = [run(model, n, right, validation=v) for n in (100, 300) for model, right, v in models]
    found = leads(curve(stored), unknown)
    assert list(found) == [100, 300]
    assert (found[100].network.model, found[100].baseline.model) == ("cnn-a", "svm")
    assert found[100].points == pytest.approx(30)


def test_a_size_of_one_family_has_no_lead(run):
    stored = [run("cnn", n, 60) for n in (100, 300)] + [run("knn", n, 60) for n in (100, 1000)]
    assert list(leads(curve(stored), unknown)) == [100]
    assert leads([], unknown) == {}


@pytest.mark.parametrize(
    ("networks", "sure"),
    [
        ({100: 51, 300: 52, 1000: 90}, 1000),  # Two images more are no evidence, forty are.
        ({100: 90, 300: 90, 1000: 90}, 100),
        ({100: 90, 300: 52, 1000: 90}, 1000),
        ({100: 51, 300: 90, 1000: 52}, None),
        ({100: 20, 300: 20, 1000: 20}, None),
    ],
)
def test_a_lead_is_proven_where_it_is_more_than_chance_for_good(run, networks, sure):
    stored = [run("cnn", n, right, seed=s) for n, right in networks.items() for s in range(3)]
    stored += [run("knn", n, 50, seed=s) for n in networks for s in range(3)]
    found = leads(curve(stored), known)
    assert proven(found) == sure
    assert all(lead.pair.adjusted_p >= lead.pair.p for lead in found.values())
    assert [lead.pair.points for lead in found.values()] == pytest.approx([right - 50 for right in networks.values()])


def test_without_predictions_nothing_is_proven(run):
    stored = [run(model, n, right) for n in (100, 300) for model, right in (("cnn", 90), ("knn", 50))]
    found = leads(curve(stored), unknown)
    assert proven(found) is None
    assert [lead.pair for lead in found.values()] == [None, None]


def test_one_draw_proves_nothing(run):
    stored = [run(model, n, right) for n in (100, 300) for model, right in (("cnn", 90), ("knn", 50))]
    assert proven(leads(curve(stored), known)) is None


def test_pre_trained_networks_are_a_question_of_their_own(run):
    stored = [run(m, n, right) for n in (100, 300) for m, right in (("cnn-a", 60), ("cnn-b", 90), ("knn", 50))]
    for place, one in enumerate(stored):
        if one.record.run.model == "cnn-b":
            model = one.record.model.model_copy(update={"pretrained": "ImageNet"})
            stored[place] = Stored(one.record.model_copy(update={"model": model}), one.path)
    points = curve(stored)
    assert [lead.network.model for lead in leads(points, unknown).values()] == ["cnn-a", "cnn-a"]
    assert [lead.network.model for lead in leads(points, unknown, "pre-trained network").values()] == ["cnn-b"] * 2


def test_the_best_at_full_size_that_are_missing_are_named(run, make_summary):
    points = curve([run(m, n, 60) for m in ("knn", "cnn-a") for n in (100, 300)])
    full = [
        make_summary((LABELS, LABELS), model="svm"),
        make_summary((LABELS, LABELS), model="cnn-a", family="network"),
    ]
    assert missing(points, full) == ["svm"]
    assert missing(points, []) == []


def test_the_variance_of_draws_is_corrected_for_images_in_common(run):
    """Differences of 10, 20 and 30 points: a variance of 100."""
    stored = [run("cnn", 100, 60 + 10 * s, seed=s) for s in range(3)] + [run("knn", 100, 50, seed=s) for s in range(3)]
    stored += [run(m, 300, 60, seed=s) for m in ("cnn", "knn") for s in range(2)]
    points = curve(stored)
    found, rare = (draw_variance(points, "cnn", "knn", n, known) for n in (400, 10**9))
    assert (found.size, found.n_draws) == (100, 3)
    assert found.sd == pytest.approx(rare.sd / (1 - 1 / 4) ** 0.5)
    assert rare.sd == pytest.approx(10)
    assert draw_variance(points, "cnn", "svm", 400, known) is None
    assert draw_variance(points, "cnn", "knn", 400, unknown) is None
