"""Fitted estimators as plain scikit-learn ones: what can be written to disk and read where oneDAL is not.

scikit-learn-intelex keeps fitted models as objects of native code, which nothing but pickle can write. All that
decides a prediction is also there as arrays, in scikit-learn's own layout.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC


def plain_logistic_regression(fitted: Any) -> LogisticRegression:
    plain = LogisticRegression(C=fitted.C, max_iter=fitted.max_iter)
    return _with(plain, fitted, "classes_", "coef_", "intercept_", "n_features_in_", "n_iter_")


def plain_forest(fitted: Any) -> RandomForestClassifier:
    """With trees of scikit-learn.

    Of a leaf, oneDAL's trees keep only the most frequent class. That is all of it where trees are grown until
    leaves are pure, but for images that are alike in every bin: there a probability may be off by a tree or two.

    Raises
    ------
    ValueError
        If leaves are larger than that.
    """
    if hasattr(fitted, "_onedal_estimator") and fitted.min_samples_leaf > 1:
        raise ValueError("of leaves of several images oneDAL keeps only the most frequent class")
    plain = RandomForestClassifier(
        n_estimators=fitted.n_estimators,
        max_features=fitted.max_features,
        min_samples_leaf=fitted.min_samples_leaf,
        random_state=fitted.random_state,
    )
    return _with(plain, fitted, "classes_", "estimators_", "n_classes_", "n_features_in_", "n_outputs_")


def plain_pca(fitted: Any) -> PCA:
    plain = PCA(n_components=fitted.n_components, svd_solver=fitted.svd_solver)
    return _with(plain, fitted, "components_", "mean_", "explained_variance_", "n_components_", "n_features_in_")


def plain_svc(fitted: Any) -> SVC:
    """With numbers of the types that LIBSVM takes: 64-bit floats and 32-bit counts."""
    plain = SVC(C=fitted.C, kernel=fitted.kernel, gamma=fitted.gamma, cache_size=fitted.cache_size)
    _with(plain, fitted, "classes_", "n_features_in_", "shape_fit_", "fit_status_", "_gamma", "_sparse")
    for name in ("class_weight_", "support_vectors_", "dual_coef_", "intercept_", "_dual_coef_", "_intercept_"):
        setattr(plain, name, np.ascontiguousarray(getattr(fitted, name), dtype=np.float64))
    for name in ("support_", "_n_support"):
        setattr(plain, name, np.ascontiguousarray(getattr(fitted, name), dtype=np.int32))
    plain._probA = plain._probB = np.empty(0)  # Probabilities are not among what it was fitted for.
    return plain


def _with(plain: BaseEstimator, fitted: Any, *names: str) -> Any:
    for name in names:
        setattr(plain, name, getattr(fitted, name))
    return plain
