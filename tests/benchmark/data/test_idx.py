"""The IDX parser: what it decodes and what it refuses."""

from __future__ import annotations

import math
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.data import idx


def encode(shape: tuple[int, ...], values: bytes, *, zero: int = 0, kind: int = 0x08) -> bytes:
    return struct.pack(f">HBB{len(shape)}I", zero, kind, len(shape), *shape) + values


shapes = st.lists(st.integers(0, 5), min_size=1, max_size=4).map(tuple)


@given(shapes.flatmap(lambda s: st.tuples(st.just(s), st.binary(min_size=math.prod(s), max_size=math.prod(s)))))
def test_whatever_is_encoded_comes_back(case: tuple[tuple[int, ...], bytes]) -> None:
    shape, values = case
    array = idx.parse(encode(shape, values))
    assert array.shape == shape
    assert array.dtype == np.uint8
    assert array.tobytes() == values


def test_values_are_in_row_major_order_and_dimensions_big_endian() -> None:
    content = b"\x00\x00\x08\x02\x00\x00\x00\x02\x00\x00\x00\x03" + bytes([1, 2, 3, 4, 5, 6])
    assert idx.parse(content).tolist() == [[1, 2, 3], [4, 5, 6]]


def test_the_array_is_read_only() -> None:
    array = idx.parse(encode((2,), b"ab"))
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 1


def parses_or_raises_value_error(content: bytes) -> None:
    try:
        array = idx.parse(content)
    except ValueError:
        return
    assert array.dtype == np.uint8
    assert content == encode(array.shape, array.tobytes())


@given(st.binary(max_size=64))
def test_arbitrary_bytes_raise_only_value_errors(content: bytes) -> None:
    parses_or_raises_value_error(content)


@given(st.integers(0, 255), st.lists(st.integers(0, 2**32 - 1), max_size=80), st.binary(max_size=16))
def test_arbitrary_headers_raise_only_value_errors(n_dimensions: int, dimensions: list[int], values: bytes) -> None:
    header = struct.pack(f">HBB{len(dimensions)}I", 0, 0x08, n_dimensions, *dimensions)
    parses_or_raises_value_error(header + values)


@pytest.mark.parametrize("shape", [(0, 2**32 - 1, 2**32 - 1, 2**32 - 1), (1,) * 65])
def test_shapes_beyond_numpy_raise_value_errors(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"too big|dimension"):
        idx.parse(encode(shape, bytes(math.prod(shape))))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "0 bytes are too few"),
        (b"\x00\x00\x08", "3 bytes are too few"),
        (encode((1,), b"a", zero=1), "two zero bytes"),
        (encode((1,), b"a", zero=0x1F8B), "two zero bytes"),
        (encode((1,), b"a", kind=0x0D), "0x0d is not supported"),
        (encode((), b""), "at least one dimension"),
        (encode((1, 2), b"")[:-1], "header is cut off"),
        (encode((2, 3), b"abcde"), "promises 6 values, 5 follow"),
        (encode((2, 3), b"abcdefg"), "promises 6 values, 7 follow"),
        (encode((60_000, 28, 28), b""), "promises 47,040,000 values, 0 follow"),
    ],
)
def test_what_is_wrong_is_said(content: bytes, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        idx.parse(content)
