"""How fast a network is trained here, in the precision that it would have: what estimates of time are scaled by."""

from __future__ import annotations

import math
import time

import torch
from torch.nn import functional

from cnn.devices import choose_device, choose_precision, synchronize
from cnn.networks import NETWORKS
from cnn.optimizers import make_optimizers

BATCH, SIDE, CLASSES = 128, 28, 10
MOST_STEPS, ENOUGH_SECONDS = 12, 1.0


def training_speed(device: str = "auto", precision: str = "auto", threads: int | None = None) -> tuple[str, float]:
    """Precision of a network's arithmetic here, and images a second in training, by the fastest of several steps.

    The network is that of ``cnn-augmented``, without augmentation, images are of 28 x 28 pixels, batches of 128.
    """
    if threads is not None:
        torch.set_num_threads(threads)
    place = choose_device(device)
    dtype = choose_precision(precision, place)
    network = NETWORKS["deep"](1, SIDE, SIDE, CLASSES, 0.1).to(place).to(memory_format=torch.channels_last)
    optimizers = make_optimizers(network, "muon", 0.02, 5e-4, dtype)
    images = torch.rand(BATCH, 1, SIDE, SIDE, device=place)
    labels = torch.arange(BATCH, device=place) % CLASSES
    first, best = time.perf_counter(), math.inf
    for step in range(MOST_STEPS):
        start = time.perf_counter()
        with torch.autocast(place.type, dtype=dtype, enabled=dtype != torch.float32):
            logits = network(images)
        for optimizer in optimizers:
            optimizer.zero_grad(set_to_none=True)
        functional.cross_entropy(logits.float(), labels).backward()
        for optimizer in optimizers:
            optimizer.step()
        synchronize(place)
        now = time.perf_counter()
        best = min(best, now - start)
        if step >= 2 and now - first > ENOUGH_SECONDS:
            break
    return str(dtype).removeprefix("torch."), BATCH / best
