from __future__ import annotations

import dataclasses
from importlib import metadata

import pytest

from benchmark import registry
from benchmark.errors import UserError

CORE = ["logistic-regression", "svm-rbf", "knn", "cnn-simple", "cnn-augmented"]


@pytest.fixture
def plug_in(monkeypatch):
    """Pretend that an installed package has an entry point for models that loads ``found``."""
    registry.note_once.cache_clear()

    def install(found) -> None:
        class Entry:
            name, value, dist = "theirs", "theirs:MODELS", None

            def load(self):
                if isinstance(found, BaseException):
                    raise found
                return found

        monkeypatch.setattr(metadata, "entry_points", lambda group: [Entry()] if group == "benchmark.models" else [])

    return install


def test_the_core_models_and_data_sets_are_registered(monkeypatch, tmp_path):
    monkeypatch.setenv("BENCHMARK_CACHE_DIR", str(tmp_path))  # No pictures are remembered there.
    assert [spec.name for spec in registry.models().values() if spec.core is True] == CORE
    assert list(registry.datasets()) == ["fashion-mnist", "digits", "mnist", "kmnist", "cifar10"]
    assert {spec.family for spec in registry.models().values()} == {"baseline", "network"}


def test_another_packages_models_come_after_ours(plug_in):
    ours = list(registry.models())
    theirs = dataclasses.replace(registry.models()["knn"], name="knn-1")
    plug_in(theirs)
    assert list(registry.models()) == [*ours, "knn-1"]
    plug_in((theirs, dataclasses.replace(theirs, name="knn-2")))
    assert list(registry.models()) == [*ours, "knn-1", "knn-2"]


BROKEN = [
    (ImportError("no module\nnamed \x1b[31mx"), "ImportError: no module named \\x1b[31mx"),
    (SystemExit("go away"), "SystemExit: go away"),
    (SystemExit(), "SystemExit"),
    (["no specification"], "it holds 'no specification', not a ModelSpec"),
    (7, "TypeError: 'int' object is not iterable"),
    (registry.models()["knn"], "there is already a model 'knn'"),
]


@pytest.mark.parametrize(("found", "reason"), BROKEN)
def test_a_broken_plug_in_is_skipped_with_one_line(plug_in, capsys, found, reason):
    ours = registry.models()
    plug_in(found)
    assert registry.models() == registry.models() == ours
    assert capsys.readouterr().err == (
        f"note: skipped the plug-in theirs (entry point theirs = theirs:MODELS of benchmark.models): {reason}\n"
    )


def test_the_other_models_of_a_skipped_plug_in_are_not_there_either(plug_in):
    plug_in((dataclasses.replace(registry.models()["knn"], name="mine"), registry.models()["knn"]))
    with pytest.raises(UserError, match=r"Unknown model 'mine'.* theirs was skipped: there is already a model 'knn'"):
        registry.choose(["mine"])


def test_asked_for_by_name_the_model_of_a_broken_plug_in_is_an_error_with_the_reason(plug_in):
    plug_in(ImportError("no such module"))
    with pytest.raises(UserError, match=r"Unknown model 'forest'.* theirs was skipped: ImportError: no such module"):
        registry.choose(["forest", "knn"])
    assert [spec.name for spec in registry.choose(["knn"])] == ["knn"]


@pytest.mark.parametrize(
    ("name", "hint"), [("svm", "svm-rbf"), ("CNN-Simple", "cnn-simple"), ("xyzzy", "There are: logistic-regression")]
)
def test_an_unknown_name_is_answered_with_the_nearest(name, hint):
    with pytest.raises(UserError, match=hint):
        registry.find("model", registry.models(), name)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("C=3", ("C", 3)),
        ("C=0.5", ("C", 0.5)),
        ("flip=true", ("flip", True)),
        ("gamma=null", ("gamma", None)),
        ("backbone=resnet18", ("backbone", "resnet18")),
        ("widths=[1, 2]", ("widths", [1, 2])),
        ('text="7"', ("text", "7")),
        ("text=a=b", ("text", "a=b")),
    ],
)
def test_settings_are_json_or_text(text, expected):
    assert registry.parse_setting(text) == expected


@pytest.mark.parametrize("text", ["C", "=3", "C-3=4", ""])
def test_a_malformed_setting_is_refused(text):
    with pytest.raises(UserError, match="Invalid setting"):
        registry.parse_setting(text)
