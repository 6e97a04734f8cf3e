"""One cell in a process of its own: what it is told, what it answers, and how it ends."""

from __future__ import annotations

import faulthandler
import os
import signal
import threading
import traceback
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait

from benchmark.contract import UnsupportedError, UserError
from benchmark.messages import Epoch, Failure, Job, Result


def main(connection: Connection, job: Job) -> None:
    """Entry point of the process: sends any number of :class:`Epoch`, then a Result or a Failure."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # The runner decides what Ctrl-C means.
    if hasattr(os, "setpgrp"):
        os.setpgrp()  # So that what the model starts can be ended with it.
    _end_with_parent()
    os.environ.update(job.variables)
    try:
        log = job.log.open("w", encoding="utf-8")
    except OSError as error:
        connection.send(Failure("error", f"its log could not be written: {error.strerror}"))
        return
    with log:
        for descriptor in (1, 2):  # Also what native code prints.
            os.dup2(log.fileno(), descriptor)
        faulthandler.enable(log)
        connection.send(_guarded(job, connection))
    connection.close()


def _end_with_parent() -> None:
    """However the runner ends, ``kill -9`` included, do not go on without it."""
    parent = parent_process()
    if parent is None:
        return

    def watch() -> None:
        wait([parent.sentinel])
        if hasattr(os, "killpg"):
            os.killpg(0, signal.SIGKILL)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _guarded(job: Job, connection: Connection) -> Result | Failure:
    try:
        from benchmark import execution  # scikit-learn comes with it: only where a model is fitted.

        return execution.execute(job, lambda row: connection.send(Epoch(row)))
    except UnsupportedError as reason:
        return Failure("unsupported", _short(reason) or "no reason was given")
    except UserError as error:
        return Failure("error", _short(error))
    except Exception as error:  # A model may raise anything; the other cells go on.
        traceback.print_exc()
        text = _short(error)
        return Failure("error", f"{type(error).__name__}: {text}" if text else type(error).__name__)


def _short(error: Exception) -> str:
    """What an error says, in one line of at most 500 characters."""
    text = " ".join(str(error).split()).encode(errors="replace").decode()
    return text if len(text) <= 500 else f"{text[:500]} ... ({len(text):,} characters)"
