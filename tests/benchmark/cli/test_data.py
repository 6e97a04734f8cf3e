"""``data audit`` on the digits, and that a report shows what it has written."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from benchmark.cli.app import app
from benchmark.errors import UserError
from benchmark.records.dataset_schema import DataAudit
from benchmark.records.store import AUDIT, read_audit
from benchmark.utils import files


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def call(cache, tmp_path, monkeypatch):
    monkeypatch.setenv(files.CACHE_VARIABLE, str(cache))
    places = {"audit": ("results",), "run": ("results", "reports"), "report": ("results", "reports")}

    def command(*arguments):
        word = arguments[1] if arguments[0] == "data" else arguments[0]
        folders = [part for name in places[word] for part in (f"--{name}-dir", str(tmp_path / name))]
        return CliRunner().invoke(app, [*arguments, *folders])

    return command


def test_the_digits_are_audited_and_the_report_says_so(call, tmp_path):
    done = call("data", "audit", "digits", "--collection", "mine")
    assert done.exit_code == 0, done.output
    assert "Comparing 597 images with 1,200 training images." in done.stderr
    path = tmp_path / "results/mine/digits" / AUDIT
    assert f"Written to {path} in " in done.stdout
    found = read_audit(path.parent)
    assert isinstance(found, DataAudit)
    assert [(s.part, s.n_images) for s in found.searches] == [("test", 360), ("validation", 237)]
    for s in found.searches:
        assert f"{s.part}" in done.stdout
        assert f"{s.threshold:.3f}" in done.stdout

    before = path.read_bytes()
    assert call("data", "audit", "digits", "--collection", "mine").exit_code == 0
    assert path.read_bytes() == before

    run = call("run", "knn", "--dataset", "digits", "--collection", "mine", "--threads", "1", "--jobs", "1")
    assert run.exit_code == 0, run.output
    page = (tmp_path / "reports/mine/digits/README.md").read_text(encoding="utf-8")
    assert "## Suspected label errors and near duplicates" in page
    assert "Near duplicates: each image is paired" in page

    path.write_text(json.dumps({**json.loads(before), "schema_version": 99}), encoding="utf-8")
    again = call("report", "--collection", "mine")
    assert again.exit_code == 0, again.output
    assert AUDIT in again.stderr
    assert "Near duplicates: not recorded" in (tmp_path / "reports/mine/digits/README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("digit",), "Unknown data set 'digit'"),
        (("digits", "--collection", "../up"), "Invalid collection name"),
        (("digits", "--data-dir", "nowhere"), "does not exist"),
    ],
)
def test_a_mistake_is_told(call, tmp_path, arguments, problem):
    done = call("data", "audit", *arguments)
    assert isinstance(done.exception, UserError)
    assert problem in str(done.exception)
    assert not (tmp_path / "results").exists()


def test_a_place_that_cannot_be_written_is_told(call, tmp_path):
    (tmp_path / "results").write_text("")
    done = call("data", "audit", "digits")
    assert isinstance(done.exception, UserError)
    assert "Cannot write" in str(done.exception)
