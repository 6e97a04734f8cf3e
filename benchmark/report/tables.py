"""Tables of a report: pandas frames in, Markdown out."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pandas as pd

from benchmark.report.charts import predict_seconds_per_1000
from benchmark.report.confusion import ConfusedPair
from benchmark.report.style import FAMILIES
from benchmark.schema import Audit, RunRecord
from benchmark.summary import ModelSummary
from benchmark.units import count, duration, memory

UNKNOWN = "not measured"


def escape(text: object) -> str:
    """Text from a record as one line of Markdown in which nothing is markup."""
    line = " ".join(str(text).split())
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_{}\[\]|#!~])", r"\\\1", line)


def markdown(frame: pd.DataFrame, right: Sequence[str] = ()) -> str:
    """A pipe table; the columns named in ``right`` are set flush right. Cells are text already."""
    alignment = ["right" if column in right else "left" for column in frame.columns]
    return str(frame.to_markdown(index=False, tablefmt="pipe", colalign=alignment, disable_numparse=True))


def leaderboard(summaries: Sequence[ModelSummary]) -> str:
    rows = []
    for s in summaries:
        peak, parameters = s.mean_cost("peak_memory_bytes"), s.mean_cost("parameter_count")
        rows.append(
            {
                "model": f"**{escape(s.name)}**",
                "family": FAMILIES[s.family],
                "test accuracy": f"**{s.accuracy:.4f}**",
                "sd over seeds": "one seed" if s.accuracy_sd is None else f"{s.accuracy_sd:.4f} (n = {s.n_seeds})",
                "validation": f"{s.validation_accuracy:.4f}",
                "fit": duration(s.mean_cost("fit_seconds") or 0.0),
                "predict 1,000": duration(predict_seconds_per_1000(s)),
                "peak memory": UNKNOWN if peak is None else memory(peak),
                "parameters": UNKNOWN if parameters is None else count(parameters),
            }
        )
    frame = pd.DataFrame(rows)
    return markdown(frame, right=[*frame.columns[2:]])


def per_class(summaries: Sequence[ModelSummary], class_names: Sequence[str]) -> str:
    """Precision / recall / F1 of each class by model, the best F1 of a class in bold."""
    scores = {s.name: [s.per_class(score) for score in ("precision", "recall", "f1")] for s in summaries}
    rows = []
    for index, name in enumerate(class_names):
        best = max(round(float(f1[index]), 3) for _, _, f1 in scores.values())
        row = {"class": escape(name)}
        for model, (precision, recall, f1) in scores.items():
            shown = f"{f1[index]:.3f}"
            shown = f"**{shown}**" if round(float(f1[index]), 3) == best else shown
            row[escape(model)] = f"{precision[index]:.3f} / {recall[index]:.3f} / {shown}"
        rows.append(row)
    return markdown(pd.DataFrame(rows), right=[escape(model) for model in scores])


def confused(pairs: Sequence[ConfusedPair], models: Sequence[str]) -> str:
    rows = [
        {"pair": f"{escape(pair.first)} and {escape(pair.second)}"}
        | {escape(name): f"{pair.errors[name]:.0f}" for name in models}
        for pair in pairs
    ]
    return markdown(pd.DataFrame(rows), right=[escape(name) for name in models])


def audit(result: Audit) -> str:
    rows = [
        {"check": escape(check.name), "outcome": check.outcome, "found": escape(check.detail)}
        for check in result.checks
    ]
    return markdown(pd.DataFrame(rows))


def failures(records: Sequence[RunRecord]) -> str:
    rows = [
        {
            "model": escape(record.cell.model),
            "seed": str(record.cell.seed),
            "status": record.status,
            "reason": escape(record.reason or ""),
        }
        for record in records
    ]
    return markdown(pd.DataFrame(rows))


def models(summaries: Sequence[ModelSummary]) -> str:
    rows = []
    for s in summaries:
        model = s.records[0].model
        params = ", ".join(f"{name}={value!r}" for name, value in model.params.items())
        rows.append(
            {
                "model": escape(s.name),
                "what it is": escape(model.description),
                "implementation": escape(model.implementation or UNKNOWN),
                "version": str(model.version),
                "parameters": escape(params),
            }
        )
    return markdown(pd.DataFrame(rows))


def environments(summaries: Sequence[ModelSummary]) -> str:
    """Where the runs ran, a row for each distinct environment."""
    seen: dict[str, dict[str, str]] = {}
    for s in summaries:
        for record in s.records:
            env, cost = record.environment, record.cost
            commit = "unknown" if env.commit is None else env.commit[:10] + (" with changes" if env.dirty else "")
            row = {
                "processor": escape(f"{env.cpu}, {env.cores} cores"),
                "GPU": escape(env.gpu or "none"),
                "threads a cell": str(cost.threads) if cost else UNKNOWN,
                "system": escape(env.system),
                "Python": escape(env.python),
                "packages": escape(", ".join(f"{name} {version}" for name, version in env.packages.items())),
                "commit": commit,
            }
            names = seen.setdefault(repr(row), row | {"models": ""})
            if s.name not in names["models"].split(", "):
                names["models"] = ", ".join(filter(None, [names["models"], escape(s.name)]))
    return markdown(pd.DataFrame(list(seen.values())))
