"""What the tests of the user's own pictures share: pictures to make, and reading them as a user does.

A picture of noise is like no other, so that none is a near duplicate unless a test makes it one.
"""

from __future__ import annotations

import dataclasses
import io
import os
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from benchmark import registry
from benchmark.data import load
from benchmark.data.own.spec import Reading
from benchmark.errors import UserError
from benchmark.specs import Dataset, DatasetSpec

SIZE = (12, 12)
CLASSES = ("cats", "dogs")
PER_CLASS = 10  # Of 20 pictures and an odd one, one may be skipped: 4.8 %.


def pixels(seed: int, size: tuple[int, int] = SIZE, channels: int = 3) -> np.ndarray:
    """Noise, uint8 (h, w) or (h, w, channels); ``size`` is width and height."""
    shape = (size[1], size[0]) if channels == 1 else (size[1], size[0], channels)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


@dataclasses.dataclass(frozen=True)
class Make:
    """Makes pictures and what they lie in, below ``root``."""

    root: Path

    def pixels(self, seed: int, size: tuple[int, int] = SIZE, channels: int = 3) -> np.ndarray:
        return pixels(seed, size, channels)

    def image(self, seed: int, size: tuple[int, int] = SIZE, channels: int = 3) -> Image.Image:
        return Image.fromarray(pixels(seed, size, channels))

    def encoded(self, image: Image.Image | np.ndarray, kind: str = "PNG", **options: Any) -> bytes:
        """The bytes of a picture's file."""
        file = io.BytesIO()
        (Image.fromarray(image) if isinstance(image, np.ndarray) else image).save(file, kind, **options)
        return file.getvalue()

    def png(self, seed: int, size: tuple[int, int] = SIZE, channels: int = 3) -> bytes:
        return self.encoded(pixels(seed, size, channels))

    def file(self, path: str | bytes, content: bytes | str) -> Path:
        """A file with its folders; a path of bytes need not be text."""
        place = self.root / os.fsdecode(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content if isinstance(content, bytes) else content.encode())
        return place

    def folder(
        self,
        name: str = "photos",
        classes: Sequence[str] = CLASSES,
        n: int = PER_CLASS,
        first: int = 0,
        size: tuple[int, int] = SIZE,
        channels: int = 3,
    ) -> Path:
        """A folder of class folders with pictures ``00.png``, ``01.png``, ...; ``first`` is the first one's seed."""
        for number, label in enumerate(classes):
            for place in range(n):
                self.file(f"{name}/{label}/{place:02}.png", self.png(first + number * n + place, size, channels))
        return self.root / name

    def members(self, prefix: str = "") -> dict[str, bytes]:
        """The files of :meth:`folder` by their paths within it."""
        return {
            f"{prefix}{label}/{place:02}.png": self.png(number * PER_CLASS + place)
            for number, label in enumerate(CLASSES)
            for place in range(PER_CLASS)
        }

    def zip(
        self, members: Mapping[str | zipfile.ZipInfo, bytes], name: str = "photos.zip", kind: int = zipfile.ZIP_DEFLATED
    ) -> Path:
        path = self.root / name
        with zipfile.ZipFile(path, "w", kind) as archive:
            for member, content in members.items():
                archive.writestr(member, content)
        return path

    def npz(self, name: str = "data.npz", **arrays: np.ndarray) -> Path:
        np.savez(self.root / name, **arrays)
        return self.root / name

    def table(
        self,
        columns: Sequence[str],
        row: Callable[[int, str, str], Sequence[object]],
        *,
        name: str = "labels.csv",
        separator: str = ",",
        encoding: str = "utf-8",
        header: bool = True,
        n: int = 2 * PER_CLASS,
    ) -> Path:
        """A table beside pictures ``pics/p00.png``, ...: ``row`` gets number, path and label, cat or dog in turn."""
        for number in range(n):
            if not (self.root / f"pics/p{number:02}.png").exists():
                self.file(f"pics/p{number:02}.png", self.png(number))
        rows = [row(number, f"pics/p{number:02}.png", ("cat", "dog")[number % 2]) for number in range(n)]
        lines = [*([columns] if header else []), *rows]
        text = "".join(separator.join(map(str, cells)) + "\n" for cells in lines)
        (self.root / name).write_bytes(text.encode(encoding))
        return self.root / name


@dataclasses.dataclass(frozen=True)
class Read:
    """What became of a path, by the names of the pictures, and what was said of it."""

    spec: DatasetSpec
    dataset: Dataset
    said: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        account = self.dataset.account
        return (*account.train_names, *account.test_names)

    @property
    def images(self) -> dict[str, np.ndarray]:
        return dict(zip(self.names, [*self.dataset.train_images, *self.dataset.test_images], strict=True))

    @property
    def labels(self) -> dict[str, str]:
        codes = [*self.dataset.train_labels, *self.dataset.test_labels]
        return {name: self.dataset.class_names[code] for name, code in zip(self.names, codes, strict=True)}

    @property
    def parts(self) -> dict[str, str]:
        held = set(self.dataset.split.validation.tolist())
        account = self.dataset.account
        pool = {name: "validation" if place in held else "train" for place, name in enumerate(account.train_names)}
        return pool | dict.fromkeys(account.test_names, "test")

    @property
    def skipped(self) -> dict[str, str]:
        return dict(self.dataset.account.skipped)

    @property
    def choices(self) -> str:
        return "; ".join(self.dataset.account.choices)


@pytest.fixture
def make(tmp_path: Path) -> Make:
    root = tmp_path / "mine"
    root.mkdir()
    return Make(root)


@pytest.fixture
def read() -> Callable[..., Read]:
    """Reads a path as a user does: prepared or taken from the cache, with options."""

    def prepared(path: Path | str, name: str | None = None, **options: Any) -> Read:
        said: list[str] = []
        spec = registry.dataset(path, Reading(**options), name)
        return Read(spec, load.prepare(spec, say=said.append), tuple(said))

    return prepared


@pytest.fixture
def refused(read: Callable[..., Read]) -> Callable[..., UserError]:
    """Reads a path that must be refused in one line of our own that contains these texts, with a remedy."""

    def error_of(path: Path, *texts: str, **options: Any) -> UserError:
        with pytest.raises(UserError) as caught:
            read(path, **options)
        told = str(caught.value)
        assert "\n" not in told
        assert caught.value.remedy
        # What the program did not foresee is told with the place in its code.
        assert "could not be read" not in told
        assert "Error:" not in told
        for text in texts:
            assert text in told
        return caught.value

    return error_of
