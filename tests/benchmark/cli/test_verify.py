"""``verify`` as a user meets it."""

from __future__ import annotations

import pytest
from commands import Home

DIGITS = ("--dataset", "digits")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return Home(tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("cache"))


def test_cells_of_registered_and_made_models_are_run_again(home):
    assert home.here("run", "knn", "--no-report", *DIGITS).returncode == 0
    assert home.here("run", "knn", "--set", "n_neighbors=1", "--as", "nearest", "--no-report", *DIGITS).returncode == 0
    done = home.here("verify", "--runs", "5", *DIGITS)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 of 3 runs, about" in done.stdout
    rows = [line.split() for line in done.stdout.splitlines() if "bit-identical" in line]
    assert sorted(row[0] for row in rows) == ["knn", "majority", "nearest"]
    only = home.here("verify", "nearest", *DIGITS)
    assert "1 of 1 runs" in only.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("verify", "svm-rbf", "--collection", "nothing"), "There are no such records"),
        (("verify", "--budget", "soon"), "'soon' is not a time limit"),
    ],
)
def test_a_mistake_is_one_line(home, arguments, message):
    assert message in home.refused(*arguments, *DIGITS)
