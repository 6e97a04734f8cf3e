"""What a report consists of, as data: sections of text, tables, charts and images, which every renderer shows alike."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, TypeAlias

import numpy as np


@dataclasses.dataclass(frozen=True)
class Strong:
    """Words to emphasize."""

    text: str


@dataclasses.dataclass(frozen=True)
class Code:
    """Words to type, such as a command."""

    text: str


@dataclasses.dataclass(frozen=True)
class Link:
    text: str
    target: str


Span: TypeAlias = "str | Strong | Code | Link"
Text: TypeAlias = "Span | Sequence[Span]"  # Nothing in it is markup.


# More classes do not fit into a chart or into the columns of a table: charts show some, tables have a row for each.
MANY_CLASSES = 30
UNDEFINED = "\u2013"  # Stands where there is no such number.
Dash: TypeAlias = Literal["solid", "dash", "dot"]


def spans(text: Text) -> Sequence[Span]:
    return [text] if isinstance(text, str | Strong | Code | Link) else text


def plain(text: Text) -> str:
    """The words alone."""
    return "".join(span if isinstance(span, str) else span.text for span in spans(text))


@dataclasses.dataclass(frozen=True)
class Paragraph:
    text: Text


@dataclasses.dataclass(frozen=True)
class Bullets:
    items: Sequence[Text]


@dataclasses.dataclass(frozen=True)
class Listing:
    """Lines to copy."""

    text: str


@dataclasses.dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes
    ----------
    title : str
    write : callable
        Gives the text of a value, or a span.
    numeric : bool
        Set flush right; sorts as numbers.
    best : {"highest", "lowest"} or None
        Which cells are emphasized: all that read like the best one. None where even the highest is 0.
    absent : str
        Stands where there is no value: None or NaN.
    high_first : bool
        Whether a first click on the heading sorts the highest to the top.
    """

    title: str
    write: Callable[[Any], Span] = str
    numeric: bool = True
    best: Literal["highest", "lowest"] | None = None
    absent: str = "not measured"
    high_first: bool = False

    def text(self, value: Any) -> Span:
        return self.absent if is_absent(value) else self.write(value)


def words(title: str) -> Column:
    """A column of text or spans."""
    return Column(title, lambda value: value if isinstance(value, Link) else str(value), numeric=False)


def is_absent(value: Any) -> bool:
    return value is None or bool(isinstance(value, float) and np.isnan(value))


@dataclasses.dataclass(frozen=True)
class Table:
    """Columns and rows of raw values, one a column; what is shown of them is the columns' business.

    Attributes
    ----------
    columns : sequence of Column
    rows : sequence of sequences
    sortable : bool
        Whether it can be sorted and searched where the page is interactive, and filtered by a second column of words.
    sorted_by : int or None
        The column by which its rows are sorted, from the highest on.
    """

    columns: Sequence[Column]
    rows: Sequence[Sequence[Any]]
    sortable: bool = False
    sorted_by: int | None = None

    def cells(self) -> list[list[tuple[Span, bool]]]:
        """Text of every cell, and whether it is emphasized."""
        texts = [[column.text(value) for column, value in zip(self.columns, row, strict=True)] for row in self.rows]
        best = [self._best(place) for place in range(len(self.columns))]
        return [[(text, text in top) for text, top in zip(row, best, strict=True)] for row in texts]

    def first(self, n_columns: int) -> Table:
        """The table of its first columns, where there is no room for more."""
        return Table(self.columns[:n_columns], [row[:n_columns] for row in self.rows], self.sortable, self.sorted_by)

    def _best(self, place: int) -> set[Span]:
        """How the best values of a column read: those that are equal, and those that are shown as if they were."""
        column = self.columns[place]
        values = [row[place] for row in self.rows if not is_absent(row[place])]
        if column.best is None or not values:
            return set()
        best = (max if column.best == "highest" else min)(map(_measure, values))
        if column.best == "highest" and best == 0:
            return set()
        return {column.text(value) for value in values if _measure(value) == best}


def _measure(value: Any) -> Any:
    """What a value is compared by: of several parts, such as a mean and its interval, the first."""
    return value[0] if isinstance(value, tuple) else value


@dataclasses.dataclass(frozen=True)
class Axis:
    """Of a chart. ``ticks`` are places with their labels; ``percent`` writes fractions as per cent."""

    title: str = ""
    log: bool = False
    percent: bool = False
    ticks: Mapping[float, str] | None = None
    low: float | None = None
    high: float | None = None


@dataclasses.dataclass(frozen=True)
class Series:
    """Points, or a line through them.

    Attributes
    ----------
    label : str
        What the legend calls it.
    x, y : sequence of float
    model : str or None
        Whose colour and marker it has; None for a guide in the colour of the text.
    kind : {"points", "line", "both", "bars"}
        Bars are horizontal, at the places ``y``.
    dash : {"solid", "dash", "dot"}
    x_range, y_range : sequence of (low, high) or None
        Ends of error bars.
    sizes : sequence of float or None
        Areas of the points, relative to each other.
    notes : sequence of str or None
        Written beside the points.
    hover : sequence of str or None
        What a pointer on a point shows.
    frontier : bool
        Whether the points are candidates for the line through those that no other beats.
    marker : str or None
        Of matplotlib's names; None is the model's.
    """

    label: str
    x: Sequence[float] | np.ndarray
    y: Sequence[float] | np.ndarray
    model: str | None = None
    kind: Literal["points", "line", "both", "bars"] = "points"
    dash: Dash = "solid"
    x_range: Sequence[tuple[float, float]] | None = None
    y_range: Sequence[tuple[float, float]] | None = None
    sizes: Sequence[float] | np.ndarray | None = None
    notes: Sequence[str] | None = None
    hover: Sequence[str] | None = None
    frontier: bool = False
    marker: str | None = None


@dataclasses.dataclass(frozen=True)
class Panel:
    """One pair of axes, with a thin vertical ``guide`` at an x, or along the diagonal."""

    title: str
    series: Sequence[Series]
    x: Axis
    y: Axis
    guide: float | Literal["diagonal"] | None = None


@dataclasses.dataclass(frozen=True)
class Chart:
    """Panels of series.

    Attributes
    ----------
    name : str
        Of the chart's file, without its ending.
    alt : str
        What it shows, for those who do not see it.
    panels : sequence of Panel
    choice : str
        What a reader chooses a panel by, where the page is interactive; empty: all are shown.
    printed : (int, int or None)
        First panel of a picture, and the first that is not in it.
    columns : int
        Panels side by side in a picture.
    height : float
        Of a row of panels, inches.
    """

    name: str
    alt: str
    panels: Sequence[Panel]
    choice: str = ""
    printed: tuple[int, int | None] = (0, None)
    columns: int = 2
    height: float = 3.2


@dataclasses.dataclass(frozen=True)
class Heatmap:
    """A matrix of numbers as shades.

    Attributes
    ----------
    rows, columns : sequence of str
        Names.
    values : ndarray (n_rows, n_columns)
        From 0; NaN where there is none. Shades go by the square root, which spreads the small ones.
    texts : sequence of sequences of str
        What the cells say.
    greyed : ndarray of bool or None
        Cells without a shade, and ``greyed_label``, what that means.
    x_title, y_title : str
    """

    name: str
    alt: str
    title: str
    rows: Sequence[str]
    columns: Sequence[str]
    values: np.ndarray
    texts: Sequence[Sequence[str]]
    greyed: np.ndarray | None = None
    greyed_label: str = ""
    x_title: str = ""
    y_title: str = ""


@dataclasses.dataclass(frozen=True)
class Item:
    """An image, uint8 (h, w, c), the lines above it, and bars below: label, fraction, and what shade it has."""

    image: np.ndarray
    lines: Sequence[str]
    bars: Sequence[tuple[str, float, Literal["actual", "wrong", "other"]]] = ()


@dataclasses.dataclass(frozen=True)
class Gallery:
    name: str
    alt: str
    title: str
    items: Sequence[Item]
    columns: int = 5


@dataclasses.dataclass(frozen=True)
class Details:
    """Blocks that are folded away under a summary."""

    summary: str
    blocks: Sequence[Block]


@dataclasses.dataclass(frozen=True)
class Printed:
    """Blocks that an interactive page does not need, or has its ``explorer`` of predictions in place of."""

    blocks: Sequence[Block]
    explorer: bool = False


Block: TypeAlias = "Paragraph | Bullets | Listing | Table | Chart | Heatmap | Gallery | Details | Printed"
Picture: TypeAlias = "Chart | Heatmap | Gallery"


@dataclasses.dataclass(frozen=True)
class Section:
    """A part of a report, with a heading of level 2 or 3."""

    id: str
    title: str
    blocks: Sequence[Block]
    level: int = 2


def section(id: str, title: str, *blocks: Block | Text | None, level: int = 2) -> Section:
    """A section of those blocks that there are; texts become paragraphs."""
    return Section(id, title, paragraphs(blocks), level)


def paragraphs(blocks: Iterable[Block | Text | None]) -> tuple[Block, ...]:
    """The blocks that there are, texts as paragraphs."""
    kept = (block for block in blocks if block)
    texts = (str, Strong, Code, Link, Sequence)
    return tuple(Paragraph(block) if isinstance(block, texts) else block for block in kept)


@dataclasses.dataclass(frozen=True)
class Report:
    """All that a report says.

    ``headline`` is the answer in a sentence, ``price`` what it costs, ``notice`` a caveat, ``cautions`` what makes the
    answer doubtful; each may be empty.
    """

    title: str
    sections: Sequence[Section]
    headline: str = ""
    price: str = ""
    notice: str = ""
    cautions: Sequence[str] = ()

    def pictures(self) -> Iterator[Picture]:
        for part in self.sections:
            yield from pictures(part.blocks)


def pictures(blocks: Iterable[Block]) -> Iterator[Picture]:
    """Every chart and gallery, also of folded blocks."""
    for block in blocks:
        if isinstance(block, Chart | Heatmap | Gallery):
            yield block
        elif isinstance(block, Details | Printed):
            yield from pictures(block.blocks)
