"""The IDX format in which MNIST and its relatives are distributed.

Two zero bytes, a type code, the number of dimensions, each dimension as a big-endian 32-bit integer, then
the values in row-major order (http://yann.lecun.com/exdb/mnist/, section "The IDX file format").
"""

from __future__ import annotations

import math
import struct

import numpy as np

UNSIGNED_BYTE = 0x08


def parse(content: bytes) -> np.ndarray:
    """Decode an IDX file of unsigned bytes into a read-only uint8 array.

    Raises
    ------
    ValueError
        If the bytes are not a complete IDX file of unsigned bytes; the message says what is wrong.
    """
    if len(content) < 4:
        raise ValueError(f"{len(content)} bytes are too few for an IDX header")
    zero, kind, n_dimensions = struct.unpack_from(">HBB", content)
    if zero != 0:
        raise ValueError("it does not begin with the two zero bytes of an IDX file")
    if kind != UNSIGNED_BYTE:
        raise ValueError(f"IDX type 0x{kind:02x} is not supported, only unsigned bytes (0x08)")
    if n_dimensions == 0:
        raise ValueError("an IDX file needs at least one dimension")
    start = 4 + 4 * n_dimensions
    if len(content) < start:
        raise ValueError("the IDX header is cut off")
    shape = struct.unpack_from(f">{n_dimensions}I", content, 4)
    expected, found = math.prod(shape), len(content) - start
    if expected != found:
        raise ValueError(f"its header promises {expected:,} values, {found:,} follow")
    return np.frombuffer(content, dtype=np.uint8, offset=start).reshape(shape)
