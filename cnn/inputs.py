"""What a network is fed: data resident on the device, whole batches prepared at once."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Protocol

import numpy as np
import torch
from torch.nn import functional

from cnn.augment import Augmentation

AT_A_TIME = 8_000_000  # Numbers.


class Inputs(Protocol):
    """Examples with labels, handed out in batches on the device."""

    @property
    def labels(self) -> torch.Tensor:
        """int64 (n,)."""

    def training_batch(self, index: torch.Tensor, epoch: int, generator: torch.Generator) -> torch.Tensor:
        """The examples at ``index``, augmented anew where they are augmented at all."""

    def batch(self, start: int, stop: int) -> torch.Tensor:
        """The examples from ``start`` to ``stop`` as they are."""


@dataclasses.dataclass(frozen=True)
class Standardise:
    """Maps pixels in [0, 1] to numbers around zero: by channel minus ``mean``, over ``std``."""

    mean: torch.Tensor
    std: torch.Tensor

    @classmethod
    def fitted(cls, images: torch.Tensor) -> Standardise:
        """From the training images alone, uint8 (n, c, h, w). A constant channel is left unscaled."""
        # Exact integer sums: a float32 mean over tens of millions of pixels would drift.
        dims = (0, 2, 3)
        count = images.numel() // images.shape[1]
        total = squares = torch.zeros(images.shape[1], dtype=torch.int64)
        # Sums are taken of copies of eight bytes a number.
        for part in images.split(max(1, AT_A_TIME // images[0].numel())):
            total = total + part.sum(dims, dtype=torch.int64)
            squares = squares + part.int().square().sum(dims, dtype=torch.int64)
        mean = total.double() / count
        std = (squares.double() / count - mean.square()).clamp_min(0).sqrt()
        std = torch.where(std > 0, std, 255.0)
        return cls.given((mean / 255).tolist(), (std / 255).tolist())

    @classmethod
    def given(cls, mean: list[float], std: list[float]) -> Standardise:
        """From numbers by channel."""
        shape = (1, -1, 1, 1)
        return cls(torch.tensor(mean).view(shape), torch.tensor(std).view(shape))

    def save_state(self) -> dict[str, np.ndarray]:
        """``mean`` and ``std`` by channel."""
        return {name: getattr(self, name).flatten().cpu().numpy() for name in ("mean", "std")}

    @classmethod
    def from_state(cls, arrays: Mapping[str, np.ndarray], channels: int) -> Standardise:
        """From what :meth:`save_state` returned; ValueError unless it has as many channels."""
        mean, std = arrays["mean"], arrays["std"]
        if (
            mean.shape != (channels,)
            or std.shape != (channels,)
            or not np.isfinite([mean, std]).all()
            or std.min() <= 0
        ):
            raise ValueError(f"mean and std must be numbers of {channels} channels, std above 0")
        return cls.given(mean.tolist(), std.tolist())

    def to(self, device: torch.device) -> Standardise:
        return Standardise(self.mean.to(device), self.std.to(device))

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """Standardise float ``images`` in place; channels_last, which convolutions on CPU and GPU prefer."""
        return images.sub_(self.mean).div_(self.std).contiguous(memory_format=torch.channels_last)


class ImageInputs:
    """Images, uint8 (n, c, h, w), divided by 255, augmented and standardised batch by batch."""

    def __init__(
        self,
        images: torch.Tensor,
        labels: torch.Tensor,
        standardise: Standardise,
        augmentation: Augmentation | None = None,
        generator: torch.Generator | None = None,
    ) -> None:
        self.images = images
        self.labels = labels
        self._standardise = standardise
        self._augmentation = augmentation or Augmentation()
        # Which half of the images is mirrored in even epochs; the other half is in odd ones. Where nothing
        # is augmented nothing is drawn: predicting leaves the global generator alone.
        self._parity = torch.zeros(len(labels), dtype=torch.bool, device=images.device)
        if self._augmentation.flip:
            self._parity = torch.rand(len(labels), generator=generator, device=images.device) < 0.5

    def training_batch(self, index: torch.Tensor, epoch: int, generator: torch.Generator) -> torch.Tensor:
        images = self.images[index].float().div_(255)
        mirrored = self._parity[index] ^ (epoch % 2 == 1)
        images = self._augmentation(images, generator, mirrored)
        return self._augmentation.erase(self._standardise(images), generator)

    def batch(self, start: int, stop: int) -> torch.Tensor:
        return self._standardise(self.images[start:stop].float().div_(255))


@dataclasses.dataclass(frozen=True)
class FeatureInputs:
    """Features, float32 (n, d), as they are."""

    features: torch.Tensor
    labels: torch.Tensor

    def training_batch(self, index: torch.Tensor, epoch: int, generator: torch.Generator) -> torch.Tensor:
        return self.features[index]

    def batch(self, start: int, stop: int) -> torch.Tensor:
        return self.features[start:stop]


def averaged_size(height: int, width: int, most: int) -> tuple[int, int]:
    """Height and width, in the same ratio, with a longer side of at most ``most`` pixels."""
    longer = max(height, width)
    if longer <= most:
        return height, width
    return max(1, round(height * most / longer)), max(1, round(width * most / longer))


def averaged(X: np.ndarray, most: int) -> np.ndarray:
    """Images uint8 (n, h, w, c) with a longer side of at most ``most`` pixels, by averaging areas."""
    size = averaged_size(X.shape[1], X.shape[2], most)
    if size == X.shape[1:3]:
        return X
    small = np.empty((len(X), *size, X.shape[3]), dtype=np.uint8)
    step = max(1, AT_A_TIME // X[0].size)
    for start in range(0, len(X), step):
        part = torch.from_numpy(np.array(X[start : start + step])).permute(0, 3, 1, 2).float()
        means = functional.interpolate(part, size, mode="area").round_()
        small[start : start + step] = means.byte().permute(0, 2, 3, 1).numpy()
    return small


def check_images(X: np.ndarray) -> None:
    """Raise ValueError unless ``X`` is uint8 (n, h, w, c) with n > 0."""
    if X.ndim != 4 or X.dtype != np.uint8:
        raise ValueError(f"images must be uint8 (n, h, w, c), got {X.dtype} {X.shape}")
    if len(X) == 0:
        raise ValueError("no images were given")


def check_fit(X: np.ndarray, y: np.ndarray, X_val: np.ndarray, y_val: np.ndarray) -> None:
    """Raise ValueError unless training and validation images belong together and to their labels."""
    check_images(X)
    check_images(X_val)
    if X.shape[1:] != X_val.shape[1:]:
        raise ValueError(f"X has images of shape {X.shape[1:]}, X_val of {X_val.shape[1:]}")
    if len(X) != len(y) or len(X_val) != len(y_val):
        raise ValueError("as many labels as images are needed")
    if not np.isin(y_val, y).all():
        raise ValueError("y_val has a class that y does not have")


def to_device(X: np.ndarray, device: torch.device) -> torch.Tensor:
    """uint8 (n, h, w, c) as a tensor (n, c, h, w) on the device.

    np.array copies: memory-mapped arrays are read-only, which torch must not be given.
    """
    return torch.from_numpy(np.array(X)).permute(0, 3, 1, 2).contiguous().to(device)
