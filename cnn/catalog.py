"""The networks that come with the suite."""

from __future__ import annotations

from benchmark.contract import ModelSpec

MODELS = (
    ModelSpec(
        name="cnn-simple",
        family="deep",
        build="cnn.classifier:CnnClassifier",
        inputs="images",
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
        validates=True,
        stochastic=True,
    ),
    ModelSpec(
        name="cnn-augmented",
        family="deep",
        build="cnn.classifier:CnnClassifier",
        inputs="images",
        description="five convolution blocks, batch normalisation, dropout; rotated, zoomed, shifted, mirrored images",
        params={
            "network": "deep",
            "epochs": 12,
            "patience": 5,
            "batch_size": 128,
            "optimizer": "sgd",
            "learning_rate": 0.1,
            "weight_decay": 5e-4,
            "dropout": 0.2,
            # Wider ranges want more epochs than two cores have time for: docs/decisions/0003.
            "rotation_degrees": 5.0,
            "zoom": 0.05,
            "shift": 0.05,
            "flip": True,
        },
        profile_params={"quick": {"epochs": 8}},
        # A mirrored digit or character is another one, or none.
        dataset_params={name: {"flip": False} for name in ("digits", "mnist", "kmnist")},
        validates=True,
        stochastic=True,
    ),
)
