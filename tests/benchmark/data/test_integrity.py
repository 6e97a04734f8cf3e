"""Integrity checks: a sound data set passes, and every planted fault is told under its own name."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from benchmark.data.integrity import audit, summarise
from benchmark.data.splits import make_split
from benchmark.specs import Dataset, DatasetSpec, RawImages

CHECKS = [
    "counts",
    "shapes",
    "types",
    "value range",
    "missing values",
    "label range",
    "class balance",
    "constant images",
    "duplicates within training",
    "duplicates within test",
    "duplicates across training and test",
    "duplicates across training and validation",
]


@pytest.fixture
def dataset(make_raw: Callable[..., RawImages]) -> Dataset:
    """A sound data set in ordinary, writable memory, for a test to spoil."""
    raw = make_raw()
    return Dataset(
        name="tiny",
        title="Tiny",
        class_names=raw.class_names,
        train_images=raw.train_images.copy(),
        train_labels=raw.train_labels.astype(np.int64),
        test_images=raw.test_images.copy(),
        test_labels=raw.test_labels.astype(np.int64),
        split=make_split("tiny", raw.train_labels, 8),
        fingerprint="0" * 64,
        source="made up",
    )


def faults(dataset: Dataset, spec: DatasetSpec) -> dict[str, tuple[str, str]]:
    """Outcome and detail of each check that did not pass."""
    checks = audit(dataset, spec).checks
    return {check.name: (check.outcome, check.detail) for check in checks if check.outcome != "passed"}


def test_a_sound_data_set_passes_every_check(dataset: Dataset, spec: DatasetSpec) -> None:
    result = audit(dataset, spec)
    assert [check.name for check in result.checks] == CHECKS
    assert {check.outcome for check in result.checks} == {"passed"}
    assert result.passed
    assert result.train_per_class == (10, 10, 10, 10)
    assert result.test_per_class == (3, 3, 3, 3)
    details = {check.name: check.detail for check in result.checks}
    assert details["counts"] == "40 training and 12 test images"
    assert details["shapes"] == "5x6x1 (h x w x c)"
    assert details["value range"] == "pixels from 0 to 255"


@pytest.mark.parametrize("part", ["train", "test"])
def test_wrong_counts_fail(dataset: Dataset, spec: DatasetSpec, part: str) -> None:
    expecting = dataclasses.replace(spec, **{f"expected_{part}": 41})
    assert faults(dataset, expecting) == {"counts": ("failed", "40 training and 12 test images")}
    assert not audit(dataset, expecting).passed


def test_unknown_counts_pass_and_are_told(dataset: Dataset, spec: DatasetSpec) -> None:
    result = audit(dataset, dataclasses.replace(spec, expected_test=None))
    assert result.passed
    assert result.checks[0].detail.endswith("the authors' counts are not known")


def test_of_the_users_own_pictures_nobody_states_counts(dataset: Dataset, spec: DatasetSpec) -> None:
    own = dataclasses.replace(spec, expected_train=None, expected_test=None, params={"path": "photos"})
    assert audit(dataset, own).checks[0].detail == "40 training and 12 test images"


def test_uneven_classes_fail_where_the_authors_state_balance(dataset: Dataset, spec: DatasetSpec) -> None:
    dataset.train_labels[0] = 1
    expected = "9 to 11 train images a class; 3 test images a class"
    assert faults(dataset, spec) == {"class balance": ("failed", expected)}
    assert audit(dataset, spec).train_per_class == (9, 11, 10, 10)
    assert faults(dataset, dataclasses.replace(spec, balanced=False)) == {}


def test_a_class_without_images_fails_even_where_balance_is_not_stated(dataset: Dataset, spec: DatasetSpec) -> None:
    dataset.test_labels[dataset.test_labels == 3] = 0
    outcome, detail = faults(dataset, dataclasses.replace(spec, balanced=False))["class balance"]
    assert (outcome, detail) == (
        "failed",
        "10 train images a class; 0 to 6 test images a class; without a test image: dog",
    )


def test_a_copy_of_a_training_image_in_the_test_set_is_a_warning(dataset: Dataset, spec: DatasetSpec) -> None:
    dataset.test_images[2] = dataset.train_images[5]
    dataset.test_images[7] = dataset.train_images[6]
    assert faults(dataset, spec) == {
        "duplicates across training and test": ("warning", "2 images of the second are in the first too")
    }
    assert audit(dataset, spec).passed
    assert audit(dataset, spec).leaked == (2, 7)


def test_a_copy_across_the_split_is_a_warning(dataset: Dataset, spec: DatasetSpec) -> None:
    dataset.train_images[dataset.split.validation[0]] = dataset.train_images[dataset.split.train[0]]
    assert faults(dataset, spec) == {
        "duplicates within training": ("warning", "1 images repeat an earlier one"),
        "duplicates across training and validation": ("warning", "1 images of the second are in the first too"),
    }


def test_copies_within_a_part_are_warnings(dataset: Dataset, spec: DatasetSpec) -> None:
    first, second, third = dataset.split.train[:3]
    dataset.train_images[[second, third]] = dataset.train_images[first]
    dataset.test_images[1] = dataset.test_images[0]
    assert faults(dataset, spec) == {
        "duplicates within training": ("warning", "2 images repeat an earlier one"),
        "duplicates within test": ("warning", "1 images repeat an earlier one"),
    }


def test_images_that_differ_in_one_pixel_are_not_copies(dataset: Dataset, spec: DatasetSpec) -> None:
    dataset.test_images[0] = dataset.train_images[3]
    dataset.test_images[0, 4, 5, 0] ^= 1
    assert faults(dataset, spec) == {}


def test_a_constant_image_is_a_warning(dataset: Dataset, spec: DatasetSpec) -> None:
    dataset.train_images[4] = 7
    dataset.test_images[3] = 0
    assert faults(dataset, spec) == {"constant images": ("warning", "2 images of one value only")}


@pytest.mark.parametrize(("low", "high"), [(1, 255), (0, 254), (10, 20)])
def test_a_narrow_range_of_pixels_is_a_warning(dataset: Dataset, spec: DatasetSpec, low: int, high: int) -> None:
    narrow = dataclasses.replace(
        dataset,
        train_images=dataset.train_images.clip(low, high),
        test_images=dataset.test_images.clip(low, high),
    )
    assert faults(narrow, spec)["value range"] == ("warning", f"pixels from {low} to {high}")


def spoil(dataset: Dataset, **changes: Any) -> Dataset:
    return dataclasses.replace(dataset, **changes)


def test_images_of_two_sizes_fail(dataset: Dataset, spec: DatasetSpec) -> None:
    spoiled = spoil(dataset, test_images=dataset.test_images[:, :4])
    assert faults(spoiled, spec)["shapes"] == ("failed", "4x6x1 and 5x6x1 (h x w x c)")


def test_pixels_of_another_type_fail(dataset: Dataset, spec: DatasetSpec) -> None:
    spoiled = spoil(dataset, test_images=dataset.test_images.astype(np.int16))
    assert faults(spoiled, spec)["types"] == ("failed", "pixels int16, uint8, labels int64")


def test_an_image_without_a_label_fails(dataset: Dataset, spec: DatasetSpec) -> None:
    found = faults(spoil(dataset, test_labels=dataset.test_labels[:-1]), spec)
    assert found["missing values"][0] == "failed"


@pytest.mark.parametrize("label", [4, -1])
def test_labels_out_of_range_fail(dataset: Dataset, spec: DatasetSpec, label: int) -> None:
    dataset.train_labels[0] = label
    assert faults(dataset, spec)["label range"][0] == "failed"


def test_a_summary_describes_the_data_set(dataset: Dataset, spec: DatasetSpec) -> None:
    summary = summarise(dataset, spec)
    assert (summary.name, summary.title, summary.description) == ("tiny", "Tiny", "forty random pictures")
    assert summary.image_shape == (5, 6, 1)
    assert (summary.train_size, summary.validation_size, summary.test_size) == (32, 8, 12)
    assert summary.class_names == ("ant", "bee", "cat", "dog")
    assert summary.audit == audit(dataset, spec)
    assert summary.audit.passed
