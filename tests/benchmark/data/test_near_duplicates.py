"""Near duplicates planted among images that are not alike."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from benchmark.data import near_duplicates as duplicates
from benchmark.specs import Dataset, Split

N_TRAIN, N_TEST = 300, 60
VALIDATION = np.arange(250, 300)


def noise(n, channels=1, seed=0):
    return np.random.default_rng(seed).integers(20, 200, size=(n, 8, 8, channels), dtype=np.uint8)


def dataset(train, test, train_labels=None, test_labels=None):
    return Dataset(
        name="planted",
        title="Planted",
        class_names=("ant", "bee"),
        train_images=train,
        train_labels=np.arange(len(train)) % 2 if train_labels is None else train_labels,
        test_images=test,
        test_labels=np.zeros(len(test), dtype=np.int64) if test_labels is None else test_labels,
        split=Split(train=np.arange(250), validation=VALIDATION),
        fingerprint="a" * 64,
        source="made by a test",
    )


def one_pixel(image):
    changed = image.copy()
    changed[3, 4] += 30
    return changed


CHANGES = {
    "copied": lambda image: image,
    "brighter": lambda image: image + 40,
    "less contrast": lambda image: (image * 0.6 + 10).astype(np.uint8),
    "one pixel changed": one_pixel,
}


@pytest.fixture
def planted():
    """Four near duplicates in test, of training images 10, 11, ...; one in validation, of training image 20."""
    train, test = noise(N_TRAIN), noise(N_TEST, seed=1)
    for place, change in enumerate(CHANGES.values()):
        test[5 + place] = change(train[10 + place])
    train[260] = one_pixel(train[20])
    return dataset(train, test)


def test_what_was_planted_is_found_and_nothing_else(planted):
    test, validation = duplicates.search(planted).searches
    assert (test.part, test.n_images, test.count) == ("test", N_TEST, len(CHANGES))
    near = {(pair.index, pair.train_index) for pair in test.closest if pair.distance < test.threshold}
    assert near == {(5, 10), (6, 11), (7, 12), (8, 13)}
    assert (validation.part, validation.n_images, validation.count) == ("validation", 50, 1)
    assert (validation.closest[0].index, validation.closest[0].train_index) == (260, 20)
    distances = [pair.distance for pair in test.closest]
    assert distances == sorted(distances)
    assert len(distances) == duplicates.CLOSEST


def test_labels_that_disagree_are_counted(planted):
    test, validation = duplicates.search(planted).searches
    # The test images are ants; training images 10 to 13 are ant, bee, ant, bee. 260 and 20 are both ants.
    assert (test.disagreeing, validation.disagreeing) == (2, 0)
    assert {pair.train_index: (pair.label, pair.train_label) for pair in test.closest[:4]} == {
        10: (0, 0),
        11: (0, 1),
        12: (0, 0),
        13: (0, 1),
    }


@pytest.mark.parametrize("channels", [1, 3])
def test_noise_has_no_near_duplicates(channels):
    found = duplicates.search(dataset(noise(N_TRAIN, channels), noise(N_TEST, channels, seed=1)))
    assert [s.count for s in found.searches] == [0, 0]


def test_a_validation_image_is_not_compared_with_itself_nor_test_with_validation():
    train, test = noise(N_TRAIN), noise(N_TEST, seed=1)
    test[0] = train[260]
    assert [s.count for s in duplicates.search(dataset(train, test)).searches] == [0, 0]


def test_nearest_agrees_with_all_distances(monkeypatch):
    monkeypatch.setattr(duplicates, "CHUNK", 7)
    rng = np.random.default_rng(0)
    queries, references = (rng.normal(size=(n, 12)).astype(np.float32) for n in (20, 31))
    every = np.linalg.norm(queries[:, None].astype(float) - references[None], axis=2)
    told = []
    index, distance = duplicates.nearest(queries, references, told.append)
    np.testing.assert_array_equal(index, every.argmin(axis=1))
    np.testing.assert_allclose(distance, every.min(axis=1), rtol=1e-12)
    assert told == [7, 7, 6]


def test_the_distance_is_that_of_the_correlation():
    images = noise(2)
    one, other = duplicates.features(images).astype(float)
    r = np.corrcoef(images.reshape(2, -1).astype(float))[0, 1]
    assert np.linalg.norm(one - other) == pytest.approx(np.sqrt(2 - 2 * r), abs=1e-6)


def test_images_of_one_value_are_alike_and_like_no_other():
    train, test = noise(N_TRAIN), noise(N_TEST, seed=1)
    test[3] = 90
    assert duplicates.search(dataset(train, test)).searches[0].count == 0
    train[17] = 30
    (pair, *_) = duplicates.search(dataset(train, test)).searches[0].closest
    assert (pair.index, pair.train_index, pair.distance) == (3, 17, 0)


def test_the_threshold_by_hand():
    # Logarithms -1, 0 and 1 around the median of ln 0.4: deviations 1, 0, 1 (twice each), MAD 1.
    distances = 0.4 * np.exp([-1, -1, 0, 1, 1])
    assert duplicates.threshold(distances) == pytest.approx(0.4 * np.exp(-4 * 1.4826))
    assert duplicates.threshold(np.full(9, 0.4)) == pytest.approx(0.2)


def test_a_part_of_copies_alone_is_near_duplicates_alone():
    train = noise(N_TRAIN)
    assert duplicates.search(dataset(train, train[:40])).searches[0].count == 40


def test_searching_again_finds_the_same(planted):
    advanced = []
    first = duplicates.search(planted, advanced.append)
    assert first == duplicates.search(planted)
    assert sum(advanced) == N_TEST + len(VALIDATION)
    other = dataclasses.replace(planted, fingerprint="b" * 64)
    assert duplicates.search(other).fingerprint == "b" * 64


def together(numbers):
    """Which places have the same number, as a set of sets, without those that are alone."""
    numbers = np.asarray(numbers)
    found = {frozenset(np.flatnonzero(numbers == number).tolist()) for number in numbers.tolist()}
    return {places for places in found if len(places) > 1}


def wide(n, size, channels=1, seed=0):
    return np.random.default_rng(seed).integers(20, 200, size=(n, size, size, channels), dtype=np.uint8)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [8, 16, 37, 64])
def test_near_duplicates_and_copies_have_the_same_number(size, channels):
    images = wide(60, size, channels)
    for place, change in enumerate(CHANGES.values()):
        images[50 + place] = change(images[10 + place])
    images[58] = images[59] = images[0]
    numbers, limit = duplicates.groups(images)
    assert together(numbers) == {
        *(frozenset({10 + place, 50 + place}) for place in range(len(CHANGES))),
        frozenset({0, 58, 59}),
    }
    assert 0 < limit <= duplicates.FARTHEST
    assert numbers.dtype == np.int64
    assert set(numbers.tolist()) == set(range(54))


def test_what_is_connected_by_near_duplicates_is_one_group():
    """Each picture of a film is like the next; the last is unlike the first."""
    images = noise(60).astype(float)
    step = (images[59] - images[58]) * 0.02
    for place in range(20):
        images[place] = images[58] + place * step
    images = images[:58].round().astype(np.uint8)
    numbers, limit = duplicates.groups(images)
    ends = duplicates.features(images[[0, 19]]).astype(float)
    assert np.linalg.norm(ends[0] - ends[1]) > limit
    assert together(numbers) == {frozenset(range(20))}


@pytest.mark.parametrize("channels", [1, 3])
def test_images_that_are_not_alike_are_all_alone(channels):
    assert together(duplicates.groups(noise(N_TRAIN, channels))[0]) == set()


def test_images_of_one_value_are_alone_but_for_their_copies():
    images = noise(40)
    for place, value in enumerate((0, 0, 7, 255, 255, 255)):
        images[place] = value
    assert together(duplicates.groups(images)[0]) == {frozenset({0, 1}), frozenset({3, 4, 5})}


def test_images_of_one_colour_are_alone_but_for_their_copies():
    """Whether or not the mean of their channels is a whole number."""
    images = wide(40, 64, 3)
    images[:6] = np.array([(64, 170, 64), (64, 170, 64), (255, 128, 0), (0, 178, 0), (25, 138, 0), (193, 0, 0)])[
        :, None, None
    ]
    assert together(duplicates.groups(images)[0]) == {frozenset({0, 1})}


def test_of_many_images_a_sample_says_what_is_usual(monkeypatch):
    images = np.concatenate([noise(2 * N_TRAIN), noise(N_TRAIN) + 5])
    images[2 * N_TRAIN :, 2, 2] += 9
    monkeypatch.setattr(duplicates, "FARTHEST", 2.0)
    whole, limit = duplicates.groups(images)
    monkeypatch.setattr(duplicates, "SAMPLE", 200)
    sampled, about = duplicates.groups(images)
    assert about != limit
    assert about == pytest.approx(limit, rel=0.2)
    assert together(sampled) == together(whole) == {frozenset({n, 2 * N_TRAIN + n}) for n in range(N_TRAIN)}
    order = np.random.default_rng(1).permutation(len(images))
    assert duplicates.groups(images[order])[1] == about


def test_what_is_connected_already_is_not_compared_again(monkeypatch):
    images = noise(80)
    images[:60] = np.arange(60, dtype=np.uint8)[:, None, None, None] + images[0] // 2
    compared = []
    distances = duplicates._distances

    def counting(images, left, right):
        compared.append(len(left))
        return distances(images, left, right)

    monkeypatch.setattr(duplicates, "_distances", counting)
    monkeypatch.setattr(duplicates, "CHUNK", 10)
    numbers, _ = duplicates.groups(images)
    assert together(numbers) == {frozenset(range(60))}
    assert sum(compared[1:]) < 100  # Of 1,770 pairs; the first are to see what is usual.


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 20, 400]), st.sampled_from([20, 64, 65, 256]))
def test_shortened_vectors_never_have_smaller_products(seed, n, d):
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(n, d)).astype(np.float32) * rng.exponential(size=d).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors[0] = 0  # An image of one value.
    short = duplicates._shortened(vectors)
    assert short.shape == (n, min(d, duplicates.SHORT))
    assert (short @ short.T > vectors @ vectors.T - 1e-5).all()


@pytest.mark.parametrize("n", [1, 2, 5])
def test_few_images_and_copies_alone_are_numbered(n):
    images = noise(n)
    assert sorted(duplicates.groups(images)[0]) == list(range(n))
    assert duplicates.groups(images[[0] * n])[0].tolist() == [0] * n
    assert duplicates.groups(np.zeros((n, 8, 8, 1), np.uint8))[0].tolist() == [0] * n


def test_groups_do_not_depend_on_how_many_images_are_compared_at_a_time(monkeypatch):
    images = noise(50)
    images[40:] = images[:10] + 5
    expected, limit = duplicates.groups(images)
    monkeypatch.setattr(duplicates, "CHUNK", 7)
    monkeypatch.setattr(duplicates, "BLOCK_BYTES", 4 * 50 * 3)
    told = []
    found, same = duplicates.groups(images, told.append)
    assert together(found) == together(expected) == {frozenset({place, 40 + place}) for place in range(10)}
    assert same == pytest.approx(limit)
    assert sum(told) == 50
    assert told[:5] == [3, 3, 3, 3, 3]


def test_groups_do_not_depend_on_the_order_of_the_images():
    images = noise(50)
    images[40:] = images[:10] + 5
    order = np.random.default_rng(1).permutation(50)
    numbers = np.empty(50, dtype=int)
    numbers[order] = duplicates.groups(images[order])[0]
    assert together(numbers) == together(duplicates.groups(images)[0])


def test_groups_agree_with_all_distances_between_pixels():
    """That pairs are looked for among averages misses none."""
    rng = np.random.default_rng(0)
    smooth = rng.integers(30, 220, size=(80, 4, 4, 1)).repeat(8, 1).repeat(8, 2)
    blends = [smooth[place] + strength * rng.normal(size=(32, 32, 1)) for place in range(12) for strength in (2, 12)]
    images = np.concatenate([smooth, blends]).clip(0, 255).astype(np.uint8)
    numbers, limit = duplicates.groups(images)
    vectors = duplicates.features(images).astype(float)
    near = np.linalg.norm(vectors[:, None] - vectors[None], axis=2) < limit
    for _ in range(len(images)):
        near = near @ near
    assert ((numbers[:, None] == numbers[None]) == near).all()
    assert together(numbers)


def test_near_duplicates_are_found_where_every_image_has_one():
    """As among the frames of films, or where pictures were multiplied before."""
    images = np.concatenate([noise(40), noise(40) + 5, noise(40) + 9])
    images[40:, 2, 2] += 9
    assert together(duplicates.groups(images)[0]) == {frozenset({n, 40 + n, 80 + n}) for n in range(40)}


NUMBERS = arrays.arrays(np.int64, st.shared(st.integers(1, 30), key="n"), elements=st.integers(0, 12))


@given(NUMBERS, NUMBERS)
def test_merged_groups_are_those_that_either_connects(one, other):
    found = duplicates.merged(one, other)
    connected = (one[:, None] == one[None]) | (other[:, None] == other[None])
    for _ in range(len(one)):
        connected = connected @ connected
    assert ((found[:, None] == found[None]) == connected).all()
    assert set(found.tolist()) == set(range(int(found.max()) + 1))
    assert (
        duplicates.merged(other, one)[:, None] == duplicates.merged(other, one)[None]
    ).tolist() == connected.tolist()
