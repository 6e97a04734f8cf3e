"""What a network has learnt as NumPy arrays, and back: for files that hold numbers and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

LARGEST_SIDE = 4096


def module_arrays(module: nn.Module, prefix: str) -> dict[str, np.ndarray]:
    """Weights and statistics by name, each with ``prefix`` before it."""
    state = module.state_dict().items()
    return {f"{prefix}{name}": np.array(tensor.detach().cpu().numpy(), order="C") for name, tensor in state}


def load_module(module: nn.Module, arrays: Mapping[str, np.ndarray], prefix: str) -> None:
    """Load what :func:`module_arrays` returned into ``module``, and put it into evaluation mode.

    Raises
    ------
    ValueError
        If an array is missing, too many, of another shape or type, or not finite.
    """
    own = module.state_dict()
    given = {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
    if given.keys() != own.keys():
        raise ValueError(f"its arrays are not those of this network: {sorted(given.keys() ^ own.keys())[:3]}")
    for name, tensor in own.items():
        # torch cannot be given arrays that are read-only, as those out of a file are.
        found = torch.from_numpy(np.array(given[name]))
        if found.shape != tensor.shape or found.dtype != tensor.dtype:
            raise ValueError(f"{name} is {found.dtype} {tuple(found.shape)}, not {tensor.dtype} {tuple(tensor.shape)}")
        if not torch.isfinite(found).all():
            raise ValueError(f"{name} has numbers that are not finite")
        own[name] = found
    module.load_state_dict(own)
    module.eval()


def check_classes(classes: np.ndarray) -> np.ndarray:
    """Labels (n_classes,) if that is what they are, else a ValueError."""
    if (
        classes.ndim != 1
        or classes.dtype.kind not in "iu"
        or not len(classes)
        or (np.diff(classes.astype(int)) <= 0).any()
    ):
        raise ValueError("classes must be integers in ascending order")
    return classes


def check_shape(shape: Any) -> tuple[int, int, int]:
    """Height, width and channels of an image if that is what it is, else a ValueError."""
    if len(shape) != 3 or not all(type(side) is int and 0 < side <= LARGEST_SIDE for side in shape):
        raise ValueError(f"{shape!r} is not a height, width and number of channels")
    height, width, channels = shape
    return height, width, channels
