"""What the numbers depend on besides the code: hardware, system, versions, commit."""

from __future__ import annotations

import contextlib
import math
import platform
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path

import joblib
import numpy as np

from benchmark.records.schema import Environment
from benchmark.utils.platform import LINUX

PACKAGES = (
    "numpy",
    "scipy",
    "scikit-learn",
    "scikit-learn-intelex",
    "scikit-image",
    "lightgbm",
    "torch",
    "torchvision",
    "joblib",
    "pandas",
    "matplotlib",
)
SOURCE = Path(__file__).resolve().parents[2]


def describe() -> Environment:
    """Describe this machine and this checkout, without importing the heavy packages."""
    commit = _git("rev-parse", "HEAD")
    # Results and reports are what a run writes; they do not make the code that wrote them dirty.
    changes = _git("status", "--porcelain", "--", ".", ":!results", ":!reports")
    return Environment(
        cpu=_cpu(),
        cores=available_cores(),
        gemm_gflops=gemm_gflops(),
        gpu=None,
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        python=platform.python_version(),
        packages={name: found for name in PACKAGES if (found := _version(name)) is not None},
        commit=commit,
        dirty=None if commit is None else bool(changes),
    )


def gemm_gflops(size: int = 1024, repeats: int = 15) -> float:
    """Speed of NumPy's float32 matrix product here and now, best of several, in 1e9 operations a second.

    Fewer repetitions may fall into one moment in which something else is computed.
    """
    left = np.ones((size, size), dtype=np.float32)
    best = math.inf
    for _ in range(repeats):
        start = time.perf_counter()
        left @ left
        best = min(best, time.perf_counter() - start)
    return 2 * size**3 / best / 1e9


def available_cores() -> int:
    """Processors that this process may use, limits of containers included."""
    return int(joblib.cpu_count())


def machine_memory_bytes() -> int:
    """Memory of this machine or, where that is less, what the container may use."""
    import psutil

    total = int(psutil.virtual_memory().total)
    for limit in (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes")):
        with contextlib.suppress(OSError, ValueError):  # There is none, or it is "max".
            total = min(total, int(limit.read_text(encoding="ascii")))
    return total


def _cpu() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if LINUX and cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine() or "unknown"


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _git(*arguments: str) -> str | None:
    if not (SOURCE / ".git").exists():
        return None
    try:
        done = subprocess.run(["git", *arguments], cwd=SOURCE, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def memory_bytes(*, peak: bool) -> int | None:
    """Resident memory of this process, now or at its peak so far; None where the system does not say.

    Where the system has no /proc, only the peak is known.
    """
    status = Path("/proc/self/status")
    if LINUX and status.exists():
        # Not getrusage: its peak is inherited from the process that started this one.
        for line in status.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:" if peak else "VmRSS:"):
                return int(line.split()[1]) * 1024
    try:
        import resource
    except ImportError:
        return None
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024
