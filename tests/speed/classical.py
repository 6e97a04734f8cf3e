"""(a) The three models on pixels against stock scikit-learn: time and accuracy at several sizes."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
from common import Row, alone, fashion_mnist, flat, threads

from benchmark import registry
from benchmark.runner.evaluate import configured
from benchmark.specs import Run
from benchmark.utils.format import duration

NAMES = ("logistic-regression", "svm-rbf", "knn")


def rows(sizes: tuple[int, ...]) -> Iterator[Row]:
    for size in sizes:
        totals = {"ours": 0.0, "stock": 0.0}
        for name in NAMES:
            found = {who: alone(fit_and_predict, who, name, size, tuned=who == "ours") for who in totals}
            (fit, predict, accuracy), (other_fit, other_predict, other_accuracy) = found["ours"], found["stock"]
            totals["ours"] += fit + predict
            totals["stock"] += other_fit + other_predict
            yield Row(
                f"{name}, {size:,} images: fit + predict 10,000",
                f"{duration(fit)} + {duration(predict)}",
                f"scikit-learn: {duration(other_fit)} + {duration(other_predict)}",
                (other_fit + other_predict) / (fit + predict),
                f"accuracy {accuracy:.4f}, scikit-learn {other_accuracy:.4f}",
            )
        yield Row(
            f"all three, {size:,} images",
            duration(totals["ours"]),
            f"scikit-learn: {duration(totals['stock'])}",
            totals["stock"] / totals["ours"],
        )


def fit_and_predict(who: str, name: str, size: int) -> tuple[float, float, float]:
    """Seconds to fit, seconds to predict the test images, test accuracy; on the first ``size`` training images."""
    dataset = fashion_mnist()
    X, y = flat(dataset.train_images[:size]), np.asarray(dataset.train_labels[:size])
    X_test, y_test = flat(dataset.test_images), np.asarray(dataset.test_labels)
    spec = registry.models()[name]
    if who == "ours":
        model = configured(spec.create(Run("fashion-mnist", name, 0, "full")), 0, threads())
    else:
        model = stock(name, dict(spec.params))
    start = time.perf_counter()
    model.fit(X, y)
    fitted = time.perf_counter()
    predicted = model.predict(X_test)
    return fitted - start, time.perf_counter() - fitted, float(np.mean(predicted == y_test))


def stock(name: str, params: dict[str, object]) -> object:
    """scikit-learn's own class, as it comes, with all the threads that it can use."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.svm import SVC

    warnings.simplefilter("ignore", ConvergenceWarning)
    if name == "knn":
        return KNeighborsClassifier(**params, n_jobs=threads())
    return {"logistic-regression": LogisticRegression, "svm-rbf": SVC}[name](**params)
