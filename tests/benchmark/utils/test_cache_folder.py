"""What is kept is listed, removed, and does not grow for ever."""

from __future__ import annotations

import os
from collections import namedtuple

import numpy as np
import pytest
from commands import Home

from benchmark.data import cache
from benchmark.errors import UserError
from benchmark.estimators import feature_cache
from benchmark.utils import cache_folder
from benchmark.utils.files import cache_root

Usage = namedtuple("Usage", "total used free")
IMAGES = np.arange(4000, dtype=np.uint8).reshape(10, 20, 20, 1)


@pytest.fixture(autouse=True)
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCHMARK_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(feature_cache, "SPARE_BYTES", 0)
    return tmp_path


def features(name, window=1):
    return feature_cache.features(name, IMAGES, lambda images: images.astype(np.float64), window=window)


def test_all_that_is_kept_is_listed_by_kind_and_name_and_can_be_removed(root):
    for window in (1, 2):
        features("hog", window)
    (root / "decoded/tiny").mkdir(parents=True)
    (root / "decoded/tiny/a.npy").write_bytes(b"12345")
    (root / "decoded/tiny/meta.json").touch()
    (root / "downloads/tiny").mkdir(parents=True)  # Made for every data set, of use to few.
    found = {(kept.kind, kept.name): (len(kept.paths), kept.n_bytes) for kept in cache_folder.entries()}
    assert found["decoded", "tiny"] == (1, 5)
    assert found["features", "hog"][0] == 2
    assert found["features", "hog"][1] > 2 * 4000 * 8
    assert cache_folder.clear(["decoded"]) == 5
    assert {kept.kind for kept in cache_folder.entries()} == {"features"}
    cache_folder.clear(cache_folder.KINDS)
    assert cache_folder.entries() == []


def test_the_folder_may_be_named_from_home(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("BENCHMARK_CACHE_DIR", "~/cache")
    assert cache_root() == tmp_path / "cache"


def test_an_unknown_kind_is_refused():
    with pytest.raises(UserError, match="no 'records'"):
        cache_folder.clear(["records"])


def test_of_features_beyond_the_limit_those_used_least_recently_are_removed(root, monkeypatch):
    monkeypatch.setenv("BENCHMARK_CACHE_LIMIT", "70kB")
    first, second = features("a"), features("b")
    for age, name in ((200, "a"), (100, "b")):
        (path,) = (root / "features").glob(f"{name}-*")
        os.utime(path, (path.stat().st_mtime - age,) * 2)
    features("a")  # Used again, so b is the older.
    features("c")
    assert sorted(path.name[0] for path in (root / "features").iterdir()) == ["a", "c"]
    assert np.array_equal(features("b"), second)
    assert np.array_equal(first, second)


@pytest.mark.parametrize("limit", ["1kB", "0", "full disk"])
def test_features_that_do_not_fit_are_used_and_not_kept(root, monkeypatch, limit):
    if limit == "full disk":
        monkeypatch.setattr(cache_folder.shutil, "disk_usage", lambda folder: Usage(10**9, 10**9, 1000))
    else:
        monkeypatch.setenv("BENCHMARK_CACHE_LIMIT", limit)
    assert np.array_equal(features("hog"), IMAGES)
    assert list((root / "features").iterdir()) == []


def test_a_data_set_for_which_there_is_no_room_is_not_begun(root, monkeypatch):
    from benchmark.specs import DatasetSpec, RawImages

    labels = np.arange(10) % 2
    raw = RawImages(
        train_images=IMAGES,
        train_labels=labels,
        test_images=IMAGES,
        test_labels=labels,
        class_names=("a", "b"),
        source="made up",
    )
    monkeypatch.setattr(cache_folder.shutil, "disk_usage", lambda folder: Usage(10**9, 10**9, 1000))
    with pytest.raises(OSError, match="no room for"):
        cache.write(DatasetSpec(name="tiny", title="T", description="", load="a:b", validation_size=2), raw)
    assert not (root / "decoded/tiny").exists()


def test_the_commands(tmp_path):
    (tmp_path / "home").mkdir()
    home = Home(tmp_path / "home", tmp_path / "cache")
    (tmp_path / "cache/decoded/tiny").mkdir(parents=True)
    (tmp_path / "cache/decoded/tiny/a.npy").write_bytes(b"0" * 2_000_000)
    (tmp_path / "cache/decoded/tiny/meta.json").touch()
    for other in ("downloads/thesis.txt", "features/mine.npy", "decoded/notes/a.txt"):
        (tmp_path / "cache" / other).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "cache" / other).touch()
    listed = home.here("cache", "list")
    assert "tiny" in listed.stdout
    assert "2 MB" in listed.stdout
    assert home.here("cache", "clear").stdout == "2 MB removed\n"
    left = {path.name for path in (tmp_path / "cache").rglob("*") if path.is_file()}
    assert left == {"thesis.txt", "mine.npy", "a.txt"}  # Not ours.
    assert "no 'records'" in home.refused("cache", "clear", "records")
