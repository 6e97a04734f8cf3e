"""Whole HTML reports from synthetic collections."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmark.data.corruptions import CORRUPTIONS
from benchmark.report import style, write
from benchmark.report.document import Report
from benchmark.report.evidence import Evidence
from benchmark.report.html import page

HOSTILE = "</script><img src=x onerror='window.hacked=1'>${1}%{x}&lt;b&gt;"


@dataclasses.dataclass
class Contents:
    report: Report
    evidence: Evidence

    def render(self) -> str:
        families = {s.record.run.model: s.record.model.family for s in self.evidence.stored}
        return page.render(self.report, self.evidence, style.looks(families))


@pytest.fixture(scope="session")
def make_contents() -> Callable[..., Contents]:
    def make(store: Any, **options: Any) -> Contents:
        evidence = write.gather(store, "synthetic", **options)
        return Contents(write.compose(evidence), evidence)

    return make


@pytest.fixture(scope="session")
def full(tmp_path_factory, make_collection, make_record, make_contents, data) -> Contents:
    """Four models of two seeds, corrupted images too, and a run that failed."""
    failed = [make_record(model="svm-poly", status="error", reason="MemoryError: too | large")]
    corruptions = dict.fromkeys(CORRUPTIONS, (0.8, 0.7, 0.6, 0.5, 0.4))
    corruptions["blur"] = (0.9, 0.8, 0.7, 0.6, 0.5)
    store = make_collection(tmp_path_factory.mktemp("full"), failed=failed, corruptions=corruptions)
    return make_contents(store, data=data)


@pytest.fixture(scope="session")
def hostile(tmp_path_factory, make_collection, make_record, make_contents, data) -> Contents:
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
def write_html(tmp_path_factory) -> Callable[[Contents], Path]:
    def write(contents: Contents) -> Path:
        path = tmp_path_factory.mktemp("html") / page.FILE
        path.write_text(contents.render(), encoding="utf-8")
        return path

    return write
