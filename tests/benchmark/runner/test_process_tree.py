"""Limits of time, memory and disk, and that no process outlives its run."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from runs import go, gone, spec

from benchmark.runner import process_tree as processes
from benchmark.runner import supervisor
from benchmark.utils.platform import LINUX

MB = 1_000_000
only_kept = pytest.mark.skipif(not processes.HAS_KEEPER, reason="only on Linux have workers a keeper")


def greedy(name: str, **changes):
    return spec(name, build=f"greedy:{name}", **changes)


class Times:
    """A watcher that measures each run from its start to its end."""

    def __init__(self):
        self.start, self.seconds, self.lock = {}, {}, threading.Lock()

    def started(self, run, epochs):
        self.start[run.model] = time.monotonic()

    def epoch(self, run, row):
        pass

    def finished(self, record, *, kept):
        name = record.run.model
        self.seconds[name] = time.monotonic() - self.start[name]


@pytest.mark.parametrize("name", ["EatsQuickly", "EatsSlowly", "EatsInAChild"])
def test_a_cell_that_eats_memory_is_ended_at_its_limit(prepared, settings, name):
    limited = dataclasses.replace(settings, memory_limit_bytes=900 * MB)
    records = go([greedy(name), spec("Majority")], prepared, limited)
    record = records[name.lower(), 0]
    assert record.status == "out-of-memory", record.reason
    assert record.reason.startswith("stopped at the memory limit of 900 MB: it used ")
    assert records["majority", 0].status == "ok"


def test_what_a_cell_may_use_is_not_held_against_it(prepared, settings):
    record = go([spec("Hoards")], prepared, dataclasses.replace(settings, memory_limit_bytes=900 * MB))["hoards", 0]
    assert record.status == "ok", record.reason


CRASHES = {
    "AsksForTooMuch": ("out-of-memory", "MemoryError: Unable to allocate"),
    "OutOfAcceleratorMemory": ("out-of-memory", "OutOfMemoryError: CUDA out of memory"),
    "ReadsNowhere": ("crashed", "the process was ended by SIGSEGV"),
}


def test_crashes_and_refused_memory_are_told_apart(prepared, settings):
    records = go([*map(greedy, CRASHES), spec("IsKilled"), spec("Majority")], prepared, settings)
    for name, (status, reason) in CRASHES.items():
        record = records[name.lower(), 0]
        assert (record.status, reason in record.reason) == (status, True), record.reason
    assert "out of memory? --memory-limit" in records["iskilled", 0].reason
    assert records["majority", 0].status == "ok"
    (log,) = (settings.store.folder / "digits/readsnowhere").glob("*.log")
    assert "Segmentation fault" in log.read_text()
    assert f"/{log.name} in the results folder)" in records["readsnowhere", 0].reason


def test_what_hangs_ends_within_two_seconds_of_its_limit_and_the_others_finish(prepared, settings):
    limited = dataclasses.replace(settings, time_limit_seconds=4.0, jobs=4)
    watch, hanging = Times(), [spec("Hangs"), greedy("Deaf"), greedy("NeverLetsGo")]
    records = go([*hanging, spec("Majority")], prepared, limited, log=watch)
    assert records["majority", 0].status == "ok"
    for name in ("hangs", "deaf", "neverletsgo"):
        assert records[name, 0].status == "timeout"
        assert records[name, 0].reason.startswith("stopped at the time limit of 4.0 s")
        assert 4 <= watch.seconds[name] < 4 + 2


def test_a_log_does_not_fill_the_disk(prepared, settings, monkeypatch):
    most = []
    shorten = supervisor.shorten

    def watched(log, **how):
        shorten(log, **how)
        most.extend([log.stat().st_size] if log.exists() else [])

    monkeypatch.setattr(supervisor, "shorten", watched)
    record = go([greedy("Talks")], prepared, settings)["talks", 0]
    assert record.status == "error"
    (log,) = (settings.store.folder / "digits/talks").glob("*.log")
    content = log.read_text()
    assert len(content) < 1.1 * supervisor.LOG_BYTES
    assert content.startswith("the beginning\n")
    assert "left out" in content
    assert content.rstrip().endswith("RuntimeError: the end\nwhile fitting")
    assert len(most) > 2
    assert sorted(most)[len(most) // 2] < 300 * MB  # Cut again and again, not only at the end.


@only_kept
@pytest.mark.parametrize(
    ("then", "status"), [("return", "ok"), ("exit", "crashed"), ("crash", "crashed"), ("hang", "timeout")]
)
def test_what_has_begun_a_session_of_its_own_ends_with_its_cell(prepared, settings, tmp_path, then, status):
    leaves = greedy("LeavesDaemons", params={"trace": str(tmp_path / "pid"), "then": then})
    limited = dataclasses.replace(settings, time_limit_seconds=5.0)
    record = go([leaves], prepared, limited)["leavesdaemons", 0]
    assert record.status == status, record.reason
    for place in (1, 2):
        assert not alive(int((tmp_path / f"pid.{place}").read_text()))  # At once, not some time later.


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_memory_of_a_family_counts_its_members():
    eater = "import time; kept = bytearray(b'x' * 100_000_000); print(flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", eater], stdout=subprocess.PIPE) as child:
        child.stdout.readline()
        assert processes.resident_bytes(os.getpid()) > 100 * MB
        child.kill()
    assert processes.resident_bytes(2**22 + 1) == 0  # Beyond the highest number of a process.


@only_kept
@pytest.mark.skipif(not LINUX, reason="reads /proc")
def test_a_worker_whose_keeper_is_killed_ends(prepared, settings, tmp_path):
    """The keeper is all that looks after a worker, so the kernel looks after it."""
    trace = tmp_path / "pid"
    model = greedy("NeverLetsGo", params={"trace": str(trace)})

    def kill_the_keeper():
        while not (trace.exists() and trace.read_text()):
            time.sleep(0.02)
        keeper = int(Path(f"/proc/{trace.read_text()}/stat").read_text().rpartition(")")[2].split()[1])
        os.kill(keeper, 9)

    killer = threading.Thread(target=kill_the_keeper)
    killer.start()
    record = go([model], prepared, settings)["neverletsgo", 0]
    killer.join()
    assert (record.status, "SIGKILL" in record.reason) == ("crashed", True)
    assert gone(int(trace.read_text()))
