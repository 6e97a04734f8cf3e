"""The part of a report on corrupted test images: how much of its accuracy each model keeps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from benchmark.analysis.select import ModelSummary
from benchmark.data.corruptions import CORRUPTIONS, corrupt
from benchmark.records.schema import SEVERITIES
from benchmark.report.evidence import Evidence, Section
from benchmark.report.style import FAMILIES, WIDTH, colours, legend_below, marker
from benchmark.utils.markdown import escape
from benchmark.utils.markdown import table as markdown

CHART, PICTURE = "robustness.png", "corruptions.png"
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
    def drops(self) -> np.ndarray:
        """Points of accuracy lost to each corruption, mean over severities (6,)."""
        return np.asarray((self.clean - self.corrupted.mean(axis=1)) * 100)


def section(evidence: Evidence) -> Section | None:
    """Accuracy on corrupted test images; None where no model has been shown any."""
    found = [kept for kept in map(Robustness, evidence.summaries) if kept.n_seeds]
    if not found:
        return None
    figures = {CHART: chart(found)}
    images = None if evidence.data is None else evidence.data.test_images
    parts = [
        "## Corrupted images",
        sentence(found),
        f"![Test accuracy by severity of each corruption]({CHART})",
        "The test images, spoilt in six ways at five severities. None of this is in the training images; augmentation, "
        "where a model has it, moves and turns them a little. Accuracy, mean over seeds; the columns by corruption "
        "are the points lost, mean over severities, the least of each in bold:",
        table(found),
    ]
    if images is not None and len(images):
        parts.append(f"![One test image under every corruption]({PICTURE})")
        figures[PICTURE] = picture(np.asarray(images[:1]), evidence.data.name if evidence.data else "")
    parts.append(
        "<details>\n<summary>What is done at which severity</summary>\n\n"
        f"{parameters()}\n\nWhat is left to chance (direction, side, noise, place) is drawn anew for every image, "
        "the same for every model.\n\n</details>"
    )
    return Section("\n\n".join(parts), figures)


def sentence(found: Sequence[Robustness]) -> str:
    """Which family loses more, and which corruption hurts most."""
    lost = {
        family: float(np.mean([kept.drops.mean() for kept in found if kept.family == family]))
        for family in FAMILIES
        if any(kept.family == family for kept in found)
    }
    drops = np.mean([kept.drops for kept in found], axis=0)
    worst = int(drops.argmax())
    hurts = f"What hurts most is {NAMES[worst]}: {drops[worst]:.1f} points, mean of all models and severities."
    keeps = max(found, key=lambda kept: float(kept.corrupted.mean()))
    most = f"{escape(keeps.name)} keeps the highest accuracy, {keeps.corrupted.mean():.2%} after {keeps.clean:.2%}."
    if len(lost) < 2:
        ((family, points),) = lost.items()
        return (
            f"**Corruptions cost the {FAMILIES[family]}s {points:.1f} points of accuracy on average.** {hurts} {most}"
        )
    more, less = sorted(lost, key=lambda family: -lost[family])
    if f"{lost[more]:.1f}" == f"{lost[less]:.1f}":
        return (
            f"**Networks and baselines lose as much to corruptions, {lost[more]:.1f} points of accuracy on average.** "
            f"{hurts} {most}"
        )
    return (
        f"**The {FAMILIES[more]}s lose more to corruptions, {lost[more]:.1f} points of accuracy on average, the "
        f"{FAMILIES[less]}s {lost[less]:.1f}.** {hurts} {most}"
    )


def table(found: Sequence[Robustness]) -> str:
    """A row a model, the highest corrupted accuracy first."""
    least = np.min([kept.drops for kept in found], axis=0)
    highest = max(float(kept.corrupted.mean()) for kept in found)
    rows = []
    for kept in sorted(found, key=lambda kept: -float(kept.corrupted.mean())):
        mean = float(kept.corrupted.mean())
        rows.append(
            [
                escape(kept.name),
                FAMILIES[kept.family],
                str(kept.n_seeds),
                f"{kept.clean:.4f}",
                f"**{mean:.4f}**" if mean == highest else f"{mean:.4f}",
                *(f"**{d:.1f}**" if d == low else f"{d:.1f}" for d, low in zip(kept.drops, least, strict=True)),
            ]
        )
    return markdown(["model", "family", "seeds", "clean", "corrupted", *NAMES], rows, n_left=2)


def parameters() -> str:
    """What each corruption does, and its parameter by severity."""
    rows = [
        [name, kind.description, kind.parameter, *(f"{value:g}" for value in kind.values)]
        for name, kind in CORRUPTIONS.items()
    ]
    severities = [str(severity) for severity in range(1, SEVERITIES + 1)]
    return markdown(["corruption", "an image is", "parameter", *severities], rows, n_left=3)


def chart(found: Sequence[Robustness]) -> Figure:
    """Test accuracy against severity, a panel a corruption; severity 0 is the image as it is."""
    paint = colours(kept.name for kept in found)
    figure = Figure(figsize=(WIDTH, 5.6), layout="constrained")
    panels = figure.subplots(2, 3, sharex=True, sharey=True)
    for place, (name, axes) in enumerate(zip(NAMES, panels.flat, strict=True)):
        for kept in found:
            axes.plot(
                range(SEVERITIES + 1),
                [kept.clean, *kept.corrupted[place]],
                color=paint[kept.name],
                marker=marker(kept.name, kept.family),
                markersize=4.5,
                linewidth=1.3,
                linestyle="-" if kept.family == "network" else "--",
                label=kept.name,
            )
        axes.set_title(name)
        axes.grid(True)
        axes.set_xticks(range(SEVERITIES + 1), ["clean", *map(str, range(1, SEVERITIES + 1))])
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value * 100:.3g}%"))
    for axes in panels[:, 0]:
        axes.set_ylabel("test accuracy")
    for axes in panels[-1]:
        axes.set_xlabel("severity")
    handles, labels = panels[0, 0].get_legend_handles_labels()
    legend_below(figure, handles, labels)
    return figure


def picture(image: np.ndarray, dataset: str) -> Figure:
    """One image (1, h, w, c) uint8, a row a corruption: as it is, then by severity."""
    figure = Figure(figsize=(WIDTH * 0.75, WIDTH * 0.78), layout="constrained")
    panels = figure.subplots(len(NAMES), SEVERITIES + 1)
    for name, row in zip(NAMES, panels, strict=True):
        for severity, axes in enumerate(row):
            shown = image[0] if severity == 0 else corrupt(image, name, severity, dataset)[0]
            axes.imshow(shown[:, :, 0] if shown.shape[2] == 1 else shown, cmap="gray", vmin=0, vmax=255)
            axes.set_xticks([])
            axes.set_yticks([])
            axes.spines[:].set_visible(False)
        row[0].set_ylabel(name)
    for severity, axes in enumerate(panels[0]):
        axes.set_title("clean" if severity == 0 else str(severity), fontsize=10, loc="center")
    figure.suptitle("Severity", fontsize=11, fontweight="bold")
    return figure
