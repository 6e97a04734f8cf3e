"""How much of a data set a cell uses; everyone else gets these names from :mod:`benchmark.contract`."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from types import MappingProxyType


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
