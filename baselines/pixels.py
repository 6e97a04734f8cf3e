"""Models on flattened pixels, with what the suite records added."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC, LinearSVC
from sklearn.utils.class_weight import compute_class_weight

from baselines.accelerated import ACCELERATED, Accelerated, Fitted, Ran, fit, watched
from baselines.portable import plain_forest, plain_logistic_regression, plain_pca, plain_svc
from baselines.scale import in_pixels, row_space, share_of_pixels, weighted
from benchmark.estimators.details import DetailsMixin

MOST_COVARIANCE = 2000  # Features up to which their covariance is made, images up to which an exact SVD.
NO_VARIANCE = 1e-6  # Of the largest: what rounding leaves along an axis on which all training images agree.
VOTES = 1 << 26  # Numbers of pairs of images held at a time.


class PixelLogisticRegression(Accelerated, ClassifierMixin, BaseEstimator):
    """Multinomial logistic regression by L-BFGS, stopped after ``max_iter`` steps on purpose."""

    def __init__(
        self, *, C: float = 1.0, max_iter: int = 100, class_weight: str | None = None, n_jobs: int | None = None
    ) -> None:
        self.C = C
        self.max_iter = max_iter
        self.class_weight = class_weight
        self.n_jobs = n_jobs

    def fit(self, X: np.ndarray, y: np.ndarray) -> PixelLogisticRegression:
        coordinates, basis = row_space(weighted(X))
        with warnings.catch_warnings():
            # On pixels L-BFGS needs thousands of steps to converge and generalises worse for it: stopping
            # early is part of the model, as it is in the published baselines.
            warnings.simplefilter("ignore", ConvergenceWarning)
            params = {"C": self.C, "max_iter": self.max_iter, "class_weight": self.class_weight}
            self._fit(LogisticRegression, coordinates, y, self.n_jobs, **params)
        self.estimator_ = plain_logistic_regression(self.estimator_)
        self.estimator_.coef_ = in_pixels(self.estimator_.coef_, basis, X.shape[1])
        self.n_features_in_ = self.estimator_.n_features_in_ = X.shape[1]
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Probabilities (n, n_classes), columns in the order of ``classes_``."""
        return np.asarray(self.estimator_.predict_proba(X))

    def portable(self) -> LogisticRegression:
        return self.estimator_

    @property
    def parameter_count_(self) -> int:
        return int(self.estimator_.coef_.size + self.estimator_.intercept_.size)


class PixelSVC(Accelerated, ClassifierMixin, BaseEstimator):
    """A support vector machine that predicts in ``n_jobs`` threads, with oneDAL or without."""

    def __init__(
        self,
        *,
        C: float = 1.0,
        kernel: str = "rbf",
        gamma: str | float = "scale",
        cache_size: float = 200,
        class_weight: Mapping[Any, float] | str | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.C = C
        self.kernel = kernel
        self.gamma = gamma
        self.cache_size = cache_size
        self.class_weight = class_weight
        self.n_jobs = n_jobs

    def fit(self, X: np.ndarray, y: np.ndarray) -> PixelSVC:
        names = ("C", "kernel", "gamma", "cache_size", "class_weight")
        self._fit(SVC, X, y, self.n_jobs, **{name: getattr(self, name) for name in names})
        return self

    def portable(self) -> SVC:
        return plain_svc(self.estimator_)

    def predict(self, X: np.ndarray) -> np.ndarray:
        return self._of_all(self.estimator_.predict, X)

    def decision_function(self, X: np.ndarray) -> np.ndarray:
        """The higher, the likelier: (n, n_classes), of two classes (n,)."""
        return self._of_all(self.estimator_.decision_function, X)

    def _of_all(self, method: Callable[[np.ndarray], Any], X: np.ndarray) -> np.ndarray:
        if type(self.estimator_) in ACCELERATED.values():  # It has threads of its own.
            return np.asarray(method(X))
        # LIBSVM gives up the interpreter's lock meanwhile, so threads share the support vectors.
        chunks = np.array_split(X, min(len(X), 4 * effective_n_jobs(self.n_jobs))) if len(X) else [X]
        return np.concatenate(
            Parallel(n_jobs=self.n_jobs, prefer="threads")(delayed(method)(chunk) for chunk in chunks)
        )

    @property
    def support_(self) -> np.ndarray:
        """Places of the support vectors among the training images (n_support,)."""
        return np.asarray(self.estimator_.support_)

    @property
    def parameter_count_(self) -> int:
        machine = self.estimator_
        return int(machine.support_vectors_.size + machine.dual_coef_.size + machine.intercept_.size)


class PixelKNeighbors(Accelerated, ClassifierMixin, BaseEstimator):
    """Nearest neighbours, Euclidean; what it keeps is the training set, and its work is to predict.

    The neighbours are found by oneDAL or scikit-learn, the vote among them is taken here. With ``weights="distance"``
    a neighbour counts by the inverse of its distance, and where some are at distance 0, only those count: as in
    scikit-learn, but with distances that are exact for copies.
    """

    def __init__(
        self, *, n_neighbors: int = 5, weights: str = "distance", algorithm: str = "brute", n_jobs: int | None = None
    ) -> None:
        self.n_neighbors = n_neighbors
        self.weights = weights
        self.algorithm = algorithm
        self.n_jobs = n_jobs

    def fit(self, X: np.ndarray, y: np.ndarray) -> PixelKNeighbors:
        """Fit on ``X`` (n, d) and ``y`` (n,); of fewer images than ``n_neighbors`` all are neighbours."""
        if self.weights not in ("distance", "uniform"):
            raise ValueError(f"weights must be 'distance' or 'uniform', got {self.weights!r}")
        k = min(self.n_neighbors, len(X))
        self._fit(KNeighborsClassifier, X, y, self.n_jobs, n_neighbors=k, algorithm=self.algorithm)
        self.images_, self.labels_ = X, np.searchsorted(self.classes_, y)
        self.parameter_count_ = int(np.size(X))
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Shares of the votes (n, n_classes), columns in the order of ``classes_``."""
        with watched() as ran:
            neighbours = self.estimator_.kneighbors(X, return_distance=False)
        self.implementation_ = ran.implementation("KNeighborsClassifier", "kneighbors")
        votes = np.zeros((len(X), len(self.classes_)))
        rows = max(1, VOTES // max(1, neighbours.shape[1] * X.shape[1]))
        for start in range(0, len(X), rows):
            part = slice(start, start + rows)
            found = neighbours[part]
            counts = np.ones(found.shape)
            if self.weights == "distance":
                # Anew from differences: from inner products, copies would be at a small distance.
                distances = np.linalg.norm(self.images_[found] - X[part, None, :], axis=2).astype(np.float64)
                copies = distances == 0
                counts = np.where(copies.any(axis=1, keepdims=True), copies, 1 / np.where(copies, 1, distances))
            np.add.at(votes[part], (np.arange(len(found))[:, None], self.labels_[found]), counts)
        return np.asarray(votes / votes.sum(axis=1, keepdims=True))

    def predict(self, X: np.ndarray) -> np.ndarray:
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])

    def portable(self) -> PixelKNeighbors:
        plain = copy.copy(self)
        params = {"n_neighbors": self.estimator_.n_neighbors, "algorithm": self.algorithm}
        plain.estimator_ = KNeighborsClassifier(**params).fit(self.images_, self.classes_[self.labels_])
        return plain


class PixelForest(Accelerated, ClassifierMixin, BaseEstimator):
    """A random forest; what it keeps is a feature, a threshold or a class distribution a node.

    ``max_features`` is a share of the pixels (:func:`baselines.scale.share_of_pixels`) or one of scikit-learn's words.
    """

    def __init__(
        self,
        *,
        n_estimators: int = 100,
        max_features: str | float = "sqrt",
        min_samples_leaf: int = 1,
        class_weight: str | None = None,
        n_jobs: int | None = None,
        random_state: int | None = None,
    ) -> None:
        self.n_estimators = n_estimators
        self.max_features = max_features
        self.min_samples_leaf = min_samples_leaf
        self.class_weight = class_weight
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(self, X: np.ndarray, y: np.ndarray) -> PixelForest:
        features = self.max_features
        if not isinstance(features, str):
            features = share_of_pixels(features, X.shape[1])
        self._fit(
            RandomForestClassifier,
            X,
            y,
            self.n_jobs,
            n_estimators=self.n_estimators,
            max_features=features,
            min_samples_leaf=self.min_samples_leaf,
            class_weight=self.class_weight,
            random_state=self.random_state,
        )
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Mean of the trees' distributions (n, n_classes), columns in the order of ``classes_``."""
        return np.asarray(self.estimator_.predict_proba(X))

    def portable(self) -> RandomForestClassifier:
        return plain_forest(self.estimator_)

    @property
    def parameter_count_(self) -> int:
        # An inner node keeps a feature and a threshold, a leaf one number per class.
        trees = self.estimator_.estimators_
        leaves = sum(int(tree.get_n_leaves()) for tree in trees)
        nodes = sum(int(tree.tree_.node_count) for tree in trees)
        return 2 * (nodes - leaves) + len(self.classes_) * leaves


class PixelLinearSVC(DetailsMixin, LinearSVC):
    """A linear support vector machine, one class against the rest, by LIBLINEAR: ``n_jobs`` classes at a time."""

    def __init__(
        self, *, C: float = 1.0, tol: float = 1e-4, class_weight: str | None = None, n_jobs: int | None = None
    ) -> None:
        super().__init__(C=C, tol=tol, dual=False, class_weight=class_weight)
        self.n_jobs = n_jobs

    def fit(self, X: np.ndarray, y: np.ndarray, sample_weight: np.ndarray | None = None) -> PixelLinearSVC:
        classes = np.unique(y)
        self.implementation_ = Ran().implementation("LinearSVC")
        coordinates, basis = row_space(weighted(X))
        d, X = X.shape[1], np.ascontiguousarray(coordinates, dtype=np.float64)  # What LIBLINEAR takes, made once.
        if len(classes) < 3:
            super().fit(X, y, sample_weight)
            self.coef_: np.ndarray = in_pixels(self.coef_, basis, d)
            self.n_features_in_ = d
            return self
        # LIBLINEAR would take one class after the other too; the problems know nothing of each other.
        # A class's weight is that of its own images where it is told from the rest, which weigh 1.
        weights = compute_class_weight(self.class_weight, classes=classes, y=y)
        alone = (LinearSVC(C=self.C, tol=self.tol, dual=False, class_weight={True: weight}) for weight in weights)
        found = Parallel(n_jobs=self.n_jobs, prefer="threads")(
            delayed(one.fit)(X, y == label, sample_weight) for label, one in zip(classes, alone, strict=True)
        )
        self.classes_, self.n_features_in_ = classes, d
        self.coef_ = in_pixels(np.concatenate([one.coef_ for one in found]), basis, d)
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
        Components kept (fewer where there are not so many pixels or images, or images vary in fewer directions).
    C, gamma
        Of the support vector machine, see :class:`PixelSVC`.
    class_weight : {"balanced"} or None
        Whether all classes weigh alike, however many images they have.
    """

    class_weight: str | None = None  # Of models saved by 0.2.0.

    def __init__(
        self,
        *,
        n_components: int = 60,
        C: float = 10.0,
        gamma: str | float = "scale",
        class_weight: str | None = None,
        n_jobs: int | None = None,
    ) -> None:
        self.n_components = n_components
        self.C = C
        self.gamma = gamma
        self.class_weight = class_weight
        self.n_jobs = n_jobs

    def fit(self, X: np.ndarray, y: np.ndarray) -> PcaSVC:
        n, d = X.shape
        X = weighted(X)
        k = min(self.n_components, n, d)
        # The way that costs least: by the covariance of few pixels, exactly for few images, else approximately.
        if d <= MOST_COVARIANCE:
            pca = fit(PCA, X, None, self.n_jobs, n_components=k, svd_solver="covariance_eigh")
        else:
            solver = "full" if n <= MOST_COVARIANCE else "randomized"
            pca = Fitted(PCA(n_components=k, svd_solver=solver, random_state=0).fit(X), Ran().implementation("PCA"))
        self.pca_ = pca.estimator
        # Along directions in which no training image lies, any axis would do, and what it shows is arbitrary.
        variance = self.pca_.explained_variance_
        self.rank_ = max(int((variance > NO_VARIANCE * variance[0]).sum()), 1)
        self.svc_ = PixelSVC(
            C=self.C, gamma=self.gamma, cache_size=2000, class_weight=self.class_weight, n_jobs=self.n_jobs
        )
        self.svc_.fit(self._transformed(X), y)
        self.classes_ = self.svc_.classes_
        self.n_features_in_ = d
        self.implementation_ = f"{pca.implementation}; {self.svc_.implementation_}"
        self.notes_ = (*pca.notes, *self.svc_.notes_)
        self.parameter_count_ = int(self.pca_.components_.size + self.pca_.mean_.size + self.svc_.parameter_count_)
        return self

    def portable(self) -> PcaSVC:
        plain = copy.copy(self)
        plain.pca_, plain.svc_ = plain_pca(self.pca_), self.svc_.portable()
        return plain

    def predict(self, X: np.ndarray) -> np.ndarray:
        return np.asarray(self.svc_.predict(self._transformed(weighted(X))))

    def decision_function(self, X: np.ndarray) -> np.ndarray:
        return np.asarray(self.svc_.decision_function(self._transformed(weighted(X))))

    def _transformed(self, X: np.ndarray) -> np.ndarray:
        components: Any = self.pca_.transform(X)[:, : getattr(self, "rank_", None)]  # Models saved by 0.2.0 have none.
        return np.ascontiguousarray(components, dtype=np.float32)
