"""Runs as on macOS and Windows: workers are spawned, and nothing is known of Linux."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from commands import Home

OF_EACH_KIND = ("knn", "hog-svm", "gradient-boosting", "cnn-simple", "transfer")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = Home(tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("cache"))
    home.environ["BENCHMARK_PORTABLE"] = "1"
    return home


@pytest.mark.parametrize("models", [("knn", "mlp"), pytest.param(OF_EACH_KIND, marks=pytest.mark.nightly)])
def test_models_run(home, models):
    done = home("run", *models, "--dataset", "digits", "--no-report", "--jobs", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    records = [json.loads(path.read_text()) for path in home.folder.glob("results/local/digits/*/*.json")]
    assert {record["run"]["model"] for record in records} >= set(models)
    # The trivial baseline keeps nothing.
    assert all(record["cost"]["peak_memory_bytes"] > 0 or record["model"]["trivial"] for record in records)


def test_limits_are_enforced(home, tmp_path):
    done = home("run", "resnet", "--dataset", "digits", "--no-report", "--time-limit", "4s")
    assert done.returncode == 1
    assert "stopped at the time limit of 4.0 s" in done.stdout


def test_a_worker_ends_with_its_runner(home):
    """Killed without a chance to clean up, the runner leaves no worker behind."""
    program = "import sys; sys.argv = ['benchmark', *sys.argv[1:]]; from benchmark.cli.app import main; main()"
    command = [sys.executable, "-c", program, "run", "resnet", "--dataset", "digits", "--no-report", "--fresh"]
    with subprocess.Popen(command, cwd=home.folder, env=home.environ, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while "started" not in process.stdout.readline():
            assert process.poll() is None
        process.kill()
        # The pipe is closed when the last process that holds it has ended.
        assert process.stdout.read() is not None
    assert not list(Path(home.folder).glob("results/local/digits/resnet/.*.json-*"))
