"""Text of any script in charts: a font that has its letters, or one line about the package that has one."""

from __future__ import annotations

import warnings
from pathlib import Path

import matplotlib
import pytest
from matplotlib import font_manager
from matplotlib.figure import Figure

from benchmark.report import fonts, style

IN_STIX = "\u1d81"  # Of the fonts that come with matplotlib, only STIX has it.


@pytest.fixture(autouse=True)
def fonts_of_matplotlib(monkeypatch):
    """Pretend that no others are installed."""
    own = [
        entry
        for entry in font_manager.fontManager.ttflist
        if Path(entry.fname).is_relative_to(matplotlib.get_data_path())
    ]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", own)
    fonts.note_once.cache_clear()


def titled(text: str) -> Figure:
    figure = Figure(figsize=(1, 1))
    figure.subplots().set_title(text)
    return figure


def test_what_the_usual_font_has_needs_no_other():
    assert fonts.families("Modèle → été ±\n") == ([], "")


def test_a_font_that_has_the_letter_is_added():
    assert fonts.families(f"a{IN_STIX}") == (["STIXGeneral"], "")


def test_letters_that_no_font_has_are_named():
    assert fonts.families("猫 and 고양이 for all") == ([], "猫고양이")


@pytest.mark.drawn
def test_a_font_that_is_missing_is_told_in_one_line_without_paths(tmp_path, capsys):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name in ("a", "b"):
            style.save(titled("猫 고양이 🥚 क"), tmp_path / f"{name}.png")
    assert capsys.readouterr().err == (
        "note: charts show boxes instead of some letters: no font with them is installed; install Noto Emoji, "
        "Noto Sans CJK, Noto Sans Devanagari and run the command again\n"
    )


@pytest.mark.drawn
def test_a_figure_is_drawn_with_the_fonts_that_its_text_needs(tmp_path):
    figure = titled(IN_STIX)
    style.save(figure, tmp_path / "a.png")
    assert figure.axes[0].title.get_fontfamily()[-1] == "STIXGeneral"
