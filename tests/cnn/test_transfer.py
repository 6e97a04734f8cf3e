from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.base import clone
from torchvision import models

from benchmark.errors import UserError
from benchmark.estimators.timing import Stopwatch
from cnn.backbones import Backbone, load_backbone
from cnn.transfer import TransferClassifier


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCHMARK_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def data():
    """Three classes: bright above, bright below, bright in the middle; labels are 2, 5 and 9."""
    rng = np.random.default_rng(0)
    y = np.array([2, 5, 9])[np.arange(90) % 3]
    X = rng.integers(0, 60, (90, 12, 12, 1)).astype(np.uint8)
    for place, label in enumerate((2, 5, 9)):
        X[y == label, 4 * place : 4 * place + 4] += 150
    return X[:60], y[:60], X[60:], y[60:]


def small(**params) -> TransferClassifier:
    settings = {
        "resolution": 32,
        "epochs": 6,
        "batch_size": 16,
        "random_state": 0,
        "n_jobs": 1,
        "precision": "float32",
        "learning_rate": 0.01,
    }
    return TransferClassifier(**{**settings, **params})


def fitted(data, **params) -> TransferClassifier:
    X, y, X_val, y_val = data
    return small(**params).fit(X, y, X_val=X_val, y_val=y_val)


@pytest.fixture
def weights(tmp_path, monkeypatch):
    """torchvision's cache with weights of ResNet-18, made up."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    folder = tmp_path / "torch/hub/checkpoints"
    folder.mkdir(parents=True)
    torch.manual_seed(0)
    name = models.ResNet18_Weights.DEFAULT.url.rpartition("/")[2]
    torch.save(models.resnet18().state_dict(), folder / name)


def test_frozen_features_learn_and_speak_scikit_learn(data, cache):
    model = fitted(data)
    probabilities = model.predict_proba(data[2])
    assert probabilities.shape == (30, 3)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert model.score(data[2], data[3]) > 0.7
    assert model.classes_.tolist() == [2, 5, 9]
    assert 3.3e6 < model.parameter_count_ < 5e6
    assert "efficientnet-lite0" in model.implementation_
    assert clone(model).get_params() == model.get_params()
    assert list((cache / "features").glob("efficientnet-lite0-*.npz"))


def test_a_second_fit_takes_the_features_from_the_cache_and_says_what_they_cost(data):
    watch = Stopwatch()
    first = fitted(data)
    watch.lap()
    assert watch.spared == 0
    again = fitted(data)
    watch.lap()
    assert watch.spared > 0
    assert np.array_equal(first.predict_proba(data[2]), again.predict_proba(data[2]))


def test_finetuning_changes_the_backbone_and_leaves_no_features_in_the_cache(data, cache):
    model = fitted(data, mode="finetuned", epochs=2, flip=True, shift=0.1, learning_rate=1e-3)
    fresh = load_backbone("efficientnet-lite0", 32)
    trained, original = (dict(part.named_parameters()) for part in (model.backbone_, fresh))
    assert not torch.equal(*(part["body.stem.1.weight"] for part in (trained, original)))
    assert model.predict_proba(data[2]).shape == (30, 3)
    assert not (cache / "features").exists()


def test_any_backbone_of_torchvision_whose_weights_are_at_hand_serves(data, weights):
    model = fitted(data, backbone="resnet18")
    # At 32 pixels the maps are 4, 2 and 1 a side.
    assert model.backbone_(torch.zeros((2, 1, 12, 12))).shape == (2, 128 * 16 + 256 * 4 + 512)
    assert "resnet18 of torchvision" in model.implementation_
    assert model.score(data[2], data[3]) > 0.6


def test_colour_images_are_taken(data):
    colours = [np.repeat(part, 3, axis=3) if part.ndim == 4 else part for part in data]
    assert fitted(colours, epochs=2).predict(colours[2]).shape == (30,)


def test_weights_that_are_not_at_hand_are_told_with_a_remedy(data, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "empty"))

    def offline(*args, **kwargs):
        raise OSError("no network")

    monkeypatch.setattr(torch.hub, "download_url_to_file", offline)
    with pytest.raises(UserError, match=r"weights of resnet18 are not here.*checkpoints"):
        fitted(data, backbone="resnet18")


@pytest.mark.parametrize("name", ["resnet1", "squeezenet", "fcn_resnet50"])
def test_what_is_no_backbone_is_refused(name):
    with pytest.raises(UserError, match="Unknown backbone"):
        load_backbone(name, 32)


def test_the_larger_the_images_the_fewer_at_a_time(data):
    sizes = [small(resolution=resolution)._evaluation_batch for resolution in (32, 56, 112, 224, 4000)]
    assert sizes == [1000, 1000, 250, 62, 1]
    models = [small(mode="finetuned", epochs=1) for _ in range(2)]
    for model, batch in zip(models, (7, 1000), strict=True):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(TransferClassifier, "_evaluation_batch", batch)
            model.fit(*data[:2], X_val=data[2], y_val=data[3])
    for name, value in models[0].head_[0].state_dict().items():
        torch.testing.assert_close(value, models[1].head_[0].state_dict()[name], atol=1e-4, rtol=1e-3)


def test_wrong_parameters_are_refused(data):
    for wrong, words in (
        ({"mode": "half"}, "mode must be one of"),
        ({"flip": True}, "flip and shift are for mode 'finetuned'"),
        ({"resolution": 4}, "resolution must be at least 8"),
        ({"epochs": 0}, "epochs must be at least 1"),
    ):
        with pytest.raises(ValueError, match=words):
            fitted(data, **wrong)
    with pytest.raises(ValueError, match="uint8"):
        small().fit(data[0].astype(float), data[1], X_val=data[2], y_val=data[3])


class Recorder(torch.nn.Module):
    """Keeps what it is given; gives no maps."""

    def forward(self, images):
        self.seen = images
        return torch.zeros((len(images), 4))


def test_images_are_standardised_as_the_weights_are_used_to():
    recorder = Recorder()
    backbone = Backbone(recorder, [127 / 255] * 3, [128 / 255] * 3, 32, "made")
    assert backbone(torch.full((1, 1, 32, 32), 127 / 255)).shape == (1, 4)
    torch.testing.assert_close(recorder.seen, torch.zeros((1, 3, 32, 32)), atol=1e-6, rtol=0)
    backbone(torch.ones((1, 1, 28, 28)))
    torch.testing.assert_close(recorder.seen, torch.ones((1, 3, 32, 32)), atol=1e-5, rtol=0)


def test_features_are_the_last_maps_of_each_size_on_a_grid():
    torch.manual_seed(0)

    def block(inputs, outputs, stride):
        layers = (torch.nn.Conv2d(inputs, outputs, 3, stride, 1), torch.nn.ReLU())
        return torch.nn.Sequential(*layers)

    body = torch.nn.Sequential(block(3, 2, 4), block(2, 5, 2), block(5, 5, 1), block(5, 7, 4))
    backbone = Backbone(body, [0.0] * 3, [1.0] * 3, 64, "made").eval()
    images = torch.rand((2, 3, 64, 64))
    with torch.inference_mode():
        found = backbone(images)
        maps = body[2](body[1](body[0](images)))  # 8 a side; the first block's 16 are too many.
        expected = [torch.nn.functional.avg_pool2d(maps, 2).flatten(1), body[3](maps).flatten(1)]
    torch.testing.assert_close(found, torch.cat(expected, 1), atol=1e-5, rtol=1e-4)
