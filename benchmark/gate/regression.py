"""A gate that knows noise: a collection's predictions against those of a reference, image by image.

A drop is compared with two sources of variance, kept apart: test sampling, from the paired differences, and training,
from the seeds of both sides together, shrunk towards what the other models' seeds show or what is assumed.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Sequence

import numpy as np

from benchmark.analysis import seed_variance, stats, uncertainty
from benchmark.analysis.hits import Hits, Lending, Lookup, hits
from benchmark.analysis.select import ModelSummary, Selection
from benchmark.errors import UserError
from benchmark.estimators.metrics import METRICS, Metric
from benchmark.gate.thresholds import Verdict
from benchmark.utils.format import p_equals, points

LEVEL = 0.05
WILD_SD = 0.05  # Standard deviation of accuracy over seeds beyond which nothing that is trained is expected to vary.
KNOWN = 1e9  # Degrees of freedom of a variance that is not estimated.
SAME = "the same images are classified correctly"
MORE = ("more test images", "more seeds")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Limits:
    """What the gate lets pass, in points: of a metric that is no share, in hundredths.

    Attributes
    ----------
    tolerance : float
        A drop is a failure if it is significantly larger than this.
    detectable : float
        A model passes only where its drop is smaller than this with 95 % confidence; otherwise the evidence is
        insufficient. Above ``tolerance``.
    class_tolerance : float
        As ``tolerance``, for the recall of each class.
    training_sd : float or None
        Standard deviation of a stochastic model's accuracy over seeds, where models do not show it. None assumes 0.2
        where there are enough training images, and otherwise nothing: see :class:`benchmark.analysis.hits.Lending`.
    """

    tolerance: float = 0.1
    detectable: float = 1.0
    class_tolerance: float = 2.0
    training_sd: float | None = None

    def __post_init__(self) -> None:
        if self.detectable <= self.tolerance:
            raise UserError(
                f"A drop of {_limit(self.tolerance)} is let pass, so that one below {_limit(self.detectable)} "
                "cannot be demanded.",
                "Choose a --detectable above --tolerance.",
            )


@dataclasses.dataclass(frozen=True)
class Drop:
    """By how many points, or hundredths, the reference is ahead.

    Attributes
    ----------
    points, error : float
        The drop and its standard error.
    p : float
        One-sided, that the drop is within the tolerance.
    worst : float
        One-sided 95 % limit of the drop.
    cure : str
        What would make the error smaller: more seeds or, for a model in which nothing is random, more test images.
    """

    points: float
    error: float
    p: float
    worst: float
    cure: str


def drop(
    candidate: np.ndarray,
    reference: np.ndarray,
    tolerance: float,
    lent: seed_variance.SeedVariance | None,
    like: Hits | None = None,
) -> Drop:
    """The drop from one model's hits to another's.

    Parameters
    ----------
    candidate, reference : ndarray of bool (n_seeds, n_images)
        On the same images in the same order; the numbers of seeds may differ.
    tolerance : float
        In points.
    lent : SeedVariance or None
        To shrink towards; None for a model in whose training nothing is random.
    like : Hits or None
        Whose metric and images they are, if they are not hits but contributions to a metric.
    """
    classes, points = (None, 100.0) if like is None else (like.classes, 100 * like.metric.span)
    found = uncertainty.paired_difference(
        reference, candidate, lent=(lent, lent), same=True, level=1 - 2 * LEVEL, classes=classes
    )
    p, cure = found.p_beyond(tolerance / points), MORE[lent is not None or len(candidate) + len(reference) > 2]
    return Drop(points * found.value, points * found.standard_error, p, points * found.high, cure)


def compare(candidate: Selection, reference: Selection, lookup: Lookup, limits: Limits) -> list[Verdict]:
    """Compare every model of the reference with the candidate's; one that it has not is missing.

    p-values are adjusted by Holm's method over the models, those of classes over models and classes.
    """
    here = {summary.name: summary for summary in candidate.summaries}
    failed = {record.run.model: record for record in candidate.failed}
    verdicts: list[Verdict] = []
    both: list[tuple[ModelSummary, Hits, Hits]] = []
    for before in reference.summaries:
        after, least = here.get(before.name), _required(before, limits)
        if after is None:
            outcome, reason = "missing", "no finished run to compare"
            if before.name in failed:
                outcome, reason = "fail", f"{failed[before.name].status}: {failed[before.name].reason}"
            verdicts.append(_verdict(candidate, before.name, least, None, outcome, reason))
            continue
        for record in candidate.failed:
            if record.run.model == before.name:
                seed, reason = f"{before.name}, seed {record.run.seed}", f"{record.status}: {record.reason}"
                verdicts.append(_verdict(candidate, seed, least, None, "fail", reason))
        why = _unlike(candidate, reference, after, before)
        left, right = (None, None) if why else (hits(after, lookup), hits(before, lookup))
        unread = left if isinstance(left, str) else f"{right} (of the reference)" if isinstance(right, str) else ""
        if isinstance(left, Hits) and isinstance(right, Hits) and left.same_images(right):
            both.append((before, left, right))
        else:
            outcome, found = "missing" if unread else "not comparable", after.value
            reason = why or unread or "the test images differ"
            verdicts.append(_verdict(candidate, before.name, least, found, outcome, reason))
    if not both:
        return verdicts
    lending = _lending(both, limits)
    unknown = {before.name for before, *sides in both if _unknown(sides, lending)}
    known = [one for one in both if one[0].name not in unknown]
    verdicts += [_unjudged(candidate, *one, limits) for one in both if one[0].name in unknown]
    if known:
        verdicts += _judged(candidate, known, limits)
    return verdicts + _classes(candidate, both, unknown, limits)


def _required(before: ModelSummary, limits: Limits) -> float:
    return before.value - limits.tolerance / 100 * (1 if before.metric.higher else -1)


def _unknown(sides: Sequence[Hits], lending: Lending) -> bool:
    """Whether as good as nothing is known of how the model varies with the seed."""
    left, right = sides
    known = seed_variance.degrees_known((len(left.right), len(right.right)), [lending.to(left, right)])
    return right.stochastic and known < seed_variance.FEWEST_DEGREES


def _unjudged(candidate: Selection, before: ModelSummary, left: Hits, right: Hits, limits: Limits) -> Verdict:
    """Of runs alone only a collapse can be told from what seeds do."""
    wild = seed_variance.SeedVariance(WILD_SD**2, 0.0, KNOWN)
    worst = drop(left.values, right.values, limits.tolerance, wild, left)
    between = f"{_change(-worst.points, before.metric)} between so few seeds"
    outcome, reason = (
        "insufficient evidence",
        f"{between}: how much they matter is unknown; more seeds or --training-sd would decide",
    )
    if np.array_equal(left.values, right.values):
        outcome, reason = "pass", SAME
    elif worst.p < LEVEL:
        outcome = "fail"
        by = f"{before.metric.title} by {_limit(100 * WILD_SD, before.metric)}"
        reason = f"{between}: more than seeds that move {by} explain"
    return _verdict(candidate, before.name, _required(before, limits), left.value, outcome, reason)


def _judged(candidate: Selection, both: Sequence[tuple[ModelSummary, Hits, Hits]], limits: Limits) -> list[Verdict]:
    """The verdicts on models of which enough is known."""
    lending, verdicts = _lending(both, limits), []
    drops = [
        drop(left.values, right.values, limits.tolerance, lending.to(left, right), left) for _, left, right in both
    ]
    adjusted = stats.holm([dropped.p for dropped in drops])
    for (before, left, right), dropped, p in zip(both, drops, adjusted, strict=True):
        identical = np.array_equal(left.values, right.values)
        outcome, reason = _judge(dropped, float(p), limits, left.metric, identical=identical)
        verdicts.append(_verdict(candidate, before.name, _required(before, limits), left.value, outcome, reason))
    return verdicts


def _judge(found: Drop, p: float, limits: Limits, metric: Metric, *, identical: bool) -> tuple[str, str]:
    if identical:
        return "pass", SAME
    change = f"{_change(-found.points, metric)}, standard error {_amount(found.error, metric)}"
    if p < LEVEL:
        return "fail", f"{change}: a drop beyond {_limit(limits.tolerance, metric)} ({p_equals(p, LEVEL)})"
    if found.worst < limits.detectable:
        return "pass", f"{change}: with 95% confidence any drop is below {_limit(limits.detectable, metric)}"
    return (
        "insufficient evidence",
        f"{change}: the drop may be as large as {_amount(found.worst, metric)}{metric.points}; {found.cure} "
        "would decide",
    )


def _limit(value: float, metric: Metric = METRICS["accuracy"]) -> str:
    """A limit in points or hundredths, in words."""
    return f"{value:g} point{'' if value == 1 else 's'}" if metric.percent else f"{value / 100:g}"


def _amount(value: float, metric: Metric) -> str:
    """As many points, or hundredths."""
    return f"{value if metric.percent else value / 100:.{metric.digits}f}"


def _change(value: float, metric: Metric) -> str:
    """As many points or hundredths, with their sign."""
    return f"{metric.difference(value if metric.percent else value / 100)}{metric.points}"


def _classes(
    candidate: Selection, both: Sequence[tuple[ModelSummary, Hits, Hits]], unknown: Collection[str], limits: Limits
) -> list[Verdict]:
    """Which classes lose recall by more than the tolerance: significantly, or so it seems.

    A drop that is significant alone but not after the adjustment is insufficient evidence, as is the loss of half of a
    recall or more: with few images in a class, or in a model whose seed variance is ``unknown``, more cannot be shown.
    """
    names = candidate.dataset.class_names
    both = [(before, left.of_accuracy(), right.of_accuracy()) for before, left, right in both]
    found: list[tuple[str, int, float, float, Drop]] = []
    for number in range(len(names)):
        if number not in both[0][1].labels:
            continue
        lending = _lending(both, limits, number)
        for before, left, right in both:
            now, then = left.of_class(number), right.of_class(number)
            one = drop(now.right, then.right, limits.class_tolerance, lending.to(now, then))
            required = float(then.right.mean()) - limits.class_tolerance / 100
            if before.name in unknown:
                one = dataclasses.replace(one, p=1.0, cure=MORE[True])
            found.append((before.name, number, float(now.right.mean()), required, one))
    verdicts = []
    for (name, number, recall, required, lost), p in zip(
        found, stats.holm([lost.p for *_, lost in found]), strict=True
    ):
        outcome, beyond = "insufficient evidence", f"a drop beyond {_limit(limits.class_tolerance)}"
        alone, among = p_equals(lost.p, LEVEL), p_equals(float(p), LEVEL)
        if p < LEVEL:
            outcome, why = "fail", f"{beyond} ({among})"
        elif lost.p < LEVEL:
            why = f"{beyond} by itself ({alone}), but not among {len(found)} tests ({among}); {lost.cure} would decide"
        elif recall < required and recall <= (required + limits.class_tolerance / 100) / 2:
            on = "of too few seeds" if name in unknown else f"on too few images or seeds ({alone})"
            why = f"half of the recall or more, but {on}; {lost.cure} would decide"
        else:
            continue
        reason = f"{points(-lost.points)} points: {why}"
        subject = f"{name}, recall of {names[number]}"
        verdicts.append(_verdict(candidate, subject, required, recall, outcome, reason, METRICS["accuracy"]))
    return verdicts


def _lending(both: Sequence[tuple[ModelSummary, Hits, Hits]], limits: Limits, number: int | None = None) -> Lending:
    """Of the models of both sides, as they are on the same test images."""
    known = [side for _, *sides in both for side in sides]
    sd = None if limits.training_sd is None else limits.training_sd / 100
    return Lending.among(known, known[0], number=number, sd=sd, before=[right for *_, right in both])


def _unlike(candidate: Selection, reference: Selection, after: ModelSummary, before: ModelSummary) -> str:
    """Why two models of one name cannot be compared; empty if they can."""
    here, there = candidate.dataset, reference.dataset
    if here.fingerprint != there.fingerprint:
        return "another version of the data"
    if after.folds or before.folds:
        return "it is cross-validated, and not compared image by image"
    if here.sizes != there.sizes:
        return "other numbers of images"
    changed = after.records[0].model.differences(before.records[0].model)
    return f"another model: {'; '.join(changed)}" if changed else ""


def _verdict(
    candidate: Selection,
    subject: str,
    required: float,
    found: float | None,
    outcome: str,
    reason: str,
    metric: Metric | None = None,
) -> Verdict:
    return Verdict.model_validate(
        {
            "dataset": candidate.dataset.title,
            "profile": candidate.profile,
            "subject": subject,
            "metric": (metric or candidate.metric).name,
            "required": required,
            "found": None if found is None or math.isnan(found) else found,
            "outcome": outcome,
            "reason": reason,
        }
    )
