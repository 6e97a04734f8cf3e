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

from runs import ready

from benchmark.cli.app import main

ROOT = Path(__file__).resolve().parents[2]


class Home:
    """Runs commands in ``folder``; data sets are kept in ``cache``.

    ``home(...)`` runs one in a process of its own, as a user does; ``home.here(...)`` in this one, which spares the
    imports, the greatest part of a short command's time.
    """

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

    def here(self, *arguments: str, encoding: str = "utf-8") -> subprocess.CompletedProcess[str]:
        """The command done, in this process; ``encoding`` is that of its output."""
        ready()
        return self._main(*arguments, encoding=encoding)

    def refused(self, *arguments: str) -> str:
        """The one line that says what is wrong with a command; it must end with exit code 2."""
        done = self._main(*arguments)
        assert done.returncode == 2, done.stdout + done.stderr
        (line,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
        return line

    def _main(self, *arguments: str, encoding: str = "utf-8") -> subprocess.CompletedProcess[str]:
        out, err = (io.TextIOWrapper(io.BytesIO(), encoding, newline="") for _ in range(2))
        before = signal.getsignal(signal.SIGTERM)
        with (
            contextlib.chdir(self.folder),
            mock.patch.dict(os.environ, self.environ, clear=True),
            mock.patch.object(sys, "argv", ["benchmark", *arguments]),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            try:
                main()
                code = 0
            except SystemExit as done:
                code = done.code or 0
            finally:
                signal.signal(signal.SIGTERM, before)
        texts = []
        for stream in (out, err):
            stream.flush()
            texts.append(stream.buffer.getvalue().decode(encoding))
        return subprocess.CompletedProcess(arguments, code, *texts)


def install(site: Path, name: str, entry_points: str, source: str) -> None:
    """Put a package of one module and its entry points into a folder to import from."""
    info = site / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(entry_points, encoding="utf-8")
    (site / f"{name}.py").write_text(source, encoding="utf-8")
