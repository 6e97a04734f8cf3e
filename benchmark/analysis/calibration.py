"""Whether probabilities can be taken at their word: scores, reliability, risk against coverage, temperature.

Pure functions on arrays. Everywhere ``probabilities`` is float (n, k) with rows that sum to one, ``labels``
is int (n,) in ``range(k)``, a prediction is the class of the highest probability (of several, the first) and
its *confidence* is that probability. A class that never occurs among the labels is no error: it counts as
predicted wrongly wherever it is predicted. What cannot be scored raises ``ValueError``.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

# Forests and nearest neighbours have probabilities of exactly zero, of which one wrong image would make the mean
# infinite. The floor is float32's resolution at 1, the precision in which models compute and the one that
# scikit-learn's log_loss takes for float32. The 12 significant bits that records keep are far coarser than that
# beside 1, but small probabilities keep their size in them.
FLOOR = float(np.finfo(np.float32).eps)
BINS = 15
BOUNDS = (0.05, 20.0)
SUM_TOLERANCE = 2e-3  # Of a row: models are allowed 1e-3, and rounding adds 2e-4.


def _checked(probabilities: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The arguments as float64 and as indices, or what is wrong with them."""
    probabilities, labels = np.asarray(probabilities, dtype=np.float64), np.asarray(labels)
    if probabilities.ndim != 2 or labels.shape != probabilities.shape[:1] or probabilities.size == 0:
        raise ValueError(f"probabilities of shape {probabilities.shape} do not fit labels of shape {labels.shape}")
    if labels.dtype.kind not in "iu" or labels.min() < 0 or labels.max() >= probabilities.shape[1]:
        raise ValueError(f"labels must be integers from 0 to {probabilities.shape[1] - 1}")
    if not np.isfinite(probabilities).all() or probabilities.min() < 0:
        raise ValueError("probabilities must be finite and not negative")
    if not np.allclose(probabilities.sum(axis=1), 1, rtol=0, atol=SUM_TOLERANCE):
        raise ValueError("each row of probabilities must sum to 1")
    return probabilities, labels.astype(np.intp)


def _log(probabilities: np.ndarray) -> np.ndarray:
    return np.asarray(np.log(np.maximum(probabilities, FLOOR)))


def _loss(logits: np.ndarray, labels: np.ndarray) -> float:
    return float(-log_softmax(logits, axis=1)[np.arange(len(labels)), labels].mean())


def nll(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Negative log-likelihood, in nats an image: mean of -log of the actual class's probability.

    Probabilities below ``FLOOR`` count as ``FLOOR``, and rows are then divided by their sums.
    """
    probabilities, labels = _checked(probabilities, labels)
    return _loss(_log(probabilities), labels)


def floored(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Share of images whose actual class has less than ``FLOOR``: each adds -log(FLOOR), 15.9, to the sum of
    which :func:`nll` is the mean, so that the floor decides it where they are many."""
    probabilities, labels = _checked(probabilities, labels)
    return float(np.mean(probabilities[np.arange(len(labels)), labels] < FLOOR))


def brier(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Brier score, 0 to 2: mean over images of the squared distance, summed over classes, to the one-hot label.

    G. W. Brier, "Verification of forecasts expressed in terms of probability", Monthly Weather Review 78
    (1950), in its original form for several classes; that for two is often halved.
    """
    probabilities, labels = _checked(probabilities, labels)
    distance = probabilities.copy()
    distance[np.arange(len(labels)), labels] -= 1
    return float(np.square(distance).sum(axis=1).mean())


@dataclasses.dataclass(frozen=True)
class Reliability:
    """Images by confidence: ``edges`` (bins + 1,), ``count`` (bins,), and mean ``confidence`` and ``accuracy``
    (bins,) of each bin's images, nan in an empty bin."""

    edges: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray
    count: np.ndarray


def reliability(probabilities: np.ndarray, labels: np.ndarray, bins: int = BINS) -> Reliability:
    """Mean confidence and accuracy in ``bins`` bins of equal width; a bin holds its upper edge, not its lower."""
    probabilities, labels = _checked(probabilities, labels)
    confidence, hit = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    edges = np.linspace(0, 1, bins + 1)
    place = np.digitize(confidence, edges[1:-1], right=True)
    count = np.bincount(place, minlength=bins)
    with np.errstate(invalid="ignore"):
        means = [np.bincount(place, weights=values, minlength=bins) / count for values in (confidence, hit)]
    return Reliability(edges, means[0], means[1], count)


def expected_calibration_error(probabilities: np.ndarray, labels: np.ndarray, bins: int = BINS) -> float:
    """Top-label expected calibration error (ECE), 0 to 1: the mean distance of accuracy from confidence in the
    bins of :func:`reliability`, weighted by their images.

    Fifteen bins of equal width, as in C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, "On Calibration of Modern
    Neural Networks" (2017), so that published figures compare. Bins of equal mass, the usual alternative,
    would have to part images of equal confidence, of which k-NN has thousands.
    """
    found = reliability(probabilities, labels, bins)
    distance = np.abs(found.accuracy - found.confidence)
    return float(np.nansum(distance * found.count) / found.count.sum())


def resampled_errors(runs: Sequence[np.ndarray], resamples: int = 1000, bins: int = BINS, seed: int = 0) -> np.ndarray:
    """A model's expected calibration error on resampled test images, mean over its runs (resamples,).

    Models on the same images are resampled alike, so that their differences are paired.

    Parameters
    ----------
    runs : sequence of ndarray of float (n_images, 2)
        Confidence, and whether the prediction is right, image by image in one order.
    """
    n = len(runs[0])
    drawn = np.random.default_rng(seed).integers(n, size=(resamples, n))
    # How often each image is drawn.
    weights = np.array([np.bincount(images, minlength=n) for images in drawn], dtype=np.float32)
    total = np.zeros(resamples)
    for run in runs:
        confidence, hit = run.T
        place = np.digitize(confidence, np.linspace(0, 1, bins + 1)[1:-1], right=True)
        gaps = np.zeros((n, bins), dtype=np.float32)
        gaps[np.arange(n), place] = hit - confidence
        total += np.abs(weights @ gaps).sum(axis=1) / n
    return np.asarray(total / len(runs))


def calibration_error_by_chance(probabilities: np.ndarray, labels: np.ndarray, bins: int = BINS) -> float:
    """About the ECE that these confidences would show if they were true, as accuracies of so many images scatter.

    Each bin's distance is taken as normal with the variance of a binomial share, whose mean absolute value is
    sqrt(2 / pi) standard deviations.
    """
    found = reliability(probabilities, labels, bins)
    full = found.count > 0
    spread = np.clip(found.confidence[full] * (1 - found.confidence[full]), 0, None) * found.count[full]
    return float(math.sqrt(2 / math.pi) * np.sqrt(spread).sum() / found.count.sum())


@dataclasses.dataclass(frozen=True)
class RiskCoverage:
    """Share of errors among the surest images: ``risk`` (n,) of the first 1, 2, ..., n, and ``area``, its mean."""

    risk: np.ndarray
    area: float

    def at(self, coverage: float) -> float:
        """Share of errors when the surest ``coverage``, above 0 and at most 1, of the images are answered."""
        # Rounded first, as 0.7 * 10 is a little more than 7.
        return float(self.risk[max(math.ceil(round(coverage * len(self.risk), 6)), 1) - 1])


def risk_coverage(probabilities: np.ndarray, labels: np.ndarray) -> RiskCoverage:
    """Errors against coverage when the least sure images are left unanswered, and the area under it (AURC).

    Y. Geifman, G. Uziel, R. El-Yaniv, "Bias-Reduced Uncertainty Estimation for Deep Neural Classifiers" (2019).
    Images of equal confidence have no order: each counts as the mean error of its equals, which is the
    expectation over all orders.
    """
    probabilities, labels = _checked(probabilities, labels)
    confidence, wrong = probabilities.max(axis=1), probabilities.argmax(axis=1) != labels
    _, group, sizes = np.unique(-confidence, return_inverse=True, return_counts=True)
    rates = np.bincount(group, weights=wrong) / sizes
    risk = np.cumsum(np.repeat(rates, sizes)) / np.arange(1, len(labels) + 1)
    return RiskCoverage(risk, float(risk.mean()))


@dataclasses.dataclass(frozen=True)
class Temperature:
    """A fitted temperature: above 1 it makes probabilities less extreme, below 1 more.

    ``at_bound`` says that the search ended at an end of ``BOUNDS``, so that the best value lies beyond.
    """

    value: float
    at_bound: bool


def temperature(probabilities: np.ndarray, labels: np.ndarray) -> Temperature:
    """The temperature with the lowest negative log-likelihood of these (validation) images.

    Guo et al. (2017) divide a network's logits by it. Here ``log(probabilities)``, which differ from logits by a
    constant a row that softmax takes away, stand in for them, so that every model with probabilities is
    treated alike. 1 is kept where nothing is better, as with probabilities that are all alike.
    """
    probabilities, labels = _checked(probabilities, labels)
    logits = _log(probabilities)
    low, high = np.log(BOUNDS)
    # The loss is convex in 1 / T, so it has one minimum in log T.
    found = minimize_scalar(
        lambda log_t: _loss(logits / math.exp(log_t), labels),
        bounds=(low, high),
        method="bounded",
        options={"xatol": 1e-4},
    )
    if not found.fun < _loss(logits, labels):
        return Temperature(1.0, at_bound=False)
    return Temperature(math.exp(found.x), at_bound=bool(min(found.x - low, high - found.x) < 1e-3))


def rescale(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """softmax(log(probabilities) / temperature), float64 (n, k): the same predictions, other confidences.

    Probabilities below ``FLOOR`` count as ``FLOOR``.
    """
    if not 0 < temperature < math.inf:
        raise ValueError(f"a temperature must be above 0 and finite, got {temperature}")
    probabilities = np.asarray(probabilities, dtype=np.float64)
    return np.asarray(np.exp(log_softmax(_log(probabilities) / temperature, axis=-1)))
