"""A collection checked against thresholds, or against another collection."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmark.analysis.hits import Lookup
from benchmark.analysis.select import Selection
from benchmark.errors import UserError
from benchmark.gate import regression, thresholds
from benchmark.gate.regression import Limits
from benchmark.gate.thresholds import Verdict
from benchmark.records.store import Store
from benchmark.utils.files import write_atomically

Select = Callable[[Store, str, str | None, str | None], Selection | None]


def _instead(datasets: Sequence[str] | None, profile: str, store: Store) -> str:
    """What to do where nothing is recorded: take another profile that is, or the command that makes it."""
    others = sorted({other for name in datasets or store.datasets() for other in store.profiles(name)} - {profile})
    if others:
        return f"Name a profile that has some: --profile {others[0]}"
    chosen = "".join(f" --dataset {name}" for name in datasets or ())
    return f"Make some: python -m benchmark run{chosen} --profile {profile} --collection {store.collection}"


def init_thresholds(
    path: Path, store: Store, datasets: Sequence[str] | None, profile: str, metric: str | None, select: Select
) -> dict[str, int]:
    """Write a thresholds file from the records, for the data sets named or all that there are.

    Returns
    -------
    dict of str to int
        How many models of each data set got a floor.

    Raises
    ------
    UserError
        If there is such a file already, or nothing is recorded.
    """
    if path.exists():
        raise UserError(f"{path} already exists.", "Edit it, or name another file with --thresholds.")
    store.check_exists()
    found = {}
    for name in datasets or store.datasets():
        selection = select(store, name, profile, metric)
        if selection is not None and selection.summaries:
            found[name] = selection.summaries
    if not found:
        raise UserError(
            f"{store.folder} has no finished runs under the profile {profile}.",
            _instead(datasets, profile, store),
        )
    write_atomically(path, thresholds.draft(profile, found).encode())
    return {name: len(summaries) for name, summaries in found.items()}


def against_thresholds(
    path: Path, store: Store, datasets: Sequence[str] | None, profile: str, select: Select
) -> list[Verdict]:
    """Compare recorded accuracies with the floors in a file, for the data sets named or all that it has.

    ``select`` chooses the runs of a data set, under a profile, in a store, and the metric that they are judged by.

    Raises
    ------
    UserError
        If the file cannot be read or demands nothing of them.
    """
    wanted = thresholds.read_thresholds(path).datasets
    verdicts = []
    for name in dict.fromkeys(datasets or [name for name, profiles in wanted.items() if profile in profiles]):
        if profile not in wanted.get(name, {}):
            raise UserError(f"{path} has no thresholds for {name}, profile {profile}.", "Add them, or name others.")
        selection = select(store, name, profile, None)
        # The title is what the other gate calls it too.
        title = selection.dataset.title if selection else name
        summaries = selection.summaries if selection else ()
        failed = selection.failed if selection else ()
        verdicts += thresholds.judge(title, profile, wanted[name][profile], summaries, failed)
    if not verdicts:
        raise UserError(f"{path} has no thresholds for profile {profile}.", "Add some, or name another profile.")
    return verdicts


def against_collection(
    store: Store,
    reference: Store,
    datasets: Sequence[str] | None,
    models: Sequence[str] | None,
    profile: str,
    metric: str | None,
    limits: Limits,
    select: Select,
    lookup: Lookup,
) -> list[Verdict]:
    """Compare predictions with another collection's, image by image, for the data sets and models named.

    Without any, all that the other collection has: what is not in this one is missing.

    Raises
    ------
    UserError
        If a collection does not exist, or the other has no records of what is named.
    """
    for one in (store, reference):
        one.check_exists()
    verdicts: list[Verdict] = []
    seen: set[str] = set()
    for name in dict.fromkeys(datasets or reference.datasets()):
        there = select(reference, name, profile, metric)
        if there is None:
            continue
        here = select(store, name, profile, there.metric.name)
        seen |= {s.name for s in there.summaries}
        chosen = tuple(s for s in there.summaries if not models or s.name in models)
        # What has no records here at all has lost every model.
        here = here or dataclasses.replace(there, summaries=(), failed=())
        verdicts += regression.compare(here, dataclasses.replace(there, summaries=chosen), lookup, limits)
    if not seen:
        which = f" of {' and '.join(datasets)}" if datasets else ""
        raise UserError(
            f"{reference.folder} has no records{which} under profile {profile}.",
            "'python -m benchmark report --collection NAME' shows what a collection has.",
        )
    if unknown := sorted(set(models or ()) - seen):
        raise UserError(f"{reference.folder} has no {unknown[0]} under profile {profile}.", "Name models that it has.")
    return verdicts
