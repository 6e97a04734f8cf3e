"""The part on suspect labels and near duplicates, with and without images and audit."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest

from benchmark.analysis.select import select
from benchmark.records import npz as archives
from benchmark.records import store as records
from benchmark.records.dataset_schema import DataAudit, DuplicateSearch, NearDuplicate
from benchmark.report import label_errors as suspects
from benchmark.report import page, style
from benchmark.report.evidence import Evidence

PAIR = (("knn", "baseline", 12), ("cnn-simple", "network", 10))
NAMES = ("cat", "dog")


def pair(index, distance, label=0, train_label=0):
    return NearDuplicate(index=index, train_index=7, distance=distance, label=label, train_label=train_label)


CLOSEST = (pair(3, 0.01), pair(4, 0.02, 1, 0), pair(5, 0.4))


def build_audit(fingerprint, *, closest=CLOSEST, **changes):
    common = {"median_distance": 0.5, "threshold": 0.1}
    test = DuplicateSearch(part="test", n_images=200, count=2, disagreeing=1, closest=closest, **common)
    validation = DuplicateSearch(
        part="validation", n_images=100, count=1, disagreeing=0, closest=(pair(120, 0.005),), **common
    )
    return DataAudit(**{"name": "synthetic", "fingerprint": fingerprint, "searches": (test, validation), **changes})


def evidence_of(store, data=None):
    stored, problems = store.read_all("synthetic")
    return Evidence(select(stored), stored, data, problems)


@pytest.fixture(scope="module")
def sure(make_collection, tmp_path_factory):
    """Two models that are both sure that the labels of the same twenty images, and more, are wrong."""
    return make_collection(tmp_path_factory.mktemp("sure"), PAIR, class_names=NAMES, seeds=(0,))


@pytest.fixture
def audited(sure, data):
    path = sure.write_audit(build_audit(data.fingerprint))
    yield sure
    path.unlink()


def made(store, data=None):
    with style.chart_style():
        return suspects.section(evidence_of(store, data))


def rows_of(text, first):
    return [re.split(r" *\| *", line)[1:-1] for line in text.splitlines() if line.startswith(f"| {first}")]


def test_without_images_all_is_told_and_nothing_shown(audited):
    section = made(audited)
    assert section.text.startswith("## Suspect labels and near duplicates\n")
    assert section.figures == {}
    assert "![" not in section.text
    assert "knn (1 seed) and cnn-simple (1 seed)" in section.text
    assert rows_of(section.text, "test") == [["test", "200", "2", "1", "0.100", "0.500"]]
    assert rows_of(section.text, "validation") == [["validation", "100", "1", "0", "0.100", "0.500"]]
    assert "1 of 3 near duplicates have another label" in section.text
    assert "by more than 1.01 points" in section.text


def test_the_counts_are_those_of_the_errors_that_both_make(sure):
    """Both are sure of the next class for the same images, one of them for more."""
    evidence = evidence_of(sure)
    doubted = suspects._doubts(suspects._judges(evidence), "test").found.index
    arrays = [s.stored[0].predictions() for s in evidence.summaries]
    both = np.logical_and(*(a["test_predicted"] != a["test_labels"] for a in arrays))
    assert len(doubted) > 0
    assert both[doubted].all()
    text = made(sure).text
    assert f"doubts the labels of {len(doubted)} of 200 test images" in text
    # Both models miss every one of these images: each loses as many errors.
    kept = 200 - len(doubted)
    for name, a in zip(("cnn-simple", "knn"), arrays, strict=True):
        right = int((a["test_predicted"] == a["test_labels"]).sum())
        ((_, every, without, change, before, after),) = rows_of(text, name)
        assert (every, without) == (f"{right / 200:.4f}", f"{right / kept:.4f}")
        assert change == f"{(right / kept - right / 200) * 100:+.2f} points"
        assert before == after
    assert "The order of the models stays the same" in text


def test_a_change_of_order_is_told(make_collection, make_cell, tmp_path):
    store = make_collection(tmp_path, PAIR, class_names=NAMES, seeds=(0,))
    text = made(store).text
    assert "stays the same" in text
    # A model without a voice, right on the suspects alone where the others fail, falls behind without them.
    stored = make_cell(store, model="odd", family="network", seed=0, class_names=NAMES, probabilities=False, wrong=10)
    arrays = stored.predictions()
    doubts = suspects._doubts(suspects._judges(evidence_of(store)), "test")
    predicted = arrays["test_labels"].copy()
    wrong = np.setdiff1d(np.arange(200), doubts.found.index)[:18]
    predicted[wrong] = 1 - predicted[wrong]
    arrays["test_predicted"] = predicted
    name, sha256 = store.write_predictions(
        records.Run("synthetic", "odd", 0, "full"), stored.path.stem, archives.pack(arrays)
    )
    predictions = stored.record.predictions.model_copy(update={"file": name, "sha256": sha256})
    store.write(stored.record.model_copy(update={"predictions": predictions}), stored.path.stem)
    text = made(store).text
    assert re.search(r"[23] of 3 models change their place", text)
    ((*_, before, after),) = rows_of(text, "odd")
    assert int(before) < int(after)


def test_with_images_both_galleries_are_drawn(audited, data):
    section = made(audited, data)
    assert sorted(section.figures) == ["near-duplicates.png", "suspects.png"]
    assert sorted(re.findall(r"\]\(([^)]+)\)", section.text)) == ["near-duplicates.png", "suspects.png"]
    pairs = section.figures["near-duplicates.png"].axes
    titles = [axes.get_title().splitlines() for axes in pairs]
    assert titles == [
        ["cat", "validation 120 | training 7", "distance 0.005"],
        ["cat", "test 3 | training 7", "distance 0.010"],
        ["dog | cat", "test 4 | training 7", "distance 0.020"],
    ]
    shown = np.asarray(pairs[1].images[0].get_array())
    np.testing.assert_array_equal(shown[:, :4], data.test_images[3, ..., 0])
    np.testing.assert_array_equal(shown[:, -4:], data.train_images[7, ..., 0])
    doubted = section.figures["suspects.png"].axes
    assert 0 < len(doubted) <= suspects.SHOWN
    assert re.fullmatch(r"label (cat|dog): \d+%\nrather (cat|dog): \d+%", doubted[0].get_title())


def test_of_three_colours_too(audited, data):
    colour = np.repeat(data.test_images, 3, axis=3)
    section = made(audited, dataclasses.replace(data, test_images=colour, train_images=colour))
    assert section.figures["near-duplicates.png"].axes[0].images[0].get_array().shape == (4, 9, 3)


def test_not_audited_yet_names_the_command(sure):
    assert "`python -m benchmark data audit synthetic --collection made`" in made(sure).text


def test_an_audit_of_another_version_of_the_data_is_none(sure, data):
    path = sure.write_audit(build_audit("f" * 64))
    section = made(sure, data)
    path.unlink()
    assert "not recorded for this version" in section.text
    assert "near-duplicates.png" not in section.figures


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{", "not readable as JSON"),
        (b"\xff\xfe", "not readable as JSON"),
        (b"[]", "not a record"),
        (b'{"schema_version": 3}', "schema version 3 is not supported"),
    ],
)
@pytest.mark.usefixtures("undrawn")
def test_a_damaged_audit_is_a_problem_not_a_crash(sure, tmp_path, content, reason):
    path = sure.folder / "synthetic" / records.AUDIT
    path.write_bytes(content)
    evidence = evidence_of(sure)
    section = suspects.section(evidence)
    written = page.write(sure, "synthetic", tmp_path / "reports")
    path.unlink()
    (problem,) = evidence.problems
    assert reason in problem.reason
    assert "not recorded" in section.text
    assert [found.path for found in written.problems] == [path]
    assert "- audit.json: " in written.path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("closest", "reason"),
    [((pair(3, 0.01, label=2),), "labels that the data set has not"), ((pair(200, 0.01),), "images that the data set")],
)
def test_an_audit_that_does_not_fit_the_data_is_a_problem(sure, data, closest, reason):
    path = sure.write_audit(build_audit(data.fingerprint, closest=closest))
    evidence = evidence_of(sure, data)
    section = suspects.section(evidence)
    path.unlink()
    assert "near-duplicates.png" not in section.figures
    assert [reason in problem.reason for problem in evidence.problems] == [True]


def test_an_audit_must_be_consistent():
    with pytest.raises(ValueError, match="more near duplicates than images"):
        DuplicateSearch(part="test", n_images=3, count=4, disagreeing=0, threshold=0.1, median_distance=0.2, closest=())


def test_models_without_probabilities_say_nothing_about_labels(make_collection, tmp_path, data):
    store = make_collection(tmp_path, PAIR, class_names=NAMES, seeds=(0,), probabilities=False)
    assert made(store, data) is None
    store.write_audit(build_audit(data.fingerprint))
    section = made(store, data)
    assert "Confident learning" not in section.text
    assert list(section.figures) == ["near-duplicates.png"]


def test_one_family_alone_has_a_voice(make_collection, tmp_path):
    store = make_collection(tmp_path, PAIR[:1], class_names=NAMES, seeds=(0, 1))
    assert "It rests on the probabilities of knn (2 seeds)," in made(store).text


def test_unreadable_predictions_are_passed_over(make_collection, tmp_path):
    store = make_collection(tmp_path, PAIR, class_names=NAMES, seeds=(0,))
    for path in store.folder.glob("*/knn/*.npz"):
        path.write_bytes(b"altered")
    evidence = evidence_of(store)
    text = suspects.section(evidence).text
    assert rows_of(text, "knn") == []
    assert "probabilities of cnn-simple (1 seed)," in text
    assert len(evidence.problems) == 1


def test_names_of_classes_stay_text(make_collection, tmp_path, data):
    hostile = ("$^$ | `x` <b>" * 4, "dog")
    store = make_collection(tmp_path, PAIR, class_names=hostile, seeds=(0,))
    store.write_audit(build_audit(data.fingerprint))
    section = made(store, dataclasses.replace(data, class_names=hostile))
    assert "<b>" not in section.text
    for name, figure in section.figures.items():
        style.save(figure, tmp_path / name)
