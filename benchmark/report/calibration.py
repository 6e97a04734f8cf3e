"""Calibration: scores before and after temperature scaling, reliability, risk and coverage."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from benchmark.analysis import calibration, stats
from benchmark.analysis.calibration import Reliability
from benchmark.analysis.select import ModelSummary
from benchmark.records.store import Problem
from benchmark.report.document import Axis, Bullets, Chart, Column, Dash, Panel, Section, Series, Table, section, words
from benchmark.report.evidence import Evidence
from benchmark.utils.format import counted, percent, points

COVERAGE = 0.9
PANELS = 12
FEWEST = 20  # Images in a bin that is drawn: the accuracy of fewer is noise.
SHARES = np.linspace(0.02, 1, 99)  # Coverages of the curves; the risk of fewer images is noise.
METHOD = (
    "Mean over seeds, on the test images, before → after temperature scaling. NLL: negative log-likelihood, mean of "
    "-log of the actual class's probability; probabilities below {floor:.1e} count as that. Brier score: squared "
    "distance to the one-hot label, summed over the classes (Brier 1950; 0 to 2). ECE: top-label expected calibration "
    "error in {bins} bins of equal width (Guo et al. 2017), the distance between confidence and accuracy weighted by "
    'the images of each bin; "ECE by chance" is about what these confidences would show if they were true. Confidence '
    "minus accuracy: means over all images, positive for an overconfident model. Temperature: fitted to the lowest NLL "
    "of the validation images alone; above 1 for an overconfident model, below 1 for an underconfident one. "
    "Probabilities p become softmax(log p / temperature) for every model alike; the predicted class does not change. "
    "AURC: area under the curve of errors against coverage below (Geifman et al. 2019), before scaling."
)


@dataclasses.dataclass(frozen=True)
class Run:
    """One run's probabilities, scored on its test images."""

    scores: dict[str, float]
    before: Reliability
    after: Reliability
    risk: np.ndarray
    at_bound: bool
    disagreements: int
    unseen: tuple[int, ...]
    sure: np.ndarray
    sure_after: np.ndarray

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
        hit = test.argmax(axis=1) == labels
        sure, sure_after = (np.column_stack([values.max(axis=1), hit]) for values in (test, scaled))
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
                "excess": float(sure[:, 0].mean() - (1 - error)),
                "excess_after": float(sure_after[:, 0].mean() - (1 - error)),
                "floored": calibration.floored(test, labels),
            },
            before=before,
            after=calibration.reliability(scaled, labels),
            risk=np.array([curve.at(share) for share in SHARES]),
            at_bound=fitted.at_bound,
            disagreements=int((test.argmax(axis=1) != arrays["test_predicted"]).sum()),
            unseen=tuple(np.setdiff1d(labels, validation_labels).tolist()),
            sure=sure,
            sure_after=sure_after,
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


def scores(evidence: Evidence) -> Section | None:
    """The part of the report; None where no model has probabilities that can be read."""
    scored = {s.name: Scored(s, runs) for s in evidence.summaries if (runs := _runs(evidence, s))}
    models = list(scored.values())
    if not models:
        return None
    remarks = _remarks(models, evidence.class_names)
    some = f" The {PANELS} models with the highest test accuracy are shown." if len(models) > PANELS else ""
    return section(
        "calibration",
        "Can the probabilities be trusted?",
        _summary(models),
        reliability(models),
        "Accuracy against confidence, all seeds together. Below the diagonal a model is overconfident, above it "
        f"underconfident. Larger dots are more images; bins with fewer than {FEWEST} are left out.{some}",
        _table(evidence.summaries, scored),
        METHOD.format(floor=calibration.FLOOR, bins=calibration.BINS),
        Bullets(remarks) if remarks else None,
        risk_coverage(models),
        _selective(models),
    )


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


def _table(summaries: Sequence[ModelSummary], scored: dict[str, Scored]) -> Table:
    rows: list[tuple[object, ...]] = []
    for s in summaries:
        m = scored.get(s.name)
        if m is None:
            absent = "probabilities not readable" if s.has_probabilities else "no probabilities"
            rows.append((f"{s.name} ({absent})", *[None] * 8))
            continue
        partly = "" if len(m.runs) == s.n_seeds else f" ({len(m.runs)} of {s.n_seeds} seeds)"
        pairs = [(m.mean(name), m.mean(f"{name}_after")) for name in ("nll", "brier", "ece")]
        bound = any(run.at_bound for run in m.runs)
        excess = 100 * m.mean("excess"), 100 * m.mean("excess_after")
        temperature = m.mean("temperature"), bound
        rows.append((s.name + partly, *pairs, m.mean("chance"), excess, temperature, m.mean("aurc"), m.mean("risk")))
    columns = (
        words("model"),
        *(
            Column(title, lambda pair: f"{pair[0]:.4f} → {pair[1]:.4f}", absent="")
            for title in ("NLL", "Brier score", "ECE")
        ),
        Column("ECE by chance", "{:.4f}".format, absent=""),
        Column("confidence - accuracy, points", lambda pair: f"{points(pair[0])} → {points(pair[1])}", absent=""),
        Column("temperature", lambda value: f"{value[0]:.2f}{' (at the bound)' if value[1] else ''}", absent=""),
        Column("AURC", "{:.4f}".format, absent=""),
        Column(f"error at {COVERAGE:.0%} coverage", percent, absent=""),
    )
    return Table(columns, rows)


def _summary(models: Sequence[Scored]) -> str:
    """What the numbers say, in a few sentences."""
    groups = {
        "overconfident": [m.name for m in models if m.overconfidence > 0],
        "underconfident": [m.name for m in models if m.overconfidence < 0],
        "neither, within two standard errors of the accuracy": [m.name for m in models if m.overconfidence == 0],
    }
    groups_said = "; ".join(f"{what}: {', '.join(names)}" for what, names in groups.items() if names)
    text = f"Mean confidence, the probability of the predicted class, compared with accuracy: {groups_said}."
    if len(models) == 1:
        before, after = models[0].mean("ece"), models[0].mean("ece_after")
        return f"{text} Temperature scaling changes its calibration error (ECE) from {before:.3f} to {after:.3f}."
    best, best_after = (min(models, key=lambda m: m.mean(score)) for score in ("ece", "ece_after"))
    better = sum(m.mean("ece_after") < m.mean("ece") for m in models)
    means = [float(np.mean([m.mean(score) for m in models])) for score in ("ece", "ece_after")]
    level, level_after = _level(models, best, "sure"), _level(models, best_after, "sure_after")
    lowest = f"{best.mean('ece'):.3f}{level}"
    lowest_after = f"{best_after.mean('ece_after'):.3f}{level_after}"
    return (
        f"{text} {best.name} has the lowest calibration error (ECE) before scaling, {lowest}; after temperature "
        f"scaling it is {best_after.name}, {lowest_after}. The ECE measured after scaling is lower for {better} of "
        f"{counted(len(models), 'model')}, and {means[1]:.3f} instead of {means[0]:.3f} in the mean of the models."
    )


def _level(models: Sequence[Scored], lowest: Scored, field: str) -> str:
    """Whose calibration error is not significantly larger: their difference's bootstrap interval holds 0."""
    n = len(lowest.runs[0].sure)
    errors = {
        m.name: calibration.resampled_errors([getattr(run, field) for run in m.runs])
        for m in models
        if len(m.runs[0].sure) == n
    }
    level = [
        name
        for name, drawn in errors.items()
        if name != lowest.name and np.quantile(drawn - errors[lowest.name], (1 - stats.LEVEL) / 2) <= 0
    ]
    return f" (not significantly lower than that of {', '.join(level)})" if level else ""


def _remarks(models: Sequence[Scored], class_names: Sequence[str]) -> list[str]:
    """Caveats for these very models."""
    chose = [m.name for m in models if any(record.epochs for record in m.summary.records)]
    floored = [m for m in models if m.mean("floored") >= 0.001]
    bound = [m.name for m in models if any(run.at_bound for run in m.runs)]
    tied = [(m.name, sum(run.disagreements for run in m.runs)) for m in models]
    unseen = sorted({place for m in models for run in m.runs for place in run.unseen})
    remarks = []
    if chose:
        remarks.append(
            f"For {', '.join(chose)}, the validation images have chosen the epoch or round that is kept. Probabilities "
            "may be slightly better on them than on images that had no part in the choice, and the temperature "
            "slightly too low; where the best model was chosen on them too, its validation accuracy is optimistic. The "
            "test images had no part in any of this."
        )
    if floored:
        shares = ", ".join(f"{m.name} {m.mean('floored'):.1%}" for m in floored)
        remarks.append(
            f"Test images whose actual class has a probability below the floor: {shares}. There the floor determines "
            "NLL and temperature."
        )
    if bound:
        low, high = calibration.BOUNDS
        remarks.append(
            f"The best temperature of {', '.join(bound)} is outside the bounds of the search, {low:g} to {high:g}."
        )
    if unseen:
        names = ", ".join(class_names[place] for place in unseen)
        remarks.append(f"No validation image shows {names}, so the temperature is not fitted to it.")
    if any(n for _, n in tied):
        counts = ", ".join(f"{n} for {name}" for name, n in tied if n)
        remarks.append(
            f"Test images whose predicted class is not the first of the highest probabilities, all seeds: {counts}. "
            "Here the latter counts."
        )
    return remarks


def _selective(models: Sequence[Scored]) -> str:
    best = min(models, key=lambda m: m.mean("risk"))
    return (
        "Below 100% coverage a model abstains on the images that it is least confident about. "
        f"At {COVERAGE:.0%} coverage the error of {best.name} is {percent(best.mean('risk'))}, at 100% "
        f"{percent(best.mean('error'))}. Images of equal confidence count as the mean of their errors."
    )


def pooled(parts: Sequence[Reliability]) -> Reliability:
    """The reliability of all runs' images together."""
    counts = np.array([part.count for part in parts])
    total = counts.sum(axis=0)
    with np.errstate(invalid="ignore"):
        confidence, accuracy = (
            np.nansum(counts * np.array([getattr(part, name) for part in parts]), axis=0) / total
            for name in ("confidence", "accuracy")
        )
    return Reliability(parts[0].edges, confidence, accuracy, total)


def reliability(models: Sequence[Scored]) -> Chart:
    """A panel per model: accuracy against confidence, before and after temperature scaling."""
    panels = []
    for m in models[:PANELS]:
        series = []
        for label, parts, model in (
            ("before scaling", [run.before for run in m.runs], None),
            ("after scaling", [run.after for run in m.runs], m.name),
        ):
            whole = pooled(parts)
            full = whole.count >= FEWEST
            share = whole.count[full] / whole.count.sum()
            x, y = whole.confidence[full], whole.accuracy[full]
            hover = [f"{label}: confidence {a:.3f}, accuracy {b:.3f}" for a, b in zip(x, y, strict=True)]
            dash: Dash = "solid" if model else "dash"
            series.append(Series(label, x, y, model, "both", dash, sizes=share, hover=hover, marker="o"))
        title = f"{m.name}\nECE {m.mean('ece'):.3f} → {m.mean('ece_after'):.3f}"
        axes = Axis("confidence", low=0, high=1.03), Axis("accuracy", low=0, high=1.03)
        panels.append(Panel(title, series, *axes, guide="diagonal"))
    alt = f"Accuracy against confidence of {counted(len(panels), 'model')}, before and after temperature scaling."
    return Chart("calibration", alt, panels, choice="Reliability of", columns=3, height=2.9)


def risk_coverage(models: Sequence[Scored]) -> Chart:
    """Share of errors among the most confident images, a line per model, mean over seeds; one coverage is marked."""
    series = []
    for m in sorted(models, key=lambda m: m.mean("error")):
        risk = np.mean([run.risk for run in m.runs], axis=0)
        hover = [f"{share:.0%} answered: {percent(error)} errors" for share, error in zip(SHARES, risk, strict=True)]
        dash: Dash = "solid" if m.summary.family == "network" else "dash"
        series.append(Series(m.name, SHARES, risk, m.name, kind="line", dash=dash, hover=hover))
    title = "Errors when the least confident images are left unanswered"
    x = Axis("coverage: share answered, most confident first", percent=True, low=0, high=1)
    y = Axis("errors among them", percent=True, low=0)
    panel = Panel(title, series, x, y, guide=COVERAGE)
    return Chart("risk-coverage", f"{title}, for {counted(len(models), 'model')}.", [panel], columns=1, height=4.6)
