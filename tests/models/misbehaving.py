"""Models that a run must survive; imported by worker processes by this module's name."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from benchmark.errors import UnsupportedError
from benchmark.estimators.details import DetailsMixin


class Tunable:
    """As good as its parameter, on the digits: the share of images that it gets right grows with ``level``."""

    def __init__(self, level=1, kind="slow"):
        self.level = level
        self.kind = kind

    def fit(self, X, y):
        if self.kind == "broken":
            raise RuntimeError("this kind breaks")
        from sklearn.neighbors import KNeighborsClassifier

        self.inner_ = KNeighborsClassifier(1).fit(X[:: 2 + 10 * (10 - self.level)], y[:: 2 + 10 * (10 - self.level)])
        return self

    def predict(self, X):
        if len(X) == 360:
            raise AssertionError("the test images were read")
        return self.inner_.predict(X)


class HangsWhenTuned(Tunable):
    def fit(self, X, y):
        while True:
            time.sleep(60)


class TwoWays(DetailsMixin):
    """Can predict in another way too."""

    def fit(self, X, y):
        from sklearn.neighbors import KNeighborsClassifier

        self.one_ = KNeighborsClassifier(1).fit(X, y)
        self.nine_ = KNeighborsClassifier(9).fit(X, y)
        return self

    def predict(self, X):
        return self.one_.predict(X)

    def variants(self):
        return {"with nine neighbours": self.nine_}


class Cached:
    """Takes features from the cache, which took a second to compute."""

    def fit(self, X, y):
        self.label_ = y[0]
        self._features(X)
        return self

    def predict(self, X):
        return np.full(len(X), self.label_)

    def _features(self, X):
        from benchmark.estimators.feature_cache import features

        def compute(images):
            time.sleep(1)
            return images

        return features("slow", X, compute)


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
        return np.full(len(X), 0.5)


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


class Nosy(Majority):
    """Writes down sums of all that it is given."""

    def __init__(self, trace):
        self.trace = trace

    def fit(self, X, y, *, X_val, y_val, **others):
        given = {"X": X, "y": y, "X_val": X_val, "y_val": y_val}
        sums = {name: hashlib.sha256(array.tobytes()).hexdigest() for name, array in given.items()}
        Path(self.trace).write_text(json.dumps({"others": sorted(others), **sums}), encoding="ascii")
        return super().fit(X, y)


class WorksOnce(Majority):
    def __init__(self, trace):
        self.trace = trace

    def fit(self, X, y):
        Path(self.trace).touch(exist_ok=False)
        return super().fit(X, y)


class HasAChild(Majority):
    """Starts a process that would outlive it."""

    def __init__(self, trace):
        self.trace = trace

    def fit(self, X, y):
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        Path(self.trace).write_text(str(child.pid), encoding="ascii")
        child.wait()


class LeavesAChild(Majority):
    """Ends without a word while a copy of it lives on, with every file and pipe that it had."""

    def fit(self, X, y):
        if os.fork() == 0:
            time.sleep(600)
        os._exit(4)


class Hoards(Majority):
    """Needs 200 MB for a moment."""

    def fit(self, X, y):
        np.ones(25_000_000).sum()
        return super().fit(X, y)


class HoardsMore(Majority):
    """Needs 1.5 MB for each training image."""

    def fit(self, X, y):
        np.ones(len(X) * 187_500).sum()
        return super().fit(X, y)


class TellsItsSurroundings(DetailsMixin, Majority):
    @property
    def implementation_(self):
        return os.environ.get("BENCHMARK_TEST_WORD", "no word")


class Wanders(DetailsMixin, Majority):
    """Changes its working directory, and can be saved."""

    def fit(self, X, y):
        os.chdir("/")
        return super().fit(X, y)

    def save_state(self):
        return {"label": np.array([self.label_])}, {}

    def load_state(self, arrays, meta):
        self.label_ = int(arrays["label"][0])
        return self


class TellsNonsense(DetailsMixin, Majority):
    parameter_count_ = -1
    history_ = "of art"
    implementation_ = "by hand"

    def variants(self):
        raise RuntimeError("there is only one way")

    def by_epoch(self):
        return [object()]


class Stranger(Majority):
    """Has attributes of its own that are named like ours."""

    history_ = "of art"
    parameter_count_ = "many"
    device_ = precision_ = implementation_ = object()

    def variants(self, of):
        raise AssertionError("nobody asked")

    by_epoch = save_state = portable = variants


class TellsWords(Majority):
    def fit(self, X, y, *, X_val, y_val, on_epoch):
        on_epoch({"epoch": 1, "validation_accuracy": "good"})
        on_epoch("still going")
        return super().fit(X, y)


class PredictsSlowly(Majority):
    def predict(self, X):
        time.sleep(0.05)
        return super().predict(X)


class CachesPixels(Majority):
    """Its features are the pixels themselves, out of the cache where they are there."""

    def predict(self, X):
        from benchmark.estimators.feature_cache import features

        return super().predict(features("pixels", X, np.asarray))
