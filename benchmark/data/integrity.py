"""Integrity checks: what is usually assumed of a data set, checked and reported."""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np

from benchmark.records.dataset_schema import Audit, AuditCheck, DatasetSummary, Outcome
from benchmark.specs import Dataset, DatasetSpec
from benchmark.utils.format import listed

MOST_NAMED = 5
MOST_SKIPPED = 1000  # Files in a summary.


class Add(Protocol):
    """Adds a check with its outcome."""

    def __call__(self, name: str, passed: bool, detail: str, otherwise: Outcome = "failed") -> None: ...


def audit(dataset: Dataset, spec: DatasetSpec) -> Audit:
    """Run every check. ``failed`` is what no data set may show; ``warning`` is what a reader should know."""
    checks: list[AuditCheck] = []

    def add(name: str, passed: bool, detail: str, otherwise: Outcome = "failed") -> None:
        checks.append(AuditCheck(name=name, outcome="passed" if passed else otherwise, detail=detail))

    parts = {"train": (dataset.train_images, dataset.train_labels), "test": (dataset.test_images, dataset.test_labels)}
    n_classes = len(dataset.class_names)
    counts = {part: len(images) for part, (images, _) in parts.items()}
    expected = {"train": spec.expected_train, "test": spec.expected_test}
    known = all(expected[part] is not None for part in parts)
    add(
        "counts",
        all(expected[part] in (None, counts[part]) for part in parts),
        f"{counts['train']:,} training and {counts['test']:,} test images"
        + ("" if known or spec.own else "; the authors' counts are not known"),
    )
    shapes = {images.shape[1:] for images, _ in parts.values()}
    add(
        "shapes", len(shapes) == 1, " and ".join("x".join(map(str, shape)) for shape in sorted(shapes)) + " (h x w x c)"
    )
    kinds = {str(images.dtype) for images, _ in parts.values()}
    add("types", kinds == {"uint8"}, f"pixels {', '.join(sorted(kinds))}, labels {dataset.train_labels.dtype}")
    low = min(int(images.min()) for images, _ in parts.values())
    high = max(int(images.max()) for images, _ in parts.values())
    add("value range", low == 0 and high == 255, f"pixels from {low} to {high}", otherwise="warning")
    add(
        "missing values",
        all(len(images) == len(labels) for images, labels in parts.values()),
        "every image has a label; the integer pixels cannot hold a missing value",
    )
    labels = np.concatenate([labels for _, labels in parts.values()])
    add(
        "label range",
        bool(labels.min() >= 0 and labels.max() < n_classes),
        f"labels from {labels.min()} to {labels.max()} for {n_classes} classes",
    )
    tallies = {part: _tally(labels, n_classes) for part, (_, labels) in parts.items()}
    _add_balance(dataset, spec, tallies, add)
    constant = sum(
        int((flat.min(axis=1) == flat.max(axis=1)).sum())
        for flat in (images.reshape(len(images), -1) for images, _ in parts.values())
    )
    add("constant images", constant == 0, f"{constant} images of one value only", otherwise="warning")
    leaked = sorted({*_add_duplicates(dataset, add), *dataset.account.leaked})
    return Audit(
        checks=tuple(checks),
        train_per_class=tuple(int(count) for count in tallies["train"]),
        test_per_class=tuple(int(count) for count in tallies["test"]),
        leaked=tuple(leaked),
    )


def _tally(labels: np.ndarray, n_classes: int) -> np.ndarray:
    """Images of each class (n_classes,); labels out of range belong to none."""
    return np.bincount(labels[(labels >= 0) & (labels < n_classes)], minlength=n_classes)


def _add_balance(dataset: Dataset, spec: DatasetSpec, tallies: Mapping[str, np.ndarray], add: Add) -> None:
    rare = _rare(tallies, _tally(dataset.train_labels[dataset.split.validation], len(dataset.class_names)))
    uneven = any(tally.min() != tally.max() for tally in tallies.values())
    add(
        "class balance",
        all(tally.min() > 0 for tally in tallies.values())
        and not (spec.balanced and uneven)
        and not any(rare.values()),
        "; ".join(f"{_span(tally)} {part} images a class" for part, tally in tallies.items())
        + "".join(
            f"; without a {part} image: {_listed(dataset, classes)}" for part, classes in rare.items() if classes
        ),
        otherwise="failed" if spec.balanced or rare["training"] or rare["test"] else "warning",
    )


def _rare(tallies: Mapping[str, np.ndarray], validation: np.ndarray) -> dict[str, list[int]]:
    """Classes that are too rare for the protocol, by the part of which they have no image."""
    train, test = tallies["train"], tallies["test"]
    absent = {"training": train == 0, "validation": (validation == 0) & (train > 0), "test": test == 0}
    return {part: np.flatnonzero(classes).tolist() for part, classes in absent.items()}


def _listed(dataset: Dataset, classes: Sequence[int]) -> str:
    return listed([dataset.class_names[label] for label in classes], MOST_NAMED)


def _span(tally: np.ndarray) -> str:
    low, high = int(tally.min()), int(tally.max())
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def summarise(dataset: Dataset, spec: DatasetSpec) -> DatasetSummary:
    """What a collection keeps of a data set: its description, sizes and integrity checks."""
    height, width, channels = dataset.train_images.shape[1:]
    return DatasetSummary(
        name=dataset.name,
        title=dataset.title,
        description=spec.description,
        fingerprint=dataset.fingerprint,
        source=dataset.source,
        class_names=dataset.class_names,
        image_shape=(height, width, channels),
        train_size=len(dataset.split.train),
        validation_size=len(dataset.split.validation),
        test_size=len(dataset.test_labels),
        audit=audit(dataset, spec),
        preparation=json.loads(json.dumps(dataclasses.asdict(dataset.preparation))),
        reading={name: value for name, value in spec.params.items() if name != "path"} if spec.params else None,
        groups=dataset.account.groups,
        skipped=dict(Counter(reason.partition(":")[0] for reason in dataset.account.skipped.values())),
        skipped_files=dict(itertools.islice(dataset.account.skipped.items(), MOST_SKIPPED)),
        choices=dataset.account.choices,
    )


def _add_duplicates(dataset: Dataset, add: Add) -> tuple[int, ...]:
    """Count exact copies within and across parts; return the test images that are copies of other parts' images."""
    train, test = _digests(dataset.train_images), _digests(dataset.test_images)
    for name, digests in (("training", train), ("test", test)):
        extra = len(digests) - len(set(digests))
        add(f"duplicates within {name}", extra == 0, f"{extra} images repeat an earlier one", otherwise="warning")
    validation = [train[index] for index in dataset.split.validation]
    learned = [train[index] for index in dataset.split.train]
    for name, left, right in (
        ("training and test", train, test),
        ("training and validation", learned, validation),
    ):
        seen, tally = set(left), Counter(right)
        shared = sum(count for digest, count in tally.items() if digest in seen)
        add(
            f"duplicates across {name}",
            shared == 0,
            f"{shared} images of the second are in the first too",
            otherwise="warning",
        )
    known = set(train)
    return tuple(place for place, digest in enumerate(test) if digest in known)


def _digests(images: np.ndarray) -> list[bytes]:
    flat = np.ascontiguousarray(images).reshape(len(images), -1)
    return [hashlib.blake2b(row.data, digest_size=16).digest() for row in flat]
