"""What a report is based on: the selected records, their predictions, and the images where they are available."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from benchmark.analysis.comparison import Comparison, Intervals, Pair, compare, intervals
from benchmark.analysis.leaderboard import leaderboard
from benchmark.analysis.out_of_fold import together
from benchmark.analysis.select import Kind, ModelSummary, Selection, best, select
from benchmark.data.folds import pooled
from benchmark.errors import UserError
from benchmark.estimators.metrics import Metric
from benchmark.records.dataset_schema import DataAudit, DatasetSummary
from benchmark.records.store import AUDIT, Problem, Stored, read_audit
from benchmark.specs import Dataset


@dataclasses.dataclass
class Evidence:
    """The records that a report compares and what can be looked up of them.

    Attributes
    ----------
    collection : str
        Name of the collection.
    selection : Selection
        The runs that are compared.
    stored : sequence of Stored
        All readable records of the data set, of every profile.
    data : Dataset or None
        The images, if they are available and the version that the records are about.
    problems : list of Problem
        What was skipped; grows while predictions are read.
    summary : DatasetSummary or None
        The data set's description with its integrity checks.
    runs : Evidence or None
        Of what :attr:`by_image` has put together, the evidence that it is made of.
    """

    selection: Selection
    stored: Sequence[Stored]
    data: Dataset | None
    problems: list[Problem]
    collection: str = ""
    summary: DatasetSummary | None = None
    runs: Evidence | None = None
    _read: dict[str, dict[str, np.ndarray] | None] = dataclasses.field(default_factory=dict)

    @property
    def pictures(self) -> Dataset | None:
        """The data, if its images are available and may be shown."""
        return self.data if self.data is not None and self.data.account.show_pictures else None

    @property
    def folder(self) -> Path:
        """Of the data set in its collection."""
        return self.stored[0].path.parents[1]

    @property
    def is_main(self) -> bool:
        """Whether the profile is the one that is chosen where none is named."""
        main = select(self.stored)
        return main is None or main.profile == self.selection.profile

    @property
    def metric(self) -> Metric:
        return self.selection.metric

    @property
    def summaries(self) -> tuple[ModelSummary, ...]:
        return self.selection.summaries

    @property
    def class_names(self) -> tuple[str, ...]:
        return self.selection.dataset.class_names

    @property
    def cnn(self) -> ModelSummary | None:
        return self._best("cnn")

    @property
    def baseline(self) -> ModelSummary | None:
        return self._best("baseline")

    def _best(self, kind: Kind) -> ModelSummary | None:
        if self.runs is None:
            return best(self.summaries, kind)
        chosen = best(self.runs.summaries, kind)
        return next((s for s in self.summaries if chosen is not None and s.name == chosen.name), None)

    @functools.cached_property
    def by_image(self) -> Evidence:
        """What all that looks at single images is based on: of folds, those of each repeat together."""
        if self.selection.folds is None:
            return self
        found = [together(summary, self.predictions) for summary in self.summaries]
        summaries = tuple(ModelSummary(tuple(stored for stored, _ in runs), self.metric) for runs in found if runs)
        return Evidence(
            selection=dataclasses.replace(self.selection, profile="full", summaries=summaries),
            stored=self.stored,
            data=None if self.data is None else pooled(self.data),
            problems=self.problems,
            collection=self.collection,
            summary=self.summary,
            runs=self,
            _read={str(stored.path): arrays for runs in found for stored, arrays in runs},
        )

    @functools.cached_property
    def comparison(self) -> Comparison:
        """Every model against every other, on the test images."""
        return compare(self.summaries, self.predictions)

    @property
    def best_pair(self) -> Pair | None:
        """The best CNN against the best baseline; None unless there are both and they can be compared."""
        found = self.comparison.primary
        if found is None or self.cnn is None or found.left == self.cnn.name:
            return found
        return found.swapped()

    @functools.cached_property
    def intervals(self) -> dict[str, Intervals]:
        """The intervals of every model's metric, by name."""
        return intervals(self.selection.ranked, self.predictions)

    @functools.cached_property
    def leaderboard(self) -> pd.DataFrame:
        """See :func:`benchmark.analysis.leaderboard.leaderboard`."""
        return leaderboard(self.selection.ranked, self.intervals)

    @functools.cached_property
    def near_duplicates(self) -> DataAudit | None:
        """The audit beside the records if it is about this version of the data, which folds divide otherwise; what is
        wrong is among the problems."""
        if self.runs is not None or self.selection.folds is not None:
            return None
        audit = read_audit(self.folder)
        if isinstance(audit, Problem):
            self.problems.append(audit)
            return None
        if audit is None or audit.fingerprint != self.selection.dataset.fingerprint:
            return None
        labels = [label for s in audit.searches for pair in s.closest for label in (pair.label, pair.train_label)]
        if max(labels, default=0) >= len(self.class_names):
            self.problems.append(Problem(self.folder / AUDIT, "it has labels that the data set does not have"))
            return None
        return audit

    def images(self, index: np.ndarray) -> np.ndarray | None:
        """The test images, if they are available and ``index`` (n,) points into them."""
        images = None if self.pictures is None else self.pictures.test_images
        return None if images is None or not len(index) or index.max() >= len(images) else images

    def predictions(self, stored: Stored) -> dict[str, np.ndarray] | None:
        """The arrays of :meth:`benchmark.records.store.Stored.predictions`, read once; None if they cannot be read,
        which is then among ``problems``."""
        name = str(stored.path)
        if name not in self._read:
            try:
                self._read[name] = stored.predictions()
            except UserError as error:
                # What is skipped is not the record: the model keeps its place, and is compared with nothing.
                summary = stored.record.predictions
                path = stored.path if summary is None else stored.path.parent / summary.file
                self.problems.append(Problem(path, f"{stored.record.run.model} is not compared: {error.problem}"))
                self._read[name] = None
        return self._read[name]
