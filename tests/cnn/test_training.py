from __future__ import annotations

import pytest
import torch
from torch import nn

from cnn.augment import Augmentation
from cnn.training import Images, Recipe, Standardise, learning_rate_factor, make_optimizer, predict_logits, train


def recipe(**changes) -> Recipe:
    settings = {
        "epochs": 3,
        "patience": 3,
        "batch_size": 8,
        "optimizer": "sgd",
        "learning_rate": 0.05,
        "weight_decay": 1e-3,
        "label_smoothing": 0.0,
        "augmentation": Augmentation(),
    }
    return Recipe(**{**settings, **changes})


def toy(n: int = 40, seed: int = 0) -> Images:
    """Two classes: dark left half, dark right half."""
    generator = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 60, (n, 1, 8, 8), generator=generator, dtype=torch.uint8)
    labels = torch.arange(n) % 2
    images[labels == 0, :, :, :4] += 150
    images[labels == 1, :, :, 4:] += 150
    return Images(images, labels)


def linear(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 2))


def run(network: nn.Module, chosen: Recipe, validation: Images | None = None):
    training = toy()
    return train(
        network,
        chosen,
        Standardise.fitted(training.images),
        training,
        validation or toy(seed=1),
        torch.Generator().manual_seed(0),
        lambda row: None,
    )


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_both_optimisers_learn(optimizer):
    history = run(linear(), recipe(optimizer=optimizer, learning_rate=0.01))
    assert history[-1]["validation_accuracy"] == 1.0
    assert history[-1]["train_loss"] < history[0]["train_loss"]


def test_standardise_is_exact_and_takes_its_numbers_from_the_images():
    images = toy().images
    scaled = images.double() / 255
    standardise = Standardise.fitted(images)
    assert standardise.mean.item() == pytest.approx(scaled.mean().item(), abs=1e-6)
    assert standardise.std.item() == pytest.approx(scaled.std(correction=0).item(), abs=1e-6)
    out = standardise(images)
    assert out.mean().abs() < 1e-5
    assert out.std() == pytest.approx(1, abs=1e-3)


def test_standardise_leaves_a_constant_channel_finite():
    images = torch.full((4, 3, 8, 8), 7, dtype=torch.uint8)
    assert torch.isfinite(Standardise.fitted(images)(images)).all()


def test_the_learning_rate_is_a_triangle():
    steps = 100
    factors = [learning_rate_factor(step, steps) for step in range(steps)]
    peak = factors.index(max(factors))
    assert max(factors) == pytest.approx(1.0)
    assert factors[: peak + 1] == sorted(factors[: peak + 1])
    assert factors[peak:] == sorted(factors[peak:], reverse=True)
    assert 0 < factors[-1] < 0.05
    assert 0 < factors[0] <= 0.06
    assert all(factor > 0 for factor in factors)


@pytest.mark.parametrize("steps", [1, 2, 3, 5])
def test_short_schedules_have_a_step_that_moves(steps):
    assert max(learning_rate_factor(step, steps) for step in range(steps)) > 0.3


def test_weight_decay_spares_biases_and_scales():
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 2))
    decayed, spared = make_optimizer(network, recipe(weight_decay=0.1)).param_groups
    assert decayed["weight_decay"] == 0.1
    assert all(p.ndim > 1 for p in decayed["params"])
    assert spared["weight_decay"] == 0
    assert len(spared["params"]) == 4


def test_training_stops_after_patience_and_restores_the_best_epoch():
    """Against validation labels turned round every epoch of learning is a step back: the first is the best."""
    validation = toy(seed=1)
    turned = Images(validation.images, 1 - validation.labels)
    network = linear()
    seen: list[dict[str, torch.Tensor]] = []

    history = train(
        network,
        recipe(epochs=20, patience=2, learning_rate=0.002),
        Standardise.fitted(toy().images),
        toy(),
        turned,
        torch.Generator().manual_seed(0),
        lambda row: seen.append({name: value.clone() for name, value in network.state_dict().items()}),
    )
    best = max(range(len(history)), key=lambda i: (history[i]["validation_accuracy"], -history[i]["validation_loss"]))
    assert len(history) == best + 1 + 2 < 20
    for name, value in network.state_dict().items():
        assert torch.equal(value, seen[best][name])
    assert not torch.equal(network.state_dict()["1.weight"], seen[-1]["1.weight"])


def test_label_smoothing_and_augmentation_change_the_training():
    plain, smooth, turned = (
        run(linear(), chosen)[0]["train_loss"]
        for chosen in (recipe(), recipe(label_smoothing=0.2), recipe(augmentation=Augmentation(flip=True)))
    )
    assert len({plain, smooth, turned}) == 3


def test_fewer_images_than_a_batch_still_train():
    assert len(run(linear(), recipe(batch_size=1000))) == 3


def test_prediction_in_batches_is_prediction_at_once(monkeypatch):
    network, images = linear(), toy().images
    standardise = Standardise.fitted(images)
    at_once = predict_logits(network, standardise, images)
    monkeypatch.setattr("cnn.training.PREDICT_BATCH", 7)
    torch.testing.assert_close(predict_logits(network, standardise, images), at_once)
