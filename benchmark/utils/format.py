"""Times and sizes, parsed and formatted for people."""

from __future__ import annotations

import re
from collections.abc import Sequence

from benchmark.errors import UserError

KEPT = "\n\u200c\u200d\u00a0\u3000"
_SECONDS = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
_THOUSANDS = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}


def duration(seconds: float) -> str:
    """Words for a person: ``3.1 ms``, ``420 ms``, ``4.2 s``, ``42 s``, ``3 min 05 s``, ``1 h 12 min``."""
    if seconds < 0.9995:
        return f"{seconds * 1000:.{1 if seconds < 0.00995 else 0}f} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes:02d} min"


def memory(n_bytes: float) -> str:
    """``12 kB``, ``512 MB`` or ``1.9 GB``, in powers of ten."""
    if n_bytes < 999_500:
        return f"{n_bytes / 1e3:.0f} kB"
    return f"{n_bytes / 1e6:.0f} MB" if n_bytes < 999.5e6 else f"{n_bytes / 1e9:.1f} GB"


def count(number: float) -> str:
    """``7,850``, ``427 k`` or ``19.6 M``."""
    if number < 10_000:
        return f"{number:,.0f}"
    return f"{number / 1e3:.0f} k" if number < 999_500 else f"{number / 1e6:.1f} M"


def counted(number: int, noun: str, several: str = "") -> str:
    """``1 seed``, ``1,000 seeds``; ``several`` where the plural is not formed by an s."""
    return f"{number:,} {noun if number == 1 else several or noun + 's'}"


def percent(fraction: float) -> str:
    """``94.65%``."""
    return f"{fraction:.2%}"


def share(fraction: float) -> str:
    """``93%``; what is neither certain nor impossible is not shown as 100% or 0%."""
    if 0 < fraction < 0.005:
        return "<1%"
    return ">99%" if 0.995 <= fraction < 1 else f"{fraction:.0%}"


def points(difference: float) -> str:
    """A difference in percentage points with its sign: ``+1.25``."""
    return f"{difference:+z.2f}"


def interval(low: float, high: float, digits: int = 2) -> str:
    """``0.12 to 3.40``; an end near 0 has so many more digits that its side of 0 is seen."""
    return f"{_beside_zero(low, digits)} to {_beside_zero(high, digits)}"


def _beside_zero(end: float, digits: int) -> str:
    texts = (f"{end:z.{more}f}" for more in range(digits, digits + 5))
    return next((text for text in texts if float(text) != 0), f"{end:z.{digits}f}")


def listed(names: Sequence[str], most: int) -> str:
    """The first ``most`` of some names, and how many more there are."""
    return ", ".join(names[:most]) + (f" and {len(names) - most:,} more" if len(names) > most else "")


def p_value(p: float, threshold: float = 0.05) -> str:
    """``0.012``, or ``< 0.001``; near the threshold with four digits or so many that it does not read like it."""
    if p < 0.001:
        return "< 0.001"
    digits = 4 if abs(p - threshold) < 0.01 else 3
    while p != threshold and float(f"{p:.{digits}f}") == threshold:
        digits += 1
    return f"{p:.{digits}f}"


def p_equals(p: float, threshold: float = 0.05) -> str:
    """``p = 0.012``, or ``p < 0.001``."""
    text = p_value(p, threshold)
    return f"p {text}" if text[0] == "<" else f"p = {text}"


def in_one_line(error: BaseException) -> str:
    """What an error says and was noted of it, as printable text of about 500 characters."""
    text = printable(" ".join(str(error).split()))
    text = text if len(text) <= 500 else f"{text[:500]} ... ({len(text):,} characters)"
    return " ".join([text, *(f"({note})" for note in getattr(error, "__notes__", ()))]).strip()


def described(error: BaseException) -> str:
    """An error's type and what it says, in one line."""
    text, name = in_one_line(error), type(error).__name__
    return f"{name}: {text}" if text else name


def first_line(error: BaseException) -> str:
    """What an error says, in one line."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def parse_duration(text: str) -> float:
    """Seconds from ``90``, ``90s``, ``30m`` or ``2h``.

    Raises
    ------
    UserError
        If the text is not a time above zero.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(s|m|min|h)?\s*", text)
    seconds = float(match[1]) * _SECONDS[match[2] or "s"] if match else 0.0
    if not 0 < seconds < 1e9:
        raise UserError(f"{text!r} is not a time limit.", "Write 90s, 30m or 2h.")
    return seconds


def parse_memory(text: str) -> int:
    """Bytes from ``4GB``, ``4G``, ``512M``, ``1.5GiB`` or ``8e9`` without a unit; only ``iB`` are powers of two.

    Raises
    ------
    UserError
        If the text is not a size of at least a byte.
    """
    match = re.fullmatch(r"\s*(\d{1,15}(?:\.\d{1,15})?(?:[eE]\d{1,2})?)\s*([KMGT]?)(i?B)?\s*", text, re.IGNORECASE)
    size = 0.0
    if match and not (match[2] == "" and (match[3] or "").lower() == "ib"):
        base = 1024 if (match[3] or "").lower() == "ib" else 1000
        size = float(match[1]) * base ** _THOUSANDS[match[2].upper()]
    if not 1 <= size < 2**63:
        raise UserError(f"{text!r} is not a size.", "Write 512M, 4GB or 4GiB.")
    return int(size)


def printable(text: str) -> str:
    """Text without characters that would steer a terminal; line breaks, spaces and joiners of letters stay."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in KEPT else ascii(c)[1:-1] for c in text)
