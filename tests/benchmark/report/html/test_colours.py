"""Colours that stand out on light and dark pages."""

from __future__ import annotations

import pytest

from benchmark import registry
from benchmark.report.html import colours, plotly
from benchmark.report.style import SPARE, Look
from benchmark.specs import MARKERS

OWN = [spec.colour for spec in registry.models().values()]


@pytest.mark.parametrize("shade", [*OWN, *SPARE])
@pytest.mark.parametrize("surface", [colours.LIGHT, colours.DARK])
def test_every_colour_stands_out(shade, surface):
    found = colours.legible(shade, surface)
    assert colours.contrast(found, surface) >= 3
    if colours.contrast(shade, surface) >= 3:
        assert found == shade.upper()


def test_contrast_is_that_of_the_standard():
    assert colours.contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert colours.contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)


def test_every_shape_has_its_picture():
    assert set(plotly.SYMBOLS) == set(MARKERS)
    assert set(plotly.SYMBOLS.values()) == set(colours.PATHS)


def test_a_look_on_both_pages():
    found = colours.on_pages(Look("#0072B2", "*"))
    assert (found["light"], found["symbol"]) == ("#0072B2", "star")
    assert colours.contrast(found["dark"], colours.DARK) >= 3
