"""Files that appear whole or not at all."""

from __future__ import annotations

import errno
import os

import pytest

from benchmark.errors import UserError
from benchmark.records.store import Problem, Store, read
from benchmark.utils import files
from benchmark.utils.files import check_writable, read_whole, write_atomically


def fail_with(code):
    def fsync(descriptor):
        raise OSError(code, os.strerror(code))

    return fsync


def test_writing_creates_folders_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "a" / "b" / "file"
    write_atomically(path, b"old")
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(path.parent.iterdir()) == [path]
    assert path.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_keeps_the_old_file_and_is_explained(tmp_path, monkeypatch, code):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", fail_with(code))
    with pytest.raises(UserError, match="No space is left") as caught:
        write_atomically(path, b"new")
    assert str(path) in str(caught.value)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_another_failure_to_write_is_explained(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fsync", fail_with(errno.EIO))
    with pytest.raises(UserError, match=r"Cannot write .*: Input/output error"):
        write_atomically(tmp_path / "file", b"new")
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_leaves_nothing_and_goes_on(tmp_path, monkeypatch):
    def interrupted(descriptor):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(tmp_path / "file", b"new")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_a_file(tmp_path, make_record):
    (tmp_path / "results").write_text("not a folder")
    with pytest.raises(UserError, match="Cannot write"):
        Store(tmp_path / "results", "made").write(make_record(), "key")
    with pytest.raises(UserError, match="Cannot write"):
        check_writable(tmp_path / "results")
    assert (tmp_path / "results").read_text() == "not a folder"


def test_a_writable_folder_is_made_and_left_empty(tmp_path):
    check_writable(tmp_path / "results")
    assert list((tmp_path / "results").iterdir()) == []


def test_what_is_no_plain_file_of_sensible_size_is_not_read(tmp_path, monkeypatch, make_record):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path):
        with pytest.raises(OSError, match="not a plain file"):
            read_whole(path)
    record = Store(tmp_path, "made").write(make_record(), "full-seed0-00000000")
    monkeypatch.setattr(files, "LARGEST_TEXT_BYTES", 10)
    outcome = read(record)
    assert isinstance(outcome, Problem)
    assert "larger than" in outcome.reason
