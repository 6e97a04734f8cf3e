"""The real Fashion-MNIST, where it has been fetched: skipped, with the reason, where it has not."""

from __future__ import annotations

import numpy as np
import pytest

from benchmark.data import cache
from benchmark.data.catalog import DATASETS
from benchmark.data.integrity import audit
from benchmark.specs import Dataset, DatasetSpec


@pytest.fixture(scope="session")
def real_spec() -> DatasetSpec:
    (spec,) = (spec for spec in DATASETS if spec.name == "fashion-mnist")
    return spec


@pytest.fixture(scope="session")
def real(real_spec: DatasetSpec) -> Dataset:
    """The real data in the user's own cache: read before the per-test cache is put in its place."""
    dataset = cache.read(real_spec)
    if dataset is None:
        pytest.skip("Fashion-MNIST is not here yet; 'python -m benchmark data fetch' gets it")
    return dataset


def test_the_real_data_are_sound(real: Dataset, real_spec: DatasetSpec) -> None:
    assert real.train_images.shape == (60_000, 28, 28, 1)
    assert real.test_images.shape == (10_000, 28, 28, 1)
    result = audit(real, real_spec)
    assert result.passed
    outcomes = {check.name: check.outcome for check in result.checks}
    duplicates = {name: outcome for name, outcome in outcomes.items() if name.startswith("duplicates")}
    assert len(duplicates) == 4
    assert set(duplicates.values()) == {"passed"}
    assert result.train_per_class == (6_000,) * 10
    assert result.test_per_class == (1_000,) * 10


def test_the_real_split_is_disjoint_balanced_and_of_the_sizes_stated(real: Dataset) -> None:
    train, validation = real.split.train, real.split.validation
    assert (len(train), len(validation), len(real.test_labels)) == (55_000, 5_000, 10_000)
    assert set(train.tolist()).isdisjoint(validation.tolist())
    assert sorted([*train.tolist(), *validation.tolist()]) == list(range(60_000))
    assert np.bincount(real.train_labels[validation]).tolist() == [500] * 10
    assert np.bincount(real.train_labels[train]).tolist() == [5_500] * 10
