"""Label errors planted in the digits, and the edges of confident learning."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.model_selection import cross_val_predict
from sklearn.neighbors import KNeighborsClassifier

from benchmark.analysis import label_errors as suspects


@pytest.fixture(scope="module")
def flipped():
    """Digits of which 2 % have another label, their out-of-sample probabilities, and which those are."""
    images, labels = load_digits(return_X_y=True)
    rng = np.random.default_rng(0)
    wrong = rng.choice(len(labels), round(0.02 * len(labels)), replace=False)
    given = labels.copy()
    given[wrong] = (given[wrong] + rng.integers(1, 10, len(wrong))) % 10
    probabilities = cross_val_predict(KNeighborsClassifier(10), images, given, method="predict_proba", cv=5)
    return labels, given, probabilities, wrong


def test_most_planted_errors_are_found_and_most_finds_are_planted(flipped):
    labels, given, probabilities, wrong = flipped
    found = suspects.find(given, probabilities)
    hits = np.isin(found.index, wrong)
    assert hits.sum() >= 0.75 * len(wrong)
    assert hits.mean() >= 0.7
    planted = found.index[hits]
    assert np.mean(found.suggested[hits] == labels[planted]) >= 0.95


def test_suspects_are_ranked_and_told_with_their_labels(flipped):
    _, given, probabilities, _ = flipped
    found = suspects.find(given, probabilities)
    assert len(found) == len(set(found.index.tolist())) > 0
    np.testing.assert_array_equal(found.given, given[found.index])
    np.testing.assert_array_equal(found.score, probabilities[found.index, found.given])
    assert (np.diff(found.score) >= 0).all()
    assert (found.suggested != found.given).all()


def test_finding_again_finds_the_same_and_changes_nothing(flipped):
    _, given, probabilities, _ = flipped
    before = given.copy(), probabilities.copy()
    one, other = (suspects.find(given.astype(np.uint8), probabilities.astype(np.float32)) for _ in range(2))
    np.testing.assert_array_equal(one.index, other.index)
    np.testing.assert_array_equal(given, before[0])
    np.testing.assert_array_equal(probabilities, before[1])


def test_no_process_is_started(flipped, monkeypatch):
    import multiprocessing

    def refuse(*args, **kwargs):
        raise AssertionError("a pool of processes was started")

    monkeypatch.setattr(multiprocessing, "Pool", refuse)
    assert len(suspects.find(flipped[1], flipped[2])) > 0


def test_sound_labels_are_not_doubted():
    labels = np.arange(60) % 3
    assert len(suspects.find(labels, np.eye(3)[labels] * 0.7 + 0.1)) == 0


@pytest.mark.parametrize("labels", [[1, 1, 1], [0]])
def test_one_class_alone_cannot_be_doubted(labels):
    assert len(suspects.find(np.array(labels), np.full((len(labels), 2), 0.5))) == 0


def test_a_class_that_no_image_has():
    labels = np.array([0, 0, 0, 0, 2, 2, 2, 2])
    probabilities = np.array([[0.8, 0.1, 0.1]] * 4 + [[0.1, 0.1, 0.8]] * 3 + [[0.9, 0.05, 0.05]])
    found = suspects.find(labels, probabilities)
    assert (found.index.tolist(), found.given.tolist(), found.suggested.tolist()) == ([7], [2], [0])
    assert found.score.tolist() == [0.05]


def test_every_model_has_one_voice_however_many_its_seeds():
    often, once = np.array([[0.9, 0.1]]), np.array([[0.1, 0.9]])
    np.testing.assert_allclose(suspects.average([[often, often, often], [once]]), [[0.5, 0.5]])
    np.testing.assert_allclose(suspects.average([[often, once]]), [[0.5, 0.5]])
