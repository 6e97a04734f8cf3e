"""The protocol of images without a given test part: held out once, or cross-validated in stratified folds.

It belongs to a run, not to the data set, which has a test part held out in either case.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from benchmark.data.own.parts import too_few
from benchmark.data.splits import fold_parts
from benchmark.errors import UserError
from benchmark.specs import Dataset

FEW_IMAGES = 2000  # Below, a hold-out tests on less than 400: its interval is wide, and luck decides.
# With so many, the corrected test tells two equal models apart in 2.2 % of all cases if they change little with their
# training images, in 6.3 % if they change much; with fewer repeats it is more careful and finds less, as simulated in
# docs/explanation/statistics.md. For the same spread over folds, intervals are 35 % narrower than those of one repeat.
FOLDS, REPEATS = 5, 3
MOST_FOLDS, MOST_REPEATS = 20, 100
HOLD_OUT = 0  # What is asked for instead of a number of folds.


def automatic(dataset: Dataset) -> int:
    """The number of folds where none is asked for; ``HOLD_OUT`` for one given or held-out test part."""
    few = len(dataset.train_labels) + len(dataset.test_labels) < FEW_IMAGES
    return FOLDS if dataset.groups is not None and few else HOLD_OUT


def check(dataset: Dataset, n_folds: int, repeats: int) -> None:
    """Raise UserError unless every class can be in all parts of every fold."""
    if dataset.groups is None:
        raise UserError(
            f"{dataset.title} has a test part, which is kept: there is nothing to fold.",
            "Leave out --folds, or give your pictures without their division into parts.",
        )
    labels, groups = np.concatenate([dataset.train_labels, dataset.test_labels]), np.asarray(dataset.groups)
    lacking = np.zeros(len(dataset.class_names), dtype=bool)
    for repeat in range(repeats):
        for fold in range(n_folds):
            parts = fold_parts(dataset, n_folds, fold, repeat)
            for part in (parts.train, parts.validation, parts.test):
                lacking |= np.bincount(labels[part], minlength=len(lacking)) == 0
    if lacking.any():
        classes = np.flatnonzero(lacking)
        fewest = min(len(np.unique(groups[labels == label])) for label in classes)
        fewer = f"take fewer folds: --folds {fewest}, or " if 3 <= fewest < n_folds else ""
        instead = f"; or {fewer}hold out a fifth once: --folds {HOLD_OUT}"
        raise too_few(labels, groups, classes, dataset.class_names, f"{n_folds} folds", instead)


def pooled(dataset: Dataset) -> Dataset:
    """The data set with all images as test images, in the order that the parts of folds count in."""
    account = dataset.account
    return dataclasses.replace(
        dataset,
        test_images=np.concatenate([dataset.train_images, dataset.test_images]),
        test_labels=np.concatenate([dataset.train_labels, dataset.test_labels]),
        account=dataclasses.replace(
            account,
            test_names=(*account.train_names, *account.test_names),
            test_groups=(*account.train_groups, *account.test_groups),
        ),
    )
