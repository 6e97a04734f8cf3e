"""What a report's numbers come from: the data, the commands, the models' parameters, machines and versions."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from benchmark.analysis.select import ModelSummary, Selection
from benchmark.data.own.parts import HELD_OUT
from benchmark.data.own.spec import options
from benchmark.records.dataset_schema import DatasetSummary
from benchmark.records.schema import ModelInfo
from benchmark.records.store import Problem
from benchmark.report.document import (
    MANY_CLASSES,
    Block,
    Bullets,
    Code,
    Details,
    Listing,
    Section,
    Strong,
    Table,
    Text,
    section,
    words,
)
from benchmark.report.evidence import Evidence
from benchmark.utils.format import counted, listed

UNKNOWN = "not measured"
MOST_PROBLEMS = 20  # That are named one by one.


def failures(evidence: Evidence) -> Section | None:
    failed = evidence.selection.failed
    which = "seed" if evidence.selection.folds is None else "repeat, fold"
    columns = [words(title) for title in ("model", which, "status", "reason")]
    rows = [(r.run.model, r.run.to_run().number.removeprefix("seed "), r.status, r.reason or "") for r in failed]
    return section("failed", "Runs without a result", Table(columns, rows)) if failed else None


def data(evidence: Evidence) -> Section:
    """Sizes, classes, source and integrity of the data."""
    info, summary = evidence.selection.dataset, evidence.summary
    audit = None if summary is None or summary.fingerprint != info.fingerprint else summary.audit
    verify = Code("python -m benchmark data verify")
    height, width, channels = info.image_shape
    table = None
    if audit is not None:
        rows = [(check.name, check.outcome, check.detail) for check in audit.checks]
        table = Table([words(title) for title in ("check", "outcome", "detail")], rows)
        outcomes = {check.outcome for check in audit.checks}
        said = "all passed" if outcomes == {"passed"} else "passed, with warnings" if audit.passed else "FAILED"
    return section(
        "data-set",
        "The data",
        f"{info.title}: {_sizes(evidence.selection)} of {height}x{width} pixels "
        f"({'grey' if channels == 1 else 'colour'}), {len(info.class_names):,} classes: "
        f"{listed(info.class_names, MANY_CLASSES)}. {_division(summary)} Pixels are divided by 255; baselines get them "
        "flattened. No model sees a test image before it has been fitted.",
        (
            f"Source: {info.source}. Fingerprint (SHA-256 of all images, labels and class names): ",
            Code(info.fingerprint),
        ),
        ("Integrity checks: not recorded for this version of the data; ", verify, " runs them.")
        if table is None
        else f"Integrity checks: {said}.",
        table,
        *_account(summary, folds=evidence.selection.folds is not None),
    )


def _sizes(selection: Selection) -> str:
    info = selection.dataset
    sizes = f"{info.train_size:,} training, {info.validation_size:,} validation and {info.test_size:,} test images"
    return sizes if selection.folds is None else f"{info.n_images:,} images (in a fold, about {sizes})"


def _division(summary: DatasetSummary | None) -> str:
    if summary is not None and summary.choices:
        return "How they were read and divided is said below; every model sees the same images."
    return (
        "The validation images are taken from the training set, stratified by class, with a seed that depends on the "
        "data set alone, so every model sees the same images."
    )


def _account(summary: DatasetSummary | None, *, folds: bool) -> list[Text | Block]:
    """What was decided by looking at the data, and what was left out."""
    if summary is None or not summary.choices:
        return []
    choices = [text for text in summary.choices if not (folds and HELD_OUT in text)]
    if folds:
        choices.append("a fold's validation images are taken out of its training part; no fold separates what is alike")
    blocks: list[Text | Block] = ["How the pictures were read and divided:", Bullets(choices)]
    if summary.skipped_files:
        n, files = sum(summary.skipped.values()), summary.skipped_files
        more = f", the first {len(files):,} of them" if n > len(files) else ""
        table = Table([words("file"), words("reason")], list(files.items()))
        blocks.append(Details(f"{counted(n, 'picture')} skipped{more}", [table]))
    return blocks


def reproduce(evidence: Evidence) -> Section:
    """The commands that make these results again, what ran where, and what was left out."""
    ranked, collection = evidence.selection.ranked, evidence.collection
    left_out = [*evidence.selection.notes, *first_problems(evidence.problems)]
    return section(
        "reproduce",
        "How to reproduce it",
        Listing(_commands(evidence)),
        Details("Models and their parameters", [models(ranked)]) if ranked else None,
        Details("Machines and versions", [environments(ranked)]) if ranked else None,
        (
            "Each number comes from a record in ",
            *(Code(f"results/{collection}/"), "; ", Code(f"python -m benchmark report --collection {collection}")),
            " writes this report again from the records alone.",
        ),
        (Strong("Left out:"),) if left_out else None,
        Bullets(left_out) if left_out else None,
    )


def first_problems(problems: Sequence[Problem]) -> list[str]:
    """The first of them in words, and how many more there are."""
    named = [f"{problem.path.name}: {problem.reason}" for problem in problems[:MOST_PROBLEMS]]
    return named + ([f"and {len(problems) - MOST_PROBLEMS:,} more"] if len(problems) > MOST_PROBLEMS else [])


def models(summaries: Sequence[ModelSummary]) -> Table:
    rows = []
    for s in summaries:
        model = s.records[0].model
        params = ", ".join(f"{name}={value!r}" for name, value in model.params.items())
        rows.append((s.name, model.description, model.implementation or UNKNOWN, model.version, params))
    columns = [words(title) for title in ("model", "what it is", "implementation", "version", "parameters")]
    return Table(columns, rows)


def environments(summaries: Sequence[ModelSummary]) -> Table:
    """Where the runs ran, a row for each distinct environment, with the models that ran there."""
    seen: dict[tuple[str, ...], dict[str, None]] = {}
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
            seen.setdefault(row, {})[s.name] = None
    titles = ("processor", "GPU", "threads per run", "system", "Python", "packages", "commit", "models")
    rows = [(*row, ", ".join(names)) for row, names in seen.items()]
    return Table([words(title) for title in titles], rows)


def _data_options(name: str, summary: DatasetSummary | None) -> list[str]:
    """How the data set is named; of the user's own pictures, how they were read."""
    if summary is None or summary.reading is None:
        return ["--dataset", name]
    return ["--dataset", f"path/of/{name}", "--name", name, *options(summary.reading)]


def _commands(evidence: Evidence) -> str:
    """One command for the registered models, and one for each that settings have made of one."""
    selection, collection = evidence.selection, evidence.collection
    records = [s.records[0] for s in selection.ranked] + list(selection.failed)
    every = selection.records
    found = {record.run.model: record.model for record in records}
    n_seeds = selection.repeats
    options = _data_options(records[0].run.dataset, evidence.summary)
    if selection.folds is None:
        options += ["--profile", selection.profile, "--collection", collection]
        options += ["--seeds", str(n_seeds)] if n_seeds > 1 else []
    else:
        options += ["--folds", str(selection.folds), "--repeats", str(n_seeds), "--collection", collection]
    options += ["--corruptions"] if any(record.corruptions for record in every) else []
    # Models of files, each by itself; of objects that were passed there is no command.
    files = [(name, model) for name, model in sorted(found.items()) if model.source is not None]
    registered = sorted(name for name, model in found.items() if model.base is None and model.source is None)
    runs = [registered] if registered else []
    runs += [["--model", f"path/of/{model.build}", *_renamed(name, model)] for name, model in files if _of_file(model)]
    for name, model in sorted(found.items()):
        if model.base is not None and model.source is None:
            runs.append([model.base, *_renamed(name, model)])
    lines = [shlex.join(["python", "-m", "benchmark", "run", *words, *options]) for words in runs]
    return "\n".join(" ".join(line.split()) for line in lines)  # A break in a setting could end the block of code.


def _of_file(model: ModelInfo) -> bool:
    return ".py:" in model.build


def _renamed(name: str, model: ModelInfo) -> list[str]:
    settings = [word for text in model.settings for word in ("--set", text)]
    return [*settings, "--as", name] if model.base is not None else []
