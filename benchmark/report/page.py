"""Puts a report together: ``<reports>/<collection>/<dataset>/README.md`` with its charts beside it."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

import jinja2
import numpy as np
from matplotlib.figure import Figure

from benchmark.analysis.select import ModelSummary, Selection, select
from benchmark.errors import UserError
from benchmark.records.dataset_schema import DatasetSummary
from benchmark.records.schema import RunRecord
from benchmark.records.store import Problem, Store
from benchmark.report import (
    calibration,
    charts,
    confusion,
    gallery,
    headline,
    pairs,
    published,
    robustness,
    style,
    tables,
)
from benchmark.report import label_errors as suspects
from benchmark.report import learning_curve as efficiency
from benchmark.report import selection_bias as optimism
from benchmark.report.evidence import Evidence, Section
from benchmark.specs import Dataset
from benchmark.utils import markdown as md
from benchmark.utils.files import explain_write_errors, write_atomically

TEMPLATE = "report.md.jinja"
MOST_PROBLEMS = 20  # That are told one by one.
OWN_CHARTS = (
    *("leaderboard.png", "per-class.png", "cost.png", "training.png", "confusion-*.png", "gallery-*.png"),
    *("pairs.png", "class-pairs.png"),
    *("efficiency.png", "robustness.png", "corruptions.png"),
    *("calibration.png", "risk-coverage.png"),
    *("suspects.png", "near-duplicates.png"),
)
# Parts of the report beyond its core, by name: each makes a Section of the evidence, or None where there is nothing
# to say. The template puts them in their places.
SECTIONS: Mapping[str, Callable[[Evidence], Section | None]] = {
    "optimism": optimism.section,
    "pairs": pairs.section,
    "class_pairs": pairs.class_section,
    "efficiency": efficiency.section,
    "robustness": robustness.section,
    "calibration": calibration.section,
    "published": published.section,
    "suspects": suspects.section,
}


@dataclasses.dataclass(frozen=True)
class Contents:
    """What a report says, however it is written: ``shared`` is what its templates are filled with, by name."""

    evidence: Evidence
    sections: Mapping[str, Section]
    shared: Mapping[str, object]


@dataclasses.dataclass(frozen=True)
class Written:
    """A report on disk, and what was passed over on the way."""

    path: Path
    headline: str
    leaderboard: str
    problems: tuple[Problem, ...]
    contents: Contents

    @property
    def paths(self) -> list[Path]:
        html = self.path.with_name("report.html")
        return [self.path, html] if html.exists() else [self.path]


def write(
    store: Store, dataset: str, reports_dir: Path, *, profile: str | None = None, data: Dataset | None = None
) -> Written:
    """Write the report on one data set of a collection.

    Parameters
    ----------
    data : Dataset or None
        Whose test images fill the gallery, if it is the version that the records are about.

    Raises
    ------
    UserError
        If nothing is recorded, or the report cannot be written.
    """
    stored, problems = store.read_all(dataset)
    selection = select(stored, profile)
    if selection is None or not (selection.summaries or selection.failed):
        passed_over = f" {len(problems)} unreadable files were passed over, first {problems[0]}." if problems else ""
        raise UserError(
            f"No {profile + ' ' if profile else ''}records of {dataset} in {store.folder}.{passed_over}",
            f"Make some: python -m benchmark run --all --dataset {dataset} --collection {store.collection}",
        )
    summary = store.read_summary(dataset)
    if isinstance(summary, Problem):
        problems, summary = [*problems, summary], None

    folder = reports_dir / store.collection / dataset
    at_hand = data is not None and data.fingerprint == selection.dataset.fingerprint
    evidence = Evidence(selection, stored, data if at_hand else None, problems)
    with style.chart_style():
        sections = {name: section for name, make in SECTIONS.items() if (section := make(evidence)) is not None}
        drawn = _draw(evidence)
        for section in sections.values():
            drawn |= section.figures
        for name, figure in drawn.items():
            style.save(figure, folder / name)
    line = headline.sentence(evidence)
    context = _context(evidence, summary, store.collection, line, drawn, sections)
    text = _environment().get_template(TEMPLATE).render(**context)
    write_atomically(folder / "README.md", text.encode())
    for stale in {path for chart in OWN_CHARTS for path in folder.glob(chart)} - {folder / name for name in drawn}:
        with explain_write_errors(stale):
            stale.unlink()
    return Written(
        folder / "README.md",
        line,
        headline.excerpt(evidence),
        tuple(problems),
        Contents(evidence, sections, context),
    )


def _draw(evidence: Evidence) -> dict[str, Figure]:
    summaries, names = evidence.summaries, evidence.class_names
    if not summaries:
        return {}
    figures: dict[str, Figure | None] = {
        "leaderboard.png": charts.leaderboard(summaries),
        "per-class.png": charts.per_class(summaries, names, evidence.baseline, evidence.cnn),
        "cost.png": charts.cost(summaries),
        "training.png": charts.training_curves(summaries),
        **{f"confusion-{s.name}.png": confusion.matrix(s, names) for s in summaries},
        **_galleries(evidence),
    }
    return {name: figure for name, figure in figures.items() if figure is not None}


def _galleries(evidence: Evidence) -> dict[str, Figure]:
    # Without a CNN, the best model that has probabilities.
    shown_model = evidence.cnn or next((s for s in evidence.summaries if s.has_probabilities), None)
    other, names = evidence.baseline, evidence.class_names
    images = None if evidence.data is None else evidence.data.test_images

    def predictions(summary: ModelSummary | None) -> dict[str, np.ndarray]:
        return {} if summary is None else evidence.predictions(summary.stored[0]) or {}

    shown = None if images is None else gallery.Predicted.of(predictions(shown_model))
    if shown is None or images is None or shown_model is None or shown.index.max() >= len(images):
        return {}
    wanted: dict[str, tuple[str, np.ndarray, tuple[str, np.ndarray] | None]] = {
        "gallery-right.png": (
            f"Recognised by {shown_model.name}: the first of each class",
            gallery.one_right_of_each_class(shown),
            None,
        ),
        "gallery-wrong.png": (
            f"Surest mistakes of {shown_model.name}",
            gallery.most_confident_errors(shown),
            None,
        ),
    }
    rival = predictions(other) if other is not shown_model else {}
    if other is not None and rival and np.array_equal(rival["test_index"], shown.index):
        wanted["gallery-gained.png"] = (
            f"Right by {shown_model.name}, wrong by {other.name}",
            gallery.gained(shown, rival["test_predicted"]),
            (other.name, rival["test_predicted"]),
        )
    return {
        name: gallery.draw(title, shown, places, images, names, against)
        for name, (title, places, against) in wanted.items()
        if len(places)
    }


def _context(
    evidence: Evidence,
    summary: DatasetSummary | None,
    collection: str,
    line: str,
    drawn: Collection[str],
    sections: Mapping[str, Section],
) -> dict[str, object]:
    selection, summaries, info = evidence.selection, evidence.summaries, evidence.selection.dataset
    cnn, baseline = evidence.cnn, evidence.baseline
    pair = [s for s in (baseline, cnn) if s is not None]
    seeds = [record.run.seed for s in summaries for record in s.records] + [r.run.seed for r in selection.failed]
    return {
        "audit": None if summary is None or summary.fingerprint != info.fingerprint else summary.audit,
        "baseline": baseline,
        "best_pair": pair,
        "cnn": cnn,
        "collection": collection,
        "commands": _commands(selection, collection, max(seeds) + 1),
        "confused_pairs": confusion.most_confused(pair, info.class_names),
        "detectable": pairs.detectable(evidence),
        "drawn": drawn,
        "gains": _gains(baseline, cnn, info.class_names),
        "hardest": _hardest(pair, info.class_names),
        "headline": line,
        "info": info,
        "intervals": evidence.intervals,
        "mixed_machines": len({_machine(record) for s in summaries for record in s.records}) > 1,
        "price": headline.price(summaries),
        "problems": first_problems(evidence.problems),
        "sections": {name: section.text for name, section in sections.items()},
        "selection": selection,
        "summaries": summaries,
        "tables": tables,
        "varied": any(record.variants for s in summaries for record in s.records),
    }


def first_problems(problems: Sequence[Problem]) -> list[str]:
    """The first of them in words, and how many more there are."""
    told = [f"{problem.path.name}: {problem.reason}" for problem in problems[:MOST_PROBLEMS]]
    return told + ([f"and {len(problems) - MOST_PROBLEMS:,} more"] if len(problems) > MOST_PROBLEMS else [])


def _gains(baseline: ModelSummary | None, cnn: ModelSummary | None, names: Sequence[str]) -> dict[str, object] | None:
    """In how many classes the best CNN has the higher F1, and where it gains most and least."""
    if baseline is None or cnn is None:
        return None
    gain = (cnn.per_class("f1") - baseline.per_class("f1")) * 100
    most, least = int(gain.argmax()), int(gain.argmin())
    return {
        "ahead": int((gain > 0).sum()),
        "of": len(names),
        "most": (names[most], gain[most]),
        "least": (names[least], gain[least]),
    }


def _hardest(pair: Sequence[ModelSummary], names: Sequence[str]) -> list[tuple[str, list[float]]]:
    """The three classes with the lowest recall, mean of the models in ``pair``, with each model's recall."""
    if not pair:
        return []
    recalls = np.array([s.per_class("recall") for s in pair])
    return [(names[index], [float(r[index]) for r in recalls]) for index in np.argsort(recalls.mean(axis=0))[:3]]


def _machine(record: RunRecord) -> tuple[object, ...]:
    """What two runs must share for their times to compare."""
    return record.environment.cpu, record.environment.gpu, record.cost.threads if record.cost else None


def _commands(selection: Selection, collection: str, n_seeds: int) -> str:
    """One command for the registered models, and one for each that settings have made of one."""
    records = [s.records[0] for s in selection.summaries] + list(selection.failed)
    found = {record.run.model: record.model for record in records}
    options = ["--dataset", records[0].run.dataset, "--profile", selection.profile, "--collection", collection]
    options += ["--seeds", str(n_seeds)] if n_seeds > 1 else []
    options += ["--corruptions"] if any(r.corruptions for s in selection.summaries for r in s.records) else []
    registered = sorted(name for name, model in found.items() if model.base is None)
    runs = [registered] if registered else []
    for name, model in sorted(found.items()):
        if model.base is not None:
            runs.append([model.base, *(word for text in model.settings for word in ("--set", text)), "--as", name])
    lines = [shlex.join(["python", "-m", "benchmark", "run", *words, *options]) for words in runs]
    return "\n".join(" ".join(line.split()) for line in lines)  # A break in a setting could end the block of code.


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("benchmark.report", "."),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # Markdown, not HTML: md.escape is applied to every text of a record.
    )
    environment.filters["md"] = md.escape
    return environment
