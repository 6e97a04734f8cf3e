"""Reports of hundreds of classes stay readable and small."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest

from benchmark.report import document as doc
from benchmark.report import per_class, style, write
from benchmark.report.html import explorer
from benchmark.report.markdown.render import MOST_ROWS

K = 320
NAMES = tuple(f"kind {number}" for number in range(K))
MODELS = (("knn", "baseline", 20), ("svm-rbf", "baseline", 14), ("cnn-simple", "network", 11))


@pytest.fixture(scope="module")
def written(tmp_path_factory, make_collection, data):
    folder = tmp_path_factory.mktemp("many")
    store = make_collection(folder, MODELS, class_names=NAMES, n=K * 5)
    shown = np.resize(data.test_images, (K * 5, 4, 4, 1))
    data = dataclasses.replace(data, class_names=NAMES, test_images=shown, test_labels=np.arange(K * 5) % K)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(style, "DPI", 40)
        return write.write(store, "synthetic", folder / "reports", data=data)


def section(written, name):
    return next(part for part in written.report.sections if part.id == name)


def tables(blocks):
    for block in blocks:
        if isinstance(block, doc.Table):
            yield block
        elif isinstance(block, doc.Details | doc.Printed):
            yield from tables(block.blocks)


def test_charts_show_the_hardest_and_the_easiest(written):
    found = written.evidence.summaries
    f1 = np.mean([s.per_class("f1") for s in found], axis=0)
    (chart,) = (block for block in section(written, "classes").blocks if isinstance(block, doc.Chart))
    names = list(chart.panels[0].y.ticks.values())
    assert len(names) == doc.MANY_CLASSES
    scores = [f1[NAMES.index(name)] for name in names]  # From the bottom up.
    assert scores == sorted(scores, reverse=True)
    assert scores[0] == f1.max()
    assert scores[-1] == f1.min()
    assert f"each of {doc.MANY_CLASSES} classes of {K}." in chart.alt
    for picture in written.report.pictures():
        assert not picture.name.startswith("confusion")
        for panel in getattr(picture, "panels", ()):
            assert len(panel.y.ticks or ()) <= doc.MANY_CLASSES


def test_what_is_shown_of_some_classes_says_so(written):
    (compared,) = (block for block in section(written, "class-pairs").blocks if isinstance(block, doc.Chart))
    assert len(compared.panels[0].y.ticks) == doc.MANY_CLASSES
    (table,) = tables(section(written, "class-pairs").blocks)
    n = sum(row[4] is not None for row in table.rows)  # Of the others the interval is too wide to be drawn.
    assert doc.MANY_CLASSES < n <= K
    expected = f"cnn-simple minus svm-rbf: recall, 15 highest and 15 lowest of {n} classes"
    assert compared.panels[0].title == expected
    assert compared.alt == f"{expected}, with 95% intervals."
    (right,) = (picture for picture in written.report.pictures() if picture.name == "gallery-right")
    assert len(right.items) == doc.MANY_CLASSES
    assert right.title == "Classified correctly by cnn-simple: the first of each of 30 classes"


def test_every_class_has_a_row_the_hardest_first(written):
    (table,) = tables(section(written, "classes").blocks)
    assert len(table.rows) == K
    assert table.sortable
    assert [column.title for column in table.columns] == [
        "class",
        "test images",
        *(m.name for m in written.evidence.summaries),
    ]
    means = [np.mean(row[2:]) for row in table.rows]
    assert means == sorted(means)
    (compared,) = tables(section(written, "class-pairs").blocks)
    assert len(compared.rows) == K


def test_the_largest_confusions_are_those_of_the_predictions(written):
    evidence = written.evidence
    table = list(tables(section(written, "confusion").blocks))[-1]
    of_cnn = [row for row in table.rows if row[1] == "cnn-simple"]
    assert len(of_cnn) == per_class.MOST_CELLS
    runs = [evidence.predictions(stored) for stored in evidence.cnn.stored]
    for actual, _, predicted, images, share in of_cnn:
        i, j = NAMES.index(actual), NAMES.index(predicted)
        counts = [((a["test_labels"] == i) & (a["test_predicted"] == j)).sum() for a in runs]
        assert images == np.mean(counts)
        assert share == pytest.approx(np.mean(counts) / 5)
    most = max(row[3] for row in of_cnn)
    confusion = evidence.cnn.confusion - np.diag(np.diag(evidence.cnn.confusion))
    assert most == confusion.max() == of_cnn[0][3]


def test_the_page_has_no_table_that_is_too_long_and_says_what_is_missing(written):
    page = written.paths[0].read_text()
    longest = max(len(run.splitlines()) for run in re.findall(r"(?:^\|.*\n)+", page, re.MULTILINE))
    assert longest == MOST_ROWS + 2
    assert page.count(f"{K - MOST_ROWS} more rows are in report.html.") == 2
    assert max(map(len, page.splitlines())) < 2000
    assert len(page) < 120_000


def test_the_html_finds_every_class_and_draws_no_matrix(written):
    html = written.paths[1].read_text()
    assert 'id="confusion-chart"' not in html
    assert html.count('<option value="319">kind 319</option>') == 2
    assert html.count('<div class="sorts">') == 4  # The leaderboard, two tables of classes, the largest confusions.
    assert len(html) < 4_000_000


def test_the_images_are_those_of_every_models_largest_confusions(written, monkeypatch):
    labels = np.arange(K * 5) % K
    models = []
    for often in (7, 200):  # Each model takes five images of one class for the next, of every other class one.
        predicted = np.where((labels == often) | (np.arange(K * 5) < K), (labels + 1) % K, labels)
        models.append({"test_index": np.arange(K * 5), "test_labels": labels, "test_predicted": predicted})
    monkeypatch.setattr(explorer, "MOST_IMAGES", 10)
    chosen = explorer._choose(models, written.evidence)
    assert chosen.tolist() == np.flatnonzero((labels == 7) | (labels == 200)).tolist()
