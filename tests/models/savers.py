"""Models that are fitted well and saved badly; imported by worker processes by this module's name."""

from __future__ import annotations

import os
import sys
import time

import numpy as np
from misbehaving import Majority

from benchmark.estimators.details import DetailsMixin


class Saves(DetailsMixin, Majority):
    def save_state(self):
        return {"label": np.array([self.label_])}, {"words": "any"}

    def load_state(self, arrays, meta):
        self.label_ = int(arrays["label"][0])
        return self


class HangsInSaving(Saves):
    def save_state(self):
        time.sleep(600)


class DiesInSaving(Saves):
    def save_state(self):
        os.abort()


class RaisesInSaving(Saves):
    def save_state(self):
        raise RuntimeError("these weights\nstay here")


class ExitsInSaving(Saves):
    def save_state(self):
        sys.exit("these weights")


class TakesAllMemory(Saves):
    def save_state(self):
        kept = []
        while True:
            kept.append(np.ones(5_000_000))
            time.sleep(0.01)


class RunsOut(Saves):
    def save_state(self):
        raise OSError(28, "No space left on device")


class Strange(Majority):
    """Of a type of its own, which a skops file would name and nobody would make."""
