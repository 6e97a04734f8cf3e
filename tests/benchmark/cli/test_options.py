from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmark.cli.options import collection_name, dataset_specs
from benchmark.errors import UserError

ROOT = Path(__file__).resolve().parents[3]


def test_a_collection_is_named_after_its_profile_unless_it_is_full():
    assert collection_name(None, "full") == "local"
    assert collection_name(None, "quick") == "quick"
    assert collection_name("mine", "quick") == "mine"


@pytest.mark.parametrize("name", ["", "..", "a/b", "-a", "a b", "ä"])
def test_a_collection_is_no_path(name):
    with pytest.raises(UserError, match="is no name for a collection"):
        collection_name(name, "full")


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
