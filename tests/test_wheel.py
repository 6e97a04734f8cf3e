"""The wheel: installed outside the checkout, it runs models and writes a report."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built from a copy: setuptools writes beside the sources."""
    source, folder = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in tracked.split("\0"):
        if name.startswith(("benchmark/", "baselines/", "cnn/", "pyproject.toml", "README.md", "LICENSE")):
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    subprocess.run([*PIP, "wheel", "--no-deps", "--no-build-isolation", "-w", folder, source], check=True)
    (path,) = folder.glob("*.whl")
    return path


def test_it_has_all_rooms_and_their_templates_and_no_tests(wheel):
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info" not in name}
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    wanted = {name for name in tracked.split() if name.startswith(("benchmark/", "baselines/", "cnn/"))}
    assert packed == wanted


@pytest.mark.nightly
def test_installed_elsewhere_it_runs_and_reports(wheel, tmp_path):
    site, home = tmp_path / "site", tmp_path / "home"
    home.mkdir()
    subprocess.run([*PIP, "install", "--no-deps", "--target", site, wheel], check=True)
    command = [sys.executable, "-m", "benchmark", "run", "logistic-regression", "cnn-simple", "--dataset", "digits"]
    environ = {**os.environ, "PYTHONPATH": str(site), "BENCHMARK_CACHE_DIR": str(tmp_path / "cache")}
    done = subprocess.run(command, cwd=home, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    report = home / "reports/local/digits"
    assert (report / "README.md").is_file()
    assert (report / "report.html").stat().st_size > 1_000_000
    program = "import benchmark; print(benchmark.__file__)"
    found = subprocess.run(
        [sys.executable, "-c", program], cwd=home, env=environ, capture_output=True, text=True, check=True
    )
    assert found.stdout.startswith(str(site))
