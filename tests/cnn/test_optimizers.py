from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from cnn.optimizers import (
    MUON_GROUP,
    Muon,
    learning_rate_factor,
    make_optimizers,
    orthogonalise,
    set_learning_rate,
)


def test_the_learning_rate_is_a_triangle():
    steps = 100
    factors = [learning_rate_factor(step, steps) for step in range(steps)]
    peak = factors.index(max(factors))
    assert max(factors) == pytest.approx(1.0)
    assert factors[: peak + 1] == sorted(factors[: peak + 1])
    assert factors[peak:] == sorted(factors[peak:], reverse=True)
    assert 0 < factors[-1] < 0.05
    assert 0 < factors[0] <= 0.06
    assert all(factor > 0 for factor in factors)


@pytest.mark.parametrize("steps", [1, 2, 3, 5])
def test_short_schedules_have_a_step_that_moves(steps):
    assert max(learning_rate_factor(step, steps) for step in range(steps)) > 0.3


def small() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.Conv2d(4, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 2))


@pytest.mark.parametrize("name", ["sgd", "adam"])
def test_weight_decay_spares_biases_and_scales(name):
    (optimizer,) = make_optimizers(small(), name, 0.1, weight_decay=0.1)
    decayed, spared = optimizer.param_groups
    assert decayed["weight_decay"] == 0.1
    assert all(p.ndim > 1 for p in decayed["params"])
    assert spared["weight_decay"] == 0
    assert len(spared["params"]) == 5


def test_muon_takes_the_filters_that_have_several_inputs_and_sgd_the_rest():
    network = small()
    muon, sgd = make_optimizers(network, "muon", 0.1, weight_decay=0.1)
    assert [p is network[1].weight for p in muon.param_groups[0]["params"]] == [True]
    every = [p for optimizer in (muon, sgd) for group in optimizer.param_groups for p in group["params"]]
    assert {id(p) for p in every} == {id(p) for p in network.parameters()}
    assert len(every) == len(set(map(id, every)))


def test_without_such_filters_muon_is_sgd_alone():
    (sgd,) = make_optimizers(nn.Linear(3, 2), "muon", 0.1, weight_decay=0.0)
    assert isinstance(sgd, torch.optim.SGD)


@settings(max_examples=25, deadline=None)
@given(rows=st.integers(2, 40), columns=st.integers(2, 40), scale=st.floats(1e-3, 1e3), seed=st.integers(0, 1000))
def test_orthogonalised_matrices_have_singular_values_near_one(rows, columns, scale, seed):
    """Those that were not tiny beside the largest: three iterations do not lift the others all the way."""
    matrix = torch.randn((rows, columns), generator=torch.Generator().manual_seed(seed)) * scale
    u, s, v = torch.linalg.svd(matrix, full_matrices=False)
    matrix = u @ torch.diag(s.clamp_min(0.3 * s.max())) @ v
    found = torch.linalg.svdvals(orthogonalise(matrix))
    assert found.max() < 1.35
    assert found.min() > 0.3


@pytest.mark.parametrize(("precision", "tolerance"), [(torch.float32, 1e-4), (torch.bfloat16, 0.03)])
@pytest.mark.parametrize("shape", [(8, 30), (30, 8), (16, 16)])
def test_it_is_the_iteration_step_by_step(shape, precision, tolerance):
    """Against the plain form, in double precision."""
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    x = matrix.double() / matrix.double().norm()
    x = x if shape[0] <= shape[1] else x.T
    for _ in range(3):
        a = x @ x.T
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    expected = (x if shape[0] <= shape[1] else x.T).float()
    torch.testing.assert_close(orthogonalise(matrix, precision), expected, atol=tolerance, rtol=tolerance)


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize(("inputs", "outputs"), [(4, 6), (2, 40)])  # One filter matrix is wide, one is tall.
def test_muon_keeps_the_norm_of_a_layer_and_goes_down_hill(memory_format, inputs, outputs):
    torch.manual_seed(0)
    layer = nn.Conv2d(inputs, outputs, 3, bias=False).to(memory_format=memory_format)
    target = torch.randn_like(layer.weight)
    optimizer = Muon([layer.weight], lr=0.05)
    losses = []
    for _ in range(30):
        loss = -(layer.weight * target).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] - 5
    assert layer.weight.norm().item() == pytest.approx(outputs**0.5, rel=0.1)


def test_a_wide_layer_is_orthogonalised_in_groups_of_filters():
    torch.manual_seed(0)
    weight = nn.Parameter(torch.randn(2 * MUON_GROUP, 3, 3, 3))
    weight.grad = torch.randn_like(weight)
    before = weight.detach() * (len(weight) ** 0.5 / weight.norm().item())
    Muon([weight], lr=1.0).step()
    step = (before - weight.detach()).permute(0, 2, 3, 1).reshape(len(weight), -1)
    gradient = weight.grad.permute(0, 2, 3, 1).reshape(len(weight), -1)
    for half in (slice(0, MUON_GROUP), slice(MUON_GROUP, None)):
        torch.testing.assert_close(step[half], orthogonalise(1.9 * gradient[half]), atol=1e-3, rtol=1e-3)


def test_rates_are_set_as_multiples_of_those_at_the_start():
    muon, sgd = make_optimizers(small(), "muon", 0.1, weight_decay=0.1)
    for factor in (0.5, 0.2):
        set_learning_rate([muon, sgd], factor)
    assert [group["lr"] for group in (*muon.param_groups, *sgd.param_groups)] == pytest.approx([0.02, 0.05, 0.05])
