"""Archives that lie about their sizes or names."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest

from benchmark.records.npz import pack, unpack


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def header(text: str) -> bytes:
    return b"\x93NUMPY\x01\0" + len(text).to_bytes(2, "little") + text.encode()


BOMB = "{'descr': '|u1', 'fortran_order': False, 'shape': (%d,), }\n"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (zipped({"a.npy": header(BOMB % (50 << 20)) + bytes(50 << 20)}), "more than 1,000,000 in all"),
        (zipped({"a.npy": header(BOMB % 10**15) + b"x"}), "is announced in"),
        (zipped({"a.npy": header(BOMB.replace("|u1", "|O") % 1) + b"x"}), "announced|allow_pickle"),
        (zipped({"a.npy": header("(" * 9000) + b"x"}), "."),
        (zipped({"a.npy": header(BOMB % 1) + b"x"}, zipfile.ZIP_LZMA), "NumPy does not use"),
        (zipped({f"{i}.npy": b"" for i in range(200)}), "200 members"),
        (b"PK\x01\x02" * 2000, "too many members"),
    ],
)
def test_archives_that_would_fill_the_memory(content, problem):
    with pytest.raises(ValueError, match=problem):
        unpack(content, 1_000_000)


def test_names_of_members_are_names_and_no_paths(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    whole = pack({"a": np.arange(3)})
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        content = zipped({"../../outside.npy": archive.read("a.npy")})
    assert list(unpack(content, 1000)) == ["../../outside"]
    assert list(tmp_path.iterdir()) == []


def test_what_was_packed_is_unpacked():
    arrays = {"whole": np.arange(7), "shares": np.linspace(0, 1, 6, dtype=np.float32).reshape(2, 3)}
    found = unpack(pack(arrays), 10_000)
    assert found.keys() == arrays.keys()
    assert all(
        np.array_equal(array, found[name]) and array.dtype == found[name].dtype for name, array in arrays.items()
    )
