"""``verify`` as a user meets it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("home")
    environ = {**os.environ, "BENCHMARK_CACHE_DIR": str(folder / "cache"), "PYTHONPATH": str(ROOT)}

    def command(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "benchmark", *arguments, "--dataset", "digits"],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env=environ,
        )

    return command


def test_cells_of_registered_and_made_models_are_run_again(home):
    assert home("run", "knn", "--no-report").returncode == 0
    assert home("run", "knn", "--set", "n_neighbors=1", "--as", "nearest", "--no-report").returncode == 0
    done = home("verify", "--cells", "5")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 of 2 cells, about" in done.stdout
    rows = [line.split() for line in done.stdout.splitlines() if "bit-identical" in line]
    assert sorted(row[0] for row in rows) == ["knn", "nearest"]
    only = home("verify", "nearest")
    assert "1 of 1 cells" in only.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("verify", "svm-rbf", "--collection", "nothing"), "There are no such records"),
        (("verify", "--budget", "soon"), "'soon' is not a time limit"),
    ],
)
def test_a_mistake_is_one_line(home, arguments, message):
    done = home(*arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert message in done.stderr
