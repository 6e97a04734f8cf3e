"""Models on flattened pixels, with what the suite records added."""

from __future__ import annotations

import copy
import warnings
from typing import Any

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.svm import LinearSVC

from baselines.accelerated import (
    ACCELERATED,
    PCA,
    SVC,
    KNeighborsClassifier,
    LogisticRegression,
    Ran,
    RandomForestClassifier,
    watched,
)
from baselines.portable import plain_forest, plain_knn, plain_logistic_regression, plain_pca, plain_svc
from benchmark.errors import UnsupportedError
from benchmark.estimators.details import DetailsMixin


class PixelLogisticRegression(DetailsMixin, LogisticRegression):
    """Multinomial logistic regression by L-BFGS, stopped after ``max_iter`` steps on purpose."""

    def __init__(self, *, C: float = 1.0, max_iter: int = 100, n_jobs: int | None = None) -> None:
        super().__init__(C=C, max_iter=max_iter)
        self.n_jobs = n_jobs

    def fit(self, X: np.ndarray, y: np.ndarray, sample_weight: np.ndarray | None = None) -> PixelLogisticRegression:
        with warnings.catch_warnings(), watched() as ran:
            # On pixels L-BFGS needs thousands of steps to converge and generalises worse for it: stopping
            # early is part of the model, as it is in the published baselines.
            warnings.simplefilter("ignore", ConvergenceWarning)
            if not ACCELERATED:  # scikit-learn has no use for n_jobs here any more, and warns.
                self.n_jobs = None
            super().fit(X, y, sample_weight)
        self.implementation_ = ran.implementation("LogisticRegression")
        return self

    def portable(self) -> Any:
        return plain_logistic_regression(self)

    @property
    def parameter_count_(self) -> int:
        return int(self.coef_.size + self.intercept_.size)


class PixelSVC(DetailsMixin, SVC):
    """A support vector machine that predicts in ``n_jobs`` threads, with oneDAL or without."""

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

    def fit(self, X: np.ndarray, y: np.ndarray, sample_weight: np.ndarray | None = None) -> PixelSVC:
        with watched() as ran:
            super().fit(X, y, sample_weight)
        self.implementation_ = ran.implementation("SVC")
        return self

    def portable(self) -> Any:
        return plain_svc(self)

    def predict(self, X: np.ndarray) -> np.ndarray:
        predict = super().predict
        if ACCELERATED:  # It has threads of its own.
            return np.asarray(predict(X))
        # LIBSVM gives up the interpreter's lock meanwhile, so threads share the support vectors.
        chunks = np.array_split(X, min(len(X), 4 * effective_n_jobs(self.n_jobs))) if len(X) else [X]
        return np.concatenate(
            Parallel(n_jobs=self.n_jobs, prefer="threads")(delayed(predict)(chunk) for chunk in chunks)
        )

    @property
    def parameter_count_(self) -> int:
        return int(self.support_vectors_.size + self.dual_coef_.size + self.intercept_.size)


class PixelKNeighbors(DetailsMixin, KNeighborsClassifier):
    """Nearest neighbours; what it keeps is the training set, and its work is to predict."""

    def fit(self, X: np.ndarray, y: np.ndarray) -> PixelKNeighbors:
        if X.shape[0] < self.n_neighbors:
            raise UnsupportedError(f"{self.n_neighbors} neighbours are looked for among {X.shape[0]} training images")
        with watched() as ran:
            super().fit(X, y)
        self.implementation_ = ran.implementation("KNeighborsClassifier")
        self.parameter_count_ = int(np.size(X))
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        with watched() as ran:
            predicted = np.asarray(super().predict(X))
        self.implementation_ = ran.implementation("KNeighborsClassifier", "predict")
        return predicted

    def portable(self) -> Any:
        return plain_knn(self)


class PixelForest(DetailsMixin, RandomForestClassifier):
    """A random forest; what it keeps is a feature, a threshold or a class distribution a node."""

    def __init__(
        self,
        *,
        n_estimators: int = 100,
        max_features: str | float = "sqrt",
        min_samples_leaf: int = 1,
        n_jobs: int | None = None,
        random_state: int | None = None,
    ) -> None:
        super().__init__(
            n_estimators=n_estimators,
            max_features=max_features,
            min_samples_leaf=min_samples_leaf,
            n_jobs=n_jobs,
            random_state=random_state,
        )

    def fit(self, X: np.ndarray, y: np.ndarray, sample_weight: np.ndarray | None = None) -> PixelForest:
        with watched() as ran:
            super().fit(X, y, sample_weight)
        self.implementation_ = ran.implementation("RandomForestClassifier")
        return self

    def portable(self) -> Any:
        return plain_forest(self)

    @property
    def parameter_count_(self) -> int:
        # An inner node keeps a feature and a threshold, a leaf one number per class.
        leaves = sum(int(tree.get_n_leaves()) for tree in self.estimators_)
        nodes = sum(int(tree.tree_.node_count) for tree in self.estimators_)
        return 2 * (nodes - leaves) + len(self.classes_) * leaves


class PixelLinearSVC(DetailsMixin, LinearSVC):
    """A linear support vector machine, one class against the rest, by LIBLINEAR: ``n_jobs`` classes at a time."""

    def __init__(self, *, C: float = 1.0, tol: float = 1e-4, n_jobs: int | None = None) -> None:
        super().__init__(C=C, tol=tol, dual=False)
        self.n_jobs = n_jobs

    def fit(self, X: np.ndarray, y: np.ndarray, sample_weight: np.ndarray | None = None) -> PixelLinearSVC:
        classes = np.unique(y)
        self.implementation_ = Ran().implementation("LinearSVC")
        if len(classes) < 3:
            super().fit(X, y, sample_weight)
            return self
        X = np.ascontiguousarray(X, dtype=np.float64)  # What LIBLINEAR takes, made once for all classes.
        # LIBLINEAR would take one class after the other too; the problems know nothing of each other.
        alone = LinearSVC(C=self.C, tol=self.tol, dual=False)
        found = Parallel(n_jobs=self.n_jobs, prefer="threads")(
            delayed(clone(alone).fit)(X, y == label, sample_weight) for label in classes
        )
        self.classes_, self.n_features_in_ = classes, X.shape[1]
        self.coef_ = np.concatenate([one.coef_ for one in found])
        self.intercept_ = np.concatenate([one.intercept_ for one in found])
        self.n_iter_ = max(one.n_iter_ for one in found)
        return self

    @property
    def parameter_count_(self) -> int:
        return int(self.coef_.size + self.intercept_.size)


class PcaSVC(DetailsMixin, ClassifierMixin, BaseEstimator):
    """A support vector machine on the leading principal components of the pixels.

    Parameters
    ----------
    n_components : int
        Components kept (fewer where there are not so many pixels or images).
    C, gamma
        Of the support vector machine, see :class:`PixelSVC`.
    """

    def __init__(
        self,
        *,
        n_components: int = 60,
        C: float = 10.0,
        gamma: str | float = "scale",
        n_jobs: int | None = None,
    ) -> None:
        self.n_components = n_components
        self.C = C
        self.gamma = gamma
        self.n_jobs = n_jobs

    def fit(self, X: np.ndarray, y: np.ndarray) -> PcaSVC:
        with watched() as ran:
            self.pca_ = PCA(n_components=min(self.n_components, *X.shape), svd_solver="covariance_eigh").fit(X)
        self.svc_ = PixelSVC(C=self.C, gamma=self.gamma, cache_size=2000, n_jobs=self.n_jobs)
        self.svc_.fit(self._components(X), y)
        self.classes_ = self.svc_.classes_
        self.n_features_in_ = X.shape[1]
        self.implementation_ = f"{ran.implementation('PCA')}; {self.svc_.implementation_}"
        self.parameter_count_ = int(self.pca_.components_.size + self.pca_.mean_.size + self.svc_.parameter_count_)
        return self

    def portable(self) -> PcaSVC:
        plain = copy.copy(self)
        plain.pca_, plain.svc_ = plain_pca(self.pca_), plain_svc(self.svc_)
        return plain

    def predict(self, X: np.ndarray) -> np.ndarray:
        return self.svc_.predict(self._components(X))

    def _components(self, X: np.ndarray) -> np.ndarray:
        components: Any = self.pca_.transform(X)
        return np.ascontiguousarray(components, dtype=np.float32)
