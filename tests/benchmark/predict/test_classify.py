"""A picture is prepared for a prediction as it was when the data set was decoded."""

from __future__ import annotations

import dataclasses
import sys
import types

import numpy as np
import pytest
from PIL import Image, ImageDraw
from runs import go

from benchmark import registry
from benchmark.data import load, pictures
from benchmark.predict.classify import SavedClassifier
from benchmark.runner.prepare import Prepared
from benchmark.specs import DatasetSpec, Preparation, RawImages

SHAPE = (16, 16, 3)
COLOURS = {"yellow": (250, 220, 20), "blue": (20, 40, 220)}


def draw(path, colour, number):
    """Clip art as it comes: transparent, in a palette, wide, turned by EXIF, grey around it."""
    kind, size = number % 5, (60 + number, 40) if number % 2 else (40, 40)
    mode = "RGBA" if kind == 0 else "RGB"
    image = Image.new(mode, size, (0, 0, 0, 0) if kind == 0 else (255, 255, 255))
    ImageDraw.Draw(image).ellipse((5 + number % 7, 5, 30, 25 + number % 9), fill=COLOURS[colour])
    if kind == 1:
        image = image.convert("P")
    exif = Image.Exif()
    if kind == 2:
        exif[0x0112] = 6
    image.save(path, exif=exif)
    return path


@pytest.fixture
def clip_art(tmp_path, monkeypatch):
    """A data set decoded by ``pictures.read``, and its files."""
    monkeypatch.setenv("BENCHMARK_CACHE_DIR", str(tmp_path / "cache"))
    labels = np.arange(80) % 2
    files = [draw(tmp_path / f"{n}.png", list(COLOURS)[label], n // 2) for n, label in enumerate(labels)]
    preparation = Preparation(background=(255, 255, 255))
    images = np.stack([pictures.read(path, SHAPE, preparation).seen for path in files])

    def loader(places):
        return RawImages(
            train_images=images[:60],
            train_labels=labels[:60],
            test_images=images[60:],
            test_labels=labels[60:],
            class_names=tuple(COLOURS),
            source="drawn",
            preparation=preparation,
        )

    monkeypatch.setitem(sys.modules, "clip_art", types.SimpleNamespace(load=loader, stamp=lambda places: 1))
    spec = DatasetSpec(
        name="clip-art",
        title="Clip art",
        description="",
        load="clip_art:load",
        stamp="clip_art:stamp",
        validation_size=20,
    )
    return spec, load.prepare(spec), files


def test_what_a_model_sees_is_what_it_was_trained_on(clip_art, settings):
    spec, data, files = clip_art
    saving = dataclasses.replace(settings, save_models=True)
    model = registry.models()["knn"]
    record = go([model], {"clip-art": Prepared(spec, data)}, saving)["knn", 0]
    assert record.reason is None
    assert record.dataset.preparation == {
        "background": [255, 255, 255],
        "aspect": "pad",
        "trim": False,
        "extent": 1.0,
        "invert": False,
        "derived": False,
    }
    classifier = SavedClassifier(saving.store, spec, "knn", None, lambda record: model, data)
    questions = classifier.pictures(files[60:], None, pytest.fail)
    assert np.array_equal(np.stack([question.seen for question in questions]), data.test_images)
    assert not any(question.doubts for question in questions)
    recorded = classifier.stored.predictions()["test_predicted"]
    assert [row.label for row in classifier.classify(questions, 2)] == [tuple(COLOURS)[label] for label in recorded]
