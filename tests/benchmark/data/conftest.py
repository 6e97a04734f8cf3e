"""What the tests of the data layer share: a private cache, no network, and small made-up data sets."""

from __future__ import annotations

import socket
import sys
import types
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from benchmark.data import load as store
from benchmark.specs import DatasetSpec, Places, RawImages
from benchmark.utils import files

N_CLASSES = 4


@pytest.fixture(autouse=True)
def cache_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep every test out of the user's cache and data folder."""
    root = tmp_path / "cache"
    monkeypatch.setenv(files.CACHE_VARIABLE, str(root))
    monkeypatch.delenv(store.DATA_VARIABLE, raising=False)
    return root


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail a test that opens a connection, loudly: no code under test catches AssertionError."""

    def refuse(*args, **kwargs):
        raise AssertionError("a test tried to reach the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def _raw_images(*, train: int = 40, test: int = 12, channels: int = 1, seed: int = 0) -> RawImages:
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, size=(train + test, 5, 6, channels), dtype=np.uint8)
    images[0, 0, 0, 0], images[0, 0, 1, 0] = 0, 255
    return RawImages(
        train_images=images[:train],
        train_labels=np.arange(train, dtype=np.int32) % N_CLASSES,
        test_images=images[train:],
        test_labels=np.arange(test, dtype=np.int32) % N_CLASSES,
        class_names=("ant", "bee", "cat", "dog"),
        source="made up",
    )


@pytest.fixture
def make_raw() -> Callable[..., RawImages]:
    """Random images of four classes, even where the counts allow; no two alike."""
    return _raw_images


@pytest.fixture
def spec() -> DatasetSpec:
    """A specification that fits what ``make_raw`` makes unasked."""
    return DatasetSpec(
        name="tiny",
        title="Tiny",
        description="forty random pictures",
        load="planted_loader:load",
        stamp="planted_loader:stamp",
        validation_size=8,
        expected_train=40,
        expected_test=12,
        balanced=True,
    )


class Loader:
    """A loader that counts its calls and returns, or raises, what a test gives it."""

    def __init__(self) -> None:
        self.result: RawImages | BaseException = _raw_images()
        self.calls: list[Places] = []
        self.stamp: object = "the same"

    def __call__(self, places: Places) -> RawImages:
        self.calls.append(places)
        if isinstance(self.result, BaseException):
            raise self.result
        return self.result


@pytest.fixture
def loader(monkeypatch: pytest.MonkeyPatch) -> Loader:
    """The function that ``spec.load`` names."""
    planted = Loader()
    module = types.ModuleType("planted_loader")
    module.load = planted
    module.stamp = lambda places: planted.stamp
    monkeypatch.setitem(sys.modules, "planted_loader", module)
    return planted


@pytest.fixture
def spoken() -> list[str]:
    """What was said through ``places.say``."""
    return []


@pytest.fixture
def places(tmp_path: Path, spoken: list[str]) -> Places:
    """Places with no folder of the user's and an empty folder for downloads."""
    downloads = tmp_path / "downloads"
    downloads.mkdir()
    return Places(data_dir=None, downloads=downloads, say=spoken.append)
