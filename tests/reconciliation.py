"""Fits the settings of published Fashion-MNIST figures beside our models and prints one table.

The published settings are those of the data set's paper: every pixel standardised, all 60,000 training images,
scikit-learn's defaults of 2017. Ours are the registered models on our split. No test: nothing here passes or fails.
Run it as ``python -m tests.reconciliation`` on a machine that does nothing else; what it finds on all images belongs
into ``benchmark/data/published/fashion-mnist.toml`` (``refitted``). ``--only`` takes it piece by piece, ``--images`` is
for a first look.
"""
# ruff: noqa: T201

from __future__ import annotations

import argparse
import multiprocessing
import os
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import joblib
import numpy as np
from lightgbm import LGBMClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler
from tabulate import tabulate

from baselines.accelerated import SVC, RandomForestClassifier
from benchmark import registry
from benchmark.data import load as store
from benchmark.estimators.adapter import configured, inputs
from benchmark.report import published as published_figures
from benchmark.runner.environment import available_cores
from benchmark.specs import Dataset, Run
from benchmark.utils.format import duration

THREADS = available_cores()
DATASET, PROFILE = "fashion-mnist", "full"
FIGURES = {figure.model: figure for figure in published_figures.read(DATASET).figures if figure.refitted is not None}
MODELS: dict[str, Callable[[], Any]] = {
    # SVC's gamma was 1 / n_features until scikit-learn 0.22.
    "svm-rbf": lambda: SVC(C=10.0, kernel="rbf", gamma="auto", cache_size=2000),
    # A stand-in: scikit-learn's GradientBoostingClassifier would take hours. As many leaves as its depth allows, and
    # leaves of a single image, as there.
    "gradient-boosting": lambda: LGBMClassifier(
        n_estimators=100,
        max_depth=10,
        num_leaves=1024,
        learning_rate=0.1,
        min_child_samples=1,
        max_bin=63,  # As in our own: of 256 grey values, and four times as fast.
        random_state=0,
        n_jobs=THREADS,
        verbosity=-1,
    ),
    "random-forest": lambda: RandomForestClassifier(n_estimators=100, random_state=0, n_jobs=THREADS),
    "mlp": lambda: MLPClassifier(hidden_layer_sizes=(100,), activation="relu", random_state=0),
    "knn": lambda: KNeighborsClassifier(n_neighbors=5, weights="distance", p=1, algorithm="brute", n_jobs=THREADS),
    # LogisticRegression was one class against the rest, by LIBLINEAR, until scikit-learn 0.22.
    "logistic-regression": lambda: OneVsRestClassifier(
        LogisticRegression(C=1.0, solver="liblinear", random_state=0), n_jobs=THREADS
    ),
}


def fashion_mnist() -> Dataset:
    return store.prepare(registry.datasets()[DATASET])


def published(name: str, n_images: int) -> float:
    """Test accuracy of the published settings, fitted to that many training images."""
    # LightGBM and the MLP as they come: warnings of names and of iterations are theirs.
    warnings.filterwarnings("ignore", category=ConvergenceWarning)
    warnings.filterwarnings("ignore", message="X does not have valid feature names")
    dataset = fashion_mnist()
    images = [
        np.asarray(part).reshape(len(part), -1) for part in (dataset.train_images[:n_images], dataset.test_images)
    ]
    scaler = StandardScaler().fit(images[0].astype(np.float64))
    X, X_test = (scaler.transform(part.astype(np.float64)).astype(np.float32) for part in images)
    with joblib.parallel_backend("threading"):  # Processes would each hold the images once more.
        model = MODELS[name]().fit(X, np.asarray(dataset.train_labels[:n_images]))
        return float(np.mean(model.predict(X_test) == dataset.test_labels))


def ours(name: str, n_images: int) -> float:
    """Test accuracy of our model on the first so many training images of our split, with seed 0."""
    dataset = fashion_mnist()
    spec = registry.models()[FIGURES[name].model]
    train, validation = dataset.split.train[:n_images], dataset.split.validation
    model = configured(spec.create(Run(DATASET, spec.name, 0, PROFILE)), 0, THREADS)
    watched = {}
    if spec.validates:
        watched = {
            "X_val": inputs(dataset.train_images, validation, spec),
            "y_val": dataset.train_labels[validation],
            "on_epoch": lambda row: None,
        }
    model.fit(inputs(dataset.train_images, train, spec), dataset.train_labels[train], **watched)
    test = inputs(dataset.test_images, np.arange(len(dataset.test_images)), spec)
    return float(np.mean(model.predict(test) == dataset.test_labels))


def alone(fit: Callable[[str, int], float], name: str, n_images: int) -> tuple[float, str]:
    """The accuracy and the time, data included, of a fit in a process of its own."""
    # Of threads that wait busily, two on a busy core make LightGBM ten times as slow.
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
    start = time.perf_counter()
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        accuracy = pool.submit(fit, name, n_images).result()
    return accuracy, duration(time.perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=tuple(MODELS), default=list(MODELS), help="models to fit")
    parser.add_argument(
        "--images", type=int, default=60_000, help="training images (all: 60,000, of which 55,000 ours)"
    )
    parser.add_argument("--without-ours", action="store_true", help="fit the published settings alone")
    arguments = parser.parse_args()
    every = len(fashion_mnist().train_images)
    if not 100 <= arguments.images <= every:
        parser.error(f"--images must be from 100 to {every}")
    rows, refitted = [], {}
    for name in arguments.only:
        figure = FIGURES[name]
        refitted[name], seconds = alone(published, name, arguments.images)
        theirs, own = f"{refitted[name]:.4f} ({seconds})", ""
        if not arguments.without_ours:
            accuracy, seconds = alone(ours, name, arguments.images)
            own = f"{accuracy:.4f} ({seconds})"
        print(f"{name}: published {figure.accuracy:.3f}, refitted {theirs}, ours {own or 'not fitted'}", flush=True)
        rows.append((f"{figure.what}: {figure.settings}", f"{figure.accuracy:.3f}", theirs, own, figure.model))
    header = ("published", "figure", "published settings, fitted here", "ours", "our model")
    print(f"\n{tabulate(rows, header, tablefmt='pipe', disable_numparse=True)}")
    if arguments.images == every:
        print("\n".join(f"{name}: refitted = {accuracy:.4f}" for name, accuracy in refitted.items()))
    else:
        print(f"\nOf {arguments.images:,} training images: a first look, nothing to record.")


if __name__ == "__main__":
    main()
