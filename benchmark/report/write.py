"""Puts a report together from the records, and writes it as Markdown with pictures and as one HTML page."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

from benchmark.analysis.select import select
from benchmark.errors import UserError
from benchmark.records.store import Problem, Store
from benchmark.report import (
    calibration,
    cautions,
    groups,
    headline,
    index,
    label_errors,
    leaderboard,
    learning_curve,
    pairwise,
    per_class,
    predictions,
    provenance,
    published,
    robustness,
    style,
    training,
)
from benchmark.report.document import Report, Section
from benchmark.report.evidence import Evidence
from benchmark.report.html import page as html
from benchmark.report.markdown import draw, render
from benchmark.specs import Dataset
from benchmark.utils.files import explain_write_errors, write_atomically

# In their order; each makes a section of the evidence, or None where there is nothing to say.
SECTIONS: tuple[Callable[[Evidence], Section | None], ...] = (
    leaderboard.board,
    pairwise.comparison,
    leaderboard.cost,
    per_class.scores,
    pairwise.by_class,
    per_class.confusion,
    groups.scores,
    training.curves,
    learning_curve.efficiency,
    robustness.corrupted,
    calibration.scores,
    predictions.examples,
    label_errors.quality,
    published.figures,
    provenance.failures,
    provenance.data,
    provenance.reproduce,  # Names the problems of all before it.
)
# Those that look at single images.
BY_IMAGE = (
    per_class.scores,
    per_class.confusion,
    groups.scores,
    calibration.scores,
    predictions.examples,
    label_errors.quality,
)


@dataclasses.dataclass(frozen=True, repr=False)
class Written:
    """A report on disk, and what was skipped on the way."""

    paths: tuple[Path, ...]
    report: Report
    evidence: Evidence

    def __repr__(self) -> str:
        return f"<Report: {', '.join(map(str, self.paths))}>"

    @property
    def headline(self) -> str:
        return self.report.headline

    @property
    def problems(self) -> tuple[Problem, ...]:
        return tuple(self.evidence.problems)

    @property
    def excerpt(self) -> str:
        """The headline with its cautions and the leaderboard as Markdown, for another page."""
        return f"{render.answer(self.report)}\n\n{render.table(leaderboard.of(self.evidence))}"


def gather(
    store: Store, dataset: str, *, profile: str | None = None, data: Dataset | None = None, metric: str | None = None
) -> Evidence:
    """Read what a report on one data set of a collection is based on.

    Raises
    ------
    UserError
        If nothing is recorded.
    """
    stored, problems = store.read_all(dataset)
    selection = select(stored, profile, metric)
    if selection is None or not (selection.ranked or selection.failed):
        skipped = f" {len(problems)} unreadable files were skipped, first {problems[0]}." if problems else ""
        raise UserError(
            f"No {profile + ' ' if profile else ''}records of {dataset} in {store.folder}.{skipped}",
            f"Make some: python -m benchmark run --all --dataset {dataset}{f' --profile {profile}' if profile else ''} "
            f"--collection {store.collection}",
        )
    summary = store.read_summary(dataset)
    if isinstance(summary, Problem):
        problems, summary = [*problems, summary], None
    available = data is not None and data.fingerprint == selection.dataset.fingerprint
    return Evidence(selection, stored, data if available else None, problems, store.collection, summary)


def compose(evidence: Evidence) -> Report:
    """The report as data."""
    info, profile = evidence.selection.dataset, evidence.selection.profile
    made = (make(evidence.by_image if make in BY_IMAGE else evidence) for make in SECTIONS)
    sections = [part for part in made if part is not None]
    all_images = evidence.summary is not None and info.train_size == evidence.summary.train_size
    notice = f"This is the profile {profile}" + (
        f", with all {info.train_size:,} training images, though some networks train for fewer epochs."
        if all_images
        else f": {info.train_size:,} training images only. Its numbers are a first look, not a result."
    )
    which = "" if evidence.is_main else f" ({profile})"
    return Report(
        f"{info.title}{which}: do I need a CNN, and what does it cost me?",
        sections,
        headline.sentence(evidence),
        headline.price(evidence),
        "" if profile == "full" or evidence.selection.folds else notice,
        cautions.cautions(evidence),
    )


def write(
    store: Store,
    dataset: str,
    reports_dir: Path,
    *,
    profile: str | None = None,
    data: Dataset | None = None,
    metric: str | None = None,
    with_html: bool = True,
) -> Written:
    """Write ``<reports>/<collection>/<data set>/`` (README.md, charts, report.html) and the collection's index.

    A report on another profile than the one that is chosen without a name has a folder of its own in that folder.

    Parameters
    ----------
    data : Dataset or None
        Whose test images are shown, if it is the version that the records are about.
    metric : str or None
        What models are judged by; None takes that of the data set.
    with_html : bool
        Whether to write report.html; otherwise that of an earlier report is removed.

    Raises
    ------
    UserError
        If nothing is recorded, or the report cannot be written.
    """
    evidence = gather(store, dataset, profile=profile, data=data, metric=metric)
    report = compose(evidence)
    looks = style.looks({stored.record.run.model: stored.record.model.family for stored in evidence.stored})
    folder = reports_dir / store.collection / dataset
    if not evidence.is_main:
        folder /= evidence.selection.profile
    with style.chart_style():
        drawn = {folder / render.CHARTS / f"{p.name}.png": draw.draw(p, looks) for p in report.pictures()}
        for path, figure in drawn.items():
            style.save(figure, path)
    write_atomically(folder / "README.md", render.page(report).encode())
    for stale in set((folder / render.CHARTS).glob("*.png")) - drawn.keys():
        with explain_write_errors(stale):
            stale.unlink()
    paths = [folder / "README.md"]
    if with_html:
        paths.append(html.write(report, evidence.by_image, looks, folder))
    else:
        with explain_write_errors(folder / html.FILE):
            (folder / html.FILE).unlink(missing_ok=True)
    index.write(store, reports_dir, {dataset: evidence.stored})
    return Written(tuple(paths), report, evidence)
