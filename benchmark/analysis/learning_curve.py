"""How many training images each model needs: accuracy by size, and from which size on networks are ahead.

Two questions are kept apart: networks trained from scratch against baselines, and pre-trained ones against baselines.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np
from scipy.special import stdtrit

from benchmark.analysis import comparison
from benchmark.analysis.comparison import Pair
from benchmark.analysis.hits import Lookup
from benchmark.analysis.select import Kind, ModelSummary, best, select
from benchmark.records.schema import RunRecord
from benchmark.records.store import Stored
from benchmark.specs import PROFILES, n_folds

CONFIDENCE = 0.95
FEWEST_SEEDS = 3  # An interval of two values is as wide as any guess.


@dataclasses.dataclass(frozen=True)
class Point:
    """A model trained on ``size`` images, once a seed."""

    size: int
    summary: ModelSummary

    @property
    def model(self) -> str:
        return self.summary.name

    @property
    def family(self) -> str:
        return self.summary.family

    @property
    def values(self) -> np.ndarray:
        """The metric on the test images (n_seeds,)."""
        return np.asarray(self.summary.values)

    @property
    def mean(self) -> float:
        return self.summary.value

    @property
    def drawn(self) -> bool:
        """Whether the seed decides which images these are."""
        return self.summary.records[0].run.profile not in PROFILES

    @property
    def half_width(self) -> float | None:
        """Half of the 95 % interval of the mean over seeds: Student's t with n - 1 degrees of freedom.

        A seed decides about the training images, except where they are all of them, and about all chance in
        training; the test images are the same throughout. None for fewer than three seeds.
        """
        n = len(self.values)
        if n < FEWEST_SEEDS:
            return None
        quantile = float(stdtrit(n - 1, 0.5 + CONFIDENCE / 2))
        return quantile * float(self.values.std(ddof=1)) / math.sqrt(n)


@dataclasses.dataclass(frozen=True)
class Lead:
    """The best network of a kind and the best baseline at one size, by validation accuracy.

    ``points`` are as those of a pair, positive where the network is ahead; ``pair`` is the comparison of the two on
    the test images, by draw of training images where there are any, its p adjusted over the sizes; None where it
    cannot be made, for the reason in ``why``.
    """

    network: Point
    baseline: Point
    pair: Pair | None = None
    why: str = ""

    @property
    def points(self) -> float:
        metric = self.network.summary.metric
        return metric.lead(self.network.mean, self.baseline.mean) if self.pair is None else self.pair.points


def curve(stored: Sequence[Stored], fingerprint: str | None = None, metric: str | None = None) -> list[Point]:
    """Put records of several training sizes together.

    Parameters
    ----------
    stored : sequence of Stored
        Of one data set. Those of the profiles ``train-N`` count, and those of ``full`` as the largest size.
    fingerprint : str or None
        Of the version of the data; None takes that of the newest record that counts.
    metric : str or None
        As of :func:`benchmark.analysis.select.select`.

    Returns
    -------
    list of Point
        By model, then by size. Models recorded at one size only are left out, as are records of another
        version of the data, of other validation or test images, or of another version or other parameters of
        a model than its newest record.
    """
    counting = [s for s in stored if s.record.status == "ok" and _counts(s.record)]
    newest_first = sorted(counting, key=lambda s: s.record.started_at, reverse=True)
    same_data = [s for s in newest_first if fingerprint in (None, s.record.dataset.fingerprint)]
    newest: dict[str, RunRecord] = {}
    for s in same_data:
        newest.setdefault(s.record.run.model, s.record)
    alike = [
        s
        for s in same_data
        if _images(s.record) == _images(same_data[0].record)
        and s.record.model.identity == newest[s.record.run.model].model.identity
    ]
    found: dict[tuple[str, int], Point] = {}
    # A size recorded under two names, as is the whole training part, is that of "full", which comes last.
    for profile in sorted({s.record.run.profile for s in alike}, key=lambda name: name == "full"):
        selection = select(alike, profile, metric)
        for summary in selection.summaries if selection else ():
            size = summary.records[0].dataset.train_size
            found[summary.name, size] = Point(size, summary)
    sizes = {name: sum(model == name for model, _ in found) for name, _ in found}
    return [point for (name, _), point in sorted(found.items()) if sizes[name] > 1]


NETWORKS: tuple[Kind, ...] = ("network from scratch", "pre-trained network")


def leads(points: Sequence[Point], lookup: Lookup, kind: Kind = "network from scratch") -> dict[int, Lead]:
    """The best network of a kind and the best baseline at each size that has both, smallest size first.

    ``lookup`` gives the predictions of a record, or None: see :func:`benchmark.analysis.comparison.compare`.
    """
    found = {}
    for size in sorted({point.size for point in points}):
        here = {point.model: point for point in points if point.size == size}
        summaries = [point.summary for point in here.values()]
        network, baseline = best(summaries, kind), best(summaries, "baseline")
        if network is not None and baseline is not None:
            pair: Pair | str
            if here[network.name].drawn:
                pair = comparison.by_draw(network, baseline, lookup)
            else:
                both = comparison.compare(summaries, lookup)
                pair = both.find(network.name, baseline.name) or "; ".join(both.left_out)
            known, why = (pair, "") if isinstance(pair, Pair) else (None, pair)
            found[size] = Lead(here[network.name], here[baseline.name], known, why)
    adjusted = iter(comparison.adjust([lead.pair for lead in found.values() if lead.pair is not None]))
    return {
        size: lead if lead.pair is None else dataclasses.replace(lead, pair=next(adjusted))
        for size, lead in found.items()
    }


@dataclasses.dataclass(frozen=True)
class DrawVariance:
    """How far the difference of two models varies with the choice of training images, seeds included.

    ``sd`` is the standard deviation, in points, over ``n_draws`` draws of ``size`` training images.
    """

    size: int
    n_draws: int
    sd: float


def draw_variance(points: Sequence[Point], left: str, right: str, n_images: int, lookup: Lookup) -> DrawVariance | None:
    """At the largest size at which both models have three draws in common; None if there is none.

    Draws from the same ``n_images`` images have images in common and are too much alike: the variance of a mean of
    draws without replacement is that of independent ones times 1 - size / n_images (Cochran, "Sampling techniques",
    1977, section 2.6), by which it is divided.
    """
    for size in sorted({point.size for point in points if point.drawn and point.size < n_images}, reverse=True):
        here = {point.model: point.summary for point in points if point.size == size}
        if left in here and right in here and isinstance(comparison.by_draw(here[left], here[right], lookup), Pair):
            by_seed = [
                {r.run.seed: v for r, v in zip(s.records, s.values, strict=True)} for s in (here[left], here[right])
            ]
            draws = sorted(by_seed[0].keys() & by_seed[1].keys())
            variance = np.var([by_seed[0][seed] - by_seed[1][seed] for seed in draws], ddof=1)
            unit = here[left].metric.lead(1.0, 0.0)
            return DrawVariance(size, len(draws), abs(unit) * math.sqrt(variance / (1 - size / n_images)))
    return None


def missing(points: Sequence[Point], full: Sequence[ModelSummary]) -> list[str]:
    """Of each kind, the best model at full size if it is not in the curve, by name."""
    tried = {point.model for point in points}
    models = [best(full, kind) for kind in ("baseline", *NETWORKS)]
    return [model.name for model in models if model is not None and model.name not in tried]


def proven(leads: Mapping[int, Lead]) -> int | None:
    """The smallest size at which the network is significantly ahead and stays so at every larger one."""
    found = None
    for size in sorted(leads, reverse=True):
        pair = leads[size].pair
        if pair is None or pair.verdict != "better":
            break
        found = size
    return found


def _counts(record: RunRecord) -> bool:
    profile = record.run.profile
    return profile == "full" or (profile not in PROFILES and n_folds(profile) is None)


def _images(record: RunRecord) -> tuple[object, ...]:
    return record.dataset.fingerprint, record.dataset.validation_size, record.dataset.test_size
