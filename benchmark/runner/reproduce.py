"""Recorded runs run again: do the same numbers come out?"""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from benchmark.errors import UserError
from benchmark.records.schema import Environment, RunRecord
from benchmark.records.store import Store, Stored, key
from benchmark.runner import run as runner
from benchmark.runner.run import Prepared, Settings, Watcher
from benchmark.specs import ModelSpec, profile_named

Outcome = Literal["bit-identical", "within tolerance", "different", "not comparable", "failed"]
# Another processor or library rounds otherwise, and a network that trains for minutes carries that on: labels change
# in a few per cent of the images, accuracy by what another seed would change it.
ACCURACY_TOLERANCE = 0.005
LEAST_AGREEMENT = 0.95


@dataclasses.dataclass(frozen=True)
class Check:
    """What became of one run; ``found`` is the record of its rerun, None where there was none."""

    recorded: RunRecord
    found: RunRecord | None
    outcome: Outcome
    detail: str


def sample(stored: Sequence[Stored], runs: int, budget_seconds: float, rng: np.random.Generator) -> list[Stored]:
    """Draw finished runs without replacement, as many as fit into the budget by what they took when recorded."""
    able = [one for one in stored if one.record.status == "ok" and one.record.cost is not None]
    chosen: list[Stored] = []
    left = budget_seconds
    for place in rng.permutation(len(able)):
        cost = able[place].record.cost
        assert cost is not None
        if len(chosen) < runs and cost.total_seconds <= left:
            chosen.append(able[place])
            left -= cost.total_seconds
    return chosen


def verify(stored: Stored, spec: ModelSpec | None, prepared: Prepared, settings: Settings, watcher: Watcher) -> Check:
    """Run a recorded run again, in a store of its own, and compare.

    Parameters
    ----------
    stored : Stored
    spec : ModelSpec or None
        The model as it is today; None if there is none of that name.
    settings : Settings
        Their store, threads and device are those of the record, not these.
    """
    record = stored.record
    assert record.cost is not None
    if spec is None:
        return Check(record, None, "not comparable", "there is no such model any more")
    run = record.run.to_run()
    profile = profile_named(run.profile, run.seed)
    if f"{key(run, spec, prepared.dataset.fingerprint, profile)}.json" != stored.path.name:
        return Check(
            record, None, "not comparable", "the data, the model's version or its parameters have changed since"
        )
    try:
        before = stored.predictions()
    except UserError as error:
        return Check(record, None, "not comparable", error.problem)
    with tempfile.TemporaryDirectory() as folder:
        mine = dataclasses.replace(
            settings,
            store=Store(Path(folder), "verify"),
            threads=record.cost.threads,
            device=record.cost.device if record.model.family == "network" else "auto",
            corruptions=bool(record.corruptions),
        )
        (found,) = runner.run([run], {run.model: spec}, {run.dataset: prepared}, mine, watcher)
        if found.status != "ok":
            return Check(record, found, "failed", f"{found.status}: {found.reason}")
        again = mine.store.find(run, stored.path.stem)
        assert again is not None
        outcome, detail = compare(record, before, found, again.predictions())
    changed = changes(record.environment, found.environment)
    if outcome != "bit-identical" and changed:
        detail += f"; not the same here: {', '.join(changed)}"
    return Check(record, found, outcome, detail)


def _alike(before: tuple[float | None, ...], after: tuple[float | None, ...]) -> bool:
    """Whether two runs agree on the epochs that both have looked up."""
    if not before:
        return True
    return len(before) == len(after) and all(a == b or None in (a, b) for a, b in zip(before, after, strict=True))


def compare(
    record: RunRecord, before: dict[str, np.ndarray], found: RunRecord, after: dict[str, np.ndarray]
) -> tuple[Outcome, str]:
    """Hold one run's predictions against another's of the same run."""
    same = before.keys() == after.keys() and all(np.array_equal(before[name], after[name]) for name in before)
    if same and _alike(record.epoch_tests, found.epoch_tests) and record.corruptions in ({}, found.corruptions):
        return "bit-identical", "every prediction and probability"
    if not all(np.array_equal(before[f"test_{name}"], after[f"test_{name}"]) for name in ("index", "labels")):
        return "different", "other test images or labels"
    assert record.test is not None
    assert found.test is not None
    agreement = float(np.mean(before["test_predicted"] == after["test_predicted"]))
    gap = found.test.accuracy - record.test.accuracy
    detail = f"{agreement:.2%} of the predicted labels agree, accuracy {gap * 100:+z.2f} points"
    if agreement == 1 and gap == 0:
        return "within tolerance", "the same labels; probabilities differ"
    close = abs(gap) <= ACCURACY_TOLERANCE and agreement >= LEAST_AGREEMENT
    return "within tolerance" if close else "different", detail


def changes(then: Environment, now: Environment) -> list[str]:
    """What of the surroundings that numbers may depend on is not the same."""
    found = [name for name in ("cpu", "gpu", "python") if getattr(then, name) != getattr(now, name)]
    names = sorted(then.packages.keys() | now.packages.keys())
    return found + [
        f"{name} {then.packages.get(name, 'absent')} and {now.packages.get(name, 'absent')}"
        for name in names
        if then.packages.get(name) != now.packages.get(name)
    ]
