from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from benchmark import registry
from benchmark.data import load as store
from benchmark.estimators import adapter as answers
from benchmark.runner import evaluate as execution
from benchmark.runner.job import Job
from benchmark.specs import PROFILES, ModelSpec, Run
from cnn.classifier import CnnClassifier


def test_seed_and_threads_reach_the_steps_of_a_pipeline():
    model = answers.configured(make_pipeline(StandardScaler(), LogisticRegression()), 7, 3)
    assert model.get_params()["logisticregression__random_state"] == 7


def test_seed_and_threads_reach_a_plain_model():
    model = answers.configured(CnnClassifier(), 7, 3)
    assert (model.random_state, model.n_jobs) == (7, 3)


def test_threads_go_to_the_outermost_pool():
    neighbours = make_pipeline(StandardScaler(), KNeighborsClassifier())
    vote = VotingClassifier([("a", RandomForestClassifier()), ("b", neighbours)])
    params = answers.configured(vote, 7, 3).get_params()
    assert {name: value for name, value in params.items() if name.endswith("n_jobs")} == {
        "n_jobs": 3,
        "a__n_jobs": 1,
        "b__kneighborsclassifier__n_jobs": 1,
    }
    assert params["a__random_state"] == 7
    assert answers.configured(neighbours, 7, 3).get_params()["kneighborsclassifier__n_jobs"] == 3


def test_a_model_without_either_is_left_alone():
    model = object()
    assert answers.configured(model, 7, 3) is model


@pytest.mark.parametrize(
    ("inputs", "shape", "dtype", "largest"),
    [("flat", (2, 12), np.float32, 1.0), ("images", (2, 2, 2, 3), np.uint8, 255)],
)
def test_images_come_in_the_form_that_the_model_asks_for(inputs, shape, dtype, largest):
    images = np.full((5, 2, 2, 3), 255, dtype=np.uint8)
    spec = registry.models()["knn" if inputs == "flat" else "cnn-simple"]
    given = answers.inputs(images, np.array([1, 3]), spec)
    assert (given.shape, given.dtype, given.max()) == (shape, dtype, largest)
    assert given.flags.c_contiguous


def test_flattening_goes_row_by_row():
    images = np.arange(2 * 2 * 3, dtype=np.uint8).reshape(1, 2, 2, 3)
    flat = answers.inputs(images, np.array([0]), registry.models()["knn"])
    np.testing.assert_allclose(flat[0] * 255, np.arange(12), atol=1e-5)


def test_the_implementation_is_named_with_its_version():
    assert answers.implementation(SVC()).startswith("sklearn.svm._classes.SVC 1.")


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    """A job for one of the models that only tests know, on the digits."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BENCHMARK_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        digits = registry.datasets()["digits"]
        fingerprint = store.prepare(digits).fingerprint

        def make(attribute: str, **changes) -> Job:
            model = ModelSpec(
                name="m", family="baseline", build=f"misbehaving:{attribute}", inputs="flat", description="for tests"
            )
            settings = {"profile": PROFILES["full"], "random_state": 0, "threads": 1, "device": "auto"}
            return Job(
                run=Run("digits", "m", 0, "full"),
                model=model,
                dataset=digits,
                fingerprint=fingerprint,
                log=Path("unused"),
                **{**settings, **changes},
            )

        yield make


def run(job: Job):
    return execution.execute(job, lambda row: None)


def test_other_ways_to_predict_are_scored_too(job):
    result = run(job("TwoWays"))
    assert list(result.variants) == ["with nine neighbours"]
    variant = result.variants["with nine neighbours"]
    assert (variant.test.n_images, variant.validation.n_images) == (360, 237)
    assert variant.test.confusion != result.test.confusion
    assert variant.predict_seconds > 0


def test_features_from_the_cache_cost_what_they_cost_when_they_were_computed(job):
    first = run(job("Cached"))
    again = run(job("Cached"))
    assert first.cost.cached_seconds == 0
    assert again.cost.cached_seconds >= 1
    assert again.cost.fit_seconds >= 1
    assert first.cost.fit_seconds >= 1


def test_a_search_never_reads_the_test_images(job):
    """``Tunable`` raises if it is given as many images as there are test images."""
    result = run(job("Tunable", test=False))
    assert result.test is None
    assert result.validation.n_images == 237
    assert not any(name.startswith("test") for name in result.arrays)
    with pytest.raises(AssertionError, match="test images were read"):
        run(job("Tunable"))


def test_a_device_asked_for_reaches_those_who_take_one():
    assert answers.configured(CnnClassifier(), 7, 3, "cpu").device == "cpu"
    assert answers.configured(CnnClassifier(), 7, 3, "auto").device == "auto"
    assert not hasattr(answers.configured(SVC(), 7, 3, "cpu"), "device")
