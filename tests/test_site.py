"""The documentation: it builds without a warning, and every command in it runs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from commands import Home

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md") if "decisions" not in path.parts)
LONG = ("tutorial.md", "how-to/follow-a-run.md")  # Minutes of training.
COMMANDS = {page: re.findall(r"^```console\n(.*?)^```", (DOCS / page).read_text(), re.M | re.S) for page in PAGES}


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.mark.timeout(480)
@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, marks=pytest.mark.nightly if page in LONG else ())
        for page, blocks in COMMANDS.items()
        if blocks
    ],
)
def test_every_command_runs(page, tmp_path, cache):
    """In the order of the page, in one folder; a TOML block before them is the thresholds file."""
    for block in re.findall(r"^```toml\n(.*?)^```", (DOCS / page).read_text(), re.M | re.S):
        if "schema_version" in block:
            (tmp_path / "thresholds.toml").write_text(block)
    home = Home(tmp_path, cache)
    for command in "".join(COMMANDS[page]).splitlines():
        program, module, name, *arguments = command.split()
        assert (program, module, name) == ("python", "-m", "benchmark")
        done = (home if "--mlflow" in arguments else home.here)(*arguments)  # Its warnings would be errors here.
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"


def test_the_site_builds_without_a_warning(tmp_path):
    pytest.importorskip("mkdocs", reason="an optional extra")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path / "site")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    pages = {page: (tmp_path / "site" / page / "index.html").read_text() for page in ("reference/command-line",)}
    assert "python -m benchmark run" in pages["reference/command-line"]
    assert "--corruptions" in pages["reference/command-line"]
    index = json.loads((tmp_path / "site" / "search" / "search_index.json").read_text())
    assert any("ModelSpec" in entry["title"] for entry in index["docs"])
    assert any("RunRecord" in entry["title"] for entry in index["docs"])
