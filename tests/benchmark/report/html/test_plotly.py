"""Charts as Plotly takes them."""

from __future__ import annotations

import json

import numpy as np
import plotly.graph_objects
import pytest

from benchmark.report import document as doc
from benchmark.report.html import plotly as charts

AXIS = doc.Axis("x")


@pytest.mark.parametrize("which", ["full", "hostile"])
def test_plotly_takes_every_figure_and_each_has_words(which, request):
    found = [p for p in request.getfixturevalue(which).report.pictures() if not isinstance(p, doc.Gallery)]
    assert len(found) > 5
    for chart in found:
        assert len(chart.alt) > 20
        for figure in charts.figures(chart).values():
            plotly.graph_objects.Figure(figure)
            assert "<img" not in json.dumps(figure)
            assert all("model" in trace["meta"] or "role" in trace["meta"] for trace in figure["data"])


def figure(*series, **axes):
    return charts.figure(doc.Panel("A title", series, axes.get("x", AXIS), axes.get("y", AXIS)))


def test_ranges_become_error_bars():
    (trace,) = figure(doc.Series("a", [2.0], [0.5], "knn", x_range=[(1, 4)], y_range=[(0.4, 0.5)]))["data"]
    assert (trace["error_x"]["array"], trace["error_x"]["arrayminus"]) == ([2.0], [1.0])
    assert (trace["error_y"]["array"], trace["error_y"]["arrayminus"]) == ([0.0], [0.1])


def test_what_is_no_number_is_a_gap():
    (trace,) = figure(doc.Series("a", [1, 2, 3], [0.123456, np.nan, np.inf], "knn", kind="line"))["data"]
    assert trace["y"] == [0.12346, None, None]
    assert trace["mode"] == "lines"


def test_axes_have_their_scale_ticks_and_range():
    x = doc.Axis("seconds", log=True, ticks={1: "1 s", 60: "1 min"}, low=0.1, high=100)
    layout = figure(doc.Series("a", [1], [0.5], "knn"), x=x, y=doc.Axis("accuracy", percent=True))["layout"]
    assert layout["xaxis"] == {
        **{"title": {"text": "seconds"}, "type": "log", "range": [-1, 2]},
        **{"tickvals": [1, 60], "ticktext": ["1 s", "1 min"]},
    }
    assert layout["yaxis"]["tickformat"] == ".3~p"


def test_the_frontier_comes_first_and_bars_lie():
    frontier, point = figure(doc.Series("a", [1], [0.5], "knn", frontier=True))["data"]
    assert frontier["meta"] == {"role": "frontier"}
    assert point["mode"] == "markers+text"
    (bar,) = figure(doc.Series("", [1.5], [0], "knn", kind="bars", notes=["+1.5"]))["data"]
    assert (bar["type"], bar["orientation"], bar["text"]) == ("bar", "h", ["+1.5"])


def test_greyed_cells_have_a_trace_of_their_own():
    values, texts = np.array([[0.04, np.nan], [np.nan, np.nan]]), [["0.2", "0.1"], ["", ""]]
    greyed = np.array([[False, True], [False, False]])
    made = doc.Heatmap("h", "Alt", "T", ["a", "b"], ["c", "d"], values, texts, greyed)
    heat, grey = charts.heatmap(made)["data"]
    assert heat["z"] == [[0.2, None], [None, None]]
    assert heat["text"] == [["0.2", ""], ["", ""]]
    assert grey["z"] == [[None, 1.0], [None, None]]
    assert grey["text"] == [["", "0.1"], ["", ""]]
