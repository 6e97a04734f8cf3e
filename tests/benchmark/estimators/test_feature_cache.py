from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmark.estimators import feature_cache
from benchmark.estimators.timing import Stopwatch


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("BENCHMARK_CACHE_DIR", str(tmp_path))
    return tmp_path / "features"


IMAGES = np.arange(24, dtype=np.uint8).reshape(6, 2, 2, 1)


class Means:
    """Computes, slowly enough to be noticed, and counts how often."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, images: np.ndarray) -> np.ndarray:
        self.calls += 1
        time.sleep(0.05)
        return images.reshape(len(images), -1).mean(1, keepdims=True)


def test_the_second_time_nothing_is_computed_and_its_seconds_are_told():
    compute, watch = Means(), Stopwatch()
    first = feature_cache.features("means", IMAGES, compute, window=2)
    assert watch.lap() >= 0.05
    assert watch.spared == 0
    again = feature_cache.features("means", IMAGES, compute, window=2)
    assert watch.lap() >= 0.05
    assert compute.calls == 1
    assert np.array_equal(first, again)
    assert 0.05 <= watch.spared < 1


def test_looking_after_the_cache_costs_the_model_nothing(monkeypatch):
    compute, watch = Means(), Stopwatch()
    monkeypatch.setattr(feature_cache, "_keep", lambda *arguments: time.sleep(0.3))
    feature_cache.features("means", IMAGES, compute)
    assert 0.05 <= watch.lap() < 0.25


def test_what_nobody_will_want_again_is_not_kept(folder):
    compute = Means()
    with feature_cache.unkept():
        for _ in range(2):
            feature_cache.features("means", IMAGES, compute)
    assert compute.calls == 2
    assert not folder.exists()
    feature_cache.features("means", IMAGES, compute)
    assert folder.exists()


@pytest.mark.parametrize(
    ("name", "images", "settings"),
    [
        ("other", IMAGES, {"window": 2}),
        ("means", IMAGES[::-1], {"window": 2}),
        ("means", IMAGES.reshape(6, 4, 1, 1), {"window": 2}),
        ("means", IMAGES.astype(np.int16), {"window": 2}),
        ("means", IMAGES, {"window": 3}),
        ("means", IMAGES, {}),
    ],
)
def test_whatever_decides_the_values_makes_other_features(name, images, settings):
    compute = Means()
    feature_cache.features("means", IMAGES, compute, window=2)
    feature_cache.features(name, images, compute, **settings)
    assert compute.calls == 2


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(damage=st.binary(max_size=300), place=st.integers(0, 400), cut=st.booleans())
def test_a_damaged_file_is_computed_again(folder, damage, place, cut):
    compute = Means()
    expected = compute(IMAGES)
    feature_cache.features("means", IMAGES, compute)
    (path,) = folder.glob("means-*.npz")
    good = path.read_bytes()
    path.write_bytes(good[:place] + damage + (b"" if cut else good[place + len(damage) :]))
    found = feature_cache.features("means", IMAGES, compute)
    assert np.array_equal(found, expected)
    path.unlink()


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_costs_nothing_but_time(tmp_path, capsys):
    tmp_path.chmod(0o500)
    compute = Means()
    feature_cache.features("means", IMAGES, compute)
    tmp_path.chmod(0o700)
    assert "could not be kept" in capsys.readouterr().out


def test_a_file_in_the_place_of_the_folder_costs_nothing_but_time(folder, capsys):
    folder.write_text("no folder")
    compute = Means()
    for _ in range(2):
        assert feature_cache.features("means", IMAGES, compute).shape == (6, 1)
    assert compute.calls == 2
    assert "could not be kept" in capsys.readouterr().out


def test_nothing_half_written_is_left(folder):
    feature_cache.features("means", IMAGES, Means())
    assert [path.name.startswith("means-") for path in folder.iterdir()] == [True]


PROGRAM = """
import numpy as np
from benchmark.estimators import feature_cache
images = np.arange(3_000_000, dtype=np.uint8).reshape(-1, 10, 10, 1)
for n in range(20):
    found = feature_cache.features("sums", images, lambda images: images.sum((1, 2, 3), keepdims=True), n=n % 2)
    assert np.array_equal(found[:, 0, 0, 0], images.sum((1, 2, 3)))
"""


def test_processes_may_write_the_same_features_at_once(tmp_path, folder):
    root = Path(__file__).resolve().parents[3]
    several = [subprocess.Popen([sys.executable, "-c", PROGRAM], cwd=root) for _ in range(3)]
    assert [process.wait(60) for process in several] == [0, 0, 0]
    assert len(list(folder.iterdir())) == 2


def test_what_a_killed_process_left_is_cleared_away_in_time(folder):
    folder.mkdir()
    old, new = folder / ".1-means-aa.npz", folder / ".2-means-bb.npz"
    for left in (old, new):
        left.write_bytes(b"half")
    os.utime(old, (0, 0))
    feature_cache.features("means", IMAGES, Means())
    assert not old.exists()
    assert new.exists()
