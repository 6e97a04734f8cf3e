"""Which images an epoch leaves out: half of those that the network has learnt, the others weighing double.

Qin et al., "InfoBatch: Lossless Training Speed Up by Unbiased Dynamic Data Pruning", 2024: an image whose
latest loss lies below the mean may be left out; those of them that stay count for the ones that go, so that
the expected gradient is that of all images.
"""

from __future__ import annotations

import math

import torch

WHOLE = 1 / 8  # The share of the epochs, at the end, that leave nothing out, as in the paper.


class Pruning:
    """Remembers the latest loss of every image and chooses the images of an epoch.

    Parameters
    ----------
    n : int
        Images there are.
    share : float
        In [0, 1): of the images that may be left out, how many are. 0 leaves out none and draws nothing.
    epochs : int
        Of the whole training.
    device : torch.device
    """

    def __init__(self, n: int, share: float, epochs: int, device: torch.device) -> None:
        self._share = share
        self._last = epochs - math.ceil(epochs * WHOLE)
        self._losses = torch.full((n,), math.inf, device=device)
        self._weights: torch.Tensor | None = None

    def order(self, epoch: int, generator: torch.Generator) -> torch.Tensor:
        """The images of an epoch (from 1) in random order: int64, at most (n,)."""
        n, device = len(self._losses), self._losses.device
        self._weights = None
        if self._share and 1 < epoch <= self._last:
            known = self._losses.isfinite()  # Not those that the rest of a shuffled epoch has left out so far.
            learnt = self._losses < self._losses[known].mean()
            chance = torch.rand(n, generator=generator, device=device)
            kept = torch.nonzero(~learnt | (chance >= self._share)).squeeze(1)
            self._weights = torch.where(learnt, 1 / (1 - self._share), 1.0)
            return kept[torch.randperm(len(kept), generator=generator, device=device)]
        return torch.randperm(n, generator=generator, device=device)

    def mean(self, index: torch.Tensor, losses: torch.Tensor) -> torch.Tensor:
        """The mean of a batch's ``losses`` (b,), weighted; they are remembered for the images ``index``."""
        self._losses[index] = losses.detach()
        return (losses if self._weights is None else losses * self._weights[index]).mean()
