"""A gate that knows noise: a collection's predictions against those of a reference, image by image.

A drop is compared with two sources of variance, kept apart: test sampling, from the paired differences, and training,
from the seeds of both sides together, shrunk towards what the other models' seeds show or what is assumed.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from benchmark.analysis import stats, uncertainty
from benchmark.analysis.hits import ASSUMED_SD, Hits, Lending, Lookup, hits
from benchmark.analysis.select import ModelSummary, Selection
from benchmark.gate.thresholds import Verdict
from benchmark.utils.format import p_equals

LEVEL = 0.05


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
        Standard deviation of a stochastic model's accuracy over seeds, where no model shows it.
    """

    tolerance: float = 0.1
    detectable: float = 1.0
    class_tolerance: float = 2.0
    training_sd: float = 100 * ASSUMED_SD


@dataclasses.dataclass(frozen=True)
class Drop:
    """By how many points the reference is ahead.

    Attributes
    ----------
    points, error : float
        The drop and its standard error.
    p : float
        One-sided, that the drop is within the tolerance.
    worst : float
        One-sided 95 % limit of the drop.
    """

    points: float
    error: float
    p: float
    worst: float


def drop(candidate: np.ndarray, reference: np.ndarray, tolerance: float, lent: uncertainty.SeedVariance | None) -> Drop:
    """The drop from one model's hits to another's.

    Parameters
    ----------
    candidate, reference : ndarray of bool (n_seeds, n_images)
        On the same images in the same order; the numbers of seeds may differ.
    tolerance : float
        In points.
    lent : SeedVariance or None
        To shrink towards; None for a model in whose training nothing is random.
    """
    found = uncertainty.paired_difference(reference, candidate, lent=(lent, lent), same=True, level=1 - 2 * LEVEL)
    return Drop(100 * found.value, 100 * found.standard_error, found.p_beyond(tolerance / 100), 100 * found.high)


def compare(candidate: Selection, reference: Selection, lookup: Lookup, limits: Limits) -> list[Verdict]:
    """Compare every model of the reference with the candidate's, if it has it or has lost it.

    p-values are adjusted by Holm's method over the models, those of classes over models and classes.
    """
    here = {summary.name: summary for summary in candidate.summaries}
    failed = {record.run.model: record for record in candidate.failed}
    verdicts: list[Verdict] = []
    both: list[tuple[ModelSummary, Hits, Hits]] = []
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
            both.append((before, left, right))
        else:
            why = why or next((side for side in (left, right) if isinstance(side, str)), "the test images differ")
            found = after.accuracy
            verdicts.append(_verdict(candidate, before.name, before.accuracy, found, "not comparable", why))
    if not both:
        return verdicts
    lending = _lending(both, limits)
    drops = [drop(left.right, right.right, limits.tolerance, lending.to(right)) for _, left, right in both]
    adjusted = stats.holm([dropped.p for dropped in drops])
    for (before, left, right), dropped, p in zip(both, drops, adjusted, strict=True):
        accuracy = float(left.right.mean())
        least = before.accuracy - limits.tolerance / 100
        outcome, reason = _judge(dropped, float(p), limits, identical=np.array_equal(left.right, right.right))
        verdicts.append(_verdict(candidate, before.name, least, accuracy, outcome, reason))
    verdicts += _classes(candidate, both, limits)
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


def _classes(candidate: Selection, both: Sequence[tuple[ModelSummary, Hits, Hits]], limits: Limits) -> list[Verdict]:
    """Which classes lose recall, significantly and by more than the tolerance."""
    names = candidate.dataset.class_names
    found: list[tuple[str, int, float, float, Drop]] = []
    for number in range(len(names)):
        if number not in both[0][1].labels:
            continue
        lending = _lending(both, limits, number)
        for before, left, right in both:
            now, then = left.of_class(number), right.of_class(number)
            one = drop(now.right, then.right, limits.class_tolerance, lending.to(then))
            found.append((before.name, number, float(now.right.mean()), float(then.right.mean()), one))
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


def _lending(both: Sequence[tuple[ModelSummary, Hits, Hits]], limits: Limits, number: int | None = None) -> Lending:
    """Of the models of both sides, as they are on the same test images."""
    known = [side for _, *sides in both for side in sides]
    return Lending.among(known, known[0], number=number, sd=limits.training_sd / 100)


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
