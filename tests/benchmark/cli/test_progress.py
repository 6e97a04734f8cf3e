"""How ``run`` and ``curve`` end."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import typer

from benchmark.cli.progress import finish


def end(*runs: tuple[str, str]) -> int:
    """The exit code after runs of these families and statuses."""
    records = [SimpleNamespace(status=status, model=SimpleNamespace(family=family)) for family, status in runs]
    try:
        finish([SimpleNamespace(records=records)], None, report=False, quiet=True, json_lines=False)
    except typer.Exit as end:
        return end.exit_code
    return 0


@pytest.mark.parametrize(
    ("runs", "code"),
    [
        ([("baseline", "ok"), ("network", "ok")], 0),
        ([("baseline", "ok"), ("baseline", "unsupported"), ("network", "ok")], 0),
        ([("baseline", "ok")], 0),
        ([("baseline", "ok"), ("network", "unsupported")], 1),
        ([("baseline", "unsupported"), ("network", "ok")], 1),
        ([("baseline", "ok"), ("network", "timeout"), ("network", "ok")], 1),
    ],
)
def test_a_family_asked_for_without_a_result_is_a_failure(runs, code):
    assert end(*runs) == code
