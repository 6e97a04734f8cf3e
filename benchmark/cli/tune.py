"""The command ``tune``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from benchmark.cli.options import (
    CollectionOption,
    DataDirOption,
    DatasetOption,
    DeviceOption,
    MemoryLimitOption,
    ResultsOption,
    collection_name,
    console,
    known_device,
    memory_limit_bytes,
)
from benchmark.errors import UserError


def tune(
    model: Annotated[str, typer.Argument(help="Model to tune, see 'list'.")],
    budget: Annotated[str, typer.Option(help="How long to search, as 90s, 20m or 2h.")] = "20m",
    dataset: DatasetOption = "fashion-mnist",
    train_size: Annotated[
        int | None, typer.Option(help="Training images a trial, stratified by class.  [default: all]", min=10)
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the search and of every trial.", min=0)] = 0,
    threads: Annotated[int | None, typer.Option(help="Threads a trial.  [default: cores]", min=1)] = None,
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
    from rich.markup import escape
    from rich.table import Table

    from benchmark import registry
    from benchmark.cli.progress import prepare
    from benchmark.records.store import Store
    from benchmark.runner import environment
    from benchmark.runner import tune as tuning
    from benchmark.utils.files import check_writable
    from benchmark.utils.format import duration, parse_duration

    try:
        import optuna  # noqa: F401
    except ImportError:
        raise UserError("tune needs Optuna.", "Install it with: pip install 'do-i-need-a-cnn[tune]'") from None
    known_device(device)
    spec = registry.find("model", registry.models(), model)
    if not spec.search:
        able = ", ".join(name for name, other in registry.models().items() if other.search)
        raise UserError(f"{spec.name} has nothing to tune.", f"These have: {able}.")
    seconds, most_memory = parse_duration(budget), memory_limit_bytes(memory_limit)
    store = Store(results_dir, collection_name(collection, "full"))
    check_writable(store.folder)
    ready = prepare(registry.find("data set", registry.datasets(), dataset), data_dir, store)
    most = len(ready.dataset.split.train)
    if train_size is not None and train_size > most:
        raise UserError(f"--train-size {train_size:,}: there are only {most:,} training images.", "Give fewer.")
    search = tuning.Search(
        model=spec,
        prepared=ready,
        budget_seconds=seconds,
        train_size=train_size,
        seed=seed,
        threads=threads or environment.available_cores(),
        device=device,
        environment=environment.describe(),
        memory_limit_bytes=most_memory,
    )
    screen = console()
    size = train_size or most
    screen.print(f"Tuning {spec.name} on {size:,} images of {ready.dataset.title} for {duration(seconds)}.")
    best = 0.0

    def tell(trial: tuning.Trial) -> None:
        nonlocal best
        words = ", ".join(f"{name}={_short(value)}" for name, value in trial.params.items())
        if trial.validation_accuracy is None:
            screen.print(f"[red]{trial.status}[/]  {escape(words)}: {escape(trial.reason or '')}", highlight=False)
            return
        mark = "[green]best so far[/]" if trial.validation_accuracy > best else ""
        best = max(best, trial.validation_accuracy)
        took = duration(trial.fit_seconds or 0.0)
        screen.print(f"{trial.validation_accuracy:.4f}  {escape(words)} ({took}) {mark}", highlight=False)

    try:
        record = tuning.tune(search, store, tell)
    except KeyboardInterrupt:
        typer.echo("\ninterrupted: nothing was written", err=True)
        raise typer.Exit(130) from None
    scored = [trial for trial in record.trials if trial.validation_accuracy is not None]
    if not scored:
        if any(trial.status == "timeout" for trial in record.trials):
            raise UserError(
                "No trial has ended with a result.", "Give a larger --budget or fewer images (--train-size)."
            )
        raise UserError(
            f"Each of {len(record.trials)} trials failed, the last with: {record.trials[-1].reason}.",
            f"The traceback, if there is one, is in {tuning.path_of(store, dataset, spec.name).with_suffix('.log')}.",
        )
    screen.print(f"\nThe best of {len(record.trials)} trials, by validation accuracy:", highlight=False)
    table = Table()
    for column in ("validation", "fit", *record.space):
        table.add_column(column, justify="right")
    for trial in sorted(scored, key=lambda trial: -(trial.validation_accuracy or 0.0))[:5]:
        values = [_short(trial.params[name]) for name in record.space]
        table.add_row(f"{trial.validation_accuracy:.4f}", duration(trial.fit_seconds or 0.0), *map(escape, values))
    screen.print(table)
    typer.echo(f"Written to {tuning.path_of(store, dataset, spec.name)}")


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
