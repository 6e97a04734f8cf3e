from __future__ import annotations

import numpy as np
import pytest
from skimage.feature import hog
from sklearn.base import clone
from sklearn.datasets import load_digits

from baselines.hog import HogSVC, hog_features
from benchmark.errors import UnsupportedError
from benchmark.estimators.timing import Stopwatch


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCHMARK_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    X = (X * 15).astype(np.uint8).reshape(-1, 8, 8, 1)
    return X[:700], y[:700], X[700:], y[700:]


SMALL = {"cells": (2,), "block": 2}


@pytest.mark.parametrize("channels", [1, 3])
def test_features_are_those_of_scikit_image(channels):
    images = np.random.default_rng(0).integers(0, 256, (11, 16, 12, channels)).astype(np.uint8)
    found = hog_features(images, orientations=7, cell=4, block=2, n_jobs=1)
    for image, features in zip(images, found, strict=True):
        settings = {"orientations": 7, "pixels_per_cell": (4, 4), "cells_per_block": (2, 2)}
        expected = hog(image[:, :, 0], **settings) if channels == 1 else hog(image, channel_axis=-1, **settings)
        np.testing.assert_allclose(features, expected, atol=1e-6)
    assert found.dtype == np.float32


def test_processes_change_nothing_and_the_second_time_is_from_the_cache(digits, tmp_path, monkeypatch):
    images = digits[0][:50]
    alone = hog_features(images, orientations=9, cell=2, block=2, n_jobs=1)
    watch = Stopwatch()
    again = hog_features(images, orientations=9, cell=2, block=2, n_jobs=1)
    watch.lap()
    assert watch.spared > 0
    monkeypatch.setenv("BENCHMARK_CACHE_DIR", str(tmp_path / "other"))
    shared = hog_features(images, orientations=9, cell=2, block=2, n_jobs=2)
    assert np.array_equal(alone, again)
    assert np.array_equal(alone, shared)


def test_it_learns_and_speaks_scikit_learn(digits):
    X, y, X_test, y_test = digits
    model = HogSVC(**SMALL, n_jobs=1).fit(X, y)
    assert model.score(X_test, y_test) > 0.9
    assert model.parameter_count_ > 1000
    assert "HOG of scikit-image" in model.implementation_
    assert clone(model).get_params() == model.get_params()


def test_scales_and_pixels_stand_behind_one_another(digits):
    X, y, *_ = digits
    model = HogSVC(orientations=5, cells=(7, 14), block=2, pixels=0.5, n_jobs=1).fit(X[:100], y[:100])
    fine, coarse = (hog_features(X[:100], orientations=5, cell=cell, block=2, n_jobs=1) for cell in (2, 4))
    pixels = X[:100].reshape(100, -1) / np.float32(510) * 3.5  # As much as 28 x 28 of them weigh.
    expected = np.concatenate([fine, coarse, pixels], axis=1)
    found = model.svc_.portable().support_vectors_
    np.testing.assert_allclose(found, expected[model.svc_.support_], atol=1e-6)
    assert model.score(X[100:300], y[100:300]) > 0.7


def test_variants_are_added_to_the_support_vectors(digits, cache):
    X, y, X_test, y_test = digits
    varied = {"copies": 2, "rotation_degrees": 10.0, "shift": 0.1, "random_state": 0}
    plain, first, again, other = (
        HogSVC(**SMALL, n_jobs=1, **params).fit(X, y) for params in ({}, varied, varied, {**varied, "random_state": 1})
    )
    n_support = len(plain.svc_.support_)
    assert len(list(cache.rglob("hog-*.npz"))) == 1  # Of X; those of variants are not kept.
    assert first.svc_.portable().shape_fit_[0] == 3 * n_support
    assert first.score(X_test, y_test) > 0.9
    assert np.array_equal(first.svc_.portable().dual_coef_, again.svc_.portable().dual_coef_)
    assert first.svc_.portable().dual_coef_.shape != other.svc_.portable().dual_coef_.shape or not np.array_equal(
        first.svc_.portable().dual_coef_, other.svc_.portable().dual_coef_
    )


def test_images_smaller_than_a_block_are_unsupported():
    with pytest.raises(UnsupportedError, match="at least 4 pixels a side"):
        HogSVC(cells=(4, 7), block=2).fit(np.zeros((4, 3, 9, 1), np.uint8), np.arange(4) % 2)
