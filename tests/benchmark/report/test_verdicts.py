"""The gate's verdicts as a section."""

from __future__ import annotations

from benchmark.gate.thresholds import Verdict
from benchmark.report import document as doc
from benchmark.report import verdicts
from benchmark.report.markdown import render

HOSTILE = '<b>&"?|knn`'


def verdict(outcome: str, subject: str = "knn") -> Verdict:
    return Verdict(
        dataset="Fashion", profile="full", subject=subject, required=0.9, found=0.91, outcome=outcome, reason=HOSTILE
    )


ALL = [verdict(o, o) for o in ("pass", "fail", "missing", "insufficient evidence", "not comparable")]


def test_the_page_shows_what_fails_first_and_nothing_is_markup():
    text = render.section(verdicts.document("a|title", ALL, strict=False))
    assert text.startswith("## a\\|title\n\n**1 of 5 pass, 1 fail, 1 missing, 2 inconclusive**")
    rows = [line for line in text.splitlines() if line.startswith("| Fashion")]
    assert [row.split("|")[2].strip() for row in rows][:2] == ["fail", "missing"]
    assert "<b>" not in text


def test_a_jobs_page_is_added_to(tmp_path):
    page = tmp_path / "summary.md"
    page.write_text("what another step wrote\n")
    verdicts.append(page, doc.section("ours", "Ours", "Some text."))
    assert page.read_text() == "what another step wrote\n## Ours\n\nSome text.\n\n"
