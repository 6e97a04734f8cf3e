"""What makes the answer doubtful: said beside it, not at the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from benchmark.analysis.comparison import compare
from benchmark.analysis.hits import Lookup
from benchmark.analysis.select import ModelSummary
from benchmark.records.dataset_schema import Audit
from benchmark.records.store import Stored
from benchmark.report import pairwise
from benchmark.report.evidence import Evidence
from benchmark.utils.format import listed, percent

MOST_NAMED = 5
BALANCE = "class balance"  # A check that is put in other words here.
UNEVEN = 10  # Times as many images in the largest class as in the smallest.
FEW_IMAGES = 20  # Of a class: with fewer, intervals of metrics over classes hold the truth less often than they say.
NEAR_SHARE = 0.01  # Of the test images.


def cautions(evidence: Evidence) -> list[str]:
    """In sentences: leakage and what the comparison is without it, classes, single seeds, models' own warnings."""
    compared = [s for s in (evidence.cnn, evidence.baseline) if s is not None]
    return [
        *_data(evidence),
        *(_classes(evidence, compared) if compared else ()),
        *_seeds(evidence, compared),
        *_records(evidence.summaries),
    ]


def _data(evidence: Evidence) -> Iterator[str]:
    summary, n = evidence.summary, evidence.selection.dataset.test_size
    if summary is not None and summary.fingerprint == evidence.selection.dataset.fingerprint:
        failed = [check for check in summary.audit.checks if check.outcome == "failed" and check.name != BALANCE]
        yield from (f"{check.name}: {check.detail}." for check in failed)
        untrained = np.array(summary.audit.train_per_class) == 0
        if untrained.any():
            yield f"No training image shows {_listed(_names(evidence)[untrained])}."
        if summary.audit.leaked:
            yield from _leaked(evidence, summary.audit, summary.groups)
    audit = evidence.near_duplicates
    for search in audit.searches if audit is not None else ():
        if search.part == "test" and search.count > NEAR_SHARE * n:
            yield (
                f"{search.count:,} of {search.n_images:,} test images are near duplicates of training images: see "
                '"Suspected label errors and near duplicates".'
            )


def _leaked(evidence: Evidence, audit: Audit, groups: int | None) -> Iterator[str]:
    """How many test images are also training images, and the headline's comparison without them."""
    n_test = sum(audit.test_per_class)
    share = percent(len(audit.leaked) / n_test)
    said = (
        f"{len(audit.leaked):,} of {n_test:,} test images ({share}) are "
        f"{'exact copies' if groups is None else 'copies or near duplicates'} of training or validation images."
    )
    cnn, baseline = evidence.cnn, evidence.baseline
    if cnn is not None and baseline is not None:
        pair = compare(evidence.summaries, _without(evidence, audit.leaked)).find(cnn.name, baseline.name)
        if pair is not None:
            more = f", {pairwise.extent(pair)}" if pair.verdict == pairwise.LEVEL else ""
            found = pairwise.evidence(pair) + more
            said += f" Without them, {cnn.name} against {baseline.name}: {found}."
    yield said


def _without(evidence: Evidence, leaked: Sequence[int]) -> Lookup:
    """The predictions, less those of these test images."""

    def lookup(stored: Stored) -> dict[str, np.ndarray] | None:
        arrays = evidence.predictions(stored)
        if arrays is None:
            return None
        kept = ~np.isin(arrays["test_index"], leaked)
        return {name: array[kept] if name.startswith("test_") else array for name, array in arrays.items()}

    return lookup


def _classes(evidence: Evidence, compared: Sequence[ModelSummary]) -> Iterator[str]:
    names = _names(evidence)
    support = compared[0].support
    if (support == 0).any():
        yield f"No test image shows {_listed(names[support == 0])}: nothing is known about {_it(support == 0)}."
    if support.max() >= UNEVEN * max(support[support > 0].min(), 1):
        share = percent(support.max() / support.sum())
        said = f"The classes have {support.min():,} to {support.max():,} test images"
        if evidence.metric.name == "accuracy":
            said += (
                ", so accuracy is mostly that of the large ones: a model that always says "
                f"{names[support.argmax()]} would reach {share}"
            )
        yield f"{said}."
    few = (support > 0) & (support < FEW_IMAGES)
    if few.any() and evidence.metric.name != "accuracy":
        yield (
            f"{_listed(list(names[few]))} {'has' if few.sum() == 1 else 'have'} fewer than {FEW_IMAGES} test images: "
            f"intervals and tests of {evidence.metric.title} are not reliable with so few."
        )
    for s in compared:
        missed = (support > 0) & (s.per_class("recall") == 0)
        if missed.any():
            yield f"{s.name} never recognises {_listed(names[missed])}."


def _names(evidence: Evidence) -> np.ndarray:
    return np.array(evidence.class_names, dtype=object)


def _it(classes: np.ndarray) -> str:
    return "it" if classes.sum() == 1 else "them"


def _listed(names: Sequence[str]) -> str:
    return (f"{len(names):,} classes: " if len(names) > 1 else "") + listed(names, MOST_NAMED)


def _seeds(evidence: Evidence, compared: Sequence[ModelSummary]) -> Iterator[str]:
    if evidence.selection.folds:
        every = evidence.selection.folds * evidence.selection.repeats
        yield from (f"{s.name} has finished {s.n_seeds} of {every} folds." for s in compared if s.n_seeds < every)
        return
    for s in compared:
        ends = evidence.intervals[s.name]
        known = ends.model is not None
        # Of several seeds whose predictions cannot be read neither interval is known.
        if s.stochastic and (s.n_seeds == 1 or (ends.runs is not None and not known)):
            seeds = "one seed" if s.n_seeds == 1 else f"{s.n_seeds} seeds"
            source = "estimated from other models or assumed" if known else "unknown"
            varies = f"how much its {s.metric.title} varies with the seed is {source}"
            yield f"{s.name} was trained with {seeds}: {varies} (--seeds 3)."


def _records(summaries: Sequence[ModelSummary]) -> Iterator[str]:
    found = [
        f"{s.name}: {text}." for s in summaries for text in dict.fromkeys(w for r in s.records for w in r.warnings)
    ]
    yield from found[:MOST_NAMED]
    if len(found) > MOST_NAMED:
        yield f"{len(found) - MOST_NAMED} more warnings are in the records."
