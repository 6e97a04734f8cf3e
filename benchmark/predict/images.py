"""Pictures of any kind prepared like the images of a data set, each step named.

The steps are those by which Fashion-MNIST was made of photographs (Xiao, Rasul and Vollgraf, "Fashion-MNIST", 2017):
trim what is like the background, shrink, centre, negate, make grey. Where the background is light and the data set's
dark, or the other way round, a picture is inverted.
"""

from __future__ import annotations

import dataclasses
import warnings
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from benchmark.errors import UserError
from benchmark.utils.format import first_line

Ground = Literal["dark", "light"]
# Pillow reads more, some of it by starting other programs.
FORMATS = ("PNG", "JPEG", "MPO", "GIF", "BMP", "DIB", "WEBP", "TIFF", "PPM", "AVIF", "JPEG2000", "ICO", "TGA")
LARGEST_PIXELS = 100_000_000
WORKING_SIDE = 1024  # Pixels; what is larger is averaged down first.
THUMBNAIL_SIDE = 320
CLOSE = 13  # Of 255: the paper's 5 % within which a pixel is like the background.
EVEN_SHARE = 0.95
DARK, LIGHT = 85, 170
SAMPLE = 1000
EXIF_ORIENTATION = 0x0112


@dataclasses.dataclass(frozen=True)
class Style:
    """What a data set's images are like: the background if they share one, and how much of the longer side is taken."""

    background: Ground | None
    extent: float = 1.0

    @classmethod
    def of(cls, images: np.ndarray) -> Style:
        """From the first images, uint8 (n, h, w, c); four in five must have the same background."""
        grey = images[:SAMPLE].mean(axis=3)
        border = np.array([np.median(_border(image)) for image in grey])
        if np.mean(border <= 2 * CLOSE) > 0.8:
            background, distance = "dark", grey
        elif np.mean(border >= 255 - 2 * CLOSE) > 0.8:
            background, distance = "light", 255 - grey
        else:
            return cls(None)
        boxes = [_box(image > CLOSE) for image in distance]
        sides = [max(bottom - top, right - left) for top, bottom, left, right in filter(None, boxes)]
        extent = float(np.median(sides)) / max(images.shape[1:3]) if sides else 1.0
        return cls("dark" if background == "dark" else "light", extent)


@dataclasses.dataclass(frozen=True)
class Picture:
    """A picture as given and as the model sees it.

    ``given`` is uint8 (h, w, 3), reduced to be shown; ``seen`` is uint8 of the data set's shape; ``steps`` say in
    words how the one became the other, ``doubts`` what may be wrong with it.
    """

    name: str
    size: str
    given: np.ndarray
    seen: np.ndarray
    steps: tuple[str, ...]
    doubts: tuple[str, ...]


def read(path: Path, shape: tuple[int, int, int], style: Style | None, invert: bool | None) -> Picture:
    """Open a picture and make it like the images of a data set.

    Parameters
    ----------
    path : Path
    shape : tuple of int
        Height, width and channels of the data set's images.
    style : Style or None
        None if the data set is not decoded here.
    invert : bool or None
        None leaves it to the grounds of picture and data set.

    Raises
    ------
    UserError
        If it is not a picture, damaged or too large: one line, without its name.
    """
    steps: list[str] = []
    image = _open(path, steps)
    size = f"{image.width} x {image.height}"
    image = _opaque(_eight_bits(image, steps), steps)
    given = image.convert("RGB")
    given.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    image = _of_channels(image, shape[2], steps)
    doubts: list[str] = []
    seen = _like(image, shape, style, invert, steps, doubts)
    return Picture(path.name, size, np.asarray(given), seen, tuple(steps), tuple(doubts))


def _open(path: Path, steps: list[str]) -> Image.Image:
    if not path.exists():
        raise UserError("there is no such file.")
    if not path.is_file():
        raise UserError("it is not a file." if not path.is_dir() else "it is a folder, not a picture.")
    if path.stat().st_size == 0:
        raise UserError("the file is empty.")
    Image.init()
    formats = [name for name in FORMATS if name in Image.OPEN]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Of sizes, which are looked at here, and of odd metadata.
            with Image.open(path, formats=formats) as image:
                if image.width * image.height > LARGEST_PIXELS:
                    most = f"{LARGEST_PIXELS // 10**6} million"
                    raise UserError(f"it has {image.width:,} x {image.height:,} pixels, more than {most}.")
                if getattr(image, "is_animated", False):
                    steps.append("the first of its frames taken")
                    image.seek(0)
                image.load()
                if image.getexif().get(EXIF_ORIENTATION, 1) in range(2, 9):
                    steps.append("turned as its EXIF orientation says")
                return ImageOps.exif_transpose(image)
    except UserError:
        raise
    except Image.DecompressionBombError:
        raise UserError(f"it has more than {LARGEST_PIXELS // 10**6} million pixels.") from None
    except UnidentifiedImageError:
        raise UserError("it is not a picture in a supported format.") from None
    except PermissionError:
        raise UserError("it may not be read.") from None
    except Exception as error:  # Pillow raises what it likes of damaged files.
        raise UserError(f"it is damaged: {first_line(error)}.") from error


def _of_channels(image: Image.Image, channels: int, steps: list[str]) -> Image.Image:
    """The picture in mode L or RGB, of at most about WORKING_SIDE pixels a side."""
    wanted = "L" if channels == 1 else "RGB"
    if image.mode not in ("1", "L", "RGB"):
        if image.mode != "P":
            steps.append(f"converted from {image.mode}")
        image = image.convert("RGB")
    if image.mode != wanted:
        if image.mode == "RGB":
            steps.append("made grey by luminance")
        elif wanted == "RGB":
            steps.append("grey repeated as red, green and blue")
        image = image.convert(wanted)
    factor = max(image.size) // WORKING_SIDE
    return image.reduce(factor) if factor > 1 else image


def _eight_bits(image: Image.Image, steps: list[str]) -> Image.Image:
    if not image.mode.startswith(("I", "F")):
        return image
    values = np.nan_to_num(np.asarray(image, dtype=np.float64))
    low, high = float(values.min()), float(values.max())
    if image.mode.startswith("I") and low >= 0 and high <= 65535:
        steps.append("16 bits made 8")
        scaled = values / 257
    else:
        steps.append(f"numbers from {low:.4g} to {high:.4g} stretched to 8 bits")
        scaled = (values - low) / (high - low) * 255 if high > low else values * 0
    return Image.fromarray(scaled.round().astype(np.uint8))


def _opaque(image: Image.Image, steps: list[str]) -> Image.Image:
    """Lay a picture with transparent parts on white, or on black if what is to be seen is bright itself."""
    if not image.has_transparency_data:
        return image
    image = image.convert("RGBA")
    alpha = np.asarray(image.getchannel("A"), dtype=np.float32)
    if alpha.min() == 255:
        return image.convert("RGB")
    grey = np.asarray(image.convert("RGB").convert("L"), dtype=np.float32)
    bright = alpha.any() and float(np.average(grey, weights=alpha)) > 127.5
    background = "black" if bright else "white"
    steps.append(f"transparent parts laid on {background}")
    return Image.alpha_composite(Image.new("RGBA", image.size, background), image).convert("RGB")


def _like(
    image: Image.Image,
    shape: tuple[int, int, int],
    style: Style | None,
    invert: bool | None,
    steps: list[str],
    doubts: list[str],
) -> np.ndarray:
    height, width, channels = shape
    pixels = np.asarray(image.convert("L"), dtype=np.int16)
    border = _border(pixels)
    level = int(np.median(border))
    if invert if invert is not None else _opposite(level, style, doubts):
        why = f", for its background is {_word(level)} and the data set's is not: --no-invert leaves it"
        steps.append("inverted" if invert else f"inverted{why}")
        image, pixels, border, level = ImageOps.invert(image), 255 - pixels, 255 - border, 255 - level
    if style is not None and style.background not in (None, _word(level)):
        doubts.append(f"its background is {_word(level)} now, that of the data set {style.background}")
    if int(pixels.max()) - int(pixels.min()) <= CLOSE:
        doubts.append("there is nothing to see: it is of one brightness")
    if image.size != (width, height):
        fill = tuple(int(value) for value in np.median(_border(np.asarray(image)), axis=0).reshape(-1))
        extent = 1.0
        if style is not None and style.background is not None:
            if np.mean(np.abs(border - level) <= CLOSE) >= EVEN_SHARE:
                image = _trimmed(image, np.abs(pixels - level) > CLOSE, steps)
                extent = style.extent
            else:
                doubts.append("its background is uneven, so it was not trimmed")
        image = _squared(image, width / height, extent, fill, steps)
        verb = "shrunk" if image.width > width else "enlarged" if image.width < width else ""
        if verb:
            steps.append(f"{verb} to {width} x {height}")
        image = image.resize((width, height), Image.Resampling.BICUBIC)
    if not steps:
        steps.append("taken as it is")
    return np.array(image, dtype=np.uint8).reshape(height, width, channels)


def _opposite(level: int, style: Style | None, doubts: list[str]) -> bool:
    """Whether a picture with this background must be inverted to be like the data set's images."""
    if style is None:
        doubts.append("whether to invert it is not known, because the data set is not decoded here: see --invert")
    if style is None or style.background is None:
        return False
    return _word(level) != style.background and _word(level) != "grey"


def _word(level: int) -> str:
    return "dark" if level < DARK else "light" if level > LIGHT else "grey"


def _border(pixels: np.ndarray) -> np.ndarray:
    """The outermost pixels, (n,) or (n, channels)."""
    return np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])


def _box(mask: np.ndarray) -> tuple[int, int, int, int] | None:
    """Top, bottom, left and right of what is true, the second and fourth beyond it."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return None
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1


def _trimmed(image: Image.Image, differs: np.ndarray, steps: list[str]) -> Image.Image:
    box = _box(differs)
    if box is None or box == (0, image.height, 0, image.width):
        return image
    steps.append("trimmed to what differs from its background")
    top, bottom, left, right = box
    return image.crop((left, top, right, bottom))


def _squared(image: Image.Image, ratio: float, extent: float, fill: tuple[int, ...], steps: list[str]) -> Image.Image:
    """Centre the picture on its background, of the data set's ratio of width to height and with its margin."""
    height = max(image.height, image.width / ratio) / extent
    size = max(image.width, round(height * ratio)), max(image.height, round(height))
    if size == image.size:
        return image
    steps.append("centred on a square" if ratio == 1 else "centred on a background of the data set's ratio")
    squared = Image.new(image.mode, size, fill if image.mode == "RGB" else fill[0])
    squared.paste(image, ((size[0] - image.width) // 2, (size[1] - image.height) // 2))
    return squared
