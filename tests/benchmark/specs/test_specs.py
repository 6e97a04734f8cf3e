from __future__ import annotations

import pytest

from benchmark.errors import UserError
from benchmark.specs import PROFILES, DatasetSpec, ModelSpec, Run, profile_named


def spec(**changes) -> ModelSpec:
    settings = {
        "name": "m",
        "family": "network",
        "build": "builtins:dict",
        "inputs": "flat",
        "description": "a test",
    }
    return ModelSpec(**{**settings, **changes})


def test_a_data_sets_parameters_go_before_a_profiles_and_those_before_the_models():
    model = spec(
        params={"a": 1, "b": 1, "c": 1},
        profile_params={"quick": {"b": 2, "c": 2}},
        dataset_params={"digits": {"c": 3}},
    )
    assert model.params_for(Run("digits", "m", 0, "quick")) == {"a": 1, "b": 2, "c": 3}
    assert model.params_for(Run("mnist", "m", 0, "full")) == {"a": 1, "b": 1, "c": 1}
    assert model.create(Run("mnist", "m", 0, "quick")) == {"a": 1, "b": 2, "c": 2}


@pytest.mark.parametrize("name", ["", "../up", "a b", "-x", ".hidden", "a" * 101, "a/b", "ä"])
def test_names_that_are_no_file_names_are_refused(name):
    with pytest.raises(ValueError, match="is not a valid name"):
        spec(name=name)
    with pytest.raises(ValueError, match="is not a valid name"):
        DatasetSpec(name=name, title="T", description="d", load="a:b", validation_size=1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"family": "quantum"}, "must be one of"),
        ({"inputs": "audio"}, "must be one of"),
        ({"version": "two"}, "version must be an integer"),
        ({"description": None}, "description must be text"),
        ({"description": "\udcff"}, "description must be text"),
        ({"params": {1: 2}}, "must be mappings"),
        ({"params": [1]}, "must be mappings"),
        ({"profile_params": {"full": None}}, "must be mappings"),
    ],
)
def test_a_specification_of_wrong_types_is_refused_when_it_is_made(changes, message):
    with pytest.raises(ValueError, match=message):
        spec(**changes)


@pytest.mark.parametrize("changes", [{"colour": "red"}, {"colour": "#12345"}, {"marker": "$x$"}, {"marker": ""}])
def test_a_look_that_charts_cannot_draw_is_refused_when_it_is_made(changes):
    with pytest.raises(ValueError, match=f"{next(iter(changes))} must be"):
        ModelSpec(name="m", family="baseline", build="a:b", inputs="flat", description="d", **changes)


def test_a_users_mistake_is_one_line_with_its_remedy():
    error = UserError("This is wrong.", "Do that.")
    assert str(error) == "This is wrong. Do that."
    assert (error.problem, error.remedy) == ("This is wrong.", "Do that.")


def test_profiles_are_named_as_they_are_filed():
    assert all(name == profile.name for name, profile in PROFILES.items())
    assert PROFILES["quick"].train_size == 10_000


def test_a_profile_is_found_by_its_name_whatever_the_draw():
    assert all(profile_named(name, 3) is profile for name, profile in PROFILES.items())


def test_a_number_of_training_images_is_a_profile_too():
    profile = profile_named("train-1000", 2)
    assert (profile.name, profile.train_size, profile.draw) == ("train-1000", 1000, 2)
    assert profile.validation_size is None
    assert profile.test_size is None


@pytest.mark.parametrize(
    "name", ["", "huge", "train-", "train-0", "train-01", "train--5", "train-1e3", "train-5x", "Full"]
)
def test_a_profile_that_there_is_not_is_refused_with_those_there_are(name):
    with pytest.raises(UserError, match="There are: full, quick, train-1000"):
        profile_named(name)


def test_class_weights_are_for_models_that_take_them_and_do_not_say_otherwise():
    run = Run("digits", "m", 0, "full")
    able, other = spec(weighs=True, params={"C": 1}), spec(params={"C": 1})
    assert able.weighted("balanced", run).params_for(run) == {"C": 1, "class_weight": "balanced"}
    assert able.weighted("balanced", run).adapted == {"class_weight": "balanced"}
    assert able.weighted(None, run) is able
    assert other.weighted("balanced", run) is other
    own = spec(weighs=True, params={"class_weight": None})
    assert own.weighted("balanced", run) is own
