"""Near duplicates in a report: what ``data audit`` has found, and the pairs side by side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from benchmark.records.dataset_schema import DataAudit, NearDuplicate
from benchmark.records.store import AUDIT, Problem, read_audit
from benchmark.report import gallery
from benchmark.report.evidence import Evidence
from benchmark.report.style import INK
from benchmark.utils import markdown as md

SHOWN, COLUMNS = 12, 4


def read(evidence: Evidence) -> DataAudit | None:
    """The audit beside the records, if it is about this version of the data; what is wrong is among the problems."""
    found = read_audit(evidence.folder)
    if isinstance(found, Problem):
        evidence.problems.append(found)
        return None
    if found is None or found.fingerprint != evidence.selection.dataset.fingerprint:
        return None
    labels = [label for s in found.searches for pair in s.closest for label in (pair.label, pair.train_label)]
    if max(labels, default=0) >= len(evidence.class_names):
        evidence.problems.append(Problem(evidence.folder / AUDIT, "it has labels that the data set has not"))
        return None
    return found


def told(evidence: Evidence, audit: DataAudit | None) -> str:
    if audit is None:
        name, collection = evidence.folder.name, evidence.folder.parent.name
        return (
            "Near duplicates: not recorded for this version of the data; "
            f"`python -m benchmark data audit {name} --collection {collection}` looks for them."
        )
    rows = [
        [
            s.part,
            f"{s.n_images:,}",
            f"{s.count:,}",
            f"{s.disagreeing:,}",
            f"{s.threshold:.3f}",
            f"{s.median_distance:.3f}",
        ]
        for s in audit.searches
    ]
    lines = [
        "Near duplicates: for each image the training image that is most like it, by the distance sqrt(2 - 2 r), r "
        "being the correlation of the pixels. A pair counts if it is nearer than the threshold: four robust standard "
        "deviations below the median of the logarithm, so far below the bulk that chance hardly comes there. The same "
        "picture in another brightness or contrast, or with a few pixels changed, is found; a shifted, turned or "
        "mirrored one is not. Exact copies count too.",
        md.table(
            ["part", "images", "near duplicates", "of another label", "threshold", "median distance"], rows, n_left=1
        ),
    ]
    lines += [
        f"If the near duplicates of training images were left out of the test images, no accuracy could change by more "
        f"than {s.count / (s.n_images - s.count) * 100:.2f} points."
        for s in audit.searches
        if s.part == "test" and 0 < s.count < s.n_images
    ]
    disagreeing, count = sum(s.disagreeing for s in audit.searches), sum(s.count for s in audit.searches)
    if disagreeing:
        lines.append(
            f"{disagreeing:,} of {count:,} near duplicates have another label than the training image: of two labels "
            "of nearly the same picture, one is wrong, or the classes overlap."
        )
    return "\n\n".join(lines)


def pictures(evidence: Evidence, audit: DataAudit) -> Figure | None:
    """Near duplicates, the nearest first: the image to the left, the training image to the right."""
    data = evidence.data
    near = [(s.part, pair) for s in audit.searches for pair in s.closest if pair.distance < s.threshold]
    near.sort(key=lambda found: found[1].distance)
    if data is None or not near:
        return None
    sizes = {"test": len(data.test_images), "validation": len(data.train_images)}
    if any(pair.index >= sizes[part] or pair.train_index >= sizes["validation"] for part, pair in near):
        evidence.problems.append(Problem(evidence.folder / AUDIT, "it names images that the data set has not"))
        return None
    total = sum(s.count for s in audit.searches)
    shown = near[:SHOWN]
    title = f"Near duplicates: {len(shown)} of {total:,}, the training image to the right"
    figure, cells = gallery.grid(title, len(shown), COLUMNS, 1.45)
    for cell, (part, pair) in zip(cells, shown, strict=False):
        axes = figure.add_subplot(cell)
        images = data.test_images if part == "test" else data.train_images
        left, right = images[pair.index], data.train_images[pair.train_index]
        gap = np.full((left.shape[0], max(1, left.shape[1] // 14), left.shape[2]), 255, dtype=np.uint8)
        gallery.show(axes, np.concatenate([left, gap, right], axis=1))
        axes.set_title(
            _caption(part, pair, evidence.class_names), fontsize=8, fontweight="normal", loc="center", color=INK
        )
    return figure


def _caption(part: str, pair: NearDuplicate, class_names: Sequence[str]) -> str:
    names = [gallery.short(class_names[label]) for label in (pair.label, pair.train_label)]
    labels = names[0] if pair.label == pair.train_label else f"{names[0]} | {names[1]}"
    return f"{labels}\n{part} {pair.index} | training {pair.train_index}\ndistance {pair.distance:.3f}"
