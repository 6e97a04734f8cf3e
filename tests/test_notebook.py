"""The notebook runs from top to bottom and is committed with its tables and pictures."""

from __future__ import annotations

import os
from pathlib import Path

import nbclient
import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOK = ROOT / "docs/notebook.ipynb"


def executed(folder: Path) -> nbformat.NotebookNode:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbclient.NotebookClient(notebook, timeout=200, resources={"metadata": {"path": str(folder)}}).execute()
    return notebook


def kinds(notebook: nbformat.NotebookNode) -> list[set[str]]:
    """What each cell shows: the MIME types of its results."""
    return [
        {kind for output in cell.get("outputs", ()) for kind in output.get("data", {output["output_type"]: ""})}
        for cell in notebook.cells
    ]


@pytest.mark.nightly
def test_it_runs_and_is_committed_with_its_outputs(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCHMARK_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(ROOT), os.environ.get("PYTHONPATH", ""))))
    again, committed = executed(tmp_path), nbformat.read(NOTEBOOK, as_version=4)
    assert kinds(again) == kinds(committed)
    shown = set().union(*kinds(committed))
    assert {"text/html", "image/png"} <= shown
    assert "error" not in shown
