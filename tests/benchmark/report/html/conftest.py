"""Whole HTML reports from synthetic collections, without the Markdown report's pictures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmark.report import page
from benchmark.report.html import page as html_page

HOSTILE = "</script><img src=x onerror='window.hacked=1'>${1}%{x}&lt;b&gt;"


@pytest.fixture(scope="session")
def make_contents(tmp_path_factory) -> Callable[..., page.Contents]:
    def make(store: Any, **options: Any) -> page.Contents:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(page, "_draw", lambda evidence: {})
            return page.write(store, "synthetic", tmp_path_factory.mktemp("markdown"), **options).contents

    return make


@pytest.fixture(scope="session")
def full(tmp_path_factory, make_collection, make_record, make_contents, data) -> page.Contents:
    """Four models of two seeds, corrupted images too, and a run that failed."""
    failed = [make_record(model="svm-poly", status="error", reason="MemoryError: too | large")]
    corruptions = {"noise": (0.8, 0.7, 0.6, 0.5, 0.4), "blur": (0.9, 0.8, 0.7, 0.6, 0.5)}
    store = make_collection(tmp_path_factory.mktemp("full"), failed=failed, corruptions=corruptions)
    return make_contents(store, data=data)


@pytest.fixture(scope="session")
def hostile(tmp_path_factory, make_collection, make_record, make_contents, data) -> page.Contents:
    """Every text of a record that is free, as someone would write it who means harm."""
    failed = [make_record(model="svm-poly", status="error", reason=HOSTILE)]
    store = make_collection(
        tmp_path_factory.mktemp("hostile"),
        class_names=(HOSTILE, f"{HOSTILE} too", "</SCRIPT >", "<!--<script>"),
        failed=failed,
        corruptions={HOSTILE[:90]: (0.8, 0.7, 0.6, 0.5, 0.4)},
    )
    return make_contents(store, data=data)


@pytest.fixture(scope="session")
def write_html(tmp_path_factory) -> Callable[[page.Contents], Path]:
    return lambda contents: html_page.write(contents, tmp_path_factory.mktemp("html"))
