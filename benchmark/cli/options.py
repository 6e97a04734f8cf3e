"""Options that several commands share, and what they mean."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchmark.errors import UserError
from benchmark.specs import NAME, PROFILES, profile_named
from benchmark.utils.format import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from rich.console import Console

    from benchmark.analysis.select import Selection
    from benchmark.records.store import Store, Stored
    from benchmark.specs import DatasetSpec

DEFAULT_DATASET = "fashion-mnist"
DEVICES = ("auto", "cpu", "cuda", "mps")
MEMORY_SHARE = 0.9

DatasetsOption = Annotated[
    list[str] | None,
    typer.Option("--dataset", "-d", help=f"Data set; may be given again.  [default: {DEFAULT_DATASET}]"),
]
ProfileOption = Annotated[
    str, typer.Option("--profile", "-p", help="How much of the data: full, quick, or train-N for N training images.")
]
CollectionOption = Annotated[
    str | None,
    typer.Option(
        "--collection", "-c", help="Name under which results are kept.  [default: local, or the profile's name]"
    ),
]
ResultsOption = Annotated[Path, typer.Option("--results-dir", help="Folder of the records.")]
ReportsOption = Annotated[Path, typer.Option("--reports-dir", help="Folder of the reports.")]
DataDirOption = Annotated[
    Path | None, typer.Option("--data-dir", help="Folder to look for data files in first (or $BENCHMARK_DATA_DIR).")
]
DatasetOption = Annotated[str, typer.Option("--dataset", "-d", help="Data set, see 'list'.")]
DeviceOption = Annotated[
    str, typer.Option(help="Where networks run: auto, cpu, cuda or mps; auto takes the fastest that is there.")
]
MemoryLimitOption = Annotated[
    str | None,
    typer.Option(
        help="Most memory that a run and all it starts may use, as 512M, 4GB or 4GiB.  [default: 90% of the machine's]"
    ),
]
DatasetArgument = Annotated[str, typer.Argument(help="Name of the data set, see 'list'.")]


def memory_limit_bytes(text: str | None) -> int:
    """What ``--memory-limit`` says, or the share of this machine's memory at which the system itself still works."""
    from benchmark.runner import environment
    from benchmark.utils.format import parse_memory

    return int(MEMORY_SHARE * environment.machine_memory_bytes()) if text is None else parse_memory(text)


def known_profile(name: str) -> None:
    profile_named(name)


def known_device(name: str) -> None:
    if name not in DEVICES:
        raise UserError(f"Unknown device {name!r}.", f"There are: {', '.join(DEVICES)}.")


def collection_name(name: str | None, profile: str) -> str:
    known_profile(profile)
    if name is None:  # Few training images belong beside all of them.
        return "local" if profile == "full" or profile not in PROFILES else profile
    if re.fullmatch(NAME, name) is None:
        raise UserError(f"{name!r} is no name for a collection.", "Use letters, digits, '.', '-' and '_'.")
    return name


def dataset_specs(names: Sequence[str] | None) -> list[DatasetSpec]:
    from benchmark import registry

    known = registry.datasets()
    return [registry.find("data set", known, name) for name in dict.fromkeys(names or [DEFAULT_DATASET])]


def console() -> Console:
    """Where tables go: as wide as the terminal, or wide enough not to break lines in a log."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else 140)


def open_closed_streams() -> None:
    """Where a standard stream was closed, open the null device: its number must not go to something else."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115 -- open to the end


def say(text: str) -> None:
    typer.echo(printable(text), err=True)


def warn(text: str) -> None:
    say(f"note: {text}")


def selected(store: Store, name: str, profile: str | None) -> Selection | None:
    """What :func:`benchmark.analysis.select.select` chooses; files that were passed over are told."""
    from benchmark.analysis.select import select

    stored, problems = store.read_all(name)
    for problem in problems:
        warn(f"passed over {problem}")
    return select(stored, profile)


def predictions(stored: Stored) -> dict[str, np.ndarray] | None:
    """The arrays beside a record, or None, with a note why."""
    try:
        return stored.predictions()
    except UserError as error:
        warn(error.problem)
        return None
