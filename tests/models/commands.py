"""The command line as tests run it: in a process, a folder and a cache of their own."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import subprocess
import sys
from pathlib import Path
from unittest import mock

from benchmark.cli import main

ROOT = Path(__file__).resolve().parents[2]


class Home:
    """Runs commands in ``folder``; data sets are kept in ``cache``."""

    def __init__(self, folder: Path, cache: Path) -> None:
        self.folder = folder
        kept = {name: value for name, value in os.environ.items() if not name.startswith("BENCHMARK_")}
        self.environ = {**kept, "BENCHMARK_CACHE_DIR": str(cache), "PYTHONPATH": str(ROOT)}

    def __call__(self, *arguments: str, packages: Path | None = None, **more: str) -> subprocess.CompletedProcess[str]:
        """The command done; ``packages`` is a folder to import from, ``more`` are environment variables."""
        paths = os.pathsep.join(str(path) for path in (ROOT, packages) if path)
        return subprocess.run(
            [sys.executable, "-m", "benchmark", *arguments],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env={**self.environ, "PYTHONPATH": paths, **more},
        )

    def refused(self, *arguments: str) -> str:
        """The one line that says what is wrong with a command; it must end with exit code 2.

        Nothing of a mistake needs a process, so the command runs in this one, which is quicker.
        """
        told, before = io.StringIO(), signal.getsignal(signal.SIGTERM)
        with (
            contextlib.chdir(self.folder),
            mock.patch.dict(os.environ, self.environ, clear=True),
            mock.patch.object(sys, "argv", ["benchmark", *arguments]),
            contextlib.redirect_stdout(told),
            contextlib.redirect_stderr(told),
        ):
            try:
                main()
                code = 0
            except SystemExit as done:
                code = done.code
            finally:
                signal.signal(signal.SIGTERM, before)
        assert code == 2, told.getvalue()
        (line,) = [line for line in told.getvalue().splitlines() if line.startswith("error: ")]
        return line
