"""The gate that knows noise: what it catches, what it lets pass, and how often it cries wolf."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from benchmark.analysis.hits import ASSUMED_SD
from benchmark.analysis.seed_variance import SeedVariance
from benchmark.analysis.select import Selection, select
from benchmark.analysis.stats import holm
from benchmark.errors import UserError
from benchmark.gate.regression import LEVEL, Limits, compare, drop
from benchmark.records.store import Store

ROOT = Path(__file__).resolve().parents[3]
LIMITS = Limits()
LENT = SeedVariance(ASSUMED_SD**2, 0.0, 4.0)
N = 10_000


def predictions(stored):
    return stored.predictions()


@pytest.fixture(scope="module")
def real() -> np.ndarray:
    """What the reference's cnn-simple gets right, seed by seed: (n_seeds, 10,000)."""
    stored, _ = Store(ROOT / "results", "reference").read_all("fashion-mnist")
    (summary,) = [s for s in select(stored, "full").summaries if s.name == "cnn-simple"]
    arrays = [one.predictions() for one in summary.stored]
    return np.array([a["test_predicted"] == a["test_labels"] for a in arrays])


def runs(rng: np.random.Generator, n_seeds: int, accuracy: float = 0.926, sd: float = 0.002) -> np.ndarray:
    """Runs that flip a few images alike to the reference's: 2.5 % of them are a matter of luck, and a seed
    moves how much luck there is."""
    always = np.arange(N) < (accuracy - 0.02) * N
    luck = (np.arange(N) >= (accuracy - 0.02) * N) & (np.arange(N) < (accuracy + 0.02) * N)
    rows = []
    for _ in range(n_seeds):
        share = 0.5 + rng.normal(0, sd) / 0.04
        rows.append(always | (luck & (rng.random(N) < share)))
    return np.array(rows)


def test_simulated_runs_are_like_the_real_ones(real):
    rng = np.random.default_rng(0)
    made = runs(rng, 200)
    assert made.mean() == pytest.approx(real.mean(), abs=0.002)
    assert 0.5 < made.mean(axis=1).std() / real.mean(axis=1).std() < 1.5
    disagreement = np.mean(real[0] != real[1])
    assert np.mean(made[0] != made[1]) == pytest.approx(disagreement, abs=0.02)


def test_a_planted_drop_of_one_point_is_caught(real):
    """A hundred right answers of every real run are spoilt, others in each trial."""
    rng = np.random.default_rng(0)
    caught = 0
    for _ in range(100):
        worse = real.copy()
        worse[:, rng.choice(np.flatnonzero(real.all(axis=0)), 100, replace=False)] = False
        caught += drop(worse, real, LIMITS.tolerance, LENT).p < LEVEL
    assert caught >= 95


def test_a_drop_of_one_point_is_caught_in_runs_with_other_seeds():
    rng = np.random.default_rng(1)
    found = [drop(runs(rng, 5, 0.916), runs(rng, 5), LIMITS.tolerance, LENT).p < LEVEL for _ in range(200)]
    assert np.mean(found) >= 0.95


@pytest.mark.parametrize(("here", "there"), [(1, 1), (1, 3), (1, 5), (3, 3), (5, 5)])
def test_a_hundred_reruns_with_other_seeds_raise_at_most_five_alarms(here, there):
    rng = np.random.default_rng(2)
    alarms = [drop(runs(rng, here), runs(rng, there), LIMITS.tolerance, LENT).p < LEVEL for _ in range(100)]
    assert sum(alarms) <= 5


def test_the_real_seeds_raise_no_alarm_against_one_another(real):
    """Each against all others, adjusted as the gate adjusts over models: one of them has to be the worst."""
    found = [drop(real[[seed]], np.delete(real, seed, axis=0), LIMITS.tolerance, LENT).p for seed in range(len(real))]
    assert holm(found).min() >= LEVEL


def test_a_model_without_chance_is_held_to_its_images_alone():
    before = np.arange(N) < 9000
    after = before & ~((np.arange(N) >= 1000) & (np.arange(N) < 1030))
    certain, lent = (
        drop(after[None], before[None], 0.1, variance) for variance in (None, SeedVariance(0.002**2, 0, 4))
    )
    assert certain.points == lent.points == pytest.approx(0.3)
    assert certain.p < LEVEL < lent.p
    assert lent.error == pytest.approx(np.hypot(certain.error, 0.2 * np.sqrt(2)), rel=1e-6)


@pytest.fixture
def selections(tmp_path, make_collection):
    """Makes a candidate and its reference: ``{model: per cent wrong}`` on either side."""

    def make(here: dict[str, int], there: dict[str, int], seeds=(0,)) -> list[Selection]:
        found = []
        for name, errors in (("here", here), ("there", there)):
            models = [(m, "network" if m.startswith("cnn") else "baseline", wrong) for m, wrong in errors.items()]
            store = make_collection(tmp_path / name, models, seeds=seeds, class_names=("cat", "dog"), n=1000)
            found.append(select(store.read_all("synthetic")[0]))
        return found

    return make


def judged(pair: list[Selection], limits: Limits = LIMITS) -> dict[str, tuple[str, str]]:
    verdicts = compare(*pair, predictions, limits)
    return {verdict.subject: (verdict.outcome, verdict.reason) for verdict in verdicts}


def test_every_outcome_has_its_reason(selections):
    pair = selections({"knn": 10, "svm-rbf": 15, "cnn-x": 11, "new": 1}, {"knn": 10, "svm-rbf": 10, "cnn-x": 10})
    wide = dataclasses.replace(LIMITS, training_sd=0.5)
    found = judged(pair, wide)
    assert found["knn"] == ("pass", "the same images are classified correctly")
    outcome, reason = found["svm-rbf"]
    assert outcome == "fail"
    assert "a drop beyond 0.1 points (p < 0.001)" in reason
    outcome, reason = found["cnn-x"]
    assert outcome == "insufficient evidence"
    assert "-1.00 points" in reason
    assert "more seeds would decide" in reason
    assert "new" not in found
    assert found["svm-rbf, recall of cat"][0] == "fail"
    outcome, reason = judged(pair, dataclasses.replace(wide, detectable=5.0))["cnn-x"]
    assert outcome == "pass"
    assert "with 95% confidence any drop is below 5 points" in reason


def test_a_class_may_fail_alone(selections):
    """A tenth fewer cats are found and as many more dogs: the whole stays where it was."""
    here, there = selections({"knn": 20}, {"knn": 20})
    labels = here.summaries[0].stored[0].predictions()["test_labels"]
    cats, dogs = (np.flatnonzero(labels == number) for number in (0, 1))

    def spoilt(stored):
        arrays = dict(stored.predictions())
        right = np.ones(len(labels), dtype=bool)
        right[(cats if stored in here.summaries[0].stored else dogs)[:50]] = False
        return {**arrays, "test_predicted": np.where(right, labels, 1 - labels)}

    found = {v.subject: v.outcome for v in compare(here, there, spoilt, LIMITS)}
    assert found == {"knn": "insufficient evidence", "knn, recall of cat": "fail"}


def test_a_class_of_ten_images_that_is_lost_is_not_passed_over(selections):
    """Of ten cats all are found before and none after, in all three seeds; among many tests that proves nothing."""
    here, there = selections({"cnn-x": 1, "cnn-y": 1, "cnn-z": 1}, {"cnn-x": 1, "cnn-y": 1, "cnn-z": 1}, (0, 1, 2))
    lost = here.summaries[0].name

    def lookup(stored):
        labels = np.repeat([0, 1], [10, 990])
        predicted = labels.copy()
        predicted[-5 * (1 + stored.record.run.seed) :] = 0  # Seeds differ in a few dogs.
        if stored in here.summaries[0].stored:
            predicted[:10] = 1
        return {"test_index": np.arange(1000), "test_labels": labels, "test_predicted": predicted}

    for limits in (LIMITS, dataclasses.replace(LIMITS, training_sd=0.2)):
        found = {v.subject: (v.outcome, v.reason) for v in compare(here, there, lookup, limits)}
        outcome, reason = found[f"{lost}, recall of cat"]
        assert outcome in ("insufficient evidence", "fail")
        assert "-100.00 points: a drop beyond 2 points" in reason
        assert sum("recall" in subject for subject in found) == 1


def test_one_point_is_one_point(selections):
    pair = selections({"svm-rbf": 15}, {"svm-rbf": 10})
    assert "a drop beyond 1 point (" in judged(pair, Limits(tolerance=1.0, detectable=2.0))["svm-rbf"][1]


def test_without_chance_more_test_images_would_decide(selections):
    limits = Limits(tolerance=0.9, detectable=1.1)
    assert "more test images would decide" in judged(selections({"knn": 11}, {"knn": 10}), limits)["knn"][1]


def test_a_lost_class_of_a_model_of_which_little_is_known_is_named(selections):
    here, there = selections({"cnn-x": 1}, {"cnn-x": 1})

    def lookup(stored):
        labels = np.arange(1000) % 10
        predicted = np.where((labels == 0) & (stored in here.summaries[0].stored), 1, labels)
        return {"test_index": np.arange(1000), "test_labels": labels, "test_predicted": predicted}

    found = {v.subject: (v.outcome, v.reason) for v in compare(here, there, lookup, LIMITS)}
    assert found["cnn-x"][0] == "insufficient evidence"
    outcome, reason = found["cnn-x, recall of cat"]
    assert outcome == "insufficient evidence"
    assert reason == "-100.00 points: half of the recall or more, but of too few seeds; more seeds would decide"


def test_a_seed_that_failed_fails_beside_those_that_finished(selections, make_record):
    here, there = selections({"cnn-x": 5}, {"cnn-x": 5}, (0, 1, 2))
    failed = make_record(model="cnn-x", seed=1, status="timeout", reason="stopped at the time limit")
    found = judged([dataclasses.replace(only(here, "cnn-x", 1), failed=(failed,)), there])
    assert found["cnn-x, seed 1"] == ("fail", "timeout: stopped at the time limit")
    assert "cnn-x" in found


def test_limits_that_can_never_be_met_are_refused():
    with pytest.raises(UserError, match="A drop of 2 points is let pass, so that one below 1 point cannot"):
        Limits(tolerance=2.0, detectable=1.0)


def on_many_images(selection):
    """The same runs on as many training images as an assumption takes."""
    summaries = []
    for summary in selection.summaries:
        stored = []
        for one in summary.stored:
            dataset = one.record.dataset.model_copy(update={"train_size": 60_000})
            stored.append(dataclasses.replace(one, record=one.record.model_copy(update={"dataset": dataset})))
        summaries.append(dataclasses.replace(summary, stored=tuple(stored)))
    return dataclasses.replace(selection, summaries=tuple(summaries))


def test_a_collapse_is_more_than_seeds_explain(selections):
    outcome, reason = judged(selections({"cnn-x": 80}, {"cnn-x": 10}))["cnn-x"]
    assert outcome == "fail"
    assert reason == "-70.00 points between so few seeds: more than seeds that move accuracy by 5 points explain"


def test_it_does_not_matter_which_side_has_the_seeds(selections):
    """Three seeds before and one after, or the other way around: as much is lent, and the error is the same."""
    pair = selections({"cnn-x": 12, "cnn-y": 10}, {"cnn-x": 10, "cnn-y": 11}, (0, 1, 2))
    one, three = only(pair[0], "cnn-x", 1), pair[1]
    errors = [judged(both)["cnn-x"][1].partition("standard error ")[2][:4] for both in ((one, three), (three, one))]
    assert errors[0] == errors[1]


def only(selection, model, seeds):
    """A selection in which a model has so many seeds only."""
    summaries = tuple(
        dataclasses.replace(s, stored=s.stored[:seeds]) if s.name == model else s for s in selection.summaries
    )
    return dataclasses.replace(selection, summaries=summaries)


@pytest.mark.parametrize("n", [1, 3, 5])
def test_a_class_of_a_few_images_that_is_lost_is_named(selections, n):
    here, there = selections({"knn": 1}, {"knn": 1})

    def lookup(stored):
        labels = np.repeat([0, 1], [n, 1000 - n])
        predicted = labels.copy()
        if stored in here.summaries[0].stored:
            predicted[:n] = 1
        return {"test_index": np.arange(1000), "test_labels": labels, "test_predicted": predicted}

    found = {v.subject: v for v in compare(here, there, lookup, LIMITS)}
    assert found["knn, recall of cat"].outcome == "insufficient evidence"
    assert "-100.00 points: half of the recall or more, but on too few images" in found["knn, recall of cat"].reason


def test_single_runs_on_few_training_images_prove_nothing(selections):
    """Seeds move a model further there; how far is not known, so neither a pass nor a failure is justified."""
    pair = selections({"cnn-x": 14, "cnn-y": 10}, {"cnn-x": 10, "cnn-y": 10})
    found = judged(pair)
    outcome, reason = found["cnn-x"]
    assert outcome == "insufficient evidence"
    assert "-4.00 points between so few seeds" in reason
    assert "--training-sd" in reason
    assert found["cnn-y"] == ("pass", "the same images are classified correctly")
    assert judged(pair, dataclasses.replace(LIMITS, training_sd=0.2))["cnn-x"][0] == "fail"
    assert judged([on_many_images(selection) for selection in pair])["cnn-x"][0] == "fail"


def test_unlike_models_are_never_compared(selections, make_record):
    here, there = selections({"knn": 5}, {"knn": 30})
    for change, words in (
        ({"version": 2}, "another model: version 2 and 1"),
        ({"params": {"alpha": 1}}, "another model: alpha: 1 and 0.5"),
        ({"params": {}}, "another model: alpha: None and 0.5"),
    ):
        (summary,) = here.summaries
        (stored,) = summary.stored
        model = stored.record.model.model_copy(update=change)
        changed = dataclasses.replace(stored, record=stored.record.model_copy(update={"model": model}))
        assert judged([select([changed]), there])["knn"] == ("not comparable", words)


def test_other_data_are_never_compared(selections):
    here, there = selections({"knn": 5}, {"knn": 5})
    other = dataclasses.replace(there, dataset=there.dataset.model_copy(update={"fingerprint": "f" * 64}))
    assert judged([here, other])["knn"] == ("not comparable", "another version of the data")


def test_a_model_that_fails_now_fails_the_gate(selections, make_record):
    here, there = selections({"knn": 5}, {"knn": 5, "svm-rbf": 5})
    failed = make_record(model="svm-rbf", status="timeout", reason="stopped at the time limit")
    found = judged([dataclasses.replace(here, failed=(failed,)), there])
    assert found["svm-rbf"] == ("fail", "timeout: stopped at the time limit")


def test_required_is_the_same_for_every_verdict(selections):
    """The reference's accuracy less the tolerance."""
    pair = selections({"knn": 5, "cnn-x": 6}, {"knn": 5, "cnn-x": 5, "svm-rbf": 5})
    required = {v.subject: v.required for v in compare(*pair, predictions, LIMITS) if "recall" not in v.subject}
    assert set(required) == {"knn", "cnn-x", "svm-rbf"}
    assert list(required.values()) == pytest.approx([0.95 - 0.001] * 3)


def test_a_model_that_is_gone_fails_the_gate(selections):
    here, there = selections({"knn": 5}, {"knn": 5, "svm-rbf": 5})
    assert judged([here, there])["svm-rbf"] == ("missing", "no finished run to compare")
    assert [v.fails(strict=False) for v in compare(here, there, predictions, LIMITS)].count(True) == 1


@pytest.mark.parametrize("side", ["here", "there"])
def test_missing_predictions_fail_the_gate(selections, side):
    here, there = selections({"knn": 5}, {"knn": 5})
    gone = {"here": here, "there": there}[side].summaries[0].stored
    (verdict,) = compare(here, there, lambda stored: None if stored in gone else stored.predictions(), LIMITS)
    assert (verdict.outcome, verdict.fails(strict=False)) == ("missing", True)
    assert "the predictions of seed 0 cannot be read" in verdict.reason
    assert ("of the reference" in verdict.reason) == (side == "there")
