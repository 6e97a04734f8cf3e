"""scikit-learn's estimators, fitted by oneDAL where scikit-learn-intelex is installed and does the same.

scikit-learn-intelex (x86-64 Linux and Windows) has classes of the same names that hand the work to oneDAL where it can
do it and to scikit-learn where it cannot. Acceleration must mean equal: before a fit, both are fitted to a sample, and
where their predictions differ, scikit-learn does the work. Which of the two it was is in the record.
"""

from __future__ import annotations

import contextlib
import dataclasses
import inspect
import logging
from collections.abc import Callable, Iterator, Mapping
from importlib import metadata
from types import MappingProxyType
from typing import Any

import numpy as np
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC
from sklearn.utils.class_weight import compute_sample_weight

from baselines.scale import WIDE
from benchmark.estimators import timing
from benchmark.estimators.details import DetailsMixin

try:
    import sklearnex.decomposition
    import sklearnex.ensemble
    import sklearnex.linear_model
    import sklearnex.neighbors
    import sklearnex.svm

    ACCELERATED: Mapping[type, type] = MappingProxyType(
        {
            PCA: sklearnex.decomposition.PCA,
            RandomForestClassifier: sklearnex.ensemble.RandomForestClassifier,
            LogisticRegression: sklearnex.linear_model.LogisticRegression,
            KNeighborsClassifier: sklearnex.neighbors.KNeighborsClassifier,
            SVC: sklearnex.svm.SVC,
        }
    )
except ImportError:  # Another platform, or not installed.
    ACCELERATED = MappingProxyType({})

SAMPLE = 256  # Images that both are fitted to, and as many that they have to agree about.
MOST_DIFFERING = 0.05  # Of those: solvers stop at slightly different places.
NEAR = 1e-3  # Relative difference of numbers that are to be the same.
SIGNIFICANT = 4.0  # Standard errors: two forests differ by chance.


@dataclasses.dataclass(frozen=True)
class Fitted:
    """A fitted estimator, which code fitted it, and what there is to say about that."""

    estimator: Any
    implementation: str
    notes: tuple[str, ...] = ()


def fit(kind: type, X: np.ndarray, y: np.ndarray | None, n_jobs: int | None = None, **params: Any) -> Fitted:
    """Fit an estimator by oneDAL, or by scikit-learn where that is not installed or does something else.

    Parameters
    ----------
    kind : type
        A class of scikit-learn; those in :data:`ACCELERATED` can be fitted by oneDAL.
    X : ndarray (n, d)
    y : ndarray (n,) or None
    n_jobs : int or None
        Threads; ignored by estimators that do not take them.
    **params
        Of the constructor.
    """
    notes: tuple[str, ...] = ()
    if kind in ACCELERATED:
        with timing.aside():  # What a user would not spend is not charged to the model.
            difference = _difference(kind, X, y, n_jobs, params)
        if params.get("n_neighbors", 0) > len(X) / 3:  # Beyond what a sample shows: wrong neighbours, or a crash.
            difference = "nearly all images are neighbours"
        if difference is None:
            with watched() as ran:
                estimator = _fitted(ACCELERATED[kind], X, y, n_jobs, params)
            return Fitted(estimator, ran.implementation(kind.__name__))
        notes = (f"{kind.__name__} was fitted by scikit-learn, for oneDAL differs from it here: {difference}",)
    return Fitted(_fitted(kind, X, y, n_jobs, params), Ran().implementation(kind.__name__), notes)


def _fitted(kind: type, X: np.ndarray, y: np.ndarray | None, n_jobs: int | None, params: Mapping[str, Any]) -> Any:
    threads = {"n_jobs": n_jobs} if "n_jobs" in inspect.signature(kind).parameters else {}
    if kind is LogisticRegression:  # It has no use for threads any more, and warns.
        threads = {}
    return kind(**params, **threads).fit(X, y)


@dataclasses.dataclass(frozen=True)
class Sample:
    """Images and labels to fit both to, and others that they have to agree about; labels are None for a PCA."""

    X: np.ndarray
    y: Any
    others: np.ndarray
    other_labels: Any


def _sample(X: np.ndarray, y: np.ndarray | None) -> Sample:
    """Evenly spaced images, and one of each class; of wide ones evenly spaced pixels."""
    X = X[:, :: -(-X.shape[1] // WIDE)]
    first = np.arange(0) if y is None else np.unique(y, return_index=True)[1]
    chosen = np.union1d(first, np.linspace(0, len(X) - 1, min(SAMPLE, len(X))).astype(int))
    others = np.linspace(0, len(X) - 1, min(2 * SAMPLE, len(X))).astype(int)[1::2] if len(X) > 1 else chosen
    return Sample(X[chosen], None if y is None else y[chosen], X[others], None if y is None else y[others])


def _difference(
    kind: type, X: np.ndarray, y: np.ndarray | None, n_jobs: int | None, params: Mapping[str, Any]
) -> str | None:
    """How the two differ where both are fitted to a sample; None if they do not."""
    if (X[0] == X).all():  # Where nothing can be learnt, the two choose differently, by all images and not by a sample.
        return "all images are the same"
    sample, params = _sample(X, y), dict(params)
    for name in ("n_components", "n_neighbors"):
        if name in params:
            params[name] = min(params[name], *sample.X.shape)
    try:
        plain = _fitted(kind, sample.X, sample.y, n_jobs, params)
    except Exception:  # What scikit-learn itself refuses or breaks on is reported by the fit that follows.
        return None
    try:
        return COMPARISONS[kind](plain, _fitted(ACCELERATED[kind], sample.X, sample.y, n_jobs, params), sample)
    except Exception as error:  # Of native code, anything.
        return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"


def _labels(plain: Any, accelerated: Any, sample: Sample) -> str | None:
    differing = int((plain.predict(sample.others) != accelerated.predict(sample.others)).sum())
    if differing <= MOST_DIFFERING * len(sample.others):
        return None
    return f"{differing} of {len(sample.others)} images of a sample are predicted differently"


def _accuracy(plain: Any, accelerated: Any, sample: Sample) -> str | None:
    """Of models with chance in them: whether scikit-learn's is right significantly more often."""
    hits, others = (model.predict(sample.others) == sample.other_labels for model in (plain, accelerated))
    only, only_other = int((hits & ~others).sum()), int((others & ~hits).sum())
    if only - only_other <= SIGNIFICANT * np.sqrt(only + only_other):
        return None
    return f"of {len(hits)} images of a sample it is right on {others.sum()}, scikit-learn on {hits.sum()}"


def _minimum(plain: Any, accelerated: Any, sample: Sample) -> str | None:
    """Of logistic regressions that both stop early: whether scikit-learn's has come significantly further."""
    found, expected = objective(accelerated, sample.X, sample.y), objective(plain, sample.X, sample.y)
    if found <= expected * (1 + NEAR) + NEAR:
        return None
    return f"its minimum on a sample is {found:.4g}, scikit-learn's {expected:.4g}"


def objective(fitted: Any, X: np.ndarray, y: np.ndarray) -> float:
    """What logistic regression minimises: C times the sum of the log losses, weighted by class, and half of the
    coefficients' squares."""
    chosen = np.searchsorted(fitted.classes_, y)
    losses = -fitted.predict_log_proba(X)[np.arange(len(y)), chosen]
    weight = compute_sample_weight(fitted.class_weight, y)
    return float(fitted.C * (weight * losses).sum() + 0.5 * np.square(fitted.coef_, dtype=np.float64).sum())


def _distances(plain: Any, accelerated: Any, sample: Sample) -> str | None:
    expected, found = plain.kneighbors(sample.others)[0], accelerated.kneighbors(sample.others)[0]
    if np.allclose(found, expected, rtol=NEAR, atol=NEAR * float(expected.max())):
        return None
    return "its distances to neighbours are others"


def _products(plain: Any, accelerated: Any, sample: Sample) -> str | None:
    """Of projections: components may point the other way, what kernels see of them may not."""
    one, two = (np.asarray(pca.transform(sample.others), dtype=np.float64) for pca in (plain, accelerated))
    expected = one @ one.T
    if np.allclose(two @ two.T, expected, rtol=10 * NEAR, atol=NEAR * max(1e-12, float(np.abs(expected).max()))):
        return None
    return "its projections are others"


COMPARISONS: Mapping[type, Callable[[Any, Any, Sample], str | None]] = MappingProxyType(
    {
        PCA: _products,
        RandomForestClassifier: _accuracy,
        LogisticRegression: _minimum,
        KNeighborsClassifier: _distances,
        SVC: _labels,
    }
)


class Accelerated(DetailsMixin):
    """A classifier whose work an estimator does that :func:`fit` has fitted.

    Attributes
    ----------
    estimator_ : object
    implementation_ : str
    notes_ : tuple of str
    """

    estimator_: Any

    def _fit(self, kind: type, X: np.ndarray, y: np.ndarray, n_jobs: int | None, **params: Any) -> None:
        fitted = fit(kind, X, y, n_jobs, **params)
        self.estimator_, self.implementation_, self.notes_ = fitted.estimator, fitted.implementation, fitted.notes
        self.classes_, self.n_features_in_ = fitted.estimator.classes_, X.shape[1]

    def predict(self, X: np.ndarray) -> np.ndarray:
        return np.asarray(self.estimator_.predict(X))


@dataclasses.dataclass
class Ran:
    """What the package said while it was watched."""

    messages: list[str] = dataclasses.field(default_factory=list)

    def implementation(self, estimator: str, method: str = "fit") -> str:
        """Which code ran the ``method`` of the ``estimator`` that was watched, in words, with its version."""
        said = [message for message in self.messages if f".{method}:" in message]
        if said and not any("fallback" in message for message in said):
            return f"{estimator} by oneDAL, scikit-learn-intelex {metadata.version('scikit-learn-intelex')}"
        return f"{estimator} of scikit-learn {metadata.version('scikit-learn')}"


@contextlib.contextmanager
def watched() -> Iterator[Ran]:
    """Collect what scikit-learn-intelex logs about the code that runs."""
    ran = Ran()
    logger = logging.getLogger("sklearnex")
    handler = logging.Handler(logging.INFO)
    handler.emit = lambda record: ran.messages.append(record.getMessage())  # type: ignore[method-assign]
    handlers, level, propagate = logger.handlers, logger.level, logger.propagate
    logger.handlers, logger.propagate = [handler], False  # Not for other handlers.
    logger.setLevel(logging.INFO)
    try:
        yield ran
    finally:
        logger.handlers, logger.propagate = handlers, propagate
        logger.setLevel(level)
