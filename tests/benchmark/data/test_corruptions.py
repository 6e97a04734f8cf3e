"""Corrupted images: what is done to them, that it grows with severity, and that every model sees the same."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.ndimage import gaussian_filter
from sklearn.datasets import load_digits

from benchmark.data.corruptions import CORRUPTIONS, DIRECTIONS, Corruption, corrupt, versions
from benchmark.records.schema import SEVERITIES

NAMES, SEVERE = tuple(CORRUPTIONS), range(1, SEVERITIES + 1)


def discs(n: int = 300, side: int = 28, channels: int = 1) -> np.ndarray:
    """A shaded disc of its own size, place and colour on black: n images."""
    rng = np.random.default_rng(0)
    centre, radius = rng.uniform(0.35, 0.65, (2, n, 1, 1)), rng.uniform(0.15, 0.35, (n, 1, 1))
    rows, columns = np.mgrid[:side, :side] / (side - 1)
    distance = np.hypot(rows - centre[0], 1.5 * (columns - centre[1])) / radius
    shaded = np.where(distance < 1, 255 - 120 * distance, 0)
    return (shaded[..., None] * rng.uniform(0.5, 1, (n, 1, 1, channels))).astype(np.uint8)


def digits() -> np.ndarray:
    return np.rint(load_digits().data * (255 / 16)).astype(np.uint8).reshape(-1, 8, 8, 1)[:300]


SETS = {"28x28 grey": discs(), "32x32 colour": discs(side=32, channels=3), "8x8 digits": digits()}


@pytest.mark.parametrize("images", SETS.values(), ids=SETS)
@pytest.mark.parametrize("name", NAMES)
def test_each_severity_changes_pixels_more_than_the_one_before(name, images):
    before = images.copy()
    found = [corrupt(images, name, severity, "made") for severity in SEVERE]
    assert np.array_equal(images, before)
    assert all((image.shape, image.dtype) == (images.shape, np.uint8) for image in found)
    changes = [float(np.abs(image.astype(int) - images).mean()) for image in found]
    assert changes[0] > 0
    assert (np.diff(changes) > 0).all(), changes


@pytest.mark.parametrize("name", NAMES)
def test_the_same_images_come_out_each_time_and_others_by_another_seed(name):
    images = SETS["28x28 grey"]
    first, again, other = (corrupt(images, name, 3, dataset) for dataset in ("made", "made", "other"))
    assert np.array_equal(first, again)
    assert np.array_equal(first, other) == (name in ("blur", "contrast"))  # Nothing is left to chance in these.


@pytest.mark.parametrize("name", NAMES)
def test_numpys_global_generator_plays_no_part(name):
    np.random.seed(1)
    first = corrupt(digits(), name, 2, "made")
    np.random.seed(2)
    state = np.random.get_state()[1].copy()
    assert np.array_equal(first, corrupt(digits(), name, 2, "made"))
    assert np.array_equal(state, np.random.get_state()[1])


@pytest.mark.parametrize("name", ["blur", "contrast"])
def test_a_constant_image_stays_as_it_is(name):
    images = np.full((3, 9, 12, 3), 77, dtype=np.uint8)
    for severity in SEVERE:
        assert np.array_equal(corrupt(images, name, severity, "made"), images)


@pytest.mark.parametrize("name", sorted(set(NAMES) - {"noise"}))
def test_a_black_image_stays_black(name):
    assert not corrupt(np.zeros((5, 28, 28, 1), dtype=np.uint8), name, 5, "made").any()


def test_a_shift_moves_whole_pixels_in_all_directions():
    images = np.zeros((400, 28, 28, 1), dtype=np.uint8)
    images[:, 14, 14] = 200
    for severity in SEVERE:
        moved = np.argwhere(corrupt(images, "shift", severity, "made")[..., 0] == 200)
        assert len(moved) == 400
        assert {tuple(step) for step in (moved[:, 1:] - 14).tolist()} == {
            tuple(step) for step in (DIRECTIONS * severity).tolist()
        }


def test_what_leaves_the_image_does_not_come_back_on_the_other_side():
    images = np.zeros((50, 28, 28, 1), dtype=np.uint8)
    images[:, :, 27] = 255
    shifted = corrupt(images, "shift", 5, "made")[..., 0]
    assert not shifted[:, :, :20].any()


def test_a_rotation_keeps_the_centre_and_goes_to_either_side():
    images = np.zeros((60, 29, 29, 1), dtype=np.uint8)
    images[:, 14, 14] = images[:, 4, 14] = 255
    turned = corrupt(images, "rotation", 5, "made")[..., 0].astype(float)
    assert (turned[:, 14, 14] == 255).all()
    # Thirty degrees at a radius of ten: 5.0 columns to a side, at row 14 - 8.7.
    turned[:, 13:16, 13:16] = 0
    sides = (turned * np.arange(29)).sum((1, 2)) / turned.sum((1, 2)) - 14
    rows = (turned * np.arange(29)[:, None]).sum((1, 2)) / turned.sum((1, 2)) - 14
    np.testing.assert_allclose(np.abs(sides), 5, atol=0.2)
    np.testing.assert_allclose(rows, -8.66, atol=0.2)
    assert 15 < (sides > 0).sum() < 45


def test_noise_has_the_deviation_that_is_told():
    images = np.full((200, 28, 28, 1), 127, dtype=np.uint8)
    for severity, deviation in zip(SEVERE, CORRUPTIONS["noise"].values, strict=True):
        noisy = corrupt(images, "noise", severity, "made").astype(float)
        if severity < 4:  # Beyond, much is cut off at black and white.
            assert noisy.std() == pytest.approx(255 * deviation, rel=0.02)
        assert noisy.mean() == pytest.approx(127, abs=1)


def test_each_image_loses_a_square_at_a_place_of_its_own():
    images = np.full((200, 28, 28, 3), 255, dtype=np.uint8)
    for severity, side in zip(SEVERE, CORRUPTIONS["occlusion"].values, strict=True):
        hidden = (corrupt(images, "occlusion", severity, "made") == 0).all(axis=3)
        assert (hidden.sum((1, 2)) == side**2).all()
        assert len(np.unique(hidden.reshape(200, -1), axis=0)) > 50


def test_contrast_keeps_the_mean_and_shrinks_the_deviation():
    images = SETS["28x28 grey"]
    for severity, factor in zip(SEVERE, CORRUPTIONS["contrast"].values, strict=True):
        flat = corrupt(images, "contrast", severity, "made")
        np.testing.assert_allclose(flat.mean((1, 2, 3)), images.mean((1, 2, 3)), atol=0.5)
        np.testing.assert_allclose(flat.std((1, 2, 3)), factor * images.std((1, 2, 3)), atol=0.5)


@settings(max_examples=60)
@given(
    arrays(np.uint8, st.tuples(st.integers(0, 3), st.integers(1, 12), st.integers(1, 12), st.sampled_from([1, 3]))),
    st.sampled_from(NAMES),
    st.sampled_from(SEVERE),
)
def test_images_of_any_size_keep_shape_and_type(images, name, severity):
    found = corrupt(images, name, severity, "made")
    assert (found.shape, found.dtype) == (images.shape, np.uint8)


def test_every_version_comes_once():
    images = digits()[:5]
    found = {(name, severity): changed for name, severity, changed in versions(images, "made")}
    assert list(found) == [(name, severity) for name in NAMES for severity in SEVERE]
    assert np.array_equal(found["noise", 2], corrupt(images, "noise", 2, "made"))


@pytest.mark.parametrize(("name", "severity"), [("fog", 1), ("blur", 0), ("blur", SEVERITIES + 1)])
def test_what_there_is_not_is_refused(name, severity):
    with pytest.raises(ValueError, match="there is no corruption"):
        corrupt(digits(), name, severity, "made")


@pytest.mark.parametrize("images", [np.zeros((2, 8, 8), np.uint8), np.zeros((2, 8, 8, 1), np.float32)])
def test_other_arrays_are_refused(images):
    with pytest.raises(ValueError, match="images must be uint8"):
        corrupt(images, "blur", 1, "made")


def test_a_corruption_has_as_many_values_as_severities():
    with pytest.raises(ValueError, match="5 severities, not 2"):
        Corruption("spoilt", "amount", (1, 2), lambda images, value, rng: images)


def test_thirty_versions_of_two_thousand_images_take_about_a_second():
    images = np.tile(discs(500), (4, 1, 1, 1))
    start = time.process_time()
    assert sum(1 for _ in versions(images, "made")) == 30
    assert time.process_time() - start < 6


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_enlarged_images_are_corrupted_as_much(name):
    """The same pictures at 28 and 84 pixels, seen again at 28: lengths and grain follow the size."""
    small = gaussian_filter(np.random.default_rng(3).integers(0, 256, (40, 28, 28, 1)).astype(float), (0, 3, 3, 0))
    small = np.clip((small - small.mean()) * 8 + 128, 0, 255).astype(np.uint8)
    large = small.repeat(3, axis=1).repeat(3, axis=2)
    for severity in (1, 5):
        before = corrupt(small, name, severity, "made").astype(float)
        after = corrupt(large, name, severity, "made").reshape(40, 28, 3, 28, 3, 1).mean(axis=(2, 4))
        losses = [np.abs(images - small).mean() for images in (before, after)]
        assert losses[1] == pytest.approx(losses[0], rel=0.2, abs=0.75)
