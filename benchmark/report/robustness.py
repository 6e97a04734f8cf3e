"""Accuracy on corrupted test images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmark.analysis.select import Kind, ModelSummary, best
from benchmark.data.corruptions import CORRUPTIONS, corrupt
from benchmark.records.schema import SEVERITIES
from benchmark.report import document as doc
from benchmark.report.evidence import Evidence
from benchmark.utils.format import counted, percent

NAMES = tuple(CORRUPTIONS)


class Robustness:
    """A model's accuracies on corrupted test images, mean over the seeds that have them.

    Attributes
    ----------
    clean : float
        Accuracy of the same seeds on the test images as they are.
    corrupted : ndarray (6, 5)
        By corruption, in the order of ``NAMES``, and by severity.
    n_seeds : int
    """

    def __init__(self, summary: ModelSummary) -> None:
        records = [r for r in summary.records if all(name in r.corruptions for name in NAMES)]
        self.name, self.family, self.n_seeds = summary.name, summary.family, len(records)
        if records:
            self.clean = float(np.mean([r.test.accuracy for r in records if r.test is not None]))
            self.corrupted = np.mean([[r.corruptions[name] for name in NAMES] for r in records], axis=0)

    @property
    def mean(self) -> float:
        """Accuracy over all corruptions and severities."""
        return float(self.corrupted.mean())

    @property
    def drops(self) -> np.ndarray:
        """Points of accuracy lost to each corruption, mean over severities (6,)."""
        return np.asarray((self.clean - self.corrupted.mean(axis=1)) * 100)


def corrupted(evidence: Evidence) -> doc.Section | None:
    """Accuracy on corrupted test images; None where no model was tested on any."""
    models = [model for model in map(Robustness, evidence.summaries) if model.n_seeds]
    if not models:
        return None
    data = evidence.pictures
    return doc.section(
        "robustness",
        "Robustness to corrupted images",
        sentence(models),
        _incomplete(models, evidence) or None,
        chart(models),
        "The test images, corrupted in six ways at five severities. None of this is in the training images; "
        "augmentation, where a model has it, only shifts and rotates them a little. Accuracy, mean over seeds; the "
        "columns by corruption are the points lost, mean over severities, the fewest of each in bold:",
        table(models),
        gallery(np.asarray(data.test_images[:1]), data.name) if data is not None and len(data.test_images) else None,
        doc.Details(
            "What is done at which severity",
            (
                parameters(),
                doc.Paragraph(
                    "What is random (direction, side, noise, place) is drawn anew for every image, the same for every "
                    "model."
                ),
            ),
        ),
    )


def sentence(models: Sequence[Robustness]) -> doc.Text:
    """What is left of the accuracy, and which corruption costs most; no comparison, as none can be tested."""
    drops = np.mean([model.drops for model in models], axis=0)
    worst, order = int(drops.argmax()), sorted(models, key=lambda model: model.mean)
    loss = f"The largest loss is that by {NAMES[worst]}, {drops[worst]:.1f} points"
    if drops[worst] < 0.05:
        loss = "No corruption costs accuracy"
    left = [f"{percent(model.mean)} ({model.name}; clean: {percent(model.clean)})" for model in (order[0], order[-1])]
    first = f"On corrupted images accuracy is {' to '.join(left)}"
    return (
        doc.Strong(first if len(models) > 1 else f"On corrupted images accuracy is {left[0]}"),
        f", mean of all corruptions and severities. {loss}, mean of all models and severities. Predictions of "
        "corrupted images are not recorded, so differences between models are not tested here.",
    )


def _incomplete(models: Sequence[Robustness], evidence: Evidence) -> str:
    """Which of the best models were not tested on corrupted images; empty if all were."""
    tried = {model.name for model in models}
    kinds: tuple[Kind, ...] = ("baseline", "network from scratch", "pre-trained network")
    found = [best(evidence.summaries, kind) for kind in kinds]
    absent = [model.name for model in found if model is not None and model.name not in tried]
    return f"Not among the models tried: {', '.join(absent)}, by validation the best of the kind." if absent else ""


def table(models: Sequence[Robustness]) -> doc.Table:
    """A row per model, the highest corrupted accuracy first."""
    columns = (
        *(doc.words("model"), doc.words("family"), doc.Column("seeds"), doc.Column("clean", percent)),
        doc.Column("corrupted", percent, best="highest"),
        *(doc.Column(name, "{:.1f}".format, best="lowest") for name in NAMES),
    )
    order = sorted(models, key=lambda model: -model.mean)
    rows = [(m.name, m.family, m.n_seeds, m.clean, m.mean, *map(float, m.drops)) for m in order]
    return doc.Table(columns, rows)


def parameters() -> doc.Table:
    """What each corruption does, and its parameter by severity."""
    columns = [doc.words(title) for title in ("corruption", "an image is", "parameter")]
    columns += [doc.Column(str(severity), "{:g}".format) for severity in range(1, SEVERITIES + 1)]
    return doc.Table(columns, [(name, k.description, k.parameter, *k.values) for name, k in CORRUPTIONS.items()])


def chart(models: Sequence[Robustness]) -> doc.Chart:
    """Test accuracy against severity, a panel per corruption; severity 0 is the image as it is."""
    lines = {"mean of all": [model.corrupted.mean(axis=0) for model in models]}
    lines |= {name: [model.corrupted[place] for model in models] for place, name in enumerate(NAMES)}
    severities = range(SEVERITIES + 1)
    x = doc.Axis("severity", ticks={float(s): str(s) if s else "clean" for s in severities})
    panels = [
        doc.Panel(
            title,
            [
                doc.Series(
                    model.name,
                    list(severities),
                    values := [model.clean, *line],
                    model.name,
                    kind="both",
                    dash="solid" if model.family == "network" else "dash",
                    hover=[f"severity {s}: {percent(value)}" for s, value in zip(severities, values, strict=True)],
                )
                for model, line in zip(models, found, strict=True)
            ],
            x,
            doc.Axis("test accuracy", percent=True),
        )
        for title, found in lines.items()
    ]
    alt = f"Test accuracy of {counted(len(models), 'model')} by severity of {len(NAMES)} corruptions."
    return doc.Chart("robustness", alt, panels, "Corruption", printed=(1, None), columns=3, height=2.7)


def gallery(image: np.ndarray, dataset: str) -> doc.Gallery:
    """One image (1, h, w, c) uint8, a row per corruption: as it is, then by severity."""
    items = []
    for name in NAMES:
        items.append(doc.Item(image[0], ["clean"]))
        items += [doc.Item(corrupt(image, name, s, dataset)[0], [f"{name} {s}"]) for s in range(1, SEVERITIES + 1)]
    title = "One test image under every corruption, by severity"
    return doc.Gallery("corruptions", f"{title}.", title, items, columns=SEVERITIES + 1)
