from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from benchmark.errors import UnsupportedError
from cnn import classifier
from cnn.classifier import CnnClassifier


@pytest.fixture(scope="module")
def data():
    """Three classes told apart by which third of the image is bright, with noise; labels are 2, 5 and 9."""
    rng = np.random.default_rng(0)
    y = np.array([2, 5, 9])[np.arange(150) % 3]
    X = rng.integers(0, 120, (150, 9, 9, 1)).astype(np.uint8)
    for place, label in enumerate((2, 5, 9)):
        X[y == label, :, 3 * place : 3 * place + 3] += 90
    return X[:100], y[:100], X[100:], y[100:]


def small(**params) -> CnnClassifier:
    return CnnClassifier(**{"epochs": 4, "batch_size": 16, "random_state": 0, "n_jobs": 1, **params})


def fitted(data, **params) -> CnnClassifier:
    X, y, X_val, y_val = data
    return small(**params).fit(X, y, X_val=X_val, y_val=y_val)


@pytest.mark.parametrize(
    ("optimizer", "network"),
    [
        *(("sgd", network) for network in ("mlp", "simple", "deep", "resnet")),
        *(("adam", "simple"), pytest.param("adam", "resnet", marks=pytest.mark.nightly)),
    ],
)
def test_it_learns_and_speaks_scikit_learn(data, optimizer, network):
    model = fitted(data, network=network, optimizer=optimizer, epochs=8, learning_rate=0.01)
    probabilities = model.predict_proba(data[2])
    assert probabilities.shape == (50, 3)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert set(model.predict(data[2])) <= {2, 5, 9}
    assert model.score(data[2], data[3]) > 0.9
    assert model.classes_.tolist() == [2, 5, 9]
    assert model.parameter_count_ == sum(p.numel() for p in model.network_.parameters())
    assert len(model.history_) <= 8
    assert clone(model).get_params() == model.get_params()


def test_the_best_epoch_is_the_one_restored(data):
    model = fitted(data, epochs=6)
    best = model.history_[model.best_epoch_ - 1]
    assert best["validation_accuracy"] == max(row["validation_accuracy"] for row in model.history_)
    assert model.score(data[2], data[3]) == pytest.approx(best["validation_accuracy"])


@pytest.mark.parametrize("averaging", [0.0, 0.9])
def test_looking_back_gives_the_classifier_of_each_epoch(data, averaging, monkeypatch):
    model = fitted(data, epochs=5, views="mirror", averaging=averaging, learning_rate=0.0003)
    seen = [row["validation_accuracy"] for row in model.history_]
    assert len(set(seen)) > 2
    monkeypatch.setattr(classifier, "FAR_BEHIND", max(seen) - sorted(set(seen))[-2])
    near = [accuracy >= sorted(set(seen))[-2] for accuracy in seen]
    scores = [then and then.score(data[2], data[3]) for then in model.by_epoch()]
    assert scores == [pytest.approx(accuracy) if there else None for accuracy, there in zip(seen, near, strict=True)]
    assert scores[model.best_epoch_ - 1] == model.variants()["from one view"].score(data[2], data[3])


def test_a_network_learns_from_half_of_what_it_knows(data):
    whole, pruned = (fitted(data, epochs=8, pruning=pruning, learning_rate=0.01) for pruning in (0.0, 0.5))
    assert pruned.score(data[2], data[3]) > 0.9
    assert not np.array_equal(whole.predict_proba(data[2]), pruned.predict_proba(data[2]))


AUGMENTED = {"network": "deep", "rotation_degrees": 15.0, "zoom": 0.1, "shift": 0.1, "flip": True}


@pytest.mark.parametrize("params", [{}, AUGMENTED])
def test_the_same_seed_gives_the_same_bits_and_another_seed_gives_others(data, params):
    first, again, other = (fitted(data, random_state=seed, **params).predict_proba(data[2]) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_the_global_generator_is_left_alone(data):
    torch.manual_seed(123)
    before = torch.get_rng_state()
    fitted(data, epochs=1).predict(data[0])
    assert torch.equal(torch.get_rng_state(), before)


def test_epochs_are_told_as_they_end(data):
    X, y, X_val, y_val = data
    rows = []
    model = small().fit(X, y, X_val=X_val, y_val=y_val, on_epoch=rows.append)
    assert rows == model.history_
    assert {"epoch", "train_loss", "validation_accuracy", "learning_rate"} <= rows[0].keys()


def test_read_only_images_are_taken(data):
    X = data[0].copy()
    X.flags.writeable = False
    small(epochs=1).fit(X, data[1], X_val=data[2], y_val=data[3]).predict(X)


def test_too_small_images_are_unsupported_with_the_reason(data):
    X = np.zeros((30, 7, 7, 1), np.uint8)
    y = np.arange(30) % 3
    with pytest.raises(UnsupportedError, match="at least 8 pixels"):
        small(network="deep").fit(X, y, X_val=X, y_val=y)


def test_views_are_averaged_as_they_say(data):
    model = fitted(data, views="shifts")
    X = data[2]
    fewer = model.variants()
    assert list(fewer) == ["from one view", "from two views, mirrored"]
    one, two = fewer.values()
    np.testing.assert_allclose(
        two.predict_proba(X), (one.predict_proba(X) + one.predict_proba(X[:, :, ::-1])) / 2, atol=1e-6
    )
    up_left, down_right = np.zeros_like(X), np.zeros_like(X)
    up_left[:, :-1, :-1], down_right[:, 1:, 1:] = X[:, 1:, 1:], X[:, :-1, :-1]
    parts = [two.predict_proba(view) for view in (X, up_left, down_right)]
    np.testing.assert_allclose(model.predict_proba(X), (2 * parts[0] + parts[1] + parts[2]) / 4, atol=1e-6)
    assert not np.allclose(model.predict_proba(X), one.predict_proba(X))
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1, atol=1e-5)
    assert model.views == "shifts"
    assert list(two.variants()) == ["from one view"]


def test_who_predicts_while_it_learns_sees_what_has_been_learnt(data):
    X, y, X_val, y_val = data
    model, seen = small(epochs=3), []
    model.fit(X, y, X_val=X_val, y_val=y_val, on_epoch=lambda row: seen.append(model.predict_proba(X_val)))
    assert not np.array_equal(seen[0], seen[1])
    again = small(epochs=3, random_state=1)
    before = again.fit(X, y, X_val=X_val, y_val=y_val).predict_proba(X_val)
    after = again.set_params(random_state=2).fit(X, y, X_val=X_val, y_val=y_val).predict_proba(X_val)
    assert not np.array_equal(before, after)


def test_one_view_has_no_variants(data):
    assert fitted(data, epochs=1).variants() == {}


def test_device_and_precision_are_told(data):
    model = fitted(data, epochs=1, device="cpu", precision="float32")
    assert (model.device_, model.precision_) == ("cpu", "float32")
    rough = fitted(data, epochs=1, device="cpu", precision="bfloat16")
    assert rough.precision_ == "bfloat16"
    assert not np.array_equal(model.predict_proba(data[2]), rough.predict_proba(data[2]))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_cuda_the_same_seed_gives_the_same_bits_when_asked(data):
    first, again = (
        fitted(data, network="deep", device="cuda", deterministic=True).predict_proba(data[2]) for _ in range(2)
    )
    assert np.array_equal(first, again)


def test_predicting_before_fitting_is_refused(data):
    with pytest.raises(NotFittedError):
        small().predict(data[0])


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"network": "huge"}, "network must be one of"),
        ({"optimizer": "lion"}, "optimizer must be one of"),
        ({"epochs": 0}, "epochs must be at least 1"),
        ({"zoom": 2.0}, "zoom must be"),
        ({"views": "all"}, "views must be"),
        ({"averaging": 1.0}, "averaging must be"),
        ({"device": "tpu"}, "device must be"),
        ({"precision": "float8"}, "precision must be"),
    ],
)
def test_wrong_parameters_are_refused(data, params, message):
    with pytest.raises(ValueError, match=message):
        fitted(data, **params)


def test_wrong_images_are_refused(data):
    X, y, X_val, y_val = data
    with pytest.raises(ValueError, match="uint8"):
        small().fit(X.astype(np.float32), y, X_val=X_val, y_val=y_val)
    with pytest.raises(ValueError, match="shape"):
        small().fit(X, y, X_val=X_val[:, :8], y_val=y_val)
    with pytest.raises(ValueError, match="as many labels"):
        small().fit(X, y[:-1], X_val=X_val, y_val=y_val)
    with pytest.raises(ValueError, match="has a class"):
        small().fit(X, y, X_val=X_val, y_val=np.full(len(X_val), 7))
    with pytest.raises(ValueError, match="no images"):
        small().fit(X[:0], y[:0], X_val=X_val, y_val=y_val)


def test_enlarging_the_images_does_not_change_the_verdict(data):
    """Larger images than the network takes are averaged down to it first, to train, to predict and after loading."""
    X, y, X_val, y_val = data
    large, large_val = (images.repeat(4, axis=1).repeat(4, axis=2) for images in (X, X_val))
    one, other = fitted(data, resolution=9), small(resolution=9).fit(large, y, X_val=large_val, y_val=y_val)
    assert other.image_shape_ == (36, 36, 1)
    np.testing.assert_array_equal(one.predict_proba(X_val), other.predict_proba(large_val))
    again = small(resolution=9).load_state(*other.save_state())
    np.testing.assert_array_equal(again.predict_proba(large_val), other.predict_proba(large_val))


def test_weighted_by_class_more_of_a_rare_one_is_recognised():
    rng = np.random.default_rng(0)
    y = rng.permutation(np.repeat([0, 1], [280, 20]))
    X = rng.integers(0, 200, (300, 8, 8, 1))
    X[y == 1, :4] += 12
    X = X.astype(np.uint8)
    parts = (X[:200], y[:200], X[200:], y[200:])
    plain, weighted = (fitted(parts, network="mlp", epochs=6, class_weight=weight) for weight in (None, "balanced"))
    recalls = [np.mean(model.predict(X[y == 1]) == 1) for model in (plain, weighted)]
    assert recalls[1] > recalls[0] + 0.1
    best = max(row["validation_balanced_accuracy"] for row in weighted.history_)
    assert weighted.history_[weighted.best_epoch_ - 1]["validation_balanced_accuracy"] == best
    assert "validation_balanced_accuracy" not in plain.history_[0]
    with pytest.raises(ValueError, match="class_weight must be None or 'balanced', got 'even'"):
        fitted(parts, class_weight="even")
