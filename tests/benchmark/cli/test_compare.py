"""``compare`` as a user meets it."""

from __future__ import annotations

import shutil

import pytest
from typer.testing import CliRunner

from benchmark.cli.app import app
from benchmark.errors import UserError

TWO = ("cat", "dog")


@pytest.fixture
def results(tmp_path, make_collection):
    for name, wrong in (("before", 4), ("after", 40)):
        made = make_collection(tmp_path / name, [("knn", "baseline", wrong)], seeds=(0,), class_names=TWO)
        shutil.copytree(made.folder, tmp_path / "results" / name)
    return tmp_path / "results"


def compare(*arguments):
    done = CliRunner().invoke(app, ["compare", *map(str, arguments)], catch_exceptions=False)
    assert done.exit_code == 0
    return done.output


def test_it_shows_and_writes_both_sides(results, tmp_path):
    pages = tmp_path / "page.md", tmp_path / "page.html"
    shown = compare("before", "after", "--results-dir", results, "--markdown", pages[0], "--html", pages[1])
    for text in (shown, *(page.read_text() for page in pages)):
        for word in ("before", "after", "96.00%", "60.00%", "worse by 36.00 points"):
            assert word in " ".join(text.split())


def test_a_damaged_record_is_skipped_with_a_note(results):
    (results / "after" / "synthetic" / "knn" / "broken.json").write_text("{")
    assert "worse by" in " ".join(compare("before", "after", "--results-dir", results).split())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("before", "later"), "There is no collection"),
        (("before", "../after"), "Invalid collection name"),
        (("before", "after", "--dataset", "digits"), "no records of the same data set"),
        (("before", "after", "--profile", "quick"), "no records of the same data set"),
        (("before", "after", "--profile", "tiny"), "Unknown profile"),
    ],
)
def test_a_mistake_is_one_line(results, arguments, message):
    with pytest.raises(UserError, match=message):
        compare(*arguments, "--results-dir", results)
