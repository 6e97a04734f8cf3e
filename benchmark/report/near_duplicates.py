"""Near duplicates in a report: what ``data audit`` has recorded, and the pairs side by side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmark.records.dataset_schema import DataAudit, NearDuplicate
from benchmark.records.store import AUDIT, Problem
from benchmark.report.document import Block, Code, Column, Gallery, Item, Table, Text, words
from benchmark.report.evidence import Evidence

SHOWN = 12
METHOD = (
    "Near duplicates: each image is paired with the most similar training image, by the distance sqrt(2 - 2 r) with r "
    "the correlation of the pixels. A pair counts if it is closer than the threshold: four robust standard deviations "
    "below the median of the logarithm, where pairs of different pictures rarely occur. The same picture with another "
    "brightness or contrast, or with a few pixels changed, is detected; a shifted, rotated or mirrored one is not. "
    "Exact copies count too."
)


def blocks(evidence: Evidence, audit: DataAudit | None) -> list[Text | Block | None]:
    if audit is None and evidence.summary is not None and evidence.summary.groups is not None:
        return ['Near duplicates were looked for when the pictures were read: see "The data".']
    if audit is None:
        name, collection = evidence.folder.name, evidence.folder.parent.name
        command = Code(f"python -m benchmark data audit {name} --collection {collection}")
        return [("Near duplicates: not recorded for this version of the data; ", command, " looks for them.")]
    columns = (
        *(words("part"), Column("images", "{:,}".format), Column("near duplicates", "{:,}".format)),
        *(Column("with another label", "{:,}".format), Column("threshold", "{:.3f}".format)),
        Column("median distance", "{:.3f}".format),
    )
    rows = [(s.part, s.n_images, s.count, s.disagreeing, s.threshold, s.median_distance) for s in audit.searches]
    disagreeing, count = sum(s.disagreeing for s in audit.searches), sum(s.count for s in audit.searches)
    lines: list[Text | Block | None] = [
        METHOD,
        Table(columns, rows),
    ]
    lines += [
        "If the near duplicates of training images were removed from the test images, no accuracy could change by more "
        f"than {s.count / (s.n_images - s.count) * 100:.2f} points."
        for s in audit.searches
        if s.part == "test" and 0 < s.count < s.n_images
    ]
    if disagreeing:
        lines.append(
            f"{disagreeing:,} of {count:,} near duplicates have a different label from the training image: one of the "
            "two labels is wrong, or the classes overlap."
        )
    return [*lines, gallery(evidence, audit)]


def gallery(evidence: Evidence, audit: DataAudit) -> Gallery | None:
    """Near duplicates, the nearest first: the image to the left, the training image to the right."""
    data = evidence.pictures
    near = [(s.part, pair) for s in audit.searches for pair in s.closest if pair.distance < s.threshold]
    near.sort(key=lambda found: found[1].distance)
    if data is None or not near:
        return None
    sizes = {"test": len(data.test_images), "validation": len(data.train_images)}
    if any(pair.index >= sizes[part] or pair.train_index >= sizes["validation"] for part, pair in near):
        evidence.problems.append(Problem(evidence.folder / AUDIT, "it names images that the data set does not have"))
        return None
    items = []
    for part, pair in near[:SHOWN]:
        images = data.test_images if part == "test" else data.train_images
        left, right = images[pair.index], data.train_images[pair.train_index]
        gap = np.full((left.shape[0], max(1, left.shape[1] // 14), left.shape[2]), 255, dtype=np.uint8)
        items.append(Item(np.concatenate([left, gap, right], axis=1), _caption(part, pair, evidence.class_names)))
    title = (
        f"Near duplicates: {len(items)} of {sum(s.count for s in audit.searches):,}, the training image to the right"
    )
    return Gallery("near-duplicates", f"{title}.", title, items, columns=4)


def _caption(part: str, pair: NearDuplicate, class_names: Sequence[str]) -> list[str]:
    names = [class_names[label] for label in (pair.label, pair.train_label)]
    labels = names[0] if pair.label == pair.train_label else f"{names[0]} | {names[1]}"
    return [labels, f"{part} {pair.index} | train {pair.train_index}", f"distance {pair.distance:.3f}"]
