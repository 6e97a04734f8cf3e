"""A convolutional network as a scikit-learn classifier on uint8 images."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from benchmark.contract import UnsupportedError
from cnn.augment import Augmentation
from cnn.networks import NETWORKS
from cnn.training import OPTIMIZERS, Images, Recipe, Standardise, predict_logits, train


def _ignore(row: Mapping[str, Any]) -> None:
    """The default ``on_epoch``."""


class CnnClassifier(ClassifierMixin, BaseEstimator):
    """Train a network by cross-entropy, stop early on validation, predict by softmax.

    Parameters
    ----------
    network : {"simple", "deep"}
        A name in :data:`cnn.networks.NETWORKS`.
    epochs, patience : int
        Most epochs, and epochs without a better validation accuracy after which training stops.
    batch_size : int
        Images a step.
    optimizer : {"sgd", "adam"}
        SGD with Nesterov momentum 0.9, or Adam with decoupled weight decay.
    learning_rate, weight_decay : float
        The peak of the triangular schedule; decay of filters and matrices (not of biases or scales).
    label_smoothing, dropout : float
        In [0, 1).
    rotation_degrees, zoom, shift : float
        Ranges of the augmentation (see :class:`cnn.augment.Augmentation`); 0 switches a part off.
    flip : bool
        Mirror half of the training images.
    random_state : int or None
        Seeds initial weights, order, augmentation and dropout. None draws a fresh seed.
    n_jobs : int or None
        Threads of the CPU that PyTorch may use; None leaves its setting alone.

    Attributes
    ----------
    classes_ : ndarray (n_classes,)
    n_features_in_ : int
        Numbers in one image, h * w * c.
    network_ : torch.nn.Module
        With the weights of the best epoch.
    history_ : list of dict
        One an epoch, see :func:`cnn.training.train`.
    best_epoch_ : int
        Counted from 1.
    parameter_count_ : int
    device_ : str
    """

    def __init__(
        self,
        *,
        network: str = "simple",
        epochs: int = 10,
        patience: int = 5,
        batch_size: int = 128,
        optimizer: str = "sgd",
        learning_rate: float = 0.05,
        weight_decay: float = 5e-4,
        label_smoothing: float = 0.0,
        dropout: float = 0.3,
        rotation_degrees: float = 0.0,
        zoom: float = 0.0,
        shift: float = 0.0,
        flip: bool = False,
        random_state: int | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.network = network
        self.epochs = epochs
        self.patience = patience
        self.batch_size = batch_size
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.label_smoothing = label_smoothing
        self.dropout = dropout
        self.rotation_degrees = rotation_degrees
        self.zoom = zoom
        self.shift = shift
        self.flip = flip
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit(
        self,
        X: np.ndarray,
        y: np.ndarray,
        *,
        X_val: np.ndarray,
        y_val: np.ndarray,
        on_epoch: Callable[[Mapping[str, Any]], None] = _ignore,
    ) -> CnnClassifier:
        """Fit on ``X`` uint8 (n, h, w, c) and ``y`` (n,), choosing the epoch on ``X_val`` and ``y_val``.

        ``on_epoch`` is called with each row of ``history_`` as it is made.
        """
        recipe = self._recipe()
        _check_images(X)
        _check_images(X_val)
        if X.shape[1:] != X_val.shape[1:]:
            raise ValueError(f"X has images of shape {X.shape[1:]}, X_val of {X_val.shape[1:]}")
        if len(X) != len(y) or len(X_val) != len(y_val):
            raise ValueError("as many labels as images are needed")
        _, height, width, channels = X.shape
        factory = NETWORKS[self.network]
        if min(height, width) < factory.smallest_side:
            raise UnsupportedError(
                f"the network {self.network!r} needs images of at least {factory.smallest_side} pixels a "
                f"side, these are {height}x{width}"
            )
        if self.n_jobs is not None:
            torch.set_num_threads(self.n_jobs)

        self.classes_, y_index = np.unique(y, return_inverse=True)
        if not np.isin(y_val, self.classes_).all():
            raise ValueError("y_val has a class that y has not")
        self.n_features_in_ = height * width * channels
        self.device_ = "cpu"
        training = self._images(X, y_index)
        validation = self._images(X_val, np.searchsorted(self.classes_, y_val))

        seed = self.random_state if self.random_state is not None else int(np.random.default_rng().integers(2**32))
        # Initial weights and dropout draw from torch's global generator; the caller's is put back after.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.network_ = factory(channels, height, width, len(self.classes_), self.dropout)
            self.network_.to(memory_format=torch.channels_last)
            self.standardise_ = Standardise.fitted(training.images)
            generator = torch.Generator().manual_seed(seed)
            self.history_ = train(self.network_, recipe, self.standardise_, training, validation, generator, on_epoch)
        self.best_epoch_ = max(
            self.history_, key=lambda row: (row["validation_accuracy"], -row["validation_loss"], -row["epoch"])
        )["epoch"]
        self.parameter_count_ = sum(p.numel() for p in self.network_.parameters())
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Softmax probabilities, float32 (n, n_classes), columns in the order of ``classes_``."""
        check_is_fitted(self, "network_")
        _check_images(X)
        images = torch.from_numpy(np.array(X)).permute(0, 3, 1, 2)
        return np.asarray(predict_logits(self.network_, self.standardise_, images).softmax(1).numpy())

    def predict(self, X: np.ndarray) -> np.ndarray:
        """The most probable class of each image."""
        best = self.predict_proba(X).argmax(1)
        return np.asarray(self.classes_[best])

    def _images(self, X: np.ndarray, y_index: np.ndarray) -> Images:
        # np.array copies: memory-mapped arrays are read-only, which torch must not be given.
        return Images(
            torch.from_numpy(np.array(X)).permute(0, 3, 1, 2).contiguous(),
            torch.from_numpy(np.asarray(y_index, dtype=np.int64)),
        )

    def _recipe(self) -> Recipe:
        if self.network not in NETWORKS:
            raise ValueError(f"network must be one of {', '.join(NETWORKS)}, got {self.network!r}")
        if self.optimizer not in OPTIMIZERS:
            raise ValueError(f"optimizer must be one of {', '.join(OPTIMIZERS)}, got {self.optimizer!r}")
        for name in ("epochs", "patience", "batch_size"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        return Recipe(
            epochs=self.epochs,
            patience=self.patience,
            batch_size=self.batch_size,
            optimizer=self.optimizer,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            label_smoothing=self.label_smoothing,
            augmentation=Augmentation(
                rotation_degrees=self.rotation_degrees, zoom=self.zoom, shift=self.shift, flip=self.flip
            ),
        )


def _check_images(X: np.ndarray) -> None:
    if X.ndim != 4 or X.dtype != np.uint8:
        raise ValueError(f"images must be uint8 (n, h, w, c), got {X.dtype} {X.shape}")
    if len(X) == 0:
        raise ValueError("no images were given")
