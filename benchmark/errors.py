"""Errors that a user can act on."""

from __future__ import annotations

# What code of others may raise: without the second, its sys.exit() would end the program without a word.
OF_OTHERS = (Exception, SystemExit)


class UserError(Exception):
    """A mistake that the user can fix: one line with its remedy, exit code 2, no traceback."""

    def __init__(self, problem: str, remedy: str = "") -> None:
        super().__init__(f"{problem} {remedy}".strip())
        self.problem = problem
        self.remedy = remedy


class UnsupportedError(Exception):
    """Raised by a model's ``fit`` for data that it cannot handle; recorded as ``unsupported``, with the reason."""
