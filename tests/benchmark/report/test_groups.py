"""How the worst of the groups that a user gives fares."""

from __future__ import annotations

import numpy as np
import pytest
from documents import rows
from PIL import Image

import benchmark as bm
from benchmark.report import groups
from benchmark.report.write import gather
from benchmark.runner.progress import Quiet

CHEATED = "third"  # In this group the labels are exchanged in the test part.


@pytest.fixture
def table(tmp_path, monkeypatch):
    """A table of 240 dark and light pictures in four groups, each of one part only."""
    monkeypatch.setenv("BENCHMARK_CACHE_DIR", str(tmp_path / "cache"))
    rng, lines = np.random.default_rng(0), ["image,label,split,group"]
    parts = {"first": "train", "second": "train", CHEATED: "test", "fourth": "test", "": "test", "small": "test"}
    for name, part in parts.items():
        for number in range(4 if name == "small" else 60):
            light = number % 2
            pixels = rng.integers(0, 100, (8, 8), dtype=np.uint8) + 150 * light
            file = f"{name or 'none'}-{number}.png"
            Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / file)
            label = light ^ (name == CHEATED)
            lines.append(f"{file},{'light' if label else 'dark'},{part},{name}")
    path = tmp_path / "pictures.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_the_worst_group_is_named(table, tmp_path):
    results = bm.run("knn", dataset=table, results_dir=tmp_path / "results", watcher=Quiet())
    written = results.report(tmp_path / "reports", html=False)
    page = written.paths[0].read_text(encoding="utf-8")
    assert "### Groups" in page
    assert "of 3 groups, of which 1 with fewer than 10 images are left out" in page
    (section,) = [part for part in written.report.sections if part.id == "groups"]
    (found,) = [rows(block) for block in section.blocks if hasattr(block, "columns")]
    assert found == {
        "knn": {
            "accuracy": "67.39%",
            "mean over groups": "50.00%",
            "worst group": "0.00%",
            "which": CHEATED,
            "its images": "60",
        }
    }


def test_where_pictures_are_private_no_group_is_named(table, tmp_path):
    mine = bm.pictures(table, show_pictures=False)
    results = bm.run("knn", dataset=mine, results_dir=tmp_path / "results", watcher=Quiet())
    page = results.report(tmp_path / "reports", html=False).paths[0].read_text(encoding="utf-8")
    assert "### Groups" in page
    assert f"| {CHEATED} " not in page  # Names of files are shown, as paths that the user has chosen.


def test_without_groups_there_is_no_section(make_collection, tmp_path):
    store = make_collection(tmp_path, [("knn", "baseline", 20)], class_names=("cat", "dog"))
    assert groups.scores(gather(store, "synthetic")) is None
