"""What a model reaches that never looks at an image."""

from __future__ import annotations

import numpy as np
from sklearn.dummy import DummyClassifier

from benchmark.estimators.details import DetailsMixin


class Majority(DetailsMixin, DummyClassifier):
    """Always the most frequent class of the training images, with the classes' shares as probabilities."""

    def __init__(self) -> None:
        super().__init__(strategy="prior")

    @property
    def parameter_count_(self) -> int:
        return int(np.size(self.class_prior_))
