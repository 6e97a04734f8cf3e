"""scikit-learn's estimators, computed by oneDAL where scikit-learn-intelex is installed.

scikit-learn-intelex (x86-64 Linux and Windows) has classes of the same names that hand the work to oneDAL
where it can do it and to scikit-learn where it cannot. Which of the two it was depends on parameters and
data, so :func:`watched` reads what the package logs, and a record names the code that ran.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
from collections.abc import Iterator
from importlib import metadata

try:
    from sklearnex.decomposition import PCA
    from sklearnex.ensemble import RandomForestClassifier
    from sklearnex.linear_model import LogisticRegression
    from sklearnex.neighbors import KNeighborsClassifier
    from sklearnex.svm import SVC

    ACCELERATED = True
except ImportError:  # Another platform, or not installed.
    from sklearn.decomposition import PCA
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.svm import SVC

    ACCELERATED = False

__all__ = [
    "ACCELERATED",
    "PCA",
    "SVC",
    "KNeighborsClassifier",
    "LogisticRegression",
    "Ran",
    "RandomForestClassifier",
    "watched",
]


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
