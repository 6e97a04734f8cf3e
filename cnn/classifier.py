"""A convolutional network as a scikit-learn classifier on uint8 images."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from benchmark.errors import UnsupportedError
from benchmark.estimators.details import DetailsMixin
from benchmark.estimators.history import best_epoch, criterion
from benchmark.specs import ignore_epoch
from cnn.augment import Augmentation
from cnn.devices import choose_device, choose_precision, deterministic, generators_of
from cnn.inputs import ImageInputs, Standardise, averaged, averaged_size, check_fit, check_images, to_device
from cnn.networks import NETWORKS
from cnn.snapshots import Snapshots
from cnn.states import check_classes, check_shape, load_module, module_arrays
from cnn.training import Recipe, evaluation_batch, predict_logits, train
from cnn.views import VIEWS, WORDS, Memory

FAR_BEHIND = 0.02  # Of validation accuracy: about four standard errors of two epochs' difference on 5,000 images.


class CnnClassifier(DetailsMixin, ClassifierMixin, BaseEstimator):
    """Train a network by cross-entropy, stop early on validation, predict by softmax.

    Parameters
    ----------
    network : {"mlp", "simple", "deep", "resnet"}
        A name in :data:`cnn.networks.NETWORKS`.
    epochs, patience : int
        Most epochs, and epochs without a better validation accuracy after which training stops.
    batch_size : int
        Images per step.
    optimizer : {"sgd", "adam", "muon"}
        SGD with Nesterov momentum 0.9, Adam with decoupled weight decay, or Muon for filters beside SGD.
    learning_rate, weight_decay : float
        The peak of the triangular schedule; decay of filters and matrices (not of biases or scales).
    label_smoothing, dropout : float
        In [0, 1).
    class_weight : {"balanced"} or None
        Whether all classes weigh alike, however many images they have: in the loss, and in the choice of the epoch,
        which balanced accuracy then decides.
    rotation_degrees, zoom, shift : float
        Ranges of the augmentation (see :class:`cnn.augment.Augmentation`); 0 switches a part off.
    flip : bool
        Mirror half of the training images, the other half in the next epoch.
    erasing : float
        Probability with which a rectangle of a training image is erased.
    averaging : float
        Decay per step of the running average of weights that is scored and kept instead of the last
        weights; 0 for none.
    pruning : float
        In [0, 1): share of the images already learnt that an epoch leaves out, see :mod:`cnn.pruning`.
    views : {"one", "mirror", "shifts"}
        What is averaged to predict: the probabilities of the image alone; of it and its mirror image; or
        of both as they are and moved by a pixel along either diagonal, which count half as much each.
    resolution : int
        Most pixels a side that the network sees: larger images are averaged down to it first.
    device : {"auto", "cpu", "cuda", "mps"}
    precision : {"auto", "float32", "bfloat16"}
        Of the arithmetic in matrix products and convolutions (weights stay float32); ``auto`` takes
        bfloat16 where the device has instructions for it.
    deterministic : bool
        On CUDA, the same numbers every time, at a loss of speed; a CPU gives them anyway.
    random_state : int or None
        Seeds initial weights, order, augmentation and dropout. None draws a fresh seed.
    n_jobs : int or None
        Threads of the CPU that PyTorch may use; None leaves its setting alone.

    Attributes
    ----------
    classes_ : ndarray (n_classes,)
    n_features_in_ : int
        Numbers in one image, h * w * c.
    image_shape_ : tuple of int
        Height, width and channels of an image.
    network_ : torch.nn.Module
        With the weights of the best epoch.
    history_ : list of dict
        One per epoch, see :func:`cnn.training.train`.
    best_epoch_ : int
        Counted from 1.
    parameter_count_ : int
    device_, precision_ : str
        What ``auto`` has become.
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
        class_weight: str | None = None,
        dropout: float = 0.3,
        rotation_degrees: float = 0.0,
        zoom: float = 0.0,
        shift: float = 0.0,
        flip: bool = False,
        erasing: float = 0.0,
        averaging: float = 0.0,
        pruning: float = 0.0,
        views: str = "one",
        resolution: int = 64,
        device: str = "auto",
        precision: str = "auto",
        deterministic: bool = False,
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
        self.class_weight = class_weight
        self.dropout = dropout
        self.rotation_degrees = rotation_degrees
        self.zoom = zoom
        self.shift = shift
        self.flip = flip
        self.erasing = erasing
        self.averaging = averaging
        self.pruning = pruning
        self.views = views
        self.resolution = resolution
        self.device = device
        self.precision = precision
        self.deterministic = deterministic
        self.random_state = random_state
        self.n_jobs = n_jobs

    def fit(
        self,
        X: np.ndarray,
        y: np.ndarray,
        *,
        X_val: np.ndarray,
        y_val: np.ndarray,
        on_epoch: Callable[[Mapping[str, Any]], None] = ignore_epoch,
    ) -> CnnClassifier:
        """Fit on ``X`` uint8 (n, h, w, c) and ``y`` (n,), choosing the epoch on ``X_val`` and ``y_val``.

        ``on_epoch`` is called with each row of ``history_`` as it is made.
        """
        augmentation = self._check_parameters()
        check_fit(X, y, X_val, y_val)
        self.image_shape_ = X.shape[1:]
        X, X_val = averaged(X, self.resolution), averaged(X_val, self.resolution)
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
        self.n_features_in_ = int(np.prod(self.image_shape_))
        device = choose_device(self.device)
        recipe = self._recipe(choose_precision(self.precision, device), evaluation_batch(height, width))
        self.device_, self.precision_ = device.type, str(recipe.precision).removeprefix("torch.")
        images = to_device(X, torch.device("cpu"))
        self.standardise_ = Standardise.fitted(images).to(device)
        images = images.to(device)

        self._memory: Memory | None = None  # Nothing is worth remembering of a network that still learns.
        seed = self.random_state if self.random_state is not None else int(np.random.default_rng().integers(2**32))
        # Initial weights and dropout draw from torch's global generators; the caller's are put back after.
        with torch.random.fork_rng(generators_of(device)), deterministic(device, self.deterministic):
            torch.manual_seed(seed)
            self.network_ = factory(channels, height, width, len(self.classes_), self.dropout)
            self.network_.to(device).to(memory_format=torch.channels_last)
            generator = torch.Generator(device).manual_seed(seed)
            labels = torch.from_numpy(y_index).to(device)
            training = ImageInputs(images, labels, self.standardise_, augmentation, generator)
            validation = self._inputs(X_val, np.searchsorted(self.classes_, y_val))
            self._snapshots = Snapshots()
            self.history_ = train(self.network_, recipe, training, validation, generator, on_epoch, self._snapshots)
        self._memory = Memory()
        self.best_epoch_ = 1 + (best_epoch(self.history_) or 0)
        self.parameter_count_ = sum(p.numel() for p in self.network_.parameters())
        self.implementation_ = f"{type(self).__module__}.{type(self).__qualname__} on torch {torch.__version__}"
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Softmax probabilities, float32 (n, n_classes), columns in the order of ``classes_``.

        Those of the last two sets of images are kept until the next fit.
        """
        check_is_fitted(self, "network_")
        check_images(X)
        X = averaged(X, self.resolution)
        return (self._memory or Memory()).average(X, VIEWS[self.views], self._softmax).astype(np.float32)

    def predict(self, X: np.ndarray) -> np.ndarray:
        """The most probable class of each image."""
        best = self.predict_proba(X).argmax(1)
        return np.asarray(self.classes_[best])

    def save_state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """What was learnt as arrays, and the shape of an image (height, width, channels)."""
        check_is_fitted(self, "network_")
        arrays = {
            "classes": self.classes_,
            **self.standardise_.save_state(),
            **module_arrays(self.network_, "network."),
        }
        return arrays, {"image_shape": self.image_shape_}

    def load_state(self, arrays: Mapping[str, np.ndarray], meta: Mapping[str, Any]) -> CnnClassifier:
        """Become the classifier whose state was saved; parameters are this one's own.

        Raises
        ------
        ValueError, KeyError
            If the arrays are not those of this network.
        """
        self._check_parameters()
        self.image_shape_ = height, width, channels = check_shape(meta["image_shape"])
        height, width = averaged_size(height, width, self.resolution)
        device = choose_device(self.device)
        self.device_ = device.type
        self.precision_ = str(choose_precision(self.precision, device)).removeprefix("torch.")
        self.classes_ = check_classes(arrays["classes"])
        self.n_features_in_ = int(np.prod(self.image_shape_))
        self.standardise_ = Standardise.from_state(arrays, channels).to(device)
        self.network_ = NETWORKS[self.network](channels, height, width, len(self.classes_), self.dropout)
        load_module(self.network_, arrays, "network.")
        self.network_.to(device).to(memory_format=torch.channels_last)
        self._memory = None
        return self

    def variants(self) -> dict[str, CnnClassifier]:
        """The same network averaging over fewer views than it does by itself."""
        fewer = list(VIEWS)[: list(VIEWS).index(self.views)]
        return {f"from {WORDS[name]}": copy.copy(self).set_params(views=name) for name in fewer}

    def by_epoch(self) -> Iterator[CnnClassifier | None]:
        """The classifier as it was after each epoch, predicting from one view; nothing where it was not kept.

        None marks an epoch whose validation accuracy was so far behind the best that predicting with it is not
        worth the time.
        """
        accuracies = [criterion(row) or 0.0 for row in self.history_]
        for epoch in range(len(self._snapshots)):
            if accuracies[epoch] < max(accuracies) - FAR_BEHIND:
                yield None
                continue
            then = copy.copy(self).set_params(views="one")
            then._memory, then.network_ = None, copy.deepcopy(self.network_)
            self._snapshots.load(epoch, then.network_)
            yield then

    def _softmax(self, X: np.ndarray) -> np.ndarray:
        inputs = self._inputs(X, np.zeros(len(X), dtype=np.int64))
        batch = evaluation_batch(*X.shape[1:3])
        logits = predict_logits(self.network_, inputs, getattr(torch, self.precision_), batch)
        return np.asarray(logits.softmax(1).cpu().numpy())

    def _inputs(self, X: np.ndarray, y_index: np.ndarray) -> ImageInputs:
        device = torch.device(self.device_)
        return ImageInputs(to_device(X, device), torch.from_numpy(y_index).to(device), self.standardise_)

    def _check_parameters(self) -> Augmentation:
        if self.network not in NETWORKS:
            raise ValueError(f"network must be one of {', '.join(NETWORKS)}, got {self.network!r}")
        if self.resolution < 4:
            raise ValueError(f"resolution must be at least 4, got {self.resolution}")
        if self.views not in VIEWS:
            raise ValueError(f"views must be one of {', '.join(VIEWS)}, got {self.views!r}")
        return Augmentation(
            rotation_degrees=self.rotation_degrees,
            zoom=self.zoom,
            shift=self.shift,
            flip=self.flip,
            erasing=self.erasing,
        )

    def _recipe(self, precision: torch.dtype, batch: int) -> Recipe:
        return Recipe(
            epochs=self.epochs,
            patience=self.patience,
            batch_size=self.batch_size,
            optimizer=self.optimizer,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            label_smoothing=self.label_smoothing,
            class_weight=self.class_weight,
            averaging=self.averaging,
            pruning=self.pruning,
            precision=precision,
            evaluation_batch=batch,
        )
