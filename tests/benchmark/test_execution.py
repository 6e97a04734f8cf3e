from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from baselines.pixels import PixelSVC
from benchmark import execution, registry
from cnn.classifier import CnnClassifier


def test_seed_and_threads_reach_the_steps_of_a_pipeline():
    model = execution.configured(make_pipeline(StandardScaler(), LogisticRegression()), 7, 3)
    assert model.get_params()["logisticregression__random_state"] == 7


def test_seed_and_threads_reach_a_plain_model():
    model = execution.configured(CnnClassifier(), 7, 3)
    assert (model.random_state, model.n_jobs) == (7, 3)


def test_threads_go_to_the_outermost_pool():
    neighbours = make_pipeline(StandardScaler(), KNeighborsClassifier())
    vote = VotingClassifier([("a", RandomForestClassifier()), ("b", neighbours)])
    params = execution.configured(vote, 7, 3).get_params()
    assert {name: value for name, value in params.items() if name.endswith("n_jobs")} == {
        "n_jobs": 3,
        "a__n_jobs": 1,
        "b__kneighborsclassifier__n_jobs": 1,
    }
    assert params["a__random_state"] == 7
    assert execution.configured(neighbours, 7, 3).get_params()["kneighborsclassifier__n_jobs"] == 3


def test_a_model_without_either_is_left_alone():
    model = object()
    assert execution.configured(model, 7, 3) is model


@pytest.mark.parametrize(
    ("inputs", "shape", "dtype", "largest"),
    [("flat", (2, 12), np.float32, 1.0), ("images", (2, 2, 2, 3), np.uint8, 255)],
)
def test_images_come_in_the_form_that_the_model_asks_for(inputs, shape, dtype, largest):
    images = np.full((5, 2, 2, 3), 255, dtype=np.uint8)
    spec = registry.models()["knn" if inputs == "flat" else "cnn-simple"]
    given = execution.inputs(images, np.array([1, 3]), spec)
    assert (given.shape, given.dtype, given.max()) == (shape, dtype, largest)
    assert given.flags.c_contiguous


def test_flattening_goes_row_by_row():
    images = np.arange(2 * 2 * 3, dtype=np.uint8).reshape(1, 2, 2, 3)
    flat = execution.inputs(images, np.array([0]), registry.models()["knn"])
    np.testing.assert_allclose(flat[0] * 255, np.arange(12), atol=1e-5)


@pytest.mark.parametrize(
    ("model", "start"),
    [
        (SVC(), "sklearn.svm"),
        (PixelSVC(), "sklearn.svm._classes.SVC 1."),
        (CnnClassifier(), "cnn.classifier.CnnClassifier on torch "),
    ],
)
def test_the_implementation_is_named_with_its_version(model, start):
    assert execution.implementation(model).startswith(start)


def test_a_row_of_history_keeps_what_is_finite():
    row = {"loss": float("nan"), "other": 1e300, "none": None, "epoch": 3}
    assert execution._finite(row) == {"loss": None, "other": None, "none": None, "epoch": 3.0}
