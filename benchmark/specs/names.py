"""What may be the name of a model or a data set."""

from __future__ import annotations

import re

NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"


def check_name(name: str) -> None:
    """Raise ValueError unless a name can be written in commands and as that of a file."""
    if re.fullmatch(NAME, name) is None:
        raise ValueError(f"{name!r} is not a valid name: letters, digits, '.', '-' and '_', a letter or digit first")


def check_text(owner: str, **fields: object) -> None:
    """Raise ValueError for a field that is not text, or that cannot be written as UTF-8."""
    for field, value in fields.items():
        if not isinstance(value, str) or value.encode(errors="replace").decode() != value:
            raise ValueError(f"{owner!r}: {field} must be text, got {value!r}")
