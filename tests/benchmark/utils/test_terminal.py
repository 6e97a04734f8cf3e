"""What reaches a terminal."""

from __future__ import annotations

import io
import sys

import pytest

from benchmark.utils import terminal


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
