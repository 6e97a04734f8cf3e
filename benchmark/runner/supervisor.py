"""Starts a worker, watches over it, and returns its outcome: a result, a failure, or a lost process."""

from __future__ import annotations

import contextlib
import dataclasses
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from multiprocessing import forkserver, resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from benchmark.errors import OF_OTHERS
from benchmark.records.schema import NotSaved
from benchmark.runner import job as messages
from benchmark.runner import process_tree as processes
from benchmark.runner import worker
from benchmark.runner.preload import VARIABLE
from benchmark.utils.format import duration, in_one_line, memory
from benchmark.utils.platform import LINUX

POOLS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)
LOOK_SECONDS = 0.2  # Between two looks at a run's memory and log.
LOG_BYTES = 4 << 20  # More than a person reads.
SAVE_SECONDS = 600.0


class InterruptedRunError(Exception):
    """The run is being given up; the run gets no record."""


class Lost(messages.Failure):
    """A process that ended without a result, or was ended."""


# Starting a process asks after all others, and two threads that ask after the same one at once find it lost.
_asking = threading.Lock()

Outcome = messages.Result | messages.Failure


@contextlib.contextmanager
def worker_environment(threads: int, preload: Iterable[str] = ()) -> Iterator[None]:
    """Environment variables that must be set before a worker starts.

    ``preload`` names modules that are imported once, for all workers of this process.

    Thread pools read theirs when they are loaded. glibc's allocator, left alone, returns large blocks to
    the system at once and faults them in again at the next training step, which costs a network about a
    tenth of its speed; the last three keep them.
    """
    variables = {
        **dict.fromkeys(POOLS, str(threads)),
        "MALLOC_MMAP_MAX_": "0",
        "MALLOC_TRIM_THRESHOLD_": str(1 << 36),
        "MALLOC_TOP_PAD_": str(1 << 26),
        VARIABLE: ",".join(sorted(preload)),
    }
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def warm_up() -> None:
    """Have the libraries imported now, so that the first run need not wait for it."""
    if not LINUX:  # There is no process that could import them for others.
        return
    context = _context()
    with _without_ctrl_c():  # Until the process is there, not until it has imported all.
        forkserver.ensure_running()
    with contextlib.suppress(OSError, EOFError):  # It has died of an import: the runs will say so.
        process = context.Process(target=_nothing)
        process.start()
        process.join()


def ask(function: Callable[..., Any], *arguments: Any, limit_seconds: float) -> Any:
    """What a function returns in a process like those of runs; None if it fails or takes too long."""
    receiver, sender = (context := _context()).Pipe(duplex=False)
    process = context.Process(target=_answer, args=(sender, function, *arguments))
    try:
        with _asking, _without_ctrl_c():
            process.start()
        sender.close()
        return receiver.recv() if receiver.poll(limit_seconds) else None
    except (OSError, EOFError):
        return None
    finally:
        receiver.close()
        if process.pid is not None:
            processes.end(process.pid, process.sentinel)
            with _asking:
                process.join()


def _answer(sender: Connection, function: Callable[..., Any], *arguments: Any) -> None:
    with contextlib.suppress(*OF_OTHERS):
        sender.send(function(*arguments))


def _nothing() -> None:
    """What a process does that is only to start."""


def supervise(
    job: messages.Job,
    limit_seconds: float,
    on_epoch: Callable[[Mapping[str, float | None]], None],
    stop: threading.Event,
    memory_limit_bytes: int | None = None,
) -> Outcome:
    """Run ``job`` in a process of its own and wait for its outcome.

    A result stands whatever becomes of saving the model, for which there is as much time again, at most SAVE_SECONDS.
    ``memory_limit_bytes`` holds for the resident memory of the process and all that it has started, added up.

    Raises
    ------
    InterruptedRunError
        If ``stop`` is set meanwhile; the process is killed, as it is however this function ends.
    """
    context = _context()
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=worker.main, args=(sender, job), name=str(job.run))
    listener = _Listener(process, receiver, job.log, on_epoch, stop, memory_limit_bytes)
    try:
        try:
            with _asking, _without_ctrl_c():
                process.start()
        except OF_OTHERS as error:  # A specification that cannot be sent: pickle raises what it likes.
            return Lost("error", f"the process could not be started: {in_one_line(error)}")
        sender.close()

        outcome: Outcome = listener.next_message(limit_seconds)
        if isinstance(outcome, messages.Result) and job.save is not None:
            start = time.monotonic()
            try:
                saved = listener.next_message(min(limit_seconds, SAVE_SECONDS))
            except InterruptedRunError:
                saved = Lost("error", "the run was interrupted")
            if not isinstance(saved, messages.Saved | NotSaved):
                saved = NotSaved(reason=getattr(saved, "reason", "the process did not say"), lasting=False)
            outcome = dataclasses.replace(outcome, saved=saved, saving_seconds=time.monotonic() - start)
        if not isinstance(outcome, Lost):  # It ends by itself.
            wait([process.sentinel], 5)
        return outcome
    finally:
        receiver.close()
        if process.pid is not None:
            processes.end(process.pid, process.sentinel)
            with _asking:
                process.join()
            shorten(job.log, to_end=True)


@dataclasses.dataclass(frozen=True)
class _Listener:
    """Waits for what a worker sends, and watches its limits meanwhile."""

    process: Any
    receiver: Connection
    log: Path
    on_epoch: Callable[[Mapping[str, float | None]], None]
    stop: threading.Event
    memory_limit_bytes: int | None

    def next_message(self, limit_seconds: float) -> Any:
        """The next message that is not about an epoch, or why none will come."""
        deadline = time.monotonic() + limit_seconds
        next_look = 0.0
        while True:
            if self.stop.is_set():
                raise InterruptedRunError
            now = time.monotonic()
            if now >= deadline:
                return Lost("timeout", f"stopped at the time limit of {duration(limit_seconds)}")
            if now >= next_look:
                next_look = now + LOOK_SECONDS
                shorten(self.log)
                if (over := self._over_memory_limit()) is not None:
                    return over
            if not wait([self.receiver, self.process.sentinel], timeout=max(0.0, min(deadline, next_look) - now)):
                continue
            try:
                if not self.receiver.poll():  # A process that it started may hold its end of the pipe open.
                    raise EOFError
                message = self.receiver.recv()
            except (EOFError, OSError):  # OSError: it ended in the middle of a message.
                if self.stop.wait(0.5):  # It got the same signal as the runner.
                    raise InterruptedRunError from None
                return Lost("crashed", _exit_reason(self.process))
            if not isinstance(message, messages.Epoch):
                return message
            self.on_epoch(message.row)

    def _over_memory_limit(self) -> Lost | None:
        if self.memory_limit_bytes is None:
            return None
        used = processes.resident_bytes(self.process.pid)
        if used <= self.memory_limit_bytes:
            return None
        limit = memory(self.memory_limit_bytes)
        return Lost("out-of-memory", f"stopped at the memory limit of {limit}: it used {memory(used)}")


def shorten(log: Path, *, to_end: bool = False) -> None:
    """Cut a log that has grown beyond LOG_BYTES: its first half is kept and, once it is closed, its end."""
    with contextlib.suppress(OSError):  # There is none (yet), or it is not our file.
        if log.is_symlink() or log.stat().st_size <= LOG_BYTES:
            return
        with log.open("r+b") as file:
            file.seek(-LOG_BYTES // 2, os.SEEK_END)
            last = file.read() if to_end else b""
            file.truncate(LOG_BYTES // 2)
            file.seek(0, os.SEEK_END)
            file.write(b"\n... what was printed here is left out ...\n" + last)


def _context() -> Any:
    """How workers start: on Linux forked off a process that has imported what they need, elsewhere afresh.

    That process does nothing but import, so a fork inherits neither running threads nor data. macOS's own
    libraries do not bear a fork.
    """
    if not LINUX:
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["benchmark.runner.preload"])
    return context


@contextlib.contextmanager
def _without_ctrl_c() -> Iterator[None]:
    """A process started inside never sees Ctrl-C, not even while it imports: only the runner answers it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    # multiprocessing's helper unblocks the signal when it starts, so it must be running before.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _exit_reason(process: BaseProcess) -> str:
    wait([process.sentinel], 5)
    with _asking:
        code = process.exitcode
    if code is None or code >= 0:
        return f"the process ended with exit code {code} before it had a result"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    hint = ": was the machine out of memory? --memory-limit sets a limit" if name == "SIGKILL" else ""
    return f"the process was ended by {name}{hint}"
