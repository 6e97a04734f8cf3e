"""Suspect labels and near duplicates: how far the images and labels themselves can be trusted."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import SubplotSpec

from benchmark import suspects
from benchmark.records import AUDIT, Problem, read_audit
from benchmark.report import tables
from benchmark.report.evidence import Evidence, Section
from benchmark.report.gallery import per_cent
from benchmark.report.style import INK, WIDTH, plain
from benchmark.schema import DataAudit, NearDuplicate
from benchmark.summary import ModelSummary, best

SHOWN, COLUMNS = 20, 5
PAIRS_SHOWN, PAIR_COLUMNS = 12, 4
PARTS = ("test", "validation")
LONGEST = 20  # Letters of a class name that a picture has room for.


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
    judges = [
        judge
        for family in ("classical", "deep")
        if (judge := best((s for s in evidence.summaries if s.has_probabilities), family)) is not None
    ]
    doubts = {part: found for part in PARTS if (found := _doubts(evidence, judges, part)) is not None}
    audit = _audit(evidence)
    if not doubts and audit is None:
        return None
    parts, figures = ["## Suspect labels and near duplicates"], {}
    if doubts:
        parts.append(_told(evidence, judges, doubts))
    if "test" in doubts:
        gallery = _gallery(evidence, doubts["test"])
        if gallery is not None:
            figures["suspects.png"] = gallery
            parts.append("![The most suspect labels of test images](suspects.png)")
        parts.append(_ranking(evidence, judges, doubts["test"]))
    parts.append(_duplicates(evidence, audit))
    pictures = None if audit is None else _pairs(evidence, audit)
    if pictures is not None:
        figures["near-duplicates.png"] = pictures
        parts.append("![Near duplicates side by side](near-duplicates.png)")
    return Section("\n\n".join(part for part in parts if part), figures)


def _doubts(evidence: Evidence, judges: Sequence[ModelSummary], part: str) -> Doubts | None:
    """Suspects by the mean probabilities of ``judges``; None if no predictions can be read."""
    voices, labels, index = [], None, None
    for judge in judges:
        seeds = [arrays for stored in judge.stored if (arrays := evidence.predictions(stored)) is not None]
        if not seeds:
            continue
        if index is None:
            labels, index = seeds[0][f"{part}_labels"], seeds[0][f"{part}_index"]
        voices.append([s[f"{part}_probabilities"] for s in seeds if np.array_equal(s[f"{part}_index"], index)])
    voices = [voice for voice in voices if voice]
    if labels is None or index is None or not voices:
        return None
    probabilities = suspects.average(voices)
    return Doubts(index, probabilities, suspects.find(labels, probabilities))


def _told(evidence: Evidence, judges: Sequence[ModelSummary], doubts: dict[str, Doubts]) -> str:
    names = " and ".join(
        f"{tables.escape(judge.name)} ({len(judge.stored)} seed{'s' * (len(judge.stored) > 1)})" for judge in judges
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
        escaped = [tables.escape(name) for name in evidence.class_names]
        rows = [[escaped[given], escaped[suggested], f"{n:,}"] for (given, suggested), n in pairs]
        lines += ["Doubted most often:", tables.markdown(["label", "suggested instead", "images"], rows, n_left=2)]
    return "\n\n".join(lines)


def _ranking(evidence: Evidence, judges: Sequence[ModelSummary], doubts: Doubts) -> str:
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
        hits = [a["test_predicted"] == a["test_labels"] for a in read if np.array_equal(a["test_index"], doubts.index)]
        if hits:
            right = np.mean(hits, axis=0)
            rows.append((s.name, float(right.mean()), float(right[kept].mean())))
    before, after = _places([row[1] for row in rows]), _places([row[2] for row in rows])
    moved = sum(b != a for b, a in zip(before, after, strict=True))
    table = [
        [
            tables.escape(name),
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
            tables.markdown(
                ["model", "all images", "without suspects", "change", "place", "place without"], table, n_left=1
            ),
            "Who picks the suspects gains by leaving them out: on each of them the mean of "
            f"{' and '.join(tables.escape(judge.name) for judge in judges)} differs from the label by construction.",
        ]
    )


def _places(accuracies: Sequence[float]) -> list[int]:
    return [sum(other > accuracy for other in accuracies) + 1 for accuracy in accuracies]


def _audit(evidence: Evidence) -> DataAudit | None:
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


def _duplicates(evidence: Evidence, audit: DataAudit | None) -> str:
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
        tables.markdown(
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


def _gallery(evidence: Evidence, doubts: Doubts) -> Figure | None:
    """The most suspect test images with their labels, the suggested ones, and the probabilities of both."""
    places = doubts.found.index[:SHOWN]
    images = None if evidence.data is None else evidence.data.test_images
    if images is None or not len(places) or doubts.index.max() >= len(images):
        return None
    names = [_short(name) for name in evidence.class_names]
    figure, cells = _grid(
        f"The most suspect labels: {len(places)} of {len(doubts.found):,} test images", len(places), COLUMNS, 1.95
    )
    for cell, place, given, suggested in zip(cells, places, doubts.found.given, doubts.found.suggested, strict=False):
        axes = figure.add_subplot(cell)
        _show(axes, images[doubts.index[place]])
        p = doubts.probabilities[place]
        lines = f"label {names[given]}: {per_cent(p[given])}", f"rather {names[suggested]}: {per_cent(p[suggested])}"
        axes.set_title("\n".join(lines), fontsize=8.5, fontweight="normal", loc="center", color=INK)
    return figure


def _pairs(evidence: Evidence, audit: DataAudit) -> Figure | None:
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
    shown = near[:PAIRS_SHOWN]
    title = f"Near duplicates: {len(shown)} of {total:,}, the training image to the right"
    figure, cells = _grid(title, len(shown), PAIR_COLUMNS, 1.45)
    for cell, (part, pair) in zip(cells, shown, strict=False):
        axes = figure.add_subplot(cell)
        images = data.test_images if part == "test" else data.train_images
        left, right = images[pair.index], data.train_images[pair.train_index]
        gap = np.full((left.shape[0], max(1, left.shape[1] // 14), left.shape[2]), 255, dtype=np.uint8)
        _show(axes, np.concatenate([left, gap, right], axis=1))
        axes.set_title(
            _caption(part, pair, evidence.class_names), fontsize=8, fontweight="normal", loc="center", color=INK
        )
    return figure


def _caption(part: str, pair: NearDuplicate, class_names: Sequence[str]) -> str:
    names = [_short(class_names[label]) for label in (pair.label, pair.train_label)]
    labels = names[0] if pair.label == pair.train_label else f"{names[0]} | {names[1]}"
    return f"{labels}\n{part} {pair.index} | training {pair.train_index}\ndistance {pair.distance:.3f}"


def _grid(title: str, n: int, columns: int, height: float) -> tuple[Figure, list[SubplotSpec]]:
    """A figure with room for ``n`` pictures, ``height`` inches a row."""
    rows = -(-n // columns)
    figure = Figure(figsize=(WIDTH, 0.45 + height * rows), layout="constrained")
    figure.suptitle(title, x=0.01, ha="left", fontsize=11, fontweight="bold")
    grid = figure.add_gridspec(rows, columns)
    return figure, [grid[slot // columns, slot % columns] for slot in range(n)]


def _show(axes: Axes, image: np.ndarray) -> None:
    axes.imshow(image if image.shape[2] == 3 else image[..., 0], cmap="gray", vmin=0, vmax=255)
    axes.axis("off")


def _short(name: str) -> str:
    line = " ".join(name.split())
    return plain(line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…")
