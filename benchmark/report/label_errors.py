"""Suspect labels and near duplicates: how far the images and labels themselves can be trusted."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from benchmark.analysis import label_errors as suspects
from benchmark.analysis.select import best
from benchmark.report import gallery
from benchmark.report import near_duplicates as duplicates
from benchmark.report.evidence import Evidence, Section
from benchmark.report.style import INK
from benchmark.utils import markdown as md

SHOWN, COLUMNS = 20, 5
PARTS = ("test", "validation")
Judges = dict[str, list[dict[str, np.ndarray]]]  # By name of the model, its predictions by seed.


@dataclasses.dataclass(frozen=True)
class Doubts:
    """The suspects of one part: ``index`` (n,) are its images' places in the data set, ``probabilities`` (n, k)
    those that the suspects rest on."""

    index: np.ndarray
    probabilities: np.ndarray
    found: suspects.Suspects


def section(evidence: Evidence) -> Section | None:
    """What confident learning doubts, what that does to the models' order, and near duplicates.

    None if no model has probabilities and the data set has not been audited.
    """
    judges = _judges(evidence)
    doubts = {part: _doubts(judges, part) for part in PARTS} if judges else {}
    audit = duplicates.read(evidence)
    if not doubts and audit is None:
        return None
    parts, figures = ["## Suspect labels and near duplicates"], {}
    if doubts:
        parts.append(_told(evidence, judges, doubts))
        pictures = _gallery(evidence, doubts["test"])
        if pictures is not None:
            figures["suspects.png"] = pictures
            parts.append("![The most suspect labels of test images](suspects.png)")
        parts.append(_ranking(evidence, judges, doubts["test"]))
    parts.append(duplicates.told(evidence, audit))
    pictures = None if audit is None else duplicates.pictures(evidence, audit)
    if pictures is not None:
        figures["near-duplicates.png"] = pictures
        parts.append("![Near duplicates side by side](near-duplicates.png)")
    return Section("\n\n".join(part for part in parts if part), figures)


def _judges(evidence: Evidence) -> Judges:
    """The best of either family on the validation images, of the models that have probabilities, as far as their
    predictions can be read."""
    judges = {}
    for family in ("baseline", "network"):
        judge = best((s for s in evidence.summaries if s.has_probabilities), family)
        read = [] if judge is None else [evidence.predictions(stored) for stored in judge.stored]
        seeds = [arrays for arrays in read if arrays is not None and _has_probabilities(arrays)]
        if judge is not None and seeds:
            judges[judge.name] = seeds
    return judges


def _has_probabilities(arrays: Mapping[str, np.ndarray]) -> bool:
    return all(f"{part}_probabilities" in arrays for part in PARTS)


def _doubts(judges: Judges, part: str) -> Doubts:
    """Suspects by the mean probabilities of ``judges``."""
    first = next(iter(judges.values()))[0]
    probabilities = suspects.average([[arrays[f"{part}_probabilities"] for arrays in js] for js in judges.values()])
    return Doubts(first[f"{part}_index"], probabilities, suspects.find(first[f"{part}_labels"], probabilities))


def _told(evidence: Evidence, judges: Judges, doubts: Mapping[str, Doubts]) -> str:
    names = " and ".join(
        f"{md.escape(name)} ({len(seeds)} seed{'s' * (len(seeds) > 1)})" for name, seeds in judges.items()
    )
    counts = " and ".join(
        f"{len(d.found):,} of {len(d.index):,} {part} images ({len(d.found) / len(d.index):.2%})"
        for part, d in doubts.items()
    )
    lines = [
        f"Confident learning (Northcutt et al. 2021) doubts the labels of {counts}. It rests on the probabilities of "
        f"{names}, averaged over seeds and then over models: of the models that have probabilities, the best of either "
        "family on the validation images. None was fitted on the images that are judged, but networks stop training "
        "by the validation images.",
        "A suspect is not yet an error. Models that agree on two classes that are easily confused prove nothing about "
        "the label, and an image that is merely hard looks the same as one that is mislabelled: only a person who "
        "looks at it can tell.",
    ]
    found = Counter[tuple[int, int]]()
    for d in doubts.values():
        found.update(zip(d.found.given.tolist(), d.found.suggested.tolist(), strict=True))
    if found:
        pairs = sorted(found.items(), key=lambda item: (-item[1], item[0]))[:5]
        escaped = [md.escape(name) for name in evidence.class_names]
        rows = [[escaped[given], escaped[suggested], f"{n:,}"] for (given, suggested), n in pairs]
        lines += ["Doubted most often:", md.table(["label", "suggested instead", "images"], rows, n_left=2)]
    return "\n\n".join(lines)


def _ranking(evidence: Evidence, judges: Judges, doubts: Doubts) -> str:
    """Every model's accuracy with and without the suspects, and whether its place changes."""
    if not len(doubts.found):
        return ""
    kept = np.ones(len(doubts.index), dtype=bool)
    kept[doubts.found.index] = False
    if not kept.any():
        return ""
    rows = []
    for s in evidence.summaries:
        read = [arrays for stored in s.stored if (arrays := evidence.predictions(stored)) is not None]
        hits = [a["test_predicted"] == a["test_labels"] for a in read]
        if hits:
            right = np.mean(hits, axis=0)
            rows.append((s.name, float(right.mean()), float(right[kept].mean())))
    before, after = _places([row[1] for row in rows]), _places([row[2] for row in rows])
    moved = sum(b != a for b, a in zip(before, after, strict=True))
    table = [
        [
            md.escape(name),
            f"{every:.4f}",
            f"{without:.4f}",
            f"{(without - every) * 100:+.2f} points",
            str(b),
            str(a),
        ]
        for (name, every, without), b, a in zip(rows, before, after, strict=True)
    ]
    order = (
        "The order of the models stays the same" if not moved else f"{moved} of {len(rows)} models change their place"
    )
    return "\n\n".join(
        [
            f"Test accuracy, mean over seeds, with the suspects and without them. {order}.",
            md.table(["model", "all images", "without suspects", "change", "place", "place without"], table, n_left=1),
            "Who picks the suspects gains by leaving them out: on each of them the mean of "
            f"{' and '.join(md.escape(name) for name in judges)} differs from the label by construction.",
        ]
    )


def _places(accuracies: Sequence[float]) -> list[int]:
    return [sum(other > accuracy for other in accuracies) + 1 for accuracy in accuracies]


def _gallery(evidence: Evidence, doubts: Doubts) -> Figure | None:
    """The most suspect test images with their labels, the suggested ones, and the probabilities of both."""
    places = doubts.found.index[:SHOWN]
    images = None if evidence.data is None else evidence.data.test_images
    if images is None or not len(places) or doubts.index.max() >= len(images):
        return None
    names = [gallery.short(name) for name in evidence.class_names]
    figure, cells = gallery.grid(
        f"The most suspect labels: {len(places)} of {len(doubts.found):,} test images", len(places), COLUMNS, 1.95
    )
    for cell, place, given, suggested in zip(cells, places, doubts.found.given, doubts.found.suggested, strict=False):
        axes = figure.add_subplot(cell)
        gallery.show(axes, images[doubts.index[place]])
        p = doubts.probabilities[place]
        lines = (
            f"label {names[given]}: {gallery.per_cent(p[given])}",
            f"rather {names[suggested]}: {gallery.per_cent(p[suggested])}",
        )
        axes.set_title("\n".join(lines), fontsize=8.5, fontweight="normal", loc="center", color=INK)
    return figure
