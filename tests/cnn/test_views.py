from __future__ import annotations

import copy
import itertools
import pickle

import numpy as np
import pytest

from benchmark.estimators.timing import Stopwatch
from cnn.views import VIEWS, WORDS, Memory, View

IMAGES = np.random.default_rng(0).integers(0, 256, (5, 6, 8, 3), dtype=np.uint8)


class Counted:
    """A network's part: a number a class for each image, which depends on where its pixels lie."""

    def __init__(self) -> None:
        self.seen = 0

    def __call__(self, images: np.ndarray) -> np.ndarray:
        self.seen += 1
        weights = np.arange(images[0].size).reshape(images[0].shape)
        return np.stack([(images * weights).mean((1, 2, 3)), images.mean((1, 2, 3))], axis=1)


@pytest.mark.parametrize("choice", VIEWS)
def test_weights_add_up_to_one(choice):
    assert sum(VIEWS[choice].values()) == 1
    assert choice in WORDS


def test_each_choice_has_the_views_of_those_before_it():
    for fewer, more in itertools.pairwise(VIEWS.values()):
        assert set(fewer) < set(more)


@pytest.mark.parametrize("offset", [1, -1])
def test_a_view_is_moved_along_the_diagonal(offset):
    moved = View(offset).of(IMAGES)
    assert moved.shape == IMAGES.shape
    here, there = (slice(1, None), slice(None, -1)) if offset > 0 else (slice(None, -1), slice(1, None))
    assert np.array_equal(moved[:, here, here], IMAGES[:, there, there])
    edge = 0 if offset > 0 else -1
    assert not moved[:, edge].any()
    assert not moved[:, :, edge].any()
    assert np.array_equal(View(offset, mirrored=True).of(IMAGES), moved[:, :, ::-1])


def test_nothing_is_computed_twice_and_its_seconds_are_told():
    memory, compute = Memory(), Counted()
    one = memory.average(IMAGES, VIEWS["one"], compute)
    assert np.array_equal(one, Counted()(IMAGES))
    memory.average(IMAGES, VIEWS["shifts"], compute)
    assert compute.seen == 6
    watch = Stopwatch()
    again = memory.average(IMAGES.copy(), VIEWS["shifts"], compute)
    assert compute.seen == 6
    watch.lap()
    assert watch.spared > 0
    expected = sum(weight * Counted()(view.of(IMAGES)) for view, weight in VIEWS["shifts"].items())
    assert np.allclose(again, expected)


def test_other_images_are_other_images():
    memory, compute = Memory(), Counted()
    changed = IMAGES.copy()
    changed[0, 0, 0, 0] ^= 1
    for images in (IMAGES, changed, IMAGES[:, :4], IMAGES.reshape(5, 8, 6, 3)):
        assert np.array_equal(memory.average(images, VIEWS["one"], compute), Counted()(images))
    assert compute.seen == 4


def test_only_the_last_two_sets_are_kept():
    memory, compute = Memory(), Counted()
    test, validation, other = IMAGES[:2], IMAGES[2:4], IMAGES[4:]
    for images in (test, validation, test, other, test):
        memory.average(images, VIEWS["one"], compute)
    assert compute.seen == 3
    memory.average(validation, VIEWS["one"], compute)
    assert compute.seen == 4


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda memory: pickle.loads(pickle.dumps(memory))])
def test_a_copy_remembers_nothing(copied):
    memory, compute = Memory(), Counted()
    memory.average(IMAGES, VIEWS["one"], compute)
    copied(memory).average(IMAGES, VIEWS["one"], compute)
    assert compute.seen == 2
