"""Pairwise comparison: models compared on the test images that both predicted.

Few seeds show little of how training varies, so models of a collection lend each other their seed variance. Only runs
on the same test images with the same labels are compared; others are left out, with the reason.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Sequence
from typing import Literal

import numpy as np

from benchmark.analysis import resampled, seed_variance, stats, uncertainty
from benchmark.analysis.hits import Hits, Lending, Lookup, hits
from benchmark.analysis.select import ModelSummary, best
from benchmark.estimators.metrics import METRICS, Metric

SIGNIFICANT = 0.05
Verdict = Literal["better", "worse", "these runs differ", "no significant difference"]


@dataclasses.dataclass(frozen=True)
class Pair:
    """Two models on the same test images.

    Attributes
    ----------
    left, right : str
        The models' names.
    seeds : tuple of int
        How many runs of either there are.
    n_images : int
    points, low, high : float
        By how much ``left`` is better, with its 95 % interval: accuracy of ``left`` minus ``right`` in points (per cent
        of the images), of another metric in the unit in which its differences are written.
    p, adjusted_p : float
        Two-sided, alone and among the pairs that :func:`adjust` was given.
    only_left, only_right : float
        Images that only one of the two gets right (of several seeds, the mean over all pairs of runs).
    images_error, training_error : float
        Standard errors of ``points`` by source: the choice of test images, and training.
    degrees : float
        Degrees of freedom of the two together.
    lent : tuple of str
        The models of one seed whose training varies as others' does, as far as is known.
    single : tuple of str
        Those of which as good as nothing is known, with one or two seeds: the comparison is of their runs, not of the
        models.
    metric : Metric
    """

    left: str
    right: str
    seeds: tuple[int, int]
    n_images: int
    points: float
    low: float
    high: float
    p: float
    adjusted_p: float
    only_left: float
    only_right: float
    images_error: float
    training_error: float
    degrees: float = math.inf
    lent: tuple[str, ...] = ()
    single: tuple[str, ...] = ()
    metric: Metric = METRICS["accuracy"]

    @property
    def verdict(self) -> Verdict:
        """What ``left`` is beside ``right``, at the level of 5 % after adjustment."""
        if self.adjusted_p >= SIGNIFICANT or self.points == 0:
            return "no significant difference"
        if self.single:
            return "these runs differ"
        return "better" if self.points > 0 else "worse"

    @property
    def interval(self) -> tuple[float, float] | None:
        """``low`` and ``high``; None where the images are so few that half of all differences lie between them."""
        return None if self.high - self.low >= self.metric.unit and self.metric.higher else (self.low, self.high)

    @property
    def discordant_share(self) -> float:
        """Share of the images that one model gets right and the other wrong."""
        return (self.only_left + self.only_right) / self.n_images

    def swapped(self) -> Pair:
        """The same from the side of ``right``."""
        return dataclasses.replace(
            self,
            left=self.right,
            right=self.left,
            seeds=self.seeds[::-1],
            points=-self.points,
            low=-self.high,
            high=-self.low,
            only_left=self.only_right,
            only_right=self.only_left,
        )


@dataclasses.dataclass(frozen=True)
class Comparison:
    """Every pair that can be compared, the earlier of the summaries on the left, and what was left out, why.

    ``primary`` is the one comparison that is declared beforehand, the best CNN against the best baseline by
    validation: tested by itself, at 5 %. The p-values of all others are adjusted, by Holm's method, among themselves.
    """

    pairs: tuple[Pair, ...]
    left_out: tuple[str, ...]
    primary: Pair | None = None

    def find(self, left: str, right: str) -> Pair | None:
        """The pair seen from ``left``, or None if the two are not compared."""
        for pair in self.pairs:
            if (pair.left, pair.right) == (left, right):
                return pair
            if (pair.left, pair.right) == (right, left):
                return pair.swapped()
        return None

    @property
    def secondary(self) -> tuple[Pair, ...]:
        """All pairs but the primary one."""
        return tuple(pair for pair in self.pairs if self.primary not in (pair, pair.swapped()))

    @property
    def level(self) -> float:
        """The p below which one more secondary pair would be significant: 5 % / number of those that are not."""
        undecided = sum(pair.verdict == "no significant difference" for pair in self.secondary)
        return SIGNIFICANT / max(undecided, 1)

    def against_all(self, model: str, others: Sequence[str]) -> list[Pair] | None:
        """The model's pairs with ``others``, the one with the smallest lower limit first; None if one is missing.

        The model is ahead of every one of them by at least that limit, with the confidence of a single interval:
        Berger, "Multiparameter hypothesis testing and acceptance sampling", 1982 (an intersection-union test).
        """
        pairs = [self.find(model, other) for other in others]
        found = [pair for pair in pairs if pair is not None]
        return sorted(found, key=lambda pair: pair.low) if found and len(found) == len(pairs) else None


def by_draw(left: ModelSummary, right: ModelSummary, lookup: Lookup) -> Pair | str:
    """Compare two models trained on the same draws of training images, or say why they cannot be.

    Of seeds that only one of them has, nothing is used. With fewer than three in common the two cannot be compared.
    """
    seeds = [{stored.record.run.seed: stored for stored in summary.stored} for summary in (left, right)]
    common = sorted(seeds[0].keys() & seeds[1].keys())
    if len(common) < uncertainty.FEWEST_DRAWS:
        return f"{left.name} and {right.name} have fewer than {uncertainty.FEWEST_DRAWS} draws in common"
    chosen = (ModelSummary(tuple(by_seed[seed] for seed in common), left.metric) for by_seed in seeds)
    first, second = (hits(summary, lookup) for summary in chosen)
    if isinstance(first, str) or isinstance(second, str):
        return first if isinstance(first, str) else str(second)
    if not first.same_images(second):
        return unlike(first, second)
    found = uncertainty.difference_by_draw(first.values, second.values, classes=first.classes)
    return _as_pair(first, second, found)


def by_fold(left: ModelSummary, right: ModelSummary, number: int | None = None) -> Pair | str:
    """Compare two models on the same folds by the corrected resampled t-test, or say why they cannot be.

    Folds that only one of them has count for neither. With ``number``, recall of that class is compared, on the folds
    that have images of it.
    """
    metric = left.metric if number is None else METRICS["accuracy"]
    for summary in (left, right):
        if number is None and np.isnan(summary.value):
            return f"{summary.name}: it predicts no {metric.needs}, which {metric.title} needs"
    values = [_by_fold(summary, number) for summary in (left, right)]
    common = sorted(values[0].keys() & values[1].keys())
    if len(common) < resampled.FEWEST_RUNS:
        return f"{left.name} and {right.name} have fewer than {resampled.FEWEST_RUNS} folds in common"
    differences = np.array([metric.lead(values[0][place], values[1][place]) for place in common])
    found = resampled.corrected_t(differences, _test_share(left))
    value, most = float(differences.mean()), metric.unit if metric.higher else math.inf
    if found is None:  # Every fold shows the same difference, of which nothing else is known.
        found = resampled.Mean(value, -most, most, 0.0, len(common) - 1.0, 1.0)
    return Pair(
        left=left.name,
        right=right.name,
        seeds=(len(common), len(common)),
        n_images=left.records[0].dataset.n_images,
        points=value,
        low=max(found.low, -most),
        high=min(found.high, most),
        p=found.p,
        adjusted_p=found.p,
        only_left=math.nan,
        only_right=math.nan,
        images_error=found.standard_error,
        training_error=0.0,
        degrees=found.degrees,
        metric=metric,
    )


def _by_fold(summary: ModelSummary, number: int | None) -> dict[tuple[int, int | None], float]:
    """The metric, or recall of a class, by repeat and fold."""
    places = [(record.run.seed, record.run.fold) for record in summary.records]
    if number is None:
        return dict(zip(places, summary.values.tolist(), strict=True))
    scores = [test.per_class[number] for test in summary.tests]
    return {place: one.recall for place, one in zip(places, scores, strict=True) if one.support}


def _test_share(summary: ModelSummary) -> float:
    """Test images / those of the training part, of which validation is, mean over runs."""
    sizes = [record.dataset for record in summary.records]
    return float(np.mean([one.test_size / (one.train_size + one.validation_size) for one in sizes]))


def unlike(left: Hits, right: Hits) -> str:
    return f"{left.model} and {right.model} are not compared: their test images or labels differ"


def pair(left: Hits, right: Hits, lending: Lending, *, same: bool = False) -> Pair:
    """Compare two models on the same images; ``same`` if they are one, before and after a change."""
    seeds = len(left.right), len(right.right)
    lent = (lending.to(left, right),) * 2 if same else (lending.to(left), lending.to(right))
    too_few = seed_variance.degrees_known(seeds, lent[:1] if same else lent) < seed_variance.FEWEST_DEGREES
    unknown = [too_few or (n == 1 and given is None and not same) for n, given in zip(seeds, lent, strict=True)]
    sides = [s for s in zip((left, right), seeds, lent, unknown, strict=True) if s[0].stochastic]
    found = uncertainty.paired_difference(left.values, right.values, lent=lent, same=same, classes=left.classes)
    return dataclasses.replace(
        _as_pair(left, right, found),
        lent=tuple(dict.fromkeys(model.model for model, n, given, no in sides if n == 1 and given and not no)),
        single=tuple(dict.fromkeys(model.model for model, *_, no in sides if no)),
    )


def _as_pair(left: Hits, right: Hits, found: uncertainty.Difference) -> Pair:
    unit, (only_left, only_right) = left.metric.unit, uncertainty.discordant(left.right, right.right)
    return Pair(
        left=left.model,
        right=right.model,
        seeds=(len(left.right), len(right.right)),
        n_images=len(left.index),
        points=unit * found.value,
        low=unit * found.low,
        high=unit * found.high,
        p=found.p,
        adjusted_p=found.p,
        only_left=only_left,
        only_right=only_right,
        images_error=unit * found.images_error,
        training_error=unit * found.training_error,
        degrees=found.degrees,
        metric=left.metric,
    )


def adjust(pairs: Sequence[Pair]) -> tuple[Pair, ...]:
    """The pairs with their p-values adjusted by Holm's method: all tests of one question belong in one call."""
    adjusted = stats.holm([pair.p for pair in pairs])
    return tuple(dataclasses.replace(pair, adjusted_p=float(p)) for pair, p in zip(pairs, adjusted, strict=True))


def compare(summaries: Sequence[ModelSummary], lookup: Lookup) -> Comparison:
    """Compare every model with every other.

    Of two summaries, the earlier is on the left. Summaries of one name, of two collections, are compared too.

    Parameters
    ----------
    summaries : sequence of ModelSummary
    lookup : callable
        Gives the arrays of :meth:`benchmark.records.store.Stored.predictions`, or None where they cannot be read.
    """
    if any(summary.folds for summary in summaries):
        of_folds = [by_fold(*both) for both in itertools.combinations(summaries, 2)]
        reasons = [reason for reason in of_folds if isinstance(reason, str)]
        return _comparison(summaries, [pair for pair in of_folds if isinstance(pair, Pair)], reasons)
    found = [hits(summary, lookup) for summary in summaries]
    known = [model for model in found if isinstance(model, Hits)]
    both = list(itertools.combinations(known, 2))
    lending = {id(model): Lending.among(known, model) for model in known}
    pairs = [pair(left, right, lending[id(left)]) for left, right in both if left.same_images(right)]
    left_out = (
        *(reason for reason in found if isinstance(reason, str)),
        *(unlike(left, right) for left, right in both if not left.same_images(right)),
    )
    return _comparison(summaries, pairs, left_out)


def _comparison(summaries: Sequence[ModelSummary], pairs: Sequence[Pair], left_out: Sequence[str]) -> Comparison:
    cnn, baseline = best(summaries, "cnn"), best(summaries, "baseline")
    declared = {summary.name for summary in (cnn, baseline) if summary is not None} if cnn and baseline else set()
    primary = next((one for one in pairs if {one.left, one.right} == declared), None)
    adjusted = iter(adjust([one for one in pairs if one is not primary]))
    return Comparison(
        pairs=tuple(one if one is primary else next(adjusted) for one in pairs),
        left_out=tuple(left_out),
        primary=primary,
    )


def class_pairs(
    left: str, right: str, summaries: Sequence[ModelSummary], n_classes: int, lookup: Lookup
) -> tuple[Pair | None, ...] | str:
    """Compare two models class by class: differences of recall, paired on the images of each class.

    Parameters
    ----------
    left, right : str
        The models' names.
    summaries : sequence of ModelSummary
        These two, and others that lend them their seed variances.
    n_classes : int
    lookup : callable
        As of :func:`compare`.

    Returns
    -------
    tuple of (Pair or None) (n_classes,), or str
        None for a class without test images; p-values are adjusted over the classes. A text says why the two
        cannot be compared.
    """
    by_name = {summary.name: summary for summary in summaries}
    if by_name[left].folds:
        return _class_pairs_by_fold(by_name[left], by_name[right], n_classes)
    found = {
        summary.name: hits(dataclasses.replace(summary, metric=METRICS["accuracy"]), lookup) for summary in summaries
    }
    first, second = found[left], found[right]
    if isinstance(first, str) or isinstance(second, str):
        return first if isinstance(first, str) else str(second)
    if not first.same_images(second):
        return unlike(first, second)
    known = [model for model in found.values() if isinstance(model, Hits)]
    by_class = {}
    for number in np.intersect1d(first.labels, range(n_classes)):
        lending = Lending.among(known, first, number=number)
        by_class[number] = pair(first.of_class(number), second.of_class(number), lending)
    adjusted = dict(zip(by_class, adjust(list(by_class.values())), strict=True))
    return tuple(adjusted.get(number) for number in range(n_classes))


def _class_pairs_by_fold(left: ModelSummary, right: ModelSummary, n_classes: int) -> tuple[Pair | None, ...] | str:
    found = {number: by_fold(left, right, number) for number in range(n_classes)}
    compared = {number: pair for number, pair in found.items() if isinstance(pair, Pair)}
    if not compared:
        return str(found[0])
    adjusted = dict(zip(compared, adjust(list(compared.values())), strict=True))
    return tuple(adjusted.get(number) for number in range(n_classes))


def error_ratio(
    left: ModelSummary, right: ModelSummary, summaries: Sequence[ModelSummary], lookup: Lookup
) -> stats.Interval | None:
    """95 % interval of the ratio of two models' error rates; None where there is none, as of folds.

    ``summaries`` are these two and others that lend them their seed variances.
    """
    if left.folds:
        return None
    known = [found for summary in summaries if isinstance(found := hits(summary, lookup), Hits)]
    by_name = {model.model: model for model in known}
    first, second = by_name.get(left.name), by_name.get(right.name)
    if first is None or second is None or not first.same_images(second):
        return None
    if first.contributions is not None:  # Errors are those of accuracy.
        return None
    lending = Lending.among(known, first)
    return uncertainty.error_ratio(first.right, second.right, lent=(lending.to(first), lending.to(second)))


@dataclasses.dataclass(frozen=True)
class Intervals:
    """Where the metric of a model lies, in its own unit, with 95 % confidence.

    Attributes
    ----------
    runs : (float, float) or None
        Of these runs on other test images.
    model : (float, float) or None
        Of the model trained again on the same training images and tested on other images; None where nothing is
        known of how it varies with the seed.
    """

    runs: stats.Interval | None
    model: stats.Interval | None


def intervals(summaries: Sequence[ModelSummary], lookup: Lookup) -> dict[str, Intervals]:
    """The intervals of every model's metric, which hold each other; None where predictions cannot be read.

    Of folds there is one, of the model trained on as many other images and tested on others.
    """
    if any(summary.folds for summary in summaries):
        return {summary.name: _intervals_by_fold(summary) for summary in summaries}
    found = {summary.name: hits(summary, lookup) for summary in summaries}
    known = [one for s in summaries if not s.trivial and isinstance(one := found[s.name], Hits)]
    return {summary.name: _intervals(summary, found[summary.name], known) for summary in summaries}


def _intervals_by_fold(summary: ModelSummary) -> Intervals:
    metric, enough = summary.metric, summary.n_seeds >= resampled.FEWEST_RUNS and not np.isnan(summary.value)
    found = resampled.corrected_t(summary.values, _test_share(summary)) if enough else None
    ends = None
    if found is not None:
        ends = max(found.low, metric.lowest), min(found.high, 1.0 if metric.higher else math.inf)
    return Intervals(ends, ends)


def _intervals(summary: ModelSummary, found: Hits | str, known: Sequence[Hits]) -> Intervals:
    metric, one = summary.metric, None
    if isinstance(found, str):
        # The accuracy of one run is all that its interval takes.
        if summary.n_seeds == 1 and metric.name == "accuracy":
            one = stats.wilson(summary.value, summary.tests[0].n_images)
        return Intervals(one, None if summary.stochastic else one)
    runs = metric.unscaled(*uncertainty.runs_interval(found.values, classes=found.classes, bounded=metric.higher))
    if not found.stochastic:
        return Intervals(runs, runs)
    lent = Lending.among(known, found).to(found)
    if seed_variance.degrees_known([len(found.right)], [lent]) < seed_variance.FEWEST_DEGREES:
        return Intervals(runs, None)
    model = uncertainty.model_interval(found.values, lent, classes=found.classes, bounded=metric.higher)
    return Intervals(runs, metric.unscaled(*model))
