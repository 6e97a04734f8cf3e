"""What all tests share."""

from __future__ import annotations

import pytest

from benchmark.files import write_atomically
from benchmark.report import style


@pytest.fixture
def undrawn(monkeypatch):
    """Figures are made but not rendered, which takes most of the time of a report; their files are empty."""
    monkeypatch.setattr(style, "save", lambda figure, path: write_atomically(path, b""))
