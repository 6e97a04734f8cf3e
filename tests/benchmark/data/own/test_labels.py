"""Labels of every kind become classes: the same ones however they are stored."""

from __future__ import annotations

import re
import unicodedata

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from benchmark.data.own.labels import classes, flat
from benchmark.errors import UserError
from benchmark.records.schema import LONGEST_NAME, MOST_CLASSES

WORDS = st.text(st.characters(categories=("L", "N", "P", "S")), min_size=1, max_size=8)
NUMBERS = st.lists(st.integers(0, 9), min_size=1, max_size=40)


@given(NUMBERS)
def test_numbers_are_the_same_labels_in_every_dtype_and_shape(numbers: list[int]) -> None:
    for dtype in (np.uint8, np.int32, np.int64, np.float32, np.float64):
        array = np.array(numbers, dtype=dtype)
        for given_ in (array, array[:, None]):
            found = flat(given_, "y")
            assert found == numbers
            assert all(type(label) is int for label in found)


@given(NUMBERS, st.sampled_from([np.uint8, np.int64, np.float32, bool]))
def test_one_hot_rows_are_the_places_of_their_ones(numbers: list[int], dtype: type) -> None:
    assert flat(np.eye(10, dtype=dtype)[numbers], "y") == numbers


@given(st.lists(WORDS, min_size=1, max_size=20))
def test_text_stays_text_in_every_kind_of_array(words: list[str]) -> None:
    words = [unicodedata.normalize("NFC", word) for word in words]  # As it becomes.
    for array in (np.array(words), np.array(words, dtype=object), np.array([f" {word} " for word in words])):
        assert flat(array, "y") == words
    assert flat(np.array([word.encode() for word in words], dtype=object), "y") == words


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (np.array([1.0, np.nan, 2.0]), [1, None, 2]),
        (np.array(["a", "", "  "]), ["a", None, None]),
        (np.array(["a", None], dtype=object), ["a", None]),
        (np.array([True, False]), ["True", "False"]),
        (np.array([b"ant", b"bee"]), ["ant", "bee"]),
        (np.array([-1, 7]), [-1, 7]),
    ],
)
def test_what_is_no_label_is_none(labels: np.ndarray, expected: list[object]) -> None:
    assert flat(labels, "y") == expected


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.array([0.5, 1.0]), "0.5 is not a class.*regression"),
        (np.array([np.inf, 1.0]), "inf is not a class"),
        (np.array([[1, 1, 0], [0, 1, 0]]), "multi-label"),
        (np.array([[0, 0], [0, 1]]), "multi-label"),
        (np.array([[0.2, 0.8]]), r"shape \(1, 2\)"),
        (np.zeros((2, 2, 2), dtype=int), r"shape \(2, 2, 2\)"),
        (np.array([[1, 2], [3]], dtype=object), "multi-label"),
        (np.array([{"a": 1}, {"b": 2}], dtype=object), "not one class"),
    ],
)
def test_what_is_not_one_class_per_image_is_refused_by_name(labels: np.ndarray, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        flat(labels, "the labels")
    assert caught.value.problem.startswith("the labels")
    assert caught.value.remedy


@given(st.lists(st.integers(-50, 50), min_size=2, max_size=60))
def test_numbers_become_classes_in_the_order_of_numbers(numbers: list[int]) -> None:
    assume(1 < len(set(numbers)) <= 20)
    codes, names = classes(numbers)
    assert codes.dtype == np.int64
    assert [names[code] for code in codes] == list(map(str, numbers))
    assert list(names) == list(map(str, sorted(set(numbers))))
    # The same as text, as a table has them.
    as_text, same = classes(list(map(str, numbers)))
    assert (as_text.tolist(), same) == (codes.tolist(), names)


@given(st.lists(WORDS, min_size=2, max_size=60), st.randoms())
def test_text_becomes_classes_in_alphabetical_order_whatever_comes_first(words: list[str], chance) -> None:
    assume(1 < len(set(words)) <= 20)
    assume(not all(re.fullmatch("-*[0-9]+", word) for word in words))
    codes, names = classes(words)
    assert [names[code] for code in codes] == words
    assert list(names) == sorted(set(words))
    mixed = words.copy()
    chance.shuffle(mixed)
    assert classes(mixed)[1] == names


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (["10", "9", "100"], ("9", "10", "100")),
        (["007", "010", "9"], ("007", "9", "010")),
        (["7", "007"], ("007", "7")),
        (["-1", "1", "0"], ("-1", "0", "1")),
        (["NA", "None", "nan"], ("NA", "None", "nan")),
        (["10", "9", "x"], ("10", "9", "x")),
        (["٣", "2"], ("2", "٣")),
    ],
)
def test_classes_keep_their_spelling(labels: list[object], names: tuple[str, ...]) -> None:
    codes, found = classes(labels)
    assert found == names
    assert [found[code] for code in codes] == list(map(str, labels))


def test_a_number_and_its_text_are_one_class() -> None:
    """Of a training table with text and a test table with numbers, for example."""
    codes, names = classes(["1", "2", 1, 2])
    assert (codes.tolist(), names) == ([0, 1, 0, 1], ("1", "2"))


@pytest.mark.parametrize("odd", ["--5", "1" * 5000])
def test_what_only_looks_like_a_number_is_text(odd: str) -> None:
    assert len(classes([odd, "2"])[1]) == 2


def test_names_are_those_of_the_places_that_occur() -> None:
    codes, names = classes([3, 1, 3], ["ant", "bee", "cat", "dog"])
    assert (codes.tolist(), names) == ([1, 0, 1], ("bee", "dog"))


@pytest.mark.parametrize("labels", [[1, 2, 4], [-1, 0, 1], ["a", "b", "a"]])
def test_names_that_do_not_fit_the_labels_are_not_used(labels: list[object]) -> None:
    assert set(classes(labels, ["ant", "bee", "cat", "dog"])[1]) == set(map(str, labels))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("two\nlines", "two lines"),
        ("  wide   space ", "wide space"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\udcff\udcfe", "??"),
        ("x" * 250, "x" * LONGEST_NAME),
        ("猫", "猫"),
        ("\n", "(no name)"),
    ],
)
def test_a_name_is_fit_for_a_record_and_a_terminal(text: str, name: str) -> None:
    assert name in classes([text, "other"])[1]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([], "no picture with a label"),
        (["cat"] * 5, "only one class, 'cat'"),
        (["a b", "a  b"], "Two classes have the same name: a b"),
        (["x" * 201, "x" * 202], "Two classes have the same name"),
        (list(range(21)), "21 different labels for 21 pictures are too many"),
        (list(map(str, range(MOST_CLASSES + 1))) * 3, "too many to be classes"),
    ],
)
def test_labels_that_make_no_classes_are_refused(labels: list[object], message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        classes(labels)
    assert caught.value.remedy


def test_as_many_classes_as_a_record_may_have_are_taken() -> None:
    assert len(classes(list(range(MOST_CLASSES)) * 2)[1]) == MOST_CLASSES
