"""Pictures of every kind are brought to one size and number of channels; what cannot be decoded is named."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmark import registry
from benchmark.data import load
from benchmark.data.own import decode
from benchmark.data.own.items import Item, Pixels
from benchmark.errors import UserError
from benchmark.specs import Preparation


def items_of(make, n: int, bad: set[int] = frozenset(), size=(12, 12)) -> list[Item]:
    return [
        Item(f"{place}.png", make.file(f"{place}.png", b"damaged" if place in bad else make.png(place, size)), "x")
        for place in range(n)
    ]


def decoded(items, tmp_path, shape=(12, 12, 3), advance=lambda n: None) -> decode.Decoded:
    return decode.decode(items, shape, Preparation(), tmp_path / "images.npy", advance)


def test_pictures_of_one_small_size_stay_as_they_are(make, read):
    found = read(make.folder(size=(20, 9)))
    assert found.dataset.train_images.shape[1:] == (9, 20, 3)
    assert (found.images["dogs/04.png"] == make.pixels(14, (20, 9))).all()
    assert "all are of 20 x 9 pixels, which stay as they are" in found.choices


@pytest.mark.parametrize(("size", "side"), [((64, 64), 64), ((65, 65), 64), ((90, 40), 64)])
def test_pictures_larger_than_that_are_scaled(make, read, size, side):
    found = read(make.folder(n=6, size=size))
    assert found.dataset.train_images.shape[1:3] == (side, side)
    assert ("stay as they are" in found.choices) == (size == (64, 64))
    assert ("see --size" in found.choices) == (size != (64, 64))


def test_pictures_of_several_sizes_are_scaled(make, read):
    make.folder()
    make.file("photos/cats/10.png", make.png(50, (13, 12)))
    found = read(make.root / "photos")
    assert found.dataset.train_images.shape[1:] == (64, 64, 3)
    assert len(found.names) == 21


@pytest.mark.parametrize("size", [8, 40])
def test_the_user_chooses_the_size(make, read, size):
    found = read(make.folder(n=6), size=size)
    assert found.dataset.train_images.shape[1:] == (size, size, 3)
    assert f"scaled to {size} x {size} pixels" in found.choices
    assert "as --size says" in found.choices


@pytest.mark.parametrize(
    ("background", "level"), [(None, 90), ("white", 255), ("black", 0), ("grey", 128), ("#405060", (64, 80, 96))]
)
def test_what_is_not_square_is_padded_with_its_own_edge_or_the_background(make, read, background, level):
    """Noise within an uneven edge, whose colour in the middle is 90."""
    make.folder(n=6)
    picture = np.full((10, 40, 3), 90, np.uint8)
    picture[0, :12], picture[2:8, 2:38] = 200, make.pixels(50, (36, 6))
    make.file("photos/cats/wide.png", make.encoded(picture))
    image = read(make.root / "photos", size=40, background=background).images["cats/wide.png"]
    assert (image[:14] == level).all()
    assert (image[26:] == level).all()
    assert (image[15:25] == picture).all()


def test_the_background_is_beside_a_picture_with_an_even_edge_too(make, read):
    make.folder(n=6)
    picture = np.full((10, 40, 3), 255, np.uint8)
    picture[2:8, 2:38] = make.pixels(50, (36, 6))
    make.file("photos/cats/wide.png", make.encoded(picture))
    image = read(make.root / "photos", size=40, background="black").images["cats/wide.png"]
    assert (image[:14] == 0).all()


def test_nothing_of_a_picture_is_cut_off(make, read):
    make.folder(n=6)
    picture = np.zeros((10, 40, 3), np.uint8)
    picture[:, :3], picture[:, -3:] = (255, 0, 0), (0, 255, 0)
    make.file("photos/cats/wide.png", make.encoded(picture))
    image = read(make.root / "photos", size=40, background="black").images["cats/wide.png"]
    assert image[20, 1].tolist() == [255, 0, 0]
    assert image[20, -2].tolist() == [0, 255, 0]


def test_a_large_picture_is_averaged_down(make, read):
    make.folder(n=6)
    stripes = np.tile(np.array([0, 255], np.uint8), (300, 150))
    make.file("photos/cats/large.png", make.encoded(np.dstack([stripes] * 3)))
    image = read(make.root / "photos").images["cats/large.png"]
    assert 115 < image.mean() < 140
    assert image.std() < 30


def test_grey_pictures_are_of_one_channel(make, read):
    found = read(make.folder(channels=1))
    assert found.dataset.train_images.shape[1:] == (12, 12, 1)
    assert (found.images["cats/02.png"][..., 0] == make.pixels(2, channels=1)).all()
    assert found.dataset.preparation.background is None
    assert "grey; " in found.choices


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "CMYK"])
def test_grey_pictures_of_a_format_for_colour_are_of_one_channel_too(make, read, mode):
    for label in ("cats", "dogs"):
        for number in range(8):
            picture = make.image(number + 100 * (label == "dogs"), channels=1).convert(mode)
            make.file(f"photos/{label}/{number}.tif", make.encoded(picture, "TIFF"))
    found = read(make.root / "photos", background="#ff0000")
    assert found.dataset.train_images.shape[3] == 1
    assert (found.images["cats/3.tif"][..., 0] == make.pixels(3, channels=1)).all()
    assert found.dataset.preparation.background == (85,)


def test_one_coloured_pixel_makes_all_coloured(make, read):
    make.folder(channels=1)
    picture = np.dstack([make.pixels(50, channels=1)] * 3)
    picture[5, 5] = 255, 0, 0
    make.file("photos/cats/10.png", make.encoded(picture))
    found = read(make.root / "photos")
    assert found.dataset.train_images.shape[3] == 3
    assert (found.images["cats/02.png"] == make.pixels(2, channels=1)[..., None]).all()


def test_the_size_is_that_of_pictures_turned_upright(make, read):
    """A camera stores all of them alike and says how it was held."""
    for label in ("cats", "dogs"):
        for number in range(8):
            exif = Image.Exif()
            exif[0x0112] = 6 if number % 2 else 1
            picture = make.image(number + 100 * (label == "dogs"), (16, 12))
            picture = picture.transpose(Image.Transpose.ROTATE_90) if number % 2 else picture
            make.file(f"photos/{label}/{number}.png", make.encoded(picture, exif=exif))
    found = read(make.root / "photos")
    assert found.dataset.train_images.shape[1:] == (12, 16, 3)
    assert (found.images["cats/3.png"] == make.pixels(3, (16, 12))).all()


def test_how_pictures_were_prepared_is_kept_for_predictions(make, read):
    preparation = read(make.folder(), background="#102030").dataset.preparation
    assert preparation == Preparation(background=(16, 32, 48), aspect="pad", derived=False)


@pytest.mark.parametrize("bad", [set(), {0}, {3}, {2, 3, 4}, {6}, set(range(7))])
@pytest.mark.parametrize("chunk", [1, 3, 64])
def test_what_is_skipped_shifts_no_other_picture(make, tmp_path, monkeypatch, bad, chunk):
    monkeypatch.setattr(decode, "CHUNK", chunk)
    told = []
    found = decoded(items_of(make, 7, bad), tmp_path, advance=told.append)
    good = [place for place in range(7) if place not in bad]
    assert found.kept.tolist() == good
    assert found.images.shape == (len(good), 12, 12, 3)
    for image, place in zip(found.images, good, strict=True):
        assert (image == make.pixels(place)).all()
    assert {one.where for one in found.skipped} == {f"{place}.png" for place in bad}
    assert sum(told) == 7


def test_several_processes_give_the_same_images(make, tmp_path, monkeypatch):
    items = items_of(make, 12, {5})
    expected = decoded(items, tmp_path)
    monkeypatch.setattr(decode, "CHUNK", 4)
    monkeypatch.setattr(decode, "FEW", 1)
    found = decoded(items, make.root)
    assert (found.images == expected.images).all()
    assert found.kept.tolist() == expected.kept.tolist()
    assert found.skipped == expected.skipped


class Deadly:
    """Ends the process that gets it."""

    def __reduce__(self):
        return os._exit, (3,)


class Fatal:
    """A picture that its decoder does not survive."""

    where, content = "fatal.png", Path("fatal.png")

    def fetch(self):
        return Deadly()


def test_a_decoder_that_ends_its_process_is_told(make, tmp_path, monkeypatch):
    monkeypatch.setattr(decode, "FEW", 1)
    with pytest.raises(UserError, match="A process ended while it decoded a picture") as caught:
        decoded([*items_of(make, 3), Fatal()], tmp_path)
    assert caught.value.remedy


def test_arrays_of_the_right_size_are_taken_as_they_are(tmp_path, monkeypatch):
    """However many there are: no process is started for them, and Pillow is not asked."""
    monkeypatch.setattr(decode, "FEW", 1)
    monkeypatch.setattr(decode.joblib, "Parallel", None)
    monkeypatch.setattr(decode.pictures, "pixels", None)
    images = np.random.default_rng(0).integers(0, 256, (9, 6, 5), dtype=np.uint8)
    found = decoded([Item(str(row), Pixels(images, row), "x") for row in range(9)], tmp_path, (6, 5, 1))
    assert (found.images[..., 0] == images).all()


@pytest.mark.parametrize(
    ("images", "without"),
    [
        (np.full((3, 2, 2, 3), 7, np.uint8), True),
        (np.arange(36, dtype=np.uint8).reshape(3, 2, 2, 3), False),
        (np.zeros((1500, 1, 1, 3), np.uint8), True),
        (np.zeros((3, 2, 2, 1), np.uint8), False),
        (np.zeros((0, 2, 2, 3), np.uint8), True),
    ],
)
def test_colour_that_is_none_is_seen(images, without):
    assert decode.without_colour(images) == without


def test_colour_in_the_last_picture_is_seen():
    images = np.zeros((1500, 1, 1, 3), np.uint8)
    images[-1, 0, 0, 2] = 1
    assert not decode.without_colour(images)


def test_a_small_share_may_be_skipped_and_each_picture_is_named(make, read):
    make.folder()
    make.file("photos/cats/10.png", b"damaged")
    found = read(make.root / "photos")
    assert found.skipped == {"cats/10.png": "it is not a picture in a supported format"}
    assert "skipped: 1 picture (it is not a picture in a supported format): cats/10.png" in found.choices


def test_more_than_that_is_refused_with_reasons_and_files_unless_it_is_allowed(make, read, refused):
    make.folder()
    for number in range(3):
        make.file(f"photos/cats/1{number}.png", b"damaged" if number else b"")
    error = refused(make.root / "photos", "3 pictures of 23", "the file is empty", "cats/10.png", "cats/12.png")
    assert "--allow-skipped" in error.remedy
    found = read(make.root / "photos", allow_skipped=True)
    assert len(found.skipped) == 3
    assert len(found.names) == 20


def test_exactly_a_twentieth_may_be_skipped(make, read, refused):
    make.folder(n=19)
    for number in range(2):
        make.file(f"photos/cats/bad{number}.png", b"damaged")
    assert len(read(make.root / "photos").skipped) == 2  # Of 40.
    make.file("photos/cats/bad2.png", b"damaged")
    refused(make.root / "photos", "3 pictures of 41")


@pytest.mark.parametrize("label", ["cats", "*"])
def test_that_no_picture_of_a_class_can_be_decoded_is_told(make, refused, label):
    place = make.folder()
    for path in place.glob(f"{label}/*.png"):
        path.write_bytes(b"damaged")
    refused(place, "cats/00.png", allow_skipped=True)


def test_progress_goes_from_the_first_picture_to_the_last(make):
    told: list[tuple[str, int, int]] = []
    spec = registry.dataset(make.folder())
    load.prepare(spec, progress=lambda what, done, total: told.append((what, done, total)))
    steps = list(dict.fromkeys(what for what, _, _ in told))
    assert steps == ["decoding pictures", "looking for near duplicates"]
    for step in steps:
        done = [(done, total) for what, done, total in told if what == step]
        assert done == sorted(done)
        assert done[-1][0] == done[-1][1] > 0


def test_without_room_there_is_one_line_and_nothing_is_left(make, refused, monkeypatch, cache_root):
    """Writing to a mapped file on a full disk would end the process."""

    def full(descriptor, start, length):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full, raising=False)
    refused(make.folder(), "There is no room to decode the pictures", "BENCHMARK_CACHE_DIR")
    assert list((cache_root / "decoded").iterdir()) == []


def test_what_a_killed_process_has_left_is_removed(make, read, cache_root):
    for owner in (2**22 + 1, os.getpid()):  # No process can have the first number.
        (cache_root / f"decoded/.reading-{owner}-x").mkdir(parents=True)
    read(make.folder())
    assert [left.name for left in (cache_root / "decoded").glob(".reading-*")] == [f".reading-{os.getpid()}-x"]
