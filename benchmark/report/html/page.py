"""Puts the HTML report together: ``report.html``, one file that loads nothing from elsewhere."""

from __future__ import annotations

import base64
import functools
import gzip
import hashlib
import importlib.resources
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from benchmark.report.document import MANY_CLASSES, Chart, Heatmap, Report, Section
from benchmark.report.evidence import Evidence
from benchmark.report.html import blocks, colours, explorer, plotly
from benchmark.report.style import Look
from benchmark.utils.files import write_atomically

FILE = "report.html"
SCRIPTS = ("report.js", "explorer.js")


def write(report: Report, evidence: Evidence, looks: Mapping[str, Look], folder: Path) -> Path:
    """Write ``report.html`` into a folder.

    Raises
    ------
    UserError
        If the file cannot be written.
    """
    path = folder / FILE
    write_atomically(path, render(report, evidence, looks).encode())
    return path


def render(report: Report, evidence: Evidence, looks: Mapping[str, Look]) -> str:
    """The whole page; ``evidence`` is what its explorer shows predictions of."""
    names = [s.name for s in evidence.summaries]
    models = [{"name": s.name, "family": s.family, **colours.on_pages(looks[s.name])} for s in evidence.summaries]
    data = {
        "classes": evidence.class_names,
        "models": models,
        "charts": _charts(report),
        **explorer.pack(evidence),
    }
    scripts = [_own(name) for name in SCRIPTS]
    packed, plotly_hash = _plotly()
    body = _template("explorer.html.jinja").render(
        names=names,
        classes=evidence.class_names,
        per_cell=explorer.PER_CELL,
        drawn=len(evidence.class_names) <= MANY_CLASSES,
    )
    return _template("report.html.jinja").render(
        report=report,
        sections=_nested(blocks.sections(report.sections, Markup(body))),
        models=models,
        paths=colours.PATHS,
        style=_own("report.css"),
        scripts=scripts,
        plotly=packed,
        hashes=" ".join(f"'sha256-{digest}'" for digest in (*map(_digest, scripts), plotly_hash)),
        data=script_safe(data),
    )


def simple(title: str, sections: Sequence[Section]) -> str:
    """A page of text and tables alone."""
    return _template("simple.html.jinja").render(title=title, sections=blocks.sections(sections))


def _nested(sections: Sequence[tuple[Section, Markup]]) -> list[tuple[Section, Markup]]:
    """Sections of the second level, with those of the third as parts of the one before."""
    made: list[tuple[Section, Markup]] = []
    for part, content in sections:
        if part.level == 2 or not made:
            made.append((part, content))
        else:
            title = Markup('<h3 id="{}">{}</h3>\n').format(part.id, part.title)
            made[-1] = (made[-1][0], made[-1][1] + title + content)
    return made


def _charts(report: Report) -> dict[str, Mapping[str, plotly.Figure]]:
    """The figures to choose from, by the key of their place on the page."""
    found: dict[str, Mapping[str, plotly.Figure]] = {}
    for picture in report.pictures():
        if isinstance(picture, Heatmap) or (isinstance(picture, Chart) and picture.choice):
            found[picture.name] = plotly.figures(picture)
        elif isinstance(picture, Chart):
            found |= {f"{picture.name}/{title}": {title: fig} for title, fig in plotly.figures(picture).items()}
    return found


def script_safe(data: Any) -> str:
    """JSON that may stand in a script element: no text in it can end the element or begin a comment."""
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


@functools.cache
def _plotly() -> tuple[str, str]:
    """Plotly's source, compressed and in base64, and its digest: uncompressed it would be 4.8 MB of each page."""
    source = get_plotlyjs()
    return base64.b64encode(gzip.compress(source.encode(), mtime=0)).decode(), _digest(source)


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _own(name: str) -> str:
    return importlib.resources.files("benchmark.report.html").joinpath(name).read_text(encoding="utf-8")


def _template(name: str) -> jinja2.Template:
    loader = jinja2.PackageLoader("benchmark.report.html", ".")
    undefined = jinja2.StrictUndefined
    environment = jinja2.Environment(
        loader=loader, undefined=undefined, trim_blocks=True, lstrip_blocks=True, autoescape=True
    )
    return environment.get_template(name)
