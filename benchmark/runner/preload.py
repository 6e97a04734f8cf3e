"""Imported by the process from which workers are forked, so that each run need not import the same again.

A library that cannot be imported there is left to the run that wants it, which will say what is wrong.
"""

from __future__ import annotations

import contextlib
import importlib
import os

from benchmark.errors import OF_OTHERS

VARIABLE = "BENCHMARK_PRELOAD"

for name in filter(None, os.environ.get(VARIABLE, "").split(",")):
    with contextlib.suppress(*OF_OTHERS):
        importlib.import_module(name)
