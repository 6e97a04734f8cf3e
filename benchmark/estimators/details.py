"""What a fitted model tells of itself besides its predictions, asked for under one name that no other package has."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from benchmark.errors import OF_OTHERS
from benchmark.utils.format import in_one_line

METHOD = "benchmark_details"
ATTRIBUTES = {
    "parameter_count": "parameter_count_",
    "history": "history_",
    "device": "device_",
    "precision": "precision_",
    "implementation": "implementation_",
    "variants": "variants",
    "by_epoch": "by_epoch",
    "portable": "portable",
    "state": "save_state",
}
LONGEST_TEXT = 1000
T = TypeVar("T")
D = TypeVar("D")


class DetailsMixin:
    """Gives a classifier ``benchmark_details()`` from its own attributes and methods, where it has them.

    They are ``parameter_count_``, ``history_``, ``device_``, ``precision_``, ``implementation_``, ``variants()``,
    ``by_epoch()``, ``portable()`` and ``save_state()``; see :class:`benchmark.specs.Classifier` for what each is.
    """

    def benchmark_details(self) -> dict[str, Callable[[], Any]]:
        def asked(attribute: str) -> Any:
            value = getattr(self, attribute)
            return value() if callable(value) else value

        return {
            detail: functools.partial(asked, attribute)
            for detail, attribute in ATTRIBUTES.items()
            if hasattr(type(self), attribute) or attribute in vars(self)
        }


class Details:
    """What a model's ``benchmark_details()`` returns, read entry by entry.

    An entry that cannot be used costs that entry, not the run.

    Attributes
    ----------
    problems : list of str
        Which entries could not be used, and why; grows while they are read.
    """

    def __init__(self, model: Any) -> None:
        self.problems: list[str] = []
        self._entries: Mapping[str, Any] = {}
        ask = getattr(model, METHOD, None)
        if callable(ask) and not isinstance(model, type):
            try:
                self._entries = _entries(ask())
            except OF_OTHERS as error:  # Its predictions are what counts.
                self._refuse("", error)

    def has(self, name: str) -> bool:
        return self._entries.get(name) is not None

    def read(self, name: str) -> Any:
        """An entry, called first if it can be; raises whatever that raises."""
        entry = self._entries[name]
        return entry() if callable(entry) else entry

    def get(self, name: str, convert: Callable[[Any], T], default: D) -> T | D:
        """An entry in the form that ``convert`` gives it; ``default`` where there is none or it cannot be used."""
        if not self.has(name):
            return default
        try:
            found = self.read(name)
            return default if found is None else convert(found)
        except OF_OTHERS as error:  # The same.
            self._refuse(f"[{name!r}]", error)
            return default

    def _refuse(self, which: str, error: BaseException) -> None:
        text = in_one_line(error) or type(error).__name__
        self.problems.append(f"{METHOD}(){which} cannot be used: {text}")


def _entries(found: Any) -> Mapping[str, Any]:
    if not isinstance(found, Mapping):
        raise TypeError(f"expected a mapping, got {type(found).__name__}")
    unknown = sorted(repr(name) for name in found if name not in ATTRIBUTES)
    if unknown:
        raise ValueError(f"unknown {', '.join(unknown)}; there are {', '.join(ATTRIBUTES)}")
    return found


def text(value: Any) -> str:
    """A detail in words."""
    if not isinstance(value, str):
        raise TypeError(f"expected text, got {type(value).__name__}")
    return value.encode(errors="replace").decode()[:LONGEST_TEXT]


def number(value: Any) -> int:
    """A detail that counts something."""
    if not 0 <= value < 2**63 or value != int(value):
        raise ValueError(f"expected a count, got {value!r}")
    return int(value)


def rows(value: Any) -> tuple[dict[str, float | None], ...]:
    """The rows of a history."""
    return tuple(finite(row) for row in value)


def finite(row: Mapping[str, Any]) -> dict[str, float | None]:
    """A row of a history as a record may hold it: None for what is not finite or out of range."""
    if not isinstance(row, Mapping):
        raise TypeError(f"expected a mapping for each epoch, got {type(row).__name__}")
    numbers = {str(name): math.nan if value is None else float(value) for name, value in row.items()}
    return {name: value if abs(value) <= 1e12 else None for name, value in numbers.items()}
