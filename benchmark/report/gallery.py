"""Test images with what they are, what they were taken for, and the softmax probabilities behind it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import SubplotSpec

from benchmark.report.style import BLUE, GREY, INK, VERMILION, WIDTH, plain

COLUMNS = 5
BARS = 3
LONGEST = 20  # Letters of a class name that a small picture has room for.


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


def one_right_of_each_class(shown: Predicted) -> np.ndarray:
    """Positions of the first test image of each class that was recognised."""
    right = np.flatnonzero(shown.labels == shown.predicted)
    _, first = np.unique(shown.labels[right], return_index=True)
    return right[first]


def most_confident_errors(shown: Predicted, limit: int = 2 * COLUMNS) -> np.ndarray:
    """Positions of the errors made with the highest probability."""
    wrong = np.flatnonzero(shown.labels != shown.predicted)
    return wrong[np.argsort(-shown.confidence[wrong], kind="stable")[:limit]]


def gained(shown: Predicted, other_predicted: np.ndarray, limit: int = 2 * COLUMNS) -> np.ndarray:
    """Positions of images that are right here and wrong in ``other_predicted``, surest first, no more than
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


def draw(
    title: str,
    shown: Predicted,
    places: np.ndarray,
    images: np.ndarray,
    class_names: Sequence[str],
    other: tuple[str, np.ndarray] | None = None,
) -> Figure:
    """Draw the images at ``places`` with actual and predicted label and the three largest probabilities.

    Parameters
    ----------
    images : ndarray of uint8 (n_test, h, w, c)
        The whole test set; ``shown.index`` points into it.
    other : (name, predicted labels (n,)) or None
        A second model whose prediction is told too.
    """
    class_names = [plain(name) for name in class_names]
    rows = -(-len(places) // COLUMNS)
    height = 2.75 if other is None else 2.95
    figure = Figure(figsize=(WIDTH, 0.45 + height * rows), layout="constrained")
    figure.suptitle(title, x=0.01, ha="left", fontsize=11, fontweight="bold")
    outer = figure.add_gridspec(rows, COLUMNS)
    for slot, place in enumerate(places):
        inner = outer[slot // COLUMNS, slot % COLUMNS].subgridspec(2, 1, height_ratios=(1.45, 1))
        picture, bars = figure.add_subplot(inner[0]), figure.add_subplot(inner[1])
        actual, predicted = int(shown.labels[place]), int(shown.predicted[place])
        image = images[shown.index[place]]
        show(picture, image)
        right = actual == predicted
        lines = [f"{class_names[actual]}" if right else f"is {class_names[actual]}"]
        if not right:
            lines.append(f"taken for {class_names[predicted]}")
        if other is not None:
            lines.append(f"{other[0]}: {class_names[int(other[1][place])]}")
        picture.set_title("\n".join(lines), fontsize=8.5, fontweight="normal", loc="center", color=INK)
        _bars(bars, shown.probabilities[place], actual, class_names)
    return figure


def per_cent(probability: float) -> str:
    """``93%``; what is neither certain nor impossible is not shown as 100% or 0%."""
    if 0 < probability < 0.005:
        return "<1%"
    return ">99%" if 0.995 <= probability < 1 else f"{probability:.0%}"


def _bars(axes: Axes, probabilities: np.ndarray, actual: int, class_names: Sequence[str]) -> None:
    top = np.argsort(-probabilities, kind="stable")[:BARS]
    shades = [BLUE if index == actual else (VERMILION if rank == 0 else GREY) for rank, index in enumerate(top)]
    axes.barh(range(len(top)), probabilities[top], color=shades, height=0.34, align="edge")
    for place, index in enumerate(top):
        axes.text(0, place - 0.08, f"{class_names[index]}: {per_cent(probabilities[index])}", fontsize=8, va="bottom")
    axes.set_xlim(0, 1)
    axes.set_ylim(len(top) - 0.5, -0.6)
    axes.axis("off")


def grid(title: str, n: int, columns: int, height: float) -> tuple[Figure, list[SubplotSpec]]:
    """A figure with room for ``n`` pictures, ``height`` inches a row."""
    rows = -(-n // columns)
    figure = Figure(figsize=(WIDTH, 0.45 + height * rows), layout="constrained")
    figure.suptitle(title, x=0.01, ha="left", fontsize=11, fontweight="bold")
    grid = figure.add_gridspec(rows, columns)
    return figure, [grid[slot // columns, slot % columns] for slot in range(n)]


def show(axes: Axes, image: np.ndarray) -> None:
    """Draw one image, uint8 (h, w, c), grey or in colours."""
    axes.imshow(image if image.shape[2] == 3 else image[..., 0], cmap="gray", vmin=0, vmax=255)
    axes.axis("off")


def short(name: str) -> str:
    """A class name that fits above a picture."""
    line = " ".join(name.split())
    return plain(line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…")
