"""Do I need a CNN? Classical models and networks on the same images, as a Python library and a command line.

::

    import benchmark as bm

    results = bm.run(["knn", "cnn-simple"], dataset="photos/", seeds=3)  # or dataset="digits"
    results.leaderboard()  # a pandas DataFrame
    results.report("reports")

    reference = bm.load("reference", dataset="fashion-mnist")
    reference.pairwise()

The road through the package: ``data`` finds, checks and splits images; ``estimators`` is how any scikit-learn-style
model is configured, scored and saved; ``runner`` plans and executes runs, each in a process of its own; ``records`` is
what they leave on disk; ``analysis`` turns that into numbers, ``report`` and ``gate`` into pages and verdicts;
``predict`` applies a fitted model to new images; ``api`` is the library's interface and ``cli`` the command line on top
of it; ``utils`` knows nothing of the domain. ``specs`` says what a model, a data set and a run is, ``registry`` which
exist, ``errors`` what a user can fix. ``baselines`` and ``cnn``, beside this package, are the models.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmark.api import Results as Results
    from benchmark.api import curve as curve
    from benchmark.api import load as load
    from benchmark.api import model as model
    from benchmark.api import pictures as pictures
    from benchmark.api import run as run
    from benchmark.errors import UnsupportedError as UnsupportedError
    from benchmark.errors import UserError as UserError
    from benchmark.registry import datasets as datasets
    from benchmark.registry import models as models
    from benchmark.runner.run import Settings as Settings
    from benchmark.specs import DatasetSpec as DatasetSpec
    from benchmark.specs import ModelSpec as ModelSpec

_HOMES = {
    "benchmark.api": ("Results", "curve", "load", "model", "pictures", "run"),
    "benchmark.errors": ("UnsupportedError", "UserError"),
    "benchmark.registry": ("datasets", "models"),
    "benchmark.runner.run": ("Settings",),
    "benchmark.specs": ("DatasetSpec", "ModelSpec"),
}
__all__ = sorted(name for names in _HOMES.values() for name in names)


def __getattr__(name: str) -> object:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(home), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *__all__]
