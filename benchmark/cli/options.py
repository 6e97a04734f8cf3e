"""Options that several commands share."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_type_hints

import typer

from benchmark.errors import UserError
from benchmark.utils.terminal import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from rich.console import Console

    from benchmark.analysis.select import Selection
    from benchmark.data.own.spec import Reading
    from benchmark.records.store import Store, Stored
    from benchmark.runner.run import Settings
    from benchmark.specs import Dataset, DatasetSpec

DEFAULT_DATASET = "fashion-mnist"
DEVICES = ("auto", "cpu", "cuda", "mps")
CLASS_WEIGHTS: dict[str, Literal["auto", "balanced"] | None] = {"auto": "auto", "balanced": "balanced", "none": None}

ModelsArgument = Annotated[list[str] | None, typer.Argument(help="Models, see 'list'; without any, the core models.")]
DatasetsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--dataset",
        "-d",
        help="Data set, or the path of your own pictures: a folder with one folder per class, a table, arrays, a .zip; "
        "repeatable.",
        show_default=DEFAULT_DATASET,
    ),
]


def _names(value: Any) -> Any:
    """Names of recorded data sets, also of those that are given by the path of their pictures."""
    from benchmark import registry

    return [registry.name_of(one) for one in value] if isinstance(value, list) else value and registry.name_of(value)


def _metric(value: str | None) -> str | None:
    """The name of a metric that there is."""
    if value is not None:
        from benchmark.estimators.metrics import named

        named(value)
    return value


RecordedOption = Annotated[
    list[str] | None,
    typer.Option(
        "--dataset",
        "-d",
        help="Data set, or the path of your own pictures; repeatable.",
        show_default="all that are recorded",
        callback=_names,
    ),
]
RecordedArgument = Annotated[
    str, typer.Argument(help="Name of the data set, or the path of your own pictures.", callback=_names)
]
DatasetOption = Annotated[
    str, typer.Option("--dataset", "-d", help="Data set, see 'list', or the path of your own pictures.")
]
DatasetArgument = Annotated[
    str, typer.Argument(help="Name of the data set, see 'list', or the path of your own pictures.")
]
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
MetricOption = Annotated[
    str | None,
    typer.Option(
        "--metric",
        "-m",
        help="What models are judged by: accuracy, balanced-accuracy, macro-f1, mcc, log-loss or auroc.",
        show_default="accuracy; balanced-accuracy where the largest class is over 3 times the smallest",
        callback=_metric,
    ),
]
ClassWeightOption = Annotated[
    str,
    typer.Option(
        help="Whether models weigh all classes alike in training: balanced, none, or auto, which does where balanced "
        "accuracy is the metric: the largest class has more than 3 times the images of the smallest.",
    ),
]
FreshOption = Annotated[bool, typer.Option("--fresh", help="Repeat what is already recorded.")]


def grouped(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command, in place of each parameter that is a dataclass, the options that the dataclass's fields are."""
    signature = inspect.signature(command, eval_str=True)
    groups: dict[str, Any] = {}
    kept, added = [], []
    for parameter in signature.parameters.values():
        if not dataclasses.is_dataclass(parameter.annotation):
            kept.append(parameter.replace(kind=parameter.KEYWORD_ONLY))
            continue
        groups[parameter.name] = parameter.annotation
        kinds = get_type_hints(parameter.annotation, include_extras=True)
        added += [
            inspect.Parameter(
                field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=kinds[field.name]
            )
            for field in dataclasses.fields(parameter.annotation)
        ]

    @functools.wraps(command)
    def wrapper(**options: Any) -> None:
        made = {
            name: group(**{field.name: options.pop(field.name) for field in dataclasses.fields(group)})
            for name, group in groups.items()
        }
        command(**options, **made)

    wrapper.__signature__ = signature.replace(parameters=[*kept, *added])  # type: ignore[attr-defined]
    wrapper.__annotations__ = {p.name: p.annotation for p in (*kept, *added)}
    return wrapper


@dataclasses.dataclass(frozen=True, kw_only=True)
class Execution:
    """How models are run: a group of options."""

    metric: MetricOption = None
    class_weight: ClassWeightOption = "auto"
    jobs: JobsOption = 1
    threads: ThreadsOption = None
    time_limit: TimeLimitOption = "2h"
    memory_limit: MemoryLimitOption = None
    device: DeviceOption = "auto"
    fresh: FreshOption = False

    def settings(self, **more: Any) -> Settings:
        """The settings that the options ask for, and others."""
        from benchmark.runner.run import Settings
        from benchmark.utils.format import parse_duration, parse_memory

        if self.device not in DEVICES:
            raise UserError(f"Unknown device {self.device!r}.", f"Choose from: {', '.join(DEVICES)}.")
        if self.class_weight not in CLASS_WEIGHTS:
            raise UserError(f"Unknown class weight {self.class_weight!r}.", f"Choose from: {', '.join(CLASS_WEIGHTS)}.")
        return Settings(
            metric=self.metric,
            class_weight=CLASS_WEIGHTS[self.class_weight],
            jobs=self.jobs,
            threads=self.threads,
            device=self.device,
            time_limit_seconds=parse_duration(self.time_limit),
            memory_limit_bytes=None if self.memory_limit is None else parse_memory(self.memory_limit),
            fresh=self.fresh,
            **more,
        )


_picture_option = functools.partial(typer.Option, rich_help_panel="Your own pictures")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pictures:
    """How the user's own pictures are read and recorded: a group of options."""

    name: Annotated[
        str | None, _picture_option(help="Name under which they are recorded.", show_default="made of the path's")
    ] = None
    size: Annotated[
        int | None,
        _picture_option(
            help="Pixels a side that they are scaled to.",
            show_default="as they are if all are of one size up to 64, otherwise 64",
        ),
    ] = None
    background: Annotated[
        str | None,
        _picture_option(
            help="Colour under transparent parts and beside what is not square: white, black, grey or '#rrggbb'.",
            show_default="white; beside it, the colour of its own edge",
        ),
    ] = None
    image_column: Annotated[
        str | None, _picture_option(help="Column of a table that names the pictures.", show_default="by name")
    ] = None
    label_column: Annotated[str | None, _picture_option(help="Column with their classes.", show_default="by name")] = (
        None
    )
    group_column: Annotated[
        str | None,
        _picture_option(
            help="Column that says which belong together, such as those of one patient: no split separates them.",
            show_default="by name",
        ),
    ] = None
    min_class_size: Annotated[int, _picture_option(help="Leave out classes with fewer pictures.", min=0)] = 0
    allow_skipped: Annotated[
        bool, _picture_option("--allow-skipped", help="Go on if more than 5% of them cannot be used.")
    ] = False
    no_mirror: Annotated[
        bool,
        _picture_option(
            "--no-mirror", help="Never mirror them in training: for text, digits and whatever has a left and a right."
        ),
    ] = False
    show_pictures: Annotated[
        bool | None,
        _picture_option(
            "--pictures/--no-pictures", help="Whether reports may show them.", show_default="yes, unless said before"
        ),
    ] = None

    @property
    def reading(self) -> Reading:
        from benchmark.data.own.spec import Reading

        chosen = dataclasses.asdict(self)
        return Reading(mirror=not chosen.pop("no_mirror"), **{key: chosen[key] for key in chosen if key != "name"})


def dataset_specs(names: Sequence[str] | None, pictures: Pictures | None = None) -> list[DatasetSpec]:
    """The data sets of these names and paths."""
    from benchmark import registry

    reading, name = (None, None) if pictures is None else (pictures.reading, pictures.name)
    specs = [registry.dataset(one, reading, name) for one in dict.fromkeys(names or [DEFAULT_DATASET])]
    twice = {spec.name for spec in specs if sum(other.name == spec.name for other in specs) > 1}
    if twice:
        raise UserError(
            f"Two data sets are called {twice.pop()!r}.", "Run them one after the other, each with a --name."
        )
    return specs


def loaded(spec: DatasetSpec, data_dir: Path | None, *, force: bool = False) -> Dataset:
    """The data set, with a bar while it is read."""
    from rich.console import Console

    from benchmark.data import load
    from benchmark.utils.terminal import Steps

    with Steps(Console(stderr=True)) as steps:
        return load.prepare(spec, data_dir=data_dir, force=force, say=say, progress=steps)


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


def selected(store: Store, name: str, profile: str | None, metric: str | None = None) -> Selection | None:
    """What :func:`benchmark.analysis.select.select` chooses; skipped files are named in notes."""
    from benchmark.analysis.select import select

    stored, problems = store.read_all(name)
    for problem in problems:
        warn(f"skipped {problem}")
    return select(stored, profile, metric)


def predictions(stored: Stored) -> dict[str, np.ndarray] | None:
    """The arrays beside a record, or None, with a note why."""
    try:
        return stored.predictions()
    except UserError as error:
        warn(error.problem)
        return None
