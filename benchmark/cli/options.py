"""Options that several commands share."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchmark.errors import UserError
from benchmark.utils.terminal import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from rich.console import Console

    from benchmark.analysis.select import Selection
    from benchmark.records.store import Store, Stored
    from benchmark.runner.run import Settings
    from benchmark.specs import DatasetSpec

DEFAULT_DATASET = "fashion-mnist"
DEVICES = ("auto", "cpu", "cuda", "mps")

ModelsArgument = Annotated[
    list[str] | None, typer.Argument(help="Models, see 'list'; without any, the five core models.")
]
DatasetsOption = Annotated[
    list[str] | None, typer.Option("--dataset", "-d", help="Data set; repeatable.", show_default=DEFAULT_DATASET)
]
RecordedOption = Annotated[
    list[str] | None,
    typer.Option("--dataset", "-d", help="Data set; repeatable.", show_default="all that are recorded"),
]
DatasetOption = Annotated[str, typer.Option("--dataset", "-d", help="Data set, see 'list'.")]
DatasetArgument = Annotated[str, typer.Argument(help="Name of the data set, see 'list'.")]
ProfileOption = Annotated[
    str, typer.Option("--profile", "-p", help="How much of the data: full, quick, or train-N for N training images.")
]
CollectionOption = Annotated[
    str | None,
    typer.Option(
        "--collection", "-c", help="Name under which results are kept.", show_default="local, or the profile's name"
    ),
]
ResultsOption = Annotated[Path, typer.Option("--results-dir", help="Folder of the records.")]
ReportsOption = Annotated[Path, typer.Option("--reports-dir", help="Folder of the reports.")]
DataDirOption = Annotated[
    Path | None,
    typer.Option("--data-dir", help="Where data files are looked for before $BENCHMARK_DATA_DIR and the usual places."),
]
JobsOption = Annotated[int, typer.Option("--jobs", "-j", help="Runs at a time.", min=1)]
ThreadsOption = Annotated[int | None, typer.Option(help="Threads per run.", show_default="cores / jobs", min=1)]
TimeLimitOption = Annotated[str, typer.Option(help="Time limit per run, for example 90s, 30m or 2h.")]
MemoryLimitOption = Annotated[
    str | None,
    typer.Option(
        help="Memory limit per run, enforced on its whole process tree, for example 512M, 4GB or 4GiB.",
        show_default="90% of the machine's",
    ),
]
DeviceOption = Annotated[
    str, typer.Option(help="Where networks run: auto, cpu, cuda or mps; auto takes the fastest available.")
]
FreshOption = Annotated[bool, typer.Option("--fresh", help="Repeat what is already recorded.")]


def settings(
    jobs: int,
    threads: int | None,
    time_limit: str,
    memory_limit: str | None,
    device: str,
    fresh: bool,
    *,
    corruptions: bool = False,
    save: bool = False,
) -> Settings:
    """The settings that the options of these names ask for."""
    from benchmark.runner.run import Settings
    from benchmark.utils.format import parse_duration, parse_memory

    if device not in DEVICES:
        raise UserError(f"Unknown device {device!r}.", f"Choose from: {', '.join(DEVICES)}.")
    return Settings(
        jobs=jobs,
        threads=threads,
        device=device,
        time_limit_seconds=parse_duration(time_limit),
        memory_limit_bytes=None if memory_limit is None else parse_memory(memory_limit),
        fresh=fresh,
        corruptions=corruptions,
        save_models=save,
    )


def dataset_specs(names: Sequence[str] | None) -> list[DatasetSpec]:
    from benchmark import registry

    known = registry.datasets()
    return [registry.find("data set", known, name) for name in dict.fromkeys(names or [DEFAULT_DATASET])]


def console() -> Console:
    """For tables: as wide as the terminal, or wide enough not to break lines in a log."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else 140)


def open_closed_streams() -> None:
    """Open the null device where a standard stream is closed: its number must not go to another file."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115 -- open to the end


def warn(text: str) -> None:
    say(f"note: {text}")


def selected(store: Store, name: str, profile: str | None) -> Selection | None:
    """What :func:`benchmark.analysis.select.select` chooses; skipped files are named in notes."""
    from benchmark.analysis.select import select

    stored, problems = store.read_all(name)
    for problem in problems:
        warn(f"skipped {problem}")
    return select(stored, profile)


def predictions(stored: Stored) -> dict[str, np.ndarray] | None:
    """The arrays beside a record, or None, with a note why."""
    try:
        return stored.predictions()
    except UserError as error:
        warn(error.problem)
        return None
