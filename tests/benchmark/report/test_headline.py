"""The sentence on top of a report."""

from __future__ import annotations

import re

import numpy as np
import pytest

from benchmark.analysis.hits import ASSUMED_FROM as ENOUGH
from benchmark.analysis.select import ModelSummary, Selection, best, select
from benchmark.errors import UserError
from benchmark.records.store import Stored
from benchmark.report import headline as line
from benchmark.report import write
from benchmark.report.evidence import Evidence


@pytest.fixture
def evidence(tmp_path, make_collection):
    """What a report rests on, for a CNN and a baseline with so many per cent of errors."""

    def make(cnn, baseline, n=1000, seeds=(0,), train_size=60):
        models = [("cnn-simple", "network", cnn), ("knn", "baseline", baseline)]
        store = make_collection(tmp_path, models, seeds=seeds, class_names=("cat", "dog"), n=n)
        stored, problems = store.read_all("synthetic")
        sizes = [s.record.dataset.model_copy(update={"train_size": train_size}) for s in stored]
        records = [s.record.model_copy(update={"dataset": info}) for s, info in zip(stored, sizes, strict=True)]
        stored = [Stored(record, s.path) for record, s in zip(records, stored, strict=True)]
        return Evidence(select(stored), stored, None, problems)

    return make


def test_headline_of_single_runs_is_about_the_runs(evidence):
    for cnn, baseline in ((10, 20), (20, 10)):
        assert line.sentence(evidence(cnn, baseline)) == (
            f"The runs of cnn-simple (a CNN trained from scratch, {100 - cnn}.00%) and the best baseline, knn "
            f"({100 - baseline}.00%), differ by {baseline - cnn:+}.00 points (95% CI "
            f"{'8.07 to 11.82' if cnn < baseline else '-11.82 to -8.07'}, p < 0.001), without the seed-to-seed "
            "variance of cnn-simple. With so few seeds, too little is known of the models trained again."
        ).replace("+10.00", "10.00")


def test_headline_ahead_and_behind(evidence):
    assert re.fullmatch(
        r"cnn-simple \(a CNN trained from scratch, 90.00%\) beats the best baseline, knn \(80.00%\), by 10.00 points "
        r"\(95% CI 8.0\d to 11.\d\d, p < 0.001\): it makes 50% \(95% CI 42 to 57%\) fewer errors\.",
        line.sentence(evidence(10, 20, train_size=ENOUGH)),
    )
    assert re.fullmatch(
        r"No CNN is needed: cnn-simple \(a CNN trained from scratch, 80.00%\) loses to the best baseline, knn "
        r"\(90.00%\), by 10.00 points \(95% CI 8.0\d to 11.\d\d, p < 0.001\)\.",
        line.sentence(evidence(20, 10, train_size=ENOUGH)),
    )


def test_headline_names_the_baseline_that_is_closest(tmp_path, make_collection):
    models = [("cnn-simple", "network", 10), ("knn", "baseline", 20), ("svm-rbf", "baseline", 15)]
    store = make_collection(tmp_path, models, seeds=(0, 1), class_names=("cat", "dog"), n=1000)
    stored, problems = store.read_all("synthetic")
    found = Evidence(select(stored), stored, None, problems)
    low = found.comparison.find("cnn-simple", "svm-rbf").low
    assert (
        f"It is ahead of each of the 2 baselines by at least {low:.2f} points (the smallest lower limit, that against "
        "svm-rbf; p < 0.001)." in line.sentence(found)
    )


def test_headline_names_a_baseline_that_it_is_not_ahead_of(tmp_path, make_collection, make_cell):
    """The best by validation may not be the best on the test images."""
    models = [("cnn-simple", "network", 10), ("knn", "baseline", 20), ("svm-rbf", "baseline", 10)]
    store = make_collection(tmp_path, models, seeds=(0, 1), class_names=("cat", "dog"), n=1000)
    stored, problems = store.read_all("synthetic")
    poor = next(s.record.validation for s in stored if s.record.run.model == "knn")
    worse = poor.model_copy(update={"accuracy": 0.1})
    stored = [
        Stored(s.record.model_copy(update={"validation": worse}), s.path) if s.record.run.model == "svm-rbf" else s
        for s in stored
    ]
    sentence = line.sentence(Evidence(select(stored), stored, None, problems))
    assert "beats the best baseline, knn" in sentence
    assert sentence.endswith("It is not significantly ahead of svm-rbf.")


def test_headline_says_of_a_baseline_that_is_better_that_it_is(tmp_path, make_collection):
    """Chosen by validation, the best baseline may be far from the best on the test images."""
    models = [("cnn-simple", "network", 10), ("knn", "baseline", 20), ("svm-rbf", "baseline", 2)]
    store = make_collection(tmp_path, models, seeds=(0, 1), class_names=("cat", "dog"), n=1000)
    stored, problems = store.read_all("synthetic")
    worse = stored[0].record.validation.model_copy(update={"accuracy": 0.1})
    stored = [
        Stored(s.record.model_copy(update={"validation": worse}), s.path) if s.record.run.model == "svm-rbf" else s
        for s in stored
    ]
    sentence = line.sentence(Evidence(select(stored), stored, None, problems))
    assert "It is behind svm-rbf: worse by 8.00 points (95% CI " in sentence
    assert "not significantly ahead" not in sentence


def test_ahead_of_all_and_fewer_errors_say_what_their_tests_say(tmp_path, make_collection):
    """Near the threshold: interval, p, ratio and claim agree, whatever the numbers of errors."""
    seen = set()
    for wrong in range(9, 25):
        models = [("cnn-simple", "network", 10), ("knn", "baseline", 24), ("svm-rbf", "baseline", wrong)]
        store = make_collection(tmp_path / str(wrong), models, seeds=(0, 1), class_names=("cat", "dog"), n=100)
        stored, problems = store.read_all("synthetic")
        found = Evidence(select(stored), stored, None, problems)
        sentence = line.sentence(found)
        pairs = [found.comparison.find("cnn-simple", name) for name in ("knn", "svm-rbf")]
        ahead = all(pair.p < 0.05 and pair.points > 0 for pair in pairs)
        assert ahead == all(pair.low > 0 for pair in pairs)
        assert ("ahead of each of" in sentence) == (ahead and found.best_pair.verdict == "better")
        if ends := re.search(r"makes [\d.]+% \(95% CI (\S+) to (\S+)%\) fewer", sentence):
            assert 0 < float(ends[1]) < float(ends[2]) < 100
        seen.add(ahead)
    assert seen == {True, False}


@pytest.mark.parametrize(
    ("shares", "words"),
    [((0.293,), "29%"), ((0.003, 0.301), "0.3 to 30%"), ((0.69, 0.996), "69 to 99.6%"), ((0.99996,), "99.996%")],
)
def test_a_share_does_not_read_as_nothing_or_all(shares, words):
    assert line._percents(*shares) == words


def test_headline_of_several_seeds(evidence):
    assert re.fullmatch(
        r"cnn-simple \(a CNN trained from scratch, 89.50%, mean of 2 seeds\) beats the best baseline, "
        r"knn \(79.50%, mean of 2 seeds\), "
        r"by 10.00 points \(95% CI \d+\.\d\d to \d+\.\d\d, p < 0.001\): it makes 49% "
        r"\(95% CI \d\d to \d\d%\) fewer errors\.",
        line.sentence(evidence(10, 20, seeds=(0, 1))),
    )


@pytest.mark.parametrize(("cnn", "baseline", "points"), [(10, 10, "+0.00"), (9, 10, "+1.00"), (12, 10, "-2.00")])
def test_headline_without_a_significant_difference_names_no_leader(evidence, cnn, baseline, points):
    sentence = line.sentence(evidence(cnn, baseline, n=100))
    assert sentence.startswith("No significant difference between cnn-simple (a CNN trained from scratch, ")
    assert f"the best baseline, knn ({100 - baseline}.00%): {points} points (95% CI -" in sentence
    assert sentence.endswith(("p = 1.000).", "p = 0.565).", "p = 0.320)."))
    assert "beat" not in sentence


def test_one_point_on_a_thousand_images_that_else_agree_is_evidence(evidence):
    """Ten images to none, with one more on either side: 10 / sqrt(12) standard errors."""
    assert "differ by 1.00 points (95% CI 0.32 to 1.67, p = 0.004), without the" in line.sentence(evidence(9, 10))


def test_headline_of_a_cnn_without_errors(evidence):
    assert line.sentence(evidence(0, 10, train_size=ENOUGH)).endswith("p < 0.001): it makes no error.")


def test_without_predictions_no_evidence_is_claimed(evidence):
    found = evidence(10, 20)
    for stored in found.stored:
        (stored.path.parent / stored.record.predictions.file).unlink()
    assert line.sentence(found) == (
        "cnn-simple (a CNN trained from scratch, 90.00%) and the best baseline, knn (80.00%), differ by +10.00 points; "
        "without predictions of the same images, significance cannot be tested."
    )
    assert len(found.problems) == 2


def test_the_best_of_a_family_is_chosen_by_validation(make_summary, make_record):
    labels = np.arange(100) % 2
    lucky, sound = (np.where(np.arange(100) < right, labels, 1 - labels) for right in (95, 90))
    first, second = make_summary((labels, lucky), model="lucky"), make_summary((labels, sound), model="sound")
    better, worse = make_record(labels, lucky).validation, make_record(labels, sound).validation
    swapped = [
        ModelSummary(tuple(Stored(s.record.model_copy(update={"validation": v}), s.path) for s in summary.stored))
        for summary, v in ((first, worse), (second, better))
    ]
    assert best(swapped, "baseline").name == "sound"


def alone(*summaries):
    return Evidence(Selection(None, "full", summaries, (), ()), [], None, [])


def test_price(make_summary):
    run = ((0, 1), (0, 1))
    cnn = make_summary(run, model="cnn-simple", family="network", fit_seconds=90)
    knn = make_summary(run, model="knn", fit_seconds=2)
    assert line.price(alone(cnn, knn)) == (
        "Fitting the CNN takes 1 min 30 s, the baseline 2.0 s; predicting 1,000 images takes 25 s and 25 s."
    )
    assert line.price(alone(knn)) == ""


def test_headline_tells_seeds_and_missing_sides(make_summary):
    run = ((0, 1), (0, 1))
    assert line.sentence(alone()) == "No model has finished yet."
    two = make_summary(run, run, model="cnn_x", family="network")
    assert line.sentence(alone(two)) == (
        "cnn_x (a CNN trained from scratch, 100.00%, mean of 2 seeds); no baseline is recorded to compare it with."
    )


def test_a_family_whose_runs_failed_is_named_with_the_reason(make_summary, make_record):
    knn = make_summary(((0, 1), (0, 1)), model="knn")
    failed = make_record(model="cnn-simple", family="network", status="unsupported")
    found = Evidence(Selection(None, "full", (knn,), (failed,), ()), [], None, [])
    assert line.sentence(found) == (f"knn (100.00%); no CNN has finished: cnn-simple (unsupported: {failed.reason}).")


def test_an_mlp_is_no_answer_and_a_pretrained_cnn_is_called_so(make_summary):
    (stored,) = make_summary(((0, 1), (0, 1)), family="network").stored

    def network(**changes):
        model = stored.record.model.model_copy(update=changes)
        return alone(ModelSummary((Stored(stored.record.model_copy(update={"model": model}), stored.path),)))

    assert line.sentence(network(convolutional=False)).endswith("; no CNN or baseline is recorded.")
    assert "(a CNN pre-trained on ImageNet, 100.00%)" in line.sentence(network(pretrained="ImageNet"))


def test_headline_and_leaderboard_go_between_the_marks(tmp_path, evidence):
    text = write.Written((), write.compose(found := evidence(10, 20, n=100)), found).excerpt
    target = tmp_path / "README.md"
    target.write_text("before\n<!-- leaderboard -->\nold\n<!-- /leaderboard -->\nafter\n")
    for _ in range(2):
        line.put_between_marks(target, text)
        assert target.read_text() == f"before\n<!-- leaderboard -->\n\n{text}\n\n<!-- /leaderboard -->\nafter\n"
    assert "| cnn-simple |" in text
    target.write_text("no marks")
    with pytest.raises(UserError, match="has no lines"):
        line.put_between_marks(target, text)
    with pytest.raises(UserError, match="cannot be read"):
        line.put_between_marks(tmp_path / "none.md", text)
