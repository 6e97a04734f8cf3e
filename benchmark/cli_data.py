"""The commands of ``data``: fetch, verify, info."""

from __future__ import annotations

from typing import Annotated

import typer

from benchmark.cli_options import DEFAULT_DATASET, DataDirOption, DatasetArgument, console, dataset_specs, say

data_app = typer.Typer(help="Fetch, check and describe data sets.", no_args_is_help=True)


@data_app.command()
def fetch(
    name: DatasetArgument = DEFAULT_DATASET,
    data_dir: DataDirOption = None,
    force: Annotated[bool, typer.Option("--force", help="Decode again even if that was done before.")] = False,
) -> None:
    """Find a data set, check its files, decode it once into the cache."""
    from benchmark.data import cache, store

    (spec,) = dataset_specs([name])
    dataset = store.prepare(spec, data_dir=data_dir, force=force, say=say)
    typer.echo(f"{spec.title} is ready ({dataset.source}), decoded in {cache.folder(spec.name)}")


@data_app.command()
def verify(name: DatasetArgument = DEFAULT_DATASET, data_dir: DataDirOption = None) -> None:
    """Run the integrity checks: exit code 1 if one fails."""
    from rich.markup import escape
    from rich.table import Table

    from benchmark.data import store
    from benchmark.data.audit import audit

    (spec,) = dataset_specs([name])
    result = audit(store.prepare(spec, data_dir=data_dir, say=say), spec)
    table = Table(title=escape(f"Integrity of {spec.title}"), title_justify="left")
    for column in ("check", "outcome", "found"):
        table.add_column(column)
    colour = {"passed": "green", "warning": "yellow", "failed": "red"}
    for line in result.checks:
        table.add_row(line.name, f"[{colour[line.outcome]}]{line.outcome}[/]", escape(line.detail))
    console().print(table)
    if not result.passed:
        raise typer.Exit(1)


@data_app.command()
def info(name: DatasetArgument = DEFAULT_DATASET, data_dir: DataDirOption = None) -> None:
    """Describe a data set: sizes, classes, split, fingerprint, where it lies."""
    from benchmark.data import cache, store

    (spec,) = dataset_specs([name])
    dataset = store.prepare(spec, data_dir=data_dir, say=say)
    height, width, channels = dataset.train_images.shape[1:]
    lines = {
        "data set": f"{spec.title}: {spec.description}",
        "images": f"{height} x {width} pixels, {channels} channel{'s' if channels > 1 else ''}, 8 bits",
        "split": f"{len(dataset.split.train):,} training, {len(dataset.split.validation):,} validation, "
        f"{len(dataset.test_labels):,} test",
        "classes": ", ".join(dataset.class_names),
        "source": dataset.source,
        "fingerprint": dataset.fingerprint,
        "decoded in": str(cache.folder(spec.name)),
    }
    for label, text in lines.items():
        typer.echo(f"{label + ':':<13}{text}")
