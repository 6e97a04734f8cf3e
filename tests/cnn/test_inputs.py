from __future__ import annotations

import numpy as np
import pytest
import torch

from cnn.augment import Augmentation
from cnn.inputs import ImageInputs, Standardise, averaged, to_device


def pictures(n: int = 40) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 200, (n, 1, 8, 8), generator=generator, dtype=torch.uint8)


def inputs(augmentation: Augmentation | None = None) -> ImageInputs:
    images = pictures()
    labels = torch.arange(len(images))
    return ImageInputs(images, labels, Standardise.given([0.0], [1.0]), augmentation, torch.Generator().manual_seed(1))


def test_standardise_is_exact_and_takes_its_numbers_from_the_images():
    images = pictures()
    scaled = images.double() / 255
    standardise = Standardise.fitted(images)
    assert standardise.mean.item() == pytest.approx(scaled.mean().item(), abs=1e-6)
    assert standardise.std.item() == pytest.approx(scaled.std(correction=0).item(), abs=1e-6)
    out = standardise(scaled.float())
    assert out.mean().abs() < 1e-5
    assert out.std() == pytest.approx(1, abs=1e-3)


def test_standardise_leaves_a_constant_channel_finite():
    images = torch.full((4, 3, 8, 8), 7, dtype=torch.uint8)
    assert torch.isfinite(Standardise.fitted(images)(images / 255)).all()


def test_batches_are_the_images_in_order_divided_by_255():
    torch.testing.assert_close(inputs().batch(3, 9), pictures()[3:9] / 255)


def test_half_of_the_images_are_mirrored_and_the_other_half_in_the_next_epoch():
    given, index, generator = inputs(Augmentation(flip=True)), torch.arange(40), torch.Generator().manual_seed(0)
    plain = pictures() / 255

    def mirrored(epoch: int) -> torch.Tensor:
        batch = given.training_batch(index, epoch, generator)
        kept = (batch == plain).all(dim=(1, 2, 3))
        assert torch.equal(batch[~kept], plain[~kept].flip(3))
        return ~kept

    first, second, third = mirrored(1), mirrored(2), mirrored(3)
    assert torch.equal(first, ~second)
    assert torch.equal(first, third)
    assert 8 < int(first.sum()) < 32


def test_erasing_comes_after_standardising_and_leaves_the_mean():
    given = ImageInputs(
        pictures(), torch.zeros(40), Standardise.given([0.5], [0.1]), Augmentation(erasing=1.0), torch.Generator()
    )
    batch = given.training_batch(torch.arange(40), 1, torch.Generator().manual_seed(0))
    changed = batch != (pictures() / 255 - 0.5) / 0.1
    assert (batch[changed] == 0).all()
    assert changed.any(dim=(1, 2, 3)).all()


def test_what_is_put_on_the_device_is_a_copy():
    X = np.zeros((2, 4, 5, 3), np.uint8)
    X.flags.writeable = False
    there = to_device(X, torch.device("cpu"))
    assert there.shape == (2, 3, 4, 5)
    there += 1
    assert X.sum() == 0


def test_large_images_are_averaged_down_and_small_ones_are_as_they_are():
    images = np.random.default_rng(0).integers(0, 256, (5, 96, 128, 3), dtype=np.uint8)
    small = averaged(images, 64)
    expected = np.rint(images.reshape(5, 48, 2, 64, 2, 3).mean(axis=(2, 4)))
    assert small.shape == (5, 48, 64, 3)
    assert np.abs(small - expected).max() <= 1  # Halves are rounded to the even number, or not.
    assert averaged(images, 128) is images
    assert averaged(np.full((1, 200, 3, 1), 7, np.uint8), 10).shape == (1, 10, 1, 1)


def test_sums_in_parts_are_sums(monkeypatch):
    images = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (50, 3, 8, 8), dtype=np.uint8))
    whole = Standardise.fitted(images)
    monkeypatch.setattr("cnn.inputs.AT_A_TIME", 7 * 192)
    parts = Standardise.fitted(images)
    assert torch.equal(whole.mean, parts.mean)
    assert torch.equal(whole.std, parts.std)
