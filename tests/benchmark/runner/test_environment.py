from __future__ import annotations

import os
import subprocess
import sys

import pytest

from benchmark.runner import environment
from benchmark.utils.platform import LINUX


def test_what_the_numbers_depend_on_is_described():
    found = environment.describe()
    assert found.cpu != ""
    assert 1 <= found.cores <= os.cpu_count()
    assert {"numpy", "scikit-learn", "torch"} <= found.packages.keys()
    assert 0.1 < found.gemm_gflops < 1e6
    assert found.python == sys.version.split()[0]


def checkout(tmp_path, monkeypatch):
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "one"]):
        (tmp_path / "code.py").write_text("one")
        author = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
        subprocess.run(["git", *author, *command], cwd=tmp_path, check=True, capture_output=True)
    monkeypatch.setattr(environment, "SOURCE", tmp_path)
    return tmp_path


def test_commit_and_changes_are_told_and_results_are_no_change(tmp_path, monkeypatch):
    root = checkout(tmp_path, monkeypatch)
    clean = environment.describe()
    assert (len(clean.commit), clean.dirty) == (40, False)
    (root / "results").mkdir()
    (root / "results/record.json").write_text("{}")
    assert environment.describe().dirty is False
    (root / "code.py").write_text("two")
    assert environment.describe().dirty is True


def test_without_a_checkout_there_is_no_commit(tmp_path, monkeypatch):
    monkeypatch.setattr(environment, "SOURCE", tmp_path)
    found = environment.describe()
    assert (found.commit, found.dirty) == (None, None)


@pytest.mark.skipif(not LINUX, reason="reads /proc")
def test_the_peak_of_memory_is_this_process_own_and_rises():
    program = (
        "from benchmark.runner.environment import memory_bytes\n"
        "before = memory_bytes(peak=True)\nblock = bytearray(200_000_000)\ndel block\n"
        "print(before, memory_bytes(peak=True), memory_bytes(peak=False))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=environment.SOURCE
    )
    before, after, now = map(int, done.stdout.split())
    assert before < 150e6
    assert after - before > 190e6
    assert now < after - 150e6
