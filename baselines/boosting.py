"""Gradient-boosted trees on pixels, by LightGBM."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from importlib import metadata
from typing import Any

import lightgbm
import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.class_weight import compute_sample_weight

from baselines.scale import share_of_pixels
from benchmark.estimators.details import DetailsMixin
from benchmark.specs import ignore_epoch


class PixelBoosting(DetailsMixin, ClassifierMixin, BaseEstimator):
    """LightGBM, stopped when the validation images have seen no better round for a while.

    Parameters
    ----------
    epochs : int
        Most rounds; a round adds a tree per class.
    patience : int
        Rounds without a lower validation loss after which fitting stops; the best round is kept.
    learning_rate, num_leaves, bagging_fraction, lambda_l2
        LightGBM's parameters of these names; bagging draws anew every round.
    feature_fraction : float
        Share of the pixels that a tree may ask (:func:`baselines.scale.share_of_pixels`).
    min_child_samples : int
        Images in a leaf at least; where a class has fewer than ten times as many, a tenth of its images on average: of
        few images larger leaves would leave nothing to divide.
    max_bin : int
        Bins of a pixel's values.
    class_weight : {"balanced"} or None
        Whether all classes weigh alike, however many images they have: in the training and in the validation loss.

    Attributes
    ----------
    classes_ : ndarray (n_classes,)
    booster_ : lightgbm.Booster
    history_ : list of dict
        One a round: ``epoch``, ``validation_loss``, ``validation_accuracy`` and, where classes weigh alike,
        ``validation_balanced_accuracy``.
    """

    class_weight: str | None = None  # Of models saved by 0.2.0.

    def __init__(
        self,
        *,
        epochs: int = 300,
        patience: int = 20,
        learning_rate: float = 0.1,
        num_leaves: int = 31,
        feature_fraction: float = 0.2,
        bagging_fraction: float = 0.7,
        min_child_samples: int = 20,
        lambda_l2: float = 0.0,
        max_bin: int = 63,
        class_weight: str | None = None,
        random_state: int | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.epochs = epochs
        self.patience = patience
        self.learning_rate = learning_rate
        self.num_leaves = num_leaves
        self.feature_fraction = feature_fraction
        self.bagging_fraction = bagging_fraction
        self.min_child_samples = min_child_samples
        self.lambda_l2 = lambda_l2
        self.max_bin = max_bin
        self.class_weight = class_weight
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
    ) -> PixelBoosting:
        """Fit on ``X`` (n, d) and ``y`` (n,), choosing the number of rounds on ``X_val`` and ``y_val``."""
        self.classes_, y_index = np.unique(y, return_inverse=True)
        if not np.isin(y_val, self.classes_).all():
            raise ValueError("y_val has a class that y does not have")
        self.n_features_in_ = X.shape[1]
        params = self._params(*X.shape)
        y_val_index, weighted = np.searchsorted(self.classes_, y_val), self.class_weight is not None
        weights = (compute_sample_weight(self.class_weight, labels) if weighted else None for labels in (y, y_val))
        training = lightgbm.Dataset(X, y_index, weight=next(weights), params=params, free_raw_data=True)
        validation = lightgbm.Dataset(X_val, y_val_index, weight=next(weights), reference=training)

        def accuracy(probabilities: np.ndarray, data: lightgbm.Dataset) -> tuple[str, float, bool]:
            return "accuracy", float(np.mean(probabilities.argmax(1) == y_val_index)), True

        self.history_: list[dict[str, Any]] = []

        def record(environment: Any) -> None:
            scores = {name: float(value) for _, name, value, *_ in environment.evaluation_result_list}
            row = {
                "epoch": environment.iteration + 1,
                "validation_loss": scores["multi_logloss"],
                "validation_accuracy": scores["accuracy"] if weighted else 1 - scores["multi_error"],
            }
            if weighted:  # All classes weigh alike in the error.
                row["validation_balanced_accuracy"] = 1 - scores["multi_error"]
            self.history_.append(row)
            on_epoch(row)

        self.booster_ = lightgbm.train(
            params,
            training,
            num_boost_round=self.epochs,
            valid_sets=[validation],
            feval=accuracy if weighted else None,
            callbacks=[record, lightgbm.early_stopping(self.patience, first_metric_only=True, verbose=False)],
        )
        self.implementation_ = f"LightGBM {metadata.version('lightgbm')}"
        return self

    def _params(self, n: int, n_features: int) -> dict[str, Any]:
        """LightGBM's own parameters for ``n`` images."""
        return {
            "objective": "multiclass",
            "num_class": len(self.classes_),
            "metric": ["multi_logloss", "multi_error"],
            "learning_rate": self.learning_rate,
            "num_leaves": self.num_leaves,
            "feature_fraction": share_of_pixels(self.feature_fraction, n_features),
            "bagging_fraction": self.bagging_fraction,
            "bagging_freq": 1,
            "min_child_samples": max(1, min(self.min_child_samples, n // (10 * len(self.classes_)))),
            "lambda_l2": self.lambda_l2,
            "max_bin": self.max_bin,
            "num_threads": self.n_jobs or 0,
            "seed": self.random_state if self.random_state is None else self.random_state % 2**31,
            "deterministic": True,
            "force_col_wise": True,
            "verbosity": -1,
        }

    @property
    def parameter_count_(self) -> int:
        """An inner node keeps a feature and a threshold, a leaf one number."""
        # Read off the model's text: LightGBM's table of its trees takes seconds to make.
        leaves = [int(n) for n in re.findall(r"^num_leaves=(\d+)$", self.booster_.model_to_string(), re.MULTILINE)]
        return sum(2 * (n - 1) + n for n in leaves)

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Softmax probabilities (n, n_classes), columns in the order of ``classes_``."""
        probabilities = np.asarray(self.booster_.predict(X, num_threads=self.n_jobs or 0))
        # Of two classes LightGBM's multiclass objective gives two columns too.
        return probabilities.reshape(len(X), len(self.classes_))

    def predict(self, X: np.ndarray) -> np.ndarray:
        return np.asarray(self.classes_[self.predict_proba(X).argmax(1)])

    def __getstate__(self) -> dict[str, Any]:
        """The trees of the best round as LightGBM's own text."""
        state = dict(self.__dict__)
        if "booster_" in state:
            state["booster_"] = self.booster_.model_to_string()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if "booster_" in state:
            self.booster_ = lightgbm.Booster(model_str=state["booster_"])
