"""The training loop: data resident on the device, batches gathered and augmented whole, early stopping.

The learning rate rises and falls linearly over the epochs (a triangle). After each epoch the network is
scored on the validation images; the weights of the best epoch are kept and restored at the end.
"""

from __future__ import annotations

import copy
import dataclasses
import time
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from cnn.augment import Augmentation

OPTIMIZERS = ("sgd", "adam")
PREDICT_BATCH = 1000


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recipe:
    """How to train; the meaning of each field is documented in :class:`cnn.classifier.CnnClassifier`."""

    epochs: int
    patience: int
    batch_size: int
    optimizer: str
    learning_rate: float
    weight_decay: float
    label_smoothing: float
    augmentation: Augmentation


@dataclasses.dataclass(frozen=True)
class Images:
    """Images and labels on the device: uint8 (n, c, h, w) and int64 (n,)."""

    images: torch.Tensor
    labels: torch.Tensor


@dataclasses.dataclass(frozen=True)
class Standardise:
    """Maps uint8 pixels to float32: divided by 255, then by channel minus ``mean``, over ``std``."""

    mean: torch.Tensor
    std: torch.Tensor

    @classmethod
    def fitted(cls, images: torch.Tensor) -> Standardise:
        """From the training images alone, uint8 (n, c, h, w). A constant channel is left unscaled."""
        # Exact integer sums: a float32 mean over tens of millions of pixels would drift.
        dims = (0, 2, 3)
        count = images.numel() // images.shape[1]
        total = images.sum(dims, dtype=torch.int64).double()
        squares = images.int().square().sum(dims, dtype=torch.int64).double()
        mean = total / count
        std = (squares / count - mean.square()).clamp_min(0).sqrt()
        std = torch.where(std > 0, std, 255.0)
        shape = (1, -1, 1, 1)
        return cls((mean / 255).float().view(shape), (std / 255).float().view(shape))

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        scaled = images.float().div_(255).sub_(self.mean).div_(self.std)
        return scaled.contiguous(memory_format=torch.channels_last)


def learning_rate_factor(step: int, steps: int, warmup: float = 0.2) -> float:
    """The triangle: up to 1 over the first ``warmup`` of the steps, then down to near 0 at the last."""
    peak = max(1.0, warmup * steps)
    return (step + 1) / peak if step + 1 < peak else max(0.0, (steps - step) / (steps - peak + 1))


def make_optimizer(network: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """SGD with Nesterov momentum 0.9, or AdamW; weight decay on matrices and filters only."""
    matrices = [p for p in network.parameters() if p.ndim > 1]
    vectors = [p for p in network.parameters() if p.ndim <= 1]
    groups = [
        {"params": matrices, "weight_decay": recipe.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    if recipe.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=recipe.learning_rate, momentum=0.9, nesterov=True)
    return torch.optim.AdamW(groups, lr=recipe.learning_rate)


@torch.inference_mode()
def predict_logits(network: nn.Module, standardise: Standardise, images: torch.Tensor) -> torch.Tensor:
    """Logits (n, n_classes) in evaluation mode, batch by batch."""
    network.eval()
    return torch.cat([network(standardise(batch)) for batch in images.split(PREDICT_BATCH)])


def train(
    network: nn.Module,
    recipe: Recipe,
    standardise: Standardise,
    training: Images,
    validation: Images,
    generator: torch.Generator,
    on_epoch: Callable[[Mapping[str, Any]], None],
) -> list[dict[str, Any]]:
    """Train ``network`` in place and leave it with the weights of its best validation epoch.

    The best epoch has the highest validation accuracy, ties going to the lower loss. Training stops early
    when ``patience`` epochs have brought no better one.

    Returns
    -------
    list of dict
        One an epoch: ``epoch`` (from 1), ``train_loss``, ``train_accuracy`` (on the augmented batches, in
        training mode), ``validation_loss``, ``validation_accuracy``, ``learning_rate`` and ``seconds``.
    """
    n = len(training.labels)
    batch_size = min(recipe.batch_size, n)
    batches = n // batch_size  # The rest of a shuffled epoch is left out: batches of one break BatchNorm.
    optimizer = make_optimizer(network, recipe)
    steps = recipe.epochs * batches
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: learning_rate_factor(step, steps))
    history: list[dict[str, Any]] = []
    best, best_state, best_epoch = (-1.0, 0.0), copy.deepcopy(network.state_dict()), 0

    for epoch in range(1, recipe.epochs + 1):
        start = time.perf_counter()
        network.train()
        order = torch.randperm(n, generator=generator, device=training.labels.device)
        loss_sum = torch.zeros((), device=training.labels.device)
        hits = torch.zeros((), dtype=torch.int64, device=training.labels.device)
        for batch in order[: batches * batch_size].split(batch_size):
            labels = training.labels[batch]
            images = recipe.augmentation(training.images[batch].float().div_(255), generator)
            images = images.sub_(standardise.mean).div_(standardise.std)
            logits = network(images.contiguous(memory_format=torch.channels_last))
            loss = functional.cross_entropy(logits, labels, label_smoothing=recipe.label_smoothing)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
            loss_sum += loss.detach()
            hits += (logits.detach().argmax(1) == labels).sum()
        logits = predict_logits(network, standardise, validation.images)
        row = {
            "epoch": epoch,
            "train_loss": float(loss_sum) / batches,
            "train_accuracy": int(hits) / (batches * batch_size),
            "validation_loss": float(functional.cross_entropy(logits, validation.labels)),
            "validation_accuracy": float((logits.argmax(1) == validation.labels).double().mean()),
            "learning_rate": float(optimizer.param_groups[0]["lr"]),
            "seconds": time.perf_counter() - start,
        }
        history.append(row)
        on_epoch(row)
        score = (row["validation_accuracy"], -row["validation_loss"])
        if score > best:
            best, best_state, best_epoch = score, copy.deepcopy(network.state_dict()), epoch
        elif epoch - best_epoch >= recipe.patience:
            break
    network.load_state_dict(best_state)
    return history
