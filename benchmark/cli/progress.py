"""What ``run`` and ``curve`` share: how progress is shown, and how they end."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchmark.cli.options import warn
from benchmark.cli.report import MOST_PROBLEMS, announce
from benchmark.errors import UserError
from benchmark.utils.terminal import say, show

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmark.api import Results
    from benchmark.records.schema import RunRecord
    from benchmark.records.store import Store
    from benchmark.report.write import Written
    from benchmark.runner.progress import Quiet

ReportOption = Annotated[bool, typer.Option("--report/--no-report", help="Write the report at the end.")]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Following:
    """How progress is shown: a group of options."""

    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Only print warnings and errors.")] = False
    json_lines: Annotated[bool, typer.Option("--json-lines", help="Emit progress as JSON Lines, for programs.")] = False
    tensorboard: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write TensorBoard logs there (requires the tensorboard extra).")
    ] = None
    mlflow: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Track runs in an MLflow store (requires the mlflow extra)."),
    ] = None

    def watcher(self, store: Store) -> Quiet:
        """What follows the progress: for a person, for a program or not at all, and the trackers.

        Raises
        ------
        UserError
            If both silence and JSON are requested, or a tracker is not installed.
        """
        from rich.console import Console

        from benchmark.runner.progress import JsonLines, Several, watch
        from benchmark.runner.tracking import MLflow, TensorBoard

        if self.quiet and self.json_lines:
            raise UserError("Both --quiet and --json-lines were given.", "Choose one.")
        shown = JsonLines(show) if self.json_lines else watch(Console(soft_wrap=True, quiet=self.quiet))
        trackers: list[Quiet] = [TensorBoard(self.tensorboard, warn)] if self.tensorboard else []
        trackers += [MLflow(self.mlflow, store.folder, warn)] if self.mlflow else []
        return Several([shown, *trackers])


def resumable(run: Callable[[], Results]) -> Results:
    """The results of ``run``; Ctrl-C ends the command with a hint and exit code 130."""
    try:
        return run()
    except KeyboardInterrupt:
        say("\ninterrupted: finished runs are recorded; rerun the command to resume")
        raise typer.Exit(130) from None


def finish(
    results: list[Results],
    reports_dir: Path,
    following: Following,
    *,
    report: bool,
    answer: Callable[[Results], str] | None = None,
) -> None:
    """Say what failed, write the reports if wanted, and say the ``answer`` to what the command asks.

    The exit code is 1 if a run failed, crashed, or hit its time or memory limit, or if all of a family that was asked
    for were unsupported: then there is nothing to compare.
    """
    from benchmark.runner.progress import JsonLines
    from benchmark.runner.run import SETTLED

    for one in results:
        _say_failures(one.records)
    for one in results if report else ():
        written = one.report(reports_dir)
        earlier = _earlier(written, one.records)
        announce(written, quiet=following.quiet or following.json_lines, earlier=earlier)
        if following.json_lines:
            path = str(written.paths[0])
            fields = {"dataset": one.dataset, "headline": written.headline, "cautions": list(written.report.cautions)}
            JsonLines(show).emit("report", **fields, earlier=earlier, path=path)
    for one in results:
        if answer is None or following.quiet:
            break
        if following.json_lines:
            JsonLines(show).emit("answer", dataset=one.dataset, text=answer(one))
        else:
            show(f"\n{answer(one)}")
    for one in results:
        compared = [record for record in one.records if not record.model.trivial] or one.records
        finished = {record.model.family for record in compared if record.status == "ok"}
        if any(
            record.status not in SETTLED or (not record.model.trivial and record.model.family not in finished)
            for record in one.records
        ):
            raise typer.Exit(1)


def _say_failures(records: Sequence[RunRecord]) -> None:
    """Which runs have no result, and why: before a headline that does not know of them."""
    from benchmark.runner.progress import named

    failed = [record for record in records if record.status != "ok"]
    if failed:
        say(f"{len(failed)} of {len(records)} runs {'have' if len(failed) > 1 else 'has'} no result:")
    for record in failed[:MOST_PROBLEMS]:
        say(f"  {record.status}: {named(record.run)}: {record.reason}")
    if len(failed) > MOST_PROBLEMS:
        say(f"  and {len(failed) - MOST_PROBLEMS:,} more")


def _earlier(written: Written, records: Sequence[RunRecord]) -> list[str]:
    """The models of a headline that have no result of this command, if a run of it failed."""
    finished = {(record.run.model, record.run.profile) for record in records if record.status == "ok"}
    if all(record.status == "ok" for record in records):
        return []
    compared = [summary for summary in (written.evidence.cnn, written.evidence.baseline) if summary is not None]
    return [s.name for s in compared if (s.name, s.records[0].run.profile) not in finished]
