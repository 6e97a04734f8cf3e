"""What a person sees during a run: bars on a terminal, a plain line a cell elsewhere."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from types import TracebackType

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from benchmark.contract import PROFILES, Cell
from benchmark.schema import CellInfo, RunRecord
from benchmark.units import duration


def named(cell: Cell | CellInfo) -> str:
    """A cell in words; the profile only where several are run at once."""
    sized = "" if cell.profile in PROFILES else f", {cell.profile}"
    return f"{cell.model} on {cell.dataset}, seed {cell.seed}{sized}"


def outcome_line(record: RunRecord, *, kept: bool) -> str:
    """One line of markup on a finished cell."""
    name = named(record.cell)
    if record.status == "ok" and record.test is not None and record.cost is not None:
        took = "already recorded" if kept else duration(record.cost.total_seconds)
        return f"[green]ok[/]          {name}: test accuracy {record.test.accuracy:.4f} ({took})"
    return f"[red]{record.status:<11}[/] {name}: {escape(record.reason or '')}"


class Display:
    """A :class:`benchmark.runner.Watcher` that draws; use it as a context manager."""

    def __init__(self, console: Console, n_cells: int) -> None:
        self._console = console
        self._lock = threading.Lock()
        self._tasks: dict[CellInfo, TaskID] = {}
        self._started: dict[CellInfo, float] = {}
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[unit]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
            console=console,
            disable=not console.is_terminal,
        )
        self._all = self._progress.add_task("all cells", total=n_cells, unit="cells", note="")

    def __enter__(self) -> Display:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def started(self, cell: Cell, epochs: int | None) -> None:
        with self._lock:
            info = _info(cell)
            self._started[info] = time.monotonic()
            unit = "epochs" if epochs else "cell"
            self._tasks[info] = self._progress.add_task(
                f"{cell.model} seed {cell.seed}", total=epochs or 1, unit=unit, note=""
            )
            if not self._console.is_terminal:
                self._console.print(f"started     {named(cell)}", highlight=False)

    def epoch(self, cell: Cell, row: Mapping[str, float | None]) -> None:
        with self._lock:
            accuracy = row.get("validation_accuracy")
            note = "" if accuracy is None else f"validation {accuracy:.4f}"
            self._progress.update(self._tasks[_info(cell)], advance=1, note=note)

    def finished(self, record: RunRecord, *, kept: bool) -> None:
        with self._lock:
            task = self._tasks.pop(record.cell, None)
            if task is not None:
                self._progress.remove_task(task)
            self._progress.advance(self._all)
            self._console.print(outcome_line(record, kept=kept), highlight=False)


def _info(cell: Cell) -> CellInfo:
    return CellInfo(dataset=cell.dataset, model=cell.model, seed=cell.seed, profile=cell.profile)
