"""(b) Training against a plain tutorial loop, (c) against the matrix product, (d) time to an accuracy."""

from __future__ import annotations

import time
from collections.abc import Iterator
from statistics import median

import numpy as np
import torch
import tutorial
from common import Row, alone, fashion_mnist, threads
from torch.utils.flop_counter import FlopCounterMode

from benchmark.runner.evaluate import configured
from benchmark.utils.format import duration
from cnn.augment import Augmentation
from cnn.classifier import CnnClassifier
from cnn.devices import choose_device, choose_precision, synchronize

OFF = {name: type(value)() for name, value in vars(Augmentation()).items()}
# Epochs of the schedule that is meant to get there: a learning rate that falls to zero later gets there later.
GOALS = {0.93: 10, 0.94: 18}


def throughput_rows(n_images: int, rounds: int) -> Iterator[Row]:
    """Images per second with and without augmentation, and what share of the matrix product that is.

    A machine's speed wanders by a tenth within minutes: the sides take turns, and each number is the median
    of ``rounds``.
    """
    precisions = list(dict.fromkeys(("float32", alone(auto_precision, tuned=True))))
    workers = {augmented: tutorial.faster_workers(augmented, n_images // 2) for augmented in (False, True)}
    found: dict[tuple[str, bool], list[tuple[float, float]]] = {}
    theirs: dict[bool, list[float]] = {False: [], True: []}
    for _ in range(rounds):
        for augmented, speeds in theirs.items():
            for precision in precisions:
                measured = alone(ours, precision, augmented, n_images, tuned=True)
                found.setdefault((precision, augmented), []).append(measured)
            arguments = augmented, workers[augmented], n_images // 2
            speeds.append(alone(tutorial.images_per_second, *arguments, tuned=False))
    flops = flops_an_image()
    for precision in precisions:
        plain, augmented = (median(speed for speed, _ in found[precision, on]) for on in (False, True))
        share = median(speed * flops / 1e9 / peak for speed, peak in found[precision, False])
        yield Row(
            f"cnn-augmented's network, {precision}, no augmentation",
            f"{plain * flops / 1e9:.0f} GFLOP/s",
            f"matrix product: {median(peak for _, peak in found[precision, False]):.0f} GFLOP/s",
            share,
            f"{plain:,.0f} images/s, {flops / 1e6:.0f} MFLOP an image, forward and backward",
        )
        yield Row(
            f"the same, {precision}, with augmentation",
            f"{augmented:,.0f} images/s",
            f"without: {plain:,.0f} images/s",
            augmented / plain,
        )
    for (precision, on), measured in found.items():
        speed, other = median(speed for speed, _ in measured), median(theirs[on])
        yield Row(
            f"training {'with' if on else 'without'} augmentation, {precision}",
            f"{speed:,.0f} images/s",
            f"tutorial loop: {other:,.0f} images/s",
            speed / other,
            f"its better of 0 and 2 workers: {workers[on]}; float32, same network and batch size",
        )


def auto_precision() -> str:
    return str(choose_precision("auto", choose_device("auto"))).removeprefix("torch.")


def ours(precision: str, augmented: bool, n_images: int) -> tuple[float, float]:
    """Images per second of training after a first epoch, and GFLOP/s of the matrix product around it."""
    dataset = fashion_mnist()
    X, y = np.asarray(dataset.train_images[:n_images]), np.asarray(dataset.train_labels[:n_images])
    model = classifier(epochs=2, precision=precision, **({} if augmented else OFF))
    peaks: list[float] = []
    model.fit(X, y, X_val=X[:100], y_val=y[:100], on_epoch=lambda row: peaks.append(gemm_gflops(precision)))
    return model.history_[-1]["images_per_second"], max(peaks)


def flops_an_image() -> float:
    """Floating-point operations of cnn-augmented's network, forward and backward."""
    with FlopCounterMode(display=False) as counter:
        tutorial.network()(torch.zeros((2, 1, 28, 28))).sum().backward()
    return float(counter.get_total_flops() / 2)


def classifier(**changes: object) -> CnnClassifier:
    model = CnnClassifier(**{**tutorial.PARAMS, **changes})
    return configured(model, 0, threads())


def gemm_gflops(precision: str, size: int = 2048, repeats: int = 12) -> float:
    """The matrix product's speed in PyTorch, best of several, in 1e9 operations a second."""
    torch.set_num_threads(threads())
    device = choose_device("auto")
    left = torch.randn((size, size), device=device).to(getattr(torch, precision))
    best = float("inf")
    for _ in range(repeats):
        synchronize(device)
        start = time.perf_counter()
        left @ left
        synchronize(device)
        best = min(best, time.perf_counter() - start)
    return 2 * size**3 / best / 1e9


def accuracy_rows(most_epochs: int) -> Iterator[Row]:
    """Seconds of training until the test accuracy is reached first, looked at after every epoch.

    A race, not a result: whoever picks the epoch on test is told too well of itself, here both sides alike.
    """
    workers = tutorial.faster_workers(True, 8_000)
    easiest = min(GOALS)
    theirs = alone(tutorial.seconds_to, easiest, workers, most_epochs, tuned=False)
    for goal, epochs in GOALS.items():
        reached, best = alone(seconds_to, goal, epochs, tuned=True)
        race = goal == easiest
        yield Row(
            f"cnn-augmented, {epochs} epochs: training time to {goal:.0%} on test",
            duration(reached) if reached else f"not reached, best {best:.2%}",
            f"tutorial loop: {duration(theirs) if theirs else f'not in {most_epochs} epochs'}" if race else "",
            theirs / reached if race and theirs and reached else None,
            f"one run{f' each; {workers} workers' if race else ''}, one view to predict; {best:.2%} in the end",
        )


def seconds_to(goal: float, epochs: int) -> tuple[float | None, float]:
    """Seconds of training until the goal, None if it is not reached, and the best accuracy seen."""
    dataset = fashion_mnist()
    train, validation = dataset.split.train, dataset.split.validation
    X, y = dataset.train_images, dataset.train_labels
    X_test, y_test = np.asarray(dataset.test_images), np.asarray(dataset.test_labels)
    model = classifier(views="one", epochs=epochs)  # One view, as the other side predicts.
    reached: float | None = None
    seconds, best = 0.0, 0.0

    def look(row: dict[str, float]) -> None:
        nonlocal seconds, best, reached
        seconds += row["seconds"]  # Looking at the validation images included.
        accuracy = float(np.mean(model.predict(X_test) == y_test))
        best = max(best, accuracy)
        print(f"  cnn-augmented, epoch {row['epoch']}: {accuracy:.4f} after {seconds:.0f} s")
        if reached is None and accuracy >= goal:
            reached = seconds

    model.fit(X[train], y[train], X_val=X[validation], y_val=y[validation], on_epoch=look)
    return reached, best
