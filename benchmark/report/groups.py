"""How models fare in the groups that a user gives, such as patients: on average, and in the worst."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from benchmark.analysis.hits import Hits, hits
from benchmark.estimators.metrics import METRICS
from benchmark.report.document import Column, Section, Table, section, words
from benchmark.report.evidence import Evidence
from benchmark.utils.format import counted, percent

FEWEST = 10  # Test images of a group: with fewer, the worst is the smallest.
METHOD = (
    "A model that is right on average may fail a whole group. The mean over groups counts every group alike, however "
    "many images it has. Of many groups one is the worst by chance alone: how far below the mean depends on their "
    "number and size, and is not tested."
)


def scores(found: Evidence) -> Section | None:
    """Accuracy by group of the test images: mean and worst; None where no groups were given.

    A group may be a person: where pictures must not be shown, the worst is not named.
    """
    names = () if found.data is None else found.data.account.test_groups
    if not any(names):
        return None
    plain = (dataclasses.replace(s, metric=METRICS["accuracy"]) for s in found.summaries)
    known = [model for s in plain if isinstance(model := hits(s, found.predictions), Hits)]
    rows = [row for model in known if (row := _row(model, names, named=found.pictures is not None)) is not None]
    if not rows:
        return None
    sizes = {name: names.count(name) for name in set(names) if name}
    few = sum(size < FEWEST for size in sizes.values())
    left_out = f", of which {few:,} with fewer than {FEWEST} images are left out" if few else ""
    columns = (
        words("model"),
        Column("accuracy", percent, high_first=True),
        Column("mean over groups", percent, best="highest", high_first=True),
        Column("worst group", percent, best="highest", high_first=True),
        words("which"),
        Column("its images", "{:,}".format),
    )
    return section(
        "groups",
        "Groups",
        f"The test images are of {counted(len(sizes), 'group')}{left_out}.",
        Table(columns, rows, sortable=True),
        METHOD,
        level=3,
    )


def _row(model: Hits, names: Sequence[str], *, named: bool) -> tuple[object, ...] | None:
    """Of groups large enough; None where there are none, or the predictions are of other images."""
    if model.index.max() >= len(names):
        return None
    groups, place = np.unique(np.array(names, dtype=object)[model.index].astype(str), return_inverse=True)
    right, count = model.right.mean(axis=0), np.bincount(place)
    by_group = np.bincount(place, right) / count
    large = np.flatnonzero((count >= FEWEST) & (groups != ""))
    if not len(large):
        return None
    worst = large[by_group[large].argmin()]
    return (
        model.model,
        right.mean(),
        by_group[large].mean(),
        by_group[worst],
        str(groups[worst]) if named else "not named",
        int(count[worst]),
    )
