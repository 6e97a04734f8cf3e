"""How ``run`` and ``curve`` end."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer

from benchmark.api import Results
from benchmark.cli.progress import Following, finish

TWO = ("cat", "dog")


@pytest.fixture
def end(make_record, tmp_path):
    """Ends a command after runs of these families and statuses; returns the exit code."""

    def end(*runs: tuple[str, str], store=None, report=False, **options) -> int:
        records = [make_record(family=family, status=status) for family, status in runs]
        results = Results(store, "synthetic", records=records)
        try:
            finish([results], tmp_path, Following(**options), report=report)
        except typer.Exit as ended:
            return ended.exit_code
        return 0

    return end


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
def test_a_family_asked_for_without_a_result_is_a_failure(end, runs, code):
    assert end(*runs) == code


@pytest.mark.parametrize("options", [{}, {"quiet": True}, {"json_lines": True}])
def test_runs_without_a_result_are_named_with_the_reason(end, capsys, options):
    end(("baseline", "ok"), ("network", "timeout"), **options)
    assert capsys.readouterr().err == (
        "1 of 2 runs has no result:\n  timeout: knn on synthetic, seed 0: it ended with timeout\n"
    )


def test_without_failures_nothing_is_said_of_them(end, capsys):
    end(("baseline", "ok"))
    assert capsys.readouterr().err == ""


def test_a_headline_of_earlier_records_is_marked_as_such_after_a_failure(end, capsys, make_collection, tmp_path):
    store = make_collection(tmp_path, [("knn", "baseline", 20), ("cnn-simple", "network", 10)], class_names=TWO)
    end(("baseline", "error"), store=store, report=True)
    out, err = capsys.readouterr()
    assert err.startswith("1 of 1 runs has no result:")
    assert out.startswith("\nFrom earlier records of cnn-simple and knn: cnn-simple (")
    assert Path(out.split("Report: ")[1].split(" and ")[0]).is_file()


def test_a_headline_of_this_commands_records_is_not_marked(end, capsys, make_collection, tmp_path):
    store = make_collection(tmp_path, [("knn", "baseline", 20)], class_names=TWO)
    end(("baseline", "ok"), ("baseline", "error"), store=store, report=True)
    assert capsys.readouterr().out.startswith("\nknn (")
