"""Recorded runs repeated: do the same numbers come out?"""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from benchmark.errors import UserError
from benchmark.records.schema import Environment, RunRecord
from benchmark.records.store import Store, Stored
from benchmark.runner.prepare import Prepared
from benchmark.runner.run import Runner, Settings, Watcher
from benchmark.specs import ModelSpec
from benchmark.utils.format import duration

Outcome = Literal["bit-identical", "within tolerance", "different", "not comparable", "failed"]
# Another processor or library rounds differently, and a network that trains for minutes amplifies that: a few per cent
# of the labels change, and accuracy by what another seed would change it.
ACCURACY_TOLERANCE = 0.005
LEAST_AGREEMENT = 0.95


@dataclasses.dataclass(frozen=True)
class Check:
    """The outcome for one run; ``repeated`` is the record of its repetition, None if there was none."""

    recorded: RunRecord
    repeated: RunRecord | None
    outcome: Outcome
    detail: str


def draw(
    store: Store,
    dataset: str,
    profile: str,
    models: Sequence[str] | None,
    n_runs: int,
    budget_seconds: float,
    seed: int,
    warn: Callable[[str], None],
) -> tuple[list[Stored], int]:
    """Recorded runs of a data set, drawn with a seed, and out of how many.

    Raises
    ------
    UserError
        If there are none, or none is short enough for the budget.
    """
    stored, problems = store.read_all(dataset)
    for problem in problems:
        warn(f"skipped {problem}")
    able = [one for one in stored if one.record.run.profile == profile]
    able = [one for one in able if not models or one.record.run.model in models]
    if not able:
        others = sorted({one.record.run.profile for one in stored} - {profile})
        raise UserError(
            f"There are no such records of {dataset} in {store.folder}.",
            f"Name a profile that has some: --profile {others[0]}"
            if others
            else f"Make some: python -m benchmark run --dataset {dataset} --collection {store.collection}",
        )
    drawn = sample(able, n_runs, budget_seconds, np.random.default_rng(seed))
    if not drawn:
        raise UserError(f"No recorded run takes less than {duration(budget_seconds)}.", "Allow a larger --budget.")
    return drawn, len(able)


def sample(stored: Sequence[Stored], n_runs: int, budget_seconds: float, rng: np.random.Generator) -> list[Stored]:
    """Draw finished runs without replacement, as many as fit into the budget by the time they took when recorded."""
    able = [one for one in stored if one.record.status == "ok" and one.record.cost is not None]
    chosen: list[Stored] = []
    left = budget_seconds
    for place in rng.permutation(len(able)):
        cost = able[place].record.cost
        assert cost is not None
        if len(chosen) < n_runs and cost.total_seconds <= left:
            chosen.append(able[place])
            left -= cost.total_seconds
    return chosen


def reproduce(
    stored: Stored,
    spec_of: Callable[[RunRecord], ModelSpec],
    prepared: Prepared,
    settings: Settings,
    environment: Environment,
    watcher: Watcher,
) -> Check:
    """Repeat a recorded run, in a store of its own, and compare.

    Parameters
    ----------
    stored : Stored
    spec_of : callable
        Gives the model of a record as it is today; UserError if there is none.
    settings : Settings
        Threads, device, class weights and whether to corrupt images are those of the record, the limits these.
    """
    record = stored.record
    assert record.cost is not None
    mine = dataclasses.replace(
        settings,
        fresh=True,
        threads=record.cost.threads,
        device=record.cost.device if record.model.family == "network" else "auto",
        corruptions=bool(record.corruptions),
        class_weight="balanced" if "class_weight" in record.model.adapted else None,
    )
    with tempfile.TemporaryDirectory() as folder:
        runner = Runner(Store(Path(folder), "reproduce"), mine, watcher, environment)
        try:
            planned = runner.status(record.run.to_run(), spec_of(record), prepared)
            before = stored.predictions()
        except UserError as error:
            return Check(record, None, "not comparable", error.problem)
        if planned.name != stored.path.stem:
            detail = "the data, the model's version or its parameters have changed since"
            return Check(record, None, "not comparable", detail)
        (repeated,) = runner.execute([planned])
        if repeated.status != "ok":
            return Check(record, repeated, "failed", f"{repeated.status}: {repeated.reason}")
        again = runner.store.find(planned.run, planned.name)
        assert again is not None
        outcome, detail = compare(record, before, repeated, again.predictions())
    changed = changes(record.environment, repeated.environment)
    if outcome != "bit-identical" and changed:
        detail += f"; differs here: {', '.join(changed)}"
    return Check(record, repeated, outcome, detail)


def _same_epochs(before: tuple[float | None, ...], after: tuple[float | None, ...]) -> bool:
    """Whether two runs agree on the epochs that both have scored."""
    if not before:
        return True
    return len(before) == len(after) and all(a == b or None in (a, b) for a, b in zip(before, after, strict=True))


def compare(
    record: RunRecord, before: dict[str, np.ndarray], repeated: RunRecord, after: dict[str, np.ndarray]
) -> tuple[Outcome, str]:
    """Compare the predictions of two executions of the same run."""
    same = before.keys() == after.keys() and all(np.array_equal(before[name], after[name]) for name in before)
    epochs = _same_epochs(record.epoch_tests, repeated.epoch_tests)
    if same and epochs and record.corruptions in ({}, repeated.corruptions):
        return "bit-identical", "every prediction and probability"
    if not all(np.array_equal(before[f"test_{name}"], after[f"test_{name}"]) for name in ("index", "labels")):
        return "different", "other test images or labels"
    assert record.test is not None
    assert repeated.test is not None
    agreement = float(np.mean(before["test_predicted"] == after["test_predicted"]))
    gap = repeated.test.accuracy - record.test.accuracy
    detail = f"{agreement:.2%} of the predicted labels agree, accuracy {gap * 100:+z.2f} points"
    if agreement == 1 and gap == 0:
        return "within tolerance", "the same labels; probabilities differ"
    close = abs(gap) <= ACCURACY_TOLERANCE and agreement >= LEAST_AGREEMENT
    return "within tolerance" if close else "different", detail


def changes(then: Environment, now: Environment) -> list[str]:
    """What differs of the surroundings that numbers may depend on."""
    changed = [name for name in ("cpu", "gpu", "python") if getattr(then, name) != getattr(now, name)]
    names = sorted(then.packages.keys() | now.packages.keys())
    return changed + [
        f"{name} {then.packages.get(name, 'absent')} and {now.packages.get(name, 'absent')}"
        for name in names
        if then.packages.get(name) != now.packages.get(name)
    ]
