"""What models get right or are worth image by image, and what is known of how that varies with the seed."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from benchmark.analysis import seed_variance
from benchmark.analysis.select import ModelSummary
from benchmark.analysis.uncertainty import Classes
from benchmark.estimators.metrics import METRICS, Metric, Predicted
from benchmark.records.store import Stored

# Standard deviation of accuracy over seeds, as a fraction, where no model of a collection has several. It is about that
# of this suite's networks, trained on ten thousand images of Fashion-MNIST or more, and assumed for as many only.
ASSUMED_SD = 0.002
ASSUMED_FROM = 10_000
# Degrees of freedom of a lent variance, however well it is known: models of a collection differ by a factor of two.
LENT_DEGREES = 4.0
Lookup = Callable[[Stored], dict[str, np.ndarray] | None]


@dataclasses.dataclass(frozen=True)
class Hits:
    """What a model's runs get right.

    Attributes
    ----------
    model : str
    index, labels : ndarray of int (n_images,)
        Places of the test images in the test set, and their classes.
    right : ndarray of bool (n_seeds, n_images)
    stochastic : bool
        Whether another seed may give another result.
    train_size : int
        Training images.
    metric : Metric
        What the model is judged by.
    contributions : ndarray of float (n_seeds, n_images) or None
        Of each image to the metric, on the scale on which more is better; None for accuracy, where they are ``right``.
    """

    model: str
    index: np.ndarray
    labels: np.ndarray
    right: np.ndarray
    stochastic: bool = True
    train_size: int = 0
    metric: Metric = METRICS["accuracy"]
    contributions: np.ndarray | None = None

    @property
    def values(self) -> np.ndarray:
        """What is compared: contributions to the metric (n_seeds, n_images)."""
        return self.right.astype(float) if self.contributions is None else self.contributions

    @property
    def value(self) -> float:
        """The metric, mean over seeds, in its own unit."""
        mean = float(self.values.mean())
        return self.metric.unscaled(mean, mean)[0]

    @property
    def classes(self) -> Classes | None:
        """By which the contributions vary; None for accuracy, which is a mean over images alike."""
        return None if self.contributions is None else Classes(self.labels, self.metric.extra, self.metric.prior)

    def same_images(self, other: Hits) -> bool:
        return np.array_equal(self.index, other.index) and np.array_equal(self.labels, other.labels)

    def of_accuracy(self) -> Hits:
        """The same judged by accuracy."""
        return dataclasses.replace(self, metric=METRICS["accuracy"], contributions=None)

    def of_class(self, number: int) -> Hits:
        """Accuracy on the images of a class: its recall."""
        chosen = self.labels == number
        return dataclasses.replace(
            self.of_accuracy(), index=self.index[chosen], labels=self.labels[chosen], right=self.right[:, chosen]
        )


def hits(summary: ModelSummary, lookup: Lookup) -> Hits | str:
    """What a model's runs get right, or why that cannot be said."""
    if summary.folds:
        return f"{summary.name}: it is cross-validated, and not compared image by image"
    first: Hits | None = None
    rows, contributions, metric = [], [], summary.metric
    for stored in summary.stored:
        arrays = lookup(stored)
        if arrays is None:
            return f"{summary.name}: the predictions of seed {stored.record.run.seed} cannot be read"
        index, labels = arrays["test_index"], arrays["test_labels"]
        right = arrays["test_predicted"] == labels
        train_size = stored.record.dataset.train_size
        found = Hits(summary.name, index, labels, right, summary.stochastic, train_size)
        first = first or found
        if not first.same_images(found):
            return f"{summary.name}: its runs are not on the same test images"
        rows.append(right)
        if metric.name != "accuracy":
            each = _contributions(metric, arrays, len(stored.record.dataset.class_names))
            if each is None:
                return f"{summary.name}: it predicts no {metric.needs}, which {metric.title} needs"
            contributions.append(each)
    if first is None or not len(first.index):
        return f"{summary.name}: there are no test images"
    return dataclasses.replace(
        first, right=np.array(rows), metric=metric, contributions=np.array(contributions) if contributions else None
    )


def _contributions(metric: Metric, arrays: Mapping[str, np.ndarray], n_classes: int) -> np.ndarray | None:
    """Of each test image to a metric, on the scale on which more is better; None where the predictions lack it."""
    kept = arrays.get(f"test_{metric.name}")  # Of decision values, which are not recorded themselves.
    scores = arrays.get("test_probabilities")
    if kept is None and scores is None and metric.needs != "labels":
        return None
    if kept is None:
        labels, predicted = (arrays[f"test_{name}"].astype(np.int64) for name in ("labels", "predicted"))
        kept = metric.contributions(Predicted(labels, predicted, n_classes, scores))
    return metric.scaled(kept.astype(np.float64))


@dataclasses.dataclass(frozen=True)
class Lending:
    """The seed variances that models on the same images lend each other.

    Attributes
    ----------
    observed : tuple of (str, SeedVariance)
        Of every stochastic model with several seeds, by name.
    assumed : float or None
        The variance that is lent where none is observed; it fills what is observed up to four degrees of freedom, and
        counts for one at least.
    """

    observed: tuple[tuple[str, seed_variance.SeedVariance], ...]
    assumed: float | None

    @classmethod
    def among(
        cls,
        models: Sequence[Hits],
        like: Hits,
        *,
        number: int | None = None,
        sd: float | None = None,
        before: Sequence[Hits] = (),
    ) -> Lending:
        """Of those of ``models`` that are on the same images as ``like``.

        Parameters
        ----------
        models : sequence of Hits
        like : Hits
        number : int or None
            Class to whose images the variances are of; None for all images.
        sd : float or None
            Assumed of accuracy on all test images, a fraction; None assumes ``ASSUMED_SD`` where there are enough
            training images.
        before : sequence of Hits
            Those whose recall says how far seeds may move a class, as before a change that may have spoilt it; all of
            them where none are named.
        """
        models = [model for model in models if model.same_images(like)]
        if sd is None and all(model.train_size >= ASSUMED_FROM for model in models):
            sd = ASSUMED_SD
        assumed = None if sd is None else sd**2
        if assumed is not None and like.contributions is not None:
            # Of the variance over images, accuracy's and another metric's seed variances are about the same share.
            assumed *= _sampling_variance([model.values for model in models]) / _spread(models)
        if number is not None:
            usual = before or models
            if assumed is not None:
                # No further than single images, each by itself, would: of few errors 0.2 points are many.
                spread = _spread([model.of_class(number) for model in usual])
                assumed = min(assumed / _spread(usual), 1.0) * spread
            models = [model.of_class(number) for model in models]
        several = [model for model in models if model.stochastic and len(model.right) > 1]
        return cls(
            tuple((model.model, seed_variance.observed_variance(model.values)) for model in several),
            assumed,
        )

    def to(self, *sides: Hits) -> seed_variance.SeedVariance | None:
        """The variance that the others lend a model, of which there may be runs before and after a change.

        It is as uncertain as models differ from each other and the others' seeds show little of it together. None for
        a model in which nothing is random, or if there is nothing to lend; a single run is not lent what fewer than
        four degrees of freedom show, as two models of three seeds have.
        """
        if not any(side.stochastic for side in sides):
            return None
        others = [variance for name, variance in self.observed if name != sides[0].model]
        seen = sum(variance.degrees for variance in others)
        if self.assumed is not None:
            others.append(seed_variance.SeedVariance(self.assumed, 0.0, max(LENT_DEGREES - seen, 1.0)))
        elif seen < LENT_DEGREES and all(len(side.right) == 1 for side in sides):
            return None
        pooled = seed_variance.pooled_variance(others)
        if pooled is None:
            return None
        degrees = 1 / (1 / LENT_DEGREES + 1 / sum(variance.degrees for variance in others))
        return seed_variance.SeedVariance(max(pooled.whole, 0.0), 0.0, degrees)


def _spread(models: Sequence[Hits]) -> float:
    """What the variance between seeds is about proportional to: p (1 - p) / n images, as a binomial's is.

    Over the classes of the reference, the larger a class's share of errors and the smaller the class, the further
    seeds move its recall; their root mean square of 0.02 to 1.12 points follows this within 0.3.
    """
    n = len(models[0].index)
    p = (np.mean([model.right.mean() for model in models]) * n + 1) / (n + 2)
    return float(p * (1 - p) / n)


def _sampling_variance(values: Sequence[np.ndarray]) -> float:
    """Of a metric, due to the choice of test images: mean over models."""
    return float(np.mean([each.mean(axis=0).var() / each.shape[1] for each in values]))
