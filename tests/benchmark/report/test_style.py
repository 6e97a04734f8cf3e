"""Colours and markers of models."""

from __future__ import annotations

import pytest

from benchmark.errors import UserError
from benchmark.report import style

OWN = ("svm-rbf", "cnn-simple", "knn", "cnn-augmented", "logistic-regression")


def colours(names):
    return {name: look.colour for name, look in style.looks(dict.fromkeys(names, "baseline")).items()}


def test_registered_models_keep_their_colours():
    alone = {name: colours([name])[name] for name in OWN}
    assert len(set(alone.values())) == len(OWN)
    together = colours([*OWN, "aaa", "zzz"])
    assert {name: together[name] for name in OWN} == alone


def test_every_model_in_a_chart_has_another_colour():
    models = [*OWN, *(f"model-{place}" for place in range(len(style.SPARE)))]
    paint = colours(models)
    assert len(set(paint.values())) == len(models)
    assert paint == colours(models[::-1])


def test_other_models_keep_their_colours_too():
    """Unless two names decide for the same colour, which these do not."""
    assert colours(["mine"])["mine"] == colours(["mine", "another"])["mine"]
    assert colours(["another"])["another"] == colours(["mine", "another"])["another"]


def test_a_marker_is_the_models_own_or_its_familys():
    looks = style.looks({"resnet": "network", "cnn-simple": "network", "mine": "baseline"})
    assert {name: look.marker for name, look in looks.items()} == {"resnet": "*", "cnn-simple": "D", "mine": "o"}


@pytest.mark.drawn
def test_saving_is_the_same_every_time_and_explains_failures(tmp_path):
    from matplotlib.figure import Figure

    def figure():
        made = Figure(figsize=(1, 1))
        made.subplots().plot([0, 1], [0, 1])
        return made

    for name in ("a.png", "b.png"):
        style.save(figure(), tmp_path / "new" / name)
    assert (tmp_path / "new" / "a.png").read_bytes() == (tmp_path / "new" / "b.png").read_bytes()
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="Cannot write"):
        style.save(figure(), tmp_path / "file" / "a.png")
