"""The command ``verify``."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchmark.cli.options import (
    CollectionOption,
    DataDirOption,
    DatasetOption,
    Execution,
    MemoryLimitOption,
    ProfileOption,
    ResultsOption,
    TimeLimitOption,
    console,
    dataset_specs,
    warn,
)
from benchmark.utils.terminal import literal, say

if TYPE_CHECKING:
    from benchmark.runner.reproduce import Check

COLOURS = {"bit-identical": "green", "within tolerance": "green", "not comparable": "yellow"}  # Others are red.


def verify(
    models: Annotated[list[str] | None, typer.Argument(help="Models to draw runs of; without any, all.")] = None,
    runs: Annotated[int, typer.Option(help="Runs to repeat, drawn at random.", min=1)] = 3,
    budget: Annotated[str, typer.Option(help="Time limit for all of them, judging by their records.")] = "10m",
    seed: Annotated[int, typer.Option(help="Seed for sampling runs.", min=0)] = 0,
    dataset: DatasetOption = "fashion-mnist",
    profile: ProfileOption = "full",
    collection: CollectionOption = None,
    time_limit: TimeLimitOption = "2h",
    memory_limit: MemoryLimitOption = None,
    data_dir: DataDirOption = None,
    results_dir: ResultsOption = Path("results"),
) -> None:
    """Repeat recorded runs and check that the same numbers come out, run by run.

    Bit-identical: every label and probability. Within tolerance: accuracy within half a point and 95 % of the labels
    the same, as on another processor or library version. Nothing in the collection is changed. Exit code 1 if a run
    differs or fails.
    """
    from benchmark import registry
    from benchmark.records.store import Store
    from benchmark.runner import environment, reproduce
    from benchmark.runner.prepare import prepare
    from benchmark.runner.progress import Lines
    from benchmark.utils.format import duration, parse_duration

    how = Execution(time_limit=time_limit, memory_limit=memory_limit, fresh=True).settings()
    store, (spec,) = Store.open(results_dir, collection, profile), dataset_specs([dataset])
    chosen = [registry.model_of(text) for text in models or ()]
    names, given = [name for name, _ in chosen], [spec for _, specs in chosen for spec in specs]
    drawn, able = reproduce.draw(store, spec.name, profile, names or None, runs, parse_duration(budget), seed, warn)
    expected = sum(one.record.cost.total_seconds for one in drawn if one.record.cost)
    screen = console()
    screen.print(f"{len(drawn)} of {able} runs, about {duration(expected)} by their records.", highlight=False)
    lines, spec_of = Lines(screen), functools.partial(registry.of_record, given=given)
    try:
        prepared, here = prepare(spec, data_dir, store, lines.note), environment.describe()
        checks = [reproduce.reproduce(one, spec_of, prepared, how, here, lines) for one in drawn]
    except KeyboardInterrupt:
        say("\ninterrupted: nothing was changed")
        raise typer.Exit(130) from None
    _show(checks)
    if any(check.outcome in ("different", "failed") for check in checks):
        raise typer.Exit(1)


def _show(checks: list[Check]) -> None:
    from rich.table import Table

    from benchmark.utils.format import percent

    table = Table(title="Repeated runs", title_justify="left", box=None, pad_edge=False)
    for column in ("model", "run", "recorded", "repeated", "outcome", ""):
        table.add_column(column, justify="right" if column in ("recorded", "repeated") else "left")
    for check in checks:
        accuracies = [
            "-" if record is None or record.test is None else percent(record.test.accuracy)
            for record in (check.recorded, check.repeated)
        ]
        run = check.recorded.run
        outcome = f"[{COLOURS.get(check.outcome, 'red')}]{check.outcome}[/]"
        table.add_row(literal(run.model), run.to_run().number, *accuracies, outcome, literal(check.detail))
    console().print(table)
