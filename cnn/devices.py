"""Where a network runs and how precisely it computes."""

from __future__ import annotations

import contextlib
import importlib.util
import os
from collections.abc import Callable, Iterator

import torch
from torch import nn

from benchmark.errors import UserError
from benchmark.utils.files import cache_root

DEVICES = ("auto", "cpu", "cuda", "mps")
PRECISIONS = ("auto", "float32", "bfloat16")
# What oneDNN, which computes convolutions, may be held to by $ONEDNN_MAX_CPU_ISA, none of it with bfloat16.
WITHOUT_BFLOAT16 = ("SSE41", "AVX", "AVX2", "AVX2_VNNI", "AVX2_VNNI_2", "AVX512_CORE", "AVX512_CORE_VNNI")


def choose_device(wanted: str) -> torch.device:
    """The device of that name; for ``auto`` the first that is there of CUDA, MPS and CPU.

    Raises
    ------
    UserError
        If the device is not there.
    """
    if wanted not in DEVICES:
        raise ValueError(f"device must be one of {', '.join(DEVICES)}, got {wanted!r}")
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if wanted == "auto":
        return torch.device(next(name for name, found in there.items() if found))
    if not there[wanted]:
        raise UserError(f"PyTorch finds no {wanted} device here.", "Leave --device out, or install PyTorch for it.")
    return torch.device(wanted)


def choose_precision(wanted: str, device: torch.device) -> torch.dtype:
    """bfloat16 where the device has instructions for it and they pay, float32 elsewhere, if left to ``auto``.

    On processors with AVX-512 BF16 or AMX a training step takes about 0.6 of the time in bfloat16; on those
    without, it takes several times as long (docs/decisions/0004).
    """
    if wanted not in PRECISIONS:
        raise ValueError(f"precision must be one of {', '.join(PRECISIONS)}, got {wanted!r}")
    if wanted == "auto":
        wanted = "bfloat16" if _computes_bfloat16(device) else "float32"
    return torch.bfloat16 if wanted == "bfloat16" else torch.float32


def _computes_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if os.environ.get("ONEDNN_MAX_CPU_ISA", "").upper() in WITHOUT_BFLOAT16:
        return False
    if device.type == "cpu" and hasattr(torch.cpu, "get_capabilities"):
        found = torch.cpu.get_capabilities()
        return bool(found.get("avx512_bf16") or found.get("amx_bf16"))
    return False


@contextlib.contextmanager
def deterministic(device: torch.device, wanted: bool) -> Iterator[None]:
    """Inside, on request, CUDA's results are the same every time; a CPU's are anyway."""
    if not wanted or device.type != "cuda":
        yield
        return
    # cuBLAS reads it when it is first used: https://docs.nvidia.com/cuda/cublas/#results-reproducibility
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    before, benchmark = torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.benchmark
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before)
        torch.backends.cudnn.benchmark = benchmark


def compiled(network: nn.Module, device: torch.device) -> Callable[[torch.Tensor], torch.Tensor]:
    """On CUDA the network compiled into CUDA graphs, elsewhere the network itself.

    On the CPUs it was tried on, compiling made training slower. What is compiled is kept on disk, so that
    the processes of other seeds take it from there instead of compiling again.
    """
    if device.type != "cuda" or importlib.util.find_spec("triton") is None:
        return network
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(cache_root() / "compiled"))
    # What cannot be compiled (no C compiler, a kernel that fails) runs as it is, with a warning.
    torch._dynamo.config.suppress_errors = True
    return torch.compile(network, mode="reduce-overhead")


def generators_of(device: torch.device) -> list[int]:
    """The devices, other than the CPU, whose random generators are advanced by training on ``device``."""
    return [torch.cuda.current_device()] if device.type == "cuda" else []


def synchronize(device: torch.device) -> None:
    """Wait until the device has finished, so that a clock is right."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
