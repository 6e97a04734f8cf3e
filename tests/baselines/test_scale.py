"""Enlarging pictures, or repeating their grey as colours, changes nothing that a baseline makes of them."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from baselines.catalog import MODELS
from baselines.scale import reduced, share_of_pixels, weighted
from benchmark.estimators import adapter
from benchmark.specs import Run

N_TRAIN, N_TEST = 300, 200
BY_CHANCE = {"random-forest", "gradient-boosting"}  # They draw among pixels, of which there are more.
SHORT = {"linear-svm", "hog-svm", "knn"}
SIZES = [(factor, channels) for factor in (1, 2, 4, 8) for channels in (1, 3)][1:]


@pytest.fixture(scope="module")
def digits():
    """Handwritten digits of 28 x 28 pixels, uint8 (n, 28, 28, 1), and labels."""
    images, labels = load_digits().images[: N_TRAIN + N_TEST], load_digits().target[: N_TRAIN + N_TEST]
    large = [Image.fromarray((image * 255 / 16).astype(np.uint8)).resize((28, 28), Image.BILINEAR) for image in images]
    return np.stack([np.asarray(image) for image in large])[..., None], labels


@pytest.fixture(scope="module")
def predicted(digits):
    """Predictions of a model for the test images, all enlarged by a factor and with so many channels; made once."""
    known = {}

    def predict(spec, factor, channels):
        if (spec.name, factor, channels) not in known:
            images, y = digits
            X = images.repeat(factor, axis=1).repeat(factor, axis=2).repeat(channels, axis=3)
            X = adapter.inputs(X, np.arange(len(X)), spec)
            model = adapter.configured(spec.create(Run("any", spec.name, 0, "quick")), 0, 1)
            more = {"X_val": X[N_TRAIN:], "y_val": y[N_TRAIN:]} if spec.validates else {}
            model.fit(X[:N_TRAIN], y[:N_TRAIN], **more)
            known[spec.name, factor, channels] = model.predict(X[N_TRAIN:])
        return known[spec.name, factor, channels]

    return predict


@pytest.mark.parametrize(("factor", "channels"), SIZES)
@pytest.mark.parametrize(
    "spec",
    [spec if spec.name in SHORT else pytest.param(spec, marks=pytest.mark.nightly) for spec in MODELS],
    ids=lambda spec: spec.name,
)
def test_enlarging_a_data_set_does_not_change_a_verdict(
    spec, factor, channels, digits, predicted, tmp_path, monkeypatch
):
    monkeypatch.setenv("BENCHMARK_CACHE_DIR", str(tmp_path))
    labels = digits[1][N_TRAIN:]
    small, large = predicted(spec, 1, 1), predicted(spec, factor, channels)
    if spec.name in BY_CHANCE:
        assert abs(np.mean(small == labels) - np.mean(large == labels)) <= 0.04
    else:
        assert np.mean(small != large) <= 0.01


def test_inner_products_are_those_of_the_small_images():
    X = np.random.default_rng(0).random((5, 28 * 28)).astype(np.float32)
    large = weighted(X.reshape(5, 28, 28).repeat(3, axis=1).repeat(3, axis=2).reshape(5, -1))
    assert weighted(X) is X
    np.testing.assert_allclose(large @ large.T, X @ X.T, rtol=1e-5)


def test_as_many_pixels_are_looked_at_however_many_there_are():
    assert share_of_pixels(0.1, 784) == 0.1
    assert share_of_pixels(0.1, 64) == 0.1
    assert share_of_pixels(0.1, 7840) * 7840 == pytest.approx(78.4)


@pytest.mark.parametrize("shape", [(28, 28), (55, 40), (8, 8), (300, 30)])
def test_small_images_stay_as_they_are(shape):
    images = np.zeros((2, *shape, 1), dtype=np.uint8)
    assert reduced(images) is images


@pytest.mark.parametrize(("shape", "small"), [((56, 56), (28, 28)), ((90, 130), (30, 43)), ((224, 224), (28, 28))])
def test_large_images_are_averaged(shape, small):
    images = np.random.default_rng(0).integers(0, 256, (300, *shape, 3), dtype=np.uint8)
    found = reduced(images)
    factor = min(shape) // 28
    assert found.shape == (300, *small, 3)
    np.testing.assert_allclose(
        found[299, 1, 2], images[299, factor : 2 * factor, 2 * factor : 3 * factor].mean((0, 1)), atol=0.51
    )


def test_wide_data_takes_a_way_that_fits(monkeypatch):
    """60 images of 64 x 64 x 3, and of 224 x 224 x 3: the covariance of all pixels would be out of reach."""
    from baselines.pixels import PcaSVC

    rng = np.random.default_rng(0)
    y = np.arange(60) % 2
    for side in (64, 224):
        X = (rng.random((2, side * side * 3)).astype(np.float32)[y] + rng.random((60, side * side * 3), np.float32)) / 2
        model = PcaSVC(n_components=241, C=2.09, gamma=0.0319).fit(X[:40], y[:40])
        assert model.pca_.svd_solver == "full"
        assert np.mean(model.predict(X[40:]) == y[40:]) > 0.9


def test_a_linear_model_learns_the_same_in_the_space_of_few_images(monkeypatch):
    from baselines import scale
    from baselines.pixels import PixelLinearSVC, PixelLogisticRegression

    rng = np.random.default_rng(0)
    for k in (2, 4):
        y = np.arange(60) % k
        X = rng.random((k, 4000)).astype(np.float32)[y] + rng.random((60, 4000), np.float32)
        for model in (PixelLogisticRegression(), PixelLinearSVC(C=0.0157)):
            monkeypatch.setattr(scale, "WIDE", 3136)
            fast = (
                model.fit(X, y).predict(X + 0.1),
                model.decision_function(X) if hasattr(model, "coef_") else model.predict_proba(X),
            )
            assert model.n_features_in_ == 4000
            monkeypatch.setattr(scale, "WIDE", 10**9)
            slow = (
                model.fit(X, y).predict(X + 0.1),
                model.decision_function(X) if hasattr(model, "coef_") else model.predict_proba(X),
            )
            assert np.array_equal(fast[0], slow[0])
            np.testing.assert_allclose(fast[1], slow[1], atol=0.01)
