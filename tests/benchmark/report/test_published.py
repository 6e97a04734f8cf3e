"""Beside published figures: which rows are shown, and what is said of the differences."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from documents import tables, text

from benchmark import registry
from benchmark.analysis.select import ModelSummary, Selection
from benchmark.records.schema import RunInfo
from benchmark.records.store import Stored
from benchmark.report import published
from benchmark.report.evidence import Evidence

N = 10_000
LABELS = np.arange(N) % 2
FASHION = published.read("fashion-mnist")
SVC = next(row for row in FASHION.figures if row.model == "svm-rbf")
CNN = next(row for row in FASHION.figures if row.model == "cnn-simple")


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


def test_only_rows_of_models_that_we_have(evidence):
    section = published.figures(evidence({"knn": 0.855, "mine": 0.99, "resnet": 0.9457}))
    assert section.title == "Comparison with published figures"
    (found,) = tables(section)
    assert list(found) == [row.what for row in FASHION.figures if row.model in ("knn", "resnet")]
    first = list(found["ResNet-20, random erasing"].values())
    assert first[:5] == ["95.55%", "rerun", "resnet", "94.57%", "-0.98"]
    assert list(found["k-NN"].values())[:5] == ["85.40%", "paper", "knn", "85.50%", "+0.10"]
    assert "mine" not in text(section)


def test_sources_and_settings_of_the_rows_alone(evidence):
    found = text(published.figures(evidence({"knn": 0.855})))
    assert "Xiao, K. Rasul, R. Vollgraf" in found
    assert "k-NN: k = 5, weighted by distance, Manhattan (p = 1)." in found
    assert "Zhong" not in found
    assert "MobileNetV2" not in found


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
    assert published.figures(evidence(models, **where)) is None


# Two standard errors at 0.897 on 10,000 images are 0.0061.
@pytest.mark.parametrize(
    ("row", "accuracy", "refitted", "expected"),
    [
        (SVC, 0.9025, None, published.UNRESOLVED),
        (SVC, 0.8912, 0.5, published.UNRESOLVED),
        (SVC, 0.9040, None, published.UNEXPLAINED),
        (SVC, 0.8800, None, published.UNEXPLAINED),
        (SVC, 0.9040, 0.8990, published.EXPLAINED),
        (SVC, 0.8800, 0.8930, published.EXPLAINED),
        (SVC, 0.9040, 0.9050, published.UNEXPLAINED),
        (SVC, 0.9040, 0.8800, published.UNEXPLAINED),
        (CNN, 0.9250, None, published.UNRESOLVED),
        (CNN, 0.9400, None, published.UNEXPLAINED),
    ],
)
def test_verdicts(evidence, row, accuracy, refitted, expected):
    (summary,) = evidence({row.model: accuracy}).summaries
    assert published.verdict(dataclasses.replace(row, refitted=refitted), summary, N) == expected


def test_on_fewer_images_more_is_noise(evidence):
    (summary,) = evidence({"svm-rbf": 0.9040}).summaries
    assert published.verdict(SVC, summary, 1000) == published.UNRESOLVED


def test_the_refitted_accuracy_and_the_verdict_are_shown(evidence):
    (table,) = tables(published.figures(evidence({"svm-rbf": 0.91, "hog-svm": 0.90})))
    assert list(table["SVC, RBF kernel"].values())[5:] == ["89.86%", "explained by the settings"]
    assert list(table["SVM on HOG"].values())[5:] == ["", "unexplained"]


def test_the_summary_counts(evidence):
    found = text(published.figures(evidence({"knn": 0.855, "mlp": 0.95, "hog-svm": 0.90})))
    assert found.splitlines()[2] == (
        "Of 3 published test accuracies, 1 cannot be told from ours without their predictions. Of the others, our "
        "nearest model is above 1 and below 1."
    )


def test_the_figures_fit_sources_and_models():
    assert {row.source for row in FASHION.figures} == FASHION.sources.keys()
    assert {row.model for row in FASHION.figures} <= registry.models().keys()
    assert all(0.8 < row.accuracy < 1 for row in FASHION.figures)
    assert all(row.refitted is None or 0.8 < row.refitted < 1 for row in FASHION.figures)
    assert published.read("digits") is None
