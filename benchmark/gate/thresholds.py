"""Records and thresholds into verdicts, each with its reason."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from benchmark.analysis.select import ModelSummary, best
from benchmark.errors import UserError
from benchmark.records.schema import Name, RunRecord
from benchmark.records.store import first_problem
from benchmark.utils.format import counted, percent

Outcome = Literal["pass", "fail", "missing", "insufficient evidence", "not comparable"]
ROUNDING = 1e-9  # A mean of equal fractions may be slightly below them.
TOLERANCE = 0.01  # Of a drafted floor below the recorded accuracy: a point, what machines and versions may differ by.
DEVIATIONS = 3
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class Threshold(BaseModel):
    """What one data set must show under one profile."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    accuracy: dict[Name, Share] = Field(default_factory=dict, description="least mean test accuracy, by model")
    margin: Annotated[float, Field(ge=-1, le=1, allow_inf_nan=False)] | None = Field(
        default=None, description="least lead of the best CNN over the best baseline, as a fraction"
    )
    recall: dict[Name, dict[Annotated[str, Field(max_length=200)], Share]] = Field(
        default_factory=dict, description="least mean recall, by model and class"
    )


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
    required: float
    found: float | None
    outcome: Outcome
    reason: str

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
        "# What 'python -m benchmark check' demands: least mean test accuracies, as fractions. Each floor was chosen",
        f"# {TOLERANCE * 100:g} point below the recorded mean or, where that is more, {DEVIATIONS} standard deviations "
        "across seeds below it.",
        "# Raise or lower them as you like.",
        "schema_version = 1",
    ]
    for dataset, models in summaries.items():
        lines += ["", f"[datasets.{_key(dataset)}.{_key(profile)}.accuracy]"]
        for summary in models:
            room = max(TOLERANCE, DEVIATIONS * (summary.accuracy_sd or 0.0))
            floor = math.floor(max(0.0, summary.accuracy - room + ROUNDING) * 1000) / 1000
            lines.append(f"{_key(summary.name)} = {floor:.3f}")
    return "\n".join(lines) + "\n"


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
    verdicts = [
        _judge_model(dataset, profile, name, least, found.get(name), absent.get(name, ABSENT))
        for name, least in threshold.accuracy.items()
    ]
    for record in failed:
        name = record.run.model
        if name in threshold.accuracy and name in found:
            subject, least = f"{name}, seed {record.run.seed}", threshold.accuracy[name]
            verdicts.append(_judge_model(dataset, profile, subject, least, None, _failure(record)))
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
    dataset: str, profile: str, name: str, least: float, summary: ModelSummary | None, absent: Absence
) -> Verdict:
    if summary is None:
        outcome, reason = absent
        return Verdict(
            dataset=dataset,
            profile=profile,
            subject=name,
            required=least,
            found=None,
            outcome=outcome,
            reason=reason,
        )
    accuracy = summary.accuracy
    gap = (accuracy - least) * 100
    runs = counted(summary.n_seeds, "seed")
    return Verdict(
        dataset=dataset,
        profile=profile,
        subject=name,
        required=least,
        found=accuracy,
        outcome="pass" if accuracy >= least - ROUNDING else "fail",
        reason=f"{abs(gap):.2f} points {'above' if gap >= 0 else 'below'} (mean of {runs})",
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
    margin = cnn.accuracy - baseline.accuracy
    return Verdict(
        dataset=dataset,
        profile=profile,
        subject=subject,
        required=least,
        found=margin,
        outcome="pass" if margin >= least - ROUNDING else "fail",
        reason=f"{cnn.name} {percent(cnn.accuracy)} against {baseline.name} {percent(baseline.accuracy)}",
    )
