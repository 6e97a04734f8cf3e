"""What models tell of themselves: under one name, and a wrong answer costs that answer."""

from __future__ import annotations

import sys

import pytest

from benchmark.estimators.details import ATTRIBUTES, Details, DetailsMixin, finite, number, rows, text


class Told:
    def __init__(self, **entries):
        self._entries = entries

    def benchmark_details(self):
        return self._entries


class Stranger:
    """With all our names meaning something else, and none of them asked for."""

    history_ = "of art"
    parameter_count_ = property(lambda self: 1 / 0)
    variants = by_epoch = portable = save_state = None


class Ours(DetailsMixin):
    parameter_count_ = 7
    history_: list

    def variants(self):
        return {"in reverse": self}


def test_a_detail_that_would_end_the_program_costs_that_detail():
    told = Details(Told(device=lambda: sys.exit("no device")))
    assert told.get("device", text, "cpu") == "cpu"
    assert told.problems == ["benchmark_details()['device'] cannot be used: no device"]


def test_attributes_of_a_stranger_mean_nothing():
    told = Details(Stranger())
    assert not any(told.has(name) for name in ATTRIBUTES)
    assert told.problems == []


def test_the_mixin_tells_what_there_is():
    model = Ours()
    told = Details(model)
    assert told.get("parameter_count", number, None) == 7
    assert told.get("variants", dict, {}) == {"in reverse": model}
    assert told.get("history", rows, ()) == ()
    model.history_ = [{"epoch": 1}]
    assert Details(model).get("history", rows, ()) == ({"epoch": 1.0},)


def test_an_entry_may_be_a_value_or_a_function():
    told = Details(Told(device="cuda", precision=lambda: "bfloat16", implementation=None))
    assert told.get("device", text, "cpu") == "cuda"
    assert told.get("precision", text, None) == "bfloat16"
    assert told.get("implementation", text, None) is None
    assert told.problems == []


@pytest.mark.parametrize(
    ("name", "value", "convert"),
    [
        ("history", "of art", rows),
        ("history", [1, 2], rows),
        ("history", [{"loss": "low"}], rows),
        ("history", 3, rows),
        ("parameter_count", -1, number),
        ("parameter_count", 2.5, number),
        ("parameter_count", float("nan"), number),
        ("parameter_count", 2**70, number),
        ("parameter_count", "many", number),
        ("device", 0, text),
        ("implementation", lambda: 1 / 0, text),
    ],
)
def test_a_malformed_entry_costs_that_entry(name, value, convert):
    told = Details(Told(**{"precision": "float32", name: value}))
    assert told.get(name, convert, "nothing") == "nothing"
    assert told.get("precision", text, None) == "float32"
    (problem,) = told.problems
    assert problem.startswith(f"benchmark_details()[{name!r}] cannot be used: ")


@pytest.mark.parametrize("found", [None, 3, {"parameters": 3}, {"device": "cpu", "epochs": ()}])
def test_what_is_no_mapping_of_known_names_is_left_out_whole(found):
    class Wrong:
        def benchmark_details(self):
            return found

    told = Details(Wrong())
    assert not any(told.has(name) for name in ATTRIBUTES)
    assert len(told.problems) == 1


def test_a_row_of_history_keeps_what_is_finite():
    row = {"loss": float("nan"), "other": 1e300, "none": None, "epoch": 3}
    assert finite(row) == {"loss": None, "other": None, "none": None, "epoch": 3.0}
