"""The command line: one file per command, which imports what it needs when it is called."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from pathlib import Path

import typer

from benchmark.cli.cache import cache_app
from benchmark.cli.check import check
from benchmark.cli.compare import compare
from benchmark.cli.curve import curve
from benchmark.cli.data import data_app
from benchmark.cli.options import CollectionOption, ResultsOption, console, open_closed_streams, warn
from benchmark.cli.predict import predict
from benchmark.cli.report import report
from benchmark.cli.run import run
from benchmark.cli.tune import tune
from benchmark.cli.verify import verify
from benchmark.errors import UserError
from benchmark.specs import ModelSpec
from benchmark.utils.terminal import accept_any_text, literal, say, show

app = typer.Typer(
    name="benchmark",
    help="On these images, do I need a CNN, and what does it cost me? Trains baselines and networks on the same split "
    "with fixed seeds, records every run, and writes a report with tables and charts.",
    epilog="A first try, in seconds: python -m benchmark run --dataset digits",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(data_app, name="data")
app.add_typer(cache_app, name="cache")


app.command()(run)
app.command()(report)
app.command()(tune)
app.command()(check)
app.command()(verify)
app.command()(predict)
app.command()(compare)
app.command()(curve)


@app.command(name="list")
def list_() -> None:
    """List the registered models and data sets."""
    from benchmark import registry

    known = registry.datasets()
    for family, title in (("baseline", "Baselines"), ("network", "Networks")):
        chosen = [model for model in registry.models().values() if model.family == family]
        _list(title, [(model.name, _mark(model), model.description) for model in chosen])
    paths = {name: f"{spec.description} {spec.params['path']}" for name, spec in known.items() if spec.own}
    _list("Data sets", [(name, paths.get(name, spec.description)) for name, spec in known.items()])
    show("core: run takes these without names.\nalways: run adds it to whatever is named.")
    show("tunable: tune has parameters to search.")


def _mark(model: ModelSpec) -> str:
    core = "core" if model.core is True else "core for pictures" if model.core else "always" if model.trivial else ""
    return " ".join(filter(None, (core, "tunable" if model.search else "")))


def _list(title: str, rows: Sequence[Sequence[str]]) -> None:
    """Rows whose last column is folded where the terminal is narrow."""
    from rich.table import Table

    table = Table(title=f"[bold]{title}[/]", title_justify="left", show_header=False, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*map(literal, row))
    for column in table.columns[:-1]:
        column.no_wrap = True
    console().print(table, "")


@app.command()
def migrate(
    collection: CollectionOption = None,
    results_dir: ResultsOption = Path("results"),
) -> None:
    """Rewrite a collection's records in the present schema, with compact predictions. Older ones can be read anyway."""
    from benchmark.records.migrate import migrate as rewrite
    from benchmark.records.store import Store

    store = Store.open(results_dir, collection)
    store.check_exists()
    for name in store.datasets():
        count = rewrite(store, name, lambda text: warn(f"skipped {text}"))
        show(f"{name}: {count:,} records rewritten")


def main() -> None:
    """Run the command line; a user's mistake is one line and exit code 2."""
    open_closed_streams()
    accept_any_text()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # Ends a command as Ctrl-C does.
    try:
        app()
    except UserError as error:
        say(f"error: {error}")
        raise SystemExit(2) from None
    except OSError as error:
        where = f" {error.filename}" if error.filename else ""
        say(f"error: OS error{where}: {error.strerror or error}.")
        raise SystemExit(2) from None
