"""Pictures of any kind made like the images of a data set, each step named.

Decoding a folder of pictures and preparing one for a prediction is the same, by the data set's
:class:`benchmark.specs.Preparation`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from benchmark.errors import UserError
from benchmark.specs import Preparation
from benchmark.utils.format import first_line

# Pillow reads more, some of it by starting other programs.
FORMATS = ("PNG", "JPEG", "MPO", "GIF", "BMP", "DIB", "WEBP", "TIFF", "PPM", "AVIF", "JPEG2000", "ICO", "TGA")
LARGEST_PIXELS = 100_000_000
WORKING_SIDE = 1024  # Pixels; what is larger is averaged down first.
THUMBNAIL_SIDE = 320
# Of 255: the 5 % within which a pixel is like the background in Xiao, Rasul and Vollgraf, "Fashion-MNIST", 2017.
CLOSE = 13
SHARED = 0.8  # Of the images, if they are said to share a background.
EVEN_SHARE = 0.95
DARK, LIGHT = 85, 170
SAMPLE = 1000
EXIF_ORIENTATION = 0x0112
GREY_MODES = ("1", "L", "LA", "I", "I;16", "I;16B", "I;16L", "F")

Content = Path | bytes | np.ndarray  # A file, a file's bytes, or pixels as Pillow takes them.


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


def derive(images: np.ndarray) -> Preparation:
    """What can be seen of how the first of these images, uint8 (n, h, w, c), were prepared.

    The background is the colour that four in five of them have around their edges. On one, a picture is padded;
    photographs, which have none, are cropped.
    """
    edges = np.array([np.median(_border(image), axis=0) for image in images[:SAMPLE]])
    colour = np.median(edges, axis=0).round()
    shared = np.mean((np.abs(edges - colour) <= 2 * CLOSE).all(axis=1)) > SHARED
    background = tuple(int(value) for value in colour) if shared else None
    return Preparation(background=background, aspect="pad" if shared else "crop", derived=True)


def read(path: Path, shape: tuple[int, int, int], preparation: Preparation, invert: bool | None = None) -> Picture:
    """Open a picture and make it like the images of a data set.

    Parameters
    ----------
    path : Path
    shape : tuple of int
        Height, width and channels of the data set's images.
    preparation : Preparation
    invert : bool or None
        None leaves it to the preparation.

    Raises
    ------
    UserError
        If it is not a picture, damaged or too large: one line, without its name.
    """
    steps: list[str] = []
    doubts: list[str] = []
    if not path.exists():
        raise UserError("there is no such file.")
    if not path.is_file():
        raise UserError("it is not a file." if not path.is_dir() else "it is a folder, not a picture.")
    image, (width, height) = _open(path, shape, steps)
    image = _opaque(_eight_bits(image, steps), preparation, steps)
    given = image.convert("RGB")
    given.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    seen = _prepared(image, shape, preparation, invert, steps, doubts)
    size = f"{width} x {height}"
    return Picture(path.name, size, np.asarray(given), seen, tuple(steps or ["taken as it is"]), tuple(doubts))


def pixels(content: Content, shape: tuple[int, int, int], preparation: Preparation) -> np.ndarray:
    """The picture alone, uint8 of ``shape``: the same pixels as :func:`read` gives, without an account of them.

    Raises
    ------
    UserError
        If it is not a picture, damaged or too large: one line, without its name.
    """
    steps: list[str] = []
    image, _ = _open(content, shape, steps)
    return _prepared(_opaque(_eight_bits(image, steps), preparation, steps), shape, preparation, None, steps, None)


def header(content: Content) -> tuple[tuple[int, int], bool]:
    """Height and width of a picture that is turned upright, and whether its format says that it is grey; not decoded.

    Raises
    ------
    UserError
        If it is not a picture.
    """
    with _opened(content) as image:
        turned = image.getexif().get(EXIF_ORIENTATION, 1) in range(5, 9)
        size = (image.width, image.height) if turned else (image.height, image.width)
        return size, image.mode in GREY_MODES


def _prepared(
    image: Image.Image,
    shape: tuple[int, int, int],
    preparation: Preparation,
    invert: bool | None,
    steps: list[str],
    doubts: list[str] | None,
) -> np.ndarray:
    """An opaque picture of 8 bits in the size and channels of the data set's; without ``doubts`` nobody asks."""
    image = _of_channels(image, shape[2], steps)
    if doubts is not None or invert or preparation.invert:
        image = _of_ground(image, preparation, invert, steps, [] if doubts is None else doubts)
    if image.size != (shape[1], shape[0]):
        image = _resized(image, shape, preparation, steps, [] if doubts is None else doubts)
    return np.array(image, dtype=np.uint8).reshape(shape)


def _open(content: Content, shape: tuple[int, int, int], steps: list[str]) -> tuple[Image.Image, tuple[int, int]]:
    """The picture turned upright, and its width and height as it is stored."""
    if isinstance(content, np.ndarray):
        image = Image.fromarray(content)
        return image, image.size
    with _opened(content) as image:
        size = image.size
        if getattr(image, "is_animated", False):
            steps.append("the first of its frames taken")
            image.seek(0)
        # Of large photographs a JPEG decoder need not compute every pixel only to have it averaged away.
        side = max(THUMBNAIL_SIDE, 2 * max(shape[:2]))
        image.draft(image.mode, (side, side))
        image.load()
        if image.getexif().get(EXIF_ORIENTATION, 1) not in range(2, 9):
            return image, size
        steps.append("turned as its EXIF orientation says")
        turned = ImageOps.exif_transpose(image)
        upright = (turned.width > turned.height) == (size[0] > size[1])
        return turned, size if upright else (size[1], size[0])


@contextlib.contextmanager
def _opened(content: Path | bytes | np.ndarray) -> Iterator[Image.Image]:
    """A picture whose header is read, of at most LARGEST_PIXELS; whatever Pillow raises is one line."""
    Image.init()
    formats = [name for name in FORMATS if name in Image.OPEN]
    try:
        if isinstance(content, np.ndarray):
            yield Image.fromarray(content)
            return
        if (isinstance(content, Path) and content.stat().st_size == 0) or content == b"":
            raise UserError("the file is empty.")
        file = io.BytesIO(content) if isinstance(content, bytes) else content
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Of sizes, which are looked at here, and of odd metadata.
            with Image.open(file, formats=formats) as image:
                if image.width * image.height > LARGEST_PIXELS:
                    most = f"{LARGEST_PIXELS // 10**6} million"
                    raise UserError(f"it has more than {most} pixels: {image.width:,} x {image.height:,}.")
                yield image
    except UserError:
        raise
    except Image.DecompressionBombError:
        raise UserError(f"it has more than {LARGEST_PIXELS // 10**6} million pixels.") from None
    except UnidentifiedImageError:
        raise UserError("it is not a picture in a supported format.") from None
    except FileNotFoundError:
        raise UserError("there is no such file.") from None
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


def _opaque(image: Image.Image, preparation: Preparation, steps: list[str]) -> Image.Image:
    """Lay a picture with transparent parts on the data set's background; on white where there is none.

    Where pictures are inverted to be like the background, it is white, or black if what is to be seen is bright itself.
    """
    if not image.has_transparency_data:
        return image
    image = image.convert("RGBA")
    alpha = np.asarray(image.getchannel("A"), dtype=np.float32)
    if alpha.min() == 255:
        return image.convert("RGB")
    background = preparation.background or (255,)
    if preparation.invert:
        grey = np.asarray(image.convert("RGB").convert("L"), dtype=np.float32)
        bright = alpha.any() and float(np.average(grey, weights=alpha)) > 127.5
        background = (0,) if bright else (255,)
    steps.append(f"transparent parts laid on {_colour(background)}")
    ground = Image.new("RGBA", image.size, (*_channels(background, 3), 255))
    return Image.alpha_composite(ground, image).convert("RGB")


def _of_ground(
    image: Image.Image, preparation: Preparation, invert: bool | None, steps: list[str], doubts: list[str]
) -> Image.Image:
    """The picture, inverted if that is asked for, or if its background is the opposite of the data set's."""
    pixels = np.asarray(image.convert("L"), dtype=np.int16)
    level = int(np.median(_border(pixels)))
    wanted = None if preparation.background is None else _word(int(np.mean(preparation.background)))
    opposite = preparation.invert and {wanted, _word(level)} == {"dark", "light"}
    if invert if invert is not None else opposite:
        why = f", for its background is {_word(level)} and the data set's is not: --no-invert leaves it"
        steps.append("inverted" if invert else f"inverted{why}")
        image, level = ImageOps.invert(image), 255 - level
    if wanted not in (None, _word(level)):
        unasked = "" if preparation.invert or invert is not None or _word(level) == "grey" else ": see --invert"
        doubts.append(f"its background is {_word(level)}, that of the data set {wanted}{unasked}")
    if int(pixels.max()) - int(pixels.min()) <= CLOSE:
        doubts.append("there is nothing to see: it is of one brightness")
    return image


def _resized(
    image: Image.Image, shape: tuple[int, int, int], preparation: Preparation, steps: list[str], doubts: list[str]
) -> Image.Image:
    """The picture in the data set's size, as its preparation says."""
    height, width, channels = shape
    extent = 1.0
    if not preparation.trim and image.width * height == image.height * width:
        return _scaled(image, width, height, steps)
    border = _border(np.asarray(image.convert("L"), dtype=np.int16))
    even = np.mean(np.abs(border - int(np.median(border))) <= CLOSE) >= EVEN_SHARE
    if preparation.trim and even:
        image, extent = _trimmed(image, int(np.median(border)), steps), preparation.extent
    elif preparation.trim:
        doubts.append("its background is uneven, so it was not trimmed")
    if preparation.aspect == "crop":
        image = _cropped(image, width / height, steps)
    elif preparation.aspect == "pad":
        # Without a seam, where that is possible and the background is not what the user has chosen.
        own = preparation.background is None or (even and (preparation.trim or preparation.derived))
        edge = np.median(_border(np.asarray(image)), axis=0).reshape(-1) if own else preparation.background or ()
        image = _padded(image, width / height, extent, _channels(tuple(int(v) for v in edge), channels), steps)
    return _scaled(image, width, height, steps)


def _scaled(image: Image.Image, width: int, height: int, steps: list[str]) -> Image.Image:
    verb = "shrunk" if image.width > width else "enlarged" if image.width < width else "resized"
    if image.size != (width, height):
        steps.append(f"{verb} to {width} x {height}")
    return image.resize((width, height), Image.Resampling.BICUBIC)


def _channels(colour: tuple[int, ...], n_channels: int) -> tuple[int, ...]:
    """A colour in another number of channels, grey repeated or averaged."""
    if len(colour) == n_channels:
        return colour
    return (round(sum(colour) / len(colour)),) * n_channels


def _colour(colour: tuple[int, ...]) -> str:
    named: dict[tuple[int, ...], str] = {(0, 0, 0): "black", (255, 255, 255): "white"}
    return named.get(_channels(colour, 3), "the data set's background")


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


def _trimmed(image: Image.Image, level: int, steps: list[str]) -> Image.Image:
    """Without what is like a background of this level around it."""
    box = _box(np.abs(np.asarray(image.convert("L"), dtype=np.int16) - level) > CLOSE)
    if box is None or box == (0, image.height, 0, image.width):
        return image
    steps.append("trimmed to what differs from its background")
    top, bottom, left, right = box
    return image.crop((left, top, right, bottom))


def _cropped(image: Image.Image, ratio: float, steps: list[str]) -> Image.Image:
    """The middle of the picture in this ratio of width to height."""
    width, height = min(image.width, round(image.height * ratio)), min(image.height, round(image.width / ratio))
    if (width, height) == image.size or min(width, height) == 0:
        return image
    steps.append("cropped to its middle")
    left, top = (image.width - width) // 2, (image.height - height) // 2
    return image.crop((left, top, left + width, top + height))


def _padded(image: Image.Image, ratio: float, extent: float, fill: tuple[int, ...], steps: list[str]) -> Image.Image:
    """Centre the picture on a background of this ratio of width to height, of which it takes ``extent``."""
    height = max(image.height, image.width / ratio) / extent
    size = max(image.width, round(height * ratio)), max(image.height, round(height))
    if size == image.size:
        return image
    steps.append("centred on a square" if ratio == 1 else "centred on a background of the data set's ratio")
    padded = Image.new(image.mode, size, fill if image.mode == "RGB" else fill[0])
    padded.paste(image, ((size[0] - image.width) // 2, (size[1] - image.height) // 2))
    return padded
