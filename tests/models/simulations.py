"""How often the tests and intervals of a report are right, on runs like those of the reference.

Images have a difficulty that all models share and one for each model; a run is right where its skill outweighs both
and a noise of its own. All are normal, so true accuracies are known. How often two models, and two seeds of a model,
disagree on an image, and how far seeds move a model as a whole, is taken from the reference's records.

``python tests/models/simulations.py`` writes the table of ``docs/explanation/statistics.md`` (a quarter of an hour).
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtri
from scipy.stats import multivariate_normal, norm

from benchmark.analysis import stats
from benchmark.analysis.comparison import ASSUMED_SD, Hits, hits
from benchmark.analysis.select import select
from benchmark.analysis.stats import SeedVariance
from benchmark.gate.regression import Limits, drop
from benchmark.records.store import Store

ROOT = Path(__file__).resolve().parents[2]
REPETITIONS = 10_000
FAMILY = 14  # Models of the reference.


@dataclasses.dataclass(frozen=True)
class World:
    """What the images and models of a collection are like.

    Attributes
    ----------
    n : int
        Test images.
    accuracy : float
    between, within : float
        Shares of images on which two models, and two seeds of one model, disagree.
    variances : tuple of float
        Of every stochastic model, how much a seed moves it as a whole: a squared fraction.
    share : float
        Of the test images that these are: 1, or that of a class.
    """

    n: int
    accuracy: float
    between: float
    within: float
    variances: tuple[float, ...]
    share: float = 1.0

    def correlation(self, disagreement: float) -> float:
        """Of the latent skill of two runs that disagree so often."""
        z = float(ndtri(self.accuracy))

        def excess(rho: float) -> float:
            both = multivariate_normal.cdf([z, z], cov=[[1, rho], [rho, 1]])
            return 2 * (self.accuracy - float(both)) - disagreement

        return float(brentq(excess, 0.0, 0.9999))

    @functools.cached_property
    def loadings(self) -> tuple[float, float, float]:
        """Standard deviations of the images' difficulty, shared and a model's own, and of noise: of a total of 1."""
        shared, own = self.correlation(self.between), self.correlation(self.within)
        return math.sqrt(shared), math.sqrt(max(own - shared, 0.0)), math.sqrt(1 - max(own, shared))

    def runs(
        self,
        rng: np.random.Generator,
        accuracies: list[float],
        seeds: list[int],
        sds: list[float],
        *,
        same: bool = False,
    ) -> list[np.ndarray]:
        """Hits of models with these true accuracies: (n_seeds, n) each; ``same`` if all are one model.

        A deterministic model is one of one seed with no variance between seeds.
        """
        shared, own, noise = self.loadings
        difficulty = shared * rng.standard_normal(self.n, dtype=np.float32)
        alike = own * rng.standard_normal(self.n, dtype=np.float32)
        found = []
        for accuracy, n_seeds, sd in zip(accuracies, seeds, sds, strict=True):
            z = float(ndtri(accuracy))
            effect = alike if same else own * rng.standard_normal(self.n, dtype=np.float32)
            # A shift of the skill by this moves accuracy by sd.
            moved = sd / norm.pdf(z)
            skill = z * math.sqrt(1 + moved**2) + moved * rng.standard_normal((n_seeds, 1))
            flips = rng.standard_normal((n_seeds, self.n), dtype=np.float32)
            found.append(skill.astype(np.float32) + difficulty + effect + noise * flips > 0)
        return found

    def drawn(self, rng: np.random.Generator) -> float:
        """A model's standard deviation between seeds: one of the reference's."""
        return math.sqrt(rng.choice(self.variances))

    def lent(self, rng: np.random.Generator, *, seeds: int = 5) -> float:
        """What the collection's other models lend: as many as the reference has, of so many seeds."""
        flips = self.within / 2 / self.n
        chosen = rng.choice(self.variances, size=len(self.variances) - 1)
        totals = (chosen + flips) * rng.chisquare(seeds - 1, size=len(chosen)) / (seeds - 1)
        seen = [SeedVariance(float(total), flips, seeds - 1) for total in totals]
        pooled = stats.pooled_variance(seen, ASSUMED_SD**2 / self.share)
        assert pooled is not None
        return max(pooled.whole, 0.0)


@functools.cache
def reference() -> tuple[Hits, ...]:
    """What the reference's models get right."""
    stored, _ = Store(ROOT / "results", "reference").read_all("fashion-mnist")
    selection = select(stored, "full")
    assert selection is not None
    found = [hits(summary, lambda s: s.predictions()) for summary in selection.summaries]
    return tuple(model for model in found if isinstance(model, Hits))


def world(number: int | None = None) -> World:
    """The reference's, or that of one of its classes: medians over models and pairs of models next to each other."""
    models = [model if number is None else model.of_class(number) for model in reference()]
    several = [model for model in models if len(model.right) > 2]
    pairs = itertools.pairwise(models[:7])
    seen = [stats.observed_variance(model.right.astype(float)) for model in several]
    n = len(models[0].index)
    return World(
        n=n,
        accuracy=float(np.median([model.right.mean() for model in several])),
        between=float(np.median([np.mean(left.right[0] != right.right[0]) for left, right in pairs])),
        within=float(np.median([2 * n * part.flips for part in seen])),
        variances=tuple(max(part.whole, 0.0) for part in seen),
        share=n / len(reference()[0].index),
    )


Seeds = tuple[int, int]  # 0 stands for a deterministic model.


def differences(
    of: World, seeds: Seeds, points: float, repetitions: int, *, same: bool = False
) -> Iterator[tuple[list[np.ndarray], tuple[float | None, float | None]]]:
    """Pairs of models so many points apart, and what is lent to either."""
    rng = np.random.default_rng([of.n, *seeds, round(1000 * abs(points)), same])
    for _ in range(repetitions):
        sd = of.drawn(rng)
        sds = [0.0 if count == 0 else sd if same else of.drawn(rng) for count in seeds]
        accuracies = [of.accuracy + points / 200, of.accuracy - points / 200]
        lent = of.lent(rng)
        both = of.runs(rng, accuracies, [max(count, 1) for count in seeds], sds, same=same)
        yield both, (lent if seeds[0] else None, lent if seeds[1] else None)


def pair_test(of: World, seeds: Seeds, repetitions: int, *, points: float = 0.0, level: float = 0.05) -> float:
    """How often the comparison of two models is significant."""
    found = (
        stats.paired_difference(left, right, lent=lent).p < level
        for (left, right), lent in differences(of, seeds, points, repetitions)
    )
    return float(np.mean(list(found)))


def power(of: World, seeds: Seeds, repetitions: int, level: float = 0.05) -> tuple[float, float]:
    """The difference that a report prints as detectable, in points, and how often it is detected."""
    pilot = [
        stats.paired_difference(left, right, lent=lent) for (left, right), lent in differences(of, seeds, 0.0, 200)
    ]
    share = float(np.median([one.only_left + one.only_right for one in pilot])) / of.n
    smallest = stats.minimum_detectable_difference(
        of.n,
        share,
        seed_variance=float(np.median([one.standard_error for one in pilot])) ** 2 - share / of.n,
        degrees=float(np.median([one.degrees for one in pilot])),
        level=level,
    )
    assert smallest is not None
    return 100 * smallest, pair_test(of, seeds, repetitions, points=100 * smallest, level=level)


def coverage(of: World, seeds: Seeds, repetitions: int, points: float = 2.0) -> dict[str, float]:
    """How often each printed interval holds the truth."""
    truth, left_accuracy = points / 100, of.accuracy + points / 200
    ratio = (1 - left_accuracy) / (1 - left_accuracy + truth)
    inside: dict[str, list[bool]] = {"difference": [], "ratio of errors": [], "accuracy, images and seeds": []}
    for (left, right), lent in differences(of, seeds, points, repetitions):
        found = stats.paired_difference(left, right, lent=lent)
        inside["difference"].append(found.low <= truth <= found.high)
        ends = stats.error_ratio(left, right, lent=lent)
        assert ends is not None
        inside["ratio of errors"].append(ends[0] <= ratio <= ends[1])
        low, high = stats.mean_interval(left, lent[0])
        inside["accuracy, images and seeds"].append(low <= left_accuracy <= high)
    return {name: float(np.mean(values)) for name, values in inside.items()}


def gate(of: World, seeds: Seeds, repetitions: int, *, points: float, tolerance: float) -> float:
    """How often the gate fails a model that is so many points worse."""
    found = []
    for (before, after), (lent, _) in differences(of, seeds, points, repetitions, same=True):
        found.append(drop(after, before, tolerance, lent).p < 0.05)
    return float(np.mean(found))


def curve(
    of: World, draws: int, repetitions: int, *, points: float = 0.0, correlation: float = 0.9
) -> tuple[float, float]:
    """Two models of equal accuracy on the same draws of training images, which move both by two points.

    Returns
    -------
    (float, float)
        How often the comparison is significant, and how often its interval holds the truth.
    """
    rng = np.random.default_rng([of.n, draws])
    significant, inside = [], []
    shared, own, noise = of.loadings
    z = float(ndtri(of.accuracy))
    moved = 0.02 / norm.pdf(z)
    for _ in range(repetitions):
        alike = math.sqrt(correlation) * rng.standard_normal((draws, 1))
        difficulty = shared * rng.standard_normal(of.n, dtype=np.float32)
        both = []
        for _ in range(2):
            skill = z + moved * (alike + math.sqrt(1 - correlation) * rng.standard_normal((draws, 1)))
            effect = own * rng.standard_normal(of.n, dtype=np.float32)
            flips = noise * rng.standard_normal((draws, of.n), dtype=np.float32)
            both.append(skill.astype(np.float32) + difficulty + effect + flips > 0)
        found = stats.difference_by_draw(*both)
        significant.append(found.p < 0.05)
        inside.append(found.low <= points <= found.high)
    return float(np.mean(significant)), float(np.mean(inside))


def family(of: World, repetitions: int) -> float:
    """How often any of the secondary pairs of as many equal models as the reference has is significant."""
    rng = np.random.default_rng(of.n)
    seeds = [5] * len(of.variances) + [1] * (FAMILY - len(of.variances))
    alarms = []
    for _ in range(repetitions):
        sds = [math.sqrt(v) for v in of.variances] + [0.0] * (FAMILY - len(of.variances))
        models = of.runs(rng, [of.accuracy] * FAMILY, seeds, sds)
        seen = {i: stats.observed_variance(m.astype(float)) for i, m in enumerate(models) if len(m) > 1}
        lent = []
        for place in range(FAMILY):
            pooled = stats.pooled_variance([v for i, v in seen.items() if i != place], ASSUMED_SD**2)
            lent.append(max(pooled.whole, 0.0) if pooled and place in seen else None)
        p = [
            stats.paired_difference(models[i], models[j], lent=(lent[i], lent[j])).p
            for i in range(FAMILY)
            for j in range(i)
        ]
        alarms.append(stats.holm(p[1:]).min() < 0.05)  # The first stands for the primary pair.
    return float(np.mean(alarms))


def rows(repetitions: int = REPETITIONS) -> Iterator[tuple[str, str, float, tuple[float, float]]]:
    """What is simulated, of what, the share that was seen, and the bounds that it must be within."""
    whole, limits = world(), Limits()
    alarm, covers, detects = (0.035, 0.065), (0.93, 0.97), (0.78, 0.82)
    for seeds in ((1, 1), (1, 0), (2, 2), (3, 3), (5, 5), (3, 0), (5, 1)):
        yield "two equal models: significant", _seeds(seeds), pair_test(whole, seeds, repetitions), alarm
    for draws in (3, 5):
        significant, inside = curve(whole, draws, repetitions)
        yield "two equal models by draw: significant", f"{draws} draws", significant, alarm
        yield "two models by draw: interval of the difference", f"{draws} draws", inside, covers
    for number in (6, 4, 7):
        of = world(number)
        for seeds in ((1, 1), (3, 0), (5, 5)):
            what = f"{_seeds(seeds)}, class {number}"
            yield "two models equal in a class: significant", what, pair_test(of, seeds, repetitions), alarm
    for seeds in ((1, 1), (1, 5), (3, 3), (5, 5)):
        found = gate(whole, seeds, repetitions, points=limits.tolerance, tolerance=limits.tolerance)
        yield "gate, a drop of the tolerance: fails", _seeds(seeds), found, alarm
    for seeds in ((1, 1), (5, 5)):
        found = gate(world(6), seeds, repetitions, points=limits.class_tolerance, tolerance=limits.class_tolerance)
        yield "gate, a class drops by its tolerance: fails", f"{_seeds(seeds)}, class 6", found, alarm
    for seeds in ((1, 5), (3, 3), (5, 5)):
        found = gate(whole, seeds, repetitions, points=1.0, tolerance=limits.tolerance)
        yield "gate, a drop of one point: fails", _seeds(seeds), found, (0.0, 1.0)
    for seeds in ((1, 1), (3, 0), (5, 5)):
        for name, found in coverage(whole, seeds, repetitions).items():
            yield f"interval of the {name}", _seeds(seeds), found, covers
    for seeds in ((1, 0), (3, 0), (5, 5)):
        smallest, found = power(whole, seeds, repetitions)
        yield f"primary pair, {smallest:.2f} points: significant", _seeds(seeds), found, detects
        smallest, found = power(whole, seeds, repetitions, level=0.05 / FAMILY)
        yield f"secondary pair at 0.05/{FAMILY}, {smallest:.2f} points: significant", _seeds(seeds), found, detects
    yield "any of 90 secondary pairs of 14 equal models", "1 to 5 seeds", family(whole, repetitions), (0.0, 0.055)


def _seeds(seeds: Seeds) -> str:
    left, right = (str(count) if count else "deterministic" for count in seeds)
    return f"{left} and {right}"


def main(write: Callable[[str], object] = print) -> None:
    write("| what | seeds | simulated | aim |\n| --- | --- | --- | --- |")
    for what, of, found, (low, high) in rows():
        aim = "" if (low, high) == (0.0, 1.0) else f"{low:.1%} to {high:.1%}" if low else f"at most {high:.1%}"
        write(f"| {what} | {of} | {found:.1%} | {aim} |")


if __name__ == "__main__":
    main(functools.partial(print, flush=True))
