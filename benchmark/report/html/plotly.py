"""Charts as Plotly takes them; colours, fonts and grids are the page's."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

import numpy as np

from benchmark.report.document import Axis, Chart, Heatmap, Panel, Series

Figure = Mapping[str, Any]  # Plotly's JSON: {"data": [...], "layout": {...}}
MODES = {"points": "markers", "line": "lines", "both": "lines+markers"}
SYMBOLS = {
    "o": "circle",
    "D": "diamond",
    "v": "triangle-down",
    "^": "triangle-up",
    "s": "square",
    "p": "pentagon",
    "h": "hexagon",
    "X": "x",
    "d": "diamond-tall",
    "*": "star",
    "P": "cross",
}


def figures(chart: Chart | Heatmap) -> dict[str, Figure]:
    """A figure per panel, by its title."""
    if isinstance(chart, Heatmap):
        return {chart.title: heatmap(chart)}
    return dict(zip(titles(chart), map(figure, chart.panels), strict=True))


def titles(chart: Chart) -> list[str]:
    """What panels are chosen by: the first lines of their titles."""
    return [panel.title.partition("\n")[0] for panel in chart.panels]


def figure(panel: Panel) -> Figure:
    """Traces with ``meta``: ``model`` takes that model's colour and marker and is switched by the legend; ``role``
    ``"frontier"`` is drawn through the best of the models that are switched on, ``"ink"`` has the colour of text."""
    traces = [trace for series in panel.series for trace in (_trace(series), *_notes(series))]
    if any(series.frontier for series in panel.series):
        line = {"type": "scatter", "mode": "lines", "line": {"shape": "hv"}, "hoverinfo": "skip"}
        traces.insert(0, {**line, "meta": {"role": "frontier"}})
    layout: dict[str, Any] = {"xaxis": _axis(panel.x), "yaxis": _axis(panel.y)}
    if panel.guide is not None:
        ends: dict[str, Any] = {"x0": 0, "x1": 1, "y0": 0, "y1": 1}
        ends |= {} if panel.guide == "diagonal" else {"x0": panel.guide, "x1": panel.guide, "yref": "paper"}
        layout["shapes"] = [{"type": "line", "layer": "below", **ends}]
    return {"data": traces, "layout": layout}


def _trace(series: Series) -> dict[str, Any]:
    name = plain(series.model or series.label)
    hover = series.hover or series.notes
    trace: dict[str, Any] = {
        "type": "scatter",
        "mode": MODES.get(series.kind),
        "name": series.model or series.label,
        "x": _numbers(series.x),
        "y": _numbers(series.y),
        "hovertemplate": f"<b>{name}</b><br>%{{customdata}}<extra></extra>"
        if hover
        else f"<b>{name}</b><extra></extra>",
        "line": {"width": 1.6, "dash": series.dash},
        "marker": {"size": 9 if series.kind == "points" else 7},
        "cliponaxis": False,
        "meta": {"model": series.model} if series.model else {"role": "ink"},
    }
    if hover:
        trace["customdata"] = [plain(text) for text in hover]
    if series.kind == "bars":
        trace |= {"type": "bar", "orientation": "h", "text": series.notes, "textposition": "outside"}
        trace |= {"mode": None, "line": None, "marker": {}}
    if series.frontier:  # The page writes the names of those on it.
        trace["mode"] = "markers+text"
    if series.sizes is not None:
        trace["marker"]["size"] = [round(4 + 14 * float(size) ** 0.5, 1) for size in series.sizes]
    if series.marker:
        trace["marker"]["symbol"] = SYMBOLS[series.marker]
    for axis, bounds in (("x", series.x_range), ("y", series.y_range)):
        if bounds is not None:
            trace[f"error_{axis}"] = _spread(np.asarray(trace[axis], dtype=float), bounds)
    return {key: value for key, value in trace.items() if value is not None}


def _notes(series: Series) -> list[dict[str, Any]]:
    """The notes as a trace of their own, to the right of the points and their error bars."""
    if not series.notes or series.kind == "bars":
        return []
    ends = series.x if series.x_range is None else [high for _, high in series.x_range]
    texts = [f"\u00a0\u00a0{plain(note)}" for note in series.notes]
    common = {
        "type": "scatter",
        "mode": "text",
        "hoverinfo": "skip",
        "cliponaxis": False,
        "textposition": "middle right",
    }
    meta = {"model": series.model} if series.model else {"role": "ink"}
    return [{**common, "x": _numbers(ends), "y": _numbers(series.y), "text": texts, "meta": meta}]


def _spread(middle: np.ndarray, bounds: Any) -> dict[str, Any]:
    low, high = np.transpose(bounds)
    above, below = (_numbers(np.maximum(part, 0)) for part in (high - middle, middle - low))
    return {"type": "data", "symmetric": False, "array": above, "arrayminus": below, "width": 3}


def _axis(axis: Axis) -> dict[str, Any]:
    made: dict[str, Any] = {"title": {"text": axis.title}}
    if axis.ticks is not None:
        made |= {"tickvals": list(axis.ticks), "ticktext": [plain(label) for label in axis.ticks.values()]}
    elif axis.percent:
        made["tickformat"] = ".3~p"
    if axis.log:
        made["type"] = "log"
    if axis.low is not None or axis.high is not None:
        ends = [axis.low, axis.high]
        made["range"] = [None if e is None else float(np.log10(e)) if axis.log else float(e) for e in ends]
    return made


def heatmap(found: Heatmap) -> Figure:
    """Traces of type ``heatmap``: shades, and where cells are greyed, one with the ``role`` ``"grey"``."""
    k = max(found.values.shape)
    names = [f"{plain(row)} | {plain(column)}" for row in found.rows for column in found.columns]
    common = {
        "type": "heatmap",
        "showscale": False,
        "xgap": 1,
        "ygap": 1,
        "texttemplate": "%{text}",
        "customdata": np.reshape(names, found.values.shape).tolist(),
        "hovertemplate": "%{customdata}<br>%{text}<extra></extra>",
    }
    top = 1.0 if found.greyed is None else float(np.nanmax(found.values, initial=0.01)) * 1.3
    shades: dict[str, Any] = {"z": _numbers(np.sqrt(found.values)), "zmin": 0, "zmax": top**0.5}
    greyed = np.zeros(found.values.shape, dtype=bool) if found.greyed is None else found.greyed
    texts = np.array(found.texts, dtype=object) if k <= 20 else np.full(found.values.shape, "", dtype=object)
    shades["text"] = np.where(greyed, "", texts).tolist()
    traces: list[dict[str, Any]] = [{**common, **shades, "meta": {"role": "heat"}}]
    if found.greyed is not None:
        grey = {"z": _numbers(np.where(greyed, 1.0, np.nan)), "text": np.where(greyed, texts, "").tolist()}
        traces.append({**common, **grey, "meta": {"role": "grey"}})
    x, y = (
        {"tickvals": list(range(len(names))), "ticktext": [plain(name) for name in names], "showgrid": False}
        for names in (found.columns, found.rows)
    )
    side = {"side": "top"} if found.greyed is not None else {"title": {"text": found.x_title}}
    layout = {"xaxis": {**x, **side}, "yaxis": {**y, "autorange": "reversed", "title": {"text": found.y_title}}}
    return {"data": traces, "layout": layout}


def _numbers(values: Any) -> list[Any]:
    """Numbers as JSON has them, five digits each: nothing where there is no number."""
    if np.ndim(values) > 1:
        return [_numbers(row) for row in values]
    return [float(f"{value:.5g}") if np.isfinite(value) else None for value in np.asarray(values, dtype=float)]


def plain(text: str) -> str:
    """Text that Plotly draws as it is: it takes some tags and entities for markup."""
    return html.escape(text, quote=False)
