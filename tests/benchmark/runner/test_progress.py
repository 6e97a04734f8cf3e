from __future__ import annotations

import io
import json
from types import SimpleNamespace

import pytest
from rich.console import Console

from benchmark.runner import progress
from benchmark.runner.progress import Display, JsonLines, Lines, Quiet, Several, bar, outcome_line, watch
from benchmark.runner.run import Plan
from benchmark.specs import Run

KNN = Run("synthetic", "knn", 0, "full")
OTHER = Run("synthetic", "knn", 1, "full")


def console(terminal: bool, height: int = 40) -> Console:
    return Console(file=io.StringIO(), force_terminal=terminal, width=120, height=height, color_system=None)


def filled(screen: Console, runs, expected=None) -> Display:
    display = Display(screen)
    waiting = [SimpleNamespace(run=run, recorded=None) for run in runs]
    display.show(Plan(tuple(waiting), expected or {}))
    return display


@pytest.fixture
def clock(monkeypatch):
    """The time, which passes when a test says so."""
    now = SimpleNamespace(seconds=1000.0)
    monkeypatch.setattr(progress.time, "monotonic", lambda: now.seconds)
    return now


def a_run(watcher, make_record):
    with watcher:
        watcher.started(KNN, 3)
        watcher.epoch(KNN, {"epoch": 1, "validation_accuracy": 0.5})
        watcher.finished(make_record(), kept=False)
        watcher.started(OTHER, None)
        watcher.finished(make_record(seed=1, status="error", reason="[bold]it broke"), kept=False)


def last_table(screen: Console, display: Display) -> list[list[str]]:
    """What the table shows now, run by run."""
    with screen.capture() as captured:
        screen.print(display)
    return [line.split() for line in captured.get().splitlines()]


def test_the_table_fills_in(make_record):
    screen = console(True)
    display = filled(screen, [KNN, OTHER])
    assert last_table(screen, display)[1:3] == [["knn", "0", "waiting"], ["knn", "1", "waiting"]]
    display.started(KNN, 3)
    display.epoch(KNN, {"epoch": 1, "validation_accuracy": 0.5})
    row = last_table(screen, display)[1]
    assert row[:4] == ["knn", "0", "running", "50.00%"]
    assert set(row[-1]) == set("━·")
    display.finished(make_record(), kept=False)
    display.finished(make_record(seed=1, status="error", reason="[bold]it broke"), kept=False)
    first, second = last_table(screen, display)[1:3]
    assert first == ["knn", "0", "ok", "75.00%", "75.00%", "5.0", "s"]
    assert second[:3] == ["knn", "1", "error"]
    assert " ".join(second).endswith("[bold]it broke")
    assert "2/2" in " ".join(map(" ".join, last_table(screen, display)))


def test_a_recorded_cell_is_shown_as_such(make_record):
    screen = console(True)
    display = filled(screen, [KNN])
    display.finished(make_record(), kept=True)
    assert " ".join(last_table(screen, display)[1]).endswith("already recorded")


def test_a_long_plan_shows_what_runs_and_says_how_much_it_hides(make_record):
    runs = [Run("synthetic", "knn", seed, "full") for seed in range(50)]
    screen = console(True, height=12)
    display = filled(screen, runs)
    for seed in range(30):
        display.started(runs[seed], None)
        display.finished(make_record(seed=seed), kept=False)
    display.started(runs[40], 5)
    lines = last_table(screen, display)
    assert len(lines) <= 11
    seeds = [int(line[1]) for line in lines[1:-1] if line[0] == "knn"]
    assert 40 in seeds
    assert 29 in seeds
    assert seeds == sorted(seeds)
    assert ["and", "44", "more"] in lines


def test_what_runs_when_the_run_is_given_up_is_told_to_have_stopped():
    screen = console(True)
    display = filled(screen, [KNN])
    with display:
        display.started(KNN, 3)
    assert last_table(screen, display)[1][:3] == ["knn", "0", "stopped"]


def test_elsewhere_there_is_a_plain_line_a_cell(make_record):
    screen = console(False)
    a_run(Lines(screen), make_record)
    assert screen.file.getvalue().splitlines() == [
        "started       knn on synthetic, seed 0",
        "ok            knn on synthetic, seed 0: test accuracy 75.00% (5.0 s)",
        "started       knn on synthetic, seed 1",
        "error         knn on synthetic, seed 1: [bold]it broke",
    ]


def test_a_program_reads_an_object_a_line(make_record):
    lines = []
    a_run(JsonLines(lines.append), make_record)
    events = [json.loads(line) for line in lines]
    assert [event["event"] for event in events] == ["started", "epoch", "finished", "started", "finished"]
    assert all((event["model"], event["dataset"], event["profile"]) == ("knn", "synthetic", "full") for event in events)
    assert events[1]["values"] == {"epoch": 1, "validation_accuracy": 0.5}
    assert (events[2]["status"], events[2]["test_accuracy"], events[2]["already_recorded"]) == ("ok", 0.75, False)
    assert (events[4]["status"], events[4]["reason"], events[4]["test_accuracy"]) == ("error", "[bold]it broke", None)
    assert "\n" not in "".join(lines)


class Log(Quiet):
    def __init__(self):
        self.seen = []

    def __enter__(self):
        self.seen.append("enter")
        return self

    def __exit__(self, *error):
        self.seen.append("exit")

    def started(self, run, epochs):
        self.seen.append("started")

    def epoch(self, run, row):
        self.seen.append("epoch")

    def finished(self, record, *, kept):
        self.seen.append("finished")


def test_several_watchers_hear_all_of_it(make_record):
    logs = [Log(), Log()]
    a_run(Several(logs), make_record)
    for log in logs:
        assert log.seen == ["enter", "started", "epoch", "finished", "started", "finished", "exit"]


def test_those_that_were_entered_are_left_if_the_next_cannot_be():
    class Broken(Quiet):
        def __enter__(self):
            raise OSError("no")

    log = Log()
    with pytest.raises(OSError, match="no"), Several([log, Broken()]):
        pass
    assert log.seen == ["enter", "exit"]


@pytest.mark.parametrize("status", ["error", "timeout", "out-of-memory", "crashed", "unsupported"])
def test_a_failure_is_told_with_its_reason(make_record, status):
    assert f"it ended with {status}" in outcome_line(make_record(status=status), kept=False)


def test_a_kept_record_is_told_as_such(make_record):
    assert outcome_line(make_record(), kept=True).endswith("(already recorded)")


def test_a_profile_is_named_where_there_are_several(make_record):
    few, quick = (make_record(seed=2, profile=profile) for profile in ("train-100", "quick"))
    assert "knn on synthetic, seed 2, train-100: test" in outcome_line(few, kept=True)
    assert "knn on synthetic, seed 2: test" in outcome_line(quick, kept=True)


def bottom(display: Display) -> str:
    """The line below the table."""
    screen = display._console
    with screen.capture() as captured:
        screen.print(display)
    return captured.get().splitlines()[-1]


def test_the_expected_time_ticks_down_within_a_run(clock):
    display = filled(console(True), [KNN, OTHER], {KNN: 60.0, OTHER: 30.0})
    display.started(KNN, None)
    assert "0/2 runs, about 1 min 30 s left" in bottom(display)
    clock.seconds += 50
    assert "0/2 runs, 50 s, about 40 s left" in bottom(display)
    clock.seconds += 500  # Much longer than expected: never below zero.
    assert "about 30 s left" in bottom(display)


def test_a_last_run_beyond_its_expected_time_may_end_at_any_moment(clock, make_record):
    display = filled(console(True), [KNN], {KNN: 60.0})
    display.started(KNN, None)
    clock.seconds += 61
    assert "0/1 runs, 1 min 01 s, any moment now" in bottom(display)
    display.finished(make_record(), kept=False)
    assert bottom(display).endswith("1/1 runs, 1 min 01 s")


def test_what_has_no_record_is_expected_to_take_as_long_as_the_others_or_as_its_epochs_say(clock, make_record):
    display = filled(console(True), [KNN, OTHER])
    display.started(KNN, 4)
    assert bottom(display).endswith("0/2 runs")
    clock.seconds += 10
    display.epoch(KNN, {"validation_accuracy": 0.5})
    assert bottom(display).endswith("0/2 runs, 10 s")  # Of the other one nothing is known yet.
    display.finished(make_record(total_seconds=20.0), kept=False)
    display.started(OTHER, 4)
    clock.seconds += 5
    display.epoch(OTHER, {"validation_accuracy": 0.5})
    assert "about 15 s left" in bottom(display)
    clock.seconds += 5
    assert "about 10 s left" in bottom(display)


def test_runs_at_once_share_the_time(clock):
    display = filled(console(True), [KNN, OTHER], {KNN: 60.0, OTHER: 30.0})
    display.started(KNN, None)
    display.started(OTHER, None)
    assert "about 1 min 00 s left" in bottom(display)  # Not before the longer one has ended.


def test_a_bar_is_empty_at_first_and_full_only_at_the_end():
    assert bar(0, 3, 6) == bar(0, None, 6) == "······"
    assert bar(1, 3, 6) == "━━····"
    assert bar(999, 1000, 6) == "━━━━━·"
    assert bar(3, 3, 6) == "━━━━━━"


@pytest.mark.parametrize("options", [{"no_color": True}, {"color_system": None}, {"color_system": "standard"}])
def test_a_model_without_epochs_has_an_empty_bar_with_and_without_colour(options):
    screen = Console(file=io.StringIO(), force_terminal=True, width=80, height=24, **options)
    display = filled(screen, [KNN])
    display.started(KNN, None)
    assert "━" not in " ".join(map(" ".join, last_table(screen, display)))


def test_the_table_fits_into_eighty_columns(clock, make_record):
    long = [Run("fashion-mnist", "logistic-regression", seed, "full") for seed in range(3)]
    screen = Console(file=io.StringIO(), force_terminal=True, width=80, height=24, color_system=None)
    display = filled(screen, [*long, KNN], dict.fromkeys(long, 4000.0))
    display.started(long[0], 20)
    display.started(long[1], 20)
    display.epoch(long[1], {"validation_accuracy": 0.5})
    clock.seconds += 700
    display.finished(make_record(status="error", reason="it broke because of " + "this and that " * 20), kept=False)
    with screen.capture() as captured:
        screen.print(display)
    lines = captured.get().splitlines()
    assert len(lines) == 6  # A line for each run, the heading and the bar.
    assert max(map(len, lines)) <= 80


def test_a_terminal_that_cannot_redraw_gets_plain_lines(monkeypatch):
    assert isinstance(watch(console(True)), Display)
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(watch(console(True)), Lines)
