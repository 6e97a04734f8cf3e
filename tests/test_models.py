"""One contract for every registered model, on the bundled digits."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from benchmark import registry
from benchmark.data import load as store
from benchmark.data.splits import parts_for
from benchmark.estimators import adapter as answers
from benchmark.estimators import serialization as saving
from benchmark.records.schema import SavedModel
from benchmark.records.store import Stored
from benchmark.specs import PROFILES, Run


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BENCHMARK_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield store.prepare(registry.datasets()["digits"])


@pytest.fixture(scope="module", params=registry.models().values(), ids=lambda spec: spec.name)
def fitted(request, digits):
    spec = request.param
    parts = parts_for(digits, PROFILES["full"])
    X = answers.inputs(digits.train_images, parts.train, spec)
    X_val = answers.inputs(digits.train_images, parts.validation, spec)
    y, y_val = digits.train_labels[parts.train], digits.train_labels[parts.validation]
    before = X.copy(), np.array(y)

    def fit(n_images=None, **params):
        model = answers.configured(spec.create(Run("digits", spec.name, 0, "quick")), 0, 1).set_params(**params)
        rows = []
        if spec.validates:
            model.fit(X[:n_images], y[:n_images], X_val=X_val, y_val=y_val, on_epoch=rows.append)
        else:
            model.fit(X[:n_images], y[:n_images])
        return model, rows

    # Half of the images are enough for a network to show that it learns.
    model, rows = fit(600 if spec.family == "network" else None)
    X_test = answers.inputs(digits.test_images, parts.test, spec)
    return {"spec": spec, "model": model, "rows": rows, "fit": fit, "X": X, "y": y, "before": before, "X_test": X_test}


def test_it_learns(fitted, digits):
    accuracy = np.mean(fitted["model"].predict(fitted["X_test"]) == digits.test_labels)
    assert 0.08 < accuracy < 0.12 if fitted["spec"].trivial else accuracy > 0.92


def test_it_leaves_its_inputs_alone(fitted):
    assert np.array_equal(fitted["X"], fitted["before"][0])
    assert np.array_equal(fitted["y"], fitted["before"][1])


def test_it_predicts_known_labels_for_any_number_of_images(fitted):
    for n in (1, 2, 7):
        predicted = np.asarray(fitted["model"].predict(fitted["X_test"][:n]))
        assert predicted.shape == (n,)
        assert set(predicted) <= set(range(10))


def test_an_image_is_predicted_alike_alone_and_in_company(fitted):
    model, X = fitted["model"], fitted["X_test"]
    assert model.predict(X[5:6])[0] == model.predict(X)[5]


def test_probabilities_are_probabilities_or_absent(fitted):
    model, X = fitted["model"], fitted["X_test"]
    if not hasattr(model, "predict_proba"):
        assert fitted["spec"].name.endswith("svm") or fitted["spec"].name == "svm-rbf"
        return
    probabilities = model.predict_proba(X)
    assert probabilities.shape == (len(X), 10)
    assert (probabilities >= 0).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-4)
    assert np.mean(probabilities.argmax(axis=1) == model.predict(X)) > 0.995


def test_fitting_again_with_the_same_seed_predicts_the_same(fitted):
    fewer = {"epochs": 1} if "epochs" in fitted["model"].get_params() else {}
    one, two = (fitted["fit"](200, **fewer)[0].predict(fitted["X_test"]) for _ in range(2))
    assert np.array_equal(one, two)


def test_what_is_saved_predicts_the_same(fitted, tmp_path):
    spec, model, X = fitted["spec"], fitted["model"], fitted["X_test"]
    kind = saving.save(model, tmp_path / "unnamed")
    assert kind == ("safetensors" if spec.family == "network" else "skops")
    path = tmp_path / "results/digits" / spec.name / f"model.{kind}"
    path.parent.mkdir(parents=True)
    (tmp_path / "unnamed").rename(path)
    told = SavedModel(file=path.name, sha256=saving.sha256(path), format=kind, size_bytes=path.stat().st_size)
    unfitted = answers.configured(spec.create(Run("digits", spec.name, 0, "quick")), 0, 1)
    record = SimpleNamespace(saved=told, run=Run("digits", spec.name, 0, "quick"))
    again = saving.load(Stored(record, path.with_suffix(".json")), unfitted)
    assert np.array_equal(again.predict(X), model.predict(X))
    assert hasattr(again, "predict_proba") == hasattr(model, "predict_proba")
    if hasattr(model, "predict_proba"):
        # Of a leaf that is not pure, oneDAL tells one class: a tree in a hundred.
        near = 0.02 if spec.name == "random-forest" else 2e-5
        np.testing.assert_allclose(again.predict_proba(X), model.predict_proba(X), atol=near)


def test_it_tells_what_is_recorded_of_it(fitted):
    spec, model = fitted["spec"], fitted["model"]
    assert model.parameter_count_ > 0
    assert model.classes_.tolist() == list(range(10))
    if spec.validates:
        assert fitted["rows"] == model.history_
        assert all(np.isfinite(row["validation_loss"]) for row in model.history_)
    assert answers.implementation(model)


def test_its_catalog_entry_is_complete(fitted):
    spec = fitted["spec"]
    assert spec.name == spec.name.lower()
    assert " " not in spec.name
    assert spec.family in ("baseline", "network")
    assert spec.description
    assert not spec.stochastic or "random_state" in fitted["model"].get_params()
    assert set(spec.search) <= set(fitted["model"].get_params())


def test_there_are_five_core_models():
    core = [spec.name for spec in registry.models().values() if spec.core is True]
    assert core == ["logistic-regression", "svm-rbf", "knn", "cnn-simple", "cnn-augmented"]
