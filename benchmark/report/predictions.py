"""Test images with their actual and predicted class and the probabilities behind it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np

from benchmark.analysis.select import ModelSummary
from benchmark.report.document import MANY_CLASSES, Gallery, Item, Paragraph, Printed, Section, section
from benchmark.report.evidence import Evidence

COLUMNS = 5
BARS = 3
LEGEND = "Bars are the three largest probabilities: blue the actual class, vermilion a wrong prediction."
NO_IMAGES = (
    "No images: the test images or the predictions were not available when this report was written "
    "('python -m benchmark data fetch' gets the images), the images may not be shown, or no model has probabilities."
)


@dataclasses.dataclass(frozen=True)
class Predicted:
    """A model's predictions of the test images: labels, predicted labels (n,), probabilities (n, k)."""

    index: np.ndarray
    labels: np.ndarray
    predicted: np.ndarray
    probabilities: np.ndarray

    @classmethod
    def of(cls, arrays: Mapping[str, np.ndarray]) -> Predicted | None:
        """From a record's arrays; None for a model without probabilities."""
        if "test_probabilities" not in arrays:
            return None
        return cls(*(arrays[f"test_{name}"] for name in ("index", "labels", "predicted", "probabilities")))

    @property
    def confidence(self) -> np.ndarray:
        return np.asarray(self.probabilities.max(axis=1))


def examples(evidence: Evidence) -> Section | None:
    """Images that the best CNN gets right, gets wrong, and gets right where the best baseline does not."""
    if not evidence.summaries:
        return None
    galleries = _galleries(evidence)
    return section(
        "predictions", "Predictions", Printed([Paragraph(LEGEND), *galleries] if galleries else [Paragraph(NO_IMAGES)])
    )


def _galleries(evidence: Evidence) -> list[Gallery]:
    # Without a CNN, the best model that has probabilities.
    model = evidence.cnn or next((s for s in evidence.summaries if s.has_probabilities), None)
    other = evidence.baseline

    def arrays(summary: ModelSummary | None) -> dict[str, np.ndarray]:
        return {} if summary is None else evidence.predictions(summary.stored[0]) or {}

    shown = Predicted.of(arrays(model))
    images = None if shown is None else evidence.images(shown.index)
    if model is None or shown is None or images is None:
        return []
    right, many = one_right_of_each_class(shown), len(evidence.class_names) > MANY_CLASSES
    each = f"each of {len(right)} classes" if many else "each class"
    wanted = [
        (f"Classified correctly by {model.name}: the first of {each}", "right", right, None),
        (f"Most confident errors of {model.name}", "wrong", most_confident_errors(shown), None),
    ]
    rival = arrays(other) if other is not model else {}
    if other is not None and rival and np.array_equal(rival["test_index"], shown.index):
        places = gained(shown, rival["test_predicted"])
        title = f"Correct by {model.name}, wrong by {other.name}"
        wanted.append((title, "gained", places, (other.name, rival["test_predicted"])))  # type: ignore[arg-type]
    return [
        Gallery(f"gallery-{name}", f"{title}.", title, items(shown, places, images, evidence.class_names, against))
        for title, name, places, against in wanted
        if len(places)
    ]


def one_right_of_each_class(shown: Predicted) -> np.ndarray:
    """Positions of the first test image of each class that was classified correctly; of the first classes if many."""
    right = np.flatnonzero(shown.labels == shown.predicted)
    _, first = np.unique(shown.labels[right], return_index=True)
    return right[first[:MANY_CLASSES]]


def most_confident_errors(shown: Predicted, limit: int = 2 * COLUMNS) -> np.ndarray:
    """Positions of the errors made with the highest probability."""
    wrong = np.flatnonzero(shown.labels != shown.predicted)
    return wrong[np.argsort(-shown.confidence[wrong], kind="stable")[:limit]]


def gained(shown: Predicted, other_predicted: np.ndarray, limit: int = 2 * COLUMNS) -> np.ndarray:
    """Positions of images that are right here and wrong in ``other_predicted``, most confident first, no more than
    two of a class so that the hardest does not fill the picture."""
    right = np.flatnonzero((shown.labels == shown.predicted) & (shown.labels != other_predicted))
    ranked = right[np.argsort(-shown.confidence[right], kind="stable")]
    taken: list[int] = []
    for most in (2, limit):
        for place in ranked:
            of_class = sum(shown.labels[other] == shown.labels[place] for other in taken)
            if place not in taken and of_class < most and len(taken) < limit:
                taken.append(int(place))
    return np.array(sorted(taken, key=lambda place: (shown.labels[place], place)), dtype=np.int64)


def items(
    shown: Predicted,
    places: np.ndarray,
    images: np.ndarray,
    class_names: Sequence[str],
    other: tuple[str, np.ndarray] | None = None,
) -> list[Item]:
    """The images at ``places`` with actual and predicted label and the largest probabilities.

    Parameters
    ----------
    images : ndarray of uint8 (n_test, h, w, c)
        The whole test set; ``shown.index`` points into it.
    other : (name, predicted labels (n,)) or None
        A second model whose prediction is added.
    """
    found = []
    for place in places:
        actual, predicted = int(shown.labels[place]), int(shown.predicted[place])
        lines = [class_names[actual]]
        if actual != predicted:
            lines.append(f"classified as {class_names[predicted]}")
        if other is not None:
            lines.append(f"{other[0]}: {class_names[int(other[1][place])]}")
        found.append(Item(images[shown.index[place]], lines, _bars(shown.probabilities[place], actual, class_names)))
    return found


def _bars(
    probabilities: np.ndarray, actual: int, class_names: Sequence[str]
) -> list[tuple[str, float, Literal["actual", "wrong", "other"]]]:
    top = np.argsort(-probabilities, kind="stable")[:BARS]
    return [
        (
            class_names[index],
            float(probabilities[index]),
            "actual" if index == actual else "other" if rank else "wrong",
        )
        for rank, index in enumerate(top)
    ]
