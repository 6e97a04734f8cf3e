"""Augmentation of whole batches, every image with its own random parameters.

torchvision's transforms draw one set of parameters a call, so that a resident batch would be rotated as
one. Here rotation, zoom, shift and flip of each image are composed into one affine map and the batch is
resampled once. The conventions are those of ``torchvision.transforms.v2.functional.affine``, against which
the tests hold this module.
"""

from __future__ import annotations

import dataclasses
import math

import torch
from torch.nn import functional


@dataclasses.dataclass(frozen=True)
class Draw:
    """The parameters drawn for a batch of n images, each a float32 tensor (n,).

    ``angle`` in radians, positive turning clockwise on the screen; ``zoom`` a factor above 0, larger than 1
    enlarging; ``shift_x`` and ``shift_y`` in pixels, positive to the right and down; ``flip`` is -1 where
    the image is mirrored left to right after all else, otherwise 1.
    """

    angle: torch.Tensor
    zoom: torch.Tensor
    shift_x: torch.Tensor
    shift_y: torch.Tensor
    flip: torch.Tensor


@dataclasses.dataclass(frozen=True, kw_only=True)
class Augmentation:
    """Ranges to draw from; zero (or False) switches a part off.

    Parameters
    ----------
    rotation_degrees : float
        Angles are uniform in [-rotation_degrees, rotation_degrees].
    zoom : float
        Factors are uniform in [1 - zoom, 1 + zoom]; in [0, 1).
    shift : float
        Shifts along x and y are uniform in [-shift, shift] times the width and the height; in [0, 1].
    flip : bool
        Mirror left to right with probability one half.
    """

    rotation_degrees: float = 0.0
    zoom: float = 0.0
    shift: float = 0.0
    flip: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.rotation_degrees <= 180:
            raise ValueError(f"rotation_degrees must be in [0, 180], got {self.rotation_degrees}")
        if not 0 <= self.zoom < 1:
            raise ValueError(f"zoom must be in [0, 1), got {self.zoom}")
        if not 0 <= self.shift <= 1:
            raise ValueError(f"shift must be in [0, 1], got {self.shift}")

    @property
    def enabled(self) -> bool:
        return self.flip or any((self.rotation_degrees, self.zoom, self.shift))

    def draw(self, images: torch.Tensor, generator: torch.Generator) -> Draw:
        """Draw parameters for ``images`` (n, c, h, w)."""
        n, _, height, width = images.shape
        uniform = torch.rand((5, n), generator=generator, device=images.device) * 2 - 1
        return Draw(
            angle=uniform[0] * math.radians(self.rotation_degrees),
            zoom=1 + uniform[1] * self.zoom,
            shift_x=uniform[2] * (self.shift * width),
            shift_y=uniform[3] * (self.shift * height),
            flip=torch.where(uniform[4] < 0, -1.0, 1.0) if self.flip else torch.ones_like(uniform[4]),
        )

    def __call__(self, images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Return ``images`` (float, (n, c, h, w)) augmented, in the same memory format; outside is zero."""
        if not self.enabled:
            return images
        return resample(images, self.draw(images, generator))


def resample(images: torch.Tensor, draw: Draw) -> torch.Tensor:
    """Apply ``draw`` to float ``images`` (n, c, h, w), bilinear, zero outside.

    Resampling asks where each output pixel comes from, so the map is inverted: undo the flip, then the
    shift, then rotate by ``-angle`` and divide by ``zoom``, about the image's centre. Coordinates are in
    pixels from the centre; ``affine_grid`` wants them as fractions of half the width and height.
    """
    n, _, height, width = images.shape
    cos, sin = torch.cos(draw.angle) / draw.zoom, torch.sin(draw.angle) / draw.zoom
    aspect = height / width
    theta = torch.empty((n, 2, 3), dtype=images.dtype, device=images.device)
    theta[:, 0, 0] = cos * draw.flip
    theta[:, 0, 1] = sin * aspect
    theta[:, 0, 2] = -(cos * draw.shift_x + sin * draw.shift_y) * (2 / width)
    theta[:, 1, 0] = -sin / aspect * draw.flip
    theta[:, 1, 1] = cos
    theta[:, 1, 2] = (sin * draw.shift_x - cos * draw.shift_y) * (2 / height)
    grid = functional.affine_grid(theta, list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
