"""Fonts for text of any script in charts."""

from __future__ import annotations

import contextlib
import functools
import logging
import unicodedata
import warnings
from collections.abc import Iterable, Iterator
from typing import Any

from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font
from matplotlib.text import Text

from benchmark.utils.terminal import note_once

USUAL = "DejaVu Sans"
CJK = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "IDEOGRAPHIC", "FULLWIDTH", "HALFWIDTH", "BOPOMOFO")


@contextlib.contextmanager
def for_all_text(figure: Figure) -> Iterator[None]:
    """Have a figure drawn inside with installed fonts that have its letters; what is missing is said once."""
    texts: list[Any] = figure.findobj(Text)
    others, missing = families("".join(text.get_text() for text in texts))
    for text in texts if others else ():
        text.set_fontfamily([USUAL, *others])
    if missing:
        packages = ", ".join(sorted(set(map(_package, missing))))
        note_once(
            "charts show boxes instead of some letters: no font with them is installed; install "
            f"{packages} and run the command again"
        )
    log = logging.getLogger("matplotlib.font_manager")
    level = log.level
    log.setLevel(logging.ERROR)  # That a font has no bold letters is no news.
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Glyph .* missing")  # A line for each letter, with paths.
            yield
    finally:
        log.setLevel(level)


def families(text: str) -> tuple[list[str], str]:
    """Families to use after the usual one, and the letters that none has, each once."""
    needed = dict.fromkeys(c for c in text if not c.isspace() and ord(c) not in _letters(font_manager.findfont(USUAL)))
    chosen = []
    for entry in _installed() if needed else ():
        has = _letters(entry.fname)
        if any(ord(c) in has for c in needed):
            chosen.append(entry.name)
            needed = dict.fromkeys(c for c in needed if ord(c) not in has)
        if not needed:
            break
    return chosen, "".join(needed)


def _installed() -> Iterable[font_manager.FontEntry]:
    """Upright fonts of usual weight, those made for all scripts first; not the one whose letters are all boxes."""
    entries = [
        entry
        for entry in font_manager.fontManager.ttflist
        if entry.style == "normal" and entry.weight in (400, "normal") and not entry.name.startswith("Last Resort")
    ]
    return sorted(entries, key=lambda entry: (not entry.name.startswith("Noto Sans"), entry.name))


@functools.cache
def _letters(path: str) -> frozenset[int]:
    """The characters of a font, of those that matplotlib can draw: not pictures, as emoji in colours are."""
    try:
        font = FT2Font(path)
    except (OSError, RuntimeError):
        return frozenset()
    return frozenset(font.get_charmap()) if font.scalable else frozenset()


def _package(letter: str) -> str:
    """The package of fonts that has a letter."""
    script = unicodedata.name(letter, "").partition(" ")[0].partition("-")[0]
    if script in CJK:
        return "Noto Sans CJK"
    return f"Noto Sans {script.title()}" if script and letter.isalpha() else "Noto Emoji"
