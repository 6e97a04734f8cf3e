"""Beside published figures: which rows are shown, and what is said of the differences."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from benchmark import registry
from benchmark.analysis.select import ModelSummary, Selection
from benchmark.records.schema import RunInfo
from benchmark.records.store import Stored
from benchmark.report import published
from benchmark.report.evidence import Evidence

N = 10_000
LABELS = np.arange(N) % 2
SVC = next(row for row in published.PUBLISHED if row.model == "svm-rbf")
CNN = next(row for row in published.PUBLISHED if row.model == "cnn-simple")


@pytest.fixture
def evidence(make_record):
    """Evidence of models with the given accuracies on 10,000 images."""

    def make(models, dataset="fashion-mnist", profile="full"):
        summaries = []
        for name, accuracy in models.items():
            predicted = np.where(np.arange(N) < round(accuracy * N), LABELS, 1 - LABELS)
            run = RunInfo(dataset=dataset, model=name, seed=0, profile=profile)
            record = make_record(LABELS, predicted, model=name, run=run)
            summaries.append(ModelSummary((Stored(record, Path("seed0.json")),)))
        selection = Selection(make_record(LABELS, LABELS).dataset, profile, tuple(summaries), (), ())
        return Evidence(selection, [], None, [])

    return make


def rows(text):
    """Cells of the table by what was published."""
    lines = [re.split(r" *\| *", line)[1:-1] for line in text.splitlines() if line.startswith("|")]
    return {runs[0]: runs[1:] for runs in lines[2:]}


def test_only_rows_of_models_that_we_have(evidence):
    text = published.section(evidence({"knn": 0.855, "mine": 0.99, "resnet": 0.9457})).text
    assert text.startswith("## Beside published figures\n")
    found = rows(text)
    assert list(found) == [row.what for row in published.PUBLISHED if row.model in ("knn", "resnet")]
    assert found["ResNet-20, random erasing"][:5] == ["0.9555", "rerun", "resnet", "0.9457", "-0.98"]
    assert found["k-NN"][:5] == ["0.854", "paper", "knn", "0.8550", "+0.10"]
    assert "mine" not in text


def test_sources_and_settings_of_the_rows_alone(evidence):
    text = published.section(evidence({"knn": 0.855})).text
    assert "Xiao, K. Rasul, R. Vollgraf" in text
    assert "k-NN: k = 5, weighted by distance, Manhattan (p = 1)." in text
    assert "Zhong" not in text
    assert "MobileNetV2" not in text


@pytest.mark.parametrize(
    ("models", "where"),
    [
        ({}, {}),
        ({"mine": 0.9}, {}),
        ({"knn": 0.855}, {"dataset": "digits"}),
        ({"knn": 0.855}, {"profile": "quick"}),
    ],
)
def test_no_section_where_there_is_nothing_to_compare(evidence, models, where):
    assert published.section(evidence(models, **where)) is None


# Two standard errors at 0.897 on 10,000 images are 0.0061.
@pytest.mark.parametrize(
    ("row", "accuracy", "refitted", "expected"),
    [
        (SVC, 0.9025, None, published.NOISE),
        (SVC, 0.8912, 0.5, published.NOISE),
        (SVC, 0.9040, None, published.NOT_REFITTED),
        (SVC, 0.8800, None, published.NOT_REFITTED),
        (SVC, 0.9040, 0.8990, published.EXPLAINED),
        (SVC, 0.8800, 0.8930, published.EXPLAINED),
        (SVC, 0.9040, 0.9050, published.UNEXPLAINED),
        (SVC, 0.9040, 0.8800, published.UNEXPLAINED),
        (CNN, 0.9250, None, published.NOISE),
        (CNN, 0.9400, None, published.UNEXPLAINED),
    ],
)
def test_verdicts(evidence, row, accuracy, refitted, expected):
    (summary,) = evidence({row.model: accuracy}).summaries
    assert published.verdict(row, summary, N, {"svm-rbf": refitted}) == expected


def test_on_fewer_images_more_is_noise(evidence):
    (summary,) = evidence({"svm-rbf": 0.9040}).summaries
    assert published.verdict(SVC, summary, 1000, {"svm-rbf": None}) == published.NOISE


@pytest.mark.parametrize(
    ("accuracy", "refitted", "runs"),
    [
        (0.897, None, ["not refitted", "within the noise of 10,000 images"]),
        (0.910, None, ["not refitted", "not refitted"]),
        (0.910, 0.8969, ["0.8969", "explained: the settings"]),
        (0.910, 0.9100, ["0.9100", "unexplained"]),
    ],
)
def test_wording(evidence, monkeypatch, accuracy, refitted, runs):
    monkeypatch.setitem(published.REFITTED, "svm-rbf", refitted)
    assert rows(published.section(evidence({"svm-rbf": accuracy})).text)["SVC, RBF kernel"][5:] == runs


def test_the_finding_counts(evidence, monkeypatch):
    monkeypatch.setitem(published.REFITTED, "mlp", None)
    text = published.section(evidence({"knn": 0.855, "mlp": 0.95, "hog-svm": 0.90})).text
    assert text.splitlines()[2] == (
        "Of 3 published test accuracies, our nearest model is above 2 and below or level with 1. "
        "The differences: 1 within the noise, 1 unexplained, 1 not refitted."
    )


def test_the_constants_fit_each_other():
    assert {row.source for row in published.PUBLISHED} == published.SOURCES.keys()
    refits = Counter(row.refit for row in published.PUBLISHED if row.refit is not None)
    assert refits == Counter(published.REFITTED.keys())
    assert {row.model for row in published.PUBLISHED} <= registry.models().keys()
    assert all(0.8 < row.accuracy < 1 for row in published.PUBLISHED)
    assert all(found is None or 0.8 < found < 1 for found in published.REFITTED.values())
