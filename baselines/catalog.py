"""The classical models that come with the suite.

Where a model has ``search``, its parameters are the winner of ``python -m benchmark tune`` on the
validation images of Fashion-MNIST, as recorded in ``results/reference/fashion-mnist/tuning-<model>.json``.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from benchmark.specs import Facts, ModelSpec, Span

# A mirrored digit or character is another one, or none.
UNMIRRORED = {name: {"flip": False} for name in ("digits", "mnist", "kmnist")}
HOG = {"orientations": 9, "cells": (4, 7), "block": 2, "pixels": 0.7, "C": 8.0, "gamma": 0.02}
# Of 8 x 8 pixels these are 2 and 4.
SMALL_HOG = {"digits": {"cells": (7, 14)}}

SMALL_SIDE = 16
KERNEL = 1.5  # The growth of a support vector machine with a kernel: docs/decisions/0013-time-estimates.md.


def adapt(facts: Facts, params: Mapping[str, Any]) -> dict[str, Any]:
    """Cells of HOG for very small images, and no mirroring if it is not wanted."""
    changes: dict[str, Any] = {}
    if min(facts.height, facts.width) < SMALL_SIDE:
        changes |= SMALL_HOG["digits"]
    if not facts.mirror and params.get("flip"):
        changes["flip"] = False
    return changes


Baseline = functools.partial(ModelSpec, family="baseline", preload=True)

MODELS = (
    Baseline(
        name="logistic-regression",
        weighs=True,
        colour="#009E73",
        build="baselines.pixels:PixelLogisticRegression",
        inputs="flat",
        core=True,
        description="multinomial logistic regression on pixels, L-BFGS, at most 100 iterations",
        params={"C": 1.0, "max_iter": 100},
        version=2,
    ),
    Baseline(
        name="linear-svm",
        weighs=True,
        colour="#66A61E",
        marker="v",
        build="baselines.pixels:PixelLinearSVC",
        inputs="flat",
        description="linear support vector machine on pixels, one class against the rest",
        version=2,
        params={"C": 0.0157},
        search={"C": Span(1e-4, 1.0, log=True)},
    ),
    Baseline(
        name="svm-rbf",
        weighs=True,
        growth=KERNEL,
        colour="#0072B2",
        build="baselines.pixels:PixelSVC",
        inputs="flat",
        core=True,
        description="support vector machine on pixels, RBF kernel, C = 10",
        params={"C": 10.0, "kernel": "rbf", "gamma": "scale", "cache_size": 2000},
        version=2,
    ),
    Baseline(
        name="knn",
        colour="#56B4E9",
        build="baselines.pixels:PixelKNeighbors",
        inputs="flat",
        core=True,
        description="k nearest neighbours on pixels, k = 5, Euclidean, weighted by distance",
        params={"n_neighbors": 5, "weights": "distance", "algorithm": "brute"},
        version=2,
    ),
    Baseline(
        name="random-forest",
        weighs=True,
        colour="#1B6B6F",
        marker="^",
        build="baselines.pixels:PixelForest",
        inputs="flat",
        description="random forest on pixels, 200 trees",
        version=2,
        params={"n_estimators": 200, "max_features": 0.092, "min_samples_leaf": 1},
        profile_params={"quick": {"n_estimators": 100}},
        stochastic=True,
        search={"max_features": Span(0.01, 0.3, log=True), "min_samples_leaf": Span(1, 8)},
    ),
    Baseline(
        name="gradient-boosting",
        weighs=True,
        colour="#4B4EA3",
        marker="s",
        build="baselines.boosting:PixelBoosting",
        inputs="flat",
        description="gradient-boosted trees on pixels, LightGBM, rounds chosen on validation",
        params={
            "epochs": 600,
            "patience": 20,
            "learning_rate": 0.052,
            "num_leaves": 24,
            "feature_fraction": 0.22,
            "min_child_samples": 75,
        },
        profile_params={"quick": {"epochs": 100}},
        validates=True,
        stochastic=True,
        search={
            "learning_rate": Span(0.05, 0.2, log=True),
            "num_leaves": Span(15, 63),
            "feature_fraction": Span(0.05, 0.5, log=True),
            "min_child_samples": Span(5, 80, log=True),
        },
    ),
    Baseline(
        name="pca-svm",
        weighs=True,
        growth=KERNEL,
        colour="#7FA8D1",
        marker="p",
        build="baselines.pixels:PcaSVC",
        inputs="flat",
        description="support vector machine on principal components of the pixels, RBF kernel",
        params={"n_components": 241, "C": 2.09, "gamma": 0.0319},
        search={"n_components": Span(30, 300), "C": Span(1.0, 100.0, log=True), "gamma": Span(0.003, 0.1, log=True)},
    ),
    Baseline(
        name="hog-svm",
        weighs=True,
        growth=KERNEL,
        adapt="baselines.catalog:adapt",
        colour="#123E6B",
        marker="h",
        build="baselines.hog:HogSVC",
        inputs="images",
        description="support vector machine on histograms of oriented gradients and pixels, RBF kernel",
        params=HOG,
        dataset_params=SMALL_HOG,
        search={
            "orientations": (6, 8, 9, 12),
            "pixels": Span(0.2, 2.0, log=True),
            "C": Span(1.0, 100.0, log=True),
            "gamma": Span(0.003, 0.1, log=True),
        },
        version=2,
    ),
    Baseline(
        name="augmented-svm",
        weighs=True,
        growth=KERNEL,
        adapt="baselines.catalog:adapt",
        colour="#2FA39A",
        marker="X",
        build="baselines.hog:HogSVC",
        inputs="images",
        description="hog-svm trained with variants of its support vectors: rotated, zoomed, shifted, mirrored",
        params={
            **HOG,
            "copies": 2,
            "rotation_degrees": 5.0,
            "zoom": 0.05,
            "shift": 0.05,
            "flip": True,
        },
        dataset_params={name: SMALL_HOG.get(name, {}) | changes for name, changes in UNMIRRORED.items()},
        stochastic=True,
        version=2,
    ),
    Baseline(
        name="majority",
        colour="#8A8A8A",
        build="baselines.majority:Majority",
        inputs="images",
        trivial=True,
        description="always the most frequent class: what a model reaches that never looks at an image",
    ),
)
