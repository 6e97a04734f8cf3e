"""What ``run`` says while it runs: to a person at a terminal, in a log, to a program, to trackers."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from commands import Home

from benchmark.records import store as records

RUN = ("run", "knn", "mlp", "--dataset", "digits", "--profile", "quick", "--threads", "1", "--fresh")


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def home(tmp_path, cache):
    return Home(tmp_path, cache)


@pytest.fixture
def run(home):
    return lambda *arguments: home.here(*RUN, *arguments)


def test_a_program_reads_what_happens(run, tmp_path):
    done = run("--json-lines")
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert events[0]["event"] == "plan"
    assert (events[0]["runs"], events[0]["waiting"]) == (3, 3)
    assert [e["model"] for e in events if e["event"] == "finished"] == ["knn", "mlp", "majority"]
    assert all(e["test_accuracy"] > 0.9 for e in events if e["event"] == "finished" and e["model"] != "majority")
    assert {e["model"] for e in events if e["event"] == "epoch"} == {"mlp"}
    assert events[-1]["event"] == "report"
    assert (tmp_path / events[-1]["path"]).is_file()

    (path,) = (tmp_path / "results/quick/digits/mlp").glob("*.json")
    record = records.read(path).record
    assert len(record.epoch_tests) == len(record.epochs)
    assert record.test.accuracy in record.epoch_tests


def test_quiet_says_nothing(run):
    done = run("--quiet", "--no-report")
    assert (done.returncode, done.stdout) == (0, "")


def test_quiet_and_json_at_once_is_a_mistake(run):
    done = run("--quiet", "--json-lines")
    assert done.returncode == 2
    assert "Choose one" in done.stderr


def test_trackers_get_a_run_a_cell(run, tmp_path):
    pytest.importorskip("tensorboard", reason="an optional extra")
    assert run("--tensorboard", "curves", "--no-report").returncode == 0
    folders = {str(path.parent.relative_to(tmp_path / "curves")) for path in tmp_path.rglob("events.out*")}
    assert folders == {f"digits/{model}/quick-seed0" for model in ("knn", "mlp", "majority")}


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_a_terminal_shows_a_table_that_fills_in(tmp_path, home):
    import pty

    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmark", *RUN, "--no-report"],
        cwd=tmp_path,
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env={**home.environ, "TERM": "xterm", "COLUMNS": "120"},
    )
    os.close(terminal)
    parts = []
    while True:
        try:
            part = os.read(controller, 65536)
        except OSError:  # The other end is closed.
            break
        if not part:
            break
        parts.append(part)
    os.close(controller)
    assert process.wait(timeout=60) == 0
    seen = b"".join(parts).decode()
    for word in ("waiting", "running", "validation", "all runs", "3/3"):
        assert word in seen
