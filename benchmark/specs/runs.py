"""What a run is, and the profiles: how much of a data set it uses."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from types import MappingProxyType

from benchmark.errors import UserError


@dataclasses.dataclass(frozen=True, kw_only=True)
class Profile:
    """How much of a data set is used: at most this many images of each part (None: all), stratified.

    With a ``draw``, the training images are nested: of one draw, fewer are contained in more
    (:func:`benchmark.data.splits.nested_sample`).
    """

    name: str
    description: str
    train_size: int | None = None
    validation_size: int | None = None
    test_size: int | None = None
    draw: int | None = None


PROFILES: Mapping[str, Profile] = MappingProxyType(
    {
        "full": Profile(name="full", description="every image"),
        "quick": Profile(
            name="quick",
            description="10,000 / 2,000 / 10,000 images and fewer epochs: a first look, and CI",
            train_size=10_000,
            validation_size=2_000,
            test_size=10_000,
        ),
    }
)


def sized(name: str, draw: int) -> Profile | None:
    """The profile ``train-N``: N training images, all of validation and test; None for any other name."""
    match = re.fullmatch(r"train-([1-9][0-9]{0,8})", name)
    if match is None:
        return None
    size = int(match[1])
    return Profile(name=name, description=f"{size:,} training images, all others", train_size=size, draw=draw)


def profile_named(name: str, draw: int = 0) -> Profile:
    """One of :data:`PROFILES`, or ``train-N``: N training images, all of validation and test.

    Under ``train-N`` the seed of a run is also the number of its draw, so that results by seed vary with the
    choice of training images, as they would for someone who collects N images.

    Raises
    ------
    UserError
        If there is no profile of this name.
    """
    profile = PROFILES.get(name) or sized(name, draw)
    if profile is None:
        raise UserError(f"Unknown profile {name!r}.", f"There are: {', '.join(PROFILES)}, and train-1000 and the like.")
    return profile


@dataclasses.dataclass(frozen=True, order=True)
class Run:
    """One unit of work: a data set, a model, a seed and a profile."""

    dataset: str
    model: str
    seed: int
    profile: str

    def __str__(self) -> str:
        return f"{self.model} on {self.dataset} (seed {self.seed}, {self.profile})"
