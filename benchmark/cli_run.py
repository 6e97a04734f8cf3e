"""The command ``run``."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchmark.cli_options import (
    CollectionOption,
    DataDirOption,
    DatasetsOption,
    DeviceOption,
    ProfileOption,
    ReportsOption,
    ResultsOption,
    collection_name,
    dataset_specs,
    known_device,
    say,
    warn,
)
from benchmark.cli_report import write_report
from benchmark.contract import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from benchmark.contract import Cell, DatasetSpec, ModelSpec
    from benchmark.records import Store
    from benchmark.runner import Prepared, Settings
    from benchmark.schema import RunRecord


def run(
    models: Annotated[
        list[str] | None, typer.Argument(help="Models to run, see 'list'; none means the core ones.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Run every registered model.")] = False,
    dataset: DatasetsOption = None,
    profile: ProfileOption = "full",
    seeds: Annotated[int, typer.Option(help="Seeds a model; models without chance get one.", min=1, max=1000)] = 1,
    jobs: Annotated[int, typer.Option("--jobs", "-j", help="Cells to run at a time.", min=1)] = 1,
    threads: Annotated[int | None, typer.Option(help="Threads a cell.  [default: cores / jobs]", min=1)] = None,
    time_limit: Annotated[str, typer.Option(help="Longest a cell may take, as 90s, 30m or 2h.")] = "2h",
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
    collection: CollectionOption = None,
    data_dir: DataDirOption = None,
    results_dir: ResultsOption = Path("results"),
    reports_dir: ReportsOption = Path("reports"),
    report: Annotated[bool, typer.Option(help="Write the report at the end.")] = True,
) -> None:
    """Train and score models, record every run, write the report.

    Without names the five core models run: three classical ones on pixels, a simple and an augmented CNN.

    Stop with Ctrl-C whenever you like: the same command goes on where it stopped. Ends with exit code 1 if
    a cell failed or ran out of time.
    """
    from benchmark import environment, runner
    from benchmark.files import check_writable
    from benchmark.records import Store
    from benchmark.units import parse_duration

    known_device(device)
    chosen = chosen_models(models, everything, settings, rename)
    specs = dataset_specs(dataset)
    store = Store(results_dir, collection_name(collection, profile))
    limit = parse_duration(time_limit)
    check_writable(store.folder)
    if report:
        check_writable(reports_dir)

    prepared = {spec.name: prepare(spec, data_dir, store) for spec in specs}
    cells = list(runner.plan(chosen, prepared, seeds, profile))
    jobs = min(jobs, len(cells))
    how = runner.Settings(
        store=store,
        environment=environment.describe(),
        jobs=jobs,
        threads=threads or max(1, environment.available_cores() // jobs),
        device=device,
        time_limit_seconds=limit,
        fresh=fresh,
        corruptions=corruptions,
    )
    records = carry_out(cells, chosen, prepared, how)
    if report:
        for name, ready in prepared.items():
            write_report(store, name, reports_dir, profile, ready.dataset)
    end(records)


def carry_out(
    cells: Sequence[Cell], models: Sequence[ModelSpec], prepared: Mapping[str, Prepared], how: Settings
) -> list[RunRecord]:
    """Say what there is to do and how long it takes, then run the cells and show how they get on."""
    from rich.console import Console

    from benchmark import runner
    from benchmark.progress import Display
    from benchmark.units import duration

    known = {model.name: model for model in models}
    screen = Console(soft_wrap=True)
    recorded = runner.recorded(cells, known, prepared, how)
    waiting = [cell for cell in cells if cell not in recorded]
    _warn_of_devices(recorded.values(), how.device)
    seconds, unknown = _expected(waiting, prepared, how)
    screen.print(_plan_line(len(cells), len(waiting), duration(seconds) if seconds else "", unknown), highlight=False)
    try:
        with Display(screen, len(cells)) as display:
            records = runner.run(cells, known, prepared, how, display)
    except KeyboardInterrupt:
        typer.echo("\ninterrupted: finished cells are recorded; the same command goes on from here", err=True)
        raise typer.Exit(130) from None
    return records


def end(records: Sequence[RunRecord]) -> None:
    """Exit code 1 if a cell failed or ran out of time."""
    if any(record.status in ("error", "timeout") for record in records):
        raise typer.Exit(1)


def _expected(waiting: Sequence[Cell], prepared: Mapping[str, Prepared], how: Settings) -> tuple[float, int]:
    """Seconds for the cells whose like is recorded, and how many others there are."""
    from benchmark.contract import profile_named
    from benchmark.data.splits import parts_for
    from benchmark.estimate import expected_seconds
    from benchmark.records import Store

    found = [(0.0, 0)]
    for profile in sorted({cell.profile for cell in waiting}):
        sizes = {name: len(parts_for(ready.dataset, profile_named(profile)).train) for name, ready in prepared.items()}
        found.append(
            expected_seconds(
                [cell for cell in waiting if cell.profile == profile],
                (how.store, Store(how.store.results_dir, "reference")),
                how.jobs,
                gflops=how.environment.gemm_gflops,
                train_sizes=sizes,
            )
        )
    return sum(seconds for seconds, _ in found), sum(unknown for _, unknown in found)


def chosen_models(
    names: Sequence[str] | None, everything: bool, settings: Sequence[str] | None, rename: str | None
) -> list[ModelSpec]:
    """The models to run, with the parameters that ``--set`` changes."""
    from benchmark import registry

    known = registry.models()
    if names and everything:
        raise UserError("Both --all and names of models were given.", "Give one or the other.")
    if names:
        chosen = [registry.find("model", known, name) for name in dict.fromkeys(names)]
    else:
        chosen = [model for model in known.values() if everything or model.core]
    if not settings and rename is None:
        return chosen
    if not names or len(chosen) != 1:
        raise UserError("--set and --as change one model.", "Name just that one.")
    (model,) = chosen
    params = dict(parse_setting(text) for text in settings or ())
    if rename is None:  # Under its own name it would take the place of the model in reports and checks.
        raise UserError("--set makes another model of it, which needs a name.", f"Add --as {model.name}-2, say.")
    if rename in known:
        raise UserError(f"There is a model {rename!r} already.", "Give another name with --as.")
    try:
        # What is asked for by hand has the last word, whatever the profile or the data set.
        return [
            dataclasses.replace(
                model,
                name=rename,
                base=model.name,
                settings=tuple(settings or ()),
                params={**model.params, **params},
                profile_params={key: {**layer, **params} for key, layer in model.profile_params.items()},
                dataset_params={key: {**layer, **params} for key, layer in model.dataset_params.items()},
            )
        ]
    except ValueError as error:
        raise UserError(f"{error}.") from error


def parse_setting(text: str) -> tuple[str, object]:
    """``C=3`` as a name and a value: JSON where it is JSON (a number, true, null, a list), else text."""
    key, equals, value = text.partition("=")
    if not equals or not key.isidentifier():
        raise UserError(f"{text!r} is no setting.", "Write --set NAME=VALUE, as in --set C=3.")
    try:
        return key, json.loads(value)
    except ValueError:
        return key, value


def prepare(spec: DatasetSpec, data_dir: Path | None, store: Store) -> Prepared:
    """Load a data set and, if its summary is not in the collection yet, check it and write one."""
    from benchmark.data import store as data
    from benchmark.data.audit import summarise
    from benchmark.runner import Prepared
    from benchmark.schema import DatasetSummary

    dataset = data.prepare(spec, data_dir=data_dir, say=say)
    known = store.read_summary(spec.name)
    sizes = len(dataset.split.train), len(dataset.split.validation), dataset.fingerprint
    if not isinstance(known, DatasetSummary) or sizes != (known.train_size, known.validation_size, known.fingerprint):
        known = summarise(dataset, spec)
        store.write_summary(known)
    for check in known.audit.checks:
        if check.outcome != "passed":
            warn(f"{spec.title}, {check.name}: {check.outcome}: {check.detail}")
    return Prepared(spec, dataset)


def _warn_of_devices(kept: Iterable[RunRecord], device: str) -> None:
    """Say so if a device was asked for and a network's record, which stays, comes from another."""
    networks = [record for record in kept if record.model.family == "deep" and record.cost is not None]
    others = {record.cost.device for record in networks if record.cost} - {device}
    if device != "auto" and others:
        warn(
            f"what is recorded already ran on {' and '.join(sorted(others))}, not {device}, and is not run again; "
            "--fresh does so, --collection keeps both"
        )


def _plan_line(n_cells: int, n_waiting: int, estimate: str, unknown: int) -> str:
    kept = f", {n_cells - n_waiting} of them already recorded" if n_waiting < n_cells else ""
    line = f"{n_cells} cell{'s' if n_cells != 1 else ''}{kept}."
    if not n_waiting:
        return line
    if not estimate:
        return f"{line} How long this takes is not known yet: nothing like it is recorded."
    return f"{line} About {estimate}, going by the records and the speed of this machine" + (
        f" ({unknown} cells not counted: nothing like them is recorded)." if unknown else "."
    )
