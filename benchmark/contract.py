"""Deprecated: the names that plug-ins import are in :mod:`benchmark.specs` and :mod:`benchmark.errors` since 0.2.0."""

from __future__ import annotations

import warnings

from benchmark.errors import *  # noqa: F403
from benchmark.specs import *  # noqa: F403

warnings.warn(
    "benchmark.contract is deprecated and will be removed in 0.3.0: import from benchmark.specs instead.",
    DeprecationWarning,
    stacklevel=2,
)
