"""Text on a terminal, whatever its encoding and wherever the text comes from."""

from __future__ import annotations

import codecs
import functools
import io
import sys
import time
import unicodedata
from typing import TYPE_CHECKING, Any, Self, TextIO

from benchmark.utils.format import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

LINE_SECONDS = 10.0  # Between two lines of progress where nothing can be redrawn.

# What is drawn with and has no decomposition into ASCII.
ALIKE = {
    "\u2588": "#",
    "\u258f": "|",
    "\u2501": "=",
    "\u00b7": ".",
    "\u2192": "->",
    "\u00b1": "+/-",
    "\u00d7": "x",
    "\u2013": "-",
    "\u2014": "-",
}
ALIKE |= {"\u0153": "oe", "\u00e6": "ae", "\u00df": "ss", "\u00f8": "o", "\u2018": "'", "\u2019": "'"}


def accept_any_text() -> None:
    """Have standard output and error show something alike for what their encoding lacks, instead of failing."""
    codecs.register_error("alike", _alike)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="alike")


def _alike(error: UnicodeError) -> tuple[str, int]:
    """A handler for :mod:`codecs`: ASCII that looks alike, a question mark where there is none."""
    assert isinstance(error, UnicodeEncodeError)
    characters = error.object[error.start : error.end]
    return "".join(ALIKE.get(c) or _base(c) or "?" for c in characters), error.end


def _base(character: str) -> str:
    return unicodedata.normalize("NFKD", character).encode("ascii", errors="ignore").decode()


def literal(text: object) -> str:
    """Text for rich as it is: nothing in it is markup or steers the terminal."""
    from rich.markup import escape

    return escape(printable(str(text)))


def show(text: str) -> None:
    """Print a result to standard output."""
    _print(text, sys.stdout)


def say(text: str) -> None:
    """Print to standard error what is not a result."""
    _print(text, sys.stderr)


@functools.cache
def note_once(text: str) -> None:
    """Print a note to standard error, each only once in a process."""
    say(f"note: {text}")


def _print(text: str, stream: TextIO) -> None:
    # Not click's echo: it takes an ASCII stream for a mistake and writes UTF-8 to it.
    stream.write(f"{printable(text)}\n")
    stream.flush()


class Steps:
    """How far steps are that take long: a bar on a terminal, elsewhere a line now and then; gone when they are done.

    Called with what is being done, how much of it is done, and of how much.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar: Progress | None = None
        self._tasks: dict[str, Any] = {}
        self._said = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.stop()
        self._bar, self._tasks = None, {}

    def __call__(self, what: str, done: int, total: int) -> None:
        if self._console.is_terminal and not self._console.is_dumb_terminal:
            self._draw(what, done, total)
        elif time.monotonic() - self._said >= LINE_SECONDS:
            self._said = time.monotonic()
            say(f"{what}: {done:,} of {total:,}")

    def _draw(self, what: str, done: int, total: int) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        if self._bar is None:
            columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
            self._bar = Progress(*columns, console=self._console, transient=True)
            self._bar.start()
        if what not in self._tasks:
            self._tasks[what] = self._bar.add_task(literal(what), total=total)
        self._bar.update(self._tasks[what], completed=done, total=total, visible=done < total)
