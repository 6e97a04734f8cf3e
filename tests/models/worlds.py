"""Runs like those of the reference, of which the truth is known.

Images have a difficulty that all models share and one for each model; a run is right where its skill outweighs both
and a noise of its own. All are normal, so true accuracies are known. How often two models, and two seeds of a model,
disagree on an image, and how far seeds move a model as a whole, is taken from the reference's records.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
from pathlib import Path

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtri
from scipy.stats import multivariate_normal, norm

from benchmark.analysis import seed_variance
from benchmark.analysis.hits import Hits, Lending, hits
from benchmark.analysis.seed_variance import SeedVariance
from benchmark.analysis.select import select
from benchmark.records.store import Store

ROOT = Path(__file__).resolve().parents[2]
NONE = np.zeros(0, dtype=int)


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
    assumed : float or None
        The variance that is assumed of a model whose collection shows none.
    lenders : (int, int)
        Other models that have several seeds, and how many.
    """

    n: int
    accuracy: float
    between: float
    within: float
    variances: tuple[float, ...]
    assumed: float | None
    lenders: tuple[int, int]

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

    def lent(self, rng: np.random.Generator) -> SeedVariance | None:
        """What the collection's other models lend; None where there are none and nothing is assumed."""
        flips = self.within / 2 / self.n
        models, seeds = self.lenders
        if not models and self.assumed is None:
            return None
        chosen = rng.choice(self.variances, size=models)
        totals = (chosen + flips) * rng.chisquare(seeds - 1, size=len(chosen)) / (seeds - 1)
        seen = [(str(i), SeedVariance(float(total), flips, seeds - 1)) for i, total in enumerate(totals)]
        lent = Lending(tuple(seen), self.assumed).to(Hits("another", NONE, NONE, NONE))
        assert lent is not None
        return lent


@functools.cache
def reference() -> tuple[Hits, ...]:
    """What the reference's models get right."""
    stored, _ = Store(ROOT / "results", "reference").read_all("fashion-mnist")
    selection = select(stored, "full")
    assert selection is not None
    found = [hits(summary, lambda s: s.predictions()) for summary in selection.summaries]
    return tuple(model for model in found if isinstance(model, Hits))


def world(number: int | None = None, *, scattered: bool = False) -> World:
    """The reference's, or that of one of its classes: medians over models and pairs of models next to each other.

    Variances of five seeds scatter by themselves; how far they lie apart is reduced to what that does not explain, or,
    ``scattered``, left as it is.
    """
    models = [model if number is None else model.of_class(number) for model in reference()]
    several = [model for model in models if len(model.right) > 2]
    pairs = itertools.pairwise(models[:7])
    seen = [seed_variance.observed_variance(model.right.astype(float)) for model in several]
    totals = np.array([part.total for part in seen])
    if not scattered:
        # A variance estimated with d degrees of freedom has a variance of 2 / d times its square.
        chance = 2 / float(np.mean([part.degrees for part in seen]))
        apart = float(totals.var(ddof=1))
        true = max(apart - chance * float(totals.mean()) ** 2, 0.0) / (1 + chance)
        totals = totals.mean() + math.sqrt(true / apart) * (totals - totals.mean())
    n = len(models[0].index)
    return World(
        n=n,
        accuracy=float(np.median([model.right.mean() for model in several])),
        between=float(np.median([np.mean(left.right[0] != right.right[0]) for left, right in pairs])),
        within=float(np.median([2 * n * part.flips for part in seen])),
        variances=tuple(np.maximum(totals - np.mean([part.flips for part in seen]), 0.0).tolist()),
        assumed=Lending.among(reference(), reference()[0], number=number).assumed,
        lenders=(len(several) - 1, int(np.median([len(model.right) for model in several]))),
    )


def few_errors() -> World:
    """One image in a hundred is wrong, of two thousand; models and seeds disagree less in proportion."""
    whole = world()
    accuracy = 0.99
    fewer = (1 - accuracy) / (1 - whole.accuracy)
    return dataclasses.replace(
        whole,
        n=2_000,
        accuracy=accuracy,
        between=whole.between * fewer,
        within=whole.within * fewer,
        variances=tuple(variance * fewer for variance in whole.variances),
        assumed=None,
    )


def few_images() -> World:
    """Few training images: a seed moves every model by a point, and no other model shows it."""
    return dataclasses.replace(world(), variances=(1e-4,), assumed=None, lenders=(0, 0))
