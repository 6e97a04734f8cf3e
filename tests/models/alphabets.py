"""A data set whose class names are in several scripts; imported by its specification."""

from __future__ import annotations

import numpy as np

from benchmark.specs import DatasetSpec, Places, RawImages

NAMES = ("猫", "كلب", "고양이", "œuf 🥚")
ALPHABETS = DatasetSpec(
    name="alphabets",
    title="Alphabets, écritures",
    description="Stripes with names in four scripts",
    load="alphabets:load",
    validation_size=20,
)


def load(places: Places) -> RawImages:
    labels = np.arange(160) % len(NAMES)
    images = np.random.default_rng(0).integers(0, 40, (160, 8, 8, 1)).astype(np.uint8)
    images[np.arange(160), labels] += 200
    return RawImages(
        train_images=images[:120],
        train_labels=labels[:120],
        test_images=images[120:],
        test_labels=labels[120:],
        class_names=NAMES,
        source="tracé à la main",
    )
