"""The command ``verify``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchmark.cli.options import (
    CollectionOption,
    DataDirOption,
    DatasetOption,
    MemoryLimitOption,
    ProfileOption,
    ResultsOption,
    collection_name,
    console,
    memory_limit_bytes,
    warn,
)
from benchmark.cli.progress import chosen_models, prepare
from benchmark.errors import UserError

if TYPE_CHECKING:
    from benchmark.records.store import Stored
    from benchmark.runner.reproduce import Check
    from benchmark.specs import ModelSpec

COLOURS = {"bit-identical": "green", "within tolerance": "green", "not comparable": "yellow"}  # All else is red.


def verify(
    models: Annotated[list[str] | None, typer.Argument(help="Models to draw runs of; none means all.")] = None,
    runs: Annotated[int, typer.Option(help="Cells to run again, drawn at random.", min=1)] = 3,
    budget: Annotated[str, typer.Option(help="Longest they may take together, by their records.")] = "10m",
    seed: Annotated[int, typer.Option(help="Of the draw.", min=0)] = 0,
    dataset: DatasetOption = "fashion-mnist",
    profile: ProfileOption = "full",
    collection: CollectionOption = None,
    time_limit: Annotated[str, typer.Option(help="Longest a run may take, as 90s, 30m or 2h.")] = "2h",
    memory_limit: MemoryLimitOption = None,
    data_dir: DataDirOption = None,
    results_dir: ResultsOption = Path("results"),
) -> None:
    """Run recorded runs again and say whether the same numbers come out, run by run.

    Bit-identical: every label and probability. Within tolerance: accuracy within half a point and 95 % of the
    labels the same, as another processor or library version may bring about. Nothing in the collection is
    changed. Exit code 1 if a run differs or fails.
    """
    import numpy as np

    from benchmark import registry
    from benchmark.records.store import Store
    from benchmark.runner import environment
    from benchmark.runner import reproduce as verification
    from benchmark.runner import run as runner
    from benchmark.runner.progress import Lines
    from benchmark.utils.format import duration, parse_duration

    store = Store(results_dir, collection_name(collection, profile))
    seconds = parse_duration(budget)
    stored, problems = store.read_all(dataset)
    for problem in problems:
        warn(f"passed over {problem}")
    able = [one for one in stored if one.record.run.profile == profile]
    able = [one for one in able if not models or one.record.run.model in models]
    if not able:
        raise UserError(
            f"There are no such records of {dataset} in {store.folder}.",
            f"Make some: python -m benchmark run --dataset {dataset} --collection {store.collection}",
        )
    drawn = verification.sample(able, runs, seconds, np.random.default_rng(seed))
    if not drawn:
        raise UserError(f"No recorded run takes less than {duration(seconds)}.", "Give a larger --budget.")
    expected = sum(one.record.cost.total_seconds for one in drawn if one.record.cost)
    screen = console()
    screen.print(f"{len(drawn)} of {len(able)} runs, about {duration(expected)} by their records.", highlight=False)

    ready = prepare(registry.find("data set", registry.datasets(), dataset), data_dir, store)
    settings = runner.Settings(
        store=store,
        environment=environment.describe(),
        jobs=1,
        threads=1,
        device="auto",
        time_limit_seconds=parse_duration(time_limit),
        fresh=True,
        memory_limit_bytes=memory_limit_bytes(memory_limit),
    )
    try:
        checks = [verification.verify(one, _spec(one), ready, settings, Lines(screen)) for one in drawn]
    except KeyboardInterrupt:
        typer.echo("\ninterrupted: nothing was changed", err=True)
        raise typer.Exit(130) from None
    _show(checks)
    if any(check.outcome in ("different", "failed") for check in checks):
        raise typer.Exit(1)


def _spec(stored: Stored) -> ModelSpec | None:
    """The model of a record as it is today; None if it cannot be had."""
    from benchmark import registry

    model, name = stored.record.model, stored.record.run.model
    if model.base is None:
        return registry.models().get(name)
    try:
        (spec,) = chosen_models([model.base], False, model.settings, name)
    except UserError:
        return None
    return spec


def _show(checks: list[Check]) -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table(title="Run again", title_justify="left", box=None, pad_edge=False)
    for column in ("model", "seed", "recorded", "found", "outcome", ""):
        table.add_column(column, justify="right" if column in ("seed", "recorded", "found") else "left")
    for check in checks:
        accuracies = [
            "-" if record is None or record.test is None else f"{record.test.accuracy:.4f}"
            for record in (check.recorded, check.found)
        ]
        run = check.recorded.run
        outcome = f"[{COLOURS.get(check.outcome, 'red')}]{check.outcome}[/]"
        table.add_row(escape(run.model), str(run.seed), *accuracies, outcome, escape(check.detail))
    console().print(table)
