"""Progress of runs: a live table on a terminal, plain lines elsewhere, JSON Lines for programs.

Each class is a :class:`benchmark.runner.run.Watcher` and a context manager, entered before the runs are planned and
left after the last; :class:`Several` passes everything on to several of them.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from statistics import mean
from typing import Literal, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from benchmark.estimators import metrics
from benchmark.records.schema import RunInfo, RunRecord
from benchmark.runner.run import Plan
from benchmark.specs import PROFILES, Dataset, Run
from benchmark.utils.format import counted, duration, listed, memory, percent, printable
from benchmark.utils.terminal import Steps, accept_any_text, literal, say

COLOURS = {"running": "cyan", "ok": "green", "waiting": "bright_black"}  # Everything else is red.
SPARE_LINES = 6  # Of the terminal's height: title, header, bars and prompt.
BAR_WIDTH, LONG_BAR_WIDTH = 12, 24


class Quiet:
    """Shows nothing; the base of the others."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def note(self, text: str) -> None:
        """Something worth knowing that is not a result: to standard error, whatever else is shown."""
        say(text)

    def preparing(self, what: str, done: int, total: int) -> None:
        """How far a step is that comes before the plan: what is being done, how much, and of how much."""

    def planned(self, plan: Plan) -> None:
        pass

    def started(self, run: Run, epochs: int | None) -> None:
        pass

    def epoch(self, run: Run, row: Mapping[str, float | None]) -> None:
        pass

    def finished(self, record: RunRecord, *, kept: bool) -> None:
        pass


class Several(Quiet):
    """Passes everything on to each of ``watchers``, one call at a time whatever thread it comes from."""

    def __init__(self, watchers: Iterable[Quiet]) -> None:
        self._watchers = list(watchers)
        self._lock = threading.Lock()
        self._open = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with self._open:
            for watcher in self._watchers:
                self._open.enter_context(watcher)
            self._open = self._open.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._open.close()

    def _each(self, call: Callable[[Quiet], None]) -> None:
        with self._lock:
            for watcher in self._watchers:
                call(watcher)

    def note(self, text: str) -> None:
        with self._lock:
            self._watchers[0].note(text)

    def preparing(self, what: str, done: int, total: int) -> None:
        self._each(lambda watcher: watcher.preparing(what, done, total))

    def planned(self, plan: Plan) -> None:
        self._each(lambda watcher: watcher.planned(plan))

    def started(self, run: Run, epochs: int | None) -> None:
        self._each(lambda watcher: watcher.started(run, epochs))

    def epoch(self, run: Run, row: Mapping[str, float | None]) -> None:
        self._each(lambda watcher: watcher.epoch(run, row))

    def finished(self, record: RunRecord, *, kept: bool) -> None:
        self._each(lambda watcher: watcher.finished(record, kept=kept))


def watch(console: Console) -> Quiet:
    """The live table on a terminal that can redraw it, plain lines elsewhere, nothing if the console is quiet."""
    if console.quiet:
        return Quiet()
    accept_any_text()
    return Display(console) if console.is_terminal and not console.is_dumb_terminal else Lines(console)


def plan_line(plan: Plan) -> str:
    """How many runs there are, how long they will take, and by what that is judged."""
    n, waiting = len(plan.runs), len(plan.waiting)
    kept = f", {n - waiting} already recorded" if waiting < n else ""
    lines = {planned.run.model: None for planned in plan.runs if planned.model.trivial}
    compared = any(planned.run.model not in lines for planned in plan.runs)
    beside = f", with {listed(list(lines), 3)} as a reference line" if lines and compared else ""
    line = " ".join(filter(None, (f"{counted(n, 'run')}{beside}{kept}.", plan.sample and f"{plan.sample}.")))
    if not waiting or not (plan.unknown or plan.bases):
        return line
    if not plan.bases:
        return f"{line} No estimate of the time: not even a pilot could tell."
    uncounted = f" ({plan.unknown} of them not counted: nothing is known of how long they take)" if plan.unknown else ""
    return f"{line} About {duration(plan.expected_seconds)}, judging by {_bases(plan)}{uncounted}."


def _bases(plan: Plan) -> str:
    """By what the time is judged: of how many models by each, if by several."""
    counts = Counter(basis for _, basis in {(f"{run.model} {run.dataset}", basis) for run, basis in plan.bases.items()})
    if len(counts) < 2:
        return "".join(counts)
    return ", ".join(f"{basis} ({counted(number, 'model')})" for basis, number in counts.most_common())


def data_line(dataset: Dataset) -> str:
    """Which data are used: sizes, where they come from, and the fingerprint by which records know them."""
    height, width, channels = dataset.train_images.shape[1:]
    sizes = len(dataset.split.train), len(dataset.split.validation), len(dataset.test_labels)
    return (
        f"{dataset.title}: {sizes[0]:,} training, {sizes[1]:,} validation and {sizes[2]:,} test images of "
        f"{height} x {width} x {channels}, {len(dataset.class_names):,} classes, from {dataset.source} "
        f"({dataset.fingerprint[:8]})"
    )


def named(run: Run | RunInfo) -> str:
    """A run in words; the profile only if it is a number of training images."""
    sized = "" if run.profile in PROFILES else f", {run.profile}"
    number = run.number if isinstance(run, Run) else run.to_run().number
    return f"{run.model} on {run.dataset}, {number}{sized}"


def model_note(record: RunRecord) -> str:
    """Whether the fitted model was saved, if it was to be."""
    if record.saved is not None:
        return f"model saved, {memory(record.saved.size_bytes)}"
    return "" if record.not_saved is None else f"model not saved: {record.not_saved.reason}"


def remarks(record: RunRecord) -> str:
    """What there is to say of a run beside its accuracy: why it failed, its warnings, what became of the model."""
    return "; ".join(
        filter(None, (record.reason, *(f"warning: {text}" for text in record.warnings), model_note(record)))
    )


def outcome_line(record: RunRecord, *, kept: bool) -> str:
    """One line of markup on a finished run."""
    name = named(record.run)
    if record.status == "ok" and record.test is not None and record.cost is not None:
        took = "already recorded" if kept else duration(record.cost.total_seconds)
        more = f"; {remarks(record)}" if remarks(record) else ""
        judged = metrics.named(record.dataset.metric)
        value = "" if judged.name == "accuracy" else f", {judged.worded(judged.recorded(record.test))}"
        accuracy = f"test accuracy {percent(record.test.accuracy)}{value}"
        return f"[green]ok[/]            {name}: {accuracy} ({took}){literal(more)}"
    return f"[red]{record.status:<13}[/] {name}: {literal(record.reason or '')}"


class Lines(Quiet):
    """A plain line when a run starts and when it ends."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._steps = Steps(console)

    def preparing(self, what: str, done: int, total: int) -> None:
        self._steps(what, done, total)

    def __exit__(self, *error: object) -> None:
        self._steps.__exit__(*error)

    def planned(self, plan: Plan) -> None:
        self._steps.__exit__()
        for line in (plan_line(plan), *map(data_line, plan.datasets)):
            self._console.print(printable(line), highlight=False, markup=False)

    def started(self, run: Run, epochs: int | None) -> None:
        self._console.print(f"started       {named(run)}", highlight=False)

    def finished(self, record: RunRecord, *, kept: bool) -> None:
        self._console.print(outcome_line(record, kept=kept), highlight=False)


class JsonLines(Quiet):
    """Writes one JSON object per line: its ``event`` says what happened, the rest where and with what result."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._prepared = 0.0  # When the last step before the plan was reported.

    def emit(self, event: str, **fields: object) -> None:
        """Write any event."""
        self._write(json.dumps({"event": event, **fields}, allow_nan=False))

    def preparing(self, what: str, done: int, total: int) -> None:
        if done == total or time.monotonic() - self._prepared >= 1:
            self._prepared = time.monotonic()
            self.emit("preparing", what=what, done=done, total=total)

    def planned(self, plan: Plan) -> None:
        self.emit(
            "plan",
            data=[{"name": one.name, "fingerprint": one.fingerprint, "source": one.source} for one in plan.datasets],
            runs=len(plan.runs),
            waiting=len(plan.waiting),
            expected_seconds=plan.expected_seconds,
            expected_by_model=plan.expected_by_model,
            not_counted=plan.unknown,
            judged_by=sorted(set(plan.bases.values())),
            sample=plan.sample,
        )

    def started(self, run: Run, epochs: int | None) -> None:
        self.emit("started", **dataclasses.asdict(run), epochs=epochs)

    def epoch(self, run: Run, row: Mapping[str, float | None]) -> None:
        self.emit("epoch", **dataclasses.asdict(run), values=dict(row))

    def finished(self, record: RunRecord, *, kept: bool) -> None:
        self.emit(
            "finished",
            **dataclasses.asdict(record.run.to_run()),
            status=record.status,
            reason=record.reason,
            warnings=record.warnings,
            saved=None if record.saved is None else record.saved.model_dump(),
            not_saved=None if record.not_saved is None else record.not_saved.reason,
            already_recorded=kept,
            test_accuracy=None if record.test is None else record.test.accuracy,
            validation_accuracy=None if record.validation is None else record.validation.accuracy,
            cost=None if record.cost is None else record.cost.model_dump(),
        )


@dataclasses.dataclass
class Row:
    """What the table shows of a run; ``since`` is when it began, in seconds, ``took`` how long it has taken, in words,
    ``epoch_seconds`` how long an epoch takes."""

    status: str = "waiting"
    since: float = 0.0
    took: str = ""
    done: int = 0
    epochs: int | None = None
    epoch_seconds: float = 0.0
    validation: float | None = None
    test: float | None = None
    remarks: str = ""


def bar(done: int, total: int | None, width: int) -> str:
    """A bar that reads without colours; empty for a model without epochs, which reports no progress."""
    filled = width * done // total if total else 0
    return "\u2501" * min(filled, width) + "\u00b7" * (width - filled)


def _whole(seconds: float) -> str:
    """A time that is redrawn each second."""
    return f"{seconds:.0f} s" if seconds < 59.5 else duration(seconds)


class Display(Quiet):
    """A table that fills in, with bars below it, redrawn in place."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._rows: dict[Run, Row] = {}
        self._datasets = self._profiles = False
        self._lock = threading.Lock()
        self._expected: Mapping[Run, float] = {}
        self._start = 0.0
        self._seconds: list[float] = []  # That finished runs have taken.
        self._live = Live(self, console=console, refresh_per_second=4, transient=False)
        self._lines = Lines(console)

    def preparing(self, what: str, done: int, total: int) -> None:
        self._lines.preparing(what, done, total)

    def planned(self, plan: Plan) -> None:
        self._lines.planned(plan)
        self.show(plan)
        self._live.start()

    def show(self, plan: Plan) -> None:
        """Fill the table with waiting runs."""
        runs = [planned.run for planned in plan.runs]
        self._rows, self._expected = {run: Row() for run in runs}, plan.expected
        self._start = time.monotonic()
        self._datasets = len({run.dataset for run in runs}) > 1
        self._profiles = len({run.profile for run in runs}) > 1

    def __exit__(self, *error: object) -> None:
        with self._lock:
            for row in self._rows.values():
                if row.status == "running":  # It will not finish any more.
                    row.status, row.took = "stopped", duration(time.monotonic() - row.since)
        self._live.stop()
        self._lines.__exit__(*error)

    def started(self, run: Run, epochs: int | None) -> None:
        with self._lock:
            self._rows[run] = Row("running", since=time.monotonic(), epochs=epochs)

    def epoch(self, run: Run, row: Mapping[str, float | None]) -> None:
        with self._lock:
            shown = self._rows[run]
            shown.done += 1
            shown.epoch_seconds = (time.monotonic() - shown.since) / shown.done
            shown.validation = row.get("validation_accuracy")

    def finished(self, record: RunRecord, *, kept: bool) -> None:
        run = record.run.to_run()
        with self._lock:
            seconds = 0.0 if record.cost is None else record.cost.total_seconds
            since = self._rows[run].since
            if record.cost is None and since:
                seconds = time.monotonic() - since
            self._rows[run] = Row(
                record.status,
                took="already recorded" if kept else duration(seconds),
                validation=None if record.validation is None else record.validation.accuracy,
                test=None if record.test is None else record.test.accuracy,
                remarks=remarks(record),
            )
            if not kept:
                self._seconds.append(seconds)

    def __rich__(self) -> RenderableType:
        with self._lock:
            return Group(self._table(), self._bottom())

    def _bottom(self) -> Text:
        """How many runs have ended, how long that has taken, and how long the others will."""
        done, n = sum(row.status not in ("waiting", "running") for row in self._rows.values()), len(self._rows)
        elapsed = time.monotonic() - self._start
        words = [f"{done}/{n} runs", _whole(elapsed) if elapsed >= 1 else "", self._left()]
        return Text.assemble("all runs ", (bar(done, n, LONG_BAR_WIDTH), "cyan"), " ", ", ".join(filter(None, words)))

    def _left(self) -> str:
        """The expected time until the last run has ended, in words; empty if of one of them nothing is known."""
        left = {run: self._seconds_left(run, row) for run, row in self._rows.items()}
        known = [seconds for seconds in left.values() if seconds is not None]
        going = [left[run] or 0.0 for run, row in self._rows.items() if row.status == "running"]
        if not going or len(known) < len(left):
            return ""
        seconds = max(sum(known) / len(going), *going)
        return "any moment now" if seconds < 1 else f"about {_whole(seconds)} left"

    def _seconds_left(self, run: Run, row: Row) -> float | None:
        """By earlier records or, without any, by the epochs that are done or by the other runs; None if unknown."""
        if row.status not in ("waiting", "running"):
            return 0.0
        whole = self._expected.get(run)
        if whole is None and row.epochs and row.done:
            whole = row.epoch_seconds * row.epochs
        if whole is None and self._seconds:
            whole = mean(self._seconds)
        if whole is None or row.status == "waiting":
            return whole
        return max(0.0, whole - (time.monotonic() - row.since))

    def _table(self) -> Table:
        """As many rows as fit: running ones first, then the latest that ended, in the order of the plan."""
        table = Table(box=None, pad_edge=False, show_edge=False)
        which = "seed" if all(run.fold is None for run in self._rows) else "repeat, fold"
        for column in ("model", which, "status", "validation", "test", "time", ""):
            justify: Literal["left", "right"] = "right" if column in (which, "validation", "test", "time") else "left"
            table.add_column(column, justify=justify, no_wrap=column != "")
        room = max(3, self._console.height - SPARE_LINES)
        hidden = len(self._rows) - room
        shown = self._shown(room)
        for run, row in self._rows.items():
            if run in shown:
                table.add_row(*self._cells(run, row))
        if hidden > 0:
            table.add_row(f"[bright_black]and {hidden} more[/]")
        return table

    def _shown(self, room: int) -> set[Run]:
        ranks = {"running": 0, "waiting": 2}
        order = sorted(
            enumerate(self._rows.items()),
            key=lambda item: (
                rank := ranks.get(item[1][1].status, 1),
                -item[0] if rank == 1 else item[0],  # Of those that ended, the latest; of those that wait, the next.
            ),
        )
        return {run for _, (run, _) in order[:room]}

    def _cells(self, run: Run, row: Row) -> list[RenderableType]:
        took: str = row.took
        # One line, cut where there is no room; the last column gives way to the others.
        note = Text(printable(row.remarks), no_wrap=True, overflow="ellipsis")
        if row.status == "running":
            seconds = time.monotonic() - row.since
            took = duration(seconds) if seconds >= 1 else ""
            note = Text(bar(row.done, row.epochs, BAR_WIDTH), style="cyan")
        name = f"{run.model} on {run.dataset}" if self._datasets else run.model
        return [
            literal(f"{name}, {run.profile}" if self._profiles else name),
            str(run.seed) if run.fold is None else f"{run.repeat}, {run.fold}",
            f"[{COLOURS.get(row.status, 'red')}]{row.status}[/]",
            "" if row.validation is None else percent(row.validation),
            "" if row.test is None else f"[bold]{percent(row.test)}[/]",
            took,
            note,
        ]
