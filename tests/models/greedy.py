"""Models that take more than their share: memory, time, disk, processes that outlive them."""

from __future__ import annotations

import ctypes
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from misbehaving import Majority

ENOUGH = 40  # Pieces of 50 MB: so much is eaten at most, whatever becomes of the limit.


def eat(pause: float) -> None:
    kept = []
    for _ in range(ENOUGH):
        kept.append(np.ones(50_000_000, dtype=np.uint8))
        time.sleep(pause)
    time.sleep(600)


def daemon(trace: str, *, deaf: bool = False) -> None:
    """Start a process in a session of its own whose parent ends at once; write its number to ``trace``."""
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        while not Path(trace).exists():
            time.sleep(0.01)
        return
    os.setsid()
    if os.fork():
        os._exit(0)
    if deaf:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    unfinished = Path(f"{trace}.unfinished")
    unfinished.write_text(str(os.getpid()), encoding="ascii")
    unfinished.rename(trace)
    time.sleep(600)
    os._exit(0)


class EatsQuickly(Majority):
    def fit(self, X, y):
        eat(0.0)


class EatsSlowly(Majority):
    def fit(self, X, y):
        eat(0.05)


class EatsInAChild(Majority):
    def fit(self, X, y):
        program = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import greedy; greedy.eat(0.02)"
        subprocess.run([sys.executable, "-c", program], check=False, start_new_session=True)


class AsksForTooMuch(Majority):
    def fit(self, X, y):
        np.ones(1 << 50)


class OutOfAcceleratorMemory(Majority):
    def fit(self, X, y):
        class OutOfMemoryError(RuntimeError):
            """Named as PyTorch's."""

        raise OutOfMemoryError("CUDA out of memory")


class ReadsNowhere(Majority):
    """A segmentation fault."""

    def fit(self, X, y):
        ctypes.string_at(0)


class Deaf(Majority):
    def fit(self, X, y):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        while True:
            time.sleep(60)


class NeverLetsGo(Majority):
    """Native code that holds the interpreter's lock for longer than anybody waits."""

    def __init__(self, trace=None):
        self.trace = trace

    def fit(self, X, y):
        if self.trace:
            Path(self.trace).write_text(str(os.getpid()), encoding="ascii")
        re.match(r"(a+)+$", "a" * 64 + "b")


class Talks(Majority):
    """Prints 600 MB before it fails."""

    def fit(self, X, y):
        print("the beginning", flush=True)
        for _ in range(600):
            os.write(1, b"nothing of interest\n" * 50_000)
            time.sleep(0.002)
        raise RuntimeError("the end")


class LeavesDaemons(Majority):
    """Leaves two processes in sessions of their own, one of them deaf to SIGTERM, and then does as it is told."""

    def __init__(self, trace, then="return"):
        self.trace = trace
        self.then = then

    def fit(self, X, y):
        daemon(f"{self.trace}.1")
        daemon(f"{self.trace}.2", deaf=True)
        if self.then == "exit":
            os._exit(5)
        if self.then == "hang":
            time.sleep(600)
        if self.then == "crash":
            ctypes.string_at(0)
        return super().fit(X, y)


class Guesses(Majority):
    """Takes a moment, starts a process that would outlive it, and guesses as its seed decides."""

    def fit(self, X, y):
        if os.fork() == 0:
            os.setsid()
            time.sleep(600)
            os._exit(0)
        time.sleep(0.15)
        return super().fit(X, y)

    def predict(self, X):
        return np.random.default_rng(len(X) + np.random.randint(2**31)).integers(0, 10, len(X))

    def predict_proba(self, X):
        first = np.random.default_rng(0).uniform(0, 0.5, (len(X), 1))
        return np.hstack([first, np.tile((1 - first) / 9, 9)])
