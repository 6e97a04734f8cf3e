"""Labels of any kind as classes: whole numbers from any start, text, one-hot rows, columns of shape (n, 1)."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Hashable, Sequence

import numpy as np

from benchmark.errors import UserError
from benchmark.records.schema import LONGEST_NAME, MOST_CLASSES
from benchmark.utils.format import counted, listed, printable

ONE_PER_PICTURE = "Give labels that many pictures share; of a table, name their column by --label-column."


FEW = 10  # Numbers with a point, such as sizes of shoes, may still be classes.
NUMERAL = re.compile(r"[-+]?\d*\.?\d+([eE][-+]?\d+)?")


def flat(labels: np.ndarray, where: str) -> list[Hashable]:
    """One label per image, None where there is none.

    Parameters
    ----------
    labels : ndarray (n,), (n, 1) or one-hot (n, n_classes)
    where : str
        Names them in an error.

    Raises
    ------
    UserError
        If an image has several labels, or numbers that are no classes.
    """
    labels = np.asarray(labels)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim == 2 and np.isin(labels, (0, 1)).all():
        if (labels.sum(axis=1) == 1).all():
            return [int(label) for label in labels.argmax(axis=1)]
        raise UserError(
            f"{where}: some images have several labels or none (multi-label).",
            "Give one class per image: only that kind of classification is compared here.",
        )
    if labels.ndim != 1:
        raise UserError(
            f"{where}: labels of shape {labels.shape} are not one class per image.",
            "Give whole numbers or text of shape (n,), or one-hot rows of zeros and ones.",
        )
    return [_label(value, where) for value in labels.tolist()]


def _label(value: object, where: str) -> Hashable:
    if value is None:
        return None
    if isinstance(value, bytes):
        value = value.decode("utf-8", errors="replace")
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value.strip()) or None
    if isinstance(value, float):
        if math.isnan(value):
            return None
        if value != int(value) if math.isfinite(value) else True:
            raise UserError(
                f"{where}: {value:g} is not a class: the labels are numbers to predict (regression).",
                "Give whole numbers or text, one class per image.",
            )
        return int(value)
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, int):
        return value
    raise UserError(
        f"{where}: a label is {type(value).__name__}, not one class (multi-label?).",
        "Give whole numbers or text, one class per image.",
    )


def classes(labels: Sequence[Hashable], names: Sequence[str] | None = None) -> tuple[np.ndarray, tuple[str, ...]]:
    """Number the classes: numbers in their order, text in alphabetical order.

    Parameters
    ----------
    labels : sequence of int or str (n,)
    names : sequence of str or None
        Of the classes, where labels are their places.

    Returns
    -------
    ndarray of int64 (n,), tuple of str
        Labels in ``range(n_classes)`` and the classes' names.

    Raises
    ------
    UserError
        If there are fewer than two classes, or too many to be classes.
    """
    known = set(labels)
    numerals = all(isinstance(label, str) and NUMERAL.fullmatch(label) for label in known)
    if len(known) > FEW and numerals and any("." in str(label) for label in known):
        raise UserError(
            f"The labels are {len(known):,} different numbers, such as {min(known, key=str)}: numbers to predict "
            "(regression), not classes.",
            ONE_PER_PICTURE,
        )
    if len(known) > min(MOST_CLASSES, max(20, len(labels) // 2)):
        raise UserError(
            f"{len(known):,} different labels for {counted(len(labels), 'picture')} are too many to be classes.",
            ONE_PER_PICTURE,
        )
    if names is not None and all(isinstance(label, int) and 0 <= label < len(names) for label in known):
        order: list[Hashable] = sorted(known)  # type: ignore[type-var]
        shown = [str(names[label]) for label in order]  # type: ignore[call-overload]
    else:
        labels = [str(label) for label in labels]
        whole = all(_is_whole(str(label)) for label in known)
        shown = sorted({str(label) for label in known}, key=(lambda text: (int(text), text)) if whole else None)
        order = list(shown)
    if len(order) < 2:
        only = f", {shown[0]!r}" if shown else ""
        raise UserError(
            f"There is only one class{only}: nothing to tell apart." if shown else "There is no picture with a label.",
            "Put the pictures of each class into a folder of its own, or name the column of the classes.",
        )
    cleaned = tuple(_name(text) for text in shown)
    if len(set(cleaned)) < len(cleaned):
        twice = sorted({text for text in cleaned if cleaned.count(text) > 1})
        raise UserError(f"Two classes have the same name: {listed(twice, 5)}.", "Rename one of them.")
    place = {label: code for code, label in enumerate(order)}
    return np.array([place[label] for label in labels], dtype=np.int64), cleaned


def _is_whole(text: str) -> bool:
    return re.fullmatch("-?[0-9]{1,18}", text) is not None


def _name(text: str) -> str:
    """As a record may have it: Unicode that does not steer a terminal, of at most LONGEST_NAME characters."""
    return printable(" ".join(text.encode(errors="replace").decode().split()))[:LONGEST_NAME] or "(no name)"
