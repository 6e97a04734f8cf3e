"""A gate that knows noise: a collection's predictions against those of a reference, image by image.

A drop is compared with two sources of variance, kept apart: test sampling, from the paired differences, and training,
from the seeds of either side. A single-seed side of a stochastic model gives no estimate of the second; that of the
other side is used, or a stated one.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np

from benchmark.analysis import stats
from benchmark.analysis.comparison import Hits, Lookup, hits
from benchmark.analysis.select import ModelSummary, Selection
from benchmark.gate.thresholds import Verdict
from benchmark.utils.format import p_equals

LEVEL = 0.05
# What seeds move the accuracy of this suite's networks by, single images apart, is a tenth or two of a point in the
# reference records; this is lent where neither side has several seeds.
TRAINING_SD_POINTS = 0.2


@dataclasses.dataclass(frozen=True, kw_only=True)
class Limits:
    """What the gate lets pass, in points (per cent of the test images).

    Attributes
    ----------
    tolerance : float
        A drop is a failure if it is significantly larger than this.
    detectable : float
        The gate is sure of a pass only where the drop is surely smaller than this; otherwise the evidence is
        insufficient.
    class_tolerance : float
        As ``tolerance``, for the recall of each class.
    training_sd : float
        Standard deviation of a stochastic model's accuracy over seeds, where neither side shows it.
    """

    tolerance: float = 0.1
    detectable: float = 1.0
    class_tolerance: float = 2.0
    training_sd: float = TRAINING_SD_POINTS


@dataclasses.dataclass(frozen=True)
class Drop:
    """By how many points the reference is ahead, its standard error, and p of it being within the tolerance."""

    points: float
    error: float
    p: float

    @property
    def worst(self) -> float:
        """One-sided 95 % limit of the drop, in points."""
        return self.points + 1.6448536269514722 * self.error


def drop(candidate: np.ndarray, reference: np.ndarray, tolerance: float, training_sd: float) -> Drop:
    """The drop from one model's hits to another's.

    Parameters
    ----------
    candidate, reference : ndarray of bool (n_seeds, n_images)
        On the same images in the same order; the numbers of seeds may differ.
    tolerance, training_sd : float
        In points; 0 for a model in whose training nothing is random.
    """
    from scipy.special import ndtr, stdtr

    found = stats.paired_difference(reference, candidate)
    training = found.training_error**2
    sides = [(stats.training_variance(side.astype(float)), len(side)) for side in (candidate, reference)]
    shown = [(part.variance * n, n) for part, n in sides if n > 1]
    # Of one run: pooled over the sides that show it, each by its degrees of freedom.
    weights = sum(n - 1 for _, n in shown)
    pooled = sum(variance * (n - 1) for variance, n in shown) / weights if weights else (training_sd / 100) ** 2
    training += sum(pooled for _, n in sides if n == 1) if training_sd else 0.0
    error = 100 * math.hypot(found.images_error, math.sqrt(training))
    points = 100 * found.estimate
    distance = (tolerance - points) / error
    # Seeds that estimate the spread are few, and t has longer tails.
    p = float(stdtr(found.degrees, distance) if weights else ndtr(distance))
    return Drop(points, error, p)


def compare(
    candidate: Selection, reference: Selection, lookup: Lookup, limits: Limits, stochastic: dict[str, bool]
) -> list[Verdict]:
    """Compare every model of the reference with the candidate's, if it has it or has lost it.

    ``stochastic`` says of a model's name whether its training is random; of those that it does not know it is
    assumed so. p-values are adjusted by Holm's method over the models, those of classes over models and classes.
    """
    here = {summary.name: summary for summary in candidate.summaries}
    failed = {record.run.model: record for record in candidate.failed}
    verdicts: list[Verdict] = []
    judged: list[tuple[ModelSummary, Hits, Hits, Drop]] = []
    for before in reference.summaries:
        after = here.get(before.name)
        if after is None:
            if before.name in failed:
                reason = f"{failed[before.name].status}: {failed[before.name].reason}"
                verdicts.append(_verdict(candidate, before.name, before.accuracy, None, "fail", reason))
            continue
        why = _unlike(candidate, reference, after, before)
        left, right = (None, None) if why else (hits(after, lookup), hits(before, lookup))
        if isinstance(left, Hits) and isinstance(right, Hits) and left.same_images(right):
            sd = limits.training_sd if stochastic.get(before.name, True) else 0.0
            judged.append((before, left, right, drop(left.right, right.right, limits.tolerance, sd)))
        else:
            why = why or next((side for side in (left, right) if isinstance(side, str)), "the test images differ")
            found = after.accuracy
            verdicts.append(_verdict(candidate, before.name, before.accuracy, found, "not comparable", why))
    adjusted = stats.holm([found.p for *_, found in judged])
    for (before, left, right, dropped), p in zip(judged, adjusted, strict=True):
        accuracy = float(left.right.mean())
        least = before.accuracy - limits.tolerance / 100
        outcome, reason = _judge(dropped, float(p), limits, identical=np.array_equal(left.right, right.right))
        verdicts.append(_verdict(candidate, before.name, least, accuracy, outcome, reason))
    verdicts += _classes(candidate, judged, limits, stochastic)
    return verdicts


def _judge(found: Drop, p: float, limits: Limits, *, identical: bool) -> tuple[str, str]:
    if identical:
        return "pass", "the same images are classified correctly"
    change = f"{-found.points:+.2f} points, standard error {found.error:.2f}"
    if p < LEVEL:
        return "fail", f"{change}: a drop beyond {limits.tolerance:g} points ({p_equals(p, LEVEL)})"
    if found.worst < limits.detectable:
        return "pass", f"{change}: a drop of {limits.detectable:g} points would have been detected"
    return (
        "insufficient evidence",
        f"{change}: the drop may be as large as {found.worst:.2f} points; more seeds would decide",
    )


def _classes(
    candidate: Selection,
    judged: Sequence[tuple[ModelSummary, Hits, Hits, Drop]],
    limits: Limits,
    stochastic: dict[str, bool],
) -> list[Verdict]:
    """Which classes lose recall, significantly and by more than the tolerance."""
    names = candidate.dataset.class_names
    found: list[tuple[str, int, float, float, Drop]] = []
    for before, left, right, _ in judged:
        # Seeds move a class by more than they move the whole: in proportion to the root of its share.
        sd = limits.training_sd * math.sqrt(len(names)) if stochastic.get(before.name, True) else 0.0
        for number in np.unique(left.labels):
            now, then = left.of_class(int(number)).right, right.of_class(int(number)).right
            one = drop(now, then, limits.class_tolerance, sd)
            found.append((before.name, int(number), float(now.mean()), float(then.mean()), one))
    adjusted = stats.holm([one.p for *_, one in found])
    return [
        _verdict(
            candidate,
            f"{name}, recall of {names[number]}",
            then - limits.class_tolerance / 100,
            now,
            "fail",
            f"{-one.points:+.2f} points: a drop beyond {limits.class_tolerance:g} ({p_equals(float(p), LEVEL)})",
        )
        for (name, number, now, then, one), p in zip(found, adjusted, strict=True)
        if p < LEVEL
    ]


def _unlike(candidate: Selection, reference: Selection, after: ModelSummary, before: ModelSummary) -> str:
    """Why two models of one name cannot be compared; empty if they can."""
    here, there = candidate.dataset, reference.dataset
    if here.fingerprint != there.fingerprint:
        return "another version of the data"
    if here.sizes != there.sizes:
        return "other numbers of images"
    changed = after.records[0].model.differences(before.records[0].model)
    return f"another model: {'; '.join(changed)}" if changed else ""


def _verdict(
    candidate: Selection, subject: str, required: float, found: float | None, outcome: str, reason: str
) -> Verdict:
    return Verdict.model_validate(
        {
            "dataset": candidate.dataset.title,
            "profile": candidate.profile,
            "subject": subject,
            "required": required,
            "found": found,
            "outcome": outcome,
            "reason": reason,
        }
    )
