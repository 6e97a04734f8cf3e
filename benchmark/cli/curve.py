"""The command ``curve``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from benchmark.cli.options import (
    CollectionOption,
    DataDirOption,
    DatasetOption,
    Execution,
    Pictures,
    ReportsOption,
    ResultsOption,
    dataset_specs,
    grouped,
)
from benchmark.cli.progress import (
    Following,
    ReportOption,
    finish,
    resumable,
)
from benchmark.errors import UserError

if TYPE_CHECKING:
    from benchmark.api import Results


CurveModelsArgument = Annotated[
    list[str] | None,
    typer.Argument(help="Models, see 'list'; without any, the core models and the best of each kind so far."),
]


@grouped
def curve(
    pictures: Pictures,
    following: Following,
    execution: Execution,
    models: CurveModelsArgument = None,
    sizes: Annotated[
        str | None,
        typer.Option(
            help="Numbers of training images, separated by commas; 'all' is the whole training part.",
            show_default="100, 300, 1000, 3000, 10000, all",
        ),
    ] = None,
    seeds: Annotated[
        int, typer.Option(help="Seeds per model and size, each with training images of its own.", min=1, max=1000)
    ] = 3,
    dataset: DatasetOption = "fashion-mnist",
    collection: CollectionOption = None,
    data_dir: DataDirOption = None,
    results_dir: ResultsOption = Path("results"),
    reports_dir: ReportsOption = Path("reports"),
    report: ReportOption = True,
) -> None:
    """Train models on fewer and fewer images: from how many on is a CNN worth it?

    Without MODELS they are the core models and the best of each kind that 'run' has recorded. Training images are drawn
    by seed, stratified by class; of one seed, the smaller set is part of the larger. Validation and test images are
    always all of them. The whole training part is the profile full of 'run'. Rerun the command to resume.
    """
    from benchmark import api
    from benchmark.records.store import Store
    from benchmark.utils.files import check_writable

    how = execution.settings()
    wanted = parse_sizes(sizes)
    (spec,) = dataset_specs([dataset], pictures)
    store = Store.open(results_dir, collection)
    if report:
        check_writable(reports_dir)
    results = resumable(
        lambda: api.curve(
            models or None,
            sizes=wanted,
            dataset=spec,
            seeds=seeds,
            settings=how,
            collection=store.collection,
            data_dir=data_dir,
            results_dir=results_dir,
            watcher=following.watcher(store),
        )
    )
    finish([results], reports_dir, following, report=report, answer=_answer)


def _answer(results: Results) -> str:
    """From how many images on a network is ahead."""
    from benchmark.report import learning_curve, write

    return learning_curve.answer(
        write.gather(results.store, results.dataset, profile=results.profile, metric=results.metric)
    )


def parse_sizes(text: str | None) -> list[int | Literal["all"]] | None:
    """The sizes of ``--sizes``; None for the default ones."""
    if text is None:
        return None
    sizes: list[int | Literal["all"]] = []
    for word in (word.strip() for word in text.split(",")):
        if word != "all" and not (word.isascii() and word.isdigit()):
            raise UserError(f"Invalid number of images {word!r}.", "Write --sizes 100,1000,all, for example.")
        sizes.append("all" if word == "all" else int(word))
    return sizes
