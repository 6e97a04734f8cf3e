"""By which law a model's time and memory grow with the images, from one or two runs that were measured.

What is computed in a run grows in four ways, which are kept apart (docs/decisions/0013-time-estimates.md): fitting
without epochs like a constant and a power of the number of training images; an epoch linearly, above the least number
of images that it goes through; predicting linearly with the images to predict and, for some models, with the training
images; and whatever else there is (the process, reading the data) linearly.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from statistics import mean
from typing import Self

from benchmark.records.schema import Cost, Count, Model, Seconds

LEAST_POWER, MOST_POWER = 1.0, 2.0  # Of the training images, where a model does not say how its time to fit grows.
NOTICEABLE = 1.25  # Growth of the time to predict that is more than noise, where training images are doubled.
PREDICTING_POWER = 0.7  # Of the training images: between none, and all as of nearest neighbours.
FORWARD = 1 / 3  # Of a network's training step: predicting an image needs no gradients.
LEAST_LIKE = 0.3  # Of the time: smaller images leave what does not depend on their size.
CORRUPTED_VERSIONS = 30  # Six corruptions, five severities.


class Measured(Model):
    """What a run cost, on how many images: of a record, or of a pilot.

    ``train``, ``validation`` and ``test`` are numbers of images, ``numbers`` those of one image (height x width x
    channels), ``epochs`` those that were run, ``epoch`` the mean seconds of one with its validation, ``rate`` images a
    second in training, ``looks`` whether test images are predicted again for every epoch, ``memory`` the peak in bytes,
    ``rest`` seconds of the process that are none of the others.
    """

    train: Count
    validation: Count
    test: Count
    numbers: Count
    fit: Seconds
    predict: Seconds
    scoring: Seconds
    rest: Seconds
    epochs: Count = 0
    epoch: Seconds = 0.0
    rate: float | None = None
    looks: bool = False
    memory: Count | None = None
    precision: str | None = None

    @classmethod
    def of(
        cls,
        cost: Cost,
        sizes: tuple[int, int, int],
        numbers: int,
        *,
        rest: float,
        epochs: Sequence[Mapping[str, float | None]] = (),
        seconds: Sequence[float] = (),
        looks: bool = False,
    ) -> Self:
        """Of a run's cost and its history; ``seconds`` are those of its epochs where the history does not say."""
        told = [value for row in epochs if (value := row.get("seconds")) is not None] or list(seconds)
        rates = [value for row in epochs if (value := row.get("images_per_second"))]
        whole = cost.fit_seconds / max(1, len(epochs))
        return cls(
            train=sizes[0],
            validation=sizes[1],
            test=sizes[2],
            numbers=numbers,
            fit=cost.fit_seconds,
            predict=cost.predict_seconds,
            scoring=cost.scoring_seconds,
            rest=max(0.0, rest),
            epochs=len(epochs),
            epoch=min(mean(told) if told else whole, whole) if epochs else 0.0,
            rate=mean(rates) if rates else None,
            looks=looks,
            memory=cost.peak_memory_bytes,
            precision=cost.precision,
        )

    @property
    def seconds(self) -> float:
        return self.fit + self.predict + self.scoring + self.rest

    @property
    def images(self) -> float:
        """That an epoch went through."""
        return 0.0 if self.rate is None else self.rate * self.epoch - FORWARD * self.validation


@dataclasses.dataclass(frozen=True, kw_only=True)
class Target:
    """The run to estimate: numbers of images, and of numbers in one; most epochs, None of a model without."""

    train: int
    validation: int
    test: int
    numbers: int
    epochs: int | None = None
    corruptions: bool = False


@dataclasses.dataclass(frozen=True)
class Law:
    """How a model's cost grows.

    Attributes
    ----------
    points : tuple of Measured
        One, or two of different numbers of training images, fewest first.
    power : float or None
        Of the number of training images by which the time to fit grows; None: as measured, from 1 to 2.
    steady : float
        Share of an epoch's first time that the later ones take, on average.
    lasting : float
        Share of the most epochs that is run before training stops early, on average.
    """

    points: tuple[Measured, ...]
    power: float | None = None
    steady: float = 1.0
    lasting: float = 1.0

    def seconds(self, target: Target) -> float:
        """Of the whole run."""
        largest = self.points[-1]
        if len(self.points) == 1 and _same(largest, target):
            return largest.seconds + self._corrupted(target, largest.predict)
        larger = max(LEAST_LIKE, target.numbers / largest.numbers)
        fit = self._fit(target) * larger
        predicting = self._predicting(target)
        predict = predicting * largest.predict * target.test / max(1, largest.test) * larger
        scored = (target.validation + target.test) / max(1, largest.validation + largest.test)
        scoring = predicting * largest.scoring * scored * larger + self._looking(target) * larger
        rest = self._linear("rest", target.train)
        return fit + predict + scoring + rest + self._corrupted(target, predict)

    def memory(self, target: Target) -> int | None:
        """Peak memory in bytes; None where it was not measured, or of one other number of images only."""
        largest = self.points[-1]
        alone = len(self.points) == 1 and largest.train != target.train
        if alone or any(point.memory is None for point in self.points):
            return None
        more = target.validation + target.test - largest.validation - largest.test
        held = max(0, more) * target.numbers * 4  # As float32.
        return int(self._linear("memory", target.train)) + held

    def _fit(self, target: Target) -> float:
        largest = self.points[-1]
        if not largest.epochs or target.epochs is None:
            return self._power(target.train)
        if largest.rate:
            # Where images are few, an epoch goes through them several times.
            seen = max(target.train, largest.images if largest.images > 1.1 * largest.train else 0)
            epoch = (seen + FORWARD * target.validation) / mean(point.rate or largest.rate for point in self.points)
        else:
            epoch = self._line([(point.train, point.epoch) for point in self.points], target.train)
        before = [(point.train, max(0.0, point.fit - point.epochs * point.epoch)) for point in self.points]
        epochs = max(1.0, target.epochs * self.lasting)
        return self._line(before, target.train) + epoch * (1 + (epochs - 1) * self.steady)

    def _power(self, train: int) -> float:
        """A constant and a power of the number of images, through what was measured."""
        largest, times = self.points[-1], [(point.train, point.fit) for point in self.points]
        power = self.power
        if len(times) == 1:
            return largest.fit * math.pow(train / largest.train, power or LEAST_POWER)
        if power is None:
            (few, fast), (many, slow) = times
            measured = math.log(max(slow, 1e-9) / max(fast, 1e-9)) / math.log(many / few)
            power = min(max(measured, LEAST_POWER), MOST_POWER)
        return self._line([(count**power, seconds) for count, seconds in times], train**power)

    def _predicting(self, target: Target) -> float:
        """How many times as long as with the largest sample it takes to predict an image."""
        largest = self.points[-1]
        if largest.epochs or target.train == largest.train:
            return 1.0
        if len(self.points) == 1:
            return math.pow(target.train / largest.train, PREDICTING_POWER)
        few, many = (point.predict / max(1, point.test) for point in self.points)
        doubled = math.log2(self.points[1].train / self.points[0].train)
        if many <= few * NOTICEABLE**doubled or many <= 0:
            return 1.0
        grown = self._line([(self.points[0].train, few), (largest.train, many)], target.train)
        return max(grown, 0.0) / many

    def _looking(self, target: Target) -> float:
        """Seconds in which the test images are predicted with the weights of the further epochs."""
        largest = self.points[-1]
        if not largest.looks or largest.rate is None or target.epochs is None:
            return 0.0
        return max(0.0, target.epochs * self.lasting - largest.epochs) * target.test * FORWARD / largest.rate

    def _linear(self, name: str, train: int) -> float:
        return self._line([(point.train, float(getattr(point, name))) for point in self.points], train)

    @staticmethod
    def _line(places: Sequence[tuple[float, float]], x: float) -> float:
        """At ``x``, a line through one or two places that neither falls nor starts below zero."""
        if len(places) == 1:
            return places[0][1]
        (x1, y1), (x2, y2) = places
        slope = max(0.0, (y2 - y1) / (x2 - x1))
        start = y2 - slope * x2
        return y2 * x / x2 if start < 0 else start + slope * x

    @staticmethod
    def _corrupted(target: Target, predict: float) -> float:
        return CORRUPTED_VERSIONS * predict if target.corruptions else 0.0


def _same(measured: Measured, target: Target) -> bool:
    sizes = measured.train, measured.validation, measured.test, measured.numbers
    return sizes == (target.train, target.validation, target.test, target.numbers)
