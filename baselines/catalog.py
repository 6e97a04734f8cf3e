"""The classical models that come with the suite."""

from __future__ import annotations

from benchmark.contract import ModelSpec

MODELS = (
    ModelSpec(
        name="logistic-regression",
        family="classical",
        build="baselines.pixels:PixelLogisticRegression",
        inputs="flat",
        description="multinomial logistic regression on pixels, L-BFGS, at most 100 iterations",
        params={"C": 1.0, "max_iter": 100},
    ),
    ModelSpec(
        name="svm-rbf",
        family="classical",
        build="baselines.pixels:PixelSVC",
        inputs="flat",
        description="support vector machine on pixels, RBF kernel, C = 10",
        params={"C": 10.0, "kernel": "rbf", "gamma": "scale", "cache_size": 2000},
    ),
    ModelSpec(
        name="knn",
        family="classical",
        build="baselines.pixels:PixelKNeighbors",
        inputs="flat",
        description="k nearest neighbours on pixels, k = 5, Euclidean, weighted by distance",
        params={"n_neighbors": 5, "weights": "distance", "algorithm": "brute"},
    ),
)
