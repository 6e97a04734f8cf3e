"""The command line as tests run it: in a process, a folder and a cache of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class Home:
    """Runs commands in ``folder``; data sets are kept in ``cache``."""

    def __init__(self, folder: Path, cache: Path) -> None:
        self.folder = folder
        self.environ = {**os.environ, "BENCHMARK_CACHE_DIR": str(cache), "PYTHONPATH": str(ROOT)}

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "benchmark", *arguments],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env=self.environ,
        )
