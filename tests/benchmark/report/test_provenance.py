"""Models, machines and failures in tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmark.analysis.select import ModelSummary
from benchmark.records.store import Stored
from benchmark.report import provenance


def with_environment(make_record, **changes):
    record = make_record()
    environment = record.environment.model_copy(update=changes)
    return ModelSummary((Stored(record.model_copy(update={"environment": environment}), Path("x.json")),))


def rows(table):
    titles = [column.title for column in table.columns]
    return [dict(zip(titles, (text for text, _ in row), strict=True)) for row in table.cells()]


def test_a_model_and_its_parameters(make_record):
    record = make_record()
    model = record.model.model_copy(update={"params": {"a|b": "<b>", "C": 3}, "implementation": None})
    summary = ModelSummary((Stored(record.model_copy(update={"model": model}), Path("x.json")),))
    assert rows(provenance.models([summary])) == [
        {
            "model": "knn",
            "what it is": "A baseline model",
            "implementation": "not measured",
            "version": "1",
            "parameters": "a|b='<b>', C=3",
        }
    ]


@pytest.mark.parametrize(
    ("commit", "dirty", "text"),
    [
        ("0123456789abcdef", False, "0123456789"),
        ("0123456789abcdef", True, "0123456789 with changes"),
        (None, None, "unknown"),
    ],
)
def test_commit(make_record, commit, dirty, text):
    (row,) = rows(provenance.environments([with_environment(make_record, commit=commit, dirty=dirty)]))
    assert row["commit"] == text


def test_models_that_ran_in_one_environment_share_a_row(make_summary, make_record):
    knn, svm = (make_summary(*2 * [((0, 1), (0, 1))], model=name) for name in ("knn", "svm-rbf"))
    first, second = rows(provenance.environments([knn, svm, with_environment(make_record, gpu="A GPU")]))
    assert first["models"] == "knn, svm-rbf"
    assert (second["GPU"], second["models"]) == ("A GPU", "knn")
    assert first["processor"] == "Test CPU, 8 cores"
