from __future__ import annotations

import pytest
import torch
from sklearn.metrics import recall_score
from torch import nn
from torch.nn import functional

from benchmark.estimators.history import best_epoch
from cnn.augment import Augmentation
from cnn.inputs import FeatureInputs, ImageInputs, Standardise
from cnn.training import Recipe, RunningAverage, class_weights, predict_logits, scores, train


def recipe(**changes) -> Recipe:
    settings = {
        "epochs": 3,
        "patience": 3,
        "batch_size": 8,
        "optimizer": "sgd",
        "learning_rate": 0.05,
        "weight_decay": 1e-3,
        "label_smoothing": 0.0,
    }
    return Recipe(**{**settings, **changes})


def toy(n: int = 40, seed: int = 0, augmentation: Augmentation | None = None, turned: bool = False) -> ImageInputs:
    """Two classes: dark left half, dark right half; ``turned``, with each other's labels."""
    generator = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 60, (n, 1, 8, 8), generator=generator, dtype=torch.uint8)
    labels = torch.arange(n) % 2
    images[labels == 0, :, :, :4] += 150
    images[labels == 1, :, :, 4:] += 150
    standardise = Standardise.fitted(images)
    if turned:
        labels = 1 - labels
    return ImageInputs(images, labels, standardise, augmentation, torch.Generator().manual_seed(seed))


def linear(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 2))


def run(network: nn.Module, chosen: Recipe, augmentation: Augmentation | None = None):
    training = toy(augmentation=augmentation)
    return train(network, chosen, training, toy(seed=1), torch.Generator().manual_seed(0), lambda row: None)


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "muon"])
def test_every_optimiser_learns(optimizer):
    history = run(linear(), recipe(optimizer=optimizer, learning_rate=0.01))
    assert history[-1]["validation_accuracy"] == 1.0
    assert history[-1]["train_loss"] < history[0]["train_loss"]


def test_training_stops_after_patience_and_restores_the_best_epoch():
    """Against validation labels turned round every epoch of learning is a step back: the first is the best."""
    network = linear()
    seen: list[dict[str, torch.Tensor]] = []

    history = train(
        network,
        recipe(epochs=20, patience=2, learning_rate=0.002),
        toy(),
        toy(seed=1, turned=True),
        torch.Generator().manual_seed(0),
        lambda row: seen.append({name: value.clone() for name, value in network.state_dict().items()}),
    )
    best = max(range(len(history)), key=lambda i: (history[i]["validation_accuracy"], -history[i]["validation_loss"]))
    assert len(history) == best + 1 + 2 < 20
    assert best_epoch(history) == best
    for name, value in network.state_dict().items():
        assert torch.equal(value, seen[best][name])
    assert not torch.equal(network.state_dict()["1.weight"], seen[-1]["1.weight"])


def test_label_smoothing_and_augmentation_change_the_training():
    plain, smooth, turned = (
        run(linear(), chosen, augmentation)[0]["train_loss"]
        for chosen, augmentation in (
            (recipe(), None),
            (recipe(label_smoothing=0.2), None),
            (recipe(), Augmentation(flip=True)),
        )
    )
    assert len({plain, smooth, turned}) == 3


def test_fewer_images_than_a_batch_still_train():
    assert len(run(linear(), recipe(batch_size=1000))) == 3


def test_prediction_in_batches_is_prediction_at_once():
    network, inputs = linear(), toy()
    torch.testing.assert_close(predict_logits(network, inputs, batch=7), predict_logits(network, inputs))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"optimizer": "lion"}, "optimizer must be one of sgd, adam, muon"),
        ({"epochs": 0}, "epochs must be at least 1"),
        ({"patience": 0}, "patience must be at least 1"),
        ({"batch_size": -1}, "batch_size must be at least 1"),
        ({"pruning": 1.0}, r"pruning must be in \[0, 1\)"),
        ({"averaging": 1.0}, r"averaging must be in \[0, 1\)"),
        ({"label_smoothing": -0.1}, r"label_smoothing must be in \[0, 1\)"),
        ({"learning_rate": 0.0}, "learning_rate must be above 0"),
        ({"learning_rate": float("nan")}, "learning_rate must be above 0"),
        ({"weight_decay": -1.0}, "weight_decay must be at least 0"),
        ({"class_weight": "even"}, "class_weight must be None or 'balanced', got 'even'"),
    ],
)
def test_no_recipe_is_nonsense(wrong, words):
    with pytest.raises(ValueError, match=words):
        recipe(**wrong)


def test_bfloat16_computes_nearly_the_same_and_keeps_float32_weights():
    network = linear()
    history = run(network, recipe(precision=torch.bfloat16))
    assert history[-1]["validation_accuracy"] == 1.0
    assert network[1].weight.dtype == torch.float32
    exact, rough = (predict_logits(network, toy(), precision) for precision in (torch.float32, torch.bfloat16))
    assert exact.dtype == rough.dtype == torch.float32
    assert not torch.equal(exact, rough)
    torch.testing.assert_close(rough, exact, atol=0.1, rtol=0.05)


def test_features_are_trained_on_as_they_are():
    labels = torch.arange(60) % 2
    features = torch.randn((60, 5), generator=torch.Generator().manual_seed(0))
    features[:, 0] += 4 * labels
    inputs = FeatureInputs(features, labels)
    network = nn.Linear(5, 2)
    history = train(network, recipe(epochs=20), inputs, inputs, torch.Generator().manual_seed(0), lambda row: None)
    assert history[-1]["validation_accuracy"] > 0.95


def test_the_average_is_what_its_formula_says():
    network = nn.Linear(1, 1, bias=False)
    average = RunningAverage(network, decay=0.9)
    expected = network.weight.item()
    for update, value in enumerate((1.0, 3.0, -2.0, 5.0), start=1):
        nn.init.constant_(network.weight, value)
        average.update(network)
        weight = max(1 - 0.9**5, 1 / (1 + update))
        expected += weight * (value - expected)
        assert average.network.weight.item() == pytest.approx(expected, rel=1e-5)


def test_averaged_weights_are_scored_and_kept():
    plain, averaged = linear(), linear()
    run(plain, recipe())
    history = run(averaged, recipe(averaging=0.9))
    assert history[-1]["validation_accuracy"] > 0.9
    assert not torch.equal(plain[1].weight, averaged[1].weight)
    # Averaging watches: what is trained, and so the loss, is the same.
    assert [row["train_loss"] for row in history] == [row["train_loss"] for row in run(linear(), recipe())]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_training_on_cuda_learns_in_bfloat16():
    device = torch.device("cuda")
    training, validation = (toy(n=400, seed=seed) for seed in (0, 1))
    inputs = []
    for part in (training, validation):
        standardise = Standardise.fitted(part.images).to(device)
        inputs.append(ImageInputs(part.images.to(device), part.labels.to(device), standardise))
    network = linear().to(device)
    generator = torch.Generator(device).manual_seed(0)
    history = train(network, recipe(precision=torch.bfloat16), *inputs, generator, lambda row: None)
    assert history[-1]["validation_accuracy"] == 1.0


@pytest.mark.parametrize(("n", "batch_size", "steps"), [(40, 8, 35), (40, 64, 32), (100, 33, 33), (400, 8, 50)])
def test_an_epoch_on_few_images_goes_through_them_several_times(n, batch_size, steps):
    sizes = []

    class Counted(ImageInputs):
        def training_batch(self, index, epoch, generator):
            sizes.append(len(index))
            return super().training_batch(index, epoch, generator)

    made = toy(n)
    training = Counted(made.images, made.labels, Standardise.fitted(made.images))
    chosen = recipe(epochs=2, batch_size=batch_size)
    train(linear(), chosen, training, toy(seed=1), torch.Generator().manual_seed(0), lambda row: None)
    assert sizes == [min(batch_size, n)] * (2 * steps)


def test_class_weights_are_those_with_which_all_classes_weigh_alike():
    labels = torch.tensor([0] * 12 + [1] * 6 + [2] * 2)
    weights = class_weights(labels)
    assert weights[labels].mean() == pytest.approx(1)
    assert (weights * labels.bincount()).tolist() == pytest.approx([20 / 3] * 3)


def test_a_weighted_loss_over_all_images_is_pytorchs_weighted_mean():
    training, network = toy(), linear()
    training.labels[:15] = 0
    logits = predict_logits(network, training)
    chosen = recipe(batch_size=40, learning_rate=1e-9, label_smoothing=0.2, class_weight="balanced", epochs=1)
    (row,) = train(network, chosen, training, toy(seed=1), torch.Generator().manual_seed(0), lambda row: None)
    expected = functional.cross_entropy(logits, training.labels, class_weights(training.labels), label_smoothing=0.2)
    assert row["train_loss"] == pytest.approx(float(expected), rel=1e-4)


def test_where_classes_are_weighted_balanced_accuracy_decides():
    logits = torch.randn(50, 4, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([0] * 35 + [1] * 10 + [3] * 5)  # None of class 2.
    found = scores(logits, labels, balanced=True)
    recall = recall_score(labels, logits.argmax(1), labels=[0, 1, 3], average="macro")
    assert found["validation_balanced_accuracy"] == pytest.approx(recall)
    assert found["validation_accuracy"] == pytest.approx(float((logits.argmax(1) == labels).double().mean()))
    means = [functional.cross_entropy(logits[labels == label], labels[labels == label]) for label in (0, 1, 3)]
    assert found["validation_loss"] == pytest.approx(float(sum(means) / 3))
    assert "validation_balanced_accuracy" not in scores(logits, labels, balanced=False)
    rows = [{"validation_accuracy": a, "validation_balanced_accuracy": b} for a, b in ((0.9, 0.3), (0.7, 0.6))]
    assert best_epoch(rows) == 1
