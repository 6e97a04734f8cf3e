"""Every command works whatever the encoding of its output, with names in any script."""

from __future__ import annotations

import alphabets
import pytest
from commands import Home, install

from benchmark import registry

ON = ("--dataset", "alphabets")
COMMANDS = [
    ("--help",),
    ("list",),
    ("data", "fetch", "alphabets"),
    ("data", "info", "alphabets"),
    ("data", "verify", "alphabets"),
    ("data", "audit", "alphabets"),
    ("run", "knn", *ON),
    ("run", "knn", *ON, "--json-lines"),
    ("predict", "knn", *ON, "--test", "0,1,2,3"),
    ("report",),
    ("check", "--against", "local", *ON),
    ("compare", "local", "local"),
    ("verify", *ON),
    ("migrate",),
]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "DATASETS", (*registry.DATASETS, alphabets.ALPHABETS))
        home = Home(tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("cache"))
        done = home.here("run", "knn", *ON, "--save-models", "--no-report")
        assert done.returncode == 0, done.stdout + done.stderr
        yield home


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_works_on_an_output_of_few_characters(home, command, encoding):
    done = home.here(*command, encoding=encoding)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout


def test_a_prediction_is_readable_in_ascii_and_its_picture_is_written(home):
    done = home.here("predict", "knn", *ON, "--test", "3", encoding="ascii")
    assert "oeuf ?" in done.stdout
    assert "################ 100.0%" in done.stdout
    assert (home.folder / "predictions/knn-test-image-3.png").is_file()


def test_a_mistake_is_told_in_ascii(home):
    done = home.here("run", "Modèle", encoding="ascii")
    assert done.returncode == 2
    assert "Unknown model 'Modele'" in done.stderr


LOUD = """
from sklearn.neighbors import KNeighborsClassifier
from benchmark.specs import ModelSpec
MODEL = ModelSpec(name="loud", family="baseline", build="loud:Loud", inputs="flat", description="prints while it fits")
class Loud(KNeighborsClassifier):
    def fit(self, X, y):
        print("été 猫")
        return super().fit(X, y)
"""


def test_a_model_may_print_what_the_terminal_cannot_show(home, tmp_path):
    install(tmp_path, "loud", "[benchmark.models]\nloud = loud:MODEL\n", LOUD)
    run = ("run", "loud", "--dataset", "digits", "--no-report")
    done = home(*run, packages=tmp_path, PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stdout + done.stderr
