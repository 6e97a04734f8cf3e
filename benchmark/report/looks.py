"""Which models' test accuracies have been seen, and when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from benchmark.records.looks import Look
from benchmark.report.document import Column, Table, words
from benchmark.utils.format import counted, percent

WHOLE = "full"


def table(found: Sequence[Look]) -> Table:
    """A row per model with its parameters, trained on all images, the first that was seen on top."""
    versions: dict[tuple[str, int, str], list[Look]] = defaultdict(list)
    for look in found:
        if look.profile == WHOLE:
            versions[look.model, look.version, look.params].append(look)
    rows = [
        (
            *(seen[0].at[:16].replace("T", " "), seen[-1].at[:16].replace("T", " "), model, version),
            *(len({look.seed for look in seen}), len(seen), float(np.mean([look.accuracy for look in seen]))),
        )
        for (model, version, _), seen in versions.items()
    ]
    columns = (
        *(words("first run"), words("last run"), words("model"), Column("version"), Column("seeds")),
        *(Column("test accuracies seen"), Column("their mean", percent)),
    )
    return Table(columns, rows)


def summary(found: Sequence[Look], history: bool) -> str:
    """How many looks there were, in sentences."""
    whole = [look for look in found if look.profile == WHOLE]
    n_versions = len({(look.model, look.version, look.params) for look in whole})
    n_models = len({look.model for look in whole})
    rest = len(found) - len(whole)
    source = "records and their history in Git" if history else "records alone, as no history in Git was found"
    return (
        f"{counted(len(whole), 'test accuracy', 'test accuracies')} of {counted(n_versions, 'setting')} of "
        f"{counted(n_models, 'model')} trained on all images, and {rest:,} of models trained on fewer, from {source}."
    )
