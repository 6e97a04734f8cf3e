"""Augmentation of whole batches, every image with its own random parameters.

torchvision's transforms draw one set of parameters per call, so that a resident batch would be rotated as
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
        Mirror left to right: the images that the caller names, or each with probability one half.
    erasing : float
        Probability with which a rectangle of an image is erased; in [0, 1].
    """

    rotation_degrees: float = 0.0
    zoom: float = 0.0
    shift: float = 0.0
    flip: bool = False
    erasing: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.erasing <= 1:
            raise ValueError(f"erasing must be in [0, 1], got {self.erasing}")
        if not 0 <= self.rotation_degrees <= 180:
            raise ValueError(f"rotation_degrees must be in [0, 180], got {self.rotation_degrees}")
        if not 0 <= self.zoom < 1:
            raise ValueError(f"zoom must be in [0, 1), got {self.zoom}")
        if not 0 <= self.shift <= 1:
            raise ValueError(f"shift must be in [0, 1], got {self.shift}")

    def draw(self, images: torch.Tensor, generator: torch.Generator, mirrored: torch.Tensor | None = None) -> Draw:
        """Draw parameters for ``images`` (n, c, h, w); ``mirrored`` (n,) says which to mirror."""
        n, _, height, width = images.shape
        uniform = torch.rand((5, n), generator=generator, device=images.device) * 2 - 1
        mirrored = uniform[4] < 0 if mirrored is None else mirrored
        return Draw(
            angle=uniform[0] * math.radians(self.rotation_degrees),
            zoom=1 + uniform[1] * self.zoom,
            shift_x=uniform[2] * (self.shift * width),
            shift_y=uniform[3] * (self.shift * height),
            flip=torch.where(mirrored, -1.0, 1.0) if self.flip else torch.ones_like(uniform[4]),
        )

    def __call__(
        self, images: torch.Tensor, generator: torch.Generator, mirrored: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Return float ``images`` (n, c, h, w) rotated, zoomed, shifted and mirrored; outside is zero."""
        if any((self.rotation_degrees, self.zoom, self.shift)):
            return resample(images, self.draw(images, generator, mirrored))
        if not self.flip:
            return images
        flip = self.draw(images, generator, mirrored).flip
        return torch.where((flip < 0).view(-1, 1, 1, 1), images.flip(3), images)

    def erase(self, images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Set a rectangle of some standardised ``images`` (n, c, h, w) to zero, the mean pixel.

        Area and shape are those of Zhong et al., "Random Erasing Data Augmentation", 2017: 2 to 40 % of
        the image, sides in a ratio of 0.3 to 3.3.
        """
        if not self.erasing:
            return images
        n, _, height, width = images.shape
        chance = torch.rand((5, n), generator=generator, device=images.device)
        area = (0.02 + 0.38 * chance[1]) * (height * width)
        ratio = torch.exp((2 * chance[2] - 1) * math.log(1 / 0.3))
        tall = (area * ratio).sqrt().clamp(max=height).round()
        wide = (area / ratio).sqrt().clamp(max=width).round()
        rows = _inside(height, tall, chance[3]) & (chance[0] < self.erasing).unsqueeze(1)
        columns = _inside(width, wide, chance[4])
        return images.masked_fill((rows.unsqueeze(2) & columns.unsqueeze(1)).unsqueeze(1), 0.0)


def _inside(size: int, length: torch.Tensor, where: torch.Tensor) -> torch.Tensor:
    """Which of ``size`` places lie in a stretch of ``length``, placed by ``where`` in [0, 1): bool (n, size)."""
    start = (where * (size - length + 1)).floor()
    places = torch.arange(size, device=length.device)
    return (places >= start.unsqueeze(1)) & (places < (start + length).unsqueeze(1))


def resample(images: torch.Tensor, draw: Draw) -> torch.Tensor:
    """Apply ``draw`` to float ``images`` (n, c, h, w), bilinear, zero outside.

    Resampling asks where each output pixel comes from, so the map is inverted: undo the flip, then the
    shift, then rotate by ``-angle`` and divide by ``zoom``, about the image's centre. Draws are in pixels
    from the centre; ``grid_sample`` wants fractions of half the width and height. The grid is what
    ``affine_grid`` computes, for less: along a row and along a column it is a straight line.
    """
    n, _, height, width = images.shape
    cos, sin = torch.cos(draw.angle) / draw.zoom, torch.sin(draw.angle) / draw.zoom
    aspect = height / width
    x, y = (torch.arange(1 - size, size, 2, device=images.device) / size for size in (width, height))
    offset_x = (cos * draw.shift_x + sin * draw.shift_y) * (2 / width)
    offset_y = (sin * draw.shift_x - cos * draw.shift_y) * (2 / height)
    grid = torch.empty((n, height, width, 2), dtype=images.dtype, device=images.device)
    across, down = _outer(cos * draw.flip, x), _outer(sin * aspect, y) - offset_x.unsqueeze(1)
    torch.add(across.unsqueeze(1), down.unsqueeze(2), out=grid[..., 0])
    across, down = _outer(-sin / aspect * draw.flip, x), _outer(cos, y) + offset_y.unsqueeze(1)
    torch.add(across.unsqueeze(1), down.unsqueeze(2), out=grid[..., 1])
    return functional.grid_sample(images, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def _outer(by_image: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
    """Products (n, size) of a factor per image and the coordinates along one axis."""
    return by_image.unsqueeze(1) * places
