"""Pictures of every kind, made like the images of a data set: all end as the same shirt, or in one clear line."""

from __future__ import annotations

import dataclasses
import os
import zlib

import numpy as np
import pytest
from PIL import Image, ImageDraw

from benchmark.data import pictures
from benchmark.errors import UserError
from benchmark.specs import Preparation

GREY, COLOUR = (28, 28, 1), (32, 32, 3)
DARK = Preparation(background=(0,), trim=True, invert=True)  # As Fashion-MNIST was made.
OUTLINE = ((0.3, 0.1), (0.42, 0.1), (0.5, 0.18), (0.58, 0.1), (0.7, 0.1), (0.95, 0.38), (0.8, 0.48), (0.7, 0.36))
OUTLINE += ((0.7, 0.9), (0.3, 0.9), (0.3, 0.36), (0.2, 0.48), (0.05, 0.38))


def shirt(size=(300, 300), fill="black", background="white", mode="RGB", box=(0.0, 0.0, 1.0, 1.0)) -> Image.Image:
    """A shirt within ``box``, which is left, top, width and height as shares of the picture."""
    image = Image.new(mode, size, background)
    left, top, width, height = box
    points = [((left + x * width) * size[0], (top + y * height) * size[1]) for x, y in OUTLINE]
    ImageDraw.Draw(image).polygon(points, fill=fill)
    return image


@pytest.fixture
def read(tmp_path):
    def save_and_read(image, name="shirt.png", shape=GREY, preparation=DARK, invert=None, **options):
        image.save(tmp_path / name, **options)
        return pictures.read(tmp_path / name, shape, preparation, invert)

    return save_and_read


@pytest.fixture
def expected(read):
    return read(shirt()).seen


def turned(orientation: int) -> dict:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return {"exif": exif}


def sixteen_bits(image: Image.Image) -> Image.Image:
    return Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257)


KINDS = {
    "light on dark": (lambda: shirt(fill="white", background="black"), "shirt.png", {}, ""),
    "colour": (lambda: shirt(fill=(10, 0, 30)), "shirt.png", {}, "grey by luminance"),
    "one bit": (lambda: shirt().convert("1"), "shirt.png", {}, ""),
    "grey": (lambda: shirt().convert("L"), "shirt.jpg", {}, ""),
    "16 bits": (lambda: sixteen_bits(shirt()), "shirt.png", {}, "16 bits made 8"),
    "16 bits TIFF": (lambda: sixteen_bits(shirt()), "shirt.tif", {}, "16 bits made 8"),
    "float": (lambda: shirt().convert("L").convert("F"), "shirt.tif", {}, "numbers from 0 to 255"),
    "palette": (lambda: shirt().convert("P"), "shirt.gif", {}, ""),
    "alpha": (lambda: shirt((300, 300), (0, 0, 0, 255), (0, 0, 0, 0), "RGBA"), "shirt.png", {}, "laid on white"),
    "bright alpha": (lambda: shirt((300, 300), (255,) * 4, (0, 0, 0, 0), "RGBA"), "shirt.png", {}, "laid on black"),
    "grey alpha": (lambda: shirt((300, 300), (0, 255), (255, 0), "LA"), "shirt.png", {}, "laid on white"),
    "CMYK": (lambda: shirt().convert("CMYK"), "shirt.jpg", {"quality": 95}, "converted from CMYK"),
    "huge": (lambda: shirt((4000, 3000), box=(0.1, 0.1, 0.6, 0.8)), "shirt.jpg", {}, "shrunk to 28 x 28"),
    "wide": (lambda: shirt((900, 300), box=(0.5, 0.0, 1 / 3, 1.0)), "shirt.png", {}, "trimmed"),
    "turned by EXIF": (lambda: shirt().rotate(90), "shirt.jpg", turned(6), "EXIF"),
    "turned half by EXIF": (lambda: shirt().rotate(180), "shirt.jpg", turned(3), "EXIF"),
    "animated": (
        lambda: shirt(),
        "shirt.gif",
        {"save_all": True, "append_images": [shirt(fill="red")], "duration": 50},
        "first of its frames",
    ),
    "webp": (lambda: shirt(), "shirt.webp", {"lossless": True}, ""),
    "bmp": (lambda: shirt(), "shirt.bmp", {}, ""),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_becomes_the_same_shirt(read, expected, kind):
    make, name, options, step = KINDS[kind]
    found = read(make(), name, **options)
    assert (found.seen.dtype, found.seen.shape) == (np.uint8, GREY)
    assert np.mean(np.abs(found.seen.astype(int) - expected)) < 12
    assert step in "; ".join(found.steps)
    assert found.doubts == ()
    assert found.given.ndim == 3
    assert max(found.given.shape) <= pictures.THUMBNAIL_SIDE


def test_a_transparent_colour_of_a_palette_is_ground(read, expected):
    image = shirt(background="lime").convert("P")
    found = read(image, "shirt.gif", transparency=image.getpixel((0, 0)))
    assert "transparent parts laid on white" in found.steps
    assert np.mean(np.abs(found.seen.astype(int) - expected)) < 12


def test_the_shirt_is_bright_on_black_and_fills_the_image(expected):
    assert expected[:, :, 0].max() > 240
    assert expected[0, 0, 0] == expected[-1, 0, 0] == 0
    rows, columns = np.nonzero(expected[:, :, 0] > 128)
    assert max(np.ptp(rows), np.ptp(columns)) >= 25


@pytest.mark.parametrize("size", [(1, 1), (2, 1), (1, 500), (3, 3), (8, 8)])
def test_tiny_and_thin_pictures_are_taken(read, size):
    assert read(shirt(size)).seen.shape == GREY


def test_one_brightness_is_told(read):
    assert "there is nothing to see" in read(Image.new("RGB", (50, 50), "white")).doubts[0]


def test_an_image_of_the_data_set_is_left_alone(read):
    pixels = np.random.default_rng(0).integers(0, 255, (28, 28), dtype=np.uint8)
    pixels[[0, -1]] = pixels[:, [0, -1]] = 0
    found = read(Image.fromarray(pixels))
    assert np.array_equal(found.seen[:, :, 0], pixels)
    assert found.steps == ("taken as it is",)


def test_inverting_is_as_asked_and_told(read, expected):
    dark, light = shirt(fill="white", background="black"), shirt()
    assert "inverted, for its background is light" in "; ".join(read(light).steps)
    assert not any("inverted" in step for step in read(dark).steps)
    kept = read(light, invert=False)
    assert kept.seen[0, 0, 0] > 250
    assert kept.doubts == ("its background is light, that of the data set dark",)
    assert read(dark, invert=True).doubts == kept.doubts
    assert np.array_equal(read(light, invert=True).seen, expected)
    assert read(dark, preparation=dataclasses.replace(DARK, background=(255,))).seen[0, 0, 0] > 250


def test_a_grey_ground_is_not_inverted_and_doubted(read):
    found = read(shirt(background=(128, 128, 128)))
    assert not any("inverted" in step for step in found.steps)
    assert found.doubts == ("its background is grey, that of the data set dark",)


def test_an_uneven_ground_is_not_trimmed_and_doubted(read):
    noise = Image.fromarray(np.random.default_rng(0).integers(180, 255, (300, 300, 3), dtype=np.uint8))
    noise.paste(shirt((100, 100)), (100, 100))
    found = read(noise)
    assert not any("trimmed" in step for step in found.steps)
    assert "uneven" in found.doubts[0]


# What the loader of a data set of colour pictures on white leaves unsaid is seen from its images.
WHITE = Preparation(background=(255, 255, 255), derived=True)


def test_nothing_is_inverted_unless_the_data_set_or_the_user_asks(read):
    found = read(shirt(fill="yellow", background="black"), shape=COLOUR, preparation=WHITE)
    assert found.seen[16, 16].tolist() == [255, 255, 0]
    assert found.doubts == ("its background is dark, that of the data set light: see --invert",)
    assert read(shirt(fill="yellow"), shape=COLOUR, preparation=WHITE).doubts == ()
    assert read(shirt(fill="yellow"), shape=COLOUR, preparation=WHITE, invert=True).seen[16, 16].tolist() == [0, 0, 255]


@pytest.mark.parametrize("background", [(255, 255, 255), (0, 0, 0), (200, 30, 30), None])
def test_transparency_is_laid_on_the_background_of_the_data_set(read, background):
    image = shirt((300, 300), (255, 255, 0, 255), (0, 0, 0, 0), "RGBA")
    found = read(image, shape=COLOUR, preparation=Preparation(background=background))
    assert found.seen[0, 0].tolist() == list(background or (255, 255, 255))
    assert found.seen[16, 16].tolist() == [255, 255, 0]
    assert "transparent parts laid on" in found.steps[0]


def test_colours_stay_for_a_data_set_in_colour(read):
    found = read(shirt(fill="red"), shape=COLOUR, preparation=Preparation())
    assert found.seen.shape == COLOUR
    assert found.seen[16, 16].tolist() == [255, 0, 0]
    assert read(shirt().convert("L"), shape=COLOUR, preparation=Preparation()).seen.shape == COLOUR


@pytest.mark.parametrize(
    ("aspect", "step", "middle_row"),
    [
        ("pad", "centred on a square", [0] * 8 + [200] * 16 + [0] * 8),
        ("crop", "cropped to its middle", [200] * 32),
        ("stretch", "shrunk to 32 x 32", [200] * 32),
    ],
)
def test_another_ratio_of_width_to_height_is_made_to_fit_as_the_data_set_says(read, aspect, step, middle_row):
    image = Image.new("L", (400, 800), 200)
    image.paste(90, (0, 0, 400, 100))  # Uneven, so that padding takes the background.
    found = read(image, shape=(32, 32, 1), preparation=Preparation(background=(0,), aspect=aspect))
    assert np.abs(found.seen[16, :, 0].astype(int) - middle_row).max() <= 30
    assert (found.seen[0, 16, 0] < 120) == (aspect != "crop")
    assert found.steps[0] == step


def test_an_even_border_is_continued_without_a_seam(read):
    found = read(shirt((900, 300), "red", (250, 250, 240)), shape=COLOUR, preparation=WHITE)
    assert found.seen[0, 16].tolist() == found.seen[16, 0].tolist() == [250, 250, 240]


def test_the_margin_is_that_of_the_data_set(read):
    half = dataclasses.replace(DARK, extent=0.5)
    rows = np.flatnonzero(read(shirt(), preparation=half).seen[:, :, 0].max(axis=1) > 128)
    assert 12 <= np.ptp(rows) + 1 <= 15


@pytest.mark.parametrize("colour", [(0,), (255,), (128,), (255, 255, 255), (10, 200, 60)])
def test_the_background_of_a_data_set_is_seen(colour):
    images = np.full((20, 20, 20, len(colour)), colour, dtype=np.uint8)
    images[:, 5:15, 8:12] += 120
    assert pictures.derive(images) == Preparation(background=colour, aspect="pad", derived=True)


def test_photographs_have_no_background_and_are_cropped():
    images = np.random.default_rng(0).integers(0, 256, (40, 1, 1, 3), dtype=np.uint8).repeat(20, 1).repeat(20, 2)
    assert pictures.derive(images) == Preparation(background=None, aspect="crop", derived=True)


@pytest.mark.parametrize(
    "wrong",
    [
        {"background": (256,)},
        {"background": (1, 2)},
        {"background": (True,)},
        {"aspect": "squash"},
        {"extent": 0.09},
        {"extent": "half"},
    ],
)
def test_a_preparation_that_is_none_is_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Preparation(**wrong)


def bad(tmp_path, kind: str):
    path = tmp_path / "bad.png"
    shirt().save(tmp_path / "good.png")
    content = (tmp_path / "good.png").read_bytes()
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "bomb":
        size = (20_000, 20_000)
        header = content[:16] + size[0].to_bytes(4, "big") + size[1].to_bytes(4, "big") + content[24:29]
        path.write_bytes(header + zlib.crc32(header[12:29]).to_bytes(4, "big") + content[33:])
    elif kind != "missing":
        made = {"empty": b"", "text": b"hello", "cut": content[: len(content) // 2], "header": content[:33]}
        path.write_bytes({**made, "eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"}[kind])
    return path


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("missing", "there is no such file"),
        ("folder", "it is a folder"),
        ("pipe", "it is not a file"),
        ("empty", "the file is empty"),
        ("text", "not a picture in a supported format"),
        ("eps", "not a picture in a supported format"),
        ("cut", "it is damaged"),
        ("header", "not a picture in a supported format"),
        ("bomb", "million"),
    ],
)
def test_what_is_no_picture_is_told_in_one_line(tmp_path, kind, message):
    with pytest.raises(UserError, match=message) as caught:
        pictures.read(bad(tmp_path, kind), GREY, DARK, None)
    assert "\n" not in str(caught.value)
