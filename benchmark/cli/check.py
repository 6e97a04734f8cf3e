"""The command ``check``: the gate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchmark.cli.options import (
    CollectionOption,
    DatasetsOption,
    ProfileOption,
    ResultsOption,
    collection_name,
    console,
    known_profile,
    predictions,
    selected,
)
from benchmark.errors import UserError

if TYPE_CHECKING:
    from benchmark.gate.thresholds import Verdict
    from benchmark.records.store import Store

COLOURS = {"pass": "green", "fail": "red"}  # All else is yellow.


def check(
    dataset: DatasetsOption = None,
    profile: ProfileOption = "full",
    collection: CollectionOption = None,
    thresholds: Annotated[
        Path | None, typer.Option(help="File of the thresholds.  [default: thresholds.toml, without --against]")
    ] = None,
    against: Annotated[
        str | None, typer.Option(metavar="COLLECTION", help="Compare predictions with those of this collection.")
    ] = None,
    tolerance: Annotated[float, typer.Option(help="With --against: points that accuracy may drop.", min=0)] = 0.1,
    class_tolerance: Annotated[
        float, typer.Option(help="With --against: points that the recall of a class may drop.", min=0)
    ] = 2.0,
    detectable: Annotated[
        float, typer.Option(help="With --against: a drop of so many points must have been seen for a pass.", min=0)
    ] = 1.0,
    training_sd: Annotated[
        float,
        typer.Option(help="With --against: points that seeds move a network by, where neither side shows it.", min=0),
    ] = 0.2,
    strict: Annotated[bool, typer.Option("--strict", help="What cannot be judged fails too.")] = False,
    junit: Annotated[Path | None, typer.Option(help="Write the verdicts as JUnit XML there.")] = None,
    markdown: Annotated[
        Path | None, typer.Option(help="Add the verdicts to this Markdown file, such as $GITHUB_STEP_SUMMARY.")
    ] = None,
    results_dir: ResultsOption = Path("results"),
) -> None:
    """Hold recorded accuracies against thresholds, or against another collection.

    Thresholds are fixed floors. --against compares image by image and fails only on a drop beyond the tolerance
    that neither the choice of test images nor training by chance explains. Exit code 0 if all pass, 1 if any
    fails or is missing.
    """
    from benchmark.gate import junit as written
    from benchmark.gate.regression import Limits
    from benchmark.records.store import Store

    known_profile(profile)
    store = Store(results_dir, collection_name(collection, profile))
    verdicts: list[Verdict] = []
    if against is None or thresholds is not None:
        verdicts += _against_thresholds(thresholds or Path("thresholds.toml"), store, dataset, profile)
    if against is not None:
        limits = Limits(
            tolerance=tolerance, class_tolerance=class_tolerance, detectable=detectable, training_sd=training_sd
        )
        other = Store(results_dir, collection_name(against, profile))
        verdicts += _against_collection(store, other, dataset, profile, limits)

    title = f"{store.folder}, profile {profile}"
    _show(title, verdicts)
    failing = sum(verdict.fails(strict=strict) for verdict in verdicts)
    unjudged = sum(verdict.outcome in ("insufficient evidence", "not comparable") for verdict in verdicts)
    told = f"{sum(verdict.outcome == 'pass' for verdict in verdicts)} of {len(verdicts)} pass"
    typer.echo(told + (f", {unjudged} cannot be judged" if unjudged else ""))
    if junit:
        written.write_junit(junit, verdicts, strict=strict)
    if markdown:
        written.append(markdown, written.markdown(title, verdicts, strict=strict))
    if failing:
        raise typer.Exit(1)


def _against_thresholds(path: Path, store: Store, dataset: list[str] | None, profile: str) -> list[Verdict]:
    from benchmark.gate import thresholds as gate

    wanted = gate.read_thresholds(path).datasets
    verdicts = []
    for name in dataset or [name for name, profiles in wanted.items() if profile in profiles]:
        if profile not in wanted.get(name, {}):
            raise UserError(f"{path} has no thresholds for {name}, profile {profile}.", "Add them, or name others.")
        selection = selected(store, name, profile)
        verdicts += gate.judge(name, profile, wanted[name][profile], selection.summaries if selection else ())
    if not verdicts:
        raise UserError(f"{path} demands nothing for profile {profile}.", "Add thresholds, or name another profile.")
    return verdicts


def _against_collection(
    store: Store, other: Store, dataset: list[str] | None, profile: str, limits: object
) -> list[Verdict]:
    from benchmark import registry
    from benchmark.gate import regression

    assert isinstance(limits, regression.Limits)
    for one in (store, other):
        if not one.folder.is_dir():
            raise UserError(f"There is no collection {one.folder}.", "Make one with: python -m benchmark run")
    stochastic = {name: spec.stochastic for name, spec in registry.models().items()}
    verdicts = []
    for name in dataset or [name for name in store.datasets() if name in other.datasets()]:
        here, there = selected(store, name, profile), selected(other, name, profile)
        if here is not None and there is not None:
            verdicts += regression.compare(here, there, predictions, limits, stochastic)
    if not verdicts:
        raise UserError(
            f"{store.folder} and {other.folder} have no model in common under profile {profile}.",
            f"Run some: python -m benchmark run --profile {profile} --collection {store.collection}",
        )
    return verdicts


def _show(title: str, verdicts: list[Verdict]) -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=escape(title), title_justify="left")
    for column in ("data set", "what", "required", "found", "verdict", "reason"):
        table.add_column(column, justify="right" if column in ("required", "found") else "left")
    for v in verdicts:
        found = "-" if v.found is None else f"{v.found:.4f}"
        verdict = f"[{COLOURS.get(v.outcome, 'yellow')}]{v.outcome}[/]"
        table.add_row(escape(v.dataset), escape(v.subject), f"{v.required:.4f}", found, verdict, escape(v.reason))
    console().print(table)
