"""Everything odd that lies in people's folders, each made here: read rightly, skipped and named, refused, or ignored.

Each oddity comes to twenty sound pictures of cats and dogs, of which it must not change one.
"""

from __future__ import annotations

import dataclasses
import gzip
import os
import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, features

SOUND = {f"{label}/{number:02}.png" for label in ("cats", "dogs") for number in range(10)}
SEED = 4242  # Of the odd picture.
WHITE, BLACK = (255, 255, 255), (0, 0, 0)


@dataclasses.dataclass(frozen=True)
class Odd:
    """An oddity: ``put`` makes it in a folder of sound pictures, ``outcome`` says what must become of it.

    ``put`` may return another path to read than the folder. ``outcome`` gets the fixtures and that path.
    """

    name: str
    put: Callable[..., Path | None]
    outcome: Callable[..., None]
    marks: Any = ()


# What becomes of it


def decoded(expected, tolerance: int = 0, **options):
    """One more picture, of these pixels: uint8 (h, w, 3), or a function of ``make`` that gives them."""

    def check(make, read, refused, path):
        found = read(path, **options)
        (name,) = set(found.names) - SOUND
        assert found.labels[name] == "cats"
        pixels = expected(make) if callable(expected) else expected
        difference = np.abs(found.images[name].astype(int) - pixels).max()
        assert difference <= tolerance
        assert found.skipped == {}
        sound(make, found)

    return check


def one_more(name: str | None = None, label: str = "cats", classes: tuple[str, str] = ("cats", "dogs")):
    """The odd picture, under this name, in this class."""

    def check(make, read, refused, path):
        found = read(path)
        (odd,) = [one for one, image in found.images.items() if np.array_equal(image, make.pixels(SEED))]
        assert name in (None, odd)
        assert found.labels[odd] == label
        assert found.dataset.class_names == classes
        assert found.skipped == {}

    return check


def skipped(reason: str, name: str | None = None):
    """Left out for a reason that matches, and named among the choices."""

    def check(make, read, refused, path):
        found = read(path)
        ((odd, why),) = found.skipped.items()
        assert re.search(reason, why)
        assert name in (None, odd)
        assert odd in found.choices
        assert set(found.names) == SOUND
        sound(make, found)

    return check


def ignored(*said: str):
    def check(make, read, refused, path):
        found = read(path)
        assert found.skipped == {}
        assert set(found.names) == SOUND
        assert found.dataset.class_names == ("cats", "dogs")
        for text in said:
            assert text in found.choices
        sound(make, found)

    return check


def refuses(*texts: str, remedy: str = "", **options):
    def check(make, read, refused, path):
        assert remedy in refused(path, *texts, **options).remedy

    return check


def named(*classes: str):
    """All pictures are read, of classes of these names."""

    def check(make, read, refused, path):
        found = read(path)
        assert sorted(found.dataset.class_names) == sorted(classes)
        assert len(found.names) == 20
        assert found.skipped == {}

    return check


def sound(make, found) -> None:
    for name in ("cats/03.png", "dogs/07.png"):
        assert (found.images[name] == make.pixels(int(name[5:7]) + 10 * name.startswith("dogs"))).all()


# What is put there


def in_cats(name: str | bytes, content: bytes | Callable[..., bytes]):
    """A file in the folder of cats."""

    def put(make, place):
        path = (b"photos/cats/" + name) if isinstance(name, bytes) else f"photos/cats/{name}"
        make.file(path, content(make) if callable(content) else content)

    return put


def at(path: str, content: bytes | str | Callable[..., bytes]):
    """A file in the folder."""

    def put(make, place):
        make.file(f"photos/{path}", content(make) if callable(content) else content)

    return put


def odd_png(make) -> bytes:
    return make.png(SEED)


def saved(picture: Callable[..., Image.Image], kind: str, **options):
    return lambda make: make.encoded(picture(make), kind, **options)


def odd_image(make) -> Image.Image:
    return make.image(SEED)


def smooth(make=None) -> np.ndarray:
    """What a JPEG keeps; no two of its corners are alike."""
    ramp = np.linspace(20, 220, 12)
    red, green = np.meshgrid(ramp, ramp)
    return np.dstack([red, green, (red + 2 * green) / 3]).astype(np.uint8)


def turned(orientation: int):
    """Stored so that EXIF must turn it; by NumPy, not by what is tested."""
    back = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.swapaxes(0, 1),
        6: lambda a: np.rot90(a, 1),
        7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
        8: lambda a: np.rot90(a, -1),
    }

    def content(make):
        exif = Image.Exif()
        exif[0x0112] = orientation
        stored = np.ascontiguousarray(back[orientation](smooth()))
        return make.encoded(stored, "JPEG", exif=exif, quality=100, subsampling=0)

    return content


def half_transparent(make) -> Image.Image:
    """Noise whose left half is not there, though its colour is."""
    image = make.image(SEED).convert("RGBA")
    image.putalpha(Image.fromarray(np.repeat(np.array([[0] * 6 + [255] * 6], np.uint8), 12, axis=0)))
    return image


def half(colour, grey: bool = False):
    def expected(make):
        pixels = make.pixels(SEED, channels=1 if grey else 3)
        pixels = np.dstack([pixels] * 3) if grey else pixels
        pixels[:, :6] = colour
        return pixels

    return expected


def quarters(make=None) -> np.ndarray:
    """Four colours, in a quarter each."""
    colours = np.array([[(250, 10, 20), (30, 240, 50)], [(60, 70, 230), (200, 190, 80)]], np.uint8)
    return colours.repeat(6, axis=0).repeat(6, axis=1)


def palette(make, transparent: bool = False) -> bytes:
    image = Image.fromarray(quarters()).quantize(4)
    options = {"transparency": image.getpixel((0, 0))} if transparent else {}
    return make.encoded(image, "PNG", **options)


def first_quarter(colour):
    def expected(make):
        pixels = quarters()
        pixels[:6, :6] = colour
        return pixels

    return expected


def keyed(mode: str):
    """The colour of the first quarter is the one that is said to be transparent."""

    def content(make):
        image = Image.fromarray(quarters()).convert(mode)
        return make.encoded(image, "PNG", transparency=image.getpixel((0, 0)))

    return content


def keyed_grey(make) -> np.ndarray:
    values = np.array(Image.fromarray(quarters()).convert("L"))
    values[:6, :6] = 255
    return np.dstack([values] * 3)


def grey(make) -> np.ndarray:
    return np.dstack([make.pixels(SEED, channels=1)] * 3)


def bits(make) -> np.ndarray:
    return (grey(make) > 127) * np.uint8(255)


def sixteen(make) -> Image.Image:
    return Image.fromarray(make.pixels(SEED, channels=1).astype(np.uint16) * 257)


def frames(make) -> Image.Image:
    return Image.fromarray(quarters())


def several(kind: str, **options):
    """Two frames or pages, of which the second is red."""

    def content(make):
        second = Image.new("RGB", (12, 12), (255, 0, 0))
        return make.encoded(frames(make), kind, save_all=True, append_images=[second], **options)

    return content


def bomb(make) -> bytes:
    """A PNG of some bytes whose header claims 20,000 x 20,000 pixels."""
    content = make.png(SEED)
    header = content[:16] + struct.pack(">II", 20_000, 20_000) + content[24:29]
    return header + struct.pack(">I", zlib.crc32(header[12:29])) + content[33:]


def outside(make) -> Path:
    return make.file("elsewhere/odd.png", make.png(SEED))


def link(name: str, to: Callable[..., Path]):
    def put(make, place):
        try:
            (place / name).symlink_to(to(make, place))
        except OSError:
            pytest.skip("links cannot be made here")

    return put


def pipe(make, place) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("there are no pipes here")
    os.mkfifo(place / "cats/odd.png")


def locked(name: str):
    def put(make, place):
        make.file(f"photos/{name}", make.png(SEED))
        target = place / name.rpartition("/")[0] if name.endswith("in/odd.png") or "birds" in name else place / name
        target.chmod(0)
        if os.access(target, os.R_OK):
            target.chmod(0o755)
            pytest.skip("this user may read everything")

    return put


def class_called(name: str | bytes):
    """The cats' folder under another name."""

    def put(make, place):
        try:
            (place / "cats").rename(place / os.fsdecode(name))
        except OSError:
            pytest.skip("there are no such names here")

    return put


def file_called(name: str | bytes):
    def put(make, place):
        try:
            in_cats(name, odd_png)(make, place)
        except OSError:
            pytest.skip("there are no such names here")

    return put


def few(n: int):
    def put(make, place):
        for number in range(n):
            make.file(f"photos/birds/{number}.png", make.png(SEED + number))

    return put


def bad(n: int):
    def put(make, place):
        for number in range(n):
            make.file(f"photos/cats/bad{number}.png", b"damaged")

    return put


def bad_lines(make, place) -> None:
    for number in range(3):
        make.file(f"photos/cats/bad\n{number}.png", b"damaged")


def inside(make, place) -> None:
    make.file("photos/cats/deep/odd", make.png(SEED))
    link("dogs/odd.png", lambda *_: place / "cats/deep/odd")(make, place)


def nested(make, place) -> None:
    make.file("photos/cats/at home/old/odd.png", make.png(SEED))


def zipped(**more: bytes):
    """An archive of the pictures in a wrapper folder, with more members."""

    def put(make, place):
        return make.zip({**make.members("photos/"), **more})

    return put


def member(name: str, content: bytes = b""):
    return zipped(**{name: content})


def encrypted(make, place) -> Path:
    path = make.zip(make.members())
    content = bytearray(path.read_bytes())
    for header, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        content[content.rindex(header) + flags] |= 1
    path.write_bytes(content)
    return path


def truncated(make, place) -> Path:
    path = make.zip(make.members())
    path.write_bytes(path.read_bytes()[:-200])
    return path


def understated(make, place) -> Path:
    path = make.zip({**make.members(), "cats/odd.png": bytes(100_000)})
    content = bytearray(path.read_bytes())
    start = content.rindex(b"PK\1\2") + 24
    content[start : start + 4] = struct.pack("<I", 10)
    path.write_bytes(content)
    return path


def linked_member(make, place) -> Path:
    info = zipfile.ZipInfo("cats/odd.png")
    info.create_system, info.external_attr = 3, 0o120777 << 16
    return make.zip({**make.members(), info: bytes(outside(make))})


def arrays(**changes: Callable[[np.ndarray], np.ndarray]):
    """The pictures as X and y, each changed in some way."""

    def put(make, place):
        images = np.stack([make.pixels(number) for number in range(20)])
        values = {"X": images, "y": np.repeat([0, 1], 10)}
        return make.npz(**{name: changes.get(name, lambda a: a)(array) for name, array in values.items()})

    return put


def in_arrays(*classes: str):
    """All images as they are, of classes of these names."""

    def check(make, read, refused, path):
        found = read(path)
        assert found.dataset.class_names == classes
        assert len(found.names) == 20
        for number in (0, 7, 19):
            assert (found.images[f"X[{number}]"] == make.pixels(number)).all()
            assert found.labels[f"X[{number}]"] == classes[number // 10]

    return check


def idx_files(ending: str):
    def put(make, place):
        images = np.stack([make.pixels(number, channels=1) for number in range(20)])
        for name, array in (("images-idx3", images), ("labels-idx1", np.repeat([0, 1], 10).astype(np.uint8))):
            content = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()
            path = f"idx/train-{name}-ubyte{ending}"
            make.file(path, gzip.compress(content) if ending else content)
        return make.root / "idx"

    return put


def csv(header: str, row: str = "photos/{name},{label}", encoding: str = "utf-8", lines: Callable = lambda rows: rows):
    """A table of the pictures; ``row`` is made with name, stem, label and number."""

    def put(make, place):
        rows = [
            row.format(name=name, back=name.replace("/", "\\"), stem=f"{name[:4]}{name[5:7]}", label=name[:4], n=number)
            for number, name in enumerate(sorted(SOUND))
        ]
        text = "".join(f"{line}\n" for line in [*([header] if header else []), *lines(rows)])
        return make.file("labels.csv", text.encode(encoding))

    return put


def in_table(*classes: str):
    def check(make, read, refused, path):
        found = read(path)
        assert found.dataset.class_names == classes
        assert set(found.names) == {f"photos/{name}" for name in SOUND}
        assert found.skipped == {}
        assert (found.images["photos/dogs/07.png"] == make.pixels(17)).all()

    return check


def by_stem(make, place) -> Path:
    """Pictures named by what is unique, without folder and ending."""
    for name in SOUND:
        (place / name).rename(place / name[:4] / f"{name[:4]}{name[5:]}")
    return csv("image_id,label", "{stem},{label}")(make, place)


def found_by_stem(make, read, refused, path) -> None:
    found = read(path)
    assert found.labels == {f"photos/{name[:4]}/{name[:4]}{name[5:]}": name[:4] for name in SOUND}


def pixel_table(header: bool):
    def put(make, place):
        lines = ["label," + ",".join(f"pixel{n}" for n in range(1, 145))] if header else []
        lines += [",".join(map(str, [number // 10, *make.pixels(number, channels=1).ravel()])) for number in range(20)]
        return make.file("labels.csv", "\n".join(lines))

    return put


def grey_rows(make, read, refused, path) -> None:
    found = read(path)
    assert found.dataset.train_images.shape[1:] == (12, 12, 1)
    assert (found.images["labels.csv, row 8"][..., 0] == make.pixels(7, channels=1)).all()
    assert found.labels["labels.csv, row 18"] == "1"


def upper_parts(*names: str):
    """Parts of these names, each with class folders."""

    def put(make, place):
        for number, name in enumerate(names):
            make.folder(f"parted/{name}", n=10 if not number else 4, first=1000 * (number + 1))
        return make.root / "parted"

    return put


def has_parts(**parts: str):
    """By their first folder, all pictures are of this part."""

    def check(make, read, refused, path):
        found = read(path)
        assert found.dataset.class_names == ("cats", "dogs")
        for folder, part in parts.items():
            assert {found.parts[name] for name in found.names if name.startswith(folder)} == {part}
        assert {"train", "validation", "test"} == set(found.parts.values())

    return check


def wrong_exif(make) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 9
    return make.encoded(make.image(SEED), "PNG", exif=exif)


def webp(make) -> bytes:
    return make.encoded(half_transparent(make), "WEBP", lossless=True)


def big_endian(make) -> bytes:
    return make.encoded(Image.fromarray((make.pixels(SEED, channels=1).astype(np.uint16) * 257).astype(">u2")), "TIFF")


def grey_half(make) -> Image.Image:
    image = make.image(SEED, channels=1).convert("LA")
    image.putalpha(half_transparent(make).getchannel("A"))
    return image


def cut(content: bytes) -> bytes:
    return content[: len(content) // 2]


def linked_inside(make, found) -> None:
    """The file and its link are copies of each other, which stay together."""
    assert found.skipped == {}
    assert (found.images["dogs/odd.png"] == make.pixels(SEED)).all()
    assert found.parts["dogs/odd.png"] == found.parts["cats/deep/odd"]


def relabelled(rows: list[str], label: str) -> list[str]:
    return [row.replace(",cats", f",{label}") for row in rows]


def missing_one(found) -> None:
    assert found.skipped == {"photos/cats/none.png": "there is no such file"}
    assert "photos/cats/none.png" in found.choices
    assert len(found.names) == 20


PICTURES = [
    *(Odd(f"EXIF orientation {n}", in_cats("odd.jpg", turned(n)), decoded(smooth, 12)) for n in range(1, 9)),
    Odd("EXIF orientation 9", in_cats("odd.png", wrong_exif), decoded(lambda m: m.pixels(SEED))),
    Odd("alpha on white", in_cats("odd.png", saved(half_transparent, "PNG")), decoded(half(WHITE))),
    Odd("alpha on black", in_cats("odd.png", saved(half_transparent, "PNG")), decoded(half(BLACK), background="black")),
    Odd("alpha in WebP", in_cats("odd.webp", webp), decoded(half(WHITE))),
    Odd("palette", in_cats("odd.png", palette), decoded(quarters)),
    Odd("palette with transparency", in_cats("odd.png", lambda m: palette(m, True)), decoded(first_quarter(WHITE))),
    Odd("colour that is transparent", in_cats("odd.png", keyed("RGB")), decoded(first_quarter(WHITE))),
    Odd("grey that is transparent", in_cats("odd.png", keyed("L")), decoded(keyed_grey)),
    Odd("1 bit", in_cats("odd.png", lambda m: m.encoded(Image.fromarray(bits(m)).convert("1"))), decoded(bits)),
    Odd("8 bits grey", in_cats("odd.png", lambda m: m.png(SEED, channels=1)), decoded(grey)),
    Odd("16 bits grey PNG", in_cats("odd.png", saved(sixteen, "PNG")), decoded(grey)),
    Odd("16 bits TIFF", in_cats("odd.tiff", saved(sixteen, "TIFF")), decoded(grey)),
    Odd("big-endian TIFF", in_cats("odd.tif", big_endian), decoded(grey)),
    Odd(
        "CMYK JPEG",
        in_cats("odd.jpg", lambda m: m.encoded(Image.fromarray(smooth()).convert("CMYK"), "JPEG", quality=100)),
        decoded(smooth, 12),
    ),
    Odd(
        "grey JPEG",
        in_cats("odd.jpg", lambda m: m.encoded(smooth()[..., 2], "JPEG", quality=100)),
        decoded(np.dstack([smooth()[..., 2]] * 3), 8),
    ),
    Odd(
        "LA",
        in_cats("odd.png", saved(grey_half, "PNG")),
        decoded(half(WHITE, grey=True)),
    ),
    Odd("animated GIF", in_cats("odd.gif", several("GIF", duration=50)), decoded(quarters)),
    Odd("animated WebP", in_cats("odd.webp", several("WEBP", lossless=True, duration=50)), decoded(quarters)),
    Odd("animated PNG", in_cats("odd.png", several("PNG", duration=50)), decoded(quarters)),
    Odd("TIFF of several pages", in_cats("odd.tif", several("TIFF")), decoded(quarters)),
    Odd("BMP", in_cats("odd.bmp", saved(odd_image, "BMP")), one_more("cats/odd.bmp")),
    Odd("PNG called JPEG", in_cats("odd.jpg", odd_png), one_more("cats/odd.jpg")),
    Odd(
        "JPEG without an ending",
        in_cats("odd", saved(frames, "JPEG", quality=100, subsampling=0)),
        decoded(quarters, 40),
    ),
    Odd("ending in capitals", in_cats("ODD.PNG", odd_png), one_more("cats/ODD.PNG")),
    Odd("two endings", in_cats("odd.tar.png", odd_png), one_more("cats/odd.tar.png")),
    Odd("truncated JPEG", in_cats("odd.jpg", lambda m: cut(saved(odd_image, "JPEG")(m))), skipped("damaged")),
    Odd("truncated PNG", in_cats("odd.png", lambda m: cut(odd_png(m))), skipped("damaged")),
    Odd("PNG of a header alone", in_cats("odd.png", lambda m: odd_png(m)[:33]), skipped("damaged|not a picture")),
    Odd("zero bytes", in_cats("odd.png", b""), skipped("empty", "cats/odd.png")),
    Odd("text called JPEG", in_cats("odd.jpg", b"hello"), skipped("not a picture", "cats/odd.jpg")),
    Odd("page of an error called JPEG", in_cats("odd.jpg", b"<html>404</html>"), skipped("not a picture")),
    Odd("decompression bomb", in_cats("odd.png", bomb), skipped("more than 100 million pixels")),
    Odd(
        "HEIC", in_cats("odd.HEIC", b"\0\0\0\x18ftypheic"), skipped(".heic is not a supported format", "cats/odd.HEIC")
    ),
    Odd("SVG", in_cats("odd.svg", b"<svg/>"), skipped(".svg is not a supported format")),
    Odd("camera's raw file", in_cats("odd.CR2", b"II*\0"), skipped(".cr2 is not a supported format")),
]

FILES = [
    Odd("hidden file", in_cats(".odd.png", odd_png), ignored()),
    Odd("checkpoints of Jupyter", in_cats(".ipynb_checkpoints/odd.png", odd_png), ignored()),
    Odd("thumbnails of Windows", in_cats("Thumbs.db", odd_png), ignored()),
    Odd("folder of macOS", in_cats("__MACOSX/odd.png", odd_png), ignored()),
    Odd("resource fork of macOS", in_cats("._photo.jpg", b"\0\5\26\7"), ignored()),
    Odd("hidden class folder", at(".git/odd.png", odd_png), ignored()),
    Odd("README", in_cats("README.txt", b"text"), ignored("ignored: 1 file")),
    Odd("video", in_cats("odd.mp4", b"\0\0\0\x18ftypmp42"), ignored("ignored: 1 file")),
    Odd("README beside classes", at("README.md", "text"), ignored()),
    Odd("empty class folder", lambda make, place: (place / "birds").mkdir(), ignored("1 folder (birds)")),
    Odd("class folder of text", at("birds/a.txt", "text"), ignored("birds")),
    Odd(
        "link to a file outside",
        link("cats/odd.png", lambda m, p: outside(m)),
        skipped("link.*outside", "cats/odd.png"),
    ),
    Odd(
        "link to a folder", link("cats/more", lambda m, p: outside(m).parent), skipped("link to a folder", "cats/more")
    ),
    Odd("class that is a link", link("birds", lambda m, p: outside(m).parent), skipped("link.*outside", "birds")),
    Odd("dangling link", link("cats/odd.png", lambda m, p: p / "cats/none.png"), skipped("link to nothing")),
    Odd("link to itself", link("cats/odd.png", lambda m, p: p / "cats/odd.png"), skipped("link")),
    Odd("folder that holds itself", link("cats/all", lambda m, p: p), skipped("link to a folder", "cats/all")),
    Odd(
        "link to a file inside",
        inside,
        lambda make, read, refused, path: linked_inside(make, read(path)),
    ),
    Odd("pipe", pipe, skipped("", "cats/odd.png")),
    Odd("file that may not be read", locked("cats/odd.png"), skipped("may not be read", "cats/odd.png")),
    Odd("folder that may not be read", locked("cats/in/odd.png"), skipped("may not be read", "cats/in")),
    Odd("class folder that may not be read", locked("birds/odd.png"), skipped("may not be read", "birds")),
]

NAMES = [
    *(
        Odd(f"class in {script}", class_called(name), named(name, "dogs"))
        for script, name in (("Chinese", "猫"), ("Arabic", "قطة"), ("emoji", "🐱"), ("words", "big grey cat"))
    ),
    Odd("class of two lines", class_called("big\ncat"), named("big cat", "dogs")),
    Odd("class that steers a terminal", class_called("\x1b[31mcat"), named("\\x1b[31mcat", "dogs")),
    Odd("class of 250 characters", class_called("c" * 250), named("c" * 200, "dogs")),
    Odd("class that is not UTF-8", class_called(b"cat\xff"), named("cat?", "dogs")),
    Odd("class that is a number", class_called("007"), named("007", "dogs")),
    Odd("class called NA", class_called("NA"), named("NA", "dogs")),
    Odd("class called train", class_called("train"), named("dogs", "train")),
    *(
        Odd(f"file in {script}", file_called(f"{name}.png"), one_more(f"cats/{name}.png"))
        for script, name in (("Chinese", "猫"), ("Arabic", "قطة"), ("emoji", "🐱"), ("words", "a big cat"))
    ),
    Odd("file of two lines", file_called("big\ncat.png"), one_more()),
    Odd("file of 250 characters", file_called("c" * 246 + ".png"), one_more()),
    Odd("file that is not UTF-8", file_called(b"cat\xff.png"), one_more("cats/cat\ufffd.png")),
    Odd("damaged files of two lines", bad_lines, refuses("3 pictures of 23")),
]

LAYOUTS = [
    Odd(
        "loose picture beside classes",
        at("odd.png", odd_png),
        skipped("in no class folder", "odd.png"),
    ),
    Odd("one class", lambda make, place: place / "cats", refuses("no pictures with labels", remedy="per class")),
    Odd(
        "one class folder", lambda m, p: m.folder("one", ("cats",)), refuses("only one class, 'cats'", remedy="its own")
    ),
    Odd("class of two", few(2), refuses("birds (2)", remedy="--min-class-size 3")),
    Odd("folders in a class", nested, one_more("cats/at home/old/odd.png")),
    Odd("parts", upper_parts("train", "val", "test"), has_parts(train="train", val="validation", test="test")),
    Odd(
        "Parts", upper_parts("Train", "Valid", "Testing"), has_parts(Train="train", Valid="validation", Testing="test")
    ),
    Odd("no test part", upper_parts("train", "val"), has_parts(val="validation")),
    Odd("no validation part", upper_parts("train", "test"), has_parts(test="test")),
    Odd("1 of 21 damaged", bad(1), skipped("not a picture", "cats/bad0.png")),
    Odd(
        "2 of 22 damaged", bad(2), refuses("2 pictures of 22", "cats/bad0.png, cats/bad1.png", remedy="--allow-skipped")
    ),
    Odd(
        "empty folder", lambda m, p: m.file("none/.keep", "").parent, refuses("no pictures with labels", remedy="class")
    ),
    Odd("a picture", lambda make, place: place / "cats/00.png", refuses("no supported kind", remedy=".zip")),
    Odd(
        "tar", lambda make, place: make.file("photos.tar.gz", b"\x1f\x8b"), refuses("no supported kind", remedy=".zip")
    ),
]

ARCHIVES = [
    Odd("zip with a wrapper", zipped(), named("cats", "dogs")),
    Odd("zip of macOS", member("__MACOSX/photos/cats/._00.png", b"\0"), named("cats", "dogs")),
    Odd("zip beyond itself", member("../evil.png"), refuses("'../evil.png'", "outside")),
    Odd("zip beyond itself later", member("photos/../../evil.png"), refuses("evil.png'", "outside")),
    Odd("zip of an absolute path", member("/evil.png"), refuses("'/evil.png'", "outside")),
    Odd("zip of a Windows path", member("C:\\evil.png"), refuses("evil.png'", "outside")),
    Odd("zip with a link", linked_member, named("cats", "dogs")),
    Odd("encrypted zip", encrypted, refuses("encrypted", remedy="Unpack it yourself")),
    Odd("truncated zip", truncated, refuses("cannot be unpacked", remedy="Unpack it yourself")),
    Odd("zip that announces too little", understated, refuses("cannot be unpacked")),
    Odd("text called zip", lambda make, place: make.file("a.zip", b"hello"), refuses("cannot be unpacked")),
]

ARRAYS = [
    Odd("X and y", arrays(), in_arrays("0", "1")),
    Odd("labels in a column", arrays(y=lambda y: y[:, None]), in_arrays("0", "1")),
    Odd("one-hot labels", arrays(y=lambda y: np.eye(2)[y]), in_arrays("0", "1")),
    Odd("labels from 1", arrays(y=lambda y: y + 1), in_arrays("1", "2")),
    Odd("labels of text", arrays(y=lambda y: np.array(["cat", "dog"])[y]), in_arrays("cat", "dog")),
    Odd("pixels from 0 to 1", arrays(X=lambda x: (x / 255).astype(np.float32)), in_arrays("0", "1")),
    Odd("pixels of floats to 255", arrays(X=lambda x: x.astype(np.float64)), in_arrays("0", "1")),
    Odd("pixels of 16 bits", arrays(X=lambda x: x.astype(np.uint16) * 257), in_arrays("0", "1")),
    Odd("channels first", arrays(X=lambda x: np.moveaxis(x, 3, 1)), in_arrays("0", "1")),
    Odd("several labels", arrays(y=lambda y: np.ones((20, 3), int)), refuses("multi-label", remedy="one class")),
    Odd("volumes", arrays(X=lambda x: np.repeat(x[..., :1], 12, axis=3)), refuses("three dimensions", remedy="height")),
    Odd("numbers to predict", arrays(y=lambda y: y + 0.5), refuses("regression", remedy="one class per image")),
    Odd("Python objects", arrays(y=lambda y: np.array([{}] * 20)), refuses("Python objects", remedy="numpy.savez")),
    Odd("not a number", arrays(X=lambda x: np.where(x == x[3, 3, 3, 0], np.nan, x)), refuses("NaN", remedy="Replace")),
    Odd("a label too few", arrays(y=lambda y: y[1:]), refuses("19 labels", "20 images", remedy="as many")),
    Odd("negative pixels", arrays(X=lambda x: x / 127.5 - 1), refuses("from -1 to 1", remedy="Scale")),
    Odd("IDX", idx_files(""), named("0", "1")),
    Odd("compressed IDX", idx_files(".gz"), named("0", "1")),
]

TABLES = [
    Odd("table", csv("image,label"), in_table("cats", "dogs")),
    Odd("semicolons", csv("image;label", "photos/{name};{label}"), in_table("cats", "dogs")),
    Odd("tabulators", csv("image\tlabel", "photos/{name}\t{label}"), in_table("cats", "dogs")),
    Odd("byte order mark", csv("image,label", encoding="utf-8-sig"), in_table("cats", "dogs")),
    Odd("Windows' backslashes", csv("image,label", "photos\\{back},{label}"), in_table("cats", "dogs")),
    Odd("no header", csv(""), in_table("cats", "dogs")),
    Odd(
        "quotes",
        csv("image,label", '"photos/{name}","{label}, domestic"'),
        in_table("cats, domestic", "dogs, domestic"),
    ),
    Odd("class NA", csv("image,label", lines=lambda rows: relabelled(rows, "NA")), in_table("NA", "dogs")),
    Odd("class None", csv("image,label", lines=lambda rows: relabelled(rows, "None")), in_table("None", "dogs")),
    Odd("class 007", csv("image,label", lines=lambda rows: relabelled(rows, "007")), in_table("007", "dogs")),
    Odd("identifiers for names", by_stem, found_by_stem),
    Odd("pixels in columns", pixel_table(True), grey_rows),
    Odd("pixels without a header", pixel_table(False), grey_rows),
    Odd(
        "a missing file",
        csv("image,label", lines=lambda rows: [*rows, "photos/cats/none.png,cats"]),
        lambda make, read, refused, path: missing_one(read(path)),
    ),
    Odd("missing files", csv("image,label", "gone/{n}.png,{label}"), refuses("no such file", "gone/0.png")),
    Odd(
        "unknown columns",
        csv("bild,art,n", "photos/{name},{label},{n}"),
        refuses("no column of images", remedy="--image-column. There are: bild, art, n"),
    ),
    Odd(
        "unknown labels",
        csv("image,art,n", "photos/{name},{label},{n}"),
        refuses("no column of labels", remedy="--label-column. There are: image, art, n"),
    ),
    Odd("empty table", lambda make, place: make.file("labels.csv", ""), refuses("labels.csv cannot be read")),
    Odd("table without rows", lambda make, place: make.file("a.csv", "image,label\n"), refuses("a.csv has no rows")),
    Odd("Latin-1", csv("image,größe", encoding="latin-1"), refuses("not UTF-8", remedy="UTF-8")),
    Odd("UTF-16", csv("image,label", encoding="utf-16"), refuses("not UTF-8", remedy="UTF-8")),
]


ODDITIES = [*PICTURES, *FILES, *NAMES, *LAYOUTS, *ARCHIVES, *ARRAYS, *TABLES]


@pytest.mark.parametrize("odd", [pytest.param(odd, id=odd.name, marks=odd.marks) for odd in ODDITIES])
def test_an_oddity_has_the_right_outcome(make, read, refused, odd):
    place = make.folder()
    if "webp" in odd.name.lower() and not features.check("webp"):
        pytest.skip("this Pillow does not write WebP")
    path = odd.put(make, place)
    odd.outcome(make, read, refused, path or place)


def test_there_are_many_oddities_and_each_has_a_name_of_its_own():
    assert len({odd.name for odd in ODDITIES}) == len(ODDITIES) > 100
