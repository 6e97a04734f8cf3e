"""Histograms of oriented gradients, and a support vector machine on them and on pixels.

Dalal and Triggs, "Histograms of Oriented Gradients for Human Detection", 2005; computed by scikit-image.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from importlib import metadata
from typing import Any

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs
from skimage.feature import hog
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.class_weight import compute_class_weight

from baselines.pixels import PixelSVC
from baselines.scale import SIDE, pixel_weight, reduced
from baselines.virtual import virtual_samples
from benchmark.errors import UnsupportedError
from benchmark.estimators.details import DetailsMixin
from benchmark.estimators.feature_cache import features

LEAST_CELL = 2  # Pixels a side.


def hog_features(
    images: np.ndarray, *, orientations: int, cell: int, block: int, n_jobs: int | None, cached: bool = True
) -> np.ndarray:
    """HOG of every image, float32 (n, n_features), from the cache where it is there.

    Parameters
    ----------
    images : ndarray of uint8 (n, h, w, c)
        With three channels the strongest gradient of a pixel counts.
    orientations : int
        Directions, over 180 degrees.
    cell, block : int
        Pixels a side of a cell; cells a side of a block, whose histograms are normalised together (L2-Hys).
    n_jobs : int or None
        Processes, as joblib counts them.
    cached : bool
        Whether to look into the cache and to keep what is computed there.
    """
    settings: dict[str, Any] = {
        "orientations": orientations,
        "pixels_per_cell": (cell, cell),
        "cells_per_block": (block, block),
    }

    def compute(images: np.ndarray) -> np.ndarray:
        chunks = np.array_split(images, min(len(images), 8 * effective_n_jobs(n_jobs)))
        return np.concatenate(Parallel(n_jobs=n_jobs)(delayed(_hog_chunk)(chunk, settings) for chunk in chunks))

    if not cached:
        return compute(images)
    version = metadata.version("scikit-image")
    return features("hog", images, compute, version=version, **settings)


def _hog_chunk(images: np.ndarray, settings: dict[str, Any]) -> np.ndarray:
    if images.shape[3] == 1:
        return np.stack([hog(image[:, :, 0], **settings) for image in images]).astype(np.float32)
    return np.stack([hog(image, channel_axis=-1, **settings) for image in images]).astype(np.float32)


class HogSVC(DetailsMixin, ClassifierMixin, BaseEstimator):
    """A support vector machine, RBF kernel, on HOG features at several scales and on pixels beside them.

    Gradients do not distinguish a bright shirt from a dark one: pixels do.

    Parameters
    ----------
    orientations, block : int
        See :func:`hog_features`.
    cells : sequence of int
        Sides of a cell in images of 28 x 28 pixels, in proportion in others, but at least 2; the features of all are
        concatenated. Larger images are reduced first (:func:`baselines.scale.reduced`).
    pixels : float
        What pixels, in [0, 1], are multiplied by in images of 28 x 28 grey pixels, in others so that they weigh as
        much (:func:`baselines.scale.pixel_weight`); with 0 they are left out.
    C, gamma
        Of the support vector machine, see :class:`baselines.pixels.PixelSVC`.
    class_weight : {"balanced"} or None
        Whether all classes weigh alike, however many images they have.
    copies : int
        Variants that are made of each support vector of a first fit; a second fit has those and their
        variants only. With 0 there is one fit on the images as they are. (Schölkopf, Burges and Vapnik,
        "Incorporating Invariances in Support Vector Learning Machines", 1996.)
    rotation_degrees, zoom, shift, flip
        How variants vary, see :func:`baselines.virtual.virtual_samples`.
    random_state : int or None
        Seeds the variants.
    n_jobs : int or None
        Processes for the features, threads for the machine.
    """

    class_weight: str | None = None  # Of models saved by 0.2.0.

    def __init__(
        self,
        *,
        orientations: int = 9,
        cells: Sequence[int] = (4,),
        block: int = 2,
        pixels: float = 0.0,
        C: float = 10.0,
        gamma: str | float = "scale",
        class_weight: str | None = None,
        copies: int = 0,
        rotation_degrees: float = 0.0,
        zoom: float = 0.0,
        shift: float = 0.0,
        flip: bool = False,
        random_state: int | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.orientations = orientations
        self.cells = cells
        self.block = block
        self.pixels = pixels
        self.C = C
        self.gamma = gamma
        self.class_weight = class_weight
        self.copies = copies
        self.rotation_degrees = rotation_degrees
        self.zoom = zoom
        self.shift = shift
        self.flip = flip
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit(self, X: np.ndarray, y: np.ndarray) -> HogSVC:
        """Fit on ``X`` uint8 (n, h, w, c) and ``y`` (n,)."""
        if min(X.shape[1:3]) < LEAST_CELL * self.block:
            raise UnsupportedError(
                f"a block of HOG has at least {LEAST_CELL * self.block} pixels a side, these images are "
                f"{X.shape[1]}x{X.shape[2]}"
            )
        n_features = int(np.prod(X.shape[1:]))
        X = reduced(X)
        found = self._features(X)
        classes = np.unique(y)
        # By all training images in the second fit too, whichever are its support vectors.
        weights = dict(zip(classes, compute_class_weight(self.class_weight, classes=classes, y=y), strict=True))
        self.svc_ = self._machine(weights).fit(found, y)
        if self.copies:
            support = np.sort(self.svc_.support_)
            variants = virtual_samples(
                X[support],
                np.random.default_rng(self.random_state),
                copies=self.copies,
                rotation_degrees=self.rotation_degrees,
                zoom=self.zoom,
                shift=self.shift,
                flip=self.flip,
            )
            # The features of these variants are not used again.
            every = np.concatenate([found[support], self._features(variants, cached=False)])
            self.svc_ = self._machine(weights).fit(every, np.tile(y[support], 1 + self.copies))
        self.classes_ = self.svc_.classes_
        self.n_features_in_ = n_features
        self.parameter_count_ = self.svc_.parameter_count_
        self.implementation_ = f"{self.svc_.implementation_}; HOG of scikit-image {metadata.version('scikit-image')}"
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        return self.svc_.predict(self._features(reduced(X)))

    def decision_function(self, X: np.ndarray) -> np.ndarray:
        return self.svc_.decision_function(self._features(reduced(X)))

    def portable(self) -> HogSVC:
        plain = copy.copy(self)
        plain.svc_ = self.svc_.portable()
        return plain

    def _machine(self, weights: Mapping[Any, float]) -> PixelSVC:
        weighted = weights if self.class_weight is not None else None
        return PixelSVC(C=self.C, gamma=self.gamma, cache_size=2000, class_weight=weighted, n_jobs=self.n_jobs)

    def _features(self, X: np.ndarray, *, cached: bool = True) -> np.ndarray:
        settings: dict[str, Any] = {"orientations": self.orientations, "block": self.block, "n_jobs": self.n_jobs}
        side = min(X.shape[1:3])
        most = side // self.block
        cells = dict.fromkeys(min(most, max(LEAST_CELL, round(cell * side / SIDE))) for cell in self.cells)
        parts = [hog_features(X, cell=cell, cached=cached, **settings) for cell in cells]
        if self.pixels:
            flat = X.reshape(len(X), -1)
            parts.append(flat * (np.float32(self.pixels / 255) * pixel_weight(flat.shape[1])))
        return np.concatenate(parts, axis=1)
