"""Files of fitted models, above all those that must not be read."""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import skops.io
from sklearn.preprocessing import FunctionTransformer
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from benchmark import registry
from benchmark.errors import UserError
from benchmark.estimators import serialization as saving
from benchmark.records.schema import SavedModel
from benchmark.records.store import Stored
from benchmark.specs import Run

ROOT = Path(__file__).resolve().parents[3]
X = np.arange(40, dtype=np.float32).reshape(10, 4)
Y = np.arange(10) % 2


@pytest.fixture
def put(tmp_path, make_record):
    """Write bytes as the saved model of a record; return the record as stored."""

    def write(content: bytes, kind: str = "skops", **changes) -> Stored:
        folder = tmp_path / "collection/synthetic/knn"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"m.{kind}").write_bytes(content)
        told = {"file": f"m.{kind}", "sha256": hashlib.sha256(content).hexdigest(), "format": kind}
        saved = SavedModel(**{**told, "size_bytes": len(content), **changes})
        return Stored(make_record(saved=saved), folder / "m.json")

    return write


def shout(text):
    raise AssertionError(text)


@pytest.mark.parametrize("function", [eval, exec, os.system, subprocess.run, shout], ids=lambda f: f.__name__)
def test_a_file_that_names_strange_functions_is_refused(put, function):
    stored = put(skops.io.dumps(FunctionTransformer(func=function)))
    with pytest.raises(UserError, match=rf"refused: it names types that are not trusted: .*{function.__name__}"):
        saving.load(stored, None)


def test_a_file_made_by_hand_to_run_a_command_is_refused(put, tmp_path):
    trace = tmp_path / "ran"
    nothing = {"__class__": "tuple", "__module__": "builtins", "__loader__": "TupleNode"}
    command = {"__class__": "str", "__module__": "builtins", "__loader__": "JsonNode", "content": f'"touch {trace}"'}
    schema = {
        "__class__": "system",
        "__module__": "os",
        "__loader__": "ConstructorFromReduceNode",
        "content": {**nothing, "content": [command | {"is_json": True, "__id__": 2}], "__id__": 1},
        "__id__": 0,
        "protocol": 2,
        "_skops_version": "0.13",
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("schema.json", json.dumps(schema))
    with pytest.raises(UserError, match=r"os\.system"):
        saving.load(put(buffer.getvalue()), None)
    assert not trace.exists()


def test_an_estimator_of_an_installed_package_that_nobody_listed_is_refused(put):
    import lightgbm

    stored = put(skops.io.dumps(lightgbm.LGBMRegressor()))
    with pytest.raises(UserError, match="lightgbm"):
        saving.load(stored, None)


def test_an_altered_file_is_refused(put):
    stored = put(skops.io.dumps(LinearSVC().fit(X, Y)), sha256="0" * 64)
    with pytest.raises(UserError, match="altered: expected SHA-256 0000"):
        saving.load(stored, None)


def test_a_missing_file_and_a_record_without_one_are_told(put, make_record, tmp_path):
    stored = put(b"")
    (stored.path.parent / "m.skops").unlink()
    with pytest.raises(UserError, match="cannot be read: No such file"):
        saving.load(stored, None)
    with pytest.raises(UserError, match="has no saved model"):
        saving.load(Stored(make_record(), tmp_path / "a/b/c.json"), None)


def test_a_link_out_of_the_collection_is_refused(put, tmp_path):
    stored = put(skops.io.dumps(LinearSVC().fit(X, Y)))
    path = stored.path.parent / "m.skops"
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UserError, match="a link that leads elsewhere"):
        saving.load(stored, None)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"hello", b"\xff" * 100, b"\x80\x04K\x01."])
@pytest.mark.parametrize("kind", ["skops", "safetensors"])
def test_rubbish_is_told_in_one_line(put, kind, content):
    with pytest.raises(UserError, match="is not a model of this kind") as caught:
        saving.load(put(content, kind), None)
    assert "\n" not in str(caught.value)


def test_a_compressed_file_is_refused(put):
    content = skops.io.dumps(LinearSVC().fit(X, Y), compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(UserError, match="it is compressed"):
        saving.load(put(content), None)


def test_a_cut_file_is_refused(put):
    content = skops.io.dumps(LinearSVC().fit(X, Y))
    with pytest.raises(UserError, match="is not a model of this kind"):
        saving.load(put(content[: len(content) // 2]), None)


@pytest.mark.parametrize(("field", "value"), [("left_child", 0), ("right_child", 99), ("feature", 50)])
def test_a_tree_that_leads_nowhere_is_refused(put, field, value):
    forest = registry.models()["random-forest"].create(Run("synthetic", "random-forest", 0, "quick"))
    plain = forest.set_params(n_estimators=1).fit(X, Y).portable()
    tree = DecisionTreeClassifier(random_state=0).fit(X, Y)
    state = tree.tree_.__getstate__()
    state["nodes"] = state["nodes"].copy()
    state["nodes"][field][0] = value
    tree.tree_.__setstate__(state)
    plain.estimators_ = [tree]
    with pytest.raises(UserError, match="a tree"):
        saving.load(put(skops.io.dumps(plain)), None)


@pytest.fixture(scope="module")
def network():
    """A small network, fitted, and how to build another."""
    spec = registry.models()["mlp"]
    build = lambda: spec.create(Run("synthetic", "mlp", 0, "quick")).set_params(epochs=1, random_state=0)  # noqa: E731
    images = np.random.default_rng(0).integers(0, 256, (40, 4, 4, 1), dtype=np.uint8)
    labels = np.arange(40) % 2
    return build().fit(images, labels, X_val=images, y_val=labels), build, images


@pytest.mark.parametrize(
    "spoil",
    [
        lambda arrays, meta: arrays.pop("mean"),
        lambda arrays, meta: arrays.pop("network.head.bias"),
        lambda arrays, meta: arrays.update({"network.more": np.zeros(1)}),
        lambda arrays, meta: arrays.update({"network.head.bias": np.zeros(3, np.float32)}),
        lambda arrays, meta: arrays.update({"network.head.bias": np.zeros(2)}),
        lambda arrays, meta: arrays.update({"network.head.bias": np.full(2, np.nan, np.float32)}),
        lambda arrays, meta: arrays.update({"std": np.zeros(1, np.float32)}),
        lambda arrays, meta: arrays.update({"classes": np.array([0.5, 1.5])}),
        lambda arrays, meta: arrays.update({"classes": np.array([1, 1])}),
        lambda arrays, meta: meta.pop("image_shape"),
        lambda arrays, meta: meta.update(image_shape=[5, 4, 1]),
        lambda arrays, meta: meta.update(image_shape=[10**6, 10**6, 1]),
        lambda arrays, meta: meta.update(image_shape="big"),
    ],
)
def test_arrays_that_are_not_those_of_the_network_are_refused(put, network, spoil):
    from safetensors.numpy import save

    fitted, build, _ = network
    arrays, meta = fitted.save_state()
    spoil(arrays, meta)
    with pytest.raises(UserError, match="is not a model of this kind"):
        saving.load(put(save(arrays, metadata={"model": json.dumps(meta)}), "safetensors"), build())


def test_a_network_comes_back_as_it_was(put, network, tmp_path):
    fitted, build, images = network
    assert saving.save(fitted, tmp_path / "file") == "safetensors"
    again = saving.load(put((tmp_path / "file").read_bytes(), "safetensors"), build())
    assert np.array_equal(again.predict_proba(images), fitted.predict_proba(images))


def test_a_model_that_no_file_can_be_made_of_says_so(tmp_path):
    with pytest.raises(saving.CannotBeSavedError, match=r"types that would not be read again: .*shout"):
        saving.save(FunctionTransformer(func=shout), tmp_path / "file")
    assert not (tmp_path / "file").exists()


def test_a_full_disk_is_noticed_before_it_is_full(tmp_path, monkeypatch):
    monkeypatch.setattr(saving, "SPARE_BYTES", 1 << 60)
    with pytest.raises(OSError, match="no room"):
        saving.save(LinearSVC().fit(X, Y), tmp_path / "file")
    assert not (tmp_path / "file").exists()


def test_skops_comes_without_torch():
    program = (
        "import sys; from benchmark.estimators import serialization as s; s._skops(); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == "False\n"
