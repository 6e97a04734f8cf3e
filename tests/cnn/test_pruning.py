"""Which images an epoch leaves out, and that the gradient is expected to be that of all."""

from __future__ import annotations

import pytest
import torch

from cnn.pruning import Pruning

N = 1000


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def learnt(share: float = 0.5, epochs: int = 16, n: int = N) -> Pruning:
    """The first half of the images has a loss of 1, the other half of 3."""
    pruning = Pruning(n, share, epochs, torch.device("cpu"))
    pruning.order(1, generator())
    pruning.mean(torch.arange(n), torch.where(torch.arange(n) < n // 2, 1.0, 3.0))
    return pruning


def test_half_of_what_is_learnt_is_left_out():
    order = learnt().order(2, generator())
    easy = int((order < N // 2).sum())
    assert 200 < easy < 300
    assert len(order) - easy == N // 2
    assert len(order.unique()) == len(order)
    assert not torch.equal(order, order.sort().values)


def test_the_weighted_mean_is_expected_to_be_that_of_all_images():
    losses = torch.where(torch.arange(N) < N // 2, 1.0, 3.0)
    totals = []
    for seed in range(50):
        pruning = learnt()
        order = pruning.order(2, generator(seed))
        totals.append(float(pruning.mean(order, losses[order])) * len(order))
    assert sum(totals) / 50 == pytest.approx(float(losses.sum()), rel=0.02)


@pytest.mark.parametrize("epoch", [1, 15, 16])
def test_the_first_epoch_and_the_last_eighth_are_whole(epoch):
    pruning = learnt()
    assert len(pruning.order(epoch, generator())) == N
    losses = torch.arange(8.0)
    assert pruning.mean(torch.arange(8), losses) == losses.mean()


def test_the_epoch_before_the_last_eighth_is_not():
    assert len(learnt().order(14, generator())) < N


def test_what_has_become_hard_comes_back():
    pruning = learnt()
    pruning.order(2, generator())
    pruning.mean(torch.arange(N), torch.where(torch.arange(N) < N // 2, 5.0, 0.5))
    order = pruning.order(3, generator())
    assert int((order < N // 2).sum()) == N // 2


def test_images_that_were_never_seen_stay():
    """The rest of a shuffled epoch, which fills no batch, has no loss yet."""
    pruning = Pruning(N, 0.5, 16, torch.device("cpu"))
    pruning.order(1, generator())
    pruning.mean(torch.arange(N - 10), torch.linspace(0, 1, N - 10))
    order = pruning.order(2, generator())
    assert len(order) < N
    assert set(range(N - 10, N)) <= set(order.tolist())


def test_without_pruning_the_order_is_a_plain_permutation():
    pruning = Pruning(N, 0.0, 16, torch.device("cpu"))
    for epoch in (1, 2, 3):
        assert torch.equal(pruning.order(epoch, generator(epoch)), torch.randperm(N, generator=generator(epoch)))
