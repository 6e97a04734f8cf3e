"""Models without a package: objects of a file, and estimators as they are."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from benchmark import registry
from benchmark.errors import UserError
from benchmark.estimators import adopt
from benchmark.records.store import key
from benchmark.specs import PROFILES, Run, resolve

RUN = Run("digits", "m", 0, "full")
FILE = """
from sklearn.linear_model import RidgeClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmark.specs import ModelSpec

ridge = RidgeClassifier(alpha=2.0)
pipeline = make_pipeline(StandardScaler(), ridge)
search = GridSearchCV(ridge, {"alpha": [1.0, 10.0]})
spec = ModelSpec(
    name="given",
    family="network",
    build="my_models_file.py:Made",
    inputs="images",
    description="d",
    params={"power": 2},
)
number = 3


def made(power=1):
    return Made(power=power)


class Made(RidgeClassifier):
    inputs = "images"

    def __init__(self, power=1):
        super().__init__()
        self.power = power
"""


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("PYTHONPATH", "")
    path = tmp_path / "my_models_file.py"
    path.write_text(FILE)
    yield path
    sys.modules.pop("my_models_file", None)


@pytest.mark.parametrize(
    ("name", "kind", "inputs"),
    [
        ("ridge", "RidgeClassifier", "flat"),
        ("pipeline", "Pipeline", "flat"),
        ("search", "GridSearchCV", "flat"),
        ("Made", "Made", "images"),
        ("made", "Made", "flat"),
    ],
)
def test_an_object_of_a_file_is_a_model(file, name, kind, inputs):
    spec = adopt.from_file(f"{file}:{name}")
    assert (spec.name, spec.family, spec.inputs, spec.build) == (name, "baseline", inputs, f"my_models_file.py:{name}")
    first, second = spec.create(RUN), spec.create(RUN)
    assert type(first).__name__ == kind
    assert first is not second  # An instance is cloned: what one run learns is not there in the next.
    assert len(spec.source) == 64
    assert str(file.parent) not in repr((spec.build, spec.description, spec.source))


def test_a_specification_of_a_file_keeps_what_it_says(file):
    spec = adopt.from_file(f"{file}:spec")
    assert (spec.name, spec.family, spec.inputs) == ("given", "network", "images")
    assert spec.create(RUN).power == 2


def test_parameters_are_set_on_what_is_built(file):
    known = registry.choose([f"{file}:pipeline"])[0]
    derived = registry.derive(known, ["ridgeclassifier__alpha=7"], "strong")
    assert derived.create(RUN).get_params()["ridgeclassifier__alpha"] == 7
    assert registry.derive(adopt.from_file(f"{file}:Made"), ["power=5"], "five").create(RUN).power == 5


def test_a_changed_file_is_another_model(file):
    before = adopt.from_file(f"{file}:ridge")
    file.write_text(FILE.replace("2.0", "3.0"))
    after = adopt.from_file(f"{file}:ridge")
    keys = [key(RUN, spec, "0" * 64, PROFILES["full"]) for spec in (before, after)]
    assert keys[0] != keys[1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nowhere.py:x", "There is no model"),
        ("{}:", "There is no model"),
        ("{}:absent", "AttributeError"),
        ("{}:number", "3 is no model"),
    ],
)
def test_what_is_no_model_is_refused(file, text, said):
    with pytest.raises(UserError, match=said) as error:
        registry.choose([text.format(file)])
    assert "--model path/to/file.py:name" in str(error.value)


def test_a_file_that_fails_says_why(file):
    file.write_text("1 / 0\nm = 3")
    with pytest.raises(UserError, match="ZeroDivisionError: division by zero"):
        adopt.from_file(f"{file}:m")


def test_a_file_that_is_called_as_another_module_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("PYTHONPATH", "")
    (tmp_path / "json.py").write_text("m = 3")
    with pytest.raises(UserError, match="another module 'json'"):
        adopt.from_file(f"{tmp_path / 'json.py'}:m")


def test_estimators_are_models():
    chosen = registry.choose([SVC(C=3.0), RandomForestClassifier, make_pipeline(StandardScaler(), SVC())])
    assert [spec.name for spec in chosen] == ["svc", "random-forest-classifier", "pipeline"]
    assert [spec.stochastic for spec in chosen] == [True, True, True]
    assert chosen[0].create(RUN).C == 3.0
    assert isinstance(chosen[1].create(RUN), RandomForestClassifier)


def test_equal_estimators_are_one_model_and_others_are_two():
    one, same, other = (adopt.spec_of(SVC(C=C)) for C in (1.0, 1.0, 2.0))
    assert one.source == same.source != other.source
    assert len(registry.choose([one, same])) == 1
    with pytest.raises(UserError, match="two models 'svc'"):
        registry.choose([one, other])
    assert len(registry.choose([one, adopt.spec_of(SVC(C=2.0), "svc-2")])) == 2


def test_the_name_of_a_registered_model_is_taken():
    with pytest.raises(UserError, match="two models 'knn'"):
        registry.choose([adopt.spec_of(SVC(), "knn")])


def test_a_class_that_is_in_no_package_counts_with_its_file(file):
    kind = type(resolve("my_models_file.py:ridge", file))
    made = resolve("my_models_file.py:Made", file)
    before = [adopt.spec_of(one).source for one in (kind, made)]
    file.write_text(FILE + "# Changed.\n")
    after = [adopt.spec_of(one).source for one in (kind, made)]
    assert (before[0] == after[0], before[1] == after[1]) == (True, False)


@pytest.mark.parametrize("found", [3, object, "knn "])
def test_other_objects_are_refused(found):
    with pytest.raises(UserError):
        registry.choose([found])


def test_resolve_still_finds_packages():
    assert resolve("sklearn.svm:SVC") is SVC


def test_what_is_no_classifier_is_refused():
    for other in (KMeans(), LinearRegression(), make_pipeline(StandardScaler(), LinearRegression())):
        with pytest.raises(UserError, match="is no classifier"):
            registry.choose([other])


def test_an_object_that_only_fits_and_predicts_is_copied_for_each_run():
    class Plain:
        def fit(self, X, y):
            self.fitted = True

        def predict(self, X):
            return np.zeros(len(X))

    spec = adopt.spec_of(Plain())
    spec.create(RUN).fit(None, None)
    assert not hasattr(spec.create(RUN), "fitted")
