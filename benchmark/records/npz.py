"""``.npz`` files: small, and read as untrusted input: no pickles, no more bytes than expected."""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Mapping
from typing import IO, Literal

import numpy as np

from benchmark.specs import Run, profile_named

MOST_MEMBERS = 100
# Probabilities keep 12 significant bits (0.02 %), which no printed number shows, in a 16-bit float without a sign:
# 5 bits of exponent from 2^-31 on, 11 bits of fraction. They are the upper bits of a float32, less those of 2^-31.
DROPPED_BITS = 12
LEAST_CODE = (127 - 31) << (23 - DROPPED_BITS)
SCORES = "_probabilities"
_DIRECTORY_ENTRY = b"PK\x01\x02"


def encode(probabilities: np.ndarray) -> np.ndarray:
    """Probabilities in [0, 1] as 16-bit codes (uint16), rounded to the nearest; below 2^-31 they become 0."""
    bits = np.ascontiguousarray(probabilities, dtype=np.float32).view(np.uint32)
    rounded = ((bits + np.uint32(1 << (DROPPED_BITS - 1))) >> np.uint32(DROPPED_BITS)).astype(np.int64)
    return np.maximum(rounded - LEAST_CODE, 0).astype(np.uint16)


def decode(codes: np.ndarray) -> np.ndarray:
    """The probabilities (float32) that :func:`encode` made codes of."""
    bits = (codes.astype(np.uint32) + np.uint32(LEAST_CODE)) << np.uint32(DROPPED_BITS)
    return np.where(codes == 0, np.float32(0), bits.view(np.float32))


def pack_predictions(arrays: Mapping[str, np.ndarray], run: Run) -> tuple[bytes, Literal["probabilities"] | None]:
    """The bytes of a run's predictions as a record keeps them, and what they have besides labels.

    Runs of a data-efficiency curve, each with a training set of its own, keep labels only.
    """
    labels_only = profile_named(run.profile, run.seed).draw is not None
    kept = {
        name: encode(values) if name.endswith(SCORES) else values
        for name, values in arrays.items()
        if not (labels_only and name.endswith(SCORES))
    }
    return pack(kept), "probabilities" if f"test{SCORES}" in kept else None


def unpack_predictions(content: bytes, most_bytes: int) -> dict[str, np.ndarray]:
    """The arrays that :func:`pack_predictions` was given; raises as :func:`unpack` does."""
    arrays = unpack(content, most_bytes)
    # Schema 1 kept probabilities as float32.
    return {
        name: decode(values) if name.endswith(SCORES) and values.dtype == np.uint16 else values
        for name, values in arrays.items()
    }


def pack(arrays: Mapping[str, np.ndarray]) -> bytes:
    """The bytes of a compressed ``.npz``."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def unpack(content: bytes, most_bytes: int) -> dict[str, np.ndarray]:
    """The arrays of a ``.npz`` by name.

    Sizes are looked at before anything is unpacked: those that the archive announces, which is all that is
    ever read of a member, and those of the arrays' own headers.

    Raises
    ------
    ValueError
        If the archive is damaged, holds objects, or would unpack to more than ``most_bytes``.
    """
    # Before zipfile makes an object of each. The bytes may occur in compressed data too, but not this often.
    if content.count(_DIRECTORY_ENTRY) > 10 * MOST_MEMBERS:
        raise ValueError("it has too many members")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            total = sum(member.file_size for member in members)
            if len(members) > MOST_MEMBERS or total > most_bytes:
                raise ValueError(f"{len(members)} members of {total:,} bytes, more than {most_bytes:,} in all")
            arrays = {}
            for member in members:
                # Others are unpacked in pieces of any size.
                if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                    raise ValueError("a member is compressed in a way that NumPy does not use")
                with archive.open(member) as file:
                    arrays[member.filename.removesuffix(".npy")] = _read(file, member.file_size)
            return arrays
    except Exception as error:  # Modules for zip, zlib and headers raise what they like, by where the damage lies.
        raise ValueError(str(error) or type(error).__name__) from error


def _read(file: IO[bytes], size: int) -> np.ndarray:
    version = np.lib.format.read_magic(file)
    headers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    if version not in headers:
        raise ValueError(f"version {version} of the .npy format is not read here")
    shape, _, dtype = headers[version](file)
    if math.prod(shape) * dtype.itemsize > size:
        raise ValueError(f"an array of {shape} x {dtype} is announced in {size:,} bytes")
    file.seek(0)
    return np.asarray(np.lib.format.read_array(file, allow_pickle=False))
