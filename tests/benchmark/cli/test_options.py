from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmark.cli.options import dataset_specs

ROOT = Path(__file__).resolve().parents[3]


def test_a_data_set_named_twice_is_meant_once():
    assert [spec.name for spec in dataset_specs(["digits", "digits"])] == ["digits"]
    assert [spec.name for spec in dataset_specs(None)] == ["fashion-mnist"]


@pytest.mark.parametrize(("closed", "code"), [(">&-", 0), ("2>&-", 0), ("<&-", 0), (">/dev/full", 2)])
def test_closed_and_full_streams_are_survived(tmp_path, closed, code):
    """What a worker's pipe would otherwise take the number of, and what cannot be written to."""
    if "full" in closed and not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full here")
    command = f"'{sys.executable}' -m benchmark list {closed}"
    done = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
