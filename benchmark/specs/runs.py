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
    (:func:`benchmark.data.splits.nested_sample`). With ``folds``, the test images are those of one ``fold`` out of so
    many, in one ``repeat`` of the partition (:func:`benchmark.data.splits.fold_parts`).
    """

    name: str
    description: str
    train_size: int | None = None
    validation_size: int | None = None
    test_size: int | None = None
    draw: int | None = None
    folds: int | None = None
    fold: int = 0
    repeat: int = 0


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


def folded(name: str, fold: int, repeat: int) -> Profile | None:
    """The profile ``K-fold``, for 2 to 20 folds; None for any other name."""
    match = re.fullmatch(r"([2-9]|1[0-9]|20)-fold", name)
    if match is None:
        return None
    return Profile(name=name, description=f"{name} cross-validation", folds=int(match[1]), fold=fold, repeat=repeat)


def n_folds(name: str) -> int | None:
    """The number of folds of the profile of this name; None for one without."""
    profile = folded(name, 0, 0)
    return None if profile is None else profile.folds


def profile_named(name: str, draw: int = 0, fold: int | None = None) -> Profile:
    """One of :data:`PROFILES`, ``train-N``: N training images, all of validation and test, or ``K-fold``.

    Under ``train-N`` the seed of a run is also the number of its draw, so that results by seed vary with the
    choice of training images, as they would for someone who collects N images. Under ``K-fold`` it is the number of
    the repeat.

    Raises
    ------
    UserError
        If there is no profile of this name.
    """
    profile = PROFILES.get(name) or sized(name, draw) or folded(name, fold or 0, draw)
    if profile is None:
        raise UserError(
            f"Unknown profile {name!r}.", f"There are: {', '.join(PROFILES)}, train-1000 and the like, 5-fold."
        )
    return profile


@dataclasses.dataclass(frozen=True, order=True)
class Run:
    """One unit of work: a data set, a model, a seed and a profile; of cross-validation also a fold and a repeat, which
    is the seed."""

    dataset: str
    model: str
    seed: int
    profile: str
    fold: int | None = None
    repeat: int | None = None

    @property
    def number(self) -> str:
        """Which of the runs of a model it is, in words."""
        return f"seed {self.seed}" if self.fold is None else f"repeat {self.repeat}, fold {self.fold}"

    @property
    def slug(self) -> str:
        """The same for the name of a file."""
        return f"seed{self.seed}" if self.fold is None else f"repeat{self.repeat}-fold{self.fold}"

    def __str__(self) -> str:
        return f"{self.model} on {self.dataset} ({self.number}, {self.profile})"
