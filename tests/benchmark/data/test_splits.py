"""Stratified samples, the one split of a data set, and the parts that a profile uses."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.data.splits import divide, make_split, nested_sample, parts_for, stratified_sample
from benchmark.specs import PROFILES, Dataset, Profile, RawImages, Split, profile_named


@st.composite
def labels_and_size(draw: st.DrawFn) -> tuple[np.ndarray, int]:
    labels = draw(st.lists(st.integers(0, 6), max_size=120))
    return np.array(labels, dtype=np.int64), draw(st.integers(0, len(labels)))


@given(labels_and_size(), st.integers(0, 2**32 - 1))
def test_a_sample_is_sorted_distinct_of_the_size_asked_and_in_proportion(
    case: tuple[np.ndarray, int], seed: int
) -> None:
    labels, size = case
    sample = stratified_sample(labels, size, np.random.default_rng(seed))
    assert sample.shape == (size,)
    assert sample.dtype == np.int64
    assert (np.diff(sample) > 0).all()
    assert ((sample >= 0) & (sample < len(labels))).all()
    for label, count in zip(*np.unique(labels, return_counts=True), strict=True):
        drawn = int((labels[sample] == label).sum())
        assert abs(drawn - size * count / len(labels)) < 1


@given(labels_and_size(), st.integers(0, 2**32 - 1))
def test_a_sample_depends_on_the_seed_alone(case: tuple[np.ndarray, int], seed: int) -> None:
    labels, size = case
    first, second = (stratified_sample(labels, size, np.random.default_rng(seed)) for _ in range(2))
    assert first.tolist() == second.tolist()


@given(labels_and_size(), st.integers(0, 2**32 - 1))
def test_drawing_leaves_the_labels_alone(case: tuple[np.ndarray, int], seed: int) -> None:
    labels, size = case
    before = labels.copy()
    stratified_sample(labels, size, np.random.default_rng(seed))
    assert (labels == before).all()


def test_another_seed_draws_other_images() -> None:
    labels = np.repeat(np.arange(4), 50)
    samples = {tuple(stratified_sample(labels, 40, np.random.default_rng(seed))) for seed in range(5)}
    assert len(samples) == 5


def test_every_image_of_a_class_can_be_drawn() -> None:
    labels = np.repeat(np.arange(2), 10)
    drawn = np.concatenate([stratified_sample(labels, 10, np.random.default_rng(seed)) for seed in range(60)])
    assert set(drawn) == set(range(20))


@pytest.mark.parametrize(
    ("counts", "size", "expected"),
    [
        ((10, 10, 10), 4, (2, 1, 1)),
        ((10, 10, 10), 5, (2, 2, 1)),
        ((1, 1, 8), 5, (1, 0, 4)),
        ((1, 99), 10, (0, 10)),
        ((6, 3, 1), 5, (3, 2, 0)),
    ],
)
def test_places_left_go_to_the_largest_remainders_then_to_lower_classes(
    counts: tuple[int, ...], size: int, expected: tuple[int, ...]
) -> None:
    labels = np.repeat(np.arange(len(counts)), counts)
    sample = stratified_sample(labels, size, np.random.default_rng(0))
    assert tuple(np.bincount(labels[sample], minlength=len(counts))) == expected


@pytest.mark.parametrize("size", [-1, 4])
def test_an_impossible_size_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match=f"cannot draw {size} of 3 images"):
        stratified_sample(np.zeros(3, dtype=np.int64), size, np.random.default_rng(0))


@given(labels_and_size())
def test_a_split_divides_the_pool(case: tuple[np.ndarray, int]) -> None:
    labels, size = case
    split = make_split("tiny", labels, size)
    assert len(split.validation) == size
    assert sorted([*split.train, *split.validation]) == list(range(len(labels)))
    assert split.train.dtype == split.validation.dtype == np.int64
    assert (np.diff(split.train) > 0).all()


def test_a_split_depends_on_the_name_of_the_data_set_only() -> None:
    labels = np.arange(200) % 10
    first, again, other = (make_split(name, labels, 50).validation.tolist() for name in ("a", "a", "b"))
    assert first == again
    assert first != other


@pytest.fixture
def dataset(make_raw: Callable[..., RawImages]) -> Dataset:
    raw = make_raw(train=400, test=120)
    return Dataset(
        name="tiny",
        title="Tiny",
        class_names=raw.class_names,
        train_images=raw.train_images,
        train_labels=raw.train_labels,
        test_images=raw.test_images,
        test_labels=raw.test_labels,
        split=make_split("tiny", raw.train_labels, 80),
        fingerprint="0" * 64,
        source="made up",
    )


def test_the_full_profile_uses_every_image(dataset: Dataset) -> None:
    parts = parts_for(dataset, PROFILES["full"])
    assert parts.train.tolist() == dataset.split.train.tolist()
    assert parts.validation.tolist() == dataset.split.validation.tolist()
    assert parts.test.tolist() == list(range(120))


def test_a_profile_larger_than_the_data_set_uses_every_image(dataset: Dataset) -> None:
    parts = parts_for(dataset, PROFILES["quick"])
    assert (len(parts.train), len(parts.validation), len(parts.test)) == (320, 80, 120)


SMALL = Profile(name="small", description="", train_size=100, validation_size=20, test_size=40)


def test_a_profile_draws_from_the_parts_of_the_split_and_in_proportion(dataset: Dataset) -> None:
    parts = parts_for(dataset, SMALL)
    assert set(parts.train) < set(dataset.split.train)
    assert set(parts.validation) < set(dataset.split.validation)
    assert np.bincount(dataset.train_labels[parts.train]).tolist() == [25] * 4
    assert np.bincount(dataset.train_labels[parts.validation]).tolist() == [5] * 4
    assert np.bincount(dataset.test_labels[parts.test]).tolist() == [10] * 4
    for part in (parts.train, parts.validation, parts.test):
        assert part.dtype == np.int64
        assert (np.diff(part) > 0).all()


def test_a_profile_draws_the_same_images_each_time(dataset: Dataset) -> None:
    first, second = parts_for(dataset, SMALL), parts_for(dataset, SMALL)
    for part in ("train", "validation", "test"):
        assert getattr(first, part).tolist() == getattr(second, part).tolist()


def test_a_profile_can_limit_one_part_and_leave_the_others(dataset: Dataset) -> None:
    parts = parts_for(dataset, Profile(name="few", description="", train_size=7))
    assert (len(parts.train), len(parts.validation), len(parts.test)) == (7, 80, 120)


def test_train_and_validation_stay_apart_whatever_the_split(dataset: Dataset) -> None:
    swapped = Dataset(
        **{
            **vars(dataset),
            "split": Split(train=dataset.split.validation, validation=dataset.split.train),
        }
    )
    parts = parts_for(swapped, SMALL)
    assert set(parts.train) <= set(dataset.split.validation)
    assert set(parts.validation) <= set(dataset.split.train)


@given(labels_and_size(), st.integers(0, 2**32 - 1), st.data())
def test_of_nested_samples_the_smaller_is_part_of_the_larger_and_each_is_in_proportion(
    case: tuple[np.ndarray, int], seed: int, data: st.DataObject
) -> None:
    labels, size = case
    larger = nested_sample(labels, size, np.random.default_rng(seed))
    smaller = nested_sample(labels, data.draw(st.integers(0, size)), np.random.default_rng(seed))
    assert set(smaller) <= set(larger)
    assert larger.shape == (size,)
    assert (np.diff(larger) > 0).all()
    assert ((larger >= 0) & (larger < len(labels))).all()
    counts = np.unique(labels, return_counts=True)[1]
    drawn = np.array([(labels[larger] == label).sum() for label in np.unique(labels)])
    if size >= len(counts):
        assert (drawn >= 1).all()
        assert ((drawn - size * counts / len(labels) < 1) | (drawn == 1)).all()
        assert ((size * counts / len(labels) - drawn) < len(counts)).all()
    else:
        assert (drawn <= 1).all()


def test_nested_samples_of_equal_classes_are_in_proportion_at_every_size() -> None:
    labels = np.tile(np.arange(7), 30)
    for size in range(len(labels) + 1):
        found = np.bincount(labels[nested_sample(labels, size, np.random.default_rng(3))], minlength=7)
        assert found.max() - found.min() <= 1


def test_nested_samples_begin_with_an_image_of_each_class_however_rare() -> None:
    counts = np.array([500, 90, 1, 1, 1, 1, 1, 37])
    labels = np.repeat(np.arange(len(counts)), counts)
    before = np.zeros(len(counts), dtype=int)
    for size in range(len(labels) + 1):
        found = np.bincount(labels[nested_sample(labels, size, np.random.default_rng(3))], minlength=len(counts))
        assert (found >= before).all()
        assert found.min() == 1 or size < len(counts)
        assert (found - size * counts / len(labels) < 1).all() or found.max() == 1 or size < 2 * len(counts)
        before = found
    assert np.array_equal(before, counts)


@given(labels_and_size(), st.integers(0, 2), st.integers(0, 2))
def test_a_sample_leaves_as_many_of_a_class_as_asked_for_where_it_can(case, least, spare) -> None:
    labels, size = case
    sample = stratified_sample(labels, size, np.random.default_rng(0), least=least, spare=spare)
    counts = np.bincount(labels, minlength=7)
    drawn = np.bincount(labels[sample], minlength=7)
    assert len(sample) == size
    low = np.minimum(least, counts)
    high = np.maximum(counts - spare, low)
    if low.sum() <= size <= high.sum():
        assert ((low <= drawn) & (drawn <= high)).all()


def test_every_class_keeps_an_image_for_training() -> None:
    labels = np.array([0] * 60 + [1] * 38 + [2, 3])
    split = make_split("rare", labels, 50)
    assert set(labels[split.train]) == {0, 1, 2, 3}
    assert len(split.validation) == 50


def test_another_seed_nests_other_images_and_begins_with_another_class() -> None:
    labels = np.repeat(np.arange(10), 20)
    samples = [nested_sample(labels, 3, np.random.default_rng(seed)) for seed in range(20)]
    assert len({tuple(sample) for sample in samples}) == 20
    assert len({tuple(labels[sample]) for sample in samples}) > 5


@pytest.mark.parametrize("size", [-1, 4])
def test_an_impossible_nested_size_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match=f"cannot draw {size} of 3 images"):
        nested_sample(np.zeros(3, dtype=np.int64), size, np.random.default_rng(0))


def test_profiles_of_fewer_training_images_are_nested_by_draw(dataset: Dataset) -> None:
    parts = {
        (size, draw): parts_for(dataset, profile_named(f"train-{size}", draw))
        for size in (8, 50, 300)
        for draw in (0, 1)
    }
    for draw in (0, 1):
        few, some, many = (set(parts[size, draw].train) for size in (8, 50, 300))
        assert few < some < many < set(dataset.split.train)
        assert (len(few), len(some), len(many)) == (8, 50, 300)
    assert set(parts[50, 0].train) != set(parts[50, 1].train)
    assert np.bincount(dataset.train_labels[parts[8, 0].train]).tolist() == [2] * 4
    for part in parts.values():
        assert part.validation.tolist() == dataset.split.validation.tolist()
        assert len(part.test) == 120


def test_a_profile_of_more_training_images_than_there_are_uses_them_all(dataset: Dataset) -> None:
    assert parts_for(dataset, profile_named("train-9999", 1)).train.tolist() == dataset.split.train.tolist()


def test_the_images_of_quick_are_those_that_records_are_about() -> None:
    """Another draw would make records of the profile mean something else under the same key."""
    labels = np.arange(60) % 10
    blank = np.zeros((60, 1, 1, 1), dtype=np.uint8)
    dataset = Dataset(
        name="tiny",
        title="Tiny",
        class_names=tuple("0123456789"),
        train_images=blank,
        train_labels=labels,
        test_images=blank,
        test_labels=labels,
        split=make_split("tiny", labels, 10),
        fingerprint="0" * 64,
        source="made up",
    )
    parts = parts_for(dataset, dataclasses.replace(PROFILES["quick"], train_size=10))
    assert parts.train.tolist() == [2, 3, 5, 7, 16, 18, 30, 34, 49, 51]


@st.composite
def labels_groups_and_shares(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, tuple[float, ...]]:
    """Labels, groups of one image and of several, and the shares of two or three parts."""
    n = draw(st.integers(0, 120))
    labels = draw(st.lists(st.integers(0, 4), min_size=n, max_size=n))
    groups = draw(st.lists(st.integers(0, max(3 * n, 1)), min_size=n, max_size=n))
    shares = draw(st.sampled_from([(0.8, 0.2), (0.85, 0.15), (0.5, 0.5), (0.7, 0.1, 0.2), (1.0, 0.0)]))
    return np.array(labels, dtype=np.int64), np.array(groups, dtype=np.int64), shares


@given(labels_groups_and_shares(), st.integers(0, 2**32 - 1))
def test_no_group_is_divided(case: tuple[np.ndarray, np.ndarray, tuple[float, ...]], seed: int) -> None:
    labels, groups, shares = case
    before = labels.copy(), groups.copy()
    part = divide(labels, groups, shares, np.random.default_rng(seed))
    assert part.dtype == np.int64
    assert part.shape == labels.shape
    assert ((part >= 0) & (part < len(shares))).all()
    for group in np.unique(groups):
        assert len(np.unique(part[groups == group])) == 1
    assert ((labels == before[0]) & (groups == before[1])).all()


@given(labels_groups_and_shares(), st.integers(0, 2**32 - 1))
def test_a_division_depends_on_the_seed_alone(
    case: tuple[np.ndarray, np.ndarray, tuple[float, ...]], seed: int
) -> None:
    first, second = (divide(*case, np.random.default_rng(seed)) for _ in range(2))
    assert first.tolist() == second.tolist()


@given(labels_groups_and_shares(), st.integers(0, 2**32 - 1))
def test_single_images_are_divided_by_class_exactly_but_for_rounding(
    case: tuple[np.ndarray, np.ndarray, tuple[float, ...]], seed: int
) -> None:
    labels, _, shares = case
    part = divide(labels, np.arange(len(labels)), shares, np.random.default_rng(seed))
    for label in np.unique(labels):
        for place, share in enumerate(shares):
            count, size = int((part[labels == label] == place).sum()), int((labels == label).sum())
            rare = size * min(shares) < 1  # Then every part gets one first, as far as they go round.
            assert abs(count - share * size) < (len(shares) if rare else 1) + 1e-6
            assert count > 0 or size < len(shares)


@given(labels_groups_and_shares(), st.integers(0, 2**32 - 1))
def test_single_images_make_up_for_groups(case: tuple[np.ndarray, np.ndarray, tuple[float, ...]], seed: int) -> None:
    """Where groups have filled a part beyond its share of a class, it gets no single image of that class."""
    labels, groups, shares = case
    part = divide(labels, groups, shares, np.random.default_rng(seed))
    single = np.bincount(groups, minlength=1)[groups] == 1
    for label in np.unique(labels):
        for place, share in enumerate(shares):
            here = (labels == label) & (part == place)
            missing = share * (labels == label).sum() - (here & ~single).sum()
            assert (here & single).sum() < max(missing, 0) + 1 + 1e-6


def test_a_part_is_overfilled_by_no_more_than_a_group() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(600) % 3
    groups = np.repeat(np.arange(150), 4)
    part = divide(labels, groups, (0.7, 0.1, 0.2), rng)
    sizes = np.bincount(part)
    assert (np.abs(sizes - np.array([420, 60, 120])) <= 8).all()
    assert (np.array([np.bincount(labels[part == place]) for place in range(3)]) > 0).all()


def test_a_group_larger_than_a_part_is_not_divided() -> None:
    labels = np.zeros(100, dtype=np.int64)
    groups = np.where(np.arange(100) < 60, 0, np.arange(100))
    part = divide(labels, groups, (0.5, 0.5), np.random.default_rng(0))
    assert len(set(part[:60])) == 1
    assert (part[60:] == 1 - part[0]).sum() == 40


def test_groups_are_divided_by_the_classes_that_they_hold() -> None:
    """A rare class comes in groups of its own: both parts get some of it."""
    labels = np.repeat([0, 1], [200, 20])
    groups = np.concatenate([np.arange(200), 200 + np.arange(20) // 2])
    for seed in range(5):
        part = divide(labels, groups, (0.8, 0.2), np.random.default_rng(seed))
        assert np.bincount(part[labels == 1]).tolist() == [16, 4]


def test_another_seed_divides_otherwise() -> None:
    labels = np.arange(100) % 2
    groups = np.arange(100) // 2
    divisions = {tuple(divide(labels, groups, (0.8, 0.2), np.random.default_rng(seed))) for seed in range(5)}
    assert len(divisions) == 5
