"""Training, validation and test part of the user's pictures: as given, or held out."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from benchmark.data.own.items import Part
from benchmark.data.splits import divide, validation_share
from benchmark.errors import UserError
from benchmark.utils import seeds
from benchmark.utils.format import counted, listed

TRAIN, VALIDATION, TEST = range(3)
CODES: dict[Part | None, int] = {None: TRAIN, "train": TRAIN, "validation": VALIDATION, "test": TEST}
TEST_SHARE = 0.2
HELD_OUT = "held out"  # In choices that cross-validation makes otherwise.


@dataclasses.dataclass(frozen=True)
class Division:
    """The part of every image (n,), TRAIN, VALIDATION or TEST; ``choices`` says in words how that came about."""

    part: np.ndarray
    choices: tuple[str, ...]


def divided(
    labels: np.ndarray,
    groups: np.ndarray,
    given: Sequence[Part | None],
    class_names: Sequence[str],
    alike: np.ndarray | None = None,
) -> Division:
    """Keep the parts that are given and hold out those that are not; groups stay together.

    Without a test part, a fifth is held out; without a validation part, 15 % of the rest, at most 5,000 images. Both
    are stratified by class.

    Parameters
    ----------
    labels, groups : ndarray of int (n,)
    given : sequence of str or None
        Part of every image.
    class_names : sequence of str
    alike : ndarray of int (n,) or None
        As ``groups``, of near duplicates alone.

    Raises
    ------
    UserError
        If a class has too few images to be in every part.
    """
    part = np.array([CODES[one] for one in given])
    choices, n = [], len(class_names)
    if not (part == TEST).any():
        _hold_out(part, TEST, TEST_SHARE, labels, groups, "test")
        choices.append(f"no test part is given: {(part == TEST).sum():,} pictures are {HELD_OUT} for it, by class")
    else:
        choices.append("the given test part is kept")
        again = int(np.isin(alike, alike[part != TEST])[part == TEST].sum()) if alike is not None else 0
        if again:
            choices.append(f"in the training part too, exactly or nearly: {counted(again, 'test picture')}")
        related = int(np.isin(groups, groups[part != TEST])[part == TEST].sum())
        if related > again:
            choices.append(f"in one group with a training picture: {counted(related, 'test picture')}")
    if not (part == VALIDATION).any():
        share = validation_share(int((part == TRAIN).sum()))
        _hold_out(part, VALIDATION, share, labels, groups, "validation")
        choices.append(f"{(part == VALIDATION).sum():,} training pictures are {HELD_OUT} for validation, by class")
    counts = np.array([np.bincount(labels[part == code], minlength=n) for code in (TRAIN, VALIDATION, TEST)])
    # Of given parts only training pictures are indispensable.
    held_out = [code for code in (VALIDATION, TEST) if code not in {CODES[one] for one in given}]
    lacking = np.flatnonzero((counts[[TRAIN, *held_out]] == 0).any(axis=0))
    if len(lacking):
        raise too_few(labels, groups, lacking, class_names)
    return Division(part, tuple(choices))


def _hold_out(part: np.ndarray, code: int, share: float, labels: np.ndarray, groups: np.ndarray, name: str) -> None:
    """Give a share of the training images another part."""
    train = np.flatnonzero(part == TRAIN)
    _, numbers = np.unique(groups[train], return_inverse=True)
    chosen = divide(labels[train], numbers, (1 - share, share), seeds.generator(name, "own"))
    part[train[chosen == 1]] = code


def too_few(
    labels: np.ndarray,
    groups: np.ndarray,
    classes: np.ndarray,
    class_names: Sequence[str],
    protocol: str = "training, validation and test",
    instead: str = "",
) -> UserError:
    """What is to be said of ``classes`` that cannot be in every part; ``instead`` is one more remedy."""
    sizes = np.bincount(labels, minlength=len(class_names))
    n_groups = {label: len(np.unique(groups[labels == label])) for label in classes.tolist()}
    named = [
        f"{class_names[label]} ({sizes[label]:,}" + (f" in {counted(n, 'group')})" if n < sizes[label] else ")")
        for label, n in n_groups.items()
    ]
    several, least = len(classes) > 1, int(sizes[classes].max()) + 1
    leave = f", or leave {'them' if several else 'it'} out: --min-class-size {least}"
    return UserError(
        f"{counted(len(classes), 'class', 'classes')} {'have' if several else 'has'} too few different pictures for "
        f"{protocol}: {listed(named, 10)}.",
        f"Add pictures or merge classes{leave if (sizes >= least).sum() > 1 else ''}{instead}.",
    )
