"""Transfer learning: a network trained on ImageNet gives features, or is trained on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted
from torch import nn

from benchmark.estimators import timing as clock
from benchmark.estimators.details import DetailsMixin
from benchmark.estimators.feature_cache import features
from benchmark.estimators.history import best_epoch
from benchmark.specs import ignore_epoch
from cnn.augment import Augmentation
from cnn.backbones import KIND, load_backbone
from cnn.devices import choose_device, choose_precision, generators_of
from cnn.inputs import FeatureInputs, ImageInputs, Inputs, Standardise, check_fit, check_images, to_device
from cnn.states import check_classes, check_shape, load_module, module_arrays
from cnn.training import Recipe, evaluation_batch, predict_logits, train

MODES = ("frozen", "finetuned")
UNCHANGED = Standardise.given([0.0], [1.0])  # The backbone standardises by itself.


class TransferClassifier(DetailsMixin, ClassifierMixin, BaseEstimator):
    """A linear classifier on the features of a backbone.

    Parameters
    ----------
    backbone : str
        See :func:`cnn.backbones.load_backbone`.
    mode : {"frozen", "finetuned"}
        Frozen: features are computed once, kept in the cache of features, and only the linear classifier is
        trained. Finetuned: the backbone is trained with it, on images mirrored and shifted if so wished.
    resolution : int
        Pixels a side to which images are enlarged before the backbone sees them.
    epochs, patience, batch_size, learning_rate, weight_decay, label_smoothing, class_weight, dropout
        Of the training, by Adam; see :class:`cnn.classifier.CnnClassifier`.
    shift, flip
        Augmentation, when finetuning.
    random_state, n_jobs, device, precision
        See :class:`cnn.classifier.CnnClassifier`.

    Attributes
    ----------
    classes_, n_features_in_, image_shape_, history_, best_epoch_, parameter_count_, device_, precision_
        See :class:`cnn.classifier.CnnClassifier`.
    backbone_ : Backbone
    head_ : torch.nn.Module
    """

    def __init__(
        self,
        *,
        backbone: str = "efficientnet-lite0",
        mode: str = "frozen",
        resolution: int = 56,
        epochs: int = 30,
        patience: int = 10,
        batch_size: int = 256,
        learning_rate: float = 1e-3,
        weight_decay: float = 1e-2,
        label_smoothing: float = 0.0,
        class_weight: str | None = None,
        dropout: float = 0.0,
        shift: float = 0.0,
        flip: bool = False,
        random_state: int | None = None,
        n_jobs: int | None = None,
        device: str = "auto",
        precision: str = "auto",
    ) -> None:
        self.backbone = backbone
        self.mode = mode
        self.resolution = resolution
        self.epochs = epochs
        self.patience = patience
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.label_smoothing = label_smoothing
        self.class_weight = class_weight
        self.dropout = dropout
        self.shift = shift
        self.flip = flip
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.device = device
        self.precision = precision

    def fit(
        self,
        X: np.ndarray,
        y: np.ndarray,
        *,
        X_val: np.ndarray,
        y_val: np.ndarray,
        on_epoch: Callable[[Mapping[str, Any]], None] = ignore_epoch,
    ) -> TransferClassifier:
        """Fit on ``X`` uint8 (n, h, w, c) and ``y`` (n,), choosing the epoch on ``X_val`` and ``y_val``."""
        if self.mode not in MODES:
            raise ValueError(f"mode must be one of {', '.join(MODES)}, got {self.mode!r}")
        if self.mode == "frozen" and (self.flip or self.shift):
            raise ValueError("flip and shift are for mode 'finetuned': frozen features are computed once")
        if self.resolution < 8:
            raise ValueError(f"resolution must be at least 8, got {self.resolution}")
        check_fit(X, y, X_val, y_val)
        if self.n_jobs is not None:
            torch.set_num_threads(self.n_jobs)
        device = choose_device(self.device)
        precision = choose_precision(self.precision, device)
        self.device_, self.precision_ = device.type, str(precision).removeprefix("torch.")
        with clock.aside():  # Like imports and data, a file that may have to be fetched first is not part of fitting.
            self.backbone_ = load_backbone(self.backbone, self.resolution).to(device).eval()
        recipe = self._recipe(torch.float32 if self.mode == "frozen" else precision)
        self.classes_, y_index = np.unique(y, return_inverse=True)
        self.n_features_in_ = int(np.prod(X.shape[1:]))
        self.image_shape_ = tuple(X.shape[1:])

        seed = self.random_state if self.random_state is not None else int(np.random.default_rng().integers(2**32))
        with torch.random.fork_rng(generators_of(device)):
            torch.manual_seed(seed)
            generator = torch.Generator(device).manual_seed(seed)
            augmentation = Augmentation(shift=self.shift, flip=self.flip)
            training = self._inputs(X, y_index, augmentation, generator)
            validation = self._inputs(X_val, np.searchsorted(self.classes_, y_val))
            self.head_ = self._head(training, len(self.classes_)).to(device)
            self.history_ = train(self._trained(), recipe, training, validation, generator, on_epoch)
        self.best_epoch_ = 1 + (best_epoch(self.history_) or 0)
        self.parameter_count_ = sum(p.numel() for part in (self.backbone_, self.head_) for p in part.parameters())
        self.implementation_ = f"{self.backbone} of {self.backbone_.version}, PyTorch {torch.__version__}"
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Softmax probabilities, float32 (n, n_classes), columns in the order of ``classes_``."""
        check_is_fitted(self, "head_")
        check_images(X)
        inputs = self._inputs(X, np.zeros(len(X), dtype=np.int64))
        precision = torch.float32 if self.mode == "frozen" else getattr(torch, self.precision_)
        return np.asarray(
            predict_logits(self._trained(), inputs, precision, self._evaluation_batch).softmax(1).cpu().numpy()
        )

    def predict(self, X: np.ndarray) -> np.ndarray:
        """The most probable class of each image."""
        return np.asarray(self.classes_[self.predict_proba(X).argmax(1)])

    def save_state(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """What was learnt as arrays, and whose weights the frozen backbone has, which are not among them."""
        check_is_fitted(self, "head_")
        arrays = {"classes": self.classes_, **module_arrays(self.head_, "head.")}
        if self.mode == "finetuned":
            arrays |= module_arrays(self.backbone_, "backbone.")
        return arrays, {"image_shape": self.image_shape_, "backbone_version": self.backbone_.version}

    def load_state(self, arrays: Mapping[str, np.ndarray], meta: Mapping[str, Any]) -> TransferClassifier:
        """Become the classifier whose state was saved; parameters are this one's own.

        Raises
        ------
        ValueError, KeyError
            If the arrays are not those of this network, or the backbone has other weights here.
        """
        self.image_shape_ = check_shape(meta["image_shape"])
        self.classes_ = check_classes(arrays["classes"])
        self.n_features_in_ = int(np.prod(self.image_shape_))
        device = choose_device(self.device)
        self.device_ = device.type
        self.precision_ = str(choose_precision(self.precision, device)).removeprefix("torch.")
        self.backbone_ = load_backbone(self.backbone, self.resolution).to(device).eval()
        if self.mode == "finetuned":
            load_module(self.backbone_, arrays, "backbone.")
        elif meta["backbone_version"] != self.backbone_.version:
            raise ValueError(
                f"it was fitted on features of {meta['backbone_version']}, here is {self.backbone_.version}"
            )
        self.head_ = self._classifier(torch.zeros(1, arrays["head.0.mean"].size), len(self.classes_))
        load_module(self.head_, arrays, "head.")
        self.head_.to(device)
        return self

    def _recipe(self, precision: torch.dtype) -> Recipe:
        return Recipe(
            epochs=self.epochs,
            patience=self.patience,
            batch_size=self.batch_size,
            optimizer="adam",
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            label_smoothing=self.label_smoothing,
            class_weight=self.class_weight,
            precision=precision,
            evaluation_batch=self._evaluation_batch,
        )

    @property
    def _evaluation_batch(self) -> int:
        """Images at a time through the backbone: at every resolution about as many pixels."""
        return evaluation_batch(self.resolution, self.resolution, side=56)

    def _trained(self) -> nn.Module:
        """The network from inputs to logits: the classifier alone where the inputs are features."""
        return self.head_ if self.mode == "frozen" else nn.Sequential(self.backbone_, self.head_)

    def _head(self, training: Inputs, n_classes: int) -> nn.Module:
        """Standardises features, then classifies them.

        The statistics are those of all training images where their features are there already (frozen), of
        the first 1,000 as they are where the backbone is trained too.
        """
        if self.mode == "finetuned":
            first = range(0, min(1000, len(training.labels)), self._evaluation_batch)
            with torch.inference_mode():
                parts = [self.backbone_(training.batch(start, min(start + first.step, first.stop))) for start in first]
            sample = torch.cat(parts)
        else:
            assert isinstance(training, FeatureInputs)
            sample = training.features
        return self._classifier(sample, n_classes)

    def _classifier(self, sample: torch.Tensor, n_classes: int) -> nn.Module:
        linear = nn.Linear(sample.shape[1], n_classes)
        nn.init.zeros_(linear.weight)
        nn.init.zeros_(linear.bias)
        return nn.Sequential(Scale(sample), nn.Dropout(self.dropout), linear)

    def _inputs(
        self,
        X: np.ndarray,
        y_index: np.ndarray,
        augmentation: Augmentation | None = None,
        generator: torch.Generator | None = None,
    ) -> Inputs:
        device = torch.device(self.device_)
        labels = torch.from_numpy(y_index).to(device)
        if self.mode == "finetuned":
            return ImageInputs(to_device(X, device), labels, UNCHANGED.to(device), augmentation, generator)
        found = features(
            self.backbone,
            X,
            self._features,
            kind=KIND,
            resolution=self.resolution,
            version=self.backbone_.version,
            precision=self.precision_,
            device=self.device_,
            threads=torch.get_num_threads() if self.device_ == "cpu" else None,
        )
        return FeatureInputs(torch.from_numpy(found).to(device).float(), labels)

    def _features(self, X: np.ndarray) -> np.ndarray:
        device = torch.device(self.device_)
        inputs = ImageInputs(to_device(X, device), torch.zeros(len(X), device=device), UNCHANGED.to(device))
        found = predict_logits(self.backbone_, inputs, getattr(torch, self.precision_), self._evaluation_batch)
        return np.asarray(found.half().cpu().numpy())  # Half the disk; more digits than bfloat16 has.


class Scale(nn.Module):
    """Subtracts the mean and divides by the deviation of a sample (n, d); constant features become zero."""

    def __init__(self, sample: torch.Tensor) -> None:
        super().__init__()
        std, mean = torch.std_mean(sample.float(), dim=0, correction=0)
        self.register_buffer("mean", mean.clone())
        self.register_buffer("factor", torch.where(std > 1e-6, 1 / std.clamp_min(1e-6), 0.0))
        self.mean: torch.Tensor
        self.factor: torch.Tensor

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x.float() - self.mean) * self.factor
