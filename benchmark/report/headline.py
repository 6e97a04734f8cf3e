"""The answer in one line: the best of either family, the difference, and what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmark.analysis.select import ModelSummary, best
from benchmark.errors import UserError
from benchmark.report import pairs, tables
from benchmark.report.evidence import Evidence
from benchmark.utils import markdown as md
from benchmark.utils.files import write_atomically
from benchmark.utils.format import duration


def excerpt(evidence: Evidence) -> str:
    """The headline and the leaderboard, as they may stand on another page."""
    line, summaries = sentence(evidence), evidence.summaries
    if not summaries:
        return line
    return f"**{line}** {price(summaries)}".rstrip() + f"\n\n{tables.leaderboard(summaries, evidence.intervals)}"


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


def sentence(evidence: Evidence) -> str:
    """The headline: the best of either family, by validation, and what their paired comparison finds."""
    cnn, baseline, pair = evidence.cnn, evidence.baseline, evidence.best_pair
    if cnn is None and baseline is None:
        return "No model has finished yet."
    if cnn is None or baseline is None:
        only = baseline if cnn is None else cnn
        assert only is not None
        return f"{_said(only)}; no {'network' if cnn is None else 'baseline'} is recorded to compare it with."
    other = f"the best baseline, {_said(baseline)},"
    if pair is None:
        points = (cnn.accuracy - baseline.accuracy) * 100
        return (
            f"{_said(cnn)} and {other} differ by {points:+.2f} points; without predictions of the same images "
            "there is no telling whether by chance."
        )
    if pair.beats:
        fewer = 1 - (1 - cnn.accuracy) / (1 - baseline.accuracy)
        outcome = "it makes no error" if cnn.accuracy == 1 else f"it makes {fewer:.0%} fewer errors"
        return f"{_said(cnn)} beats {other} by {pairs.extent(pair)}: {outcome}."
    if pair.swapped().beats:
        return f"No network is ahead: {_said(cnn)} is beaten by {other} by {pairs.extent(pair.swapped())}."
    return f"{_said(cnn)} and {other} cannot be told apart: {pairs.extent(pair)}."


def price(summaries: Sequence[ModelSummary]) -> str:
    """What the best CNN costs beside the best baseline; empty unless there are both."""
    cnn, baseline = best(summaries, "cnn"), best(summaries, "baseline")
    if cnn is None or baseline is None:
        return ""
    (fit, other_fit), (predict, other_predict) = (
        (duration(seconds(cnn)), duration(seconds(baseline)))
        for seconds in (lambda s: s.mean_cost("fit_seconds") or 0.0, lambda s: s.predict_seconds_per_1000)
    )
    return (
        f"It takes {fit} to fit, the baseline {other_fit}; "
        f"1,000 images are predicted in {predict}, by the baseline in {other_predict}."
    )


def _said(summary: ModelSummary) -> str:
    seeds = f", mean of {summary.n_seeds} seeds" if summary.n_seeds > 1 else ""
    return f"{md.escape(summary.name)} ({summary.accuracy:.2%}{seeds})"
