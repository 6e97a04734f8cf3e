"""The answer in one line: the best of either family, the difference, and what it costs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from benchmark.contract import UserError
from benchmark.files import write_atomically
from benchmark.report import charts, tables
from benchmark.summary import ModelSummary, best
from benchmark.units import duration


def excerpt(summaries: Sequence[ModelSummary]) -> str:
    """The headline and the leaderboard, as they may stand on another page."""
    if not summaries:
        return sentence(summaries)
    return f"**{sentence(summaries)}** {price(summaries)}".rstrip() + f"\n\n{tables.leaderboard(summaries)}"


def put_between_marks(path: Path, text: str, mark: str = "leaderboard") -> None:
    """Replace what stands between the lines ``<!-- leaderboard -->`` and ``<!-- /leaderboard -->``.

    ``mark`` is the word in them.

    Raises
    ------
    UserError
        If the file cannot be read or has not one such pair of lines.
    """
    try:
        page = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read: {error}.", "Name a Markdown file.") from error
    first, last = f"<!-- {mark} -->", f"<!-- /{mark} -->"
    before, opened, rest = page.partition(f"{first}\n")
    _, closed, after = rest.partition(last)
    if not opened or not closed:
        raise UserError(f"{path} has no lines {first} and {last}.", "Put them where it is to stand.")
    write_atomically(path, f"{before}{opened}\n{text}\n\n{closed}{after}".encode())


def sentence(summaries: Sequence[ModelSummary]) -> str:
    """The headline: the best of either family, by validation, and the difference, with the numbers."""
    cnn, baseline = best(summaries, "deep"), best(summaries, "classical")
    if cnn is None and baseline is None:
        return "No model has finished yet."
    if cnn is None or baseline is None:
        only = baseline if cnn is None else cnn
        assert only is not None
        return f"{_said(only)}; no {'network' if cnn is None else 'baseline'} is recorded to compare it with."
    points = (cnn.accuracy - baseline.accuracy) * 100
    if abs(points) < 2 * _difference_error(cnn, baseline):
        return (
            f"{_said(cnn)} and the best baseline, {_said(baseline)}, are level: "
            f"{points:+.2f} points lie within what the choice of test images may do."
        )
    if points > 0:
        verdict = f"{_said(cnn)} leads the best baseline, {_said(baseline)}, by {points:.2f} points"
        if cnn.accuracy == 1:
            return f"{verdict}: it makes no error."
        fewer = 1 - (1 - cnn.accuracy) / (1 - baseline.accuracy)
        return f"{verdict}: it makes {fewer:.0%} fewer errors."
    return f"No network is ahead: {_said(cnn)} trails the best baseline, {_said(baseline)}, by {-points:.2f} points."


def standard_error(accuracy: float, n: int) -> float:
    """Standard error of an accuracy on n images, in points: the binomial's sqrt(p (1 - p) / n)."""
    return 100 * math.sqrt(accuracy * (1 - accuracy) / max(n, 1))


def _difference_error(left: ModelSummary, right: ModelSummary) -> float:
    """Standard error of a difference, in points, as if the models had seen different test images.

    They have seen the same ones, which makes the true one smaller: this errs on the side of "level".
    """
    return math.hypot(*(standard_error(s.accuracy, s.tests[0].n_images) for s in (left, right)))


def price(summaries: Sequence[ModelSummary]) -> str:
    """What the best CNN costs beside the best baseline; empty unless there are both."""
    cnn, baseline = best(summaries, "deep"), best(summaries, "classical")
    if cnn is None or baseline is None:
        return ""
    (fit, other_fit), (predict, other_predict) = (
        (duration(seconds(cnn)), duration(seconds(baseline)))
        for seconds in (lambda s: s.mean_cost("fit_seconds") or 0.0, charts.predict_seconds_per_1000)
    )
    return (
        f"It takes {fit} to fit, the baseline {other_fit}; "
        f"1,000 images are predicted in {predict}, by the baseline in {other_predict}."
    )


def _said(summary: ModelSummary) -> str:
    seeds = f", mean of {summary.n_seeds} seeds" if summary.n_seeds > 1 else ""
    return f"{tables.escape(summary.name)} ({summary.accuracy:.2%}{seeds})"
