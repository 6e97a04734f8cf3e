"""Schema 1 is still read, and a collection can be rewritten in schema 2."""

from __future__ import annotations

import json

import numpy as np
import pytest

from benchmark.records.migrate import migrate
from benchmark.records.npz import pack
from benchmark.records.store import Problem, Store, Stored, read, to_json

OLD_FAMILIES = {"baseline": "classical", "network": "deep"}


def schema_1(record):
    """The record as schema 1 wrote it."""
    content = json.loads(to_json(record))
    content["schema_version"] = 1
    run = content.pop("run")
    content["cell"] = {name: run[name] for name in ("dataset", "model", "seed", "profile")}
    del content["warnings"]
    for name in ("groups", "preparation"):
        del content["dataset"][name]
    content["model"]["family"] = OLD_FAMILIES[content["model"]["family"]]
    for name in ("convolutional", "pretrained"):
        del content["model"][name]
    for part in ("validation", "test"):
        del content[part]["further"]
    del content["cost"]["latency_seconds"]
    content["predictions"]["has_probabilities"] = content["predictions"].pop("scores") is not None
    return content


def written(tmp_path, content):
    path = tmp_path / "results" / "synthetic" / content["cell"]["model"] / "full-seed0-00000000.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(content))
    return path


@pytest.mark.parametrize(
    ("family", "params", "convolutional", "pretrained"),
    [
        ("baseline", {"C": 1.0}, False, None),
        ("network", {"network": "mlp"}, False, None),
        ("network", {"network": "deep"}, True, None),
        ("network", {"backbone": "resnet18"}, True, "ImageNet"),
    ],
)
def test_a_record_of_schema_1_is_read(tmp_path, make_record, family, params, convolutional, pretrained):
    record = make_record(family=family)
    model = record.model.model_copy(update={"params": params})
    found = read(written(tmp_path, schema_1(record.model_copy(update={"model": model}))))
    assert isinstance(found, Stored)
    kept = found.record.model
    assert (kept.family, kept.convolutional, kept.pretrained) == (family, convolutional, pretrained)
    assert found.record.test == record.test.model_copy(update={"further": {}})
    assert found.record.run == record.run


@pytest.mark.parametrize("damage", [{"model": None}, {"model": {}}, {"predictions": 5}, {"cell": 3}, {"test": None}])
def test_a_damaged_record_of_schema_1_is_a_problem(tmp_path, make_record, damage):
    content = schema_1(make_record())
    path = written(tmp_path, content)
    path.write_text(json.dumps(content | damage))
    assert isinstance(read(path), Problem)


def test_a_collection_is_rewritten(tmp_path, make_record):
    labels = np.array([0, 0, 1, 1])
    half = np.full((4, 2), 0.5, dtype=np.float32)
    arrays = {}
    for part in ("validation", "test"):
        parts = {"index": labels.cumsum(), "labels": labels, "predicted": [0, 1, 1, 1], "probabilities": half}
        arrays |= {f"{part}_{name}": np.asarray(values) for name, values in parts.items()}
    store = Store(tmp_path, "results")
    content = schema_1(make_record())
    file, sha256 = store.write_predictions(make_record().run.to_run(), "full-seed0-00000000", pack(arrays))
    content["predictions"] = {"file": file, "sha256": sha256, "has_probabilities": True}
    path = tmp_path / "results" / "synthetic" / "knn" / "full-seed0-00000000.json"
    path.write_text(json.dumps(content))
    other = path.with_name("damaged.json")
    other.write_text("{")
    skipped = []
    before = read(path)
    assert migrate(store, "synthetic", skipped.append) == 1
    assert [str(other) in line for line in skipped] == [True]
    assert json.loads(path.read_text())["schema_version"] == 2
    after = read(path)
    assert after.record.test == before.record.test
    for name, values in after.predictions().items():
        assert np.array_equal(values, arrays[name])
    assert len(list(path.parent.glob("*.npz"))) == 1
