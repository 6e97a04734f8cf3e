"""Files that appear whole or not at all."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
import time

import pytest
from filelock import FileLock, Timeout

from benchmark.errors import UserError
from benchmark.records.store import Problem, Store, read
from benchmark.utils import files
from benchmark.utils.files import LOCK, check_writable, locked, read_whole, write_atomically


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


def test_one_thread_at_a_time_is_inside_a_lock(tmp_path):
    inside, most = 0, 0

    def enter():
        nonlocal inside, most
        for _ in range(5):
            with locked(tmp_path / "collection"):
                inside += 1
                most = max(most, inside)
                time.sleep(0.001)
                inside -= 1

    threads = [threading.Thread(target=enter) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


HOLDER = """
import sys, time
from pathlib import Path
from benchmark.utils.files import locked
with locked(Path(sys.argv[1])):
    print("inside", flush=True)
    time.sleep(60)
"""


def test_another_process_waits_until_the_holder_has_ended(tmp_path):
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"inside\n"
        with pytest.raises(Timeout):
            FileLock(tmp_path / LOCK, timeout=0).acquire()
        holder.kill()
    with locked(tmp_path):
        pass


@pytest.mark.parametrize("code", [errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK])
def test_without_locks_in_the_file_system_work_goes_on(tmp_path, monkeypatch, code):
    """Even where a killed run on another machine has left its file."""
    fcntl = pytest.importorskip("fcntl")

    def flock(descriptor, operation):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", flock)
    (tmp_path / LOCK).write_text("12345\nanother-machine\n")
    with locked(tmp_path):
        pass


def test_what_fails_inside_a_lock_is_raised(tmp_path):
    with pytest.raises(OSError, match="inside"), locked(tmp_path):
        raise OSError("inside")


def test_the_lock_file_is_neither_a_record_nor_a_data_set_nor_a_leftover(tmp_path, make_record):
    store = Store(tmp_path, "made")
    record = store.write(make_record(), "full-seed0-00000000")
    store.tidy()
    assert {path for path in store.folder.rglob("*") if path.is_file()} - {record} <= {store.folder / LOCK}
    assert store.datasets() == [record.parent.parent.name]
    stored, problems = store.read_all(store.datasets()[0])
    assert (len(stored), problems) == (1, [])


@pytest.mark.skipif(sys.platform == "win32", reason="modes of files are POSIX")
def test_every_user_of_a_shared_folder_can_lock_it(tmp_path):
    with locked(tmp_path):
        assert (tmp_path / LOCK).stat().st_mode & 0o777 == 0o666
