"""``.npz`` files: made small, and read as if a stranger had made them, no pickles and no more bytes than expected."""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Mapping
from typing import IO

import numpy as np

MOST_MEMBERS = 100
# Probabilities keep 12 significant bits (0.02 %): nobody's conclusion needs more, and it halves the files.
DROPPED_BITS = 12
_DIRECTORY_ENTRY = b"PK\x01\x02"


def round_probabilities(probabilities: np.ndarray) -> np.ndarray:
    """Round float32 numbers to 12 significant bits, to the nearest, so that they compress."""
    bits = probabilities.astype(np.float32).view(np.uint32)
    half, mask = np.uint32(1 << (DROPPED_BITS - 1)), np.uint32((1 << 32) - (1 << DROPPED_BITS))
    return ((bits + half) & mask).view(np.float32)


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
