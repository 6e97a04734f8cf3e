"""A run's processes: all that a worker starts is measured with it and ends with it.

On Linux the process that the runner starts becomes a *keeper*: it forks the worker and waits for it. What the
worker's descendants leave behind falls to the keeper, also if it has begun a session of its own, because the
keeper is marked as their "child subreaper" (prctl(2)). Nothing the model does, not even native code that never
lets go of the interpreter, keeps the keeper from ending the worker when the runner asks for it, or has died.

Elsewhere there is no such mark. The worker then has no keeper, and a process whose parent has ended before it
may be missed.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
from pathlib import Path

import psutil

from benchmark.utils.platform import LINUX

HAS_KEEPER = LINUX
GRACE_SECONDS = 0.5  # To put away what would be left in shared memory, after SIGTERM and before SIGKILL.
PATIENCE_SECONDS = 5.0
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36  # linux/prctl.h


def descendants(pid: int) -> list[psutil.Process]:
    """All processes below ``pid``, near ones first; none if it has ended."""
    try:
        return list(psutil.Process(pid).children(recursive=True))
    except psutil.Error:
        return []


def resident_bytes(pid: int) -> int:
    """Resident memory of the run whose process is ``pid``: its worker and all that this has started, added up.

    Pages that several processes share count once in each; the keeper is none of the model's.
    """
    family = descendants(pid)
    total = 0
    with contextlib.suppress(psutil.Error):
        family += [] if HAS_KEEPER else [psutil.Process(pid)]
    for process in family:
        with contextlib.suppress(psutil.Error):  # It has ended meanwhile.
            total += process.memory_info().rss
    return total


def end(pid: int, sentinel: int) -> None:
    """End the run whose process is ``pid``, at once and with all that it has started.

    ``sentinel`` is readable when that process has ended (``multiprocessing.Process.sentinel``).
    """
    if HAS_KEEPER:
        if wait([sentinel], 0):  # Its number may be another's by now.
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        if wait([sentinel], GRACE_SECONDS + PATIENCE_SECONDS):
            return
    for process in reversed(descendants(pid)):
        with contextlib.suppress(psutil.Error):
            process.kill()
    with contextlib.suppress(AttributeError, ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    with contextlib.suppress(psutil.Error):
        psutil.Process(pid).kill()


def keep(connection: Connection) -> None:
    """Fork: the child returns and is the worker, this process is its keeper and ends as the child does.

    ``connection`` is closed in the keeper, so that its other end hears of the worker's death.
    """
    if not HAS_KEEPER:
        _end_with_parent()
        return
    worker = 0
    keeper = os.getpid()

    def stop(*_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(worker, signal.SIGKILL)

    os.setpgrp()  # What ends the runner's group must not end the keeper: it has work to do then.
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    with _held_back(signal.SIGTERM):  # Until it is known whom to end.
        worker = os.fork()
        if worker == 0:
            os.setpgrp()
            _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != keeper:  # It was too late to ask for that.
                os._exit(1)
            with contextlib.suppress(
                OSError
            ):  # Where memory runs out, the kernel is to take the model, not the runner.
                Path("/proc/self/oom_score_adj").write_text("500", encoding="ascii")
            return
        connection.close()
        signal.signal(signal.SIGTERM, stop)
    _watch_parent(stop)
    code = _reap(worker)
    _end_children()
    _exit_like(code)


def _end_with_parent() -> None:
    """Without a keeper: do not go on without the runner, as far as the interpreter lets this be noticed."""

    def give_up() -> None:
        if hasattr(os, "killpg"):
            os.killpg(0, signal.SIGKILL)
        os._exit(1)

    if hasattr(os, "setpgrp"):
        os.setpgrp()
    _watch_parent(give_up)


@contextlib.contextmanager
def _held_back(number: int) -> Iterator[None]:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {number})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _prctl(option: int, value: int) -> None:
    # Where it is refused, what a model leaves behind may be missed, but nothing else changes.
    ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _watch_parent(when_gone: Callable[[], None]) -> None:
    """Call ``when_gone`` in a thread when the runner has ended, however that was, ``kill -9`` included."""
    parent = parent_process()
    if parent is None:
        return

    def watch() -> None:
        wait([parent.sentinel])
        when_gone()

    threading.Thread(target=watch, daemon=True).start()


def _reap(worker: int) -> int:
    """Wait for the worker and, meanwhile, for what has fallen to the keeper; return the worker's exit code."""
    while True:
        pid, status = os.waitpid(-1, 0)
        if pid == worker:
            return os.waitstatus_to_exitcode(status)


def _end_children() -> None:
    """End all that the worker has left; the rest of a family falls to the keeper as its members end."""
    own = os.getpid()
    for process in descendants(own):
        with contextlib.suppress(psutil.Error):
            process.terminate()
    start = time.monotonic()
    while (waited := time.monotonic() - start) < PATIENCE_SECONDS:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid:
            continue
        if waited > GRACE_SECONDS:
            for process in descendants(own):
                with contextlib.suppress(psutil.Error):
                    process.kill()
        time.sleep(0.01)


def _exit_like(code: int) -> None:
    """End this process as the worker has ended, signals included."""
    if code < 0:
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # The worker has had its chance to leave one.
        with contextlib.suppress(OSError):  # SIGKILL has no other way.
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)
