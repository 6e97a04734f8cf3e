"""As many training images as a budget of time allows, as many for every model: reports compare like with like."""

from __future__ import annotations

import bisect
import dataclasses
from collections.abc import Callable, Iterable

from benchmark.errors import UserError
from benchmark.runner.run import Plan
from benchmark.specs import sized
from benchmark.utils.format import duration

LEAST_IMAGES = 100
LEAST_PER_CLASS = 5
WORTH_RESUMING = 0.5  # A sample that has records already is taken if it is not smaller than this part of what fits.


def candidates(n_train: int, n_classes: int) -> list[int]:
    """Numbers of training images to choose from, fewest first: those of two digits and zeros."""
    least = max(LEAST_IMAGES, LEAST_PER_CLASS * n_classes)
    numbers = {digits * 10**power for digits in range(10, 100) for power in range(len(str(n_train)))}
    return sorted(number for number in numbers if least <= number < n_train)


def within(
    budget_seconds: float,
    plan: Plan,
    replan: Callable[[str], Plan],
    sizes: tuple[int, int],
    recorded: Iterable[str] = (),
) -> tuple[str | None, Plan]:
    """The profile ``train-N`` of the largest N that fits, and its plan; None where the plan fits as it is.

    Parameters
    ----------
    budget_seconds : float
    plan : Plan
        On all training images, estimated.
    replan : callable
        Gives the estimated plan under a profile.
    sizes : tuple of int
        Numbers of training images and classes.
    recorded : iterable of str
        Profiles that have records: one of them is resumed if it fits and is not much smaller.

    Raises
    ------
    UserError
        If not even the smallest sample fits.
    """
    if _fits(plan, budget_seconds):
        return None, plan
    plans: dict[int, Plan] = {}

    def too_long(size: int) -> bool:
        plans[size] = replan(f"train-{size}")
        return not _fits(plans[size], budget_seconds)

    found = candidates(*sizes)
    place = bisect.bisect_left(found, True, key=too_long)
    if place == 0:
        least = found[:1]
        even = (
            f" Even on {least[0]:,} images it would be {duration(plans[least[0]].expected_seconds)}." if least else ""
        )
        raise UserError(
            f"It would take about {duration(plan.expected_seconds)}, the budget is {duration(budget_seconds)}.{even}",
            "Name fewer models or allow more time.",
        )
    chosen = found[place - 1]
    sizes_recorded = [profile.train_size or 0 for name in recorded if (profile := sized(name, 0)) is not None]
    for size in sorted(sizes_recorded, reverse=True):
        worth = WORTH_RESUMING * chosen <= size < sizes[0] and not too_long(size)
        if worth and len(plans[size].waiting) < len(plans[size].runs):
            chosen = size
            break
    whole = duration(plan.expected_seconds)
    note = (
        f"On {chosen:,} of {sizes[0]:,} training images, the most that fits into {duration(budget_seconds)}: "
        f"all of them would take about {whole}"
    )
    return f"train-{chosen}", dataclasses.replace(plans[chosen], sample=note)


def _fits(plan: Plan, budget_seconds: float) -> bool:
    """Into the time, and into memory: what does not is not run at all."""
    lacking = any(planned.needed_memory_bytes is not None for planned in plan.runs)
    return plan.expected_seconds <= budget_seconds and not lacking
