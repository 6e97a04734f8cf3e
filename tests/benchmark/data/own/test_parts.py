"""What is held out of the user's pictures: in which shares, by class, and never one of a group without the others."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.data import splits
from benchmark.data.own.parts import TEST, TRAIN, VALIDATION, divided
from benchmark.errors import UserError

NAMES = ("ant", "bee", "cat", "dog", "eel")


def counts(part: np.ndarray, labels: np.ndarray) -> list[list[int]]:
    """Of training, validation and test, by class."""
    return [np.bincount(labels[part == code], minlength=labels.max() + 1).tolist() for code in range(3)]


def alone(labels: np.ndarray) -> np.ndarray:
    return np.arange(len(labels))


def test_a_fifth_is_for_testing_and_of_the_rest_15_per_cent_for_validation_in_every_class():
    labels = np.repeat([0, 1, 2], [100, 50, 1000])
    found = divided(labels, alone(labels), [None] * len(labels), NAMES[:3])
    assert counts(found.part, labels) == [[68, 34, 680], [12, 6, 120], [20, 10, 200]]
    assert found.choices == (
        "no test part is given: 230 pictures are held out for it, by class",
        "138 training pictures are held out for validation, by class",
    )


def test_at_most_5000_are_for_validation(monkeypatch):
    monkeypatch.setattr(splits, "MOST_VALIDATION", 40)
    labels = np.arange(1000) % 2
    found = divided(labels, alone(labels), [None] * 1000, NAMES[:2])
    assert counts(found.part, labels) == [[380, 380], [20, 20], [100, 100]]


def test_given_parts_are_left_alone():
    given_ = ["train"] * 6 + ["validation"] * 2 + ["test"] * 4
    labels = np.array([0, 1] * 6)
    found = divided(labels, alone(labels), given_, NAMES[:2])
    assert found.part.tolist() == [TRAIN] * 6 + [VALIDATION] * 2 + [TEST] * 4
    assert found.choices == ("the given test part is kept",)


def test_a_given_validation_part_is_kept_where_the_test_part_is_held_out():
    labels = np.array([0, 1] * 20)
    found = divided(labels, alone(labels), ["validation"] * 10 + [None] * 30, NAMES[:2])
    assert (found.part[:10] == VALIDATION).all()
    assert counts(found.part, labels) == [[12, 12], [5, 5], [3, 3]]


def test_a_given_test_part_is_kept_where_the_validation_part_is_held_out():
    labels = np.array([0, 1] * 20)
    found = divided(labels, alone(labels), ["test"] * 10 + ["train"] * 30, NAMES[:2])
    assert (found.part[:10] == TEST).all()
    assert (found.part[10:] == VALIDATION).sum() == 4


def test_what_a_given_test_part_shares_with_the_others_is_said():
    labels, groups = np.array([0, 1] * 10), np.arange(20)
    groups[15] = groups[16] = 3
    alike = groups.copy()
    alike[16] = 16
    found = divided(labels, groups, ["train"] * 14 + ["test"] * 6, NAMES[:2], alike)
    assert found.choices[:3] == (
        "the given test part is kept",
        "in the training part too, exactly or nearly: 1 test picture",
        "in one group with a training picture: 2 test pictures",
    )


@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 30)), min_size=60, max_size=200), st.sampled_from([None, 10])
)
@settings(deadline=None)
def test_no_group_is_on_both_sides_and_it_is_the_same_each_time(pictures, n_given):
    labels, groups = np.array(pictures).T
    given_ = [None] * len(labels)
    if n_given:  # Given parts may divide groups, what is held out may not.
        given_ = ["test"] * n_given + ["train"] * (len(labels) - n_given)
    labels[:5] = labels[-5:] = range(5)
    try:
        found = divided(labels, groups, given_, NAMES)
    except UserError:  # A class is in too few groups.
        return
    pool = np.array([part != "test" for part in given_])
    for group in np.unique(groups):
        assert len(np.unique(found.part[pool & (groups == group)])) <= 1
    assert divided(labels, groups, given_, NAMES).part.tolist() == found.part.tolist()
    assert all(0 not in of_part for of_part in counts(found.part, labels)[: 2 if n_given else 3])


@pytest.mark.parametrize("size", [1, 2])
def test_a_class_of_too_few_is_refused_by_name_with_how_to_leave_it_out(size):
    labels = np.repeat([0, 1, 2], [20, size, 20])
    with pytest.raises(UserError, match=rf"1 class has too few different pictures .*: bee \({size}\)") as caught:
        divided(labels, alone(labels), [None] * len(labels), NAMES[:3])
    assert f"leave it out: --min-class-size {size + 1}" in caught.value.remedy


def test_several_classes_of_too_few_are_all_named():
    labels = np.repeat([0, 1, 2, 3], [2, 20, 1, 20])
    with pytest.raises(UserError, match=r"2 classes have too few .*: ant \(2\), cat \(1\)") as caught:
        divided(labels, alone(labels), [None] * len(labels), [*NAMES[:3], "dog"])
    assert "leave them out: --min-class-size 3" in caught.value.remedy
    few = labels < 3  # Of the classes that would be left there is but one.
    with pytest.raises(UserError, match="too few") as caught:
        divided(labels[few], alone(labels[few]), [None] * few.sum(), NAMES[:3])
    assert caught.value.remedy == "Add pictures or merge classes."


def test_a_class_of_many_copies_has_too_few_different_pictures():
    labels = np.repeat([0, 1], [20, 20])
    groups = np.where(labels == 1, 0, np.arange(40))
    with pytest.raises(UserError, match=r"bee \(20 in 1 group"):
        divided(labels, groups, [None] * 40, NAMES[:2])


@pytest.mark.parametrize("size", [3, 4])
def test_a_class_that_has_a_picture_for_each_part_is_taken(size):
    labels = np.repeat([0, 1], [20, size])
    found = divided(labels, alone(labels), [None] * len(labels), NAMES[:2])
    assert all(0 not in of_part for of_part in counts(found.part, labels))


def test_a_class_of_five_is_in_every_part():
    labels = np.repeat([0, 1], [20, 5])
    found = divided(labels, alone(labels), [None] * len(labels), NAMES[:2])
    assert [of_part[1] for of_part in counts(found.part, labels)] == [3, 1, 1]


def test_without_a_training_picture_a_class_is_refused_though_others_are_given():
    labels = np.array([0, 1] * 10 + [2] * 4)
    with pytest.raises(UserError, match=r"cat \(4\)"):
        divided(labels, alone(labels), ["train"] * 16 + ["validation"] * 4 + ["test"] * 4, NAMES[:3])


def test_a_class_that_is_only_of_training_is_taken_where_all_parts_are_given():
    labels = np.array([0, 1] * 10 + [2] * 4)
    given_ = ["validation"] * 4 + ["test"] * 4 + ["train"] * 16
    assert divided(labels, alone(labels), given_, NAMES[:3]).part.tolist() == [1] * 4 + [2] * 4 + [0] * 16


def test_few_pictures_are_told_before_they_are_decoded(make, refused):
    make.folder()
    for number in range(2):
        make.file(f"photos/birds/{number}.png", b"damaged")
    error = refused(make.root / "photos", "birds (2)")
    assert "--min-class-size 3" in error.remedy


def test_small_classes_are_left_out_where_the_user_says_so(make, read):
    make.folder()
    make.folder(classes=("birds",), n=2, first=90)
    make.folder(classes=("cows",), n=4, first=95)
    found = read(make.root / "photos", min_class_size=5)
    assert found.dataset.class_names == ("cats", "dogs")
    assert "fewer than 5 pictures, left out: 2 classes (birds, cows)" in found.choices
    assert len(found.names) == 20


@pytest.mark.parametrize("n_twins", [1, 5, 9, 20])
def test_copies_and_near_duplicates_are_never_on_both_sides(make, read, n_twins):
    """Some of the pictures are there twice, once a little brighter."""
    make.folder(n=20)
    for label, first in (("cats", 0), ("dogs", 20)):
        for number in range(n_twins):
            brighter = (make.pixels(first + number) * 0.8 + 40).astype(np.uint8)
            make.file(f"photos/{label}/twin{number:02}.png", make.encoded(brighter))
    found = read(make.root / "photos")
    assert found.dataset.account.groups == 40
    for name in found.names:
        assert found.parts[name] == found.parts[name.replace("twin", "")]
    assert set(found.parts.values()) == {"train", "validation", "test"}
    assert f"{4 * n_twins} pictures are copies or near duplicates" in found.choices
    assert found.dataset.account.leaked == ()


def test_copies_in_a_given_test_part_are_kept_counted_and_said(make, read):
    make.folder("photos/train")
    make.folder("photos/test", n=4, first=100)
    make.file("photos/test/cats/copy.png", make.png(3))
    found = read(make.root / "photos")
    place = found.dataset.account.test_names.index("test/cats/copy.png")
    assert found.dataset.account.leaked == (place,)
    assert "exactly or nearly: 1 test picture" in found.choices
