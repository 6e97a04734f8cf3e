"""Suspected label errors and near duplicates: how far the images and labels themselves can be trusted."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from benchmark.analysis import label_errors as suspects
from benchmark.analysis.select import ModelSummary, best
from benchmark.report import near_duplicates as duplicates
from benchmark.report.document import Block, Column, Details, Gallery, Item, Section, Table, Text, section, words
from benchmark.report.evidence import Evidence
from benchmark.utils.format import percent, points, share

SHOWN = 20
LEAST_ACCURACY = 0.8  # On the validation images, of a model that judges labels.
PARTS = ("test", "validation")
MOST_FILES = 200
Judges = dict[str, list[dict[str, np.ndarray]]]  # By name of the model, its predictions by seed.


@dataclasses.dataclass(frozen=True)
class Doubts:
    """The suspects of one part: ``index`` (n,) are its images' places in the data set, ``probabilities`` (n, k)
    those on which the suspicion is based."""

    index: np.ndarray
    probabilities: np.ndarray
    found: suspects.Suspects


def quality(evidence: Evidence) -> Section | None:
    """Suspected label errors, what they do to the models' order, and near duplicates.

    None if no model has probabilities and the data set has not been audited.
    """
    judges = _judges(evidence)
    doubts = {part: _doubts(judges, part) for part in PARTS} if judges else {}
    audit = evidence.near_duplicates
    unfit = [s.name for s in _candidates(evidence) if s.validation_accuracy < LEAST_ACCURACY]
    if not doubts and not unfit and audit is None:
        return None
    none_named = (
        f"Suspected label errors are not named. {' and '.join(unfit)} would judge the labels, but of a model that is "
        f"right on fewer than {LEAST_ACCURACY:.0%} of the validation images, most suspicions are its own errors."
    )
    return section(
        "suspects",
        "Suspected label errors and near duplicates",
        *(_summary(evidence, judges, doubts) if doubts else ()),
        none_named if unfit and not doubts else None,
        _gallery(evidence, doubts["test"]) if doubts else None,
        _files(evidence, doubts) if doubts else None,
        *(_ranking(evidence, judges, doubts["test"]) if doubts else ()),
        *duplicates.blocks(evidence, audit),
    )


def _candidates(evidence: Evidence) -> list[ModelSummary]:
    """The best of either family on the validation images, of the models that have probabilities."""
    able = [s for s in evidence.summaries if s.has_probabilities]
    return [judge for judge in (best(able, "baseline"), best(able, "network")) if judge is not None]


def _judges(evidence: Evidence) -> Judges:
    """The candidates that are right often enough, as far as their predictions can be read."""
    judges = {}
    for judge in _candidates(evidence):
        read = [evidence.predictions(stored) for stored in judge.stored]
        seeds = [arrays for arrays in read if arrays is not None and _has_probabilities(arrays)]
        if seeds and judge.validation_accuracy >= LEAST_ACCURACY:
            judges[judge.name] = seeds
    return judges


def _has_probabilities(arrays: Mapping[str, np.ndarray]) -> bool:
    return all(f"{part}_probabilities" in arrays for part in PARTS)


def _doubts(judges: Judges, part: str) -> Doubts:
    """Suspects by the mean probabilities of ``judges``."""
    first = next(iter(judges.values()))[0]
    probabilities = suspects.average([[arrays[f"{part}_probabilities"] for arrays in js] for js in judges.values()])
    return Doubts(first[f"{part}_index"], probabilities, suspects.find(first[f"{part}_labels"], probabilities))


def _summary(evidence: Evidence, judges: Judges, doubts: Mapping[str, Doubts]) -> list[Text | Block]:
    names = " and ".join(f"{name} ({len(seeds)} seed{'s' * (len(seeds) > 1)})" for name, seeds in judges.items())
    counts = " and ".join(
        f"{len(d.found):,} of {len(d.index):,} {part} labels ({percent(len(d.found) / len(d.index))})"
        for part, d in doubts.items()
    )
    blocks: list[Text | Block] = [
        f"Confident learning (Northcutt et al. 2021) flags {counts} as suspected errors. It is based on the "
        f"probabilities of {names}, averaged over seeds and then over models: of the models that have probabilities, "
        "the best of either family on the validation images. Neither was fitted on the images in question, but "
        "networks stop training by the validation images.",
        "A suspected error is not a confirmed one. Models that agree on two classes that are easily confused prove "
        "nothing about the label, and a hard image looks like a mislabelled one: manual review is needed.",
    ]
    pairs = Counter[tuple[int, int]]()
    for d in doubts.values():
        pairs.update(zip(d.found.given.tolist(), d.found.suggested.tolist(), strict=True))
    if pairs:
        most = sorted(pairs.items(), key=lambda item: (-item[1], item[0]))[:5]
        rows = [(evidence.class_names[given], evidence.class_names[suggested], n) for (given, suggested), n in most]
        columns = (words("label"), words("suggested label"), Column("images", "{:,}".format))
        blocks += ["Most frequent suspected label errors:", Table(columns, rows)]
    return blocks


def _files(evidence: Evidence, doubts: Mapping[str, Doubts]) -> Details | None:
    """The files of the suspects, where images have names: to look at them, and to move them."""
    if evidence.data is None or not evidence.data.account.test_names:
        return None
    names = {"test": evidence.data.account.test_names, "validation": evidence.data.account.train_names}
    rows: list[tuple[str, str, str]] = []
    for part, d in doubts.items():
        for place, given, suggested in zip(d.found.index, d.found.given, d.found.suggested, strict=True):
            if len(rows) < MOST_FILES and d.index[place] < len(names[part]):
                rows.append((names[part][d.index[place]], evidence.class_names[given], evidence.class_names[suggested]))
    columns = (words("file"), words("label"), words("suggested label"))
    return Details(f"The files of {len(rows):,} suspects", [Table(columns, rows)]) if rows else None


def _ranking(evidence: Evidence, judges: Judges, doubts: Doubts) -> list[Text | Block]:
    """Every model's accuracy with and without the suspects, and whether its rank changes."""
    kept = np.ones(len(doubts.index), dtype=bool)
    kept[doubts.found.index] = False
    if kept.all() or not kept.any():
        return []
    accuracies = []
    for s in evidence.summaries:
        read = [arrays for stored in s.stored if (arrays := evidence.predictions(stored)) is not None]
        if read:
            right = np.mean([a["test_predicted"] == a["test_labels"] for a in read], axis=0)
            accuracies.append((s.name, float(right.mean()), float(right[kept].mean())))
    before, after = _ranks([row[1] for row in accuracies]), _ranks([row[2] for row in accuracies])
    moved = sum(b != a for b, a in zip(before, after, strict=True))
    order = f"{moved} of {len(accuracies)} models change rank" if moved else "The ranking of the models does not change"
    columns = (
        *(words("model"), Column("all images", percent), Column("without suspects", percent)),
        *(Column("change, points", points), Column("rank"), Column("rank without")),
    )
    rows = [
        (name, every, without, (without - every) * 100, b, a)
        for (name, every, without), b, a in zip(accuracies, before, after, strict=True)
    ]
    return [
        f"Test accuracy, mean over seeds, with and without the suspects. {order}.",
        Table(columns, rows),
        "The models that flag labels benefit from their removal: on each flagged image, the mean of "
        f"{' and '.join(judges)} differs from the label by construction.",
    ]


def _ranks(accuracies: Sequence[float]) -> list[int]:
    return [sum(other > accuracy for other in accuracies) + 1 for accuracy in accuracies]


def _gallery(evidence: Evidence, doubts: Doubts) -> Gallery | None:
    """The most suspect test images with their labels, the suggested ones, and the probabilities of both."""
    places = doubts.found.index[:SHOWN]
    images = evidence.images(doubts.index)
    if images is None or not len(places):
        return None
    names, items = evidence.class_names, []
    for place, given, suggested in zip(places, doubts.found.given, doubts.found.suggested, strict=False):
        p = doubts.probabilities[place]
        lines = (
            f"label {names[given]}: {share(p[given])}",
            f"suggested {names[suggested]}: {share(p[suggested])}",
        )
        items.append(Item(images[doubts.index[place]], lines))
    title = f"The most suspect labels: {len(items)} of {len(doubts.found):,} test images"
    return Gallery("suspects", f"{title}.", title, items)
