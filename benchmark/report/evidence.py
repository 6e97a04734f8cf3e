"""What a report rests on: the selected records, their predictions, and the images where they are at hand."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from benchmark.analysis.comparison import Comparison, Pair, accuracy_interval, compare
from benchmark.analysis.select import ModelSummary, Selection, best
from benchmark.analysis.stats import Interval
from benchmark.errors import UserError
from benchmark.records.store import Problem, Stored
from benchmark.specs import Dataset


@dataclasses.dataclass(frozen=True)
class Section:
    """A part of a report: Markdown below its heading, and the figures that it shows, by file name."""

    text: str
    figures: dict[str, Figure] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Evidence:
    """The records that a report compares and what can be looked up of them.

    Attributes
    ----------
    selection : Selection
        The runs that are compared.
    stored : sequence of Stored
        All readable records of the data set, of every profile.
    data : Dataset or None
        The images, if they are at hand and the version that the records are about.
    problems : list of Problem
        What was passed over; grows while predictions are read.
    """

    selection: Selection
    stored: Sequence[Stored]
    data: Dataset | None
    problems: list[Problem]
    _read: dict[str, dict[str, np.ndarray] | None] = dataclasses.field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Of the data set in its collection."""
        return self.stored[0].path.parents[1]

    @property
    def summaries(self) -> tuple[ModelSummary, ...]:
        return self.selection.summaries

    @property
    def class_names(self) -> tuple[str, ...]:
        return self.selection.dataset.class_names

    @property
    def cnn(self) -> ModelSummary | None:
        return best(self.summaries, "cnn")

    @property
    def baseline(self) -> ModelSummary | None:
        return best(self.summaries, "baseline")

    @functools.cached_property
    def comparison(self) -> Comparison:
        """Every model against every other, on the test images."""
        return compare(self.summaries, self.predictions)

    @property
    def best_pair(self) -> Pair | None:
        """The best network against the best baseline; None unless there are both and they can be compared."""
        if self.cnn is None or self.baseline is None:
            return None
        return self.comparison.find(self.cnn.name, self.baseline.name)

    @functools.cached_property
    def intervals(self) -> dict[str, Interval | None]:
        """95 % interval of each model's accuracy for the choice of test images; None where it cannot be had."""
        return {s.name: accuracy_interval(s, self.predictions) for s in self.summaries}

    def predictions(self, stored: Stored) -> dict[str, np.ndarray] | None:
        """The arrays of :meth:`benchmark.records.store.Stored.predictions`, read once; None if they cannot be had,
        which is then among ``problems``."""
        name = str(stored.path)
        if name not in self._read:
            try:
                self._read[name] = stored.predictions()
            except UserError as error:
                self.problems.append(Problem(stored.path, error.problem))
                self._read[name] = None
        return self._read[name]
