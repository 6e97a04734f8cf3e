"""The leaderboard: its table, its variants, its charts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from documents import drawn, rows, tables

from benchmark.analysis import leaderboard as numeric
from benchmark.analysis.comparison import Intervals
from benchmark.analysis.select import ModelSummary, Selection
from benchmark.estimators.scoring import evaluate
from benchmark.records.schema import Variant
from benchmark.records.store import Stored
from benchmark.report import leaderboard
from benchmark.report.evidence import Evidence

UNKNOWN = Intervals(None, None)


def table(summaries, intervals):
    return leaderboard.table(numeric.leaderboard(summaries, intervals))


def test_every_number_has_its_unit(make_summary):
    two = make_summary(((0, 1, 0, 1), (0, 1, 0, 1)), ((0, 1, 0, 1), (0, 1, 1, 1)), model="cnn-simple", family="network")
    one = make_summary(((0, 1), (0, 0)))
    found = rows(table([two, one], {"cnn-simple": Intervals((0.81234, 1.0), (0.8, 1.0)), "knn": UNKNOWN}))
    assert found["cnn-simple"] == {
        "family": "CNN",
        "test accuracy": "87.50%",
        "95% CI (test sampling)": "81.23 to 100.00%",
        "95% CI (test sampling and seeds)": "80.00 to 100.00%",
        "std across seeds (n)": "17.68% (2)",
        "validation": "87.50%",
        "fit": "2.0 s",
        "predict 1,000": "12 s",
        "peak memory": "512 MB",
        "parameters": "7,850",
    }
    assert list(found["knn"].values())[:5] == ["baseline", "50.00%", "unknown", "unknown", "one seed"]


def test_costs_that_were_not_measured(make_record):
    record = make_record()
    cost = record.cost.model_copy(update={"peak_memory_bytes": None, "parameter_count": None})
    summary = ModelSummary((Stored(record.model_copy(update={"cost": cost}), Path("x.json")),))
    assert list(rows(table([summary], {"knn": UNKNOWN}))["knn"].values())[-2:] == ["not measured", "not measured"]


def test_only_a_pretrained_cnn_is_called_so(make_record):
    def of(**changes):
        record = make_record(family="network")
        model = record.model.model_copy(update=changes)
        run = record.run.model_copy(update={"model": "-".join(map(str, changes.values()))})
        return ModelSummary((Stored(record.model_copy(update={"model": model, "run": run}), Path("x.json")),))

    found = rows(
        table(
            [of(pretrained="ImageNet"), of(pretrained=None), of(convolutional=False)],
            dict.fromkeys(["ImageNet", "None", "False"], UNKNOWN),
        )
    )
    assert [row["family"] for row in found.values()] == ["pre-trained CNN", "CNN", "network"]


def test_variants_are_compared_with_what_is_recorded(make_record):
    record = make_record((0, 0, 1, 1), (0, 1, 1, 1), model="cnn", family="network")
    better = evaluate(np.array([0, 0, 1, 1]), np.array([0, 0, 1, 1]), 2)
    variant = Variant(validation=better, test=better, predict_seconds=0.004)
    with_it = ModelSummary((Stored(record.model_copy(update={"variants": {"twice": variant}}), Path("x.json")),))
    without = ModelSummary((Stored(record, Path("y.json")),))
    shown = rows(leaderboard._variants([without, with_it]))
    assert list(shown["cnn"].values()) == ["twice", "100.00%", "+25.00", "1.0 s"]
    assert leaderboard._variants([without]) is None


NAMES = ("a cat", "a dog", "a cow")
LABELS = (0, 0, 1, 1, 2, 2)


def evidence(summaries):
    info = summaries[0].records[0].dataset
    return Evidence(Selection(info, "full", tuple(summaries), (), ()), [], None, [])


def many(make_summary, n, name="model-{}"):
    """So many models, every other one a network with two seeds."""
    return [
        make_summary(
            *[(LABELS, np.roll(LABELS, shift)) for shift in range(1 + place % 2)],
            model=name.format(place),
            family="network" if place % 2 else "baseline",
            class_names=NAMES,
        )
        for place in range(n)
    ]


@pytest.mark.parametrize("n", [1, 2, 5, 14])
def test_charts_of_any_number_of_models(make_summary, n):
    summaries = many(make_summary, n)
    axes = drawn(leaderboard.chart(summaries)).axes[0]
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert sorted(label.split(" ")[0] for label in labels) == sorted(s.name for s in summaries)
    texts = [text.get_text() for text in axes.texts]
    assert texts == [f"{s.accuracy:.2%}" for s in summaries]
    low, high = axes.get_xlim()
    assert all(low < s.accuracy < high for s in summaries)
    (chart,) = (block for block in leaderboard.cost(evidence(summaries)).blocks if hasattr(block, "panels"))
    assert len(drawn(chart).axes) == 2


@pytest.mark.parametrize(("n", "length"), [(2, 45), (14, 3), (14, 20), (20, 45)])
def test_no_name_in_a_legend_is_cut_off(make_summary, n, length):
    summaries = many(make_summary, n, "m{:02}" + "-" * (length - 3))
    (chart,) = (block for block in leaderboard.cost(evidence(summaries)).blocks if hasattr(block, "panels"))
    figure = drawn(chart)
    (legend,) = figure.legends
    extent = legend.get_window_extent()
    assert extent.x0 >= 0
    assert extent.x1 <= figure.bbox.width
    assert len(legend.get_texts()) == n


def test_a_cost_that_was_not_measured_is_no_choice_and_zero_is_drawn(make_record):
    record = make_record(fit_seconds=0.0)
    cost = record.cost.model_copy(update={"peak_memory_bytes": None, "parameter_count": 0})
    summary = ModelSummary((Stored(record.model_copy(update={"cost": cost}), Path("x.json")),))
    (chart,) = (block for block in leaderboard.cost(evidence([summary])).blocks if hasattr(block, "panels"))
    by_name = {panel.title: panel for panel in chart.panels}
    assert list(by_name) == ["Time to fit", "Time to predict 1,000 images", "Parameters"]
    assert by_name["Parameters"].series[0].x == [1.0]
    assert by_name["Time to fit"].series[0].x == [1e-4]
    assert by_name["Time to fit"].series[0].x_range is None
    drawn(chart)


def test_error_bars_reach_to_the_seeds(make_summary):
    summary = many(make_summary, 2)[1]
    (chart,) = (block for block in leaderboard.cost(evidence([summary])).blocks if hasattr(block, "panels"))
    (series,) = chart.panels[0].series
    assert series.y_range == [(summary.values.min(), summary.values.max())]


def test_without_models_there_is_nothing():
    found = Evidence(Selection(None, "full", (), (), ()), [], None, [])
    assert leaderboard.board(found) is None
    assert leaderboard.cost(found) is None


def test_predict_seconds_per_1000(make_summary):
    assert make_summary((LABELS, LABELS), class_names=NAMES).predict_seconds_per_1000 == pytest.approx(0.05 / 6 * 1000)


def test_the_section_says_nothing_of_comparisons_where_there_is_one_model(make_summary):
    section = leaderboard.board(evidence(many(make_summary, 1)))
    assert len(tables(section)) == 2  # With the other metrics.
    assert not any("Pairwise" in str(block) for block in section.blocks)


def test_other_metrics_are_a_table_of_their_own(make_record):
    """Means over seeds; what a model lacks is named, and of older records what follows from the confusion matrix."""

    def of(model, *values):
        stored = []
        for seed, further in enumerate(values):
            record = make_record(model=model, seed=seed)
            test = record.test.model_copy(update={"further": further})
            stored.append(Stored(record.model_copy(update={"test": test}), Path("x.json")))
        return ModelSummary(tuple(stored))

    able = of("knn", {"balanced-accuracy": 0.5, "auroc": 0.7}, {"balanced-accuracy": 0.7, "auroc": 0.8})
    found = rows(leaderboard._further([able, of("svm", {"balanced-accuracy": 0.25})]).blocks[1])
    assert {name: (row["balanced accuracy"], row["AUROC"]) for name, row in found.items()} == {
        "knn": ("60.00%", "0.750"),
        "svm": ("25.00%", "none"),
    }
    old = rows(leaderboard._further([of("old", {})]).blocks[1])["old"]
    assert list(old) == ["balanced accuracy", "macro-F1", "MCC"]
