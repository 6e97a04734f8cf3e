"""The real Fashion-MNIST, where it can be had: skipped, with the reason, where it cannot."""

from __future__ import annotations

import numpy as np
import pytest

from benchmark.contract import Dataset, DatasetSpec, UserError
from benchmark.data import store
from benchmark.data.audit import audit
from benchmark.data.catalog import DATASETS


@pytest.fixture(scope="session")
def real_spec() -> DatasetSpec:
    (spec,) = (spec for spec in DATASETS if spec.name == "fashion-mnist")
    return spec


@pytest.fixture(scope="session")
def real(real_spec: DatasetSpec) -> Dataset:
    """The real data in the user's own cache: made before the per-test cache is put in its place."""
    try:
        dataset = store.prepare(real_spec)
    except UserError as error:
        pytest.skip(str(error))
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
