"""Colours and shapes of the models on a light and on a dark page."""

from __future__ import annotations

from benchmark.report.html.plotly import SYMBOLS
from benchmark.report.style import Look

LIGHT, DARK = "#FFFFFF", "#1B1E23"  # The surfaces that charts lie on; report.css has the same.
CONTRAST = 3.0  # WCAG 2.2, criterion 1.4.11: what graphics need against what is beside them.
# The markers for the legend, on a canvas of 16 x 16.
PATHS = {
    "circle": "M8 2a6 6 0 1 0 0 12a6 6 0 1 0 0-12z",
    "diamond": "M8 1l7 7l-7 7l-7-7z",
    "triangle-down": "M1.5 3h13l-6.5 11.5z",
    "triangle-up": "M1.5 13h13l-6.5-11.5z",
    "square": "M2.5 2.5h11v11h-11z",
    "pentagon": "M8 1.5l6.6 4.8l-2.5 7.7h-8.2l-2.5-7.7z",
    "hexagon": "M8 1.2l5.9 3.4v6.8l-5.9 3.4l-5.9-3.4v-6.8z",
    "x": "M4 1.5l4 4l4-4l2.5 2.5l-4 4l4 4l-2.5 2.5l-4-4l-4 4l-2.5-2.5l4-4l-4-4z",
    "diamond-tall": "M8 .5l4.5 7.5l-4.5 7.5l-4.5-7.5z",
    "star": "M8 .8l2.1 4.7l5.1.6l-3.8 3.4l1 5l-4.4-2.5l-4.4 2.5l1-5l-3.8-3.4l5.1-.6z",
    "cross": "M5.5 1.5h5v4h4v5h-4v4h-5v-4h-4v-5h4z",
}


def contrast(first: str, second: str) -> float:
    """Contrast ratio of two colours ``#rrggbb``, from 1 to 21, as WCAG 2.2 defines it."""
    low, high = sorted((_luminance(first), _luminance(second)))
    return (high + 0.05) / (low + 0.05)


def legible(colour: str, surface: str) -> str:
    """The colour, mixed with black or white by as little as makes it stand out from the surface."""
    towards = 0 if _luminance(surface) > 0.5 else 255
    channels = _channels(colour)
    for percent in range(101):
        mixed = [round(value + (towards - value) * percent / 100) for value in channels]
        found = "#{:02X}{:02X}{:02X}".format(*mixed)
        if contrast(found, surface) >= CONTRAST:
            break
    return found


def on_pages(look: Look) -> dict[str, str]:
    """A model's colour on a light and on a dark page, and Plotly's name of its marker."""
    return {
        "light": legible(look.colour, LIGHT),
        "dark": legible(look.colour, DARK),
        "symbol": SYMBOLS[look.marker],
    }


def _channels(colour: str) -> list[int]:
    return [int(colour[place : place + 2], 16) for place in (1, 3, 5)]


def _luminance(colour: str) -> float:
    linear = [v / 12.92 if (v := c / 255) <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for c in _channels(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
