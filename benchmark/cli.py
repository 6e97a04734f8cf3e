"""The command line: one small function a command; what a command needs is imported inside it."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Annotated

import typer

from benchmark.cli_compare import compare
from benchmark.cli_curve import curve
from benchmark.cli_data import data_app
from benchmark.cli_options import (
    CollectionOption,
    DatasetsOption,
    ProfileOption,
    ResultsOption,
    collection_name,
    console,
    known_profile,
    open_closed_streams,
    say,
    warn,
)
from benchmark.cli_predict import predict
from benchmark.cli_report import report
from benchmark.cli_run import run
from benchmark.cli_tune import tune
from benchmark.contract import UserError

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


app.command()(run)
app.command()(report)
app.command()(tune)
app.command()(predict)
app.command()(compare)
app.command()(curve)


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
    for column in ("name", "family", "", "what it is"):
        table.add_column(column, no_wrap=column != "what it is")
    for model in registry.models().values():
        table.add_row(f"[bold]{model.name}[/]", model.family, "core" if model.core else "", escape(model.description))
    screen.print(table, "")
    table = Table(title="Data sets", title_justify="left", box=None, pad_edge=False)
    for column in ("name", "what it is"):
        table.add_column(column, no_wrap=column != "what it is")
    for spec in registry.datasets().values():
        table.add_row(f"[bold]{spec.name}[/]", escape(spec.description))
    screen.print(table)


def main() -> None:
    """Run the command line; a user's mistake is one line and exit code 2."""
    open_closed_streams()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # Ends a command as Ctrl-C does.
    try:
        app()
    except UserError as error:
        say(f"error: {error}")
        raise SystemExit(2) from None
    except OSError as error:
        where = f" {error.filename}" if error.filename else ""
        say(f"error: the system refused{where}: {error.strerror or error}.")
        raise SystemExit(2) from None
