"""Images classified by a saved model: pictures of any kind, or test images of the data set."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.data import cache, load, pictures
from benchmark.errors import OF_OTHERS, UserError
from benchmark.estimators import adapter, serialization
from benchmark.estimators.feature_cache import unkept
from benchmark.predict import saved, sheet
from benchmark.predict.likeness import Likeness
from benchmark.predict.sheet import Shown
from benchmark.records.schema import RunRecord
from benchmark.records.store import Store, Stored
from benchmark.report import style
from benchmark.specs import Dataset, DatasetSpec, ModelSpec, Preparation
from benchmark.utils.format import first_line, printable

ROWS_PER_SHEET = 8


@dataclasses.dataclass(frozen=True)
class Question:
    """An image to classify, uint8 (h, w, c) as given and as the model sees it; ``actual`` is its label if known,
    ``strange`` says that it is unlike all training images."""

    name: str
    size: str
    given: np.ndarray
    seen: np.ndarray
    steps: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    actual: int | None = None
    strange: bool = False


class SavedClassifier:
    """The newest saved model of a name, checked against the registered one.

    Parameters
    ----------
    store : Store
    dataset : DatasetSpec
    model : str
    seed : int or None
        None takes the model that was fitted last.
    spec_of : callable
        Gives the model of a record as it is today.
    data : Dataset or None
        The decoded data set, to compare fingerprints and to prepare pictures like its images.

    Raises
    ------
    UserError
        If no model is saved, or it is not the one that this version of the suite would fit.
    """

    def __init__(
        self,
        store: Store,
        dataset: DatasetSpec,
        model: str,
        seed: int | None,
        spec_of: Callable[[RunRecord], ModelSpec],
        data: Dataset | None,
    ) -> None:
        self.stored: Stored = saved.newest(store, dataset.name, model, seed)
        self.record = self.stored.record
        self._spec, self._data = spec_of(self.record), data
        self._run = saved.check_current(self.stored, self._spec, data.fingerprint if data else None)

    def pictures(
        self, paths: Sequence[Path], invert: bool | None, on_unreadable: Callable[[str], None]
    ) -> list[Question]:
        """The pictures that can be read; each other one is named to ``on_unreadable`` with the reason."""
        shape, preparation, found = self.record.dataset.image_shape, self._preparation(), []
        for path in paths:
            try:
                found.append((path, pictures.read(path, shape, preparation, invert)))
            except UserError as error:
                on_unreadable(f"{path}: {error}")
        if not found:
            return []
        likeness = None if self._data is None else Likeness.of(self._data)
        seen = np.stack([read.seen for _, read in found])
        strange = np.zeros(len(seen), dtype=bool) if likeness is None else likeness.strange(seen)
        return [
            Question(str(path), read.size, read.given, read.seen, read.steps, read.doubts, strange=bool(unlike))
            for (path, read), unlike in zip(found, strange, strict=True)
        ]

    def _preparation(self) -> Preparation:
        """As the model's images were prepared."""
        recorded: dict[str, Any] = self.record.dataset.preparation
        name = self.record.run.dataset
        try:
            if recorded:
                return Preparation(**recorded)
        except (TypeError, ValueError) as error:
            raise UserError(
                f"{self.stored.path}: it says nothing usable about how pictures are prepared: {first_line(error)}.",
                f"Fit it again: {self.stored.command('--save-models', '--fresh')}",
            ) from error
        if self._data is not None:
            return self._data.preparation
        raise UserError(
            f"How pictures were prepared for {name} is neither in the record of this model nor decoded here.",
            f"Decode the data set: python -m benchmark data fetch {name}",
        )

    def test_images(self, places: Sequence[int]) -> list[Question]:
        """Test images of the data set by their places."""
        if self._data is None or not places:
            return []
        if self._run.fold is not None:  # All but its own fold were there to learn from.
            raise UserError(
                f"The saved {self._run.model} is that of a fold, and has learnt from test images of the hold-out.",
                f"Name pictures, or fit it on the hold-out: python -m benchmark run {self._run.model} --dataset "
                f"{self._run.dataset} --folds 0 --save-models",
            )
        n = len(self._data.test_labels)
        if max(places) >= n:
            raise UserError(f"There is no test image {max(places):,}.", f"There are {n:,}: 0 to {n - 1:,}.")
        questions = []
        for place in places:
            pixels = self._data.test_images[place]
            size, label = f"{pixels.shape[1]} x {pixels.shape[0]}", int(self._data.test_labels[place])
            questions.append(Question(f"test image {place}", size, pixels, pixels, actual=label))
        return questions

    def classify(self, questions: Sequence[Question], top: int) -> list[Shown]:
        """Predict each image, with its ``top`` most probable classes where the model has probabilities."""
        names = self.record.dataset.class_names
        X = adapter.inputs(np.stack([question.seen for question in questions]), np.arange(len(questions)), self._spec)
        try:
            fitted = self._load()
            with unkept():
                answer = fitted.answer(X)
        except UserError:
            raise
        except OF_OTHERS as error:  # The file may come from others and hold anything.
            raise UserError(
                f"{self.stored.path.name}: the saved model does not predict: {first_line(error)}.",
                f"Fit it again: {self.stored.command('--save-models', '--fresh')}",
            ) from error
        probabilities = answer.probabilities
        return [
            _shown(question, int(label), None if probabilities is None else probabilities[place], names, top)
            for place, (question, label) in enumerate(zip(questions, answer.predicted, strict=True))
        ]

    def _load(self) -> adapter.Adapter:
        state = self.record.random_state
        fitted = serialization.load(self.stored, adapter.configured(self._spec.create(self._run), state, 1, "cpu"))
        every = np.arange(len(self.record.dataset.class_names))
        known = self.record.saved.classes if self.record.saved is not None else None
        classes = every if known is None else every[list(known)]
        return adapter.Adapter(adapter.configured(fitted, state, 1, "cpu"), classes, len(every))

    def write_sheets(self, rows: Sequence[Shown], folder: Path) -> list[Path]:
        """Write pictures of at most ROWS_PER_SHEET images each, named after the model and the first image."""
        model = self.record.run.model
        first = re.sub(r"[^A-Za-z0-9_-]+", "-", Path(rows[0].name).stem).strip("-")[:40] or "image"
        more = f"-and-{len(rows) - 1}-more" if len(rows) > 1 else ""
        title = f"{model} on {self.record.dataset.title}"
        written = []
        for start in range(0, len(rows), ROWS_PER_SHEET):
            part = f"-{start // ROWS_PER_SHEET + 1}" if len(rows) > ROWS_PER_SHEET else ""
            path = folder / f"{model}-{first}{more}{part}.png"
            style.save(sheet.draw(title, rows[start : start + ROWS_PER_SHEET]), path)
            written.append(path)
        return written


def data_for(spec: DatasetSpec, data_dir: Path | None, say: Callable[[str], None], *, needed: bool) -> Dataset | None:
    """The data set; if it is not ``needed``, only as far as it is already decoded."""
    if needed or data_dir is not None:
        return load.prepare(spec, data_dir=data_dir, say=say)
    dataset = cache.read(spec, verify=False)
    if dataset is None:
        say(
            f"note: {spec.title} is not decoded here, so it is not checked whether the model is of these data, nor "
            "whether pictures are like them"
        )
    return dataset


def _shown(question: Question, label: int, probabilities: np.ndarray | None, names: Sequence[str], top: int) -> Shown:
    bars: tuple[tuple[str, float], ...] = ()
    if probabilities is not None:
        order = sorted(range(len(names)), key=lambda k: (-probabilities[k], k))[:top]
        bars = tuple((names[k], float(probabilities[k])) for k in order)
    actual = None if question.actual is None else names[question.actual]
    name = printable(Path(question.name).name)
    return Shown(name, question.given, question.seen, names[label], bars, actual, question.strange)
