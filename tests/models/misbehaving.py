"""Models that a run must survive; imported by worker processes by this module's name."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import numpy as np

from benchmark.contract import UnsupportedError


class Majority:
    """Predicts the most frequent label; the well-behaved one."""

    def fit(self, X, y):
        self.classes_, counts = np.unique(y, return_counts=True)
        self.label_ = int(self.classes_[counts.argmax()])
        return self

    def predict(self, X):
        return np.full(len(X), self.label_)


class Raises(Majority):
    def fit(self, X, y):
        print("about to fail")
        raise RuntimeError("the model\nbroke")


class Hangs(Majority):
    def fit(self, X, y):
        while True:
            time.sleep(60)


class Slow(Majority):
    def fit(self, X, y):
        time.sleep(4)
        return super().fit(X, y)


class HangsWithATrace(Majority):
    """Tells its process number before it hangs."""

    def __init__(self, trace):
        self.trace = trace

    def fit(self, X, y):
        Path(self.trace).write_text(str(os.getpid()), encoding="ascii")
        while True:
            time.sleep(60)


class Exits(Majority):
    def fit(self, X, y):
        os._exit(3)


class IsKilled(Majority):
    def fit(self, X, y):
        os.kill(os.getpid(), signal.SIGKILL)


class LeavesQuietly(Majority):
    def fit(self, X, y):
        sys.exit("no reason")


class Unsupported(Majority):
    def fit(self, X, y):
        raise UnsupportedError("these images are not mine")


class WrongLength(Majority):
    def predict(self, X):
        return np.zeros(len(X) + 1, dtype=int)


class FloatLabels(Majority):
    def predict(self, X):
        return np.zeros(len(X))


class UnknownLabels(Majority):
    def predict(self, X):
        return np.full(len(X), 99)


class NotANumber(Majority):
    def predict_proba(self, X):
        return np.full((len(X), len(self.classes_)), np.nan)


class NoProbabilities(Majority):
    def predict_proba(self, X):
        return np.full((len(X), len(self.classes_)), 0.7)


class FewClasses(Majority):
    """Has seen two classes only, and says so."""

    def fit(self, X, y):
        self.classes_ = np.array([3, 7])
        return self

    def predict(self, X):
        return np.full(len(X), 7)

    def predict_proba(self, X):
        return np.tile([0.25, 0.75], (len(X), 1))


class ReadsTestLabels(Majority):
    """Would cheat if it could: looks for anything but training and validation data in what it is given."""

    def fit(self, X, y, **others):
        if set(others) - {"X_val", "y_val", "on_epoch"}:
            raise RuntimeError(f"was given {sorted(others)}")
        return super().fit(X, y)
