"""Folds: every image for testing once per repeat, nothing that belongs together in two parts, every class in all."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.data import folds
from benchmark.data.splits import fold_parts, parts_for
from benchmark.errors import UserError
from benchmark.specs import Account, Dataset, Split, profile_named


def dataset(labels, groups=None, n_test=None):
    """Images that are their own number, the last fifth of them held out."""
    labels = np.asarray(labels)
    n_train = len(labels) - (len(labels) // 5 if n_test is None else n_test)
    images = np.arange(len(labels), dtype=np.uint8)[:, None, None, None]
    return Dataset(
        name="mine",
        title="mine",
        class_names=tuple("abcdefgh"[: labels.max() + 1]),
        train_images=images[:n_train],
        train_labels=labels[:n_train],
        test_images=images[n_train:],
        test_labels=labels[n_train:],
        split=Split(train=np.arange(n_train - 1), validation=np.arange(n_train - 1, n_train)),
        fingerprint="0" * 64,
        source="a test",
        account=Account(
            train_names=tuple(map(str, range(n_train))), test_names=tuple(map(str, range(n_train, len(labels))))
        ),
        groups=np.arange(len(labels)) if groups is None else np.asarray(groups),
    )


@st.composite
def grouped_labels(draw):
    n = draw(st.integers(30, 120))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return rng.integers(0, draw(st.integers(2, 4)), n), rng.integers(0, draw(st.integers(20, 200)), n)


@settings(deadline=None)
@given(grouped_labels(), st.integers(2, 20), st.integers(0, 3))
def test_every_image_is_tested_once_per_repeat_and_no_group_is_divided(case, n_folds, repeat):
    labels, groups = case
    mine = dataset(labels, groups)
    tested = []
    for fold in range(n_folds):
        parts = fold_parts(mine, n_folds, fold, repeat)
        tested.append(parts.test)
        together = np.concatenate([parts.train, parts.validation, parts.test])
        assert np.array_equal(np.sort(together), np.arange(len(labels)))
        sides = [set(groups[part]) for part in (parts.train, parts.validation, parts.test)]
        assert sum(map(len, sides)) == len(set(groups))
    assert np.array_equal(np.sort(np.concatenate(tested)), np.arange(len(labels)))


@pytest.mark.parametrize("n_folds", [2, 5, 10])
def test_folds_are_of_one_size_in_every_class(n_folds):
    labels = np.repeat([0, 1, 2], [97, 31, 203])
    mine = dataset(np.random.default_rng(0).permutation(labels))
    everything = np.concatenate([mine.train_labels, mine.test_labels])
    parts = [fold_parts(mine, n_folds, fold, 0) for fold in range(n_folds)]
    sizes = np.array([np.bincount(everything[one.test], minlength=3) for one in parts])
    assert (np.ptp(sizes, axis=0) <= 1).all()
    assert np.ptp(sizes.sum(axis=1)) <= 1  # What remains of the classes does not all go to the first folds.
    for one in parts:
        assert len(one.validation) == pytest.approx(0.15 * (len(labels) - len(one.test)), abs=3)


def test_folds_are_the_same_again_and_others_in_another_repeat_or_data_set():
    mine = dataset(np.arange(100) % 2)
    first, again, other = (fold_parts(mine, 5, 0, repeat) for repeat in (0, 0, 1))
    assert np.array_equal(first.test, again.test)
    assert np.array_equal(first.validation, again.validation)
    assert not np.array_equal(first.test, other.test)
    assert not np.array_equal(first.test, fold_parts(dataclasses.replace(mine, name="others"), 5, 0, 0).test)


def test_a_profile_of_folds_has_their_parts():
    mine = dataset(np.arange(100) % 2)
    found, expected = parts_for(mine, profile_named("5-fold", 1, 3)), fold_parts(mine, 5, 3, 1)
    assert all(
        np.array_equal(getattr(found, part), getattr(expected, part)) for part in ("train", "validation", "test")
    )


def test_a_given_test_part_is_not_folded():
    given_part = dataclasses.replace(dataset(np.arange(100) % 2), groups=None)
    assert folds.automatic(given_part) == folds.HOLD_OUT
    with pytest.raises(UserError, match="has a test part, which is kept"):
        folds.check(given_part, 5, 1)
    with pytest.raises(ValueError, match="its test part is given"):
        fold_parts(given_part, 5, 0, 0)


@pytest.mark.parametrize(("n", "expected"), [(1999, folds.FOLDS), (2000, folds.HOLD_OUT)])
def test_fewer_than_2000_images_are_folded(n, expected):
    assert folds.automatic(dataset(np.arange(n) % 2)) == expected


def test_classes_that_are_in_every_part_of_every_fold_are_enough():
    folds.check(dataset(np.arange(20) % 2), 5, 3)


@pytest.mark.parametrize(
    ("labels", "groups", "said"),
    [
        (
            np.repeat([0, 1, 2], [50, 50, 4]),
            None,
            "1 class has too few different pictures for 5 folds: c (4). Add pictures or merge classes, or leave it "
            "out: --min-class-size 5; or take fewer folds: --folds 4, or hold out a fifth once: --folds 0.",
        ),
        (
            np.repeat([0, 1, 2], [50, 50, 2]),
            None,
            "1 class has too few different pictures for 5 folds: c (2). Add pictures or merge classes, or leave it "
            "out: --min-class-size 3; or hold out a fifth once: --folds 0.",
        ),
        (
            np.repeat([0, 1], [50, 30]),
            [*range(50), *(50 + place // 10 for place in range(30))],
            "1 class has too few different pictures for 5 folds: b (30 in 3 groups). Add pictures or merge classes; or "
            "take fewer folds: --folds 3, or hold out a fifth once: --folds 0.",
        ),
    ],
)
def test_a_class_with_too_few_images_is_named_with_what_to_do(labels, groups, said):
    with pytest.raises(UserError, match=f"^{re.escape(said)}$"):
        folds.check(dataset(labels, groups), 5, 1)


def test_the_pool_counts_as_the_parts_do():
    mine = dataset(np.arange(100) % 2)
    pool = folds.pooled(mine)
    assert pool.test_images.ravel().tolist() == list(range(100))
    assert pool.test_labels.tolist() == (np.arange(100) % 2).tolist()
    assert pool.account.test_names == tuple(map(str, range(100)))
