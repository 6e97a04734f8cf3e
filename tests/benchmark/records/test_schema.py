"""What a record may be, and that the published JSON Schema says the same."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from pydantic import ValidationError

from benchmark.records.dataset_schema import Audit, AuditCheck
from benchmark.records.schema import NotSaved, RunRecord
from benchmark.records.store import to_json
from benchmark.runner.tune import Trial

PUBLISHED = Path(__file__).resolve().parents[3] / "docs" / "record.schema.json"


def altered(record, *place, to):
    """The record as JSON data, with another value at ``place``."""
    content = json.loads(to_json(record))
    target = content
    for step in place[:-1]:
        target = target[step]
    target[place[-1]] = to
    return content


def test_the_published_schema_is_that_of_the_code():
    assert PUBLISHED.read_text() == json.dumps(RunRecord.model_json_schema(), indent=2) + "\n", (
        f"{PUBLISHED} is out of step: write RunRecord.model_json_schema() to it, with indent=2 and a newline"
    )


@pytest.mark.parametrize("status", ["ok", "error", "timeout", "unsupported"])
def test_a_written_record_satisfies_the_published_schema(make_record, status):
    schema = json.loads(PUBLISHED.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads(to_json(make_record(status=status))), schema)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("status",), "fine"),
        (("run", "seed"), -1),
        (("run", "model"), "../evil"),
        (("test", "accuracy"), 1.5),
        (("dataset", "fingerprint"), "short"),
        (("surplus",), 1),
    ],
)
def test_schema_and_code_refuse_the_same(make_record, place, value):
    content = altered(make_record(), *place, to=value)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(content, json.loads(PUBLISHED.read_text()))
    with pytest.raises(ValidationError):
        RunRecord.model_validate(content)


def test_a_record_comes_back_as_it_was_written(make_record):
    record = make_record(epochs=({"epoch": 1.0, "validation_loss": None},))
    assert RunRecord.model_validate_json(to_json(record)) == record


@pytest.mark.parametrize("part", ["validation", "test"])
@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("accuracy", 0.7501, "accuracy is not that of the confusion matrix"),
        ("n_images", 5, "does not add up"),
        ("confusion", [[1, 1], [1, 2]], "does not add up"),
        ("confusion", [[2, 0], [0, 2]], "accuracy is not that of the confusion matrix"),
        ("confusion", [[1, 1]], "not classes x classes"),
        ("confusion", [[1, 1, 0], [0, 2, 0]], "not classes x classes"),
        ("confusion", [[1, 1], [-1, 3]], "greater than or equal to 0"),
    ],
)
def test_metrics_that_contradict_themselves_are_refused(make_record, part, field, value, reason):
    content = altered(make_record(), part, field, to=value)
    with pytest.raises(ValidationError, match=reason):
        RunRecord.model_validate(content)


CELLS = [[0, 0, 1], [0, 1, 1], [1, 1, 2]]


def with_cells(record, cells):
    content = altered(record, "test", "confusion", to=None)
    content["test"]["cells"] = cells
    return content


def test_a_confusion_matrix_may_be_kept_as_its_cells(make_record):
    dense = make_record().test
    sparse = RunRecord.model_validate(with_cells(make_record(), CELLS)).test
    assert np.array_equal(sparse.matrix, dense.matrix)
    assert sparse.matrix.tolist() == [[1, 1], [0, 2]]


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        (None, "either a confusion matrix or its cells"),
        ([*CELLS, [1, 1, 0]], "there twice"),
        ([[0, 0, 1], [0, 2, 1], [1, 1, 2]], "of a class that is not there"),
        (CELLS[:2], "does not add up"),
        ([[0, 0, 2**63 - 1], [0, 1, 2**63 - 1], [1, 1, 6]], "does not add up"),
        ([[0, 0, 2], [1, 1, 2]], "accuracy is not that"),
        ([[0, 0, 1], [1, 1, 3]], "supports are not"),
        ([[0, 0, 1], [0, 1], [1, 1, 2]], "Field required"),
    ],
)
def test_cells_that_contradict_themselves_are_refused(make_record, cells, reason):
    with pytest.raises(ValidationError, match=reason):
        RunRecord.model_validate(with_cells(make_record(), cells))


def test_metrics_need_as_many_classes_as_the_data_set(make_record):
    content = altered(make_record(), "dataset", "class_names", to=["cat", "dog", "cow"])
    with pytest.raises(ValidationError, match="do not have as many classes"):
        RunRecord.model_validate(content)


@pytest.mark.parametrize("part", ["validation", "test", "cost", "predictions"])
def test_an_ok_record_needs_every_part(make_record, part):
    with pytest.raises(ValidationError, match=f"an ok record needs {part}"):
        RunRecord.model_validate(altered(make_record(), part, to=None))


@pytest.mark.parametrize("status", ["error", "timeout", "unsupported"])
@pytest.mark.parametrize("reason", [None, ""])
def test_a_record_without_result_needs_a_reason(make_record, status, reason):
    with pytest.raises(ValidationError, match=f"status {status} needs a reason"):
        make_record(status=status, reason=reason)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize(
    "place",
    [
        ("test", "accuracy"),
        ("test", "per_class", 0, "f1"),
        ("cost", "fit_seconds"),
        ("cost", "total_seconds"),
        ("epochs", 0, "train_loss"),
    ],
)
def test_numbers_that_are_not_finite_are_refused(make_record, place, value):
    record = make_record(epochs=({"train_loss": 0.5},))
    with pytest.raises(ValidationError):
        RunRecord.model_validate(altered(record, *place, to=value))


def test_a_record_cannot_be_changed(make_record):
    with pytest.raises(ValidationError, match="frozen"):
        make_record().status = "error"


@pytest.mark.parametrize(
    ("outcomes", "passed"), [(["passed", "warning"], True), (["passed", "failed"], False), ([], True)]
)
def test_an_audit_passes_unless_a_check_failed(outcomes, passed):
    checks = tuple(AuditCheck(name="a check", outcome=outcome, detail="") for outcome in outcomes)
    assert Audit(checks=checks, train_per_class=(1,), test_per_class=(1,)).passed is passed


def test_the_text_of_others_cannot_steer_a_terminal(make_record):
    evil, shown = "\x1b[2Jgone\u202e", "\\x1b[2Jgone\\u202e"
    failed = make_record(status="error", reason=evil, class_names=(evil, "dog"))
    assert (failed.reason, failed.dataset.class_names[0]) == (shown, shown)
    received = RunRecord.model_validate_json(
        to_json(failed).replace(rb"\\x1b", rb"\u001b").replace(rb"\\u202e", rb"\u202e")
    )
    assert received == failed
    assert NotSaved(reason=evil, lasting=True).reason == shown
    assert AuditCheck(name=evil, outcome="passed", detail=evil).detail == shown
    assert Trial(params={}, status="error", reason=evil).reason == shown
