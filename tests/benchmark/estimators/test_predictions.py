"""What models return in many forms, and what is refused as a prediction."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from benchmark.estimators.predictions import as_labels, as_probabilities

LABELS = np.array([0, 2, 1])


@pytest.mark.parametrize(
    "predicted",
    [
        LABELS.astype(np.uint8),
        LABELS[:, None],
        LABELS.astype(np.float64),
        LABELS.astype(np.float32)[:, None],
        LABELS.astype(str),
        LABELS.astype(bytes),
        LABELS.astype(float).astype(object),
        np.array([np.int64(0), "2", 1.0], dtype=object),
        LABELS.tolist(),
        pd.Series(LABELS, index=[7, 8, 9]),
        pd.DataFrame({"label": LABELS}),
        torch.from_numpy(LABELS),
        torch.tensor([0.0, 2.0, 1.0], requires_grad=True),
    ],
    ids=lambda predicted: f"{type(predicted).__name__} {getattr(predicted, 'dtype', '')} {np.shape(predicted)}",
)
def test_whatever_can_mean_only_one_label_an_image_is_accepted(predicted):
    labels = as_labels(predicted, 3, 3)
    assert labels.dtype == np.int64
    assert labels.tolist() == [0, 2, 1]


def test_truth_values_are_the_labels_of_two_classes():
    assert as_labels([True, False], 2, 2).tolist() == [1, 0]


@pytest.mark.parametrize(
    ("predicted", "reason"),
    [
        ([0, 1], "shape"),
        ([[0, 1, 2]], "shape"),
        ([[0.1, 0.9], [0.5, 0.5], [0.2, 0.8]], "shape"),
        ([0.0, 0.5, 1.0], "returned .*0.5.*, not integer labels"),
        ([0.0, np.nan, 1.0], "returned .*nan.*, not integer labels"),
        ([0.0, np.inf, 1.0], "returned .*inf.*, not integer labels"),
        (["shirt", "1", "2"], "returned .*'shirt'.*, not integer labels"),
        ([None, 1, 2], "not integer labels"),
        ([0, 1, 3], "outside 0-2: 3"),
        ([0, 1, -1], "outside 0-2: -1"),
        ([1 + 2j, 0j, 0j], "not integer labels"),
    ],
)
def test_labels_that_are_refused(predicted, reason):
    with pytest.raises(ValueError, match=reason):
        as_labels(np.array(predicted), 3, 3)


BOTH = np.arange(2)


@pytest.mark.parametrize("form", [np.array, pd.DataFrame, torch.tensor], ids=lambda form: form.__name__)
def test_good_probabilities_come_back_as_float32(form):
    given = [[0.25, 0.75], [1.0, 0.0]]
    checked = as_probabilities(form(given), 2, BOTH, 2)
    assert checked.dtype == np.float32
    assert np.array_equal(checked, given)


def test_probabilities_go_to_the_column_of_their_class():
    given = np.array([[0.2, 0.7, 0.1]])
    assert as_probabilities(given, 1, np.array([3, 0, 2]), 4)[0].tolist() == pytest.approx([0.7, 0, 0.1, 0.2])


def test_rounding_below_zero_is_zero():
    assert as_probabilities(np.array([[1.0 + 1e-9, -1e-9]]), 1, BOTH, 2).tolist() == [[1, 0]]


@pytest.mark.parametrize(
    ("probabilities", "reason"),
    [
        ([[0.5, 0.5]], "shape"),
        ([0.5, 0.5], "shape"),
        ([[0.5, 0.3, 0.2], [0.5, 0.3, 0.2]], "shape"),
        ([[0.5, 0.5], [np.nan, 1.0]], "not finite"),
        ([[0.5, 0.5], [np.inf, 0.0]], "not finite"),
        ([[0.5, 0.5], [1.2, -0.2]], "no probabilities"),
        ([[0.5, 0.5], [0.5, 0.4]], "no probabilities"),
        ([[0.5, 0.5], [0.5, 0.6]], "no probabilities"),
        ([[2.0, -3.0], [0.1, 0.2]], "no probabilities"),
    ],
)
def test_probabilities_that_are_refused(probabilities, reason):
    with pytest.raises(ValueError, match=reason):
        as_probabilities(np.array(probabilities), 2, BOTH, 2)
