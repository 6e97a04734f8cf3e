from __future__ import annotations

import copy
import tempfile

import pytest
import torch
from torch import nn

from cnn.snapshots import Snapshots


def network(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    made = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4)).to(memory_format=torch.channels_last)
    made(torch.rand(2, 1, 5, 5))  # Moves the statistics.
    return made


def test_what_was_added_comes_back_in_its_place():
    networks = [network(seed) for seed in range(3)]
    snapshots = Snapshots()
    for added in networks:
        snapshots.add(added)
    assert len(snapshots) == 3
    for place in (2, 0, 1):
        found = network(9)
        snapshots.load(place, found)
        for name, value in networks[place].state_dict().items():
            assert torch.equal(found.state_dict()[name], value)


def test_a_place_that_was_never_taken_is_an_error():
    with pytest.raises(IndexError):
        Snapshots().load(0, network(0))


def test_without_room_nothing_is_kept(monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    snapshots = Snapshots()
    snapshots.add(network(0))
    assert len(snapshots) == 0


def test_a_disk_that_fills_up_loses_the_snapshots_not_the_training(monkeypatch):
    snapshots = Snapshots()
    snapshots.add(network(0))

    class Full:
        def write(self, content):
            raise OSError(28, "No space left on device")

        def close(self):
            raise OSError(28, "No space left on device")

    snapshots._file = Full()
    snapshots.add(network(1))
    assert len(snapshots) == 0


def test_a_copy_remembers_nothing():
    snapshots = Snapshots()
    snapshots.add(network(0))
    assert len(copy.deepcopy(snapshots)) == 0
