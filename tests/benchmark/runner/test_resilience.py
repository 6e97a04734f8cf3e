"""Runs that are killed at any moment, and runs on one collection at the same time."""

from __future__ import annotations

import itertools
import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import pytest

from benchmark.records.store import Store
from benchmark.utils.files import LOCK
from benchmark.utils.platform import LINUX

ROOT = Path(__file__).resolve().parents[3]
MODELS = ROOT / "tests/models"
SEEDS = 6
MARK = "BENCHMARK_TEST_FAMILY"  # All processes of a run have it, so that a test finds them.
PROGRAM = f"""
import sys
from pathlib import Path
from runs import Lab, Log, go, spec
from benchmark import registry
from benchmark.data import load as store
from benchmark.runner.prepare import Prepared
from benchmark.records.store import Store
from benchmark.records.schema import Environment

class Tells(Log):
    def started(self, run, epochs):
        print("started", flush=True)

if __name__ == "__main__":
    digits = registry.datasets()["digits"]
    here = Environment(cpu="any", cores=2, gpu=None, system="any", python="3", packages={{}}, commit=None, dirty=None)
    settings = Lab(store=Store(Path("results"), "made"), environment=here, jobs=2, threads=1,
                   time_limit_seconds=60, fresh="fresh" in sys.argv)
    prepared = {{"digits": Prepared(digits, store.prepare(digits))}}
    model = spec("Guesses", build="greedy:Guesses", stochastic=True)
    go([model], prepared, settings, n_seeds={SEEDS}, log=Tells())
"""


def environ(cache: Path, family: str) -> dict[str, str]:
    paths = os.pathsep.join(map(str, (ROOT, MODELS)))
    return {**os.environ, "BENCHMARK_CACHE_DIR": str(cache), "PYTHONPATH": paths, MARK: family}


def start(folder: Path, cache: Path, *arguments: str) -> subprocess.Popen[str]:
    folder.mkdir(exist_ok=True)
    (folder / "program.py").write_text(PROGRAM)
    return subprocess.Popen(
        [sys.executable, "program.py", *arguments],
        cwd=folder,
        env=environ(cache, folder.name),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )


def family(name: str) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == name and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def nobody_left(name: str) -> bool:
    """Whether all processes of a run are gone, or will be soon."""
    deadline = time.monotonic() + 30
    while family(name):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def results(folder: Path) -> dict[int, tuple[object, dict[str, np.ndarray]]]:
    """Scores and predictions by seed; every file must be readable, and the predictions those of their record."""
    stored, problems = Store(folder / "results", "made").read_all("digits")
    assert problems == []
    return {s.record.run.seed: ((s.record.validation, s.record.test), s.predictions()) for s in stored}


def kill_again_and_again(folder: Path, cache: Path, kills: int, seed: int) -> None:
    chance, known = random.Random(seed), 0
    for kill in range(kills):
        process = start(folder, cache, *(["fresh"] if kill % 2 else []))
        if kill % 3:  # Otherwise while all is being imported, mostly.
            process.stdout.readline()
        time.sleep(chance.uniform(0, 0.7))
        # The runner alone, or all that a terminal would end with it.
        os.kill(process.pid, signal.SIGKILL) if chance.random() < 0.5 else os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
        found = len(results(folder))
        assert found >= known  # Nothing that was recorded is lost.
        known = found


@pytest.mark.skipif(not LINUX, reason="finds processes by /proc")
@pytest.mark.parametrize("kills", [2, pytest.param(15, marks=pytest.mark.nightly)])
def test_kills_leave_what_an_undisturbed_run_leaves(tmp_path, tmp_path_factory, kills):
    cache = tmp_path_factory.mktemp("cache")
    undisturbed = start(tmp_path / "undisturbed", cache)
    assert undisturbed.communicate(timeout=120)[0]
    assert undisturbed.returncode == 0
    expected = results(tmp_path / "undisturbed")
    assert len(expected) == SEEDS
    assert len({scores[1].accuracy for scores, _ in expected.values()}) > 1

    folders = [tmp_path / f"killed-{number}" for number in range(1 + (kills > 2))]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(kill_again_and_again, folders, [cache] * 2, [kills] * 2, itertools.count()))
    for folder in folders:
        last = start(folder, cache)
        last.communicate(timeout=120)
        assert last.returncode == 0
        assert nobody_left(folder.name)
        found = results(folder)
        assert found.keys() == expected.keys()
        for seed, (scores, arrays) in expected.items():
            assert found[seed][0] == scores
            assert arrays.keys() == found[seed][1].keys()
            assert all(np.array_equal(array, found[seed][1][name]) for name, array in arrays.items())
        names = [path.name for path in (folder / "results").rglob("*") if path.is_file() and path.name != LOCK]
        assert sorted(Path(name).suffix for name in names) == [".json"] * SEEDS + [".npz"] * SEEDS


@pytest.mark.parametrize("options", [pytest.param((), marks=pytest.mark.nightly), ("--fresh",)])
def test_two_runs_on_one_collection_do_not_disturb_each_other(tmp_path, tmp_path_factory, options):
    cache = tmp_path_factory.mktemp("cache")
    models = ("logistic-regression", "knn", "linear-svm")
    command = ["run", *models, "--dataset", "digits", "--threads", "1", "--no-report"]
    pair = [
        subprocess.Popen(
            [sys.executable, "-m", "benchmark", *command, *options],
            cwd=tmp_path,
            env=environ(cache, "pair"),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _ in range(2)
    ]
    for process in pair:
        output, _ = process.communicate(timeout=180)
        assert process.returncode == 0, output
    stored, problems = Store(tmp_path / "results", "local").read_all("digits")
    assert problems == []
    assert sorted(s.record.run.model for s in stored) == ["knn", "linear-svm", "logistic-regression", "majority"]
    assert all(s.is_intact() for s in stored)
    left = sorted(path.suffix for path in (tmp_path / "results").rglob("*") if path.is_file() and path.name != LOCK)
    assert left == [".json"] * (4 + 1) + [".npz"] * 4  # One is the summary of the data set.
