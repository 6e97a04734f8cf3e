"""Puts the HTML report together: ``report.html`` beside the Markdown, one file that loads nothing from elsewhere."""

from __future__ import annotations

import base64
import functools
import gzip
import hashlib
import importlib.resources
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from benchmark.report.evidence import Evidence, Section
from benchmark.report.html import colours, costs, curves, explorer, leaderboard, markdown
from benchmark.report.html.panels import Panel, from_section
from benchmark.report.page import Contents, first_problems
from benchmark.report.style import FAMILIES
from benchmark.utils.files import explain_write_errors, write_atomically

FILE = "report.html"
SCRIPTS = ("report.js", "explorer.js")
# Names of panels as they follow each other; others come after them.
ORDER = ("pairs", "cost", "classes", "class_pairs", "explorer", "training", "optimism", "efficiency", "robustness")
# Interactive panels. One of the name of a section of the Markdown report takes its text along.
PANELS: Mapping[str, Callable[[Evidence], Panel | None]] = {
    "cost": costs.cost,
    "classes": costs.per_class,
    "explorer": lambda evidence: _explorer(evidence),
    "training": curves.training,
    "robustness": curves.robustness,
}


def write(contents: Contents, folder: Path) -> Path:
    """Write ``report.html`` on what a Markdown report was written on.

    Raises
    ------
    UserError
        If the file cannot be written.
    """
    path = folder / FILE
    write_atomically(path, render(contents).encode())
    return path


def remove(folder: Path) -> None:
    """Remove the file of an earlier report, whose numbers would no longer be those of the Markdown beside it."""
    with explain_write_errors(folder / FILE):
        (folder / FILE).unlink(missing_ok=True)


def render(contents: Contents) -> str:
    """The whole page."""
    evidence = contents.evidence
    made = panels(evidence, contents.sections)
    # Predictions are read here, and what cannot be read is told below.
    data = {
        "classes": evidence.class_names,
        "models": _models(evidence),
        "charts": {f"{panel.id}-{n}": chart.figures for panel in made for n, chart in enumerate(panel.charts)},
        **explorer.pack(evidence),
    }
    scripts = [_own(name) for name in SCRIPTS]
    packed, plotly_hash = _plotly()
    return (
        _environment()
        .get_template("report.html.jinja")
        .render(
            **{**contents.shared, "problems": first_problems(evidence.problems)},
            columns=leaderboard.COLUMNS,
            rows=leaderboard.rows(evidence.summaries, evidence.intervals),
            panels=made,
            models=data["models"],
            families=FAMILIES,
            paths=colours.PATHS,
            pictures=data["images"] is not None,
            style=_own("report.css"),
            scripts=scripts,
            plotly=packed,
            hashes=" ".join(f"'sha256-{digest}'" for digest in (*map(_digest, scripts), plotly_hash)),
            data=script_safe(data),
        )
    )


def panels(evidence: Evidence, sections: Mapping[str, Section]) -> list[Panel]:
    """The interactive panels, each with the text of its section, then those of the sections that have none."""
    found = {name: panel for name, make in PANELS.items() if (panel := make(evidence)) is not None}
    for name, section in sections.items():
        found[name] = from_section(name, section, found.get(name))
    return [found[name] for name in sorted(found, key=lambda name: (*ORDER, name).index(name))]


def script_safe(data: Any) -> str:
    """JSON that may stand in a script element: no text in it can end the element or begin a comment."""
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _explorer(evidence: Evidence) -> Panel | None:
    if not evidence.summaries:
        return None
    body = (
        _environment()
        .get_template("explorer.html.jinja")
        .render(
            names=[s.name for s in evidence.summaries],
            classes=evidence.class_names,
            per_cell=explorer.PER_CELL,
        )
    )
    return Panel("explorer", "Who is taken for whom", body=Markup(body))


def _models(evidence: Evidence) -> list[dict[str, str]]:
    looks = colours.looks((s.name, s.family) for s in evidence.summaries)
    return [{"name": s.name, "family": s.family, **looks[s.name]} for s in evidence.summaries]


@functools.cache
def _plotly() -> tuple[str, str]:
    """Plotly's source, compressed and in base64, and its digest: as it stands it would be 4.8 MB of each page."""
    source = get_plotlyjs()
    return base64.b64encode(gzip.compress(source.encode(), mtime=0)).decode(), _digest(source)


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _own(name: str) -> str:
    return importlib.resources.files("benchmark.report.html").joinpath(name).read_text(encoding="utf-8")


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("benchmark.report.html", "."),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=True,
    )
    environment.filters["markdown"] = markdown.render
    environment.filters["inline"] = markdown.inline
    return environment
