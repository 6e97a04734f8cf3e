"""Verdicts for CI systems: JUnit XML."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from benchmark.gate.thresholds import Verdict
from benchmark.utils.files import write_atomically


def junit(verdicts: Sequence[Verdict], *, strict: bool) -> bytes:
    """A test suite in the XML that CI systems read, a test case a verdict.

    A failed check is a failure; an inconclusive one is skipped, and with ``strict`` a failure too.
    """
    failing = [verdict for verdict in verdicts if verdict.fails(strict=strict)]
    skipped = [verdict for verdict in verdicts if verdict.outcome != "pass" and verdict not in failing]
    counts = {"tests": len(verdicts), "failures": len(failing), "errors": 0, "skipped": len(skipped)}
    suite = ElementTree.Element("testsuite", {"name": "benchmark", **{key: str(n) for key, n in counts.items()}})
    for verdict in verdicts:
        where = f"{verdict.dataset}.{verdict.profile}"
        case = ElementTree.SubElement(suite, "testcase", classname=_legal(where), name=_legal(verdict.what))
        if verdict in failing:
            ElementTree.SubElement(case, "failure", message=_legal(f"{verdict.outcome}: {verdict.reason}"))
        elif verdict in skipped:
            ElementTree.SubElement(case, "skipped", message=_legal(f"{verdict.outcome}: {verdict.reason}"))
        ElementTree.SubElement(case, "system-out").text = _legal(f"{_numbers(verdict)}; {verdict.reason}")
    return bytes(ElementTree.tostring(suite, encoding="utf-8", xml_declaration=True)) + b"\n"


def _legal(text: str) -> str:
    """Without the control characters that XML cannot hold."""
    return re.sub(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "?", text)


def _numbers(verdict: Verdict) -> str:
    found = "none" if verdict.found is None else verdict.text(verdict.found)
    return f"required {verdict.text(verdict.required)}, actual {found}"


def write_junit(path: Path, verdicts: Sequence[Verdict], *, strict: bool) -> None:
    write_atomically(path, junit(verdicts, strict=strict))
