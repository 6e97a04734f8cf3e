"""What reaches a terminal."""

from __future__ import annotations

import io
import sys

import pytest

from benchmark.utils import terminal
from benchmark.utils.format import printable


@pytest.fixture
def screen(monkeypatch):
    """A standard output of an encoding; returns what was written to it."""

    def make(encoding: str):
        stream = io.TextIOWrapper(io.BytesIO(), encoding)
        monkeypatch.setattr(sys, "stdout", stream)
        terminal.accept_any_text()
        return lambda: stream.buffer.getvalue().decode(encoding)

    return make


@pytest.mark.parametrize(
    ("encoding", "text", "shown"),
    [
        ("ascii", "Modèle → 12 ± 3 ██▏…", "Modele -> 12 +/- 3 ##|..."),
        ("ascii", "猫 🐕", "? ?"),
        ("cp1252", "Modèle ± ██ 猫", "Modèle ± ## ?"),
        ("utf-8", "Modèle ██ 猫", "Modèle ██ 猫"),
        ("utf-8", "bad-\udcff-name", "bad-\\udcff-name"),
    ],
)
def test_what_an_encoding_lacks_is_shown_by_something_alike(screen, encoding, text, shown):
    seen = screen(encoding)
    terminal.show(text)
    assert seen() == f"{shown}\n"


def test_nothing_in_the_text_of_others_steers_the_terminal_or_is_markup(screen):
    seen = screen("utf-8")
    terminal.show("\x1b[31mred\x07\u202e")
    assert seen() == "\\x1b[31mred\\x07\\u202e\n"
    assert terminal.literal("[bold]\x1b[31m") == "\\[bold]\\x1b[31m"


def test_letters_that_are_joined_and_wide_spaces_stay_as_they_are():
    for text in ("نمی\u200cش", "👩\u200d🚀", "東\u3000京", "1\u00a0%", "a\nb"):
        assert printable(text) == text
