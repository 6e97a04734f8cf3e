"""Any classifier that follows scikit-learn ends well or with a reason that one understands.

What is saved of it predicts the same after loading.
"""

from __future__ import annotations

import dataclasses
import importlib.util
from pathlib import Path

import numpy as np
import pytest
import third_party

from benchmark import registry
from benchmark.data import load
from benchmark.data.splits import parts_for
from benchmark.estimators import serialization
from benchmark.runner import evaluate
from benchmark.runner.job import Job, Saved
from benchmark.runner.worker import failure
from benchmark.specs import ModelSpec, Profile, Run

SMALL = Profile(name="small", description="for tests", train_size=300, validation_size=100, test_size=150)
# Models for other tasks or other features than pixels; each says so.
REASONS = {
    "ClassifierChain": "(while fitting)",
    "FixedThresholdClassifier": "Only binary classification is supported",
    "MultiOutputClassifier": "y must have at least two dimensions",
    "QuadraticDiscriminantAnalysis": "covariance matrix of class 0 is not full rank",
    "RadiusNeighborsClassifier": "No neighbors found for test samples",
    "SelfTrainingClassifier": "'estimator' parameter of SelfTrainingClassifier must be an object implementing",
    "TunedThresholdClassifierCV": "Only binary classification is supported",
}
NOT_SAVED = {"skorch": "NeuralNetClassifier cannot be written"}
SHORT = {"catboost", "skorch", "xgboost", "lightgbm", "BaggingClassifier", "PipelineOfForest", "MultiOutputClassifier"}
NEEDED = {"skorch", "lightgbm", "xgboost", "catboost"}


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BENCHMARK_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield load.prepare(registry.datasets()["digits"])


@pytest.mark.parametrize(
    "name",
    [
        name if name in SHORT else pytest.param(name, marks=pytest.mark.nightly)
        for name in (*third_party.NAMES, *third_party.OTHERS)
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_it_ends_well_or_with_a_reason(name, digits, tmp_path):
    if name in NEEDED and importlib.util.find_spec(name) is None:
        pytest.skip(f"{name} is not installed")
    spec = ModelSpec(name=name, family="baseline", build=f"third_party:{name}", inputs="flat", description="a stranger")
    job = Job(
        run=Run("digits", name, 0, "small"),
        model=spec,
        dataset=registry.datasets()["digits"],
        fingerprint=digits.fingerprint,
        profile=SMALL,
        random_state=0,
        threads=1,
        device="auto",
        log=Path("unused"),
        parts=dataclasses.replace(parts_for(digits, SMALL), test=np.arange(150)),
    )
    kept = []
    if name in REASONS:
        with pytest.raises(Exception, match=r"\w") as caught:
            evaluate.execute(job, lambda row: None)
        assert REASONS[name] in failure(caught.value).reason
        return
    result = evaluate.execute(job, lambda row: None, kept.append)
    assert result.test.accuracy > (0.05 if name == "DummyClassifier" else 0.4)
    saved = evaluate.save(kept[0], job, tmp_path / "model")
    if name in NOT_SAVED:
        assert NOT_SAVED[name] in saved.reason
        return
    assert isinstance(saved, Saved), saved
    again = serialization.read((tmp_path / "model").read_bytes(), saved.format, None)
    assert np.array_equal(kept[0].fitted.of(again).labels(kept[0].images), kept[0].labels)


def test_every_reason_belongs_to_a_model():
    assert set(REASONS) <= set(third_party.NAMES)
    assert SHORT | set(NOT_SAVED) <= {*third_party.NAMES, *third_party.OTHERS}
