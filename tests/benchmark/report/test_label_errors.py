"""The part on suspect labels and near duplicates, with and without images and audit."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest
from documents import drawn, pictures, tables, text

from benchmark.analysis.select import select
from benchmark.records import npz as archives
from benchmark.records import store as records
from benchmark.records.dataset_schema import DataAudit, DuplicateSearch, NearDuplicate
from benchmark.report import label_errors as suspects
from benchmark.report import write
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


def test_models_that_are_often_wrong_do_not_judge_labels(make_collection, tmp_path):
    """Right on 53 % of the images, a model "suspects" a third of the labels."""
    often = [("knn", "baseline", 47), ("cnn-simple", "network", 45)]
    words = text(suspects.quality(evidence_of(make_collection(tmp_path / "a", often, class_names=NAMES, seeds=(0,)))))
    assert "not named. knn and cnn-simple would judge" in words
    assert "flags" not in words
    one = [("knn", "baseline", 47), ("cnn-simple", "network", 10)]
    words = text(suspects.quality(evidence_of(make_collection(tmp_path / "b", one, class_names=NAMES, seeds=(0,)))))
    assert "probabilities of cnn-simple (1 seed), averaged" in words
    assert "not named" not in words


@pytest.fixture
def audited(sure, data):
    path = sure.write_audit(build_audit(data.fingerprint))
    yield sure
    path.unlink()


def made(store, data=None):
    return suspects.quality(evidence_of(store, data))


def row(section, first):
    """Cells of the row that begins so, in the first table that has one."""
    return next((list(table[first].values()) for table in tables(section) if first in table), None)


def test_without_images_all_is_told_and_nothing_shown(audited):
    section = made(audited)
    assert section.title == "Suspected label errors and near duplicates"
    assert pictures(section) == {}
    assert "knn (1 seed) and cnn-simple (1 seed)" in text(section)
    assert row(section, "test") == ["200", "2", "1", "0.100", "0.500"]
    assert row(section, "validation") == ["100", "1", "0", "0.100", "0.500"]
    assert "1 of 3 near duplicates have a different label" in text(section)
    assert "by more than 1.01 points" in text(section)


def test_the_counts_are_those_of_the_errors_that_both_make(sure):
    """Both are sure of the next class for the same images, one of them for more."""
    evidence = evidence_of(sure)
    doubted = suspects._doubts(suspects._judges(evidence), "test").found.index
    arrays = [s.stored[0].predictions() for s in evidence.summaries]
    both = np.logical_and(*(a["test_predicted"] != a["test_labels"] for a in arrays))
    assert len(doubted) > 0
    assert both[doubted].all()
    section = made(sure)
    assert f"flags {len(doubted)} of 200 test labels" in text(section)
    # Both models miss every one of these images: each loses as many errors.
    kept = 200 - len(doubted)
    for name, a in zip(("cnn-simple", "knn"), arrays, strict=True):
        right = int((a["test_predicted"] == a["test_labels"]).sum())
        every, without, change, before, after = row(section, name)
        assert (every, without) == (f"{right / 200:.2%}", f"{right / kept:.2%}")
        assert change == f"{(right / kept - right / 200) * 100:+.2f}"
        assert before == after
    assert "The ranking of the models does not change" in text(section)


def test_a_change_of_order_is_told(make_collection, make_cell, tmp_path):
    store = make_collection(tmp_path, PAIR, class_names=NAMES, seeds=(0,))
    assert "does not change" in text(made(store))
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
    section = made(store)
    assert re.search(r"[23] of 3 models change rank", text(section))
    *_, before, after = row(section, "odd")
    assert int(before) < int(after)


def test_with_images_both_galleries_are_drawn(audited, data):
    section = made(audited, data)
    found = pictures(section)
    assert sorted(found) == ["near-duplicates", "suspects"]
    assert sorted(re.findall(r"\]\(([^)]+)\)", text(section))) == ["charts/near-duplicates.png", "charts/suspects.png"]
    pairs = found["near-duplicates"].items
    assert [item.lines for item in pairs] == [
        ["cat", "validation 120 | train 7", "distance 0.005"],
        ["cat", "test 3 | train 7", "distance 0.010"],
        ["dog | cat", "test 4 | train 7", "distance 0.020"],
    ]
    np.testing.assert_array_equal(pairs[1].image[:, :4], data.test_images[3])
    np.testing.assert_array_equal(pairs[1].image[:, -4:], data.train_images[7])
    doubted = found["suspects"].items
    assert 0 < len(doubted) <= suspects.SHOWN
    assert re.fullmatch(r"label (cat|dog): \d+%, suggested (cat|dog): \d+%", ", ".join(doubted[0].lines))
    for picture in found.values():
        drawn(picture)


def test_of_three_colours_too(audited, data):
    colour = np.repeat(data.test_images, 3, axis=3)
    section = made(audited, dataclasses.replace(data, test_images=colour, train_images=colour))
    assert pictures(section)["near-duplicates"].items[0].image.shape == (4, 9, 3)
    drawn(pictures(section)["near-duplicates"])


def test_not_audited_yet_names_the_command(sure):
    assert "`python -m benchmark data audit synthetic --collection made`" in text(made(sure))


def test_an_audit_of_another_version_of_the_data_is_none(sure, data):
    path = sure.write_audit(build_audit("f" * 64))
    section = made(sure, data)
    path.unlink()
    assert "not recorded for this version" in text(section)
    assert "near-duplicates" not in pictures(section)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{", "not readable as JSON"),
        (b"\xff\xfe", "not readable as JSON"),
        (b"[]", "not a record"),
        (b'{"schema_version": 3}', "schema version 3 is not supported"),
    ],
)
def test_a_damaged_audit_is_a_problem_not_a_crash(sure, tmp_path, content, reason):
    path = sure.folder / "synthetic" / records.AUDIT
    path.write_bytes(content)
    evidence = evidence_of(sure)
    section = suspects.quality(evidence)
    written = write.write(sure, "synthetic", tmp_path / "reports", with_html=False)
    path.unlink()
    (problem,) = evidence.problems
    assert reason in problem.reason
    assert "not recorded" in text(section)
    assert [found.path for found in written.problems] == [path]
    assert "- audit.json: " in written.paths[0].read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("closest", "reason"),
    [
        ((pair(3, 0.01, label=2),), "labels that the data set does not"),
        ((pair(200, 0.01),), "images that the data set"),
    ],
)
def test_an_audit_that_does_not_fit_the_data_is_a_problem(sure, data, closest, reason):
    path = sure.write_audit(build_audit(data.fingerprint, closest=closest))
    evidence = evidence_of(sure, data)
    section = suspects.quality(evidence)
    path.unlink()
    assert "near-duplicates" not in pictures(section)
    assert [reason in problem.reason for problem in evidence.problems] == [True]


def test_an_audit_must_be_consistent():
    with pytest.raises(ValueError, match="more near duplicates than images"):
        DuplicateSearch(part="test", n_images=3, count=4, disagreeing=0, threshold=0.1, median_distance=0.2, closest=())


def test_models_without_probabilities_say_nothing_about_labels(make_collection, tmp_path, data):
    store = make_collection(tmp_path, PAIR, class_names=NAMES, seeds=(0,), probabilities=False)
    assert made(store, data) is None
    store.write_audit(build_audit(data.fingerprint))
    section = made(store, data)
    assert "Confident learning" not in text(section)
    assert list(pictures(section)) == ["near-duplicates"]


def test_one_family_alone_has_a_voice(make_collection, tmp_path):
    store = make_collection(tmp_path, PAIR[:1], class_names=NAMES, seeds=(0, 1))
    assert "It is based on the probabilities of knn (2 seeds)," in text(made(store))


def test_unreadable_predictions_are_passed_over(make_collection, tmp_path):
    store = make_collection(tmp_path, PAIR, class_names=NAMES, seeds=(0,))
    for path in store.folder.glob("*/knn/*.npz"):
        path.write_bytes(b"altered")
    evidence = evidence_of(store)
    section = suspects.quality(evidence)
    assert row(section, "knn") is None
    assert "probabilities of cnn-simple (1 seed)," in text(section)
    assert len(evidence.problems) == 1


def test_names_of_classes_stay_text(make_collection, tmp_path, data):
    hostile = ("$^$ | `x` <b>" * 4, "dog")
    store = make_collection(tmp_path, PAIR, class_names=hostile, seeds=(0,))
    store.write_audit(build_audit(data.fingerprint))
    section = made(store, dataclasses.replace(data, class_names=hostile))
    assert "<b>" not in text(section)
    for picture in pictures(section).values():
        drawn(picture)
