"""The commands of ``data``: fetch, verify, info, export, audit, looks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchmark.cli.options import (
    DEFAULT_DATASET,
    CollectionOption,
    DataDirOption,
    DatasetArgument,
    Pictures,
    RecordedArgument,
    ResultsOption,
    console,
    dataset_specs,
    grouped,
    loaded,
)
from benchmark.utils.terminal import literal, say, show

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmark.records.dataset_schema import DataAudit

PAIRS_SHOWN = 20

data_app = typer.Typer(help="Fetch, check and describe data sets.", no_args_is_help=True)


@data_app.command()
@grouped
def fetch(
    pictures: Pictures,
    dataset: DatasetArgument = DEFAULT_DATASET,
    data_dir: DataDirOption = None,
    force: Annotated[bool, typer.Option("--force", help="Decode again even if that was done before.")] = False,
) -> None:
    """Find a data set, check its files, decode it once into the cache."""
    from benchmark.data import cache

    (spec,) = dataset_specs([dataset], pictures)
    data = loaded(spec, data_dir, force=force)
    show(f"{spec.title} is ready ({data.source}), decoded in {cache.folder(spec.key)}")


@data_app.command()
@grouped
def verify(pictures: Pictures, dataset: DatasetArgument = DEFAULT_DATASET, data_dir: DataDirOption = None) -> None:
    """Run the integrity checks: exit code 1 if one fails."""
    from rich.table import Table

    from benchmark.data.integrity import audit

    (spec,) = dataset_specs([dataset], pictures)
    result = audit(loaded(spec, data_dir), spec)
    table = Table(title=literal(f"Integrity of {spec.title}"), title_justify="left")
    for column in ("check", "outcome", "found"):
        table.add_column(column)
    colour = {"passed": "green", "warning": "yellow", "failed": "red"}
    for line in result.checks:
        table.add_row(literal(line.name), f"[{colour[line.outcome]}]{line.outcome}[/]", literal(line.detail))
    console().print(table)
    if not result.passed:
        raise typer.Exit(1)


@data_app.command()
@grouped
def info(pictures: Pictures, dataset: DatasetArgument = DEFAULT_DATASET, data_dir: DataDirOption = None) -> None:
    """Describe a data set: sizes, classes, split, fingerprint, location."""
    from benchmark.data import cache
    from benchmark.utils.format import counted

    (spec,) = dataset_specs([dataset], pictures)
    data = loaded(spec, data_dir)
    height, width, channels = data.train_images.shape[1:]
    lines = {
        "data set": f"{spec.title}: {spec.description}",
        "images": f"{height} x {width} pixels, {counted(channels, 'channel')}, 8 bits",
        "split": f"{len(data.split.train):,} training, {len(data.split.validation):,} validation, "
        f"{len(data.test_labels):,} test",
        "classes": ", ".join(data.class_names),
        "source": f"{data.source}, {spec.params['path']}" if spec.own else data.source,
        "fingerprint": data.fingerprint,
        "decoded in": str(cache.folder(spec.key)),
    }
    for label, text in lines.items():
        show(f"{label + ':':<13}{text}")


@data_app.command()
@grouped
def export(
    pictures: Pictures,
    dataset: Annotated[str, typer.Argument(help="Name of the data set, or the path of your own pictures.")],
    folder: Annotated[Path, typer.Argument(help="Folder to write; it must be new or empty.")],
    data_dir: DataDirOption = None,
) -> None:
    """Write a data set as PNG pictures, a folder per part and class: to look at, or for other tools."""
    from rich.console import Console

    from benchmark.data.export import export as write
    from benchmark.utils.terminal import Steps

    (spec,) = dataset_specs([dataset], pictures)
    data = loaded(spec, data_dir)
    with Steps(Console(stderr=True)) as steps:
        n = write(data, folder, steps)
    show(f"{n:,} pictures written to {folder}; read them with: --dataset {folder}")


@data_app.command(name="audit")
@grouped
def audit_(
    pictures: Pictures,
    dataset: DatasetArgument = DEFAULT_DATASET,
    collection: CollectionOption = None,
    results_dir: ResultsOption = Path("results"),
    data_dir: DataDirOption = None,
) -> None:
    """Look for near duplicates of training images in test and validation; the collection's report shows them."""
    import time

    from rich.console import Console
    from rich.progress import Progress

    from benchmark.data import near_duplicates as duplicates
    from benchmark.records.store import Store
    from benchmark.utils.files import check_writable
    from benchmark.utils.format import duration

    kept = Store.open(results_dir, collection)
    (spec,) = dataset_specs([dataset], pictures)
    data = loaded(spec, data_dir)
    check_writable(kept.folder / spec.name)
    n_images = len(data.test_labels) + len(data.split.validation)
    say(f"Comparing {n_images:,} images with {len(data.split.train):,} training images.")
    start = time.perf_counter()
    screen = Console(stderr=True)
    with Progress(console=screen, disable=not screen.is_terminal, transient=True) as progress:
        task = progress.add_task(literal(spec.title), total=n_images)
        found = duplicates.search(data, lambda n: progress.advance(task, n))
    path = kept.write_audit(found)
    _print_audit(found, data.class_names)
    show(f"Written to {path} in {duration(time.perf_counter() - start)}.")


@data_app.command(name="looks")
def looks_(
    name: RecordedArgument = DEFAULT_DATASET,
    collection: CollectionOption = None,
    results_dir: ResultsOption = Path("results"),
    into: Annotated[
        Path | None,
        typer.Option(help="Put the table into this Markdown file, between the comments 'looks' and '/looks'."),
    ] = None,
) -> None:
    """List every test accuracy that a collection has ever shown, from its records and their history in Git.

    Whoever has seen a test accuracy may have chosen by it. Runs whose records were never committed leave no trace.
    """
    from benchmark.records.looks import looks
    from benchmark.records.store import Store
    from benchmark.report import headline, terminal
    from benchmark.report import looks as report
    from benchmark.report.markdown import render

    store = Store.open(results_dir, collection)
    store.check_exists()
    found, history = looks(store, name)
    console().print(terminal.table(report.table(found), f"Looks at the test images of {name}, {store.folder}"))
    show(report.summary(found, history))
    if into is not None:
        headline.put_between_marks(
            into, f"{report.summary(found, history)}\n\n{render.table(report.table(found))}", "looks"
        )
        show(f"Written to {into}.")


def _print_audit(found: DataAudit, class_names: Sequence[str]) -> None:
    from rich.table import Table

    table = Table(title="Near duplicates of training images", title_justify="left")
    for column in ("part", "images", "near duplicates", "of other label", "nearer than", "median distance"):
        table.add_column(column, justify="left" if column == "part" else "right")
    for s in found.searches:
        counts = f"{s.n_images:,}", f"{s.count:,}", f"{s.disagreeing:,}"
        table.add_row(s.part, *counts, f"{s.threshold:.3f}", f"{s.median_distance:.3f}")
    console().print(table)
    pairs = [(s.part, pair) for s in found.searches for pair in s.closest if pair.distance < s.threshold]
    if not pairs:
        return
    table = Table(title="The nearest pairs", title_justify="left")
    for column in ("part", "image", "label", "training image", "its label", "distance"):
        table.add_column(column, justify="left" if column in ("part", "label", "its label") else "right")
    for part, pair in sorted(pairs, key=lambda found: found[1].distance)[:PAIRS_SHOWN]:
        names = literal(class_names[pair.label]), literal(class_names[pair.train_label])
        table.add_row(part, str(pair.index), names[0], str(pair.train_index), names[1], f"{pair.distance:.4f}")
    console().print(table)
