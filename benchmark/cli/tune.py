"""The command ``tune``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchmark.cli.options import (
    CollectionOption,
    DataDirOption,
    DatasetOption,
    DeviceOption,
    Execution,
    MemoryLimitOption,
    Pictures,
    ResultsOption,
    console,
    dataset_specs,
    grouped,
)
from benchmark.utils.terminal import literal, say, show

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from benchmark.runner.tune import Trial, TuningRecord


@grouped
def tune(
    pictures: Pictures,
    model: Annotated[str, typer.Argument(help="Model to tune, see 'list'.")],
    budget: Annotated[str, typer.Option(help="How long to search, for example 90s, 20m or 2h.")] = "20m",
    dataset: DatasetOption = "fashion-mnist",
    train_size: Annotated[
        int | None, typer.Option(help="Training images per trial, stratified by class.", show_default="all", min=10)
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the search and of every trial.", min=0)] = 0,
    threads: Annotated[int | None, typer.Option(help="Threads per trial.", show_default="cores", min=1)] = None,
    memory_limit: MemoryLimitOption = None,
    device: DeviceOption = "auto",
    collection: CollectionOption = None,
    data_dir: DataDirOption = None,
    results_dir: ResultsOption = Path("results"),
) -> None:
    """Search a model's hyper-parameters on the validation images; the test images are never read.

    The space is the model's own ('search' of its specification), the method Optuna's tree-structured Parzen
    estimator. Every trial is written to tuning-MODEL.json beside the records. The winner is printed; to use it,
    put it into the model's specification, or try it with: run MODEL --set NAME=VALUE --as OTHER.
    """
    from benchmark import registry
    from benchmark.records.store import Store
    from benchmark.runner import environment
    from benchmark.runner.prepare import prepare
    from benchmark.runner.tune import Search, check_tunable, no_winner, path_of
    from benchmark.runner.tune import tune as search
    from benchmark.utils.format import duration, parse_duration

    (spec,), (data,) = registry.choose([model]), dataset_specs([dataset], pictures)
    check_tunable(spec)
    how, seconds = (
        Execution(threads=threads, memory_limit=memory_limit, device=device).settings(),
        parse_duration(budget),
    )
    store = Store.open(results_dir, collection)
    store.check_writable()
    wanted = Search(
        model=spec,
        prepared=prepare(data, data_dir, store, say),
        budget_seconds=seconds,
        train_size=train_size,
        seed=seed,
        settings=how,
        environment=environment.describe(),
    )
    screen = console()
    size = train_size or len(wanted.prepared.dataset.split.train)
    screen.print(
        f"Tuning {spec.name} on {size:,} images of {literal(data.title)} for {duration(seconds)}.", highlight=False
    )
    try:
        record = search(wanted, store, _printer(screen))
    except KeyboardInterrupt:
        say("\ninterrupted: nothing was written")
        raise typer.Exit(130) from None
    if record.best is None:
        raise no_winner(record, store)
    _show_best(record)
    show(f"Written to {path_of(store, data.name, spec.name)}")


def _printer(screen: Console) -> Callable[[Trial], None]:
    """Prints a line per trial, marking the best so far."""

    from benchmark.utils.format import duration, percent

    best = 0.0

    def show(trial: Trial) -> None:
        nonlocal best
        words = ", ".join(f"{name}={_short(value)}" for name, value in trial.params.items())
        if trial.validation_accuracy is None:
            screen.print(f"[red]{trial.status}[/]  {literal(words)}: {literal(trial.reason or '')}", highlight=False)
            return
        mark = "[green]best so far[/]" if trial.validation_accuracy > best else ""
        best = max(best, trial.validation_accuracy)
        took = duration(trial.fit_seconds or 0.0)
        screen.print(f"{percent(trial.validation_accuracy)}  {literal(words)} ({took}) {mark}", highlight=False)

    return show


def _show_best(record: TuningRecord) -> None:
    from rich.table import Table

    from benchmark.utils.format import duration, percent

    screen = console()
    screen.print(f"\nThe best of {len(record.trials)} trials, by validation accuracy:", highlight=False)
    table = Table()
    for column in ("validation", "fit", *record.space):
        table.add_column(column, justify="right")
    scored = [trial for trial in record.trials if trial.validation_accuracy is not None]
    for trial in sorted(scored, key=lambda trial: -(trial.validation_accuracy or 0.0))[:5]:
        values = [_short(trial.params[name]) for name in record.space]
        table.add_row(
            percent(trial.validation_accuracy or 0.0), duration(trial.fit_seconds or 0.0), *map(literal, values)
        )
    screen.print(table)


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
