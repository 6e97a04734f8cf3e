"""The command line: one small function a command; what a command needs is imported inside it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchmark.cli_data import data_app
from benchmark.cli_options import (
    CollectionOption,
    DataDirOption,
    DatasetsOption,
    ProfileOption,
    ReportsOption,
    ResultsOption,
    collection_name,
    console,
    dataset_specs,
    known_profile,
    open_closed_streams,
    say,
    warn,
)
from benchmark.contract import UserError

if TYPE_CHECKING:
    from benchmark.contract import Dataset, DatasetSpec
    from benchmark.records import Store
    from benchmark.report.page import Written
    from benchmark.runner import Prepared

app = typer.Typer(
    name="benchmark",
    help="On these images, do I need a CNN, and what does it cost me? Trains classical models and CNNs on the "
    "same split with fixed seeds, records every run, and writes a report with tables and charts.",
    epilog="A first try, in seconds: python -m benchmark run --dataset digits",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(data_app, name="data")


@app.command()
def run(
    models: Annotated[list[str] | None, typer.Argument(help="Models to run, see 'list'; none means all.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Run every registered model.")] = False,
    dataset: DatasetsOption = None,
    profile: ProfileOption = "full",
    seeds: Annotated[int, typer.Option(help="Seeds a model; models without chance get one.", min=1, max=1000)] = 1,
    jobs: Annotated[int, typer.Option("--jobs", "-j", help="Cells to run at a time.", min=1)] = 1,
    threads: Annotated[int | None, typer.Option(help="Threads a cell.  [default: cores / jobs]", min=1)] = None,
    time_limit: Annotated[str, typer.Option(help="Longest a cell may take, as 90s, 30m or 2h.")] = "2h",
    fresh: Annotated[bool, typer.Option("--fresh", help="Run again what is already recorded.")] = False,
    collection: CollectionOption = None,
    data_dir: DataDirOption = None,
    results_dir: ResultsOption = Path("results"),
    reports_dir: ReportsOption = Path("reports"),
    report: Annotated[bool, typer.Option(help="Write the report at the end.")] = True,
) -> None:
    """Train and score models, record every run, write the report.

    Stop with Ctrl-C whenever you like: the same command goes on where it stopped. Ends with exit code 1 if
    a cell failed or ran out of time.
    """
    from rich.console import Console

    from benchmark import environment, registry, runner
    from benchmark.estimate import expected_seconds
    from benchmark.files import check_writable
    from benchmark.progress import Display
    from benchmark.records import Store
    from benchmark.units import duration, parse_duration

    known = registry.models()
    if models and everything:
        raise UserError("Both --all and names of models were given.", "Give one or the other.")
    chosen = [registry.find("model", known, name) for name in dict.fromkeys(models or known)]
    specs = dataset_specs(dataset)
    store = Store(results_dir, collection_name(collection, profile))
    limit = parse_duration(time_limit)
    check_writable(store.folder)
    if report:
        check_writable(reports_dir)

    screen = Console(soft_wrap=True)
    prepared = {spec.name: _prepare(spec, data_dir, store) for spec in specs}
    cells = list(runner.plan(chosen, prepared, seeds, profile))
    jobs = min(jobs, len(cells))
    settings = runner.Settings(
        store=store,
        environment=environment.describe(),
        jobs=jobs,
        threads=threads or max(1, environment.available_cores() // jobs),
        time_limit_seconds=limit,
        fresh=fresh,
    )
    waiting = runner.unrecorded(cells, known, prepared, settings)
    seconds, unknown = expected_seconds(waiting, (store, Store(results_dir, "reference")), jobs)
    screen.print(_plan_line(len(cells), len(waiting), duration(seconds) if seconds else "", unknown), highlight=False)
    try:
        with Display(screen, len(cells)) as display:
            records = runner.run(cells, known, prepared, settings, display)
    except KeyboardInterrupt:
        typer.echo("\ninterrupted: finished cells are recorded; the same command goes on from here", err=True)
        raise typer.Exit(130) from None
    if report:
        for name, ready in prepared.items():
            _report(store, name, reports_dir, profile, ready.dataset)
    if any(record.status in ("error", "timeout") for record in records):
        raise typer.Exit(1)


@app.command()
def report(
    dataset: DatasetsOption = None,
    profile: Annotated[
        str | None, typer.Option("--profile", "-p", help="Profile to report.  [default: full if there]")
    ] = None,
    collection: CollectionOption = None,
    results_dir: ResultsOption = Path("results"),
    reports_dir: ReportsOption = Path("reports"),
    into: Annotated[
        Path | None, typer.Option(help="Markdown file that takes headline and leaderboard between its marks.")
    ] = None,
) -> None:
    """Write reports again from the records alone (every data set of the collection, or those named)."""
    from benchmark.records import Store
    from benchmark.report.headline import put_between_marks

    store = Store(results_dir, collection_name(collection, profile or "full"))
    names = dataset or [name for name in store.datasets() if any((store.folder / name).glob("*/*.json"))]
    if not names:
        raise UserError(f"There are no records in {store.folder}.", "Make some with: python -m benchmark run --all")
    if into and len(names) != 1:
        raise UserError("--into takes the leaderboard of one data set.", "Name it with --dataset.")
    for name in names:
        written = _report(store, name, reports_dir, profile, _cached(name))
        if into:
            put_between_marks(into, written.leaderboard)


@app.command()
def check(
    dataset: DatasetsOption = None,
    profile: ProfileOption = "full",
    collection: CollectionOption = None,
    thresholds: Annotated[Path, typer.Option(help="File of the thresholds.")] = Path("thresholds.toml"),
    results_dir: ResultsOption = Path("results"),
) -> None:
    """Hold recorded accuracies against thresholds: exit code 0 if all pass, 1 if any fails or is missing."""
    from rich.markup import escape
    from rich.table import Table

    from benchmark import gate
    from benchmark.records import Store
    from benchmark.summary import select

    known_profile(profile)
    wanted = gate.read_thresholds(thresholds).datasets
    store = Store(results_dir, collection_name(collection, profile))
    names = dataset or [name for name, profiles in wanted.items() if profile in profiles]
    verdicts = []
    for name in names:
        if profile not in wanted.get(name, {}):
            raise UserError(
                f"{thresholds} has no thresholds for {name}, profile {profile}.", "Add them, or name others."
            )
        stored, problems = store.read_all(name)
        for problem in problems:
            warn(f"passed over {problem}")
        selection = select(stored, profile)
        verdicts += gate.judge(name, profile, wanted[name][profile], selection.summaries if selection else ())
    if not verdicts:
        raise UserError(
            f"{thresholds} demands nothing for profile {profile}.", "Add thresholds, or name another profile."
        )

    table = Table(title=escape(f"{store.folder} against {thresholds}, profile {profile}"), title_justify="left")
    for column in ("data set", "what", "required", "found", "verdict", "reason"):
        table.add_column(column, justify="right" if column in ("required", "found") else "left")
    colour = {"pass": "green", "fail": "red", "missing": "yellow"}
    for v in verdicts:
        found = "-" if v.found is None else f"{v.found:.4f}"
        table.add_row(
            escape(v.dataset),
            escape(v.subject),
            f"{v.required:.4f}",
            found,
            f"[{colour[v.outcome]}]{v.outcome}[/]",
            v.reason,
        )
    console().print(table)
    failed = sum(v.outcome != "pass" for v in verdicts)
    typer.echo(f"{len(verdicts) - failed} of {len(verdicts)} pass")
    if failed:
        raise typer.Exit(1)


@app.command(name="list")
def list_() -> None:
    """List the registered models and data sets."""
    from rich.markup import escape
    from rich.table import Table

    from benchmark import registry

    screen = console()
    table = Table(title="Models", title_justify="left", box=None, pad_edge=False)
    for column in ("name", "family", "what it is"):
        table.add_column(column, no_wrap=column != "what it is")
    for model in registry.models().values():
        table.add_row(f"[bold]{model.name}[/]", model.family, escape(model.description))
    screen.print(table, "")
    table = Table(title="Data sets", title_justify="left", box=None, pad_edge=False)
    for column in ("name", "what it is"):
        table.add_column(column, no_wrap=column != "what it is")
    for spec in registry.datasets().values():
        table.add_row(f"[bold]{spec.name}[/]", escape(spec.description))
    screen.print(table)


def _prepare(spec: DatasetSpec, data_dir: Path | None, store: Store) -> Prepared:
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


def _cached(name: str) -> Dataset | None:
    """The data set, if it is registered and decoded already; a report fetches nothing."""
    from benchmark import registry
    from benchmark.data import cache

    spec = registry.datasets().get(name)
    try:
        dataset = cache.read(spec, verify=False) if spec else None
    except UserError as error:
        warn(str(error))
        dataset = None
    if dataset is None:
        warn(f"the images of {name} are not at hand, so its report has no pictures; 'data fetch {name}' gets them")
    return dataset


def _report(store: Store, name: str, reports_dir: Path, profile: str | None, data: Dataset | None) -> Written:
    from benchmark.report import page

    written = page.write(store, name, reports_dir, profile=profile, data=data)
    for problem in written.problems:
        warn(f"passed over {problem}")
    typer.echo(f"\n{written.headline}\nReport: {written.path}")
    return written


def _plan_line(n_cells: int, n_waiting: int, estimate: str, unknown: int) -> str:
    kept = f", {n_cells - n_waiting} of them already recorded" if n_waiting < n_cells else ""
    line = f"{n_cells} cells{kept}."
    if not n_waiting:
        return line
    if not estimate:
        return f"{line} How long this takes is not known yet: nothing like it is recorded."
    return f"{line} About {estimate}, if this machine is as fast as the recorded one" + (
        f" ({unknown} cells not counted: nothing like them is recorded)." if unknown else "."
    )


def main() -> None:
    """Run the command line; a user's mistake is one line and exit code 2."""
    open_closed_streams()
    try:
        app()
    except UserError as error:
        typer.echo(f"error: {error}", err=True)
        raise SystemExit(2) from None
    except OSError as error:
        where = f" {error.filename}" if error.filename else ""
        typer.echo(f"error: the system refused{where}: {error.strerror or error}.", err=True)
        raise SystemExit(2) from None
