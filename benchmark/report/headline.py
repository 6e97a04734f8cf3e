"""The answer in one line: the best CNN, the best baseline, the difference, and what it costs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from benchmark.analysis.comparison import SIGNIFICANT, error_ratio
from benchmark.analysis.select import ModelSummary
from benchmark.errors import UserError
from benchmark.estimators.metrics import UNEVEN
from benchmark.records.schema import RunRecord
from benchmark.report import pairwise
from benchmark.report.evidence import Evidence
from benchmark.utils.files import write_atomically
from benchmark.utils.format import duration, listed, p_equals


def put_between_marks(path: Path, text: str, mark: str = "leaderboard") -> None:
    """Replace what is between the lines ``<!-- leaderboard -->`` and ``<!-- /leaderboard -->``.

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
        raise UserError(f"{path} has no lines {first} and {last}.", "Add them where the text belongs.")
    write_atomically(path, f"{before}{opened}\n{text}\n\n{closed}{after}".encode())


def sentence(evidence: Evidence) -> str:
    """The headline: the best CNN and the best baseline, by validation, and their paired comparison."""
    return f"{_compared(evidence)}{why_this_metric(evidence)}"


def why_this_metric(evidence: Evidence) -> str:
    """That another metric than accuracy is compared, and why; empty for accuracy."""
    metric = evidence.metric
    if metric.name == "accuracy":
        return ""
    if metric.name != evidence.selection.dataset.metric:
        return f" Models are compared by {metric.title}, as was asked for."
    return (
        f" Models are compared by {metric.title}, because the largest class has more than {UNEVEN} times the images of "
        "the smallest."
    )


def _compared(evidence: Evidence) -> str:
    cnn, baseline, pair = evidence.cnn, evidence.baseline, evidence.best_pair
    if evidence.summaries and all(math.isnan(s.value) for s in evidence.summaries):
        needs = evidence.metric.needs
        return f"No run shows {evidence.metric.title}: it needs {needs}, and records of earlier versions lack it."
    if cnn is None and baseline is None:
        only = next(iter((*evidence.summaries, *evidence.selection.trivial)), None)
        if only is not None:
            return f"{_described(only)}; no CNN or baseline is recorded."
        return (
            f"No model has finished: {_failures(evidence.selection.failed)}."
            if evidence.selection.failed
            else ("No model has finished yet.")
        )
    if cnn is None or baseline is None:
        only, kind = (baseline, "CNN") if cnn is None else (cnn, "baseline")
        assert only is not None
        failed = [r for r in evidence.selection.failed if (r.model.convolutional if cnn is None else _is_baseline(r))]
        why = f"has finished: {_failures(failed)}" if failed else "is recorded to compare it with"
        return f"{_described(only)}; no {kind} {why}."
    other = f"the best baseline, {_described(baseline)},"
    if pair is None:
        return (
            f"{_described(cnn)} and {other} differ by {_lead(cnn, baseline)}; "
            f"without {'two folds in common' if cnn.folds else 'predictions of the same images'}, significance cannot "
            "be tested."
        )
    if pair.verdict == "better":
        return (
            f"{_described(cnn)} beats {other} by {pairwise.extent(pair)}{_fewer(evidence, cnn, baseline)}."
            f"{_ahead_of_all(evidence, cnn)}"
        )
    if pair.verdict == "these runs differ":
        return (
            f"The runs of {_described(cnn)} and {other} differ by {pairwise.extent(pair)}, "
            f"{pairwise.incomplete(pair)}. With so few seeds, too little is known of the models trained again."
        )
    if pair.verdict == "worse":
        return f"No CNN is needed: {_described(cnn)} loses to {other} by {pairwise.extent(pair.swapped())}."
    return f"No significant difference between {_described(cnn)} and {other[:-1]}: {pairwise.extent(pair)}."


def _fewer(evidence: Evidence, cnn: ModelSummary, baseline: ModelSummary) -> str:
    """How many errors fewer the CNN makes, with the interval; empty where accuracy is not the metric."""
    if evidence.metric.name != "accuracy":
        return ""
    if cnn.accuracy == 1:
        return ": it makes no error"
    ratio = error_ratio(cnn, baseline, evidence.summaries, evidence.predictions)
    fewer = _percents(1 - (1 - cnn.accuracy) / (1 - baseline.accuracy))
    ends = "" if ratio is None else f" (95% CI {_percents(1 - ratio[1], 1 - ratio[0])})"
    return f": it makes {fewer}{ends} fewer errors"


def _lead(cnn: ModelSummary, baseline: ModelSummary) -> str:
    metric = cnn.metric
    return f"{metric.difference(metric.lead(cnn.value, baseline.value))}{metric.points}"


def _percents(*shares: float) -> str:
    """Shares between 0 and 1, each with so many digits that it does not read as nothing or all."""
    texts = ([f"{100 * share:.{digits}f}" for digits in range(5)] for share in shares)
    return " to ".join(next((t for t in digits if 0 < float(t) < 100), digits[-1]) for digits in texts) + "%"


def _ahead_of_all(evidence: Evidence, cnn: ModelSummary) -> str:
    """By how much at least the CNN is ahead of every baseline, or of which it is not; empty where there is only one."""
    baselines = [s.name for s in evidence.summaries if s.family == "baseline"]
    pairs = evidence.comparison.against_all(cnn.name, baselines)
    if pairs is None or len(pairs) < 2 or any(pair.single for pair in pairs):
        return ""
    closest, largest = pairs[0], max(pair.p for pair in pairs)
    if largest < SIGNIFICANT and closest.low > 0:
        return (
            f" It is ahead of each of the {len(pairs)} baselines by at least "
            f"{closest.low:.{closest.metric.digits}f}{closest.metric.points} (the smallest "
            f"lower limit, that against {closest.right}; {p_equals(largest)})."
        )
    behind = [pair for pair in pairs if pair.verdict == "worse"]
    level = [pair.right for pair in pairs if pair not in behind and not (pair.p < SIGNIFICANT and pair.points > 0)]
    return (
        (f" It is not significantly ahead of {listed(level, 3)}." if level else "")
        + (f" It is behind {behind[0].right}: {pairwise.evidence(behind[0])}." if behind else "")
        + (f" It is also behind {listed([pair.right for pair in behind[1:]], 3)}." if len(behind) > 1 else "")
    )


def _is_baseline(record: RunRecord) -> bool:
    return record.model.family == "baseline" and not record.model.trivial


def _failures(failed: Sequence[RunRecord]) -> str:
    """The models that failed, each with the reason of its first run; at most three."""
    reasons: dict[str, str] = {}
    for record in failed:
        reasons.setdefault(record.run.model, f"{record.run.model} ({record.status}: {record.reason})")
    more = f" and {len(reasons) - 3} more" if len(reasons) > 3 else ""
    return ", ".join(list(reasons.values())[:3]) + more


def price(evidence: Evidence) -> str:
    """What the best CNN costs beside the best baseline; empty unless there are both."""
    cnn, baseline = evidence.cnn, evidence.baseline
    if cnn is None or baseline is None:
        return ""
    (fit, other_fit), (predict, other_predict) = (
        (duration(seconds(cnn)), duration(seconds(baseline)))
        for seconds in (lambda s: s.mean_cost("fit_seconds") or 0.0, lambda s: s.predict_seconds_per_1000)
    )
    return (
        f"Fitting the CNN takes {fit}, the baseline {other_fit}; "
        f"predicting 1,000 images takes {predict} and {other_predict}."
    )


def _described(summary: ModelSummary) -> str:
    kind = pairwise.kind(summary) if summary.convolutional else ""
    runs = "folds" if summary.folds else "seeds"
    seeds = f"mean of {summary.n_seeds} {runs}" if summary.n_seeds > 1 else ""
    return f"{summary.name} ({', '.join(filter(None, (kind, summary.metric.worded(summary.value), seeds)))})"
