"""Our accuracies beside published ones, and what is known about each difference.

A difference counts as explained only where it was measured: the published settings, fitted here, give the published
accuracy. The figures are data of the data set: ``benchmark/data/published/<data set>.toml``.
"""

from __future__ import annotations

import dataclasses
import importlib.resources
import tomllib
from collections import Counter
from collections.abc import Mapping

from benchmark.analysis import stats
from benchmark.analysis.select import ModelSummary
from benchmark.report.document import Bullets, Column, Section, Table, section, words
from benchmark.report.evidence import Evidence
from benchmark.utils.format import counted, percent, points

UNRESOLVED = "not resolvable without their predictions"
EXPLAINED, UNEXPLAINED = "explained by the settings", "unexplained"
METHOD = (
    '"Not resolvable without their predictions": the difference is at most two standard errors of an accuracy on '
    "{n_images:,} images. Both figures are about the same test images, and a test image by image would be sharper. "
    '"Explained by the settings": the published settings, fitted here, come that close to the published figure. '
    '"Unexplained": no measurement shows where it comes from; a larger network or more epochs may be the cause, but '
    "that is a guess. Most figures are of one run, not verified by others, and some were chosen by their test accuracy."
)


@dataclasses.dataclass(frozen=True)
class Figure:
    """A published test accuracy (a fraction), the source's key, our nearest model, and the settings that are known.

    ``refitted`` is the accuracy of the published settings fitted here, None where they were not.
    """

    what: str
    accuracy: float
    source: str
    model: str
    settings: str
    refitted: float | None = None


@dataclasses.dataclass(frozen=True)
class Published:
    """The published figures on a data set, under a profile, with their sources in words."""

    profile: str
    note: str
    sources: Mapping[str, str]
    figures: tuple[Figure, ...]


def read(dataset: str) -> Published | None:
    """The published figures on a data set; None where there are none."""
    file = importlib.resources.files("benchmark.data").joinpath("published", f"{dataset}.toml")
    if not file.is_file():
        return None
    content = tomllib.loads(file.read_text(encoding="utf-8"))
    return Published(**{**content, "figures": tuple(Figure(**figure) for figure in content["figures"])})


def figures(evidence: Evidence) -> Section | None:
    """The part of the report; None where nothing is published or no model of ours has a counterpart."""
    by_name = {s.name: s for s in evidence.summaries}
    published = read(evidence.summaries[0].records[0].run.dataset) if evidence.summaries else None
    if published is None or published.profile != evidence.selection.profile:
        return None
    pairs = [(figure, by_name[figure.model]) for figure in published.figures if figure.model in by_name]
    if not pairs:
        return None
    n_images = evidence.selection.dataset.test_size
    rows = [
        (
            *(figure.what, figure.accuracy, figure.source, s.name, s.accuracy, (s.accuracy - figure.accuracy) * 100),
            *(figure.refitted, verdict(figure, s, n_images)),
        )
        for figure, s in pairs
    ]
    columns = (
        *(words("published"), Column("accuracy", percent), words("source"), words("our nearest")),
        *(Column("ours", percent), Column("points", points)),
        *(Column("published settings, fitted here", percent, absent=""), words("difference")),
    )
    verdicts = Counter(str(row[-1]) for row in rows)
    resolved = [(row[5], str(row[-1])) for row in rows if row[-1] != UNRESOLVED]
    above, explained = sum(gap > 0 for gap, _ in resolved), verdicts[EXPLAINED]
    counts = f"our nearest model is above {above} and below {len(resolved) - above}"
    if explained:
        counts += f"; the settings explain {explained}"
    return section(
        "published",
        "Comparison with published figures",
        f"Of {counted(len(pairs), 'published test accuracy', 'published test accuracies')}, "
        f"{verdicts[UNRESOLVED]} cannot be told from ours without their predictions. Of the others, {counts}.",
        Table(columns, rows),
        METHOD.format(n_images=n_images),
        'What is known of the published settings; ours are under "How to reproduce it":',
        Bullets([f"{figure.what}: {figure.settings}." for figure, _ in pairs]),
        "Sources:",
        Bullets([f"{key}: {published.sources[key]}." for key in dict.fromkeys(figure.source for figure, _ in pairs)]),
        published.note,
    )


def verdict(figure: Figure, ours: ModelSummary, n_images: int) -> str:
    """What is known about the difference."""
    noise = 2 * stats.standard_error(ours.accuracy, n_images)
    if abs(ours.accuracy - figure.accuracy) <= noise:
        return UNRESOLVED
    explained = figure.refitted is not None and abs(figure.refitted - figure.accuracy) <= noise
    return EXPLAINED if explained else UNEXPLAINED
