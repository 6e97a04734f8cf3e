"""The 8x8 handwritten digits that come with scikit-learn: nothing to fetch, seconds to train on."""

from __future__ import annotations

from importlib import metadata

import numpy as np

from benchmark.data.splits import stratified_sample
from benchmark.specs import Places, Preparation, RawImages
from benchmark.utils import seeds

TEST_SIZE = 360
DARKEST = 16  # Pixels count the inked dots of a 4x4 block.

PREPARATION = Preparation(background=(0,), trim=True, invert=True)


def stamp(places: Places) -> str:
    """The images are those of scikit-learn's version."""
    return metadata.version("scikit-learn")


def load(places: Places) -> RawImages:
    """scikit-learn gives one set of 1,797 images; a fixed stratified fifth of it becomes the test set."""
    import sklearn
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    images = np.rint(pixels * (255 / DARKEST)).astype(np.uint8).reshape(-1, 8, 8, 1)
    test = stratified_sample(labels, TEST_SIZE, seeds.generator("test", "digits"))
    train = np.setdiff1d(np.arange(len(labels)), test)
    return RawImages(
        train_images=images[train],
        train_labels=labels[train],
        test_images=images[test],
        test_labels=labels[test],
        class_names=tuple(str(digit) for digit in range(10)),
        source=f"scikit-learn {sklearn.__version__}",
        preparation=PREPARATION,
    )
