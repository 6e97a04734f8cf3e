"""``--metric`` as a user meets it: headline, order, gate."""

from __future__ import annotations

import shutil

import pytest
from typer.testing import CliRunner

from benchmark.cli.app import app
from benchmark.errors import UserError

TWO = ("cat", "dog")


@pytest.fixture
def results(tmp_path, make_collection, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, wrong in (("before", 10), ("worse", 60)):
        models = [("knn", "baseline", wrong), ("cnn-simple", "network", wrong // 2)]
        made = make_collection(tmp_path / name, models, seeds=(0,), class_names=TWO)
        shutil.copytree(made.folder, tmp_path / "results" / name)
    return tmp_path / "results"


def run(*arguments):
    done = CliRunner().invoke(app, [*map(str, arguments)], catch_exceptions=False)
    return done.exit_code, " ".join(done.output.split())


@pytest.mark.parametrize(
    ("metric", "words"),
    [
        ("balanced-accuracy", "Models are compared by balanced accuracy, as was asked for."),
        ("mcc", "MCC 0."),
        ("macro-f1", "macro-F1 "),
    ],
)
def test_a_report_is_by_the_metric_that_is_asked_for(results, tmp_path, metric, words):
    code, text = run("report", "--collection", "before", "--metric", metric)
    assert code == 0
    assert words in text
    page = (tmp_path / "reports" / "before" / "synthetic" / "README.md").read_text(encoding="utf-8")
    assert "fewer errors" not in page
    table = next(line for line in page.splitlines() if line.startswith("| model"))
    assert "test accuracy" not in table


def test_what_no_record_has_is_said(results):
    code, text = run("report", "--collection", "before", "--metric", "auroc")
    assert code == 0
    assert "AUROC: it needs scores, and records of earlier versions lack it" in text


def test_an_unknown_metric_is_one_line_with_those_that_there_are(results):
    with pytest.raises(UserError, match="Unknown metric 'f1'") as refused:
        run("report", "--collection", "before", "--metric", "f1")
    assert "macro-f1" in refused.value.remedy


def test_the_gate_closes_by_the_metric(results):
    command = ["check", "--collection", "worse", "--against", "before", "--metric", "mcc", "--results-dir", results]
    code, text = run(*command, "--training-sd", 0.2)
    assert code == 1
    assert "knn, MCC" in text


def test_thresholds_are_written_and_checked_by_the_metric(results, tmp_path):
    written = ["check", "--results-dir", results, "--thresholds", tmp_path / "floors.toml"]
    assert run(*written, "--collection", "before", "--init", "--metric", "balanced-accuracy")[0] == 0
    assert ".full.balanced-accuracy]" in (tmp_path / "floors.toml").read_text(encoding="utf-8")
    assert run(*written, "--collection", "before")[0] == 0
    code, text = run(*written, "--collection", "worse")
    assert code == 1
    assert "knn, balanced accuracy" in text
    with pytest.raises(UserError, match="--metric is for"):
        run(*written, "--metric", "mcc")
