"""What all tests share."""

from __future__ import annotations

import pytest

from benchmark.report import style
from benchmark.utils.files import write_atomically


def pytest_collection_modifyitems(items):
    """The longest tests first: of two processes that share the tests none then waits for the other in the end."""
    items.sort(key=lambda item: item.path.name != "test_site.py")


@pytest.fixture(autouse=True)
def undrawn(request, monkeypatch):
    """Figures are made but not rendered, which takes most of the time of a report; their files are empty.

    Tests that look at pictures are marked ``drawn``.
    """
    if request.node.get_closest_marker("drawn") is None:
        monkeypatch.setattr(style, "save", lambda figure, path: write_atomically(path, b""))
