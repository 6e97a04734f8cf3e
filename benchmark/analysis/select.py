"""Records of one data set and profile, put together model by model over its seeds."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal

import numpy as np

from benchmark.estimators.metrics import METRICS, Metric, named
from benchmark.records.schema import Cost, DatasetInfo, Metrics, RunRecord
from benchmark.records.store import Stored
from benchmark.specs import PROFILES, Family, n_folds
from benchmark.utils.format import counted


@dataclasses.dataclass(frozen=True)
class ModelSummary:
    """A model's finished runs on one data set, one a seed, or one a fold of each repeat, in this order, and what they
    are judged by."""

    stored: tuple[Stored, ...]
    metric: Metric = METRICS["accuracy"]

    @functools.cached_property
    def records(self) -> list[RunRecord]:
        return [stored.record for stored in self.stored]

    @property
    def name(self) -> str:
        return self.records[0].run.model

    @property
    def family(self) -> Family:
        return self.records[0].model.family

    @property
    def convolutional(self) -> bool:
        """Whether it is a CNN."""
        return self.records[0].model.convolutional

    @property
    def pretrained(self) -> str | None:
        """The data set of its pre-trained weights; None for a model trained from scratch."""
        return self.records[0].model.pretrained

    @property
    def trivial(self) -> bool:
        """Whether it is a reference line, which is compared with nothing."""
        return self.records[0].model.trivial

    @property
    def stochastic(self) -> bool:
        """Whether another seed may give another result; older records do not say, and networks' may."""
        recorded = self.records[0].model.stochastic
        return self.family == "network" if recorded is None else recorded

    @property
    def n_seeds(self) -> int:
        return len(self.stored)

    @property
    def folds(self) -> int | None:
        """Of cross-validation; None if there was none."""
        return n_folds(self.records[0].run.profile)

    @property
    def tests(self) -> list[Metrics]:
        return [record.test for record in self.records if record.test is not None]

    @property
    def costs(self) -> list[Cost]:
        return [record.cost for record in self.records if record.cost is not None]

    @functools.cached_property
    def values(self) -> np.ndarray:
        """The metric on the test images (n_seeds,); NaN where the model does not predict what it needs."""
        return np.array([self.metric.recorded(metrics) for metrics in self.tests])

    @property
    def value(self) -> float:
        """Its mean over seeds."""
        return float(self.values.mean())

    @property
    def value_sd(self) -> float | None:
        """Its standard deviation over seeds (n - 1 in the denominator); None for one seed."""
        return float(self.values.std(ddof=1)) if self.n_seeds > 1 else None

    @functools.cached_property
    def validation_value(self) -> float:
        """The metric on the validation images, mean over seeds."""
        return float(np.mean([self.metric.recorded(r.validation) for r in self.records if r.validation is not None]))

    @property
    def accuracy(self) -> float:
        """Mean test accuracy over seeds, whatever the metric."""
        return float(np.mean([metrics.accuracy for metrics in self.tests]))

    @property
    def validation_accuracy(self) -> float:
        return float(np.mean([r.validation.accuracy for r in self.records if r.validation is not None]))

    @property
    def has_probabilities(self) -> bool:
        kept = [record.predictions.scores if record.predictions else None for record in self.records]
        return all(scores == "probabilities" for scores in kept)

    @property
    def support(self) -> np.ndarray:
        """Test images by class (n_classes,)."""
        return np.array([c.support for c in self.tests[0].per_class])

    def per_class(self, score: str) -> np.ndarray:
        """``precision``, ``recall`` or ``f1`` by class, mean over the seeds for which it is defined (n_classes,).

        NaN where it is for none: recall and F1 of a class without test images, precision of one that is never
        predicted.
        """
        scores = np.array([[getattr(c, score) for c in metrics.per_class] for metrics in self.tests])
        axis = 0 if score == "precision" else 1
        defined = np.array([metrics.matrix.sum(axis=axis) > 0 for metrics in self.tests])
        total, n = np.where(defined, scores, 0).sum(axis=0), defined.sum(axis=0)
        return np.asarray(np.divide(total, n, out=np.full(len(n), np.nan), where=n > 0))

    @functools.cached_property
    def confusion(self) -> np.ndarray:
        """Counts, mean over seeds (n_classes, n_classes): rows actual, columns predicted."""
        return np.asarray(np.mean([metrics.matrix for metrics in self.tests], axis=0))

    @property
    def variants(self) -> list[str]:
        """The other ways to predict that every run of the model has, in words."""
        common = [set(record.variants) for record in self.records]
        return sorted(set.intersection(*common)) if common else []

    def variant(self, words: str) -> tuple[float, float]:
        """The metric of another way to predict, mean over seeds, and its seconds to predict 1,000 images."""
        found = [record.variants[words] for record in self.records]
        seconds = np.mean([v.predict_seconds / v.test.n_images * 1000 for v in found])
        return float(np.mean([self.metric.recorded(v.test) for v in found])), float(seconds)

    @property
    def predict_seconds_per_1000(self) -> float:
        """Mean over seeds of the seconds to predict 1,000 test images."""
        pairs = zip(self.costs, self.tests, strict=True)
        return float(np.mean([cost.predict_seconds / metrics.n_images * 1000 for cost, metrics in pairs]))

    def mean_cost(self, field: str) -> float | None:
        """Mean of a field of :class:`Cost` over seeds; None where it was not measured."""
        values = [getattr(cost, field) for cost in self.costs]
        return None if any(value is None for value in values) else float(np.mean(values))


@dataclasses.dataclass(frozen=True)
class Selection:
    """The runs that are compared, and what was left out; ``trivial`` are reference lines beside them."""

    dataset: DatasetInfo
    profile: str
    summaries: tuple[ModelSummary, ...]
    failed: tuple[RunRecord, ...]
    notes: tuple[str, ...]
    metric: Metric = METRICS["accuracy"]
    trivial: tuple[ModelSummary, ...] = ()

    @property
    def ranked(self) -> tuple[ModelSummary, ...]:
        """All of them, best first."""
        return _ranked((*self.summaries, *self.trivial))

    @property
    def folds(self) -> int | None:
        """Of cross-validation; None if there was none."""
        return n_folds(self.profile)

    @property
    def repeats(self) -> int:
        """How many partitions into folds, or seeds, there are."""
        return 1 + max((record.run.seed for record in self.records), default=0)

    @property
    def records(self) -> list[RunRecord]:
        """Of all runs, failed ones last."""
        return [record for summary in self.ranked for record in summary.records] + list(self.failed)

    @property
    def protocol(self) -> str:
        """What decides which images are for testing, in words."""
        if self.folds is None:
            return "one test part"
        return f"{self.folds}-fold cross-validation, {counted(self.repeats, 'repeat')}"


def _ranked(summaries: Iterable[ModelSummary]) -> tuple[ModelSummary, ...]:
    return tuple(sorted(summaries, key=_rank))


Kind = Literal["baseline", "network", "cnn", "network from scratch", "pre-trained network"]
KINDS: Mapping[Kind, Callable[[ModelSummary], bool]] = {
    "baseline": lambda s: s.family == "baseline" and not s.trivial,
    "network": lambda s: s.family == "network",
    "cnn": lambda s: s.convolutional,
    "network from scratch": lambda s: s.family == "network" and s.pretrained is None,
    "pre-trained network": lambda s: s.family == "network" and s.pretrained is not None,
}


def best(summaries: Iterable[ModelSummary], kind: Kind) -> ModelSummary | None:
    """The model of a kind with the best mean of the metric on the validation images, of equal ones the first by name.

    Test images play no part in it, not even in the order of the summaries. Models that do not predict what the metric
    needs are left out.
    """
    able = (s for s in summaries if KINDS[kind](s) and not np.isnan(s.validation_value))
    return min(able, key=lambda s: (-s.metric.lead(s.validation_value, 0.0), s.name), default=None)


def select(stored: Sequence[Stored], profile: str | None = None, metric: str | None = None) -> Selection | None:
    """Choose what can be compared: one profile, one version of the data, each run's newest record.

    Parameters
    ----------
    stored : sequence of Stored
        Of one data set.
    profile : str or None
        None takes ``full`` or that of cross-validation where one is recorded, the newest; otherwise the profile with
        the newest record; one of fewer training images (``train-1000``) only if nothing else is recorded.
    metric : str or None
        What models are judged by; None takes that of the data set.

    Returns
    -------
    Selection or None
        None without a record of that profile. Summaries are sorted by the metric, best first; those that do not predict
        what it needs come last.
    """
    newest_first = sorted(stored, key=lambda s: s.record.started_at, reverse=True)
    if profile is None and newest_first:
        profiles = [s.record.run.profile for s in newest_first]
        known = [name for name in profiles if name in PROFILES]
        whole = [name for name in profiles if name == "full" or n_folds(name) is not None]
        profile = (whole or known or profiles)[0]
    chosen = [s for s in newest_first if s.record.run.profile == profile]
    if not chosen or profile is None:
        return None
    notes = []

    def leave_out(kept: list[Stored], before: int, why: str) -> list[Stored]:
        if len(kept) < before:
            notes.append(f"{why}: {before - len(kept)}.")
        return kept

    current = [s for s in chosen if s.record.data_identity == chosen[0].record.data_identity]
    leave_out(current, len(chosen), "Records of another version of the data set, or of other sizes, left out")
    newest: dict[str, Stored] = {}
    for s in current:
        newest.setdefault(s.record.run.model, s)
    alike = [s for s in current if s.record.model.identity == newest[s.record.run.model].record.model.identity]
    leave_out(alike, len(current), "Records of other versions or parameters of a model left out")
    runs: dict[tuple[str, int, int], Stored] = {}
    for s in alike:
        run = s.record.run
        runs.setdefault((run.model, run.seed, run.fold or 0), s)
    leave_out(list(runs.values()), len(alike), "Records superseded by newer ones of the same run left out")

    by_model: dict[str, list[Stored]] = defaultdict(list)
    for (model, *_), s in sorted(runs.items()):
        if s.record.status == "ok":
            by_model[model].append(s)
    judged_by = named(metric or chosen[0].record.dataset.metric)
    summaries = _ranked(ModelSummary(tuple(group), judged_by) for group in by_model.values())
    return Selection(
        dataset=chosen[0].record.dataset,
        profile=profile,
        summaries=tuple(s for s in summaries if not s.trivial),
        failed=tuple(s.record for _, s in sorted(runs.items()) if s.record.status != "ok"),
        notes=tuple(notes),
        metric=judged_by,
        trivial=tuple(s for s in summaries if s.trivial),
    )


def _rank(summary: ModelSummary) -> tuple[bool, float, str]:
    lead = summary.metric.lead(summary.value, 0.0)
    return math.isnan(lead), -lead, summary.name
