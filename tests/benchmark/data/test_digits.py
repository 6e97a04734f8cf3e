"""The bundled digits: the same images as scikit-learn's, in a fixed division."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits

from benchmark.data import digits
from benchmark.data import integrity as audit
from benchmark.data import load as store
from benchmark.data.catalog import DATASETS
from benchmark.specs import DatasetSpec, Places, RawImages


@pytest.fixture
def raw(places: Places) -> RawImages:
    return digits.load(places)


@pytest.fixture
def digits_spec() -> DatasetSpec:
    (spec,) = (spec for spec in DATASETS if spec.name == "digits")
    return spec


def test_shapes_types_and_names(raw: RawImages, spoken: list[str]) -> None:
    assert raw.train_images.shape == (1_437, 8, 8, 1)
    assert raw.test_images.shape == (360, 8, 8, 1)
    assert raw.train_images.dtype == raw.test_images.dtype == np.uint8
    assert raw.class_names == tuple("0123456789")
    assert raw.source.startswith("scikit-learn 1.")
    assert spoken == []


def test_every_image_of_the_origin_is_in_one_part_and_not_altered(raw: RawImages) -> None:
    pixels, labels = load_digits(return_X_y=True)
    images = np.concatenate([raw.train_images, raw.test_images]).reshape(-1, 64)
    rows = np.column_stack([np.rint(images * (16 / 255)), np.concatenate([raw.train_labels, raw.test_labels])])
    origin = np.column_stack([pixels, labels])
    assert sorted(map(tuple, rows)) == sorted(map(tuple, origin))


def test_the_whole_range_of_bytes_is_used(raw: RawImages) -> None:
    assert (raw.train_images.min(), raw.train_images.max()) == (0, 255)


def test_the_test_set_is_in_proportion(raw: RawImages) -> None:
    train, test = np.bincount(raw.train_labels), np.bincount(raw.test_labels)
    assert (np.abs(test - 360 * (train + test) / 1_797) < 1).all()


def test_the_division_is_the_same_each_time(raw: RawImages, places: Places) -> None:
    again = digits.load(places)
    assert np.array_equal(raw.test_images, again.test_images)
    assert np.array_equal(raw.train_labels, again.train_labels)


def test_prepared_digits_pass_the_audit(digits_spec: DatasetSpec) -> None:
    dataset = store.prepare(digits_spec)
    assert (len(dataset.split.train), len(dataset.split.validation), len(dataset.test_labels)) == (1_200, 237, 360)
    result = audit.audit(dataset, digits_spec)
    assert result.passed
    assert {check.name: check.outcome for check in result.checks if check.outcome != "passed"} == {}
    assert sum(result.train_per_class) == 1_437
    assert sum(result.test_per_class) == 360
