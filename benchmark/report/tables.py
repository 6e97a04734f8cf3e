"""Tables of a report: pandas frames in, Markdown out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmark.analysis.select import ModelSummary
from benchmark.analysis.stats import Interval
from benchmark.records.dataset_schema import Audit
from benchmark.records.schema import RunRecord
from benchmark.report.confusion import ConfusedPair
from benchmark.report.style import FAMILIES
from benchmark.utils.format import count, duration, memory
from benchmark.utils.markdown import escape
from benchmark.utils.markdown import table as markdown

UNKNOWN = "not measured"


def leaderboard(summaries: Sequence[ModelSummary], intervals: Mapping[str, Interval | None]) -> str:
    """The models, best first, with accuracy, its two sources of chance, and cost.

    ``intervals`` has each model's 95 % interval for the choice of test images; None where it is not known.
    """
    header = ("model", "family", "test accuracy", "95% CI, images", "sd, seeds (n)", "validation", "fit")
    rows = []
    for s in summaries:
        peak, parameters = s.mean_cost("peak_memory_bytes"), s.mean_cost("parameter_count")
        interval = intervals[s.name]
        rows.append(
            [
                f"**{escape(s.name)}**",
                FAMILIES[s.family],
                f"**{s.accuracy:.4f}**",
                "unknown" if interval is None else "{:.4f} to {:.4f}".format(*interval),
                "one seed" if s.accuracy_sd is None else f"{s.accuracy_sd:.4f} ({s.n_seeds})",
                f"{s.validation_accuracy:.4f}",
                duration(s.mean_cost("fit_seconds") or 0.0),
                duration(s.predict_seconds_per_1000),
                UNKNOWN if peak is None else memory(peak),
                UNKNOWN if parameters is None else count(parameters),
            ]
        )
    return markdown([*header, "predict 1,000", "peak memory", "parameters"], rows, n_left=2)


def per_class(summaries: Sequence[ModelSummary], class_names: Sequence[str], score: str) -> str:
    """A score of every model in every class, a row a model, the best of each class in bold."""
    scores = [[f"{value:.3f}" for value in s.per_class(score)] for s in summaries]
    best = [max(column) for column in zip(*scores, strict=True)]
    rows = [
        [escape(s.name), *(f"**{value}**" if value == top else value for value, top in zip(row, best, strict=True))]
        for s, row in zip(summaries, scores, strict=True)
    ]
    return markdown(["model", *map(escape, class_names)], rows, n_left=1)


def variants(summaries: Sequence[ModelSummary]) -> str:
    """What the models' other ways to predict give, beside what they are recorded with."""
    rows = []
    for s in summaries:
        for words in s.variants:
            accuracies, seconds = s.variant(words)
            rows.append(
                [
                    escape(s.name),
                    escape(words),
                    f"{accuracies.mean():.4f}",
                    f"{(accuracies.mean() - s.accuracy) * 100:+.2f} points",
                    duration(seconds),
                ]
            )
    header = ["model", "predicting", "test accuracy", "against the leaderboard", "predict 1,000"]
    return markdown(header, rows, n_left=2)


def confused(pairs: Sequence[ConfusedPair], models: Sequence[str]) -> str:
    rows = [
        [f"{escape(pair.first)} and {escape(pair.second)}", *(f"{pair.errors[name]:.0f}" for name in models)]
        for pair in pairs
    ]
    return markdown(["pair", *map(escape, models)], rows, n_left=1)


def audit(result: Audit) -> str:
    rows = [[escape(check.name), check.outcome, escape(check.detail)] for check in result.checks]
    return markdown(["check", "outcome", "found"], rows)


def failures(records: Sequence[RunRecord]) -> str:
    rows = [[escape(r.run.model), str(r.run.seed), r.status, escape(r.reason or "")] for r in records]
    return markdown(["model", "seed", "status", "reason"], rows)


def models(summaries: Sequence[ModelSummary]) -> str:
    rows = []
    for s in summaries:
        model = s.records[0].model
        params = ", ".join(f"{name}={value!r}" for name, value in model.params.items())
        implementation = model.implementation or UNKNOWN
        rows.append([*map(escape, (s.name, model.description, implementation, model.version, params))])
    return markdown(["model", "what it is", "implementation", "version", "parameters"], rows)


def environments(summaries: Sequence[ModelSummary]) -> str:
    """Where the runs ran, a row for each distinct environment, with the models that ran there."""
    header = ("processor", "GPU", "threads a cell", "system", "Python", "packages", "commit", "models")
    seen: dict[tuple[str, ...], list[str]] = {}
    for s in summaries:
        for record in s.records:
            env, cost = record.environment, record.cost
            row = (
                f"{env.cpu}, {env.cores} cores",
                env.gpu or "none",
                str(cost.threads) if cost else UNKNOWN,
                env.system,
                env.python,
                ", ".join(f"{name} {version}" for name, version in env.packages.items()),
                "unknown" if env.commit is None else env.commit[:10] + (" with changes" if env.dirty else ""),
            )
            names = seen.setdefault(row, [])
            if s.name not in names:
                names.append(s.name)
    return markdown(header, [[*map(escape, row), escape(", ".join(names))] for row, names in seen.items()])
