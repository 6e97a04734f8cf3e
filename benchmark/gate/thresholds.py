"""Records and thresholds into verdicts, each with its reason."""

from __future__ import annotations

import dataclasses
import math
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from benchmark.analysis.select import ModelSummary, best
from benchmark.errors import UserError
from benchmark.estimators.metrics import METRICS
from benchmark.records.schema import Name, RunRecord
from benchmark.records.store import first_problem
from benchmark.utils.format import counted

MetricName = Literal["accuracy", "balanced-accuracy", "macro-f1", "mcc", "log-loss", "auroc"]
Outcome = Literal["pass", "fail", "missing", "insufficient evidence", "not comparable"]
ROUNDING = 1e-9  # A mean of equal fractions may be slightly below them.
TOLERANCE = 0.01  # Of a drafted floor below the recorded accuracy: a point, what machines and versions may differ by.
DEVIATIONS = 3
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Lead = Annotated[float, Field(ge=-1, le=1, allow_inf_nan=False)]


class Threshold(BaseModel):
    """What one data set must show under one profile."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    accuracy: dict[Name, Share] = Field(default={}, description="least mean on the test images, by model")
    balanced_accuracy: dict[Name, Share] = Field(default={}, alias="balanced-accuracy", description="as accuracy")
    macro_f1: dict[Name, Share] = Field(default={}, alias="macro-f1", description="as accuracy")
    mcc: dict[Name, Annotated[float, Field(ge=-1, le=1, allow_inf_nan=False)]] = Field(
        default={}, description="as accuracy"
    )
    log_loss: dict[Name, Annotated[float, Field(ge=0, allow_inf_nan=False)]] = Field(
        default={}, alias="log-loss", description="most mean on the test images, by model"
    )
    auroc: dict[Name, Share] = Field(default={}, description="as accuracy")
    margin: Lead | None = Field(
        default=None, description="least lead of the best CNN over the best baseline, as a fraction"
    )
    recall: dict[Name, dict[Annotated[str, Field(max_length=200)], Share]] = Field(
        default_factory=dict, description="least mean recall, by model and class"
    )

    @property
    def floors(self) -> dict[MetricName, dict[str, float]]:
        """Of each metric, what is demanded by model."""
        return {
            "accuracy": self.accuracy,
            "balanced-accuracy": self.balanced_accuracy,
            "macro-f1": self.macro_f1,
            "mcc": self.mcc,
            "log-loss": self.log_loss,
            "auroc": self.auroc,
        }


class Thresholds(BaseModel):
    """``thresholds.toml``: a table a data set, in it a table a profile."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1]
    datasets: dict[Name, dict[Name, Threshold]]


class Verdict(BaseModel):
    """One line of the gate's table."""

    dataset: str
    profile: str
    subject: str
    metric: MetricName = "accuracy"
    required: float
    found: float | None
    outcome: Outcome
    reason: str

    @property
    def what(self) -> str:
        """The subject, and the metric if it is not accuracy."""
        return self.subject if self.metric == "accuracy" else f"{self.subject}, {METRICS[self.metric].title}"

    def text(self, value: float) -> str:
        """What is required or found, as the metric is written."""
        return "-" if math.isnan(value) else METRICS[self.metric].text(value)

    def fails(self, *, strict: bool) -> bool:
        """Whether a gate should close; ``strict``: also where nothing could be judged."""
        return self.outcome in ("fail", "missing") or (strict and self.outcome != "pass")


def read_thresholds(path: Path) -> Thresholds:
    """Read ``thresholds.toml``.

    Raises
    ------
    UserError
        Naming the place of the first mistake.
    """
    remedy = f"Fix {path}; the file in the repository shows its form."
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        remedy = "Write one from the records with: python -m benchmark check --init, or name one with --thresholds."
        raise UserError(f"There is no thresholds file {path}.", remedy) from error
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read: {first_problem(error)}.", remedy) from error
    try:
        return Thresholds.model_validate(content)
    except ValidationError as error:
        raise UserError(f"{path} is malformed: {first_problem(error)}.", remedy) from error


def draft(profile: str, summaries: Mapping[str, Sequence[ModelSummary]]) -> str:
    """A thresholds file that the models recorded of each data set pass: TOML with a comment how it was chosen."""
    lines = [
        "# What 'python -m benchmark check' demands: means on the test images, shares as fractions. Each was chosen",
        f"# {TOLERANCE * 100:g} point worse than the recorded mean or, where that is more, {DEVIATIONS} standard "
        "deviations across seeds.",
        "# Raise or lower them as you like.",
        "schema_version = 1",
    ]
    for dataset, models in summaries.items():
        lines += ["", f"[datasets.{_key(dataset)}.{_key(profile)}.{models[0].metric.name}]"]
        lines += [
            f"{_key(summary.name)} = {_floor(summary):.3f}" for summary in models if not math.isnan(summary.value)
        ]
    return "\n".join(lines) + "\n"


def _floor(summary: ModelSummary) -> float:
    room, metric = max(TOLERANCE, DEVIATIONS * (summary.value_sd or 0.0)), summary.metric
    if not metric.higher:
        return math.ceil((summary.value + room - ROUNDING) * 1000) / 1000
    return math.floor(max(metric.lowest, summary.value - room + ROUNDING) * 1000) / 1000


def _key(name: str) -> str:
    """A name as a key of TOML, in which a dot would begin another table."""
    return f'"{name}"' if "." in name else name


def judge(
    dataset: str,
    profile: str,
    threshold: Threshold,
    summaries: Sequence[ModelSummary],
    failed: Sequence[RunRecord] = (),
) -> list[Verdict]:
    """Hold the summaries of one data set and profile against its threshold.

    ``failed`` are runs that did not finish: of a model all of which failed that is the verdict, otherwise one more.
    """
    found = {summary.name: summary for summary in summaries}
    absent = {record.run.model: _failure(record) for record in failed}
    verdicts = []
    for metric, floors in threshold.floors.items():
        judged = {s.name: dataclasses.replace(s, metric=METRICS[metric]) for s in summaries}
        verdicts += [
            _judge_model(dataset, profile, name, metric, least, judged.get(name), absent.get(name, ABSENT))
            for name, least in floors.items()
        ]
        for record in failed:
            name = record.run.model
            if name in floors and name in found:
                subject, why = f"{name}, seed {record.run.seed}", _failure(record)
                verdicts.append(_judge_model(dataset, profile, subject, metric, floors[name], None, why))
    for name, floors in threshold.recall.items():
        why = absent.get(name, ABSENT)
        verdicts += [
            _judge_class(dataset, profile, name, c, least, found.get(name), why) for c, least in floors.items()
        ]
    if threshold.margin is not None:
        verdicts.append(_judge_margin(dataset, profile, threshold.margin, summaries))
    return verdicts


Absence = tuple[Outcome, str]
ABSENT: Absence = ("missing", "no finished run is recorded")


def _failure(record: RunRecord) -> Absence:
    return "fail", f"{record.status}: {record.reason}"


def _judge_model(
    dataset: str,
    profile: str,
    name: str,
    metric: MetricName,
    least: float,
    summary: ModelSummary | None,
    absent: Absence,
) -> Verdict:
    outcome, reason = absent
    found: float | None = None
    if summary is not None and math.isnan(summary.value):
        outcome, reason = "missing", f"it predicts no {METRICS[metric].needs}"
    elif summary is not None:
        found = summary.value
        gap = METRICS[metric].lead(found, least)
        outcome = "pass" if gap >= -ROUNDING else "fail"
        size = f"{abs(gap):.{METRICS[metric].digits}f}{METRICS[metric].points}"
        side = "above" if found >= least else "below"
        reason = f"{size} {side} (mean of {counted(summary.n_seeds, 'seed')})"
    return Verdict(
        dataset=dataset,
        profile=profile,
        subject=name,
        metric=metric,
        required=least,
        found=found,
        outcome=outcome,
        reason=reason,
    )


def _judge_class(
    dataset: str,
    profile: str,
    name: str,
    class_name: str,
    least: float,
    summary: ModelSummary | None,
    absent: Absence,
) -> Verdict:
    names = () if summary is None else summary.records[0].dataset.class_names
    found: float | None = None
    outcome, reason = absent
    if summary is None:
        pass
    elif class_name not in names:
        outcome, reason = "missing", f"the data set has no class {class_name!r}"
    elif math.isnan(recall := float(summary.per_class("recall")[names.index(class_name)])):
        outcome, reason = "insufficient evidence", "no test image shows the class"
    else:
        found, gap = recall, (recall - least) * 100
        outcome = "pass" if found >= least - ROUNDING else "fail"
        reason = f"{abs(gap):.2f} points {'above' if gap >= 0 else 'below'}"
    return Verdict(
        dataset=dataset,
        profile=profile,
        subject=f"{name}, recall of {class_name}",
        required=least,
        found=found,
        outcome=outcome,
        reason=reason,
    )


def _judge_margin(dataset: str, profile: str, least: float, summaries: Sequence[ModelSummary]) -> Verdict:
    cnn, baseline = best(summaries, "cnn"), best(summaries, "baseline")
    subject = "best CNN - best baseline"
    if cnn is None or baseline is None:
        return Verdict(
            dataset=dataset,
            profile=profile,
            subject=subject,
            required=least,
            found=None,
            outcome="missing",
            reason=f"no {'CNN' if cnn is None else 'baseline'} is recorded",
        )
    metric = cnn.metric
    margin = metric.lead(cnn.value, baseline.value) / (100 if metric.percent else 1)
    return Verdict(
        dataset=dataset,
        profile=profile,
        subject=subject,
        required=least,
        found=margin,
        outcome="pass" if margin >= least - ROUNDING else "fail",
        reason=f"{cnn.name} {metric.worded(cnn.value)} against {baseline.name} {metric.worded(baseline.value)}",
    )
