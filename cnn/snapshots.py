"""A network's weights after every epoch, to look back at them later."""

from __future__ import annotations

import contextlib
import tempfile
import weakref
from typing import IO

import numpy as np
import torch
from torch import nn


class Snapshots:
    """Weights and statistics in the order in which they are added.

    They lie in a nameless temporary file: in memory they would count among what training needs. Where there is
    no room for it nothing is kept, and training goes on.
    """

    def __init__(self) -> None:
        self._file: IO[bytes] | None = None
        with contextlib.suppress(OSError):
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 -- open as long as this object lives
            weakref.finalize(self, self._file.close)
        self._count = 0

    def __len__(self) -> int:
        return self._count if self._file is not None else 0

    def add(self, network: nn.Module) -> None:
        """Keep what ``network`` has now."""
        if self._file is None:
            return
        try:
            for tensor in network.state_dict().values():
                self._file.write(tensor.detach().cpu().numpy().tobytes())
            self._file.flush()
            self._count += 1
        except OSError:
            self._close()

    @torch.no_grad()
    def load(self, place: int, network: nn.Module) -> None:
        """Give ``network``, which is like those that were added, the weights that were added as ``place``-th."""
        if self._file is None or not 0 <= place < self._count:
            raise IndexError(f"{place} of {len(self)} snapshots")
        tensors = list(network.state_dict().values())
        self._file.seek(place * sum(tensor.nbytes for tensor in tensors))
        for tensor in tensors:
            kind = tensor.detach().cpu().numpy().dtype
            values = np.frombuffer(self._file.read(tensor.nbytes), dtype=kind).reshape(tensor.shape)
            tensor.copy_(torch.from_numpy(values.copy()))

    def _close(self) -> None:
        file, self._file, self._count = self._file, None, 0
        with contextlib.suppress(OSError):
            if file is not None:
                file.close()

    def __reduce__(self) -> tuple[type[Snapshots], tuple[()]]:
        return Snapshots, ()  # What is copied or written to disk remembers nothing.
