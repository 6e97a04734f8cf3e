"""The networks that come with the suite."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from typing import Any

from benchmark.specs import Facts, ModelSpec

# A mirrored digit or character is another one, or none.
UNMIRRORED: dict[str, dict[str, Any]] = {
    name: {"flip": False, "views": "one"} for name in ("digits", "mnist", "kmnist")
}
# An epoch goes through so few images several times.
FEW: dict[str, dict[str, Any]] = {"digits": {"epochs": 6}}
UNMIRRORED["digits"] |= FEW["digits"]

LEAST_BATCH, FEWEST_STEPS, MOST_LONGER = 32, 2000, 3
MOST_RESOLUTION = 224


def adapt(facts: Facts, params: Mapping[str, Any]) -> dict[str, Any]:
    """Keywords of a network that follow the images: of few, fewer per step and more epochs; no mirroring if that is not
    wanted.

    A network needs about FEWEST_STEPS steps, however few the images are; docs/decisions/0012 has what was measured.
    """
    batch = min(params["batch_size"], max(LEAST_BATCH, 2 ** round(math.log2(max(facts.train_size, 1) / 32))))
    steps = max(32, facts.train_size // batch)  # In an epoch: cnn.training goes through few images several times.
    longer = min(max(1.0, FEWEST_STEPS / (steps * params["epochs"])), MOST_LONGER)
    changes = {"batch_size": batch, "epochs": round(longer * params["epochs"])}
    changes["patience"] = round(longer * params["patience"])
    if not facts.mirror and params.get("flip"):
        changes |= {"flip": False, "views": "one"}
    return changes


def adapt_transfer(facts: Facts, params: Mapping[str, Any]) -> dict[str, Any]:
    """The resolution of a pre-trained network follows that of the images."""
    side = max(facts.height, facts.width)
    return {"resolution": min(max(params["resolution"], 32 * math.ceil(side / 32)), MOST_RESOLUTION)}


Network = functools.partial(
    ModelSpec,
    family="network",
    preload=True,
    inputs="images",
    validates=True,
    stochastic=True,
    adapt="cnn.catalog:adapt",
    weighs=True,
)

MODELS = (
    Network(
        name="mlp",
        colour="#B8860B",
        marker="d",
        build="cnn.classifier:CnnClassifier",
        description="two hidden fully connected layers, batch normalisation, dropout; no convolution",
        convolutional=False,
        params={
            "network": "mlp",
            "epochs": 20,
            "patience": 5,
            "batch_size": 128,
            "optimizer": "adam",
            "learning_rate": 0.002,
            "weight_decay": 0.01,
            "dropout": 0.3,
        },
        profile_params={"quick": {"epochs": 10}},
        dataset_params=FEW,
    ),
    Network(
        name="cnn-simple",
        colour="#E69F00",
        build="cnn.classifier:CnnClassifier",
        core=True,
        description="two convolution blocks, pooling, a hidden layer, dropout; no augmentation",
        params={
            "network": "simple",
            "epochs": 12,
            "patience": 5,
            "batch_size": 128,
            "optimizer": "sgd",
            "learning_rate": 0.05,
            "weight_decay": 5e-4,
            "dropout": 0.4,
        },
        profile_params={"quick": {"epochs": 8}},
        dataset_params=FEW,
        version=2,
    ),
    Network(
        name="cnn-augmented",
        colour="#D55E00",
        build="cnn.classifier:CnnClassifier",
        core=True,
        description="six convolution blocks, batch normalisation, dropout; rotated, zoomed, shifted, mirrored images",
        params={
            "network": "deep",
            "epochs": 18,
            "patience": 10,
            "batch_size": 128,
            "optimizer": "muon",
            "learning_rate": 0.02,
            "weight_decay": 5e-4,
            "label_smoothing": 0.1,
            "dropout": 0.1,
            # Wider ranges want more epochs than two cores have time for: docs/decisions/0003.
            "rotation_degrees": 5.0,
            "zoom": 0.05,
            "shift": 0.05,
            "flip": True,
            "pruning": 0.5,
            "views": "shifts",
        },
        profile_params={"quick": {"epochs": 8, "pruning": 0.0}},
        dataset_params=UNMIRRORED,
        version=3,
    ),
    Network(
        name="resnet",
        colour="#8B1A1A",
        marker="*",
        build="cnn.classifier:CnnClassifier",
        description="seven convolution blocks, three of them residual, random erasing, twice the epochs",
        params={
            "network": "resnet",
            "epochs": 44,
            "patience": 44,
            "batch_size": 128,
            "optimizer": "muon",
            "learning_rate": 0.02,
            "weight_decay": 5e-4,
            "label_smoothing": 0.1,
            "dropout": 0.1,
            "rotation_degrees": 5.0,
            "zoom": 0.05,
            "shift": 0.05,
            "flip": True,
            "erasing": 0.15,
            "averaging": 0.0,
            "pruning": 0.5,
            "views": "shifts",
        },
        profile_params={"quick": {"epochs": 10, "pruning": 0.0}},
        dataset_params=UNMIRRORED,
        version=3,
    ),
    Network(
        name="transfer",
        core="pictures",
        adapt="cnn.catalog:adapt_transfer",
        colour="#CC79A7",
        marker="P",
        build="cnn.transfer:TransferClassifier",
        description="linear classifier on frozen features of EfficientNet-Lite0, trained on ImageNet",
        pretrained="ImageNet",
        params={"backbone": "efficientnet-lite0", "mode": "frozen", "resolution": 56},
        dataset_params={"digits": {"batch_size": 32}},
        version=2,
    ),
)
