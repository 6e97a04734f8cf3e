"""The command ``run``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from benchmark.cli.options import (
    CollectionOption,
    DataDirOption,
    DatasetsOption,
    DeviceOption,
    MemoryLimitOption,
    ProfileOption,
    ReportsOption,
    ResultsOption,
    collection_name,
    dataset_specs,
    known_device,
    memory_limit_bytes,
)
from benchmark.cli.progress import (
    JsonLinesOption,
    MlflowOption,
    QuietOption,
    TensorBoardOption,
    Voice,
    carry_out,
    chosen_models,
    end,
    prepare,
)


def run(
    models: Annotated[
        list[str] | None, typer.Argument(help="Models to run, see 'list'; none means the core ones.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Run every registered model.")] = False,
    dataset: DatasetsOption = None,
    profile: ProfileOption = "full",
    seeds: Annotated[int, typer.Option(help="Seeds a model; models without chance get one.", min=1, max=1000)] = 1,
    jobs: Annotated[int, typer.Option("--jobs", "-j", help="Cells to run at a time.", min=1)] = 1,
    threads: Annotated[int | None, typer.Option(help="Threads a run.  [default: cores / jobs]", min=1)] = None,
    time_limit: Annotated[str, typer.Option(help="Longest a run may take, as 90s, 30m or 2h.")] = "2h",
    memory_limit: MemoryLimitOption = None,
    device: DeviceOption = "auto",
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="Change a parameter of the one model named; may be given again."
        ),
    ] = None,
    rename: Annotated[
        str | None, typer.Option("--as", metavar="NAME", help="With --set: the name under which it is recorded.")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Run again what is already recorded.")] = False,
    corruptions: Annotated[
        bool,
        typer.Option("--corruptions", help="Also predict corrupted test images: six corruptions, five severities."),
    ] = False,
    save_models: Annotated[
        bool, typer.Option("--save-models", help="Keep the fitted models beside the records, for 'predict'.")
    ] = False,
    collection: CollectionOption = None,
    data_dir: DataDirOption = None,
    results_dir: ResultsOption = Path("results"),
    reports_dir: ReportsOption = Path("reports"),
    report: Annotated[bool, typer.Option(help="Write the report at the end.")] = True,
    quiet: QuietOption = False,
    json_lines: JsonLinesOption = False,
    tensorboard: TensorBoardOption = None,
    mlflow: MlflowOption = None,
) -> None:
    """Train and score models, record every run, write the report.

    Without names the five core models run: three classical ones on pixels, a simple and an augmented CNN.

    Stop with Ctrl-C whenever you like: the same command goes on where it stopped. Ends with exit code 1 if
    a run failed, crashed, or ran out of time or memory.
    """
    from benchmark.records.store import Store
    from benchmark.runner import environment
    from benchmark.runner import run as runner
    from benchmark.utils.files import check_writable
    from benchmark.utils.format import parse_duration

    known_device(device)
    chosen = chosen_models(models, everything, settings, rename)
    specs = dataset_specs(dataset)
    store = Store(results_dir, collection_name(collection, profile))
    limit = parse_duration(time_limit)
    most_memory = memory_limit_bytes(memory_limit)
    check_writable(store.folder)
    if report:
        check_writable(reports_dir)

    voice = Voice(quiet, json_lines, tensorboard, mlflow, store)
    prepared = {spec.name: prepare(spec, data_dir, store) for spec in specs}
    runs = list(runner.plan(chosen, prepared, seeds, profile))
    jobs = min(jobs, len(runs))
    how = runner.Settings(
        store=store,
        environment=environment.describe(),
        jobs=jobs,
        threads=threads or max(1, environment.available_cores() // jobs),
        device=device,
        time_limit_seconds=limit,
        fresh=fresh,
        memory_limit_bytes=most_memory,
        corruptions=corruptions,
        save_models=save_models,
    )
    records = carry_out(runs, chosen, prepared, how, voice)
    if report:
        for name, ready in prepared.items():
            voice.report(store, name, reports_dir, profile, ready)
    end(records)
