"""Charts as Plotly takes them, sections of the Markdown report as panels, colours."""

from __future__ import annotations

import json

import plotly.graph_objects
import pytest
from matplotlib.figure import Figure

from benchmark.report.evidence import Section
from benchmark.report.html import colours, costs, curves, leaderboard, markdown
from benchmark.report.html.panels import Panel, from_section
from benchmark.report.style import KNOWN, SPARE

CHARTS = (costs.cost, costs.per_class, curves.training, curves.robustness)


def traces(panel, choice, chart=0):
    return {t["name"]: t for t in panel.charts[chart].figures[choice]["data"] if "name" in t}


@pytest.mark.parametrize("make", CHARTS)
@pytest.mark.parametrize("which", ["full", "hostile"])
def test_plotly_takes_every_figure_and_each_has_words(make, which, request):
    evidence = request.getfixturevalue(which).evidence
    panel = make(evidence)
    for chart in panel.charts:
        assert len(chart.alt) > 20
        for figure in chart.figures.values():
            plotly.graph_objects.Figure(figure)
            assert "<img" not in json.dumps(figure)
            assert all("model" in trace["meta"] or "role" in trace["meta"] for trace in figure["data"])


@pytest.mark.parametrize("make", CHARTS)
def test_without_models_there_is_no_panel(make, tmp_path, make_collection, make_record, make_contents):
    failed = [make_record(model="svm-poly", status="error")]
    assert make(make_contents(make_collection(tmp_path, (), failed=failed)).evidence) is None


def test_cost_is_the_mean_and_bars_reach_to_the_seeds(full):
    panel = costs.cost(full.evidence)
    assert list(panel.charts[0].figures) == list(costs.COSTS)
    fitted = traces(panel, "Time to fit")["cnn-simple"]
    (summary,) = (s for s in full.evidence.summaries if s.name == "cnn-simple")
    assert fitted["x"] == [pytest.approx(150)]
    assert fitted["y"][0] + fitted["error_y"]["array"][0] == pytest.approx(summary.accuracies.max())
    assert fitted["y"][0] - fitted["error_y"]["arrayminus"][0] == pytest.approx(summary.accuracies.min())


def test_a_cost_that_nobody_measured_is_no_choice(tmp_path, make_collection, make_record, make_contents):
    cost = make_record().cost.model_copy(update={"peak_memory_bytes": None, "parameter_count": 0})
    evidence = make_contents(make_collection(tmp_path, seeds=(0,), cost=cost)).evidence
    panel = costs.cost(evidence)
    assert "Peak memory" not in panel.charts[0].figures
    assert traces(panel, "Parameters")["knn"]["x"] == [1.0]
    assert "error_y" not in traces(panel, "Parameters")["knn"]
    last = leaderboard.rows(evidence.summaries, evidence.intervals)[0].cells[-2:]
    assert [(cell.text, cell.sort) for cell in last] == [("not measured", ""), ("0", "0.0")]


def test_classes_are_ordered_by_f1_with_the_hardest_on_top(full):
    figure = costs.per_class(full.evidence).charts[0].figures["F1"]
    scores = [sum(trace["x"][place] for trace in figure["data"]) for place in range(10)]
    assert scores == sorted(scores, reverse=True)


def test_the_star_is_at_the_epoch_that_is_kept(full):
    stars = [t for t in curves.training(full.evidence).charts[0].figures["accuracy"]["data"] if t["mode"] == "markers"]
    assert len(stars) == 4
    assert all(star["x"] == [3] for star in stars)


def test_corruptions_begin_at_the_clean_accuracy_and_are_averaged(full):
    panel = curves.robustness(full.evidence)
    assert list(panel.charts[0].figures) == ["mean of all", "noise", "blur"]
    (knn,) = (s for s in full.evidence.summaries if s.name == "knn")
    assert traces(panel, "mean of all")["knn"]["y"] == pytest.approx([knn.accuracy, 0.85, 0.75, 0.65, 0.55, 0.45])


def test_a_section_becomes_a_panel_with_its_figures_and_tables():
    text = (
        "## Who & what\n\n![A *chart*](own.png)\n\n![not there](other.png)\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n"
        "<details>\n<summary>More</summary>\n\nInside\n\n</details>\n"
    )
    panel = from_section("suspects", Section(text, {"own.png": Figure(figsize=(1, 1))}))
    assert (panel.id, panel.title) == ("suspects", "Who &amp; what")
    assert panel.body.count("<img") == 1
    assert 'src="data:image/png;base64,' in panel.body
    assert "<details>\n<summary>More</summary>" in panel.body
    assert "<td>2</td>" in panel.body


def test_a_section_without_heading_is_called_by_its_name():
    assert from_section("optimism", Section("Some text.")).title == "Optimism"


def test_a_panel_of_its_name_keeps_its_charts_and_drops_the_pictures():
    own = Panel("robustness", "Mine", "text")
    joined = from_section("robustness", Section("## S\n\n![a](own.png) words", {"own.png": Figure()}), own)
    assert joined.title == "Mine"
    assert "words" in joined.body
    assert "<img" not in joined.body


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "a <img src=x onerror=alert(1)> b",
        "<details onclick=alert(1)>",
        "[a](javascript:alert(1))",
        "<div>\n<b>x</b>\n</div>",
    ],
)
def test_other_tags_in_markdown_are_text(text):
    found = markdown.render(text)
    assert not any(tag in found for tag in ("<script", "<img", "<details", "<div", "<b>", 'href="javascript'))


@pytest.mark.parametrize("shade", [*KNOWN.values(), *SPARE])
@pytest.mark.parametrize("surface", [colours.LIGHT, colours.DARK])
def test_every_colour_stands_out(shade, surface):
    found = colours.legible(shade, surface)
    assert colours.contrast(found, surface) >= 3
    if colours.contrast(shade, surface) >= 3:
        assert found == shade.upper()


def test_contrast_is_that_of_the_standard():
    assert colours.contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert colours.contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)


def test_every_shape_has_its_picture():
    assert set(colours.SYMBOLS.values()) == set(colours.PATHS)
