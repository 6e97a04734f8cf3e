"""What is set by hand is checked against what the model takes, before anything is run."""

from __future__ import annotations

import pytest

from benchmark import registry
from benchmark.errors import UserError
from benchmark.estimators.parameters import check
from benchmark.specs import ModelSpec


class Annotated:
    def __init__(self, *, size: int = 3, rate: float = 0.5, kind: str | float = "scale", sizes: tuple[int, ...] = ()):
        pass


class Bare:
    def __init__(self, n=3, rate=0.5, fast=False, depth=None, kind="scale", sizes=(1, 2)):
        pass


def anything(**params):
    """Takes any parameter."""


def model(build: object, **params: object) -> ModelSpec:
    name = f"{__name__}:{build.__name__}"
    return ModelSpec(name="m", family="baseline", build=name, inputs="flat", description="d", params=params)


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    import sys
    import types

    module = types.ModuleType(__name__)
    module.Annotated, module.Bare, module.anything = Annotated, Bare, anything
    monkeypatch.setitem(sys.modules, __name__, module)


@pytest.mark.parametrize(
    ("build", "good"),
    [
        (Annotated, {"size": 7, "rate": 1, "kind": 0.1, "sizes": [1, 2]}),
        (Bare, {"n": 0.5, "rate": 1, "fast": True, "depth": "deep", "kind": 0.1, "sizes": [3]}),
        (Bare, {"n": None, "depth": 3, "kind": None}),
        (anything, {"whatever": [1]}),
    ],
)
def test_what_a_model_takes_is_accepted(build, good):
    check(model(build), good)


@pytest.mark.parametrize(
    ("build", "params", "message"),
    [
        (Annotated, {"size": 2.5}, "size=2.5: expected int"),
        (Annotated, {"size": "three"}, "size='three': expected int"),
        (Annotated, {"rate": True}, "rate=True: expected float"),
        (Annotated, {"kind": [1]}, r"kind=\[1\]: expected str or float"),
        (Bare, {"n": "three"}, "n='three': expected a number, as now in n=3"),
        (Bare, {"n": True}, "n=True: expected a number"),
        (Bare, {"fast": 1}, "fast=1: expected true or false, as now in fast=False"),
        (Bare, {"sizes": 3}, "sizes=3: expected a list"),
    ],
)
def test_a_value_of_another_type_is_refused(build, params, message):
    with pytest.raises(UserError, match=message):
        check(model(build), params)


def test_an_unknown_name_is_answered_with_the_nearest_and_all_with_their_present_values():
    with pytest.raises(UserError) as caught:
        check(registry.models()["knn"], {"n_neighbours": 3})
    assert str(caught.value) == (
        "knn has no parameter 'n_neighbours'. Did you mean n_neighbors? It has n_neighbors=5, weights='distance', "
        "algorithm='brute', n_jobs=None."
    )


def test_the_present_value_is_the_models_own():
    with pytest.raises(UserError, match="expected a number, as now in n=7"):
        check(model(Bare, n=7), {"n": "x"})


def test_a_builder_that_cannot_be_imported_is_a_users_error():
    gone = ModelSpec(name="m", family="baseline", build="no_such:Model", inputs="flat", description="d")
    with pytest.raises(UserError, match="m cannot be built: ModuleNotFoundError: No module named 'no_such'"):
        check(gone, {"n": 3})
