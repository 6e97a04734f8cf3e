"""Two collections side by side."""

from __future__ import annotations

import dataclasses
import re

import pytest
from documents import rows as shown

from benchmark.analysis.select import select
from benchmark.report import compare as sides
from benchmark.report import document as doc
from benchmark.report.html import page as html
from benchmark.report.markdown import render

TWO = ("cat", "dog")


def predictions(stored):
    return stored.predictions()


@pytest.fixture
def selections(tmp_path, make_collection):
    """The CNN has become worse, the forest has gone, k-NN is what it was, and there is an SVM."""
    models = [("knn", "baseline", 20), ("cnn-simple", "network", 4), ("forest", "baseline", 30)]
    before = make_collection(tmp_path / "before", models, seeds=(0,), class_names=TWO)
    models = [("knn", "baseline", 20), ("cnn-simple", "network", 40), ("svm-rbf", "baseline", 12)]
    after = make_collection(tmp_path / "after", models, seeds=(0,), class_names=TWO)
    return [select(store.read_all("synthetic")[0]) for store in (before, after)]


def test_differences_are_tested_where_there_are_two_sides(selections):
    rows = {row.name: row for row in sides.sides(*selections, predictions)}
    assert list(rows) == ["cnn-simple", "knn", "forest", "svm-rbf"]
    assert rows["cnn-simple"].pair.points == pytest.approx(-36)
    assert rows["cnn-simple"].pair.adjusted_p < 0.001
    texts = {name: list(row.values()) for name, row in shown(sides.table(list(rows.values()), "a", "b")).items()}
    assert texts["cnn-simple"][:3] == ["96.00%", "60.00%", "-36.00"]
    assert texts["cnn-simple"][3].startswith("these two runs differ by -36.00 points (95% CI ")
    assert texts["knn"][2:4] == ["+0.00", "the same images are correct"]
    assert texts["knn"][6] == "x 1.00"
    assert texts["forest"][:4] == ["70.00%", "-", "-", "only on the left"]
    assert texts["svm-rbf"][:4] == ["-", "88.00%", "-", "only on the right"]


def test_runs_that_agree_seed_by_seed_are_told_so(tmp_path, make_collection):
    """Seeds are right about other images; beside itself no run of them is."""
    store = make_collection(tmp_path, [("cnn-simple", "network", 9)], seeds=(0, 1, 2), class_names=TWO)
    selection = select(store.read_all("synthetic")[0])
    (row,) = sides.sides(selection, selection, predictions)
    assert list(shown(sides.table([row], "a", "b"))["cnn-simple"].values())[3] == "the same images are correct"


def test_what_has_changed_of_a_model_is_named(tmp_path, make_collection):
    store = make_collection(tmp_path, [("knn", "baseline", 20)], seeds=(0,), class_names=TWO)
    (stored,), _ = store.read_all("synthetic")
    model = stored.record.model.model_copy(update={"params": {"alpha": 0.7, "beta": 1}, "version": 2})
    changed = dataclasses.replace(stored, record=stored.record.model_copy(update={"model": model}))
    (row,) = sides.sides(select([stored]), select([changed]), predictions)
    assert row.note == "version 1 and 2; alpha: 0.5 and 0.7; beta: None and 1"


def test_without_predictions_nothing_is_claimed(selections):
    rows = sides.sides(*selections, lambda stored: None)
    assert all(row.pair is None for row in rows)
    cnn = shown(sides.table(rows, "a", "b"))["cnn-simple"]
    assert (cnn["points"], cnn["evidence"]) == ("-36.00", "cnn-simple: the predictions of seed 0 cannot be read")


def test_other_test_images_are_not_compared(tmp_path, make_collection):
    stores = [
        make_collection(tmp_path / name, [("knn", "baseline", 20)], seeds=(0,), class_names=TWO, n=n)
        for name, n in (("a", 200), ("b", 100))
    ]
    (row,) = sides.sides(*(select(store.read_all("synthetic")[0]) for store in stores), predictions)
    assert "their test images or labels differ" in row.note


def test_pages_escape_what_they_are_told(selections):
    blocks = {"<script>alert(1)</script>": sides.sides(*selections, predictions)}
    document = sides.document(blocks, "before", "after<img>")
    page = html.simple("before and after<img>", document)
    assert "<script>" not in page
    assert "<img>" not in page
    assert page.count("<tr>") == 1 + 4
    text = render.page(doc.Report("before and after", document))
    assert "<script>" not in text
    assert len(re.findall(r"^\| (cnn|knn|forest|svm)", text, re.M)) == 4
