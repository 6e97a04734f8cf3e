"""The training loop: data resident on the device, batches prepared whole, early stopping.

The learning rate rises and falls linearly over the epochs (a triangle). After each epoch the network, or
the running average of its weights, is scored on the validation images; the best epoch's weights are kept
and restored at the end.
"""

from __future__ import annotations

import copy
import dataclasses
import math
import time
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from benchmark.estimators.history import criterion
from cnn.devices import compiled, synchronize
from cnn.inputs import Inputs
from cnn.optimizers import OPTIMIZERS, learning_rate_factor, make_optimizers, set_learning_rate
from cnn.pruning import Pruning
from cnn.snapshots import Snapshots

EVALUATION_BATCH = 1000
LEAST_STEPS = 32  # In an epoch: where the images are fewer, it goes through them several times.
LIKE_SIDE = 28
AVERAGE_EVERY = 5  # Steps between updates of the running average: all of its use at a fifth of its cost.


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
    averaging: float = 0.0
    pruning: float = 0.0
    class_weight: str | None = None
    precision: torch.dtype = torch.float32
    evaluation_batch: int = EVALUATION_BATCH

    def __post_init__(self) -> None:
        if self.optimizer not in OPTIMIZERS:
            raise ValueError(f"optimizer must be one of {', '.join(OPTIMIZERS)}, got {self.optimizer!r}")
        if self.class_weight not in (None, "balanced"):
            raise ValueError(f"class_weight must be None or 'balanced', got {self.class_weight!r}")
        for name in ("epochs", "patience", "batch_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        for name in ("averaging", "label_smoothing", "pruning"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} must be in [0, 1), got {getattr(self, name)}")
        if not 0 < self.learning_rate < math.inf:
            raise ValueError(f"learning_rate must be above 0, got {self.learning_rate}")
        if not 0 <= self.weight_decay < math.inf:
            raise ValueError(f"weight_decay must be at least 0, got {self.weight_decay}")


def evaluation_batch(height: int, width: int, side: int = LIKE_SIDE) -> int:
    """Images to predict at a time: of those with more than ``side`` x ``side`` pixels, about as many pixels."""
    return max(1, min(EVALUATION_BATCH, EVALUATION_BATCH * side**2 // (height * width)))


@torch.inference_mode()
def predict_logits(
    network: nn.Module, inputs: Inputs, precision: torch.dtype = torch.float32, batch: int = EVALUATION_BATCH
) -> torch.Tensor:
    """Logits, float32 (n, n_classes), in evaluation mode, batch by batch."""
    network.eval()
    n, device = len(inputs.labels), inputs.labels.device
    with torch.autocast(device.type, dtype=precision, enabled=precision != torch.float32):
        batches = [network(inputs.batch(start, min(start + batch, n))) for start in range(0, n, batch)]
    return torch.cat(batches).float()


def class_weights(labels: torch.Tensor) -> torch.Tensor:
    """Weights of the classes (n_classes,) with which all weigh alike; their mean over the ``labels`` (n,) is 1."""
    counts = labels.bincount()
    return len(labels) / (len(counts) * counts.clamp_min(1)).float()


def scores(logits: torch.Tensor, labels: torch.Tensor, *, balanced: bool) -> dict[str, float]:
    """What an epoch's row says of the validation images; ``balanced``: the loss is that of classes that weigh alike."""
    right = logits.argmax(1) == labels
    found = {"validation_accuracy": int(right.sum()) / len(labels)}
    if not balanced:
        return {"validation_loss": float(functional.cross_entropy(logits, labels)), **found}
    counts = labels.bincount(minlength=logits.shape[1])
    recall = labels[right].bincount(minlength=logits.shape[1])[counts > 0] / counts[counts > 0]
    found["validation_balanced_accuracy"] = float(recall.mean())
    weights = 1 / counts.clamp_min(1).float()
    return {"validation_loss": float(functional.cross_entropy(logits, labels, weights)), **found}


class RunningAverage:
    """An exponential moving average of a network's weights and statistics.

    Early on, when there is little to average, the newest weights count more.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network = copy.deepcopy(network).eval()
        self._decay = decay**AVERAGE_EVERY
        self._updates = 0

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        self._updates += 1
        weight = max(1 - self._decay, 1 / (1 + self._updates))
        for average, newest in zip(self.network.state_dict().values(), network.state_dict().values(), strict=True):
            if average.is_floating_point():
                average.lerp_(newest, weight)
            else:
                average.copy_(newest)


class _Trainer:
    """What a training keeps from epoch to epoch: optimizers, the images to leave out, the running average.

    ``scored`` is the network to score after an epoch: the trained one, or the running average of its weights.
    """

    def __init__(self, network: nn.Module, recipe: Recipe, training: Inputs, generator: torch.Generator) -> None:
        n, device = len(training.labels), training.labels.device
        self._network, self._recipe, self._training, self._generator = network, recipe, training, generator
        self._batch_size = min(recipe.batch_size, n)
        self._passes = max(1, math.ceil(LEAST_STEPS * self._batch_size / n))  # Through all images, in an epoch.
        # Batches in an epoch; the rest is left out: one image breaks BatchNorm.
        self._whole = self._passes * n // self._batch_size
        self._weights = class_weights(training.labels) if recipe.class_weight else None
        self._pruning = Pruning(n, recipe.pruning, recipe.epochs, device)
        self._optimizers = make_optimizers(
            network, recipe.optimizer, recipe.learning_rate, recipe.weight_decay, recipe.precision
        )
        self._average = RunningAverage(network, recipe.averaging) if recipe.averaging else None
        self.scored = network if self._average is None else self._average.network
        self._forward = compiled(network, device)

    @property
    def learning_rate(self) -> float:
        """That of the last step."""
        return float(self._optimizers[0].param_groups[0]["lr"])

    def train_epoch(self, epoch: int) -> tuple[float, float, int]:
        """Train for one epoch, counted from 1; mean loss, accuracy in training mode, and number of images."""
        self._network.train()
        order = torch.cat([self._pruning.order(epoch, self._generator) for _ in range(self._passes)])
        batches = max(1, len(order) // self._batch_size)
        order = order[: batches * self._batch_size]
        loss_sum = torch.zeros((), device=order.device)
        hits = torch.zeros((), dtype=torch.int64, device=order.device)
        for number, index in enumerate(order.split(self._batch_size)):
            # An epoch takes its share of the schedule however many images it leaves out.
            done = (epoch - 1) * self._whole + number * self._whole / batches
            set_learning_rate(self._optimizers, learning_rate_factor(done, self._recipe.epochs * self._whole))
            loss, correct = self._step(index, epoch)
            if self._average is not None and (number % AVERAGE_EVERY == AVERAGE_EVERY - 1 or number == batches - 1):
                self._average.update(self._network)
            loss_sum += loss
            hits += correct
        synchronize(order.device)
        return float(loss_sum) / batches, int(hits) / len(order), len(order)

    def _step(self, index: torch.Tensor, epoch: int) -> tuple[torch.Tensor, torch.Tensor]:
        """One step on the images at ``index`` (batch,); loss and number of correct predictions, on the device."""
        recipe, labels = self._recipe, self._training.labels[index]
        inputs = self._training.training_batch(index, epoch, self._generator)
        with torch.autocast(labels.device.type, dtype=recipe.precision, enabled=recipe.precision != torch.float32):
            logits = self._forward(inputs)
        # The weights' mean over all training images is 1, so this is PyTorch's weighted mean, but of all batches alike.
        losses = functional.cross_entropy(
            logits.float(), labels, self._weights, label_smoothing=recipe.label_smoothing, reduction="none"
        )
        loss = self._pruning.mean(index, losses)
        for optimizer in self._optimizers:
            optimizer.zero_grad(set_to_none=True)
        loss.backward()
        for optimizer in self._optimizers:
            optimizer.step()
        return loss.detach(), (logits.detach().argmax(1) == labels).sum()


def train(
    network: nn.Module,
    recipe: Recipe,
    training: Inputs,
    validation: Inputs,
    generator: torch.Generator,
    on_epoch: Callable[[Mapping[str, Any]], None],
    snapshots: Snapshots | None = None,
) -> list[dict[str, Any]]:
    """Train ``network`` in place and leave it with the weights of its best validation epoch.

    The best epoch has the highest validation accuracy, or balanced accuracy where classes are weighted, ties going to
    the lower loss. Training stops early when ``patience`` epochs have brought no better one. ``snapshots`` gets the
    weights that were scored after every epoch.

    Returns
    -------
    list of dict
        One per epoch: ``epoch`` (from 1), ``train_loss``, ``train_accuracy`` (on the augmented batches, in
        training mode), ``validation_loss``, ``validation_accuracy``, ``learning_rate``, ``seconds`` and
        ``images_per_second`` (without validation); where classes are weighted, ``validation_balanced_accuracy`` too.
    """
    trainer = _Trainer(network, recipe, training, generator)
    scored = trainer.scored
    history: list[dict[str, Any]] = []
    best, best_state, best_epoch = (-1.0, 0.0), copy.deepcopy(scored.state_dict()), 0
    for epoch in range(1, recipe.epochs + 1):
        start = time.perf_counter()
        train_loss, train_accuracy, images = trainer.train_epoch(epoch)
        trained = time.perf_counter() - start
        logits = predict_logits(scored, validation, recipe.precision, recipe.evaluation_batch)
        row: dict[str, Any] = {
            "epoch": epoch,
            "train_loss": train_loss,
            "train_accuracy": train_accuracy,
            **scores(logits, validation.labels, balanced=recipe.class_weight is not None),
            "learning_rate": trainer.learning_rate,
            "seconds": time.perf_counter() - start,
            "images_per_second": images / trained,
        }
        history.append(row)
        if snapshots is not None:
            snapshots.add(scored)
        on_epoch(row)
        score = (criterion(row) or 0.0, -row["validation_loss"])
        if score > best:
            best, best_state, best_epoch = score, copy.deepcopy(scored.state_dict()), epoch
        elif epoch - best_epoch >= recipe.patience:
            break
    network.load_state_dict(best_state)
    return history
