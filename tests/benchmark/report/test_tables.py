"""Markdown tables, and that no text of a record can break one."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from benchmark.analysis.select import ModelSummary
from benchmark.estimators.metrics import evaluate
from benchmark.records.dataset_schema import Audit, AuditCheck
from benchmark.records.schema import Variant
from benchmark.records.store import Stored
from benchmark.report import tables
from benchmark.report.confusion import ConfusedPair
from benchmark.utils import markdown as md

HOSTILE = "a | b\n\n<script>alert(1)</script> `code` **bold** [link](x) \\| ![i](j) ~~s~~ &amp; # _u_"
PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def runs(text):
    """What a reader sees: the rows of a table, a list of runs each; fails if there is markup inside."""
    tokens = PARSER.parse(text)
    assert tokens[0].type == "table_open"
    assert tokens[-1].type == "table_close"
    rows = []
    for token in tokens:
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline":
            assert {child.type for child in token.children} <= {"text", "text_special", "strong_open", "strong_close"}
            rows[-1].append("".join(child.content for child in token.children))
    return rows


def plain(text):
    return " ".join(text.split())


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"])) | st.text("|\\`*_<>&[]()#!~\n ab", min_size=1))
def test_escaped_text_reads_as_it_was_and_is_no_markup(text):
    rows = runs(f"| name |\n|:--|\n| x{md.escape(text)}x |\n")
    assert rows == [["name"], [f"x{plain(text)}x"]]


def test_escape_by_example():
    assert md.escape("a|b\n<i>`c`\\") == r"a\|b &lt;i&gt;\`c\`\\"
    assert md.escape(5) == "5"


def test_leaderboard(make_summary):
    two = make_summary(((0, 1, 0, 1), (0, 1, 0, 1)), ((0, 1, 0, 1), (0, 1, 1, 1)), model="cnn-simple", family="network")
    one = make_summary(((0, 1), (0, 0)))
    header, first, second = runs(tables.leaderboard([two, one], {"cnn-simple": (0.81234, 1.0), "knn": None}))
    assert dict(zip(header, first, strict=True)) == {
        "model": "cnn-simple",
        "family": "network",
        "test accuracy": "0.8750",
        "95% CI, images": "0.8123 to 1.0000",
        "sd, seeds (n)": "0.1768 (2)",
        "validation": "0.8750",
        "fit": "2.0 s",
        "predict 1,000": "12 s",
        "peak memory": "512 MB",
        "parameters": "7,850",
    }
    assert second[:5] == ["knn", "baseline", "0.5000", "unknown", "one seed"]


def test_costs_that_were_not_measured(make_record):
    record = make_record()
    cost = record.cost.model_copy(update={"peak_memory_bytes": None, "parameter_count": None})
    summary = ModelSummary((Stored(record.model_copy(update={"cost": cost}), Path("x.json")),))
    assert runs(tables.leaderboard([summary], {"knn": None}))[1][-2:] == ["not measured", "not measured"]


def test_per_class_has_the_best_f1_in_bold(make_summary):
    labels = (0, 0, 1, 1)
    good, bad = make_summary((labels, labels), model="good"), make_summary((labels, (0, 0, 0, 0)), model="bad")
    text = tables.per_class([good, bad], ["cat", "dog"], "f1")
    assert runs(text) == [["model", "cat", "dog"], ["good", "1.000", "1.000"], ["bad", "0.667", "0.000"]]
    assert text.count("**1.000**") == 2
    assert text.count("**") == 4
    assert tables.per_class([good, good], ["cat", "dog"], "f1").count("**") == 8
    assert runs(tables.per_class([bad], ["cat", "dog"], "precision"))[1] == ["bad", "0.500", "0.000"]
    assert runs(tables.per_class([bad], ["cat", "dog"], "recall"))[1] == ["bad", "1.000", "0.000"]


def test_a_class_may_be_called_model(make_summary):
    summary = make_summary(((0, 1), (0, 1)), model="class")
    assert runs(tables.per_class([summary], ["model", "dog"], "f1"))[0] == ["model", "model", "dog"]


def test_variants_stand_beside_what_is_recorded(make_record):
    record = make_record((0, 0, 1, 1), (0, 1, 1, 1), model="cnn", family="network")
    better = evaluate(np.array([0, 0, 1, 1]), np.array([0, 0, 1, 1]), 2)
    variant = Variant(validation=better, test=better, predict_seconds=0.004)
    with_it = ModelSummary((Stored(record.model_copy(update={"variants": {"twice": variant}}), Path("x.json")),))
    without = ModelSummary((Stored(record, Path("y.json")),))
    rows = runs(tables.variants([without, with_it]))
    assert rows[1:] == [["cnn", "twice", "1.0000", "+25.00 points", "1.0 s"]]


def test_confused():
    pairs = [ConfusedPair("cat", "dog", {"knn": 12.5, "cnn": 3.0})]
    assert runs(tables.confused(pairs, ["cnn", "knn"])) == [["pair", "cnn", "knn"], ["cat and dog", "3", "12"]]


def test_hostile_names_everywhere(make_record, make_summary):
    names = (HOSTILE, "dog")
    summary = make_summary(((0, 1), (0, 1)), class_names=names)
    assert runs(tables.per_class([summary], names, "f1"))[0][1] == plain(HOSTILE)
    pairs = [ConfusedPair(HOSTILE, "dog", {"knn": 1.0})]
    assert runs(tables.confused(pairs, ["knn"]))[1][0] == f"{plain(HOSTILE)} and dog"
    failed = make_record(status="error", reason=HOSTILE)
    assert runs(tables.failures([failed]))[1] == ["knn", "0", "error", plain(HOSTILE)]
    check = AuditCheck(name=HOSTILE, outcome="warning", detail=HOSTILE)
    audit = Audit(checks=(check,), train_per_class=(1,), test_per_class=(1,))
    assert runs(tables.audit(audit))[1] == [plain(HOSTILE), "warning", plain(HOSTILE)]


def with_environment(make_record, **changes):
    record = make_record()
    environment = record.environment.model_copy(update=changes)
    return ModelSummary((Stored(record.model_copy(update={"environment": environment}), Path("x.json")),))


def test_hostile_model_and_environment(make_record):
    record = make_record()
    model = record.model.model_copy(update={"description": HOSTILE, "params": {"a|b": "<b>"}, "implementation": None})
    summary = ModelSummary((Stored(record.model_copy(update={"model": model}), Path("x.json")),))
    assert runs(tables.models([summary]))[1] == ["knn", plain(HOSTILE), "not measured", "1", "a|b='<b>'"]
    changes = {"cpu": HOSTILE, "gpu": HOSTILE, "system": HOSTILE, "python": HOSTILE, "packages": {HOSTILE: "1"}}
    row = runs(tables.environments([with_environment(make_record, **changes)]))[1]
    assert row[0] == f"{plain(HOSTILE)}, 8 cores"
    assert row[1] == row[3] == row[4] == plain(HOSTILE)


def test_hostile_commit(make_record):
    header, row = runs(tables.environments([with_environment(make_record, commit="<b>|`x`")]))
    assert row[header.index("commit")] == "<b>|`x`"


@pytest.mark.parametrize(
    ("commit", "dirty", "text"),
    [
        ("0123456789abcdef", False, "0123456789"),
        ("0123456789abcdef", True, "0123456789 with changes"),
        (None, None, "unknown"),
    ],
)
def test_commit(make_record, commit, dirty, text):
    header, row = runs(tables.environments([with_environment(make_record, commit=commit, dirty=dirty)]))
    assert row[header.index("commit")] == text


def test_models_that_ran_in_one_environment_share_a_row(make_summary, make_record):
    knn, svm = (make_summary(*2 * [((0, 1), (0, 1))], model=name) for name in ("knn", "svm-rbf"))
    other = with_environment(make_record, gpu="A GPU")
    header, first, second = runs(tables.environments([knn, svm, other]))
    assert header[-1] == "models"
    assert first[-1] == "knn, svm-rbf"
    assert (second[1], second[-1]) == ("A GPU", "knn")


def test_a_model_with_an_underscore_is_named_once(make_summary):
    summary = make_summary(*2 * [((0, 1), (0, 1))], model="my_model")
    assert runs(tables.environments([summary]))[1][-1] == "my_model"


def test_columns_are_aligned(make_summary):
    rule = tables.leaderboard([make_summary(((0, 1), (0, 1)))], {"knn": None}).splitlines()[1]
    marks = [run.strip() for run in rule.strip("|").split("|")]
    assert all(re.fullmatch(":-+", mark) for mark in marks[:2])
    assert all(re.fullmatch("-+:", mark) for mark in marks[2:])
