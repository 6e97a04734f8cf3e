"""The batched augmentation, held against torchvision's own transforms with the same parameters."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2 import functional as reference

from cnn.augment import Augmentation, Draw, resample


def images(n: int, channels: int, height: int, width: int, seed: int = 0) -> torch.Tensor:
    return torch.rand((n, channels, height, width), generator=torch.Generator().manual_seed(seed))


def by_torchvision(image: torch.Tensor, draw: Draw, index: int) -> torch.Tensor:
    moved = reference.affine(
        image,
        angle=math.degrees(float(draw.angle[index])),
        translate=[float(draw.shift_x[index]), float(draw.shift_y[index])],
        scale=float(draw.zoom[index]),
        shear=[0.0, 0.0],
        interpolation=InterpolationMode.BILINEAR,
    )
    return reference.horizontal_flip(moved) if draw.flip[index] < 0 else moved


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32), (1, 8, 8), (3, 20, 31)])
@settings(max_examples=15, deadline=None)
@given(
    angle=st.floats(-180, 180),
    zoom=st.floats(0.5, 1.5),
    # torchvision rounds shifts to whole pixels.
    shift_x=st.integers(-6, 6),
    shift_y=st.integers(-6, 6),
    flip=st.booleans(),
)
def test_resample_is_what_torchvision_does(shape, angle, zoom, shift_x, shift_y, flip):
    batch = images(2, *shape)
    same, turned = 0.0, math.radians(angle)
    draw = Draw(
        angle=torch.tensor([turned, same]),
        zoom=torch.tensor([zoom, 1.0]),
        shift_x=torch.tensor([float(shift_x), 0.0]),
        shift_y=torch.tensor([float(shift_y), 0.0]),
        flip=torch.tensor([-1.0 if flip else 1.0, 1.0]),
    )
    moved = resample(batch, draw)
    # Where a sample falls on the border, rounding decides whether it is inside: compare nearly all pixels.
    difference = (moved[0] - by_torchvision(batch[0], draw, 0)).abs()
    assert difference.median() < 1e-4
    assert (difference > 1e-3).float().mean() < 0.02
    torch.testing.assert_close(moved[1], batch[1], atol=1e-4, rtol=0)


def test_every_image_has_its_own_parameters():
    draw = Augmentation(rotation_degrees=15, zoom=0.1, shift=0.1, flip=True).draw(
        images(512, 1, 28, 28), torch.Generator().manual_seed(1)
    )
    for values in (draw.angle, draw.zoom, draw.shift_x, draw.shift_y):
        assert len(values.unique()) > 500
    assert 180 < int((draw.flip < 0).sum()) < 330


@settings(max_examples=30, deadline=None)
@given(
    degrees=st.floats(0, 180),
    zoom=st.floats(0, 0.99),
    shift=st.floats(0, 1),
    seed=st.integers(0, 2**31),
    flip=st.booleans(),
)
def test_draws_stay_in_their_ranges(degrees, zoom, shift, seed, flip):
    augmentation = Augmentation(rotation_degrees=degrees, zoom=zoom, shift=shift, flip=flip)
    draw = augmentation.draw(torch.empty((64, 1, 20, 30)), torch.Generator().manual_seed(seed))
    slack = 1 + 1e-5
    assert draw.angle.abs().max() <= math.radians(degrees) * slack
    assert (draw.zoom - 1).abs().max() <= zoom * slack + 1e-6
    assert draw.shift_x.abs().max() <= shift * 30 * slack
    assert draw.shift_y.abs().max() <= shift * 20 * slack
    assert set(draw.flip.tolist()) <= ({-1.0, 1.0} if flip else {1.0})


@pytest.mark.parametrize("part", ["rotation_degrees", "zoom", "shift", "flip"])
def test_each_part_can_be_switched_on_alone(part):
    augmentation = Augmentation(**{part: True if part == "flip" else 0.2 if part != "rotation_degrees" else 15.0})
    batch = images(64, 1, 28, 28)
    draw = augmentation.draw(batch, torch.Generator().manual_seed(0))
    still = {
        "rotation_degrees": bool((draw.angle == 0).all()),
        "zoom": bool((draw.zoom == 1).all()),
        "shift": bool((draw.shift_x == 0).all() and (draw.shift_y == 0).all()),
        "flip": bool((draw.flip == 1).all()),
    }
    assert [name for name, unmoved in still.items() if not unmoved] == [part]
    assert not torch.equal(augmentation(batch, torch.Generator().manual_seed(0)), batch)


def test_all_off_leaves_the_very_images():
    batch = images(4, 1, 28, 28)
    assert Augmentation()(batch, torch.Generator()) is batch


def test_flip_alone_mirrors_exactly():
    batch = images(64, 3, 9, 14)
    augmentation = Augmentation(flip=True)
    moved = augmentation(batch, torch.Generator().manual_seed(3))
    flip = augmentation.draw(batch, torch.Generator().manual_seed(3)).flip
    for before, after, sign in zip(batch, moved, flip, strict=True):
        torch.testing.assert_close(after, before.flip(-1) if sign < 0 else before, atol=1e-5, rtol=0)


def test_the_seed_decides():
    augmentation = Augmentation(rotation_degrees=15, zoom=0.1, shift=0.1, flip=True)
    batch = images(8, 1, 28, 28)
    first, again, other = (augmentation(batch, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_channels_last_stays_channels_last():
    batch = images(8, 3, 28, 28).contiguous(memory_format=torch.channels_last)
    moved = Augmentation(rotation_degrees=15)(batch, torch.Generator().manual_seed(0))
    assert moved.shape == batch.shape


@settings(max_examples=25, deadline=None)
@given(height=st.integers(4, 40), width=st.integers(4, 40), seed=st.integers(0, 1000))
def test_what_is_erased_is_one_rectangle_of_the_stated_size(height, width, seed):
    batch = torch.ones((64, 2, height, width))
    erased = Augmentation(erasing=1.0).erase(batch, torch.Generator().manual_seed(seed)) == 0
    assert torch.equal(erased[:, 0], erased[:, 1])
    for hole in erased[:, 0]:
        rows, columns = hole.any(1), hole.any(0)
        assert torch.equal(hole, rows[:, None] & columns[None, :])
        for line in (rows, columns):
            places = line.nonzero().flatten().tolist()
            assert places == list(range(places[0], places[-1] + 1)) if places else True
    shares = erased[:, 0].float().mean((1, 2))
    assert shares.max() < 0.4 + 2 / min(height, width)
    if min(height, width) > 15:
        assert 0.1 < shares.mean() < 0.3


def test_as_many_images_are_erased_as_asked_for():
    batch = torch.ones((2000, 1, 12, 12))
    touched = (Augmentation(erasing=0.25).erase(batch, torch.Generator().manual_seed(0)) == 0).any(dim=(1, 2, 3))
    assert 0.21 < touched.float().mean() < 0.29
    assert Augmentation().erase(batch, torch.Generator()) is batch


def test_who_calls_may_say_which_images_to_mirror():
    batch, wanted = images(6, 1, 8, 8), torch.tensor([True, False, True, False, False, True])
    moved = Augmentation(flip=True)(batch, torch.Generator().manual_seed(0), wanted)
    torch.testing.assert_close(moved, torch.where(wanted.view(-1, 1, 1, 1), batch.flip(3), batch))


@pytest.mark.parametrize(
    "wrong", [{"erasing": 1.5}, {"rotation_degrees": -1}, {"zoom": 1.0}, {"zoom": -0.1}, {"shift": 1.5}]
)
def test_impossible_ranges_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Augmentation(**wrong)
