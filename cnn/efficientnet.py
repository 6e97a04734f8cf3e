"""EfficientNet-Lite0: the architecture, into which published ImageNet weights are loaded.

Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", 2019, in the Lite variant of its
authors for devices without accelerators: ReLU6 for swish, no squeeze-and-excitation, stem and head not scaled.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

# Of each stage: blocks, kernel, stride of the first block, expansion of the channels inside a block, channels after it.
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
STEM, HEAD, CLASSES = 32, 1280, 1000


def _conv(inputs: int, outputs: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> nn.Sequential:
    """A convolution padded as TensorFlow's "same" pads even sides: with stride 2 one more pixel to the right and below.

    Odd sides get the same padding, not TensorFlow's, and are halved rounding down: 7 pixels become 3.
    """
    near = (kernel - stride) // 2
    pad = nn.ZeroPad2d((near, kernel - stride - near) * 2) if stride == 2 else nn.Identity()
    padding = 0 if stride == 2 else kernel // 2
    return nn.Sequential(pad, nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups, bias=False))


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


class Block(nn.Module):
    """An inverted residual block: expand the channels, filter each by itself, project them down."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        inside = inputs * expansion
        layers: list[nn.Module] = []
        if expansion > 1:
            layers += [_conv(inputs, inside), _norm(inside), nn.ReLU6(inplace=True)]
        layers += [_conv(inside, inside, kernel, stride, groups=inside), _norm(inside), nn.ReLU6(inplace=True)]
        self.layers = nn.Sequential(*layers, _conv(inside, outputs), _norm(outputs))
        self.skips = stride == 1 and inputs == outputs

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.layers(x)
        return out + x if self.skips else out


class EfficientNetLite0(nn.Module):
    """Takes standardised images (n, 3, h, w), returns logits (n, 1000) of the classes of ImageNet."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = _conv(3, STEM, kernel=3, stride=2)
        self.stem_norm = _norm(STEM)
        blocks, channels = [], STEM
        for count, kernel, stride, expansion, outputs in STAGES:
            for place in range(count):
                blocks.append(Block(channels, outputs, kernel, stride if place == 0 else 1, expansion))
                channels = outputs
        self.blocks = nn.Sequential(*blocks)
        self.head = _conv(channels, HEAD)
        self.head_norm = _norm(HEAD)
        self.classifier = nn.Linear(HEAD, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = nn.functional.relu6(self.stem_norm(self.stem(x)))
        x = nn.functional.relu6(self.head_norm(self.head(self.blocks(x))))
        logits: torch.Tensor = self.classifier(x.mean((2, 3)))
        return logits

    def load_published(self, weights: Mapping[str, torch.Tensor]) -> None:
        """Take over weights published under other names: they come in the order of the layers.

        Raises
        ------
        RuntimeError, ValueError
            If they are not as many, or not of these shapes.
        """
        self.load_state_dict(dict(zip(self.state_dict(), weights.values(), strict=True)))
