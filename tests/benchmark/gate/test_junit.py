"""Verdicts as JUnit XML and as Markdown."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from benchmark.gate import junit as verdicts
from benchmark.gate.thresholds import Verdict

HOSTILE = '<b>&"\x00|knn`'


def verdict(outcome: str, subject: str = "knn") -> Verdict:
    return Verdict(
        dataset="Fashion", profile="full", subject=subject, required=0.9, found=0.91, outcome=outcome, reason=HOSTILE
    )


ALL = [verdict(o, o) for o in ("pass", "fail", "missing", "insufficient evidence", "not comparable")]


@pytest.mark.parametrize(("strict", "failures", "skipped"), [(False, 2, 2), (True, 4, 0)])
def test_a_program_reads_the_junit_file(strict, failures, skipped):
    suite = ElementTree.fromstring(verdicts.junit(ALL, strict=strict))
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("5", str(failures), str(skipped))
    assert [case.get("name") for case in suite] == [v.outcome for v in ALL]
    assert len(suite.findall("testcase/failure")) == failures
    assert len(suite.findall("testcase/skipped")) == skipped
    assert suite.find("testcase/failure").get("message") == 'fail: <b>&"?|knn`'
