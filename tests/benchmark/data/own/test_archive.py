"""A ZIP archive is unpacked only within its own folder, and reads as the folder it was made of."""

from __future__ import annotations

import errno
import json
import stat
import warnings
import zipfile
from collections import namedtuple

import numpy as np
import pytest

from benchmark.data.own import archive
from benchmark.errors import UserError
from benchmark.utils import cache_folder

Usage = namedtuple("Usage", "total used free")
CENTRAL, LOCAL = b"PK\1\2", b"PK\3\4"


def files(folder) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}


@pytest.fixture
def target(make):
    folder = make.root / "unpacked"
    folder.mkdir()
    return folder


def patched(path, place: int, value: bytes, headers: tuple[bytes, ...]) -> None:
    """Other bytes at a place of the last header of each kind."""
    content = bytearray(path.read_bytes())
    for header in headers:
        start = content.rindex(header) + place + (0 if header == CENTRAL else -2)
        content[start : start + len(value)] = value
    path.write_bytes(content)


def encrypt(path) -> None:
    """Say so in both headers of the last file: its bytes need not be."""
    patched(path, 8, b"\1\0", (CENTRAL, LOCAL))


def announce(path, size: int) -> None:
    patched(path, 24, size.to_bytes(4, "little"), (CENTRAL, LOCAL))


@pytest.mark.parametrize("kind", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
@pytest.mark.parametrize("prefix", ["", "photos/", "a/b/photos/"])
def test_an_archive_is_read_as_the_folder_it_was_made_of(make, read, kind, prefix):
    unpacked = read(make.folder())
    found = read(make.zip(make.members(prefix), "archive.zip", kind))
    assert found.dataset.fingerprint == unpacked.dataset.fingerprint
    assert found.parts == {f"{prefix}{name}": part for name, part in unpacked.parts.items()}


def test_what_macos_adds_is_left_out(make, read, target):
    junk = {"__MACOSX/photos/cats/._00.png": b"\0", "photos/.DS_Store": b"\0", "photos/cats/Thumbs.db": b"\0"}
    path = make.zip({**make.members("photos/"), **junk})
    archive.unpack(path, target)
    assert files(target) == set(make.members("photos/"))
    assert read(path).skipped == {}


@pytest.mark.parametrize(
    "name",
    [
        "../evil.png",
        "cats/../../evil.png",
        "/evil.png",
        "//host/evil.png",
        "..\\evil.png",
        "cats\\..\\..\\evil.png",
        "C:\\evil.png",
        "C:evil.png",
        "c:/evil.png",
    ],
)
def test_what_would_lie_outside_is_refused_before_anything_is_written_there(make, refused, target, name):
    path = make.zip({**make.members(), name: make.png(99)})
    refused(path, repr(name), "outside")
    with pytest.raises(UserError, match="outside"):
        archive.unpack(path, target)
    assert not list(make.root.parent.rglob("*evil.png"))


def test_a_colon_in_a_name_is_no_drive(make, target):
    archive.unpack(make.zip({"scale 1:50/00.png": make.png(0)}), target)
    assert files(target) == {"scale 1:50/00.png"}


def test_a_link_is_left_out(make, read, target):
    secret = make.file("secret.png", make.png(99))
    link = zipfile.ZipInfo("cats/link.png")
    link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    folder = zipfile.ZipInfo("birds")
    folder.create_system, folder.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    path = make.zip({**make.members(), link: bytes(secret), folder: bytes(make.root)})
    archive.unpack(path, target)
    assert files(target) == set(make.members())
    found = read(path)
    assert set(found.names) == set(make.members())
    assert not any((image == make.pixels(99)).all() for image in found.images.values())


def test_an_encrypted_archive_is_refused(make, refused):
    path = make.zip(make.members())
    encrypt(path)
    assert "Unpack it yourself" in refused(path, "encrypted").remedy


@pytest.mark.parametrize("kind", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("size", [0, 10, 99_999])
def test_an_archive_that_announces_too_little_is_refused(make, refused, target, kind, size):
    path = make.zip({**make.members(), "cats/large.png": bytes(100_000)}, kind=kind)
    announce(path, size)
    refused(path, "cannot be unpacked", "cats/large.png")
    with pytest.raises(UserError):
        archive.unpack(path, target)
    written = target / "cats/large.png"
    assert not written.exists() or written.stat().st_size <= size


def test_an_archive_that_announces_more_than_there_is_room_for_is_refused_before_it_is_unpacked(
    make, target, monkeypatch
):
    path = make.zip({"cats/00.png": bytes(5_000_000)})
    monkeypatch.setattr(cache_folder.shutil, "disk_usage", lambda folder: Usage(9e6, 5e6, 4e6))
    with pytest.raises(UserError, match="unpacks to 5 MB, for which there is no room") as caught:
        archive.unpack(path, target)
    assert "name the folder" in caught.value.remedy
    assert files(target) == set()


def test_an_archive_of_very_many_files_is_refused(make, target, monkeypatch):
    monkeypatch.setattr(archive, "MOST_FILES", 19)
    with pytest.raises(UserError, match="has 20 files, more than 19"):
        archive.unpack(make.zip(make.members()), target)
    assert files(target) == set()


@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.999])
def test_a_truncated_archive_is_refused(make, refused, share):
    path = make.zip(make.members())
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    assert "Unpack it yourself" in refused(path, "photos.zip cannot be unpacked").remedy


def test_damaged_bytes_are_refused_by_the_name_of_their_file(make, refused):
    path = make.zip(make.members(), kind=zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    content[content.index(b"IDAT") + 20] ^= 255
    path.write_bytes(content)
    refused(path, "photos.zip cannot be unpacked", "cats/00.png")


@pytest.mark.parametrize("kind", [zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA])
def test_damaged_compression_is_refused_as_well(make, refused, kind):
    path = make.zip({"cats/00.png": bytes(range(256)) * 40}, kind=kind)
    content = bytearray(path.read_bytes())
    start = content.index(b"cats/00.png") + len("cats/00.png")
    content[start + 8 : start + 40] = b"\xff" * 32
    path.write_bytes(content)
    refused(path, "photos.zip cannot be unpacked")


def test_a_file_without_a_name_is_left_out(make, read):
    assert len(read(make.zip({**make.members(), ".": b""})).names) == len(make.members())


def test_a_file_that_is_there_twice_is_refused(make, refused):
    path = make.zip(make.members())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with zipfile.ZipFile(path, "a") as opened:
            opened.writestr("cats/00.png", make.png(99))
    refused(path, "photos.zip cannot be unpacked")


def test_a_file_where_a_folder_should_be_is_refused(make, refused):
    refused(make.zip({"cats": b"", **make.members()}), "photos.zip cannot be unpacked")


def test_a_full_disk_is_not_blamed_on_the_archive(make, target, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(archive.shutil, "copyfileobj", full)
    with pytest.raises(OSError, match="No space left"):
        archive.unpack(make.zip(make.members()), target)


def test_no_picture_outside_of_an_archive_is_read_though_its_table_names_it(make, read):
    secret = make.file("secret.png", make.png(99))
    names = list(make.members())
    rows = [f"{name},{name[:4]}" for name in names]
    table = "\n".join(["image,label", *rows, f"{secret},cats"])
    found = read(make.zip({**make.members(), "labels.csv": table.encode()}))
    assert found.skipped == {"secret.png": "it lies outside of the archive"}
    assert set(found.names) == set(names)


@pytest.mark.parametrize("name", ["data.npz", "photos/data.npz"])
def test_arrays_in_an_archive_are_read(make, read, name):
    images = np.random.default_rng(0).integers(0, 256, (40, 8, 8), dtype=np.uint8)
    content = make.npz(X=images, y=np.arange(40) % 2).read_bytes()
    found = read(make.zip({name: content}))
    assert (found.images["X[7]"][..., 0] == images[7]).all()


def test_parts_in_an_archive_are_kept(make, read):
    members = {f"train/{name}": content for name, content in make.members().items()}
    members |= {f"test/{label}/{n}.png": make.png(100 + 10 * k + n) for k, label in enumerate("ab") for n in range(3)}
    members = {name.replace("/cats/", "/a/").replace("/dogs/", "/b/"): content for name, content in members.items()}
    found = read(make.zip(members))
    assert {name for name, part in found.parts.items() if part == "test"} == {
        name for name in members if name.startswith("test/")
    }


@pytest.mark.parametrize("members", [{}, {"inner.zip": b"PK"}, {"README.md": b"text"}])
def test_an_archive_without_pictures_is_refused_with_what_is_expected(make, refused, members):
    assert "one folder of pictures per class" in refused(make.zip(members), "no pictures with labels").remedy


@pytest.mark.parametrize("name", ["photos.tar.gz", "photos.rar", "photos.7z", "photo.jpg", "notes.txt", "photos"])
def test_files_of_other_kinds_are_refused_with_what_is_expected(make, refused, name):
    error = refused(make.file(name, b"\x1f\x8b"), name, "of no supported kind")
    assert ".zip" in error.remedy


def test_nothing_is_left_of_an_archive_but_the_data_set(make, read, refused, cache_root):
    read(make.zip(make.members(), "good.zip"))
    bad = make.zip({**make.members(), "../evil.png": b""}, "bad.zip")
    refused(bad, "outside")
    (entry,) = (cache_root / "decoded").iterdir()
    assert files(entry) == {
        f"{name}.npy" for name in ("train_images", "train_labels", "test_images", "test_labels")
    } | {
        *("validation.npy", "groups.npy", "meta.json", "names.json"),
    }
    assert json.loads((entry / "meta.json").read_text())["own"]["name"] == "good"
