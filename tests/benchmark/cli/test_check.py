"""``check`` as a user meets it: thresholds, another collection, exit codes, and what CI reads."""

from __future__ import annotations

import dataclasses
import json
import shutil
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from benchmark.cli.app import app
from benchmark.cli.check import DEFAULTS
from benchmark.errors import UserError
from benchmark.gate.regression import Limits

TWO = ("cat", "dog")


@pytest.fixture
def results(tmp_path, make_collection, monkeypatch):
    """Collections of k-NN, of which ``worse`` makes many more errors than ``before``, and ``same`` none."""
    monkeypatch.chdir(tmp_path)
    for name, wrong in (("before", 10), ("same", 10), ("worse", 60)):
        made = make_collection(tmp_path / name, [("knn", "baseline", wrong)], seeds=(0,), class_names=TWO)
        shutil.copytree(made.folder, tmp_path / "results" / name)
    return tmp_path / "results"


def check(results, *arguments):
    command = ["check", "--results-dir", results, "--dataset", "synthetic", *arguments]
    done = CliRunner().invoke(app, [*map(str, command)], catch_exceptions=False)
    return done.exit_code, " ".join(done.output.split())


def test_the_same_predictions_pass(results):
    code, text = check(results, "--collection", "same", "--against", "before")
    assert code == 0
    assert "the same images are classified correctly" in text
    assert "1 of 1 pass" in text


def test_a_drop_fails_and_ci_can_read_why(results, tmp_path):
    files = "--junit", tmp_path / "junit.xml", "--markdown", tmp_path / "summary.md"
    code, text = check(results, "--collection", "worse", "--against", "before", *files)
    assert code == 1
    assert "a drop beyond 0.1 points" in text
    suite = ElementTree.parse(tmp_path / "junit.xml").getroot()
    assert int(suite.get("failures")) >= 1
    assert "fail" in (tmp_path / "summary.md").read_text()


def test_thresholds_and_a_collection_at_once(results, tmp_path):
    limits = tmp_path / "thresholds.toml"
    limits.write_text(
        "schema_version = 1\n[datasets.synthetic.full.accuracy]\nknn = 0.5\n"
        '[datasets.synthetic.full.recall.knn]\n"cat" = 0.99\n'
    )
    code, text = check(results, "--collection", "same", "--against", "before", "--thresholds", limits)
    assert code == 1
    assert "recall of cat" in text
    assert "2 of 3 pass" in text


def test_what_cannot_be_judged_fails_only_if_that_is_wanted(results):
    for path in (results / "same" / "synthetic" / "knn").glob("*.json"):
        record = json.loads(path.read_text())
        record["model"]["version"] += 1
        path.write_text(json.dumps(record))
    arguments = "--collection", "same", "--against", "before"
    assert check(results, *arguments)[0] == 0
    assert check(results, *arguments, "--strict")[0] == 1


def test_what_is_lost_fails(results):
    """Its predictions, or the whole model."""
    arguments = "--collection", "same", "--against", "before"
    for path in (results / "same" / "synthetic" / "knn").glob("*.npz"):
        path.unlink()
    code, text = check(results, *arguments)
    assert (code, "missing" in text) == (1, True)
    shutil.copytree(results / "before" / "synthetic" / "knn", results / "before" / "synthetic" / "svm-rbf")
    for path in (results / "before" / "synthetic" / "svm-rbf").glob("*.json"):
        record = json.loads(path.read_text())
        record["run"]["model"] = "svm-rbf"
        path.write_text(json.dumps(record))
    code, text = check(results, *arguments)
    assert (code, "svm-rbf" in text, "no finished run to compare" in text) == (1, True, True)


def test_a_collection_that_has_lost_all_fails_too(results, tmp_path):
    """Of a lost model there is a verdict; CI reads it, and the page for the job says what the terminal says."""
    shutil.rmtree(results / "same" / "synthetic" / "knn")
    files = "--junit", tmp_path / "junit.xml", "--markdown", tmp_path / "summary.md"
    code, text = check(results, "--collection", "same", "--against", "before", *files)
    assert (code, "0 of 1 pass, 1 missing" in text) == (1, True)
    assert int(ElementTree.parse(tmp_path / "junit.xml").getroot().get("failures")) == 1
    assert "**0 of 1 pass, 1 missing**" in (tmp_path / "summary.md").read_text()


def test_a_data_set_that_is_gone_fails_unless_others_are_named(results):
    shutil.copytree(results / "before" / "synthetic", results / "before" / "other")
    for path in (results / "before" / "other").rglob("*.json"):
        path.write_text(path.read_text().replace('"dataset": "synthetic"', '"dataset": "other"'))
    arguments = ["check", "--results-dir", str(results), "--collection", "same", "--against", "before"]
    everything = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert (everything.exit_code, "1 of 2 pass, 1 missing" in everything.output) == (1, True)
    assert check(results, "--collection", "same", "--against", "before")[0] == 0


@pytest.mark.parametrize("options", [("--model", "knn"), ("--tolerance", "5"), ("--training-sd", "1")])
def test_options_about_another_collection_need_one(results, options):
    with pytest.raises(UserError, match="Name it with --against"):
        check(results, "--collection", "same", "--thresholds", "limits.toml", *options)


def test_the_options_defaults_are_those_of_the_gate():
    assert dataclasses.asdict(Limits()) == {**DEFAULTS, "training_sd": None}


def test_a_data_set_named_twice_counts_once(results):
    code, text = check(results, "--collection", "same", "--against", "before", "--dataset", "synthetic")
    assert (code, "1 of 1 pass" in text) == (0, True)


def test_both_gates_call_a_data_set_by_its_title_and_a_failure_a_failure(results, tmp_path):
    limits = tmp_path / "limits.toml"
    limits.write_text("schema_version = 1\n[datasets.synthetic.full.accuracy]\nknn = 0.5\n")
    for path in (results / "same" / "synthetic" / "knn").glob("*.json"):
        record = json.loads(path.read_text())
        record |= {"status": "timeout", "reason": "stopped at the time limit", "test": None, "validation": None}
        path.write_text(json.dumps({**record, "predictions": None}))
    code, text = check(results, "--collection", "same", "--thresholds", limits, "--against", "before")
    assert code == 1
    assert text.count("timeout: stopped at the time limit") == 2, text
    assert "Synthetic, full" in text
    assert "synthetic, full" not in text


def test_limits_that_can_never_be_met_are_one_line(results):
    with pytest.raises(UserError, match="Choose a --detectable above --tolerance"):
        check(results, "--collection", "same", "--against", "before", "--tolerance", "2")


def test_a_chosen_model_is_checked_alone(results):
    arguments = "--collection", "same", "--against", "before", "--model", "knn"
    assert check(results, *arguments)[0] == 0
    with pytest.raises(UserError, match=r"has no svm under profile full"):
        check(results, *arguments, "--model", "svm")


@pytest.mark.parametrize("value", ["inf", "nan", "-1", "101"])
@pytest.mark.parametrize("option", ["--training-sd", "--tolerance", "--class-tolerance", "--detectable"])
def test_points_are_numbers(results, option, value):
    assert check(results, "--collection", "same", "--against", "before", option, value)[0] == 2


def test_init_writes_floors_below_the_records_that_pass(results, tmp_path):
    limits = tmp_path / "limits.toml"
    command = "--collection", "before", "--thresholds", limits
    code, text = check(results, *command, "--init")
    assert (code, limits.is_file()) == (0, True)
    assert "python -m benchmark check" in text
    assert "# " in limits.read_text()
    code, text = check(results, *command)
    assert (code, "1 of 1 pass" in text) == (0, True)
    assert check(results, "--collection", "worse", "--thresholds", limits)[0] == 1


def test_init_overwrites_nothing(results, tmp_path):
    limits = tmp_path / "limits.toml"
    limits.write_text("mine")
    with pytest.raises(UserError, match="already exists"):
        check(results, "--collection", "before", "--thresholds", limits, "--init")
    assert limits.read_text() == "mine"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--collection", "same", "--against", "nothing"), "There is no collection"),
        (("--collection", "nothing", "--against", "same"), "There is no collection"),
        (
            ("--collection", "same", "--against", "before", "--profile", "quick"),
            "before has no records of synthetic under profile quick",
        ),
        (("--collection", "same", "--against", "../before"), "Invalid collection name"),
        (("--collection", "same", "--thresholds", "absent.toml"), "There is no thresholds file.*check --init"),
        (("--collection", "same", "--against", "before", "--init"), "--init writes thresholds"),
        (("--collection", "nothing", "--init"), "There is no collection"),
        (("--collection", "same", "--profile", "quick", "--init"), "has no finished runs under the profile quick"),
    ],
)
def test_a_mistake_is_one_line(results, arguments, message):
    with pytest.raises(UserError, match=message):
        check(results, *arguments)
