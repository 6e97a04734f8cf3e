"""The command ``run``."""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchmark.cli.options import (
    CollectionOption,
    DataDirOption,
    DatasetsOption,
    Execution,
    ModelsArgument,
    Pictures,
    ProfileOption,
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
    from benchmark.specs import ModelSpec

ChangesOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change a parameter of the one model named; repeatable."),
]
RenameOption = Annotated[
    str | None, typer.Option("--as", metavar="NAME", help="With --set: the name under which it is recorded.")
]
CorruptionsOption = Annotated[
    bool, typer.Option("--corruptions", help="Also predict corrupted test images: six corruptions, five severities.")
]
FilesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--model", metavar="FILE.py:NAME", help="A model of a Python file: any scikit-learn estimator; repeatable."
    ),
]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Protocol:
    """On which images models are trained and tested: a group of options."""

    folds: Annotated[
        int | None,
        typer.Option(
            help="Stratified k-fold of pictures without a test part, 2 to 20 folds; 0 holds out a fifth once.",
            show_default="5 below 2,000 pictures, otherwise 0",
        ),
    ] = None
    repeats: Annotated[
        int | None, typer.Option(help="Partitions into folds, each with a seed of its own.", show_default="3")
    ] = None
    budget: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Where all training images would take longer than, say, 30m or 2h: train on the largest sample that "
            "fits.",
            show_default="no limit",
        ),
    ] = None


SeedsOption = Annotated[int, typer.Option(help="Seeds per model; deterministic models run once.", min=1, max=1000)]
SaveOption = Annotated[
    bool, typer.Option("--save-models", help="Keep the fitted models beside the records, for 'predict'.")
]


@grouped
def run(
    pictures: Pictures,
    following: Following,
    protocol: Protocol,
    execution: Execution,
    models: ModelsArgument = None,
    own_models: FilesOption = None,
    everything: Annotated[bool, typer.Option("--all", help="Run every registered model.")] = False,
    dataset: DatasetsOption = None,
    profile: ProfileOption = "full",
    seeds: SeedsOption = 1,
    changes: ChangesOption = None,
    rename: RenameOption = None,
    corruptions: CorruptionsOption = False,
    save_models: SaveOption = False,
    collection: CollectionOption = None,
    data_dir: DataDirOption = None,
    results_dir: ResultsOption = Path("results"),
    reports_dir: ReportsOption = Path("reports"),
    report: ReportOption = True,
) -> None:
    """Train and score models, record every run, write the report.

    Without names the core models run: three baselines on pixels, a simple and an augmented CNN and, on your own
    pictures, a pre-trained one.

    Stop with Ctrl-C whenever you like; rerun the command to resume. Exit code 1 if a run failed, crashed, or hit its
    time or memory limit.
    """
    from benchmark import api
    from benchmark.records.store import Store
    from benchmark.utils.files import check_writable
    from benchmark.utils.format import parse_duration

    chosen = _chosen([*(models or ()), *(own_models or ())], everything, changes, rename)
    how = execution.settings(corruptions=corruptions, save_models=save_models)
    specs = dataset_specs(dataset, pictures)
    store = Store.open(results_dir, collection, profile)
    if report:
        check_writable(reports_dir)
    call = functools.partial(
        api.run,
        chosen,
        profile=profile,
        seeds=seeds,
        folds=protocol.folds,
        repeats=protocol.repeats,
        settings=how,
        budget_seconds=None if protocol.budget is None else parse_duration(protocol.budget),
        collection=store.collection,
        data_dir=data_dir,
        results_dir=results_dir,
    )
    results = [resumable(functools.partial(call, dataset=spec, watcher=following.watcher(store))) for spec in specs]
    finish(results, reports_dir, following, report=report)


def _chosen(
    names: list[str], everything: bool, changes: list[str] | None, rename: str | None
) -> list[ModelSpec] | str | None:
    """The models to run, with the parameters that ``--set`` changes; "all", or None for the core models."""
    from benchmark import registry
    from benchmark.estimators import parameters

    if names and everything:
        raise UserError("Both --all and names of models were given.", "Choose one.")
    chosen = registry.choose(names) if names else []
    if not changes and rename is None:
        return chosen or ("all" if everything else None)
    if len(chosen) != 1:
        raise UserError("--set and --as change one model.", "Name just that one.")
    if rename is None:  # Under its own name it would take the model's place in reports and checks.
        raise UserError(
            "--set makes another model of it, which needs a name.", f"Add --as {chosen[0].name}-2, for example."
        )
    parameters.check(chosen[0], dict(map(registry.parse_setting, changes or ())))
    return [registry.derive(chosen[0], changes or (), rename)]
