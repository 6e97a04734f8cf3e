"""The models and data sets there are: the catalogs of this project and those of installed packages.

A package adds its own through the entry-point groups ``benchmark.models`` and ``benchmark.datasets``; an
entry point names a specification or a sequence of them.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from importlib import metadata
from typing import TypeVar

from baselines.catalog import MODELS as BASELINES
from benchmark.data.catalog import DATASETS
from benchmark.errors import UserError
from benchmark.specs import DatasetSpec, ModelSpec
from cnn.catalog import MODELS as CNNS

Spec = TypeVar("Spec", ModelSpec, DatasetSpec)


def models() -> dict[str, ModelSpec]:
    """Every registered model by name, in catalog order."""
    return _merge("model", "benchmark.models", (*BASELINES, *CNNS), ModelSpec)


def datasets() -> dict[str, DatasetSpec]:
    """Every registered data set by name, in catalog order."""
    return _merge("data set", "benchmark.datasets", DATASETS, DatasetSpec)


def find(kind: str, known: Mapping[str, Spec], name: str) -> Spec:
    """Look a name up; an unknown one is answered with the nearest names."""
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.5)
    hint = f"Did you mean {' or '.join(near)}?" if near else f"There are: {', '.join(known)}."
    raise UserError(f"Unknown {kind} {name!r}.", hint)


def _merge(kind: str, group: str, own: Iterable[Spec], spec_type: type[Spec]) -> dict[str, Spec]:
    merged = {spec.name: spec for spec in own}
    for entry in metadata.entry_points(group=group):
        try:
            found = entry.load()
            specs = (found,) if isinstance(found, spec_type) else tuple(found)
        except Exception as error:  # A stranger's module may raise anything.
            raise UserError(
                f"The entry point {entry.name!r} of {group} could not be loaded: {error}.", "Mend or uninstall it."
            ) from error
        for spec in specs:
            if not isinstance(spec, spec_type):
                raise UserError(
                    f"The entry point {entry.name!r} of {group} holds {spec!r}, not a {spec_type.__name__}."
                )
            if spec.name in merged:
                raise UserError(f"The {kind} name {spec.name!r} is registered twice.", f"Rename it in {entry.value}.")
            merged[spec.name] = spec
    return merged
