from __future__ import annotations

import pytest
import torch
from torch import nn

from cnn.networks import NETWORKS, DeepCnn, SimpleCnn


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("shape", [(1, 28, 28), (1, 8, 8), (3, 32, 32), (3, 33, 17)])
def test_logits_have_a_row_an_image_and_a_column_a_class(name, shape):
    network = NETWORKS[name](*shape, n_classes=7, dropout=0.1).eval()
    assert network(torch.zeros((2, *shape))).shape == (2, 7)


def kinds(network: nn.Module) -> list[type[nn.Module]]:
    return [type(layer) for layer in network.modules()]


def test_simple_has_two_convolution_blocks_pooling_a_hidden_layer_and_dropout():
    found = kinds(SimpleCnn(1, 28, 28, 10, 0.25))
    assert found.count(nn.Conv2d) == 2
    assert found.count(nn.MaxPool2d) == 2
    assert found.count(nn.Linear) == 2
    assert found.count(nn.Dropout) == 1
    assert nn.BatchNorm2d not in found


def test_deep_is_deeper_and_normalised():
    found = kinds(DeepCnn(1, 28, 28, 10, 0.25))
    assert found.count(nn.Conv2d) == found.count(nn.BatchNorm2d) == 6
    assert found.count(nn.Dropout) == 1


@pytest.mark.parametrize("name", NETWORKS)
def test_dropout_is_set_by_its_parameter(name):
    network = NETWORKS[name](1, 28, 28, 10, 0.37)
    assert {layer.p for layer in network.modules() if isinstance(layer, nn.Dropout)} == {0.37}
