"""The command ``check``: the gate."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from benchmark.cli.options import (
    CollectionOption,
    MetricOption,
    ProfileOption,
    RecordedOption,
    ResultsOption,
    console,
    predictions,
    selected,
)
from benchmark.errors import UserError
from benchmark.utils.terminal import show

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmark.gate.thresholds import Verdict
    from benchmark.records.store import Store

ThresholdsOption = Annotated[
    Path | None, typer.Option(help="File of the thresholds.", show_default="thresholds.toml, without --against")
]
MarkdownOption = Annotated[
    Path | None, typer.Option(help="Append the verdicts to this Markdown file, such as $GITHUB_STEP_SUMMARY.")
]


def _points(text: str, **options: Any) -> Any:
    """An option whose value is a number of points."""
    return typer.Option(help=f"With --against: {text}", min=0, max=100, **options)


TrainingSdOption = Annotated[
    float | None,
    _points(
        "std across seeds of a network, in points; counts for as much as the models' own seeds leave open.",
        show_default="0.2 from 10,000 training images on, otherwise unknown",
    ),
]
ModelsOption = Annotated[
    list[str] | None,
    typer.Option("--model", metavar="MODEL", help="With --against: check this model only; repeatable."),
]
InitOption = Annotated[
    bool, typer.Option("--init", help="Write the thresholds file from the present records, instead of checking them.")
]
THRESHOLDS = Path("thresholds.toml")
DEFAULTS = {"tolerance": 0.1, "class_tolerance": 2.0, "detectable": 1.0}
ALONE = "--model, --tolerance, --class-tolerance, --detectable and --training-sd are about another collection."


def check(
    dataset: RecordedOption = None,
    profile: ProfileOption = "full",
    collection: CollectionOption = None,
    thresholds: ThresholdsOption = None,
    against: Annotated[
        str | None, typer.Option(metavar="COLLECTION", help="Compare predictions with those of this collection.")
    ] = None,
    model: ModelsOption = None,
    metric: MetricOption = None,
    tolerance: Annotated[float, _points("points that accuracy may drop.")] = DEFAULTS["tolerance"],
    class_tolerance: Annotated[float, _points("points that the recall of a class may drop.")] = DEFAULTS[
        "class_tolerance"
    ],
    detectable: Annotated[
        float, _points("to pass, the drop must be below this with 95% confidence, in points.")
    ] = DEFAULTS["detectable"],
    training_sd: TrainingSdOption = None,
    strict: Annotated[bool, typer.Option("--strict", help="Treat inconclusive verdicts as failures.")] = False,
    junit: Annotated[Path | None, typer.Option(help="Write the verdicts as JUnit XML there.")] = None,
    markdown: MarkdownOption = None,
    init: InitOption = False,
    results_dir: ResultsOption = Path("results"),
) -> None:
    """Check what is recorded against thresholds, or against another collection.

    Thresholds are fixed floors. --against compares image by image and fails only on a drop beyond the tolerance that
    neither test sampling nor seed-to-seed variance explains.

    Exit code 1 if anything fails or is missing (a model of that collection without a finished run here, predictions
    that cannot be read) and, with --strict, if anything is inconclusive; 2 for a mistake on the command line; else 0.
    """
    from benchmark.gate.check import against_collection, against_thresholds
    from benchmark.gate.regression import Limits
    from benchmark.records.store import Store
    from benchmark.report import terminal
    from benchmark.report import verdicts as report

    given = {"tolerance": tolerance, "class_tolerance": class_tolerance, "detectable": detectable}
    if metric is not None and against is None and not init:
        raise UserError("--metric is for --against and --init.", "A thresholds file names the metric of each floor.")
    if against is None and (model or training_sd is not None or given != DEFAULTS):
        raise UserError(ALONE, "Name it with --against; thresholds have no such options.")
    store = Store.open(results_dir, collection, profile)
    if init:
        _init(thresholds, store, dataset, profile, metric, against)
        return
    verdicts = []
    if against is None or thresholds is not None:
        verdicts += against_thresholds(thresholds or THRESHOLDS, store, dataset, profile, selected)
    if against is not None:
        limits = Limits(**given, training_sd=training_sd)
        reference = Store.open(results_dir, against, profile)
        verdicts += against_collection(store, reference, dataset, model, profile, metric, limits, selected, predictions)
    title = f"{store.folder}, profile {profile}"
    console().print(terminal.table(report.table(verdicts), title, report.COLOURS))
    show(report.summary(verdicts))
    _write(junit, markdown, title, verdicts, strict=strict)
    if any(verdict.fails(strict=strict) for verdict in verdicts):
        raise typer.Exit(1)


def _write(junit: Path | None, markdown: Path | None, title: str, verdicts: Sequence[Verdict], *, strict: bool) -> None:
    """What CI systems read."""
    from benchmark.gate.junit import write_junit
    from benchmark.report import verdicts as report

    if junit:
        write_junit(junit, verdicts, strict=strict)
    if markdown:
        report.append(markdown, report.document(title, verdicts, strict=strict))


def _init(
    thresholds: Path | None,
    store: Store,
    datasets: list[str] | None,
    profile: str,
    metric: str | None,
    against: str | None,
) -> None:
    from benchmark.gate.check import init_thresholds
    from benchmark.utils.format import counted

    if against is not None:
        raise UserError("--init writes thresholds; --against needs none.", "Choose one.")
    path = thresholds or THRESHOLDS
    counts = init_thresholds(path, store, datasets, profile, metric, selected)
    floors = (f"{counted(n, 'floor')} for {name}" for name, n in counts.items())
    show(f"Written to {path}: {', '.join(floors)}.")
    options = "" if thresholds is None else f" --thresholds {shlex.quote(str(path))}"
    options += "" if store.collection in ("local", profile) else f" --collection {store.collection}"
    options += "" if profile == "full" else f" --profile {profile}"
    show(f"Check records against it with: python -m benchmark check{options}")
