"""Can the probabilities be trusted? Scores before and after temperature scaling, reliability, risk and coverage."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from benchmark.analysis import calibration, stats
from benchmark.analysis.select import ModelSummary
from benchmark.records.store import Problem
from benchmark.report import calibration_charts as charts
from benchmark.report.evidence import Evidence, Section
from benchmark.utils import markdown as md

COVERAGE = 0.9

TEXT = """\
## Can the probabilities be trusted?

{finding}

![Reliability before and after temperature scaling](calibration.png)

{shown}

{table}

Mean over seeds, on the test images, before → after temperature scaling. **NLL**: negative log-likelihood, mean of -log
of the actual class's probability; probabilities below {floor:.1e} count as that. **Brier score**: squared distance to
the one-hot label, summed over the classes (Brier 1950; 0 to 2). **ECE**: top-label expected calibration error in {bins}
bins of equal width (Guo et al. 2017): the distance between confidence and accuracy, weighted by the images of each bin.
Probabilities that were true would show an ECE of about {chance} here by chance. **Temperature**: fitted to the lowest
NLL of the validation images alone, then held; it is above 1 where a model is overconfident, below 1 where it is
underconfident. Probabilities p become softmax(log p / temperature), for every model alike; which class comes first
stays as it is. **AURC**: area under the curve of errors against coverage below (Geifman et al. 2019), before scaling.

{remarks}

![Errors among the images that a model is surest of](risk-coverage.png)

{selective}"""


@dataclasses.dataclass(frozen=True)
class Run:
    """One run's probabilities, scored on its test images."""

    scores: dict[str, float]
    before: calibration.Reliability
    after: calibration.Reliability
    risk: np.ndarray
    at_bound: bool
    disagreements: int
    unseen: tuple[int, ...]

    @classmethod
    def of(cls, arrays: dict[str, np.ndarray]) -> Run:
        """Score the arrays of :meth:`benchmark.records.store.Stored.predictions`; ValueError if they cannot be."""
        validation, validation_labels = arrays["validation_probabilities"], arrays["validation_labels"]
        test, labels = arrays["test_probabilities"], arrays["test_labels"]
        fitted = calibration.temperature(validation, validation_labels)
        scaled = calibration.rescale(test, fitted.value)
        curve = calibration.risk_coverage(test, labels)
        before = calibration.reliability(test, labels)
        error = float(curve.risk[-1])
        confidence = np.nansum(before.confidence * before.count) / before.count.sum()
        return cls(
            scores={
                "nll": calibration.nll(test, labels),
                "nll_after": calibration.nll(scaled, labels),
                "brier": calibration.brier(test, labels),
                "brier_after": calibration.brier(scaled, labels),
                "ece": calibration.expected_calibration_error(test, labels),
                "ece_after": calibration.expected_calibration_error(scaled, labels),
                "chance": calibration.calibration_error_by_chance(scaled, labels),
                "temperature": fitted.value,
                "aurc": curve.area,
                "risk": curve.at(COVERAGE),
                "error": error,
                "excess": float(confidence - (1 - error)),
                "floored": calibration.floored(test, labels),
            },
            before=before,
            after=calibration.reliability(scaled, labels),
            risk=np.array([curve.at(share) for share in charts.SHARES]),
            at_bound=fitted.at_bound,
            disagreements=int((test.argmax(axis=1) != arrays["test_predicted"]).sum()),
            unseen=tuple(np.setdiff1d(labels, validation_labels).tolist()),
        )


@dataclasses.dataclass(frozen=True)
class Scored:
    """A model and its runs that could be scored."""

    summary: ModelSummary
    runs: tuple[Run, ...]

    @property
    def name(self) -> str:
        return self.summary.name

    def mean(self, score: str) -> float:
        return float(np.mean([run.scores[score] for run in self.runs]))

    @property
    def overconfidence(self) -> int:
        """1: overconfident, -1: underconfident, 0: neither, by two standard errors of the accuracy."""
        n_images = self.summary.tests[0].n_images
        excess, error = self.mean("excess"), stats.standard_error(1 - self.mean("error"), n_images)
        return 0 if abs(excess) <= 2 * error else int(np.sign(excess))


def section(evidence: Evidence) -> Section | None:
    """The part of the report; None where no model has probabilities that can be read."""
    scored = {s.name: Scored(s, runs) for s in evidence.summaries if (runs := _runs(evidence, s))}
    found = list(scored.values())
    if not found:
        return None
    chances = sorted(m.mean("chance") for m in found)
    text = TEXT.format(
        finding=_finding(found),
        shown=_shown(found),
        table=_table(evidence.summaries, scored),
        floor=calibration.FLOOR,
        bins=calibration.BINS,
        chance=" to ".join(dict.fromkeys(f"{chance:.3f}" for chance in (chances[0], chances[-1]))),
        remarks="\n".join(_remarks(found, evidence.class_names)),
        selective=_selective(found),
    )
    figures = {"calibration.png": charts.reliability(found), "risk-coverage.png": charts.risk_coverage(found, COVERAGE)}
    return Section(text, figures)


def _runs(evidence: Evidence, summary: ModelSummary) -> tuple[Run, ...]:
    if not summary.has_probabilities:
        return ()
    runs = []
    for stored in summary.stored:
        arrays = evidence.predictions(stored)
        if arrays is None:
            continue
        try:
            runs.append(Run.of(arrays))
        except (KeyError, ValueError) as error:
            evidence.problems.append(Problem(stored.path, f"its probabilities cannot be scored: {error}"))
    return tuple(runs)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(md.escape, names))


def _table(summaries: Sequence[ModelSummary], scored: dict[str, Scored]) -> str:
    rows = []
    for s in summaries:
        m = scored.get(s.name)
        if m is None:
            absent = "probabilities not readable" if s.has_probabilities else "no probabilities"
            rows.append([md.escape(s.name), absent, *[""] * 5])
            continue
        partly = "" if len(m.runs) == s.n_seeds else f" ({len(m.runs)} of {s.n_seeds} seeds)"
        pairs = [f"{m.mean(name):.4f} → {m.mean(f'{name}_after'):.4f}" for name in ("nll", "brier", "ece")]
        bound = " (at the bound)" if any(run.at_bound for run in m.runs) else ""
        rows.append(
            [
                md.escape(s.name) + partly,
                *pairs,
                f"{m.mean('temperature'):.2f}{bound}",
                f"{m.mean('aurc'):.4f}",
                f"{m.mean('risk'):.2%}",
            ]
        )
    header = ["model", "NLL", "Brier score", "ECE", "temperature", "AURC", f"error at {COVERAGE:.0%} coverage"]
    return md.table(header, rows, n_left=1)


def _finding(found: Sequence[Scored]) -> str:
    """What the numbers say, in a few sentences."""
    groups = {
        "overconfident": [m.name for m in found if m.overconfidence > 0],
        "underconfident": [m.name for m in found if m.overconfidence < 0],
        "neither, within two standard errors of the accuracy": [m.name for m in found if m.overconfidence == 0],
    }
    said = [f"{words}: {_listed(names)}" for words, names in groups.items() if names]
    text = f"Mean confidence, the probability of the first choice, beside accuracy: {'; '.join(said)}."
    if len(found) == 1:
        before, after = found[0].mean("ece"), found[0].mean("ece_after")
        return f"{text} One temperature changes its calibration error (ECE) from {before:.3f} to {after:.3f}."
    best = min(found, key=lambda m: m.mean("ece"))
    best_after = min(found, key=lambda m: m.mean("ece_after"))
    better = sum(m.mean("ece_after") < m.mean("ece") for m in found)
    means = [float(np.mean([m.mean(score) for m in found])) for score in ("ece", "ece_after")]
    return (
        f"{text} The smallest calibration error (ECE) as they come has {md.escape(best.name)}, "
        f"{best.mean('ece'):.3f}; with one temperature each, {md.escape(best_after.name)}, "
        f"{best_after.mean('ece_after'):.3f}. The temperature lowers the ECE of {better} of {len(found)} models, "
        f"and its mean over the models from {means[0]:.3f} to {means[1]:.3f}."
    )


def _shown(found: Sequence[Scored]) -> str:
    some = (
        f" The {charts.PANELS} models with the highest test accuracy are shown." if len(found) > charts.PANELS else ""
    )
    return (
        "Accuracy against confidence, all seeds together. Below the diagonal a model is overconfident, above it "
        f"underconfident. The larger a dot, the more images; bins with fewer than {charts.FEWEST} are left out.{some}"
    )


def _remarks(found: Sequence[Scored], class_names: Sequence[str]) -> list[str]:
    """What a reader has to know of these very models, as a list."""
    chose = [m.name for m in found if any(record.epochs for record in m.summary.records)]
    floored = [m for m in found if m.mean("floored") >= 0.001]
    bound = [m.name for m in found if any(run.at_bound for run in m.runs)]
    tied = [(m.name, sum(run.disagreements for run in m.runs)) for m in found]
    unseen = sorted({place for m in found for run in m.runs for place in run.unseen})
    remarks = []
    if chose:
        remarks.append(
            f"The validation images have chosen the epoch or round that is kept of {_listed(chose)}. Their "
            "probabilities may be a little better there than on images that had no part in it, and the temperature a "
            "little too low. The test images had no part in either."
        )
    if floored:
        shares = ", ".join(f"{md.escape(m.name)} {m.mean('floored'):.1%}" for m in floored)
        remarks.append(
            f"Test images whose actual class was given a probability below the floor: {shares}. There the floor "
            "decides NLL and temperature."
        )
    if bound:
        low, high = calibration.BOUNDS
        remarks.append(
            f"The best temperature of {_listed(bound)} lies beyond the bounds of the search, {low:g} to {high:g}."
        )
    if unseen:
        names = ", ".join(md.escape(class_names[place]) for place in unseen)
        remarks.append(f"No validation image shows {names}, so no temperature has seen it.")
    if any(n for _, n in tied):
        words = ", ".join(f"{n} of {md.escape(name)}" for name, n in tied if n)
        remarks.append(
            f"Test images whose predicted class is not the first of the highest probabilities, all seeds: {words}. "
            "Here the latter counts."
        )
    return [f"- {remark}" for remark in remarks]


def _selective(found: Sequence[Scored]) -> str:
    best = min(found, key=lambda m: m.mean("risk"))
    return (
        "Left of the right edge a model may pass on the images that it is least sure of. "
        f"On the {COVERAGE:.0%} that it is surest of, {md.escape(best.name)} errs in {best.mean('risk'):.2%}, "
        f"on all in {best.mean('error'):.2%}. Images of equal confidence count as the mean of their errors."
    )
