"""Synthetic records and collections: all arithmetic, no randomness, fixed times and environment."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from runs import Lab, ready

from benchmark import registry
from benchmark.data import load as data_store
from benchmark.estimators.scoring import evaluate
from benchmark.records import npz as archives
from benchmark.records import store as records
from benchmark.records.dataset_schema import Audit, AuditCheck, DatasetSummary
from benchmark.records.schema import Cost, DatasetInfo, Environment, ModelInfo, Predictions, RunInfo, RunRecord
from benchmark.runner import environment
from benchmark.runner.prepare import Prepared
from benchmark.specs import Dataset, Run, Split

DATASET = "synthetic"
FINGERPRINT = hashlib.sha256(b"synthetic").hexdigest()
TEN = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
# Name, family and per cent of errors.
FOUR = (
    ("knn", "baseline", 20),
    ("svm-rbf", "baseline", 14),
    ("cnn-simple", "network", 11),
    ("cnn-augmented", "network", 7),
)
ENVIRONMENT = Environment(
    cpu="Test CPU",
    cores=8,
    gpu=None,
    system="Linux 6.1",
    python="3.11.9",
    packages={"numpy": "2.0.0", "scikit-learn": "1.6.0"},
    commit="0123456789abcdef",
    dirty=False,
)


def truth(n: int, n_classes: int) -> np.ndarray:
    """Labels in turn: 0, 1, ..., 0, 1, ..."""
    return np.arange(n) % n_classes


def guesses(labels: np.ndarray, n_classes: int, wrong: int, seed: int = 0) -> np.ndarray:
    """About ``wrong`` per cent are taken for the next class; by another seed others, and one per cent more."""
    place = np.arange(len(labels))
    missed = (place * 37 + seed * 41) % 100 < wrong + seed
    return np.where(missed, (labels + 1) % n_classes, labels)


def softmax_like(predicted: np.ndarray, n_classes: int) -> np.ndarray:
    """Probabilities with the largest at ``predicted``, between 0.55 and 0.95."""
    sure = 0.55 + 0.4 * ((np.arange(len(predicted)) * 29) % 97) / 97
    rows = np.repeat(((1 - sure) / (n_classes - 1))[:, None], n_classes, axis=1)
    rows[np.arange(len(predicted)), predicted] = sure
    return rows.astype(np.float32)


def build_record(
    labels: Sequence[int] | np.ndarray = (0, 0, 1, 1),
    predicted: Sequence[int] | np.ndarray = (0, 1, 1, 1),
    *,
    model: str = "knn",
    family: str = "baseline",
    seed: int = 0,
    profile: str = "full",
    class_names: Sequence[str] = ("cat", "dog"),
    fingerprint: str = FINGERPRINT,
    status: str = "ok",
    fit_seconds: float = 2.0,
    total_seconds: float = 5.0,
    **changes: Any,
) -> RunRecord:
    """A consistent record with the scores of ``predicted``; validation and test are the same images."""
    labels, predicted = np.asarray(labels), np.asarray(predicted)
    settings: dict[str, Any] = {
        "status": status,
        "started_at": "2025-01-01T12:00:00+00:00",
        "run": RunInfo(dataset=DATASET, model=model, seed=seed, profile=profile),
        "random_state": 1000 + seed,
        "dataset": DatasetInfo(
            title="Synthetic",
            fingerprint=fingerprint,
            source="made by a test",
            class_names=tuple(class_names),
            image_shape=(4, 4, 1),
            train_size=60,
            validation_size=len(labels),
            test_size=len(labels),
        ),
        "model": ModelInfo(
            family=family,
            convolutional=family == "network",
            pretrained=None,
            version=1,
            description=f"A {family} model",
            build="tests:nothing",
            params={"alpha": 0.5},
            implementation="sklearn.nothing.Nothing 1.6.0",
        ),
        "environment": ENVIRONMENT,
    }
    if status == "ok":
        scores = evaluate(labels, predicted, len(class_names))
        settings |= {
            "validation": scores,
            "test": scores,
            "cost": Cost(
                fit_seconds=fit_seconds,
                predict_seconds=0.05,
                total_seconds=total_seconds,
                peak_memory_bytes=512_000_000,
                parameter_count=7850,
                threads=2,
                device="cpu",
            ),
            "predictions": Predictions(file="none.npz", sha256="0" * 64, scores=None),
        }
    else:
        settings["reason"] = f"it ended with {status}"
    return RunRecord(**{**settings, **changes})


def epochs(seed: int) -> tuple[dict[str, float | None], ...]:
    return tuple(
        {
            "epoch": float(epoch),
            "train_loss": 1 / epoch,
            "validation_loss": 1.1 / epoch,
            "validation_accuracy": 0.8 + 0.01 * epoch + 0.001 * seed,
        }
        for epoch in (1, 2, 3)
    )


def write_cell(
    store: records.Store, *, n: int = 200, wrong: int = 10, probabilities: bool = True, **settings: Any
) -> records.Stored:
    """Write one finished run, its ``.npz`` included."""
    k = len(settings["class_names"])
    labels = truth(n, k)
    predicted = guesses(labels, k, wrong, settings["seed"])
    arrays = {}
    for part in ("validation", "test"):
        arrays |= {f"{part}_index": np.arange(n), f"{part}_labels": labels, f"{part}_predicted": predicted}
        if probabilities:
            arrays[f"{part}_probabilities"] = softmax_like(predicted, k)
    record = build_record(labels, predicted, **settings)
    key = f"{record.run.profile}-seed{record.run.seed}-00000000"
    run = Run(DATASET, record.run.model, record.run.seed, record.run.profile)
    name, sha256 = store.write_predictions(run, key, archives.pack(arrays))
    predictions = Predictions(file=name, sha256=sha256, scores="probabilities" if probabilities else None)
    record = record.model_copy(update={"predictions": predictions})
    return records.Stored(record, store.write(record, key))


def build_collection(
    folder: Path,
    models: Sequence[tuple[str, str, int]] = FOUR,
    *,
    seeds: Sequence[int] = (0, 1),
    class_names: Sequence[str] = TEN,
    failed: Sequence[RunRecord] = (),
    summary: bool = True,
    n: int = 200,
    probabilities: bool = True,
    **settings: Any,
) -> records.Store:
    """Write a run for each model and seed, the failed records, and the summary of the data set."""
    store = records.Store(folder / "results", "made")
    for place, (model, family, wrong) in enumerate(models):
        for seed in seeds:
            own = {"fit_seconds": 1.5 * 10**place, "epochs": epochs(seed) if family == "network" else ()}
            own |= {"model": model, "family": family, "seed": seed, "class_names": class_names}
            write_cell(store, n=n, wrong=wrong, probabilities=probabilities, **{**own, **settings})
    for record in failed:
        sizes = {"class_names": tuple(class_names), "validation_size": n, "test_size": n}
        record = record.model_copy(update={"dataset": record.dataset.model_copy(update=sizes)})
        store.write(record, f"{record.run.profile}-seed{record.run.seed}-00000001")
    if summary:
        checks = (
            AuditCheck(name="counts", outcome="passed", detail="60 training and 200 test images"),
            AuditCheck(name="duplicates", outcome="warning", detail="2 images occur in both parts"),
        )
        per_class = tuple(n // len(class_names) for _ in class_names)
        store.write_summary(
            DatasetSummary(
                name=DATASET,
                title="Synthetic",
                description="Images made by a test",
                fingerprint=FINGERPRINT,
                source="made by a test",
                class_names=tuple(class_names),
                image_shape=(4, 4, 1),
                train_size=60,
                validation_size=n,
                test_size=n,
                audit=Audit(checks=checks, train_per_class=per_class, test_per_class=per_class),
            )
        )
    return store


@pytest.fixture(scope="session")
def make_record() -> Callable[..., RunRecord]:
    return build_record


@pytest.fixture(scope="session")
def make_cell() -> Callable[..., records.Stored]:
    return write_cell


@pytest.fixture(scope="session")
def make_collection() -> Callable[..., records.Store]:
    return build_collection


@pytest.fixture(scope="session")
def make_summary() -> Callable[..., Any]:
    """A model's summary in memory from its runs, each ``(labels, predicted)``, one a seed."""
    from benchmark.analysis.select import ModelSummary

    def make(*runs: tuple[Any, Any], **settings: Any) -> ModelSummary:
        return ModelSummary(
            tuple(
                records.Stored(build_record(*run, seed=seed, **settings), Path(f"seed{seed}.json"))
                for seed, run in enumerate(runs)
            )
        )

    return make


@pytest.fixture(scope="session")
def images() -> np.ndarray:
    """Two hundred grey images of 4 x 4 pixels."""
    values = np.arange(200 * 16, dtype=np.uint32) * 97 % 256
    return values.astype(np.uint8).reshape(200, 4, 4, 1)


@pytest.fixture(scope="session")
def data(images: np.ndarray) -> Dataset:
    """The data set that the synthetic records are about."""
    labels = truth(len(images), 2)
    return Dataset(
        name=DATASET,
        title="Synthetic",
        class_names=("cat", "dog"),
        train_images=images,
        train_labels=labels,
        test_images=images,
        test_labels=labels,
        split=Split(train=np.arange(100), validation=np.arange(100, 200)),
        fingerprint=FINGERPRINT,
        source="made by a test",
    )


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> Iterator[dict[str, Prepared]]:
    """The digits, in a cache of their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BENCHMARK_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        digits = registry.datasets()["digits"]
        yield {"digits": Prepared(digits, data_store.prepare(digits))}


@pytest.fixture
def settings(tmp_path) -> Lab:
    ready()
    return Lab(
        store=records.Store(tmp_path / "results", "test"),
        environment=environment.describe(),
        jobs=2,
        threads=1,
        time_limit_seconds=60,
    )
