"""Accuracy by number of training images, and from which size on a network is ahead."""

from __future__ import annotations

import functools
import shlex
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from benchmark.analysis.learning_curve import NETWORKS, Lead, Point, curve, leads, missing, proven
from benchmark.analysis.select import Kind, select
from benchmark.estimators.metrics import Metric
from benchmark.report import document as doc
from benchmark.report import pairwise
from benchmark.report.evidence import Evidence
from benchmark.utils.format import counted

METHOD = (
    "Test {metric}, mean over seeds, with the 95% interval of the mean (Student's t) for three seeds or more; the best "
    "of each size in bold. A seed covers both the draw of training images and the randomness of training; where all "
    "images are used there is no draw, and a deterministic model has one value. The test images are the same "
    "throughout: test sampling is not in the interval."
)
EPOCHS = (
    " Networks train for the same number of epochs at every size, with several passes per epoch over small sets. "
    "Recipes made for small sets might do better there."
)


def efficiency(evidence: Evidence) -> doc.Section | None:
    """Accuracy by number of training images; None where no model is recorded at two sizes."""
    found = curve(evidence.stored, evidence.selection.dataset.fingerprint, evidence.metric.name)
    if not found:
        return None
    info = found[0].summary.records[0].dataset
    questions = _questions(found, evidence)
    return doc.section(
        "efficiency",
        "How many training images each model needs",
        *(sentence(ahead, kind) for kind, ahead in questions.items()),
        _incomplete(found, evidence) or None,
        chart(found, proven(questions.get("network from scratch", {}))),
        METHOD.format(metric=evidence.metric.title),
        table(found),
        "The best network and the best baseline at each size, by validation, compared on the same test "
        "images, draw by draw: what a draw of training images does to both alike cancels. Points are over the "
        "draws that both have; p is adjusted by Holm's method over the sizes of a table:"
        if questions
        else None,
        *(leads_table(ahead, kind) for kind, ahead in questions.items()),
        "Training images are drawn stratified by class; for one seed, the smaller set is part of the larger. Every "
        f"size is validated on the same {info.validation_size:,} images, which choose the epoch and the best of a "
        "family: more validation images than a project with so little data would have."
        + (EPOCHS if any(point.family == "network" for point in found) else ""),
        doc.Listing(_command(found, evidence.collection)),
    )


def answer(evidence: Evidence) -> str:
    """From how many training images on the best network is ahead, in plain words."""
    found = curve(evidence.stored, evidence.selection.dataset.fingerprint, evidence.metric.name)
    if not found:
        return "No model has finished at two sizes, so there is no learning curve."
    questions = _questions(found, evidence)
    if not questions:
        return "No size has both a network and a baseline, so there is nothing to compare."
    said = [doc.plain(sentence(ahead, kind)) for kind, ahead in questions.items()]
    return " ".join(filter(None, [*said, _incomplete(found, evidence)]))


def _questions(found: Sequence[Point], evidence: Evidence) -> dict[Kind, dict[int, Lead]]:
    """The leads of networks trained from scratch and of pre-trained ones, of those that there are."""
    answers = {kind: leads(found, evidence.predictions, kind) for kind in NETWORKS}
    return {kind: ahead for kind, ahead in answers.items() if ahead}


def _incomplete(found: Sequence[Point], evidence: Evidence) -> str:
    """Which of the best models are not in the curve, or not at a size; empty if all are."""
    whole = select(evidence.stored, "full", evidence.metric.name)
    absent = missing(found, whole.summaries if whole is not None else ())
    one, said = len(absent) == 1, []
    if absent:
        said.append(
            f"This holds for the models tried; {' and '.join(absent)}, the best of {'its' if one else 'their'} kind on "
            f"all images, {'is' if one else 'are'} not among them."
        )
    # A size at which the best baseline was not run says little about the best baseline.
    for size in sorted({point.size for point in found}):
        gone = sorted({point.model for point in found} - {point.model for point in found if point.size == size})
        if gone:
            said.append(f"With {size:,} images, {', '.join(gone)} {'has' if len(gone) == 1 else 'have'} no runs.")
    return " ".join(said)


def sentence(ahead: Mapping[int, Lead], kind: Kind) -> doc.Text:
    """From how many training images on the best network of a kind is significantly ahead of the best baseline."""
    network, most, sure = f"best {kind}", max(ahead), proven(ahead)
    if sure is None:
        pair = ahead[most].pair
        behind = pair is not None and pair.verdict == "worse"
        earlier = [
            f"{size:,}" for size, lead in ahead.items() if lead.pair is not None and lead.pair.verdict == "better"
        ]
        what = "significantly behind" if behind else "not shown to be ahead of"
        where = f"with {most:,} training images" if behind or earlier else f"at up to {most:,} training images"
        return (
            doc.Strong(f"The {network} is {what} the best baseline {where}"),
            f", the largest size tried; it is ahead with {' or '.join(earlier)}" if earlier else "",
            f". With {most:,}, {_said(ahead[most])}.",
        )
    fewer = [size for size in ahead if size < sure]
    onward = "and at every larger size" if sure != most else "the largest size tried"
    before = f". With {max(fewer):,}, {_said(ahead[max(fewer)])}" if fewer else ""
    where = f", {onward}" if fewer else f", the smallest size tried, {onward}"
    return (
        doc.Strong(f"The {network} is significantly ahead of the best baseline from {sure:,} training images on"),
        f"{where}: with {sure:,}, {_said(ahead[sure])}{before}.",
    )


def _said(lead: Lead) -> str:
    """The comparison at one size, in words."""
    both = f"{lead.network.model} against {lead.baseline.model}"
    if lead.pair is None:
        return f"{both} is not tested ({_metric(lead).difference(lead.points)}{_metric(lead).points}; {lead.why})"
    more = f", {pairwise.extent(lead.pair)}" if lead.pair.verdict == pairwise.LEVEL else ""
    return f"{both}: {pairwise.evidence(lead.pair)}{more}"


def _metric(lead: Lead) -> Metric:
    return lead.network.summary.metric


def table(found: Sequence[Point]) -> doc.Table:
    """A row per model, the best at the largest size first; a column per size."""
    sizes = sorted({point.size for point in found})
    by_cell = {(point.model, point.size): point for point in found}
    families = {point.model: point.family for point in found}
    metric = found[0].summary.metric

    def rank(model: str) -> list[float]:
        return [-metric.lead(by_cell[model, size].mean, 0.0) for size in sizes[::-1] if (model, size) in by_cell]

    order = sorted(families, key=rank)
    rows = []
    for model in order:
        seeds = sorted({len(point.values) for point in found if point.model == model})
        means = [
            (point.mean, point.half_width) if (point := by_cell.get((model, size))) is not None else None
            for size in sizes
        ]
        rows.append((model, families[model], " to ".join(map(str, dict.fromkeys((seeds[0], seeds[-1])))), *means))
    best: Literal["highest", "lowest"] = "highest" if metric.higher else "lowest"
    columns = [doc.Column(f"{size:,}", functools.partial(_mean, metric), best=best, absent="-") for size in sizes]
    return doc.Table((doc.words("model"), doc.words("family"), doc.Column("seeds"), *columns), rows)


def _mean(metric: Metric, value: tuple[float, float | None]) -> str:
    mean, half_width = value
    width = "" if half_width is None else f" ± {half_width * (100 if metric.percent else 1):.{metric.digits}f}"
    return f"{metric.text(mean)}{width}"


def leads_table(ahead: Mapping[int, Lead], kind: Kind) -> doc.Table:
    metric = _metric(next(iter(ahead.values())))
    columns = (
        *(doc.Column("training images", "{:,}".format), doc.words(kind), doc.Column(metric.title, metric.text)),
        *(
            doc.words("baseline"),
            doc.Column(metric.title, metric.text),
            doc.Column(metric.points.strip() or "difference", metric.difference),
            doc.words("evidence for the network"),
        ),
    )
    rows = [
        (
            *(size, lead.network.model, lead.network.mean, lead.baseline.model, lead.baseline.mean, lead.points),
            "not tested" if lead.pair is None else pairwise.evidence(lead.pair),
        )
        for size, lead in ahead.items()
    ]
    return doc.Table(columns, rows)


def chart(found: Sequence[Point], crossing: int | None) -> doc.Chart:
    """The metric against training images, the latter logarithmic; intervals where there are any."""
    metric = found[0].summary.metric
    found = [point for point in found if not np.isnan(point.mean)]
    sizes = sorted({point.size for point in found})
    last = {point.model: point.mean for point in found}  # By model, then by size.
    series = []
    for model in sorted(last, key=lambda name: -metric.lead(last[name], 0.0)):
        line = [point for point in found if point.model == model]
        half = [point.half_width or 0.0 for point in line]
        series.append(
            doc.Series(
                model,
                [point.size for point in line],
                [point.mean for point in line],
                model,
                kind="both",
                dash="solid" if line[0].family == "network" else "dash",
                # Intervals may reach beyond what metrics can.
                y_range=[
                    (p.mean - h, min(p.mean + h, 1.0) if metric.higher else p.mean + h)
                    for p, h in zip(line, half, strict=True)
                ],
                hover=[f"{p.size:,} images: {_mean(metric, (p.mean, p.half_width))}" for p in line],
            )
        )
    title = f"Test {metric.title} by number of training images"
    if crossing is not None:
        title += f"; best network from scratch significantly ahead from {crossing:,} on"
    panel = doc.Panel(
        title,
        series,
        doc.Axis("training images (logarithmic)", log=True, ticks={float(size): f"{size:,}" for size in sizes}),
        doc.Axis(f"test {metric.title}", percent=metric.percent),
        guide=crossing,
    )
    return doc.Chart("efficiency", f"{title}, for {counted(len(last), 'model')}.", [panel], columns=1, height=4.8)


def _command(found: Sequence[Point], collection: str) -> str:
    # The whole set may have been run with more seeds, for the leaderboard's sake.
    drawn = [point for point in found if point.summary.records[0].run.profile != "full"] or found
    seeds = max(len(point.values) for point in drawn)
    models, sizes = sorted({point.model for point in found}), sorted({point.size for point in found})
    dataset = found[0].summary.records[0].run.dataset
    options = ["--sizes", ",".join(map(str, sizes)), "--seeds", str(seeds), "--dataset", dataset]
    options += [] if collection in ("", "local") else ["--collection", collection]
    return shlex.join(["python", "-m", "benchmark", "curve", *models, *options])
