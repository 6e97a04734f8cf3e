from __future__ import annotations

import pytest
import torch
from torch import nn

from benchmark.errors import UserError
from cnn import devices


def there(monkeypatch, *, cuda: bool, mps: bool) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)


@pytest.mark.parametrize(
    ("cuda", "mps", "chosen"),
    [(True, True, "cuda"), (False, True, "mps"), (False, False, "cpu"), (True, False, "cuda")],
)
def test_auto_takes_the_fastest_that_is_there(monkeypatch, cuda, mps, chosen):
    there(monkeypatch, cuda=cuda, mps=mps)
    assert devices.choose_device("auto").type == chosen
    assert devices.choose_device("cpu").type == "cpu"


@pytest.mark.parametrize("name", ["cuda", "mps"])
def test_a_device_that_is_not_there_is_a_users_error(monkeypatch, name):
    there(monkeypatch, cuda=False, mps=False)
    with pytest.raises(UserError, match=f"no {name} device"):
        devices.choose_device(name)


@pytest.mark.parametrize(
    ("found", "chosen"),
    [
        ({"avx512_bf16": True, "amx_bf16": False}, torch.bfloat16),
        ({"avx512_bf16": False, "amx_bf16": True}, torch.bfloat16),
        ({"avx2": True}, torch.float32),
    ],
)
def test_bfloat16_is_left_to_processors_that_have_it(monkeypatch, found, chosen):
    monkeypatch.delenv("ONEDNN_MAX_CPU_ISA", raising=False)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: found, raising=False)
    cpu = torch.device("cpu")
    assert devices.choose_precision("auto", cpu) == chosen
    assert devices.choose_precision("float32", cpu) == torch.float32
    assert devices.choose_precision("bfloat16", cpu) == torch.bfloat16


def test_what_the_library_may_not_use_counts_as_lacking(monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True}, raising=False)
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX2")
    assert devices.choose_precision("auto", torch.device("cpu")) == torch.float32


def test_without_cuda_nothing_is_compiled_and_nothing_set():
    network = nn.Linear(2, 2)
    assert devices.compiled(network, torch.device("cpu")) is network
    with devices.deterministic(torch.device("cpu"), True):
        assert not torch.are_deterministic_algorithms_enabled()


def test_determinism_on_cuda_is_set_inside_only(monkeypatch):
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    with devices.deterministic(torch.device("cuda"), True):
        assert torch.are_deterministic_algorithms_enabled()
    assert not torch.are_deterministic_algorithms_enabled()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_cuda_the_compiled_network_computes_the_same():
    device = torch.device("cuda")
    network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 3)).to(device)
    images = torch.rand((8, 1, 8, 8), device=device)
    torch.testing.assert_close(devices.compiled(network, device)(images), network(images), atol=1e-4, rtol=1e-4)
