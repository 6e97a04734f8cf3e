"""One run in a process of its own: its job, its messages, and how it ends."""

from __future__ import annotations

import faulthandler
import io
import os
import signal
import sys
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TextIO

from pydantic import ValidationError

from benchmark.errors import OF_OTHERS, UnsupportedError, UserError
from benchmark.records.store import first_problem
from benchmark.runner import process_tree as processes
from benchmark.runner.job import Epoch, Failure, Job, Result
from benchmark.utils.format import described, in_one_line


def main(connection: Connection, job: Job) -> None:
    """Entry point of the process: sends any number of :class:`Epoch`, then a Result or a Failure.

    After a result, if the job says so, the fitted model is saved and a Saved or NotSaved sent.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # The runner decides what Ctrl-C means.
    processes.keep(connection)
    os.environ.update(job.variables)
    try:
        log = _open_log(job.log)
    except OSError as error:
        connection.send(Failure("error", f"its log could not be written: {error.strerror}"))
        return
    with log:
        for descriptor in (1, 2):  # Also what native code prints.
            os.dup2(log.fileno(), descriptor)
        for stream in (sys.stdout, sys.stderr):  # Of the terminal's encoding, in which a model might not print.
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(encoding="utf-8", errors="backslashreplace")
        faulthandler.enable(log)
        fitted: list[Any] = []
        outcome = _guarded(job, connection, fitted.append if job.save is not None else lambda model: None)
        connection.send(outcome)
        if job.save is not None and isinstance(outcome, Result):
            from benchmark.runner import evaluate

            connection.send(evaluate.save(fitted.pop(), job, job.save))
    connection.close()


def _open_log(path: Path) -> TextIO:
    """An empty log, written at its end wherever the supervisor has cut it; no link is followed."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0)
    return os.fdopen(os.open(path, flags, 0o644), "w", encoding="utf-8")


def _guarded(job: Job, connection: Connection, keep: Callable[[Any], object]) -> Result | Failure:
    try:
        # scikit-learn comes with it: only where a model is fitted.
        from benchmark.runner import evaluate

        return evaluate.execute(job, lambda row: connection.send(Epoch(row)), keep)
    except OF_OTHERS as error:  # The other runs go on.
        return failure(error)


def failure(error: BaseException) -> Failure:
    """What to record of an error; unless it explains itself, its traceback is printed."""
    text = in_one_line(error)
    if isinstance(error, UnsupportedError):
        return Failure("unsupported", text or "no reason was given")
    if isinstance(error, UserError):
        return Failure("error", text)
    if isinstance(error, ValidationError):
        return Failure("error", f"its result is invalid: {first_problem(error)}")
    traceback.print_exception(error)
    # PyTorch's name for an accelerator's memory error, which is not a MemoryError.
    no_memory = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
    return Failure("out-of-memory" if no_memory else "error", described(error))
