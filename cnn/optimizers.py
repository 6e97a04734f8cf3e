"""Optimisers and the learning rate's schedule."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn

OPTIMIZERS = ("sgd", "adam", "muon")
VECTOR_RATE = 5 / 2  # The rate of SGD for what Muon does not train, as a multiple of Muon's own.
MUON_GROUP = 128  # Filters orthogonalised together: the work grows with the cube of their number.


def learning_rate_factor(step: float, steps: int, warmup: float = 0.2) -> float:
    """The triangle: up to 1 over the first ``warmup`` of the steps, then down to near 0 at the last."""
    peak = max(1.0, warmup * steps)
    return (step + 1) / peak if step + 1 < peak else max(0.0, (steps - step) / (steps - peak + 1))


def set_learning_rate(optimizers: Iterable[torch.optim.Optimizer], factor: float) -> None:
    """Set the rate of every group to ``factor`` times the rate that it was made with."""
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["lr"] = group.setdefault("initial_lr", group["lr"]) * factor


class Muon(torch.optim.Optimizer):
    """Momentum whose direction is orthogonalised: Muon, for the filters of convolutions.

    Keller Jordan, "Muon: An optimizer for hidden layers in neural networks", 2024. As in his CIFAR-10
    speed runs the filters of a layer are kept at a fixed norm, which takes the place of weight decay: the
    rate is then the relative size of a step.
    """

    def __init__(
        self, params: Iterable[nn.Parameter], lr: float, momentum: float = 0.9, precision: torch.dtype = torch.float32
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum})
        self._precision = precision

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state["momentum"] = torch.zeros_like(p)
                buffer = state["momentum"].mul_(group["momentum"]).add_(p.grad)
                direction: torch.Tensor = p.grad.add(buffer, alpha=group["momentum"])
                p.mul_(len(p) ** 0.5 / p.norm())
                # A row a filter; in this order of the columns channels_last filters need no copying.
                last = direction.permute(0, 2, 3, 1)
                groups = last.reshape(len(p), -1).split(MUON_GROUP)
                step = torch.cat([orthogonalise(group, self._precision) for group in groups]).reshape(last.shape)
                p.add_(step.permute(0, 3, 1, 2), alpha=-group["lr"])


def orthogonalise(matrix: torch.Tensor, precision: torch.dtype = torch.float32, steps: int = 3) -> torch.Tensor:
    """Bring the singular values of ``matrix`` near 1 by Newton-Schulz iterations.

    The coefficients are Jordan's: they make the iteration fast, not exact; singular values end between
    about 0.7 and 1.2. Every iterate is a polynomial of A = X X^T times X, and these polynomials commute, so
    that only the small square matrix need be iterated (in float32) and the long one is multiplied twice
    (in ``precision``) instead of in every step.
    """
    wide = matrix.shape[0] <= matrix.shape[1]
    x: torch.Tensor = (matrix if wide else matrix.T).to(precision)
    x = x / (x.norm() + 1e-7)
    a = (x @ x.T).float()
    identity = torch.eye(len(a), device=a.device)
    product = identity
    for step in range(steps):
        factor = torch.add(3.4445 * identity, a, alpha=-4.7750).add_(a @ a, alpha=2.0315)
        product = factor @ product if step else factor
        if step < steps - 1:
            a = factor @ (a @ factor)
    x = product.to(precision) @ x
    return (x if wide else x.T).to(matrix.dtype)


def make_optimizers(
    network: nn.Module,
    name: str,
    learning_rate: float,
    weight_decay: float,
    precision: torch.dtype = torch.float32,
) -> list[torch.optim.Optimizer]:
    """SGD with Nesterov momentum 0.9, AdamW, or Muon for filters beside SGD for the rest.

    Weight decay acts on filters and matrices only, not on biases and scales. ``precision`` is that of Muon's
    large products.
    """
    trained = [p for p in network.parameters() if p.requires_grad]
    filters = [p for p in trained if p.ndim == 4 and p.shape[1] > 1] if name == "muon" else []
    taken = {id(p) for p in filters}
    groups = [
        {"params": [p for p in trained if p.ndim > 1 and id(p) not in taken], "weight_decay": weight_decay},
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
    ]
    if name == "adam":
        return [torch.optim.AdamW(groups, lr=learning_rate)]
    rate = learning_rate if name == "sgd" or not filters else learning_rate * VECTOR_RATE
    sgd = torch.optim.SGD(groups, lr=rate, momentum=0.9, nesterov=True)
    return [Muon(filters, lr=learning_rate, precision=precision), sgd] if filters else [sgd]
