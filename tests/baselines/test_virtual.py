"""Virtual samples, held against scikit-image's transforms with the same parameters."""

from __future__ import annotations

import numpy as np
import pytest

from baselines.virtual import virtual_samples

OFF = {"rotation_degrees": 0.0, "zoom": 0.0, "shift": 0.0, "flip": False}


def blobs(n: int = 6, height: int = 20, width: int = 24, channels: int = 1) -> np.ndarray:
    """Smooth images: a bump at another place in each."""
    rows, columns = np.mgrid[:height, :width]
    bumps = [np.exp(-((rows - 5 - i) ** 2 + (columns - 8 - 1.3 * i) ** 2) / 12) for i in range(n)]
    return np.repeat((np.stack(bumps) * 250).astype(np.uint8)[..., None], channels, axis=3)


def centre(image: np.ndarray) -> np.ndarray:
    """Centre of mass (row, column)."""
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]]
    mass = image.astype(float)
    return np.array([(rows * mass).sum(), (columns * mass).sum()]) / mass.sum()


def make(images: np.ndarray, copies: int = 1, seed: int = 0, **settings) -> np.ndarray:
    return virtual_samples(images, np.random.default_rng(seed), copies=copies, **{**OFF, **settings})


def test_nothing_switched_on_gives_the_images():
    images = blobs(channels=3)
    made = make(images, copies=2)
    assert made.dtype == np.uint8
    assert np.array_equal(made, np.concatenate([images, images]))


def test_every_other_copy_is_mirrored():
    images = blobs()
    first, second, third = make(images, copies=3, flip=True).reshape(3, *images.shape)
    assert np.array_equal(first, images[:, :, ::-1])
    assert np.array_equal(second, images)
    assert np.array_equal(third, first)


@pytest.mark.parametrize("flip", [False, True])
def test_shifts_move_by_up_to_their_share_and_each_image_by_its_own(flip):
    images = blobs()
    start = images[:, :, ::-1] if flip else images
    made = make(images, shift=0.1, flip=flip)
    moves = np.array(
        [centre(after[..., 0]) - centre(before[..., 0]) for before, after in zip(start, made, strict=True)]
    )
    assert (np.abs(moves[:, 0]) <= 0.1 * 20 + 0.1).all()
    assert (np.abs(moves[:, 1]) <= 0.1 * 24 + 0.1).all()
    assert len(np.unique(moves.round(3), axis=0)) == len(images)
    assert np.abs(moves).max() > 0.5


def test_rotation_turns_about_the_centre():
    images = blobs(40)[:1].repeat(40, axis=0)
    made = make(images, rotation_degrees=15.0)
    middle = np.array([9.5, 11.5])
    before = centre(images[0, ..., 0]) - middle
    angles = []
    for after in made:
        now = centre(after[..., 0]) - middle
        assert np.linalg.norm(now) == pytest.approx(np.linalg.norm(before), rel=0.05)
        turned = np.arctan2(now[0], now[1]) - np.arctan2(before[0], before[1])
        angles.append(np.degrees((turned + np.pi) % (2 * np.pi) - np.pi))
    assert np.abs(angles).max() < 16
    assert np.ptp(angles) > 15


def test_zoom_enlarges_and_shrinks():
    masses = make(blobs(1).repeat(40, axis=0), zoom=0.2).astype(float).sum(axis=(1, 2, 3))
    ratio = masses / blobs(1).astype(float).sum()
    assert 0.6 < ratio.min() < 0.9
    assert 1.1 < ratio.max() < 1.5


def test_the_generator_decides():
    settings = {"rotation_degrees": 5.0, "zoom": 0.05, "shift": 0.05, "flip": True}
    first, again, other = (make(blobs(), copies=2, seed=seed, **settings) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
