"""Decoded arrays on disk: what comes back, what is refused, what damage is noticed."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
import pytest

from benchmark.data import cache
from benchmark.errors import UserError
from benchmark.specs import Account, DatasetSpec, RawImages
from benchmark.utils import files


@pytest.fixture
def written(spec: DatasetSpec, make_raw: Callable[..., RawImages], cache_root: Path) -> Path:
    """The folder of a data set that was written to the cache."""
    cache.write(spec, make_raw())
    return cache_root / "decoded" / "tiny"


def flip_last_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def edit_meta(folder: Path, **changes: Any) -> None:
    meta = json.loads((folder / "meta.json").read_text())
    (folder / "meta.json").write_text(json.dumps({**meta, **changes}))


def test_the_cache_is_the_users_unless_the_variable_names_another(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv(files.CACHE_VARIABLE, str(tmp_path))
    assert cache.folder("tiny") == tmp_path / "decoded" / "tiny"
    monkeypatch.setenv(files.CACHE_VARIABLE, "")
    assert files.cache_root() == platformdirs.user_cache_path("do-i-need-a-cnn", appauthor=False)
    monkeypatch.delenv(files.CACHE_VARIABLE)
    assert files.cache_root() == platformdirs.user_cache_path("do-i-need-a-cnn", appauthor=False)


@pytest.mark.parametrize("channels", [1, 3])
def test_what_is_written_is_read(spec: DatasetSpec, make_raw, channels: int) -> None:
    raw = make_raw(channels=channels)
    cache.write(spec, raw)
    dataset = cache.read(spec)
    assert dataset is not None
    for name in cache.ARRAYS:
        assert np.array_equal(getattr(dataset, name), getattr(raw, name))
    assert dataset.train_images.shape == (40, 5, 6, channels)
    assert dataset.train_labels.dtype == dataset.test_labels.dtype == np.int64
    assert (dataset.name, dataset.title) == ("tiny", "Tiny")
    assert (dataset.class_names, dataset.source) == (("ant", "bee", "cat", "dog"), "made up")
    assert (len(dataset.split.train), len(dataset.split.validation)) == (32, 8)


def test_arrays_are_memory_mapped_and_read_only(spec: DatasetSpec, written: Path) -> None:
    dataset = cache.read(spec)
    assert dataset is not None
    for name in cache.ARRAYS:
        array = getattr(dataset, name)
        assert isinstance(array, np.memmap)
        assert Path(array.filename) == written / f"{name}.npy"
        assert not array.flags.writeable
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_what_is_not_there_is_none(spec: DatasetSpec) -> None:
    assert cache.read(spec) is None


@pytest.mark.parametrize("name", ["meta.json", *(f"{array}.npy" for array in cache.ARRAYS)])
def test_a_folder_that_lacks_a_file_counts_as_not_there(spec: DatasetSpec, written: Path, name: str) -> None:
    (written / name).unlink()
    assert cache.read(spec) is None


def test_another_layout_counts_as_not_there(spec: DatasetSpec, written: Path) -> None:
    edit_meta(written, layout=cache.LAYOUT + 1)
    assert cache.read(spec) is None


def test_names_and_groups_are_read_with_the_images_and_not_by_workers(spec: DatasetSpec, make_raw) -> None:
    raw = make_raw()
    account = Account(
        train_names=tuple(f"{n}.png" for n in range(40)),
        test_names=tuple(f"test {n}.png" for n in range(12)),
        test_groups=("anna", "", "bert") * 4,
    )
    cache.write(spec, dataclasses.replace(raw, account=account))
    whole, pool = cache.read(spec), cache.read_pool(spec)
    assert whole is not None
    assert pool is not None
    assert whole.account == account
    assert pool.account == Account()
    (cache.folder(spec.key) / cache.NAMES).write_text('{"train": [], "test": []}')  # As it was written before.
    earlier = cache.read(spec)
    assert earlier is not None
    assert earlier.account == Account()


@pytest.mark.parametrize("name", cache.NAMED)
def test_names_that_are_not_as_many_as_the_images_are_refused(spec: DatasetSpec, make_raw, name: str) -> None:
    raw = dataclasses.replace(make_raw(), account=Account(**{name: ("a", "b")}))
    with pytest.raises(UserError, match=f"{name} of its account are 2"):
        cache.write(spec, raw)


def test_writing_again_replaces_and_leaves_nothing_behind(spec: DatasetSpec, make_raw, written: Path) -> None:
    before = cache.read(spec)
    cache.write(spec, make_raw(seed=1))
    after = cache.read(spec)
    assert before is not None
    assert after is not None
    assert before.fingerprint != after.fingerprint
    assert [path.name for path in written.parent.iterdir()] == ["tiny"]


@pytest.mark.parametrize("name", cache.ARRAYS)
def test_a_changed_byte_is_found_with_both_sums(spec: DatasetSpec, written: Path, name: str) -> None:
    sound = cache.read(spec)
    assert sound is not None
    flip_last_byte(written / f"{name}.npy")
    arrays = {each: np.load(written / f"{each}.npy") for each in cache.ARRAYS}
    with pytest.raises(UserError) as caught:
        cache.read(spec)
    assert str(written) in caught.value.problem
    assert f"expected SHA-256 {sound.fingerprint}" in caught.value.problem
    assert f"found {cache.fingerprint(arrays, sound.class_names)}" in caught.value.problem
    assert "data fetch tiny --force" in caught.value.remedy


def test_a_changed_class_name_is_found(spec: DatasetSpec, written: Path) -> None:
    edit_meta(written, class_names=["ant", "bee", "cat", "cow"])
    with pytest.raises(UserError, match="expected SHA-256"):
        cache.read(spec)


def test_pixels_are_not_held_against_the_sum_where_that_is_not_asked(spec: DatasetSpec, written: Path) -> None:
    flip_last_byte(written / "test_images.npy")
    dataset = cache.read(spec, verify=False)
    assert dataset is not None
    assert len(dataset.test_images) == 12


def empty_npy(folder: Path) -> None:
    (folder / "train_images.npy").write_bytes(b"")


def short_npy(folder: Path) -> None:
    path = folder / "train_images.npy"
    path.write_bytes(path.read_bytes()[:-7])


def npy_without_header(folder: Path) -> None:
    (folder / "test_labels.npy").write_bytes(b"no array at all")


def cut_meta(folder: Path) -> None:
    path = folder / "meta.json"
    path.write_text(path.read_text()[:-9])


def meta_of_other_kind(folder: Path) -> None:
    (folder / "meta.json").write_text("[1]")


def meta_not_utf8(folder: Path) -> None:
    (folder / "meta.json").write_bytes(b"\xff\xfe\x00")


def meta_without_sum(folder: Path) -> None:
    (folder / "meta.json").write_text('{"layout": 2, "class_names": [], "source": ""}')


def meta_without_names(folder: Path) -> None:
    edit_meta(folder, class_names=None)


@pytest.mark.parametrize(
    "damage",
    [
        empty_npy,
        short_npy,
        npy_without_header,
        cut_meta,
        meta_of_other_kind,
        meta_not_utf8,
        meta_without_sum,
        meta_without_names,
    ],
)
def test_damage_is_a_users_error_with_a_remedy(
    spec: DatasetSpec, written: Path, damage: Callable[[Path], None]
) -> None:
    damage(written)
    with pytest.raises(UserError, match="is damaged") as caught:
        cache.read(spec)
    assert str(written) in caught.value.problem
    assert "data fetch tiny --force" in caught.value.remedy


def test_the_fingerprint_is_the_documented_sum(make_raw) -> None:
    raw = make_raw()
    arrays = cache.check("tiny", raw)
    text = json.dumps(["ant", "bee", "cat", "dog"]).encode()
    for name, kind in zip(cache.ARRAYS, ("|u1", "<i8", "|u1", "<i8"), strict=True):
        text += f"{name}:{kind}:{arrays[name].shape}".encode() + arrays[name].tobytes()
    assert cache.fingerprint(arrays, raw.class_names) == hashlib.sha256(text).hexdigest()


def test_the_fingerprint_depends_on_values_and_not_on_memory_layout(make_raw) -> None:
    raw = make_raw()
    arrays = cache.check("tiny", raw)
    fortran = {name: np.asfortranarray(array) for name, array in arrays.items()}
    assert cache.fingerprint(fortran, raw.class_names) == cache.fingerprint(arrays, raw.class_names)
    reshaped = {**arrays, "train_images": arrays["train_images"].reshape(40, 6, 5, 1)}
    swapped = {**arrays, "train_images": arrays["train_images"][::-1]}
    renamed = cache.fingerprint(arrays, ("ant", "bee", "cat", "cow"))
    sums = {cache.fingerprint(each, raw.class_names) for each in (arrays, reshaped, swapped)}
    assert len(sums | {renamed}) == 4


def test_strided_arrays_are_kept_as_they_look(spec: DatasetSpec, make_raw) -> None:
    raw = make_raw(train=80)
    strided = dataclasses.replace(
        raw, train_images=raw.train_images[::2].transpose(0, 2, 1, 3), train_labels=raw.train_labels[::2]
    )
    strided = dataclasses.replace(strided, test_images=raw.test_images.transpose(0, 2, 1, 3))
    cache.write(spec, strided)
    dataset = cache.read(spec)
    assert dataset is not None
    assert np.array_equal(dataset.train_images, strided.train_images)


BREACHES: dict[str, tuple[dict[str, Callable[[RawImages], Any]], str]] = {
    "float images": (
        {"train_images": lambda raw: raw.train_images / 255},
        r"train images must be uint8 \(n, h, w, 1 or 3\), got float64",
    ),
    "no channel": ({"test_images": lambda raw: raw.test_images[..., 0]}, r"test images must be .* \(12, 5, 6\)"),
    "two channels": (
        {"train_images": lambda raw: raw.train_images.repeat(2, axis=3)},
        r"train images must be .* \(40, 5, 6, 2\)",
    ),
    "float labels": (
        {"train_labels": lambda raw: raw.train_labels.astype(float)},
        "train labels must be 40 integers, got float64",
    ),
    "truth values": ({"test_labels": lambda raw: raw.test_labels > 0}, "test labels must be 12 integers, got bool"),
    "one-hot labels": (
        {"train_labels": lambda raw: np.eye(4, dtype=int)[raw.train_labels]},
        r"train labels must be 40 integers, got int64 \(40, 4\)",
    ),
    "a label too few": ({"test_labels": lambda raw: raw.test_labels[1:]}, r"test labels must be 12 .* \(11,\)"),
    "a label too high": ({"train_labels": lambda raw: raw.train_labels + 1}, "train labels must lie in 0-3"),
    "a label below zero": ({"test_labels": lambda raw: raw.test_labels - 1}, "test labels must lie in 0-3"),
    "no images": (
        {"test_images": lambda raw: raw.test_images[:0], "test_labels": lambda raw: raw.test_labels[:0]},
        "there are no test images",
    ),
    "other sizes": ({"test_images": lambda raw: raw.test_images[:, 1:]}, "training and test images differ"),
    "other channels": (
        {"test_images": lambda raw: raw.test_images.repeat(3, axis=3)},
        "training and test images differ",
    ),
}


@pytest.mark.parametrize("breach", BREACHES)
def test_a_loader_that_breaks_the_contract_is_refused(
    spec: DatasetSpec, make_raw, cache_root: Path, breach: str
) -> None:
    changes, problem = BREACHES[breach]
    raw = make_raw()
    broken = dataclasses.replace(raw, **{name: change(raw) for name, change in changes.items()})
    with pytest.raises(UserError, match=problem) as caught:
        cache.write(spec, broken)
    assert "'tiny'" in caught.value.problem
    assert not cache_root.exists()
