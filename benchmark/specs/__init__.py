"""What every part agrees on: models, data sets in memory, runs, and the profiles.

Enters: what a user or a plug-in states. Leaves: checked specifications. Only the standard library is imported here, so
that ``--help`` and ``list`` start at once; the shape of what is written to disk is in
:mod:`benchmark.records.schema`.

Reading order: ``runs``, ``models``, ``data``.
"""

from benchmark.specs.data import (
    Account,
    Aspect,
    Dataset,
    DatasetSpec,
    JsonValue,
    Places,
    Preparation,
    RawImages,
    Split,
    no_progress,
)
from benchmark.specs.models import (
    MARKERS,
    Classifier,
    Facts,
    Family,
    Inputs,
    ModelSpec,
    Span,
    ValidatingClassifier,
    ignore_epoch,
    resolve,
)
from benchmark.specs.names import NAME
from benchmark.specs.runs import PROFILES, Profile, Run, n_folds, profile_named, sized

__all__ = [
    "MARKERS",
    "NAME",
    "PROFILES",
    "Account",
    "Aspect",
    "Classifier",
    "Dataset",
    "DatasetSpec",
    "Facts",
    "Family",
    "Inputs",
    "JsonValue",
    "ModelSpec",
    "Places",
    "Preparation",
    "Profile",
    "RawImages",
    "Run",
    "Span",
    "Split",
    "ValidatingClassifier",
    "ignore_epoch",
    "n_folds",
    "no_progress",
    "profile_named",
    "resolve",
    "sized",
]
