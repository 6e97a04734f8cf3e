"""scikit-learn's classifiers on flattened pixels, with what the suite records added."""

from __future__ import annotations

import warnings

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC


class PixelLogisticRegression(LogisticRegression):
    """Multinomial logistic regression by L-BFGS, stopped after ``max_iter`` steps on purpose."""

    def __init__(self, *, C: float = 1.0, max_iter: int = 100) -> None:
        super().__init__(C=C, max_iter=max_iter)

    def fit(self, X: np.ndarray, y: np.ndarray, sample_weight: np.ndarray | None = None) -> PixelLogisticRegression:
        with warnings.catch_warnings():
            # On pixels L-BFGS needs thousands of steps to converge and generalises worse for it: stopping
            # early is part of the model, as it is in the published baselines.
            warnings.simplefilter("ignore", ConvergenceWarning)
            super().fit(X, y, sample_weight)
        return self

    @property
    def parameter_count_(self) -> int:
        return int(self.coef_.size + self.intercept_.size)


class PixelSVC(SVC):
    """A support vector machine that predicts in ``n_jobs`` threads.

    Prediction evaluates the kernel against every support vector and takes longer than most fits; LIBSVM
    gives up the interpreter's lock meanwhile, so threads share the support vectors.
    """

    def __init__(
        self,
        *,
        C: float = 1.0,
        kernel: str = "rbf",
        gamma: str | float = "scale",
        cache_size: float = 200,
        n_jobs: int | None = None,
    ) -> None:
        super().__init__(C=C, kernel=kernel, gamma=gamma, cache_size=cache_size)
        self.n_jobs = n_jobs

    def predict(self, X: np.ndarray) -> np.ndarray:
        chunks = np.array_split(X, min(len(X), 4 * effective_n_jobs(self.n_jobs))) if len(X) else [X]
        predict = super().predict
        return np.concatenate(
            Parallel(n_jobs=self.n_jobs, prefer="threads")(delayed(predict)(chunk) for chunk in chunks)
        )

    @property
    def parameter_count_(self) -> int:
        return int(self.support_vectors_.size + self.dual_coef_.size + self.intercept_.size)


class PixelKNeighbors(KNeighborsClassifier):
    """Nearest neighbours; what it keeps is the training set."""

    @property
    def parameter_count_(self) -> int:
        return int(self._fit_X.size)
