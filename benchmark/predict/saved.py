"""Which saved model predicts, and whether it may: it must be the one that this version of the suite would fit."""

from __future__ import annotations

from benchmark.errors import UserError
from benchmark.records.store import Problem, Store, Stored, key, plain
from benchmark.specs import ModelSpec, Run, profile_named


def newest(store: Store, dataset: str, model: str, seed: int | None) -> Stored:
    """The record of the model that was fitted last among those that were saved.

    Raises
    ------
    UserError
        If none was; with the command that makes one.
    """
    stored, problems = store.read_all(dataset)
    own = [found for found in stored if found.record.run.model == model and seed in (None, found.record.run.seed)]
    saved = [found for found in own if found.record.saved is not None]
    if saved:
        return max(saved, key=lambda found: (found.record.started_at, found.path.name))
    named = f"{model} on {dataset}" + ("" if seed is None else f", seed {seed}")
    reasons = [found.record.not_saved.reason for found in own if found.record.not_saved is not None]
    if reasons:
        raise UserError(f"{named} could not be saved: {reasons[-1]}.")
    where = "" if store.collection == "local" else f" --collection {store.collection}"
    seeds = "" if seed is None else f" --seeds {seed + 1}"
    raise UserError(
        f"No saved model of {named} is in {store.folder}{_skipped(problems, model)}.",
        f"Make one: python -m benchmark run {model} --dataset {dataset}{where}{seeds} --save-models"
        + _elsewhere(store, dataset, model),
    )


def _skipped(problems: list[Problem], model: str) -> str:
    own = [problem for problem in problems if problem.path.parent.name == model]
    return f" (skipped: {own[0]})" if own else ""


def _elsewhere(store: Store, dataset: str, model: str) -> str:
    """The other collections that have one."""
    found = sorted(
        {
            path.parents[2].name
            for path in store.results_dir.glob(f"*/{dataset}/{model}/*")
            if path.suffix in (".skops", ".safetensors")
        }
        - {store.collection}
    )
    return f" (or take one of another collection: --collection {found[0]})" if found else ""


def check_current(stored: Stored, spec: ModelSpec, fingerprint: str | None) -> Run:
    """Hold a record against the registered model and the data set as it is here; return its run.

    Raises
    ------
    UserError
        If the model was fitted by another version, with other parameters or on other data.
    """
    record = stored.record
    run = record.run.to_run()
    remedy = f"Fit it again: {stored.command('--save-models')}"
    pairs = {
        "another version": (record.model.version, spec.version),
        "another builder": (record.model.build, spec.build),
        "other parameters": (record.model.params, plain(spec.params_for(run))),
        "other data, by their fingerprint": (record.dataset.fingerprint, fingerprint or record.dataset.fingerprint),
    }
    for what, (then, now) in pairs.items():
        if then != now:
            raise UserError(f"The saved {run.model} is of {what}: {then}, but here it is {now}.", remedy)
    if key(run, spec, record.dataset.fingerprint, profile_named(run.profile, run.seed)) != stored.path.stem:
        raise UserError(f"{stored.path} is not named as the record of this model would be.", remedy)
    return run
