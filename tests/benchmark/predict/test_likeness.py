"""Pictures that no training image is like are known as such, those of the data set are not."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from PIL import Image

from benchmark.predict.likeness import Likeness, edges, reduced
from benchmark.specs import Split

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def digits(prepared):
    return prepared["digits"].dataset


def enlarged(images, factor):
    return images.repeat(factor, axis=1).repeat(factor, axis=2)


def colourful(images):
    return images.repeat(3, axis=3)


@pytest.mark.parametrize("change", [lambda x: x, lambda x: enlarged(x, 9), colourful], ids=["8", "72", "colour"])
def test_test_images_are_like_the_training_images_and_others_are_not(digits, change):
    data = dataclasses.replace(digits, train_images=change(digits.train_images))
    likeness = Likeness.of(data)
    test = change(digits.test_images)
    assert likeness.strange(test).mean() < 0.06  # One in a hundred, give or take those of 237 validation images.
    assert likeness.strange(255 - test).all()
    assert likeness.strange(RNG.integers(0, 256, test.shape, dtype=np.uint8)).all()
    assert likeness.strange(np.full_like(test[:3], 77)).all()
    assert likeness.strange(np.rot90(test, axes=(1, 2))).mean() > 0.9


def test_a_colour_that_the_training_images_do_not_have_is_strange(digits):
    data = dataclasses.replace(digits, train_images=colourful(digits.train_images))
    blue = colourful(digits.test_images)
    blue[..., :2] = 0
    assert Likeness.of(data).strange(blue).mean() > 0.9


def test_a_few_validation_images_tell_nothing(digits):
    split = Split(train=digits.split.train, validation=digits.split.validation[:19])
    assert Likeness.of(dataclasses.replace(digits, split=split)) is None


@pytest.mark.parametrize("size", [(1, 1), (2, 7), (3, 200), (31, 32), (224, 224), (100, 65)])
@pytest.mark.parametrize("channels", [1, 3])
def test_images_of_every_size_have_features(size, channels):
    images = RNG.integers(0, 256, (3, *size, channels), dtype=np.uint8)
    small = reduced(images)
    assert max(small.shape[1:3]) < 64 or min(size) < 4
    assert np.isclose(small.mean(), images.mean(), atol=8)
    found = edges(small)
    assert np.isfinite(found).all()
    assert found.shape == (3, min(4, small.shape[1]) * min(4, small.shape[2]) * 8)


def test_edges_have_the_direction_of_what_is_drawn():
    stripes = np.zeros((1, 16, 16, 1), dtype=np.float32)
    stripes[:, :, 4:12] = 255
    turned = np.asarray(Image.fromarray(stripes[0, :, :, 0]).rotate(90))[None, :, :, None]
    upright, lying = (edges(images).reshape(4, 4, 8) for images in (stripes, turned))
    assert upright[..., 0].sum() == pytest.approx(upright.sum())
    assert lying[..., 4].sum() == pytest.approx(lying.sum())
