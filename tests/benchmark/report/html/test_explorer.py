"""What is packed for the explorers: which images, how many, and what of them."""

from __future__ import annotations

import base64
import dataclasses
import io

import numpy as np
import pytest
from PIL import Image

from benchmark.report.html import explorer


def words(text):
    return np.frombuffer(base64.b64decode(text), dtype="<u2")


@pytest.fixture(scope="module")
def packed(full):
    return explorer.pack(full.evidence)


def test_predictions_and_matrices_are_those_of_the_first_seed(full, packed):
    for summary in full.evidence.summaries:
        run = packed["runs"][summary.name]
        predicted = full.evidence.predictions(summary.stored[0])["test_predicted"]
        assert (words(run["predicted"]) == predicted).all()
        cells = np.array(run["cells"]).reshape(-1, 3)
        assert (cells[:, 2] > 0).all()
        rebuilt = np.zeros((len(full.evidence.class_names),) * 2, dtype=int)
        rebuilt[cells[:, 0], cells[:, 1]] = cells[:, 2]
        assert np.array_equal(rebuilt, summary.records[0].test.confusion)
        assert run["seeds"] == 2


def test_the_sprite_holds_the_images_at_their_slots(packed, data):
    images = packed["images"]
    sheet = np.asarray(Image.open(io.BytesIO(base64.b64decode(images["png"]))))
    assert sheet.shape == (images["rows"] * 4, images["columns"] * 4)
    for slot, number in enumerate(images["numbers"]):
        row, column = divmod(slot, images["columns"])
        tile = sheet[row * 4 : row * 4 + 4, column * 4 : column * 4 + 4]
        assert (tile == data.test_images[number, :, :, 0]).all()


def test_probabilities_of_the_images_come_largest_first(full, packed):
    summary = full.evidence.summaries[0]
    run = packed["runs"][summary.name]
    arrays = full.evidence.predictions(summary.stored[0])
    places = packed["images"]["positions"]
    top = words(run["top"]).reshape(len(places), 3)
    shares = words(run["probabilities"]).reshape(len(places), 3) / explorer.ONE
    assert (top[:, 0] == arrays["test_predicted"][places]).all()
    assert (np.diff(shares) <= 0).all()
    assert shares[:, 0] == pytest.approx(arrays["test_probabilities"][places].max(axis=1), abs=1e-4)


def test_only_certainty_is_packed_as_certainty():
    found = words(explorer._largest(np.array([[1.0, 0.0, 0.0], [1 - 1e-9, 1e-9, 0.0]]))["probabilities"])
    assert found.tolist() == [65535, 0, 0, 65534, 1, 0]


def test_a_cell_gives_its_surest_errors_and_least_sure_hits(monkeypatch):
    monkeypatch.setattr(explorer, "PER_CELL", 2)
    sure = np.array([0.9, 0.6, 0.8, 0.7, 0.9, 0.99])
    arrays = {
        "test_labels": np.array([0, 0, 0, 0, 0, 0]),
        "test_predicted": np.array([0, 0, 0, 1, 1, 1]),
        "test_probabilities": np.column_stack([sure, 1 - sure]),
    }
    places, ranks = explorer.ranked(arrays)
    assert places.tolist() == [1, 2, 5, 4]
    assert ranks.tolist() == [0, 1, 0, 1]


def test_the_images_keep_within_their_budget_and_errors_come_first(full, monkeypatch):
    monkeypatch.setattr(explorer, "MOST_PIXEL_BYTES", 16 * 10)
    packed = explorer.pack(full.evidence)
    places = packed["images"]["positions"]
    assert len(places) == 10
    labels = words(packed["labels"])
    assert all(any(words(r["predicted"])[p] != labels[p] for r in packed["runs"].values()) for p in places)


@pytest.mark.parametrize("channels", [1, 3])
def test_large_images_are_shrunk(full, channels):
    images = np.zeros((200, 90, 180, channels), dtype=np.uint8)
    evidence = dataclasses.replace(full.evidence, data=dataclasses.replace(full.evidence.data, test_images=images))
    found = explorer.pack(evidence)["images"]
    assert (found["height"], found["width"]) == (32, 64)
    assert Image.open(io.BytesIO(base64.b64decode(found["png"]))).mode == ("L" if channels == 1 else "RGB")


@pytest.mark.parametrize("shape", [(200, 4, 4, 2), (20, 4, 4, 1)])
def test_images_that_cannot_be_shown_are_left_out(full, shape):
    images = np.zeros(shape, dtype=np.uint8)
    evidence = dataclasses.replace(full.evidence, data=dataclasses.replace(full.evidence.data, test_images=images))
    assert explorer.pack(evidence)["images"] is None


def test_predictions_of_other_images_are_not_mixed_in(full, monkeypatch):
    first, second = full.evidence.summaries[:2]
    original = full.evidence.predictions

    def shifted(stored):
        arrays = original(stored)
        other = stored.record.run.model == second.name
        return {**arrays, "test_index": arrays["test_index"] + 1} if other else arrays

    monkeypatch.setattr(full.evidence, "predictions", shifted)
    runs = explorer.pack(full.evidence)["runs"]
    assert runs[first.name]["predicted"] is not None
    assert runs[second.name]["predicted"] is None
