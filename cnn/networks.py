"""The architectures: modules only, no training.

Every network takes float32 (n, channels, height, width) and returns logits (n, n_classes).
"""

from __future__ import annotations

import torch
from torch import nn


class ImageNetwork(nn.Module):
    """A network for images of any size from ``smallest_side`` pixels a side: features, then a head."""

    smallest_side: int
    features: nn.Module
    head: nn.Module

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.head(self.features(x))
        return logits


class Mlp(ImageNetwork):
    """Two hidden fully connected layers with batch normalisation and dropout: no convolution at all."""

    smallest_side = 1

    def __init__(self, channels: int, height: int, width: int, n_classes: int, dropout: float) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Flatten()]
        inputs = channels * height * width
        for outputs in (512, 256):
            layers += [
                nn.Linear(inputs, outputs, bias=False),
                nn.BatchNorm1d(outputs),
                nn.ReLU(inplace=True),
                nn.Dropout(dropout),
            ]
            inputs = outputs
        self.features = nn.Sequential(*layers)
        self.head = nn.Linear(inputs, n_classes)


class SimpleCnn(ImageNetwork):
    """Two convolution blocks, then one hidden fully connected layer with dropout.

    A block is a 3x3 convolution, ReLU and 2x2 max-pooling; the widths are 32 and 64. Pooling comes before
    the activation: the result is the same, since ReLU is monotonic, for a quarter of its work.
    """

    smallest_side = 4

    def __init__(self, channels: int, height: int, width: int, n_classes: int, dropout: float) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(channels, 32, kernel_size=3, padding=1),
            nn.MaxPool2d(2),
            nn.ReLU(inplace=True),
            nn.Conv2d(32, 64, kernel_size=3, padding=1),
            nn.MaxPool2d(2),
            nn.ReLU(inplace=True),
        )
        self.head = nn.Sequential(
            nn.Flatten(),
            nn.Linear(64 * (height // 4) * (width // 4), 128),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(128, n_classes),
        )


def _block(inputs: int, outputs: int, *, pool: bool = False) -> list[nn.Module]:
    layers: list[nn.Module] = [nn.Conv2d(inputs, outputs, kernel_size=3, padding=1, bias=False)]
    if pool:
        layers.append(nn.MaxPool2d(2))
    return [*layers, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]


class DeepCnn(ImageNetwork):
    """Six convolution blocks with batch normalisation, pooling after the first, third and fifth.

    Convolution, optional 2x2 max-pooling, batch normalisation, ReLU; widths 32, 64, 64, 128, 128, 256. The
    mean of each of the last maps is dropped out and classified by a fully connected layer.
    """

    smallest_side = 8

    def __init__(self, channels: int, height: int, width: int, n_classes: int, dropout: float) -> None:
        super().__init__()
        self.features = nn.Sequential(
            *_block(channels, 32, pool=True),
            *_block(32, 64),
            *_block(64, 64, pool=True),
            *_block(64, 128),
            *_block(128, 128, pool=True),
            *_block(128, 256),
        )
        self.head = nn.Sequential(Mean(), nn.Dropout(dropout), nn.Linear(256, n_classes))


class Residual(nn.Module):
    """A block of as many maps as it gets, added to what came in (He et al., "Deep Residual Learning", 2016)."""

    def __init__(self, width: int, *, pool: bool = False) -> None:
        super().__init__()
        self.block = nn.Sequential(*_block(width, width, pool=pool))
        self.skip = nn.MaxPool2d(2) if pool else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        added: torch.Tensor = self.skip(x) + self.block(x)
        return added


class ResNet(ImageNetwork):
    """The blocks of :class:`DeepCnn`, residual where a block keeps the number of maps, and one more at the end.

    Deeper and wider forms were tried: in the minutes that there are, more epochs are worth more than more
    layers (docs/decisions/0003).
    """

    smallest_side = 8

    def __init__(self, channels: int, height: int, width: int, n_classes: int, dropout: float) -> None:
        super().__init__()
        self.features = nn.Sequential(
            *_block(channels, 32, pool=True),
            *_block(32, 64),
            Residual(64, pool=True),
            *_block(64, 128),
            Residual(128, pool=True),
            *_block(128, 256),
            Residual(256),
        )
        self.head = nn.Sequential(Mean(), nn.Dropout(dropout), nn.Linear(256, n_classes))


class Mean(nn.Module):
    """The mean of each map: unlike adaptive pooling it has deterministic gradients on CUDA.

    Taken over channels_last rows, so that the gradient is channels_last too and convolutions need not copy it.
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.permute(0, 2, 3, 1).flatten(1, 2).mean(1)


NETWORKS: dict[str, type[ImageNetwork]] = {"mlp": Mlp, "simple": SimpleCnn, "deep": DeepCnn, "resnet": ResNet}
