"""What a run survives: models that misbehave, processes that die, libraries that cannot be imported."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from runs import Log, go, gone, spec

from benchmark.utils.platform import LINUX

ROOT = Path(__file__).resolve().parents[3]
only_forked = pytest.mark.skipif(not LINUX, reason="workers are forked only on Linux")
FAILURES = {
    "Raises": ("error", "RuntimeError: the model broke"),
    "Exits": ("crashed", "exit code 3"),
    "IsKilled": ("crashed", "SIGKILL"),
    "LeavesQuietly": ("error", "SystemExit: no reason (while fitting)"),
    "Unsupported": ("unsupported", "these images are not mine"),
    "WrongLength": ("error", "predict returned shape"),
    "FloatLabels": ("error", "not integer labels"),
    "UnknownLabels": ("error", "labels outside 0-9"),
    "Missing": ("error", "AttributeError"),
}


def test_bad_cells_are_recorded_with_their_reason_and_stop_nobody(prepared, settings):
    specs = [*(spec(name) for name in FAILURES), spec("Majority")]
    records = go(specs, prepared, settings)
    assert len(records) == len(specs)
    assert records["majority", 0].status == "ok"
    for name, (status, reason) in FAILURES.items():
        record = records[name.lower(), 0]
        assert (record.status, reason in record.reason) == (status, True), record.reason
    stored, problems = settings.store.read_all("digits")
    assert (len(stored), problems) == (len(specs), [])
    (log,) = (settings.store.folder / "digits/raises").glob("*.log")
    assert records["raises", 0].reason == (
        f"RuntimeError: the model broke (while fitting) (log: test/digits/raises/{log.name} in the results folder)"
    )
    assert "about to fail" in log.read_text()
    assert "Traceback" in log.read_text()
    assert not list((settings.store.folder / "digits/majority").glob("*.log"))


def test_what_is_wrong_beside_the_labels_is_a_warning(prepared, settings):
    names = ("NotANumber", "NoProbabilities", "TellsNonsense", "TellsWords", "Stranger", "Majority")
    records = go([spec(name, validates=name == "TellsWords") for name in names], prepared, settings)
    warnings = {name: records[name.lower(), 0].warnings for name in names}
    assert {record.status for record in records.values()} == {"ok"}
    assert any(
        "its probabilities are left out: predict_proba returned numbers that are not finite" in text
        for text in warnings["NotANumber"]
    )
    assert any("rows that are no probabilities" in text for text in warnings["NoProbabilities"])
    wrong = [text for text in warnings["TellsNonsense"] if "cannot be used" in text]
    assert [text.partition("]")[0] for text in wrong] == [
        f"benchmark_details()[{name!r}" for name in ("variants", "by_epoch", "parameter_count", "history")
    ]
    assert records["tellsnonsense", 0].model.implementation == "by hand"
    assert warnings["Stranger"] == warnings["TellsWords"] == warnings["Majority"]
    assert set(warnings["Majority"]) == {
        f"all {n} {part} images are predicted as the same class" for part, n in (("test", 360), ("validation", 237))
    }


def test_a_hanging_cell_is_ended_at_its_limit(prepared, settings):
    limited = dataclasses.replace(settings, time_limit_seconds=2.0)
    records = go([spec("Hangs")], prepared, limited)
    assert records["hangs", 0].status == "timeout"
    assert "time limit of 2.0 s" in records["hangs", 0].reason


def test_an_interrupt_kills_the_cells_in_flight_and_keeps_the_finished_ones(prepared, settings, tmp_path):
    trace = tmp_path / "pid"
    hanging = spec("HangsWithATrace", params={"trace": str(trace)})

    class Impatient(Log):
        def started(self, run, epochs):
            super().started(run, epochs)
            if run.model == "slow":  # The third run: one is done, one hangs.
                deadline = time.monotonic() + 30
                while not trace.exists() and time.monotonic() < deadline:
                    time.sleep(0.05)
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        go([spec("Majority"), hanging, spec("Slow")], prepared, settings, log=Impatient())
    assert gone(int(trace.read_text()))
    stored, problems = settings.store.read_all("digits")
    assert ([s.record.run.model for s in stored], problems) == (["majority"], [])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_cell_that_dies_is_noticed_although_a_copy_of_it_lives(prepared, settings):
    record = go([spec("LeavesAChild")], prepared, settings)["leavesachild", 0]
    assert (record.status, record.reason) == ("crashed", "the process ended with exit code 4 before it had a result")


def test_many_cells_at_a_time_each_end_as_they_did(prepared, settings):
    records = go([spec("Exits", stochastic=True)], prepared, dataclasses.replace(settings, jobs=6), n_seeds=24)
    assert {record.reason for record in records.values()} == {
        "the process ended with exit code 3 before it had a result"
    }


@pytest.mark.parametrize("word", ["one", "two"])
def test_a_cell_sees_the_variables_of_now(prepared, settings, monkeypatch, word):
    """Also where its process is forked off one that was started before."""
    monkeypatch.setenv("BENCHMARK_TEST_WORD", word)
    record = go([spec("TellsItsSurroundings")], prepared, settings)["tellsitssurroundings", 0]
    assert record.model.implementation == word


def test_what_a_model_starts_ends_with_it(prepared, settings, tmp_path):
    trace = tmp_path / "pid"
    parent = spec("HasAChild", params={"trace": str(trace)})
    record = go([parent], prepared, dataclasses.replace(settings, time_limit_seconds=5.0))["hasachild", 0]
    assert record.status == "timeout"
    assert gone(int(trace.read_text()))


# Libraries that are imported ahead. The process that does it is one for all, so here are others.
PROGRAM = """
import signal, sys, threading
from pathlib import Path
from benchmark import registry
from benchmark.runner import job as messages
from benchmark.runner import supervisor
from benchmark.specs import PROFILES, Run, ModelSpec

def supervise():
    spec = ModelSpec(name="m", family="baseline", build="nowhere:Nothing", inputs="flat", description="none")
    job = messages.Job(Run("digits", "m", 0, "full"), spec, registry.datasets()["digits"], "0" * 64, PROFILES["full"],
                       0, 1, "auto", Path("log"))
    return supervisor.supervise(job, 30, lambda row: None, threading.Event())

if __name__ == "__main__":
    # Where the tests run in the background of a script, they inherit that Ctrl-C is ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with supervisor.worker_environment(1, ["ahead"]):
        supervisor.warm_up()
        print(supervise().reason)
"""


def program(tmp_path: Path, ahead: str) -> subprocess.Popen[str]:
    (tmp_path / "ahead.py").write_text(textwrap.dedent(ahead))
    (tmp_path / "program.py").write_text(PROGRAM)
    return subprocess.Popen(
        [sys.executable, "program.py"],
        cwd=tmp_path,
        env={"PYTHONPATH": f"{ROOT}:{tmp_path}", "BENCHMARK_CACHE_DIR": str(tmp_path), "HOME": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@only_forked
@pytest.mark.parametrize("ahead", ["", "raise ValueError", "raise SystemExit(1)", "import nothing_of_that_name"])
def test_a_library_that_cannot_be_imported_ahead_is_left_to_the_cells(tmp_path, ahead):
    output, _ = program(tmp_path, ahead).communicate(timeout=60)
    assert output == "The data set digits was changed during the run. Run the same command again.\n"


@only_forked
def test_a_library_that_kills_who_imports_it_is_an_error_of_the_cells(tmp_path):
    output, _ = program(tmp_path, "import os; os._exit(1)").communicate(timeout=60)
    assert output.startswith("the process could not be started")


@only_forked
def test_ctrl_c_is_heard_while_libraries_are_imported(tmp_path):
    started = tmp_path / "started"
    process = program(tmp_path, f"import pathlib, time; pathlib.Path({str(started)!r}).touch(); time.sleep(20)")
    deadline = time.monotonic() + 20
    while not started.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert started.exists()
    process.send_signal(signal.SIGINT)
    assert process.wait(5) != 0  # Who imports lives on for a moment and has the pipes.
    process.stdout.close()
    assert process.stderr.readline().startswith("Traceback")
    process.stderr.close()
