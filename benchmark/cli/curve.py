"""The command ``curve``."""

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
    ReportsOption,
    ResultsOption,
    collection_name,
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
from benchmark.errors import UserError

SIZES = (100, 300, 1000, 3000, 10_000)


def curve(
    models: Annotated[
        list[str] | None, typer.Argument(help="Models to run, see 'list'; none means the core ones.")
    ] = None,
    sizes: Annotated[
        str | None,
        typer.Option(
            help="Numbers of training images, with commas between; 'all' is the whole training part.  "
            f"[default: {','.join(map(str, SIZES))},all]"
        ),
    ] = None,
    seeds: Annotated[
        int, typer.Option(help="Seeds a model and size, each with training images of its own.", min=1, max=1000)
    ] = 3,
    dataset: DatasetOption = "fashion-mnist",
    jobs: Annotated[int, typer.Option("--jobs", "-j", help="Cells to run at a time.", min=1)] = 1,
    threads: Annotated[int | None, typer.Option(help="Threads a run.  [default: cores / jobs]", min=1)] = None,
    time_limit: Annotated[str, typer.Option(help="Longest a run may take, as 90s, 30m or 2h.")] = "2h",
    memory_limit: MemoryLimitOption = None,
    device: DeviceOption = "auto",
    fresh: Annotated[bool, typer.Option("--fresh", help="Run again what is already recorded.")] = False,
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
    """Train models on fewer and fewer images: from how many on is a CNN worth it?

    Training images are drawn by seed, stratified by class; of one seed, the smaller set is part of the larger.
    Validation and test images are always all of them. The whole training part is the profile full of 'run',
    whose records are used where they are there. Goes on where it stopped, as 'run' does.
    """
    from benchmark import registry
    from benchmark.records.store import Store
    from benchmark.runner import environment
    from benchmark.runner import run as runner
    from benchmark.utils.files import check_writable
    from benchmark.utils.format import parse_duration

    known_device(device)
    chosen = chosen_models(models, False, None, None)
    spec = registry.find("data set", registry.datasets(), dataset)
    store = Store(results_dir, collection_name(collection, "full"))
    limit = parse_duration(time_limit)
    most_memory = memory_limit_bytes(memory_limit)
    check_writable(store.folder)
    if report:
        check_writable(reports_dir)
    voice = Voice(quiet, json_lines, tensorboard, mlflow, store)
    ready = prepare(spec, data_dir, store)
    whole = len(ready.dataset.split.train)
    wanted = parse_sizes(sizes, whole, len(ready.dataset.class_names))
    profiles = ["full" if size == whole else f"train-{size}" for size in wanted]
    runs = [run for profile in profiles for run in runner.plan(chosen, [dataset], seeds, profile)]
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
    )
    records = carry_out(runs, chosen, {dataset: ready}, how, voice)
    if report:
        voice.report(store, dataset, reports_dir, None, ready)
    end(records)


def parse_sizes(text: str | None, whole: int, n_classes: int) -> list[int]:
    """Sizes, the smallest first, of which the largest may be the ``whole`` training part.

    Raises
    ------
    UserError
        If a size is no number, larger than the whole, or smaller than the number of classes.
    """
    if text is None:
        return [*(size for size in SIZES if n_classes <= size < whole), whole]
    found = set()
    for word in text.split(","):
        word = word.strip()
        if word != "all" and not (word.isascii() and word.isdigit()):
            raise UserError(f"{word!r} is no number of images.", "Write --sizes 100,1000,all, say.")
        size = whole if word == "all" else int(word)
        if size > whole:
            raise UserError(f"--sizes {size:,}: there are only {whole:,} training images.", "Give fewer, or 'all'.")
        if size < n_classes:
            raise UserError(f"--sizes {size}: not an image for each of {n_classes} classes.", "Give more.")
        found.add(size)
    return sorted(found)
