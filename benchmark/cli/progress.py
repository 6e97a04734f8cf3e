"""What ``run`` and ``curve`` share: which models, which data, carrying out the runs and showing how they get on."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchmark.cli.options import say, warn
from benchmark.cli.report import write_report
from benchmark.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rich.console import Console

    from benchmark.records.schema import RunRecord
    from benchmark.records.store import Store
    from benchmark.runner.progress import JsonLines, Quiet
    from benchmark.runner.run import Prepared, Settings
    from benchmark.specs import DatasetSpec, ModelSpec, Run

QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but warnings and errors.")]
JsonLinesOption = Annotated[
    bool, typer.Option("--json-lines", help="Tell a program what happens: a JSON object a line.")
]
TensorBoardOption = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Write curves for TensorBoard there (an extra).")
]
MlflowOption = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Track runs in an MLflow store there (an extra).")
]


class Voice:
    """How a command says what happens: to a person, to a program, or not at all, and to trackers.

    Raises
    ------
    UserError
        If both silence and JSON are asked for, or a tracker is not installed.
    """

    def __init__(
        self, quiet: bool, json_lines: bool, tensorboard: Path | None, mlflow: Path | None, store: Store
    ) -> None:
        from rich.console import Console

        from benchmark.runner.progress import JsonLines

        if quiet and json_lines:
            raise UserError("Both --quiet and --json-lines were given.", "Give one or the other.")
        self.screen = Console(soft_wrap=True, quiet=quiet or json_lines)
        self.events: JsonLines | None = JsonLines(typer.echo) if json_lines else None
        self.trackers = _trackers(tensorboard, mlflow, store)

    def watchers(self, runs: Sequence[Run]) -> list[Quiet]:
        """Who is told of the runs."""
        return [self.events or _display(self.screen, runs), *self.trackers]

    def report(self, store: Store, name: str, reports_dir: Path, profile: str | None, ready: Prepared) -> None:
        """Write the report on a data set and say so."""
        # Not by print: the headline is text of records, in which nothing is markup.
        told = write_report(store, name, reports_dir, profile, ready.dataset, say=self._echo)
        if self.events:
            self.events.tell("report", dataset=name, headline=told.headline, path=str(told.path))

    def _echo(self, text: str) -> None:
        if not self.screen.quiet:
            typer.echo(text)


def carry_out(
    runs: Sequence[Run],
    models: Sequence[ModelSpec],
    prepared: Mapping[str, Prepared],
    how: Settings,
    voice: Voice,
) -> list[RunRecord]:
    """Say what there is to do and how long it takes, then run the runs and show how they get on."""
    from benchmark.runner import run as runner
    from benchmark.runner.progress import Several
    from benchmark.utils.format import duration

    known = {model.name: model for model in models}
    recorded = runner.recorded(runs, known, prepared, how)
    waiting = [run for run in runs if run not in recorded]
    _warn_of_devices(recorded.values(), how.device)
    seconds, unknown = _expected(waiting, prepared, how)
    plan = _plan_line(len(runs), len(waiting), duration(seconds) if seconds else "", unknown)
    voice.screen.print(plan, highlight=False)
    if voice.events:
        voice.events.tell("plan", runs=len(runs), waiting=len(waiting), expected_seconds=seconds, not_counted=unknown)
    try:
        with Several(voice.watchers(runs)) as watcher:
            return runner.run(runs, known, prepared, how, watcher)
    except KeyboardInterrupt:
        typer.echo("\ninterrupted: finished runs are recorded; the same command goes on from here", err=True)
        raise typer.Exit(130) from None


def end(records: Sequence[RunRecord]) -> None:
    """Exit code 1 if a run failed, crashed, or ran out of time or memory."""
    from benchmark.runner.run import KEPT

    if any(record.status not in KEPT for record in records):
        raise typer.Exit(1)


def _display(screen: Console, runs: Sequence[Run]) -> Quiet:
    """A live table on a terminal, plain lines elsewhere, nothing if nothing is to be said."""
    from benchmark.runner.progress import Display, Lines, Quiet

    if screen.quiet:
        return Quiet()
    return Display(screen, runs) if screen.is_terminal else Lines(screen)


def _trackers(tensorboard: Path | None, mlflow: Path | None, store: Store) -> list[Quiet]:
    from benchmark.runner.tracking import MLflow, TensorBoard

    trackers: list[Quiet] = [TensorBoard(tensorboard, warn)] if tensorboard else []
    return [*trackers, MLflow(mlflow, store.folder, warn)] if mlflow else trackers


def _expected(waiting: Sequence[Run], prepared: Mapping[str, Prepared], how: Settings) -> tuple[float, int]:
    """Seconds for the runs whose like is recorded, and how many others there are."""
    from benchmark.data.splits import parts_for
    from benchmark.records.store import Store
    from benchmark.runner.eta import expected_seconds
    from benchmark.specs import profile_named

    # Results may go elsewhere; what the project comes with is still where it was.
    folders = dict.fromkeys((how.store.results_dir, Path("results")))
    stores = (how.store, *(Store(folder, "reference") for folder in folders))
    found = [(0.0, 0)]
    for profile in sorted({run.profile for run in waiting}):
        sizes = {name: len(parts_for(ready.dataset, profile_named(profile)).train) for name, ready in prepared.items()}
        found.append(
            expected_seconds(
                [run for run in waiting if run.profile == profile],
                stores,
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
    from benchmark.data import load as data
    from benchmark.data.integrity import summarise
    from benchmark.records.dataset_schema import DatasetSummary
    from benchmark.runner.run import Prepared

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
    networks = [record for record in kept if record.model.family == "network" and record.cost is not None]
    others = {record.cost.device for record in networks if record.cost} - {device}
    if device != "auto" and others:
        warn(
            f"what is recorded already ran on {' and '.join(sorted(others))}, not {device}, and is not run again; "
            "--fresh does so, --collection keeps both"
        )


def _plan_line(n_cells: int, n_waiting: int, estimate: str, unknown: int) -> str:
    kept = f", {n_cells - n_waiting} of them already recorded" if n_waiting < n_cells else ""
    line = f"{n_cells} run{'s' if n_cells != 1 else ''}{kept}."
    if not n_waiting:
        return line
    if not estimate:
        return f"{line} How long this takes is not known yet: nothing like it is recorded."
    return f"{line} About {estimate}, going by the records and the speed of this machine" + (
        f" ({unknown} runs not counted: nothing like them is recorded)." if unknown else "."
    )
