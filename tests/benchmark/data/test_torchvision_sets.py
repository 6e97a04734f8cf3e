"""The loaders by torchvision: its real classes on made-up files, and a stand-in for CIFAR-10."""

from __future__ import annotations

import dataclasses
import http.client
import socket
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torchvision.datasets

from benchmark.data import cache
from benchmark.data import torchvision_sets as vision
from benchmark.errors import UserError
from benchmark.specs import Places, RawImages

GREY = {"MNIST": vision.load_mnist, "KMNIST": vision.load_kmnist}


def encode(array: np.ndarray) -> bytes:
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


def write_raw(folder: Path, class_name: str) -> dict[str, np.ndarray]:
    """The four unpacked files where torchvision's class looks for them."""
    rng = np.random.default_rng(0)
    arrays = {}
    raw = folder / class_name / "raw"
    raw.mkdir(parents=True)
    for part, n in (("train", 20), ("t10k", 10)):
        arrays[f"{part}-images-idx3-ubyte"] = rng.integers(0, 256, (n, 28, 28), dtype=np.uint8)
        arrays[f"{part}-labels-idx1-ubyte"] = np.arange(n, dtype=np.uint8) % 10
    for name, array in arrays.items():
        (raw / name).write_bytes(encode(array))
    return arrays


@pytest.fixture
def failing_download(monkeypatch: pytest.MonkeyPatch) -> None:
    """Downloads by the real classes fail as they do without a network."""

    def download(self: Any) -> None:
        sys.stdout.write("Downloading")
        raise RuntimeError("Error downloading train-images-idx3-ubyte.gz:\nTried one mirror\nTried another")

    monkeypatch.setattr(torchvision.datasets.MNIST, "download", download)


@pytest.mark.parametrize("class_name", GREY)
@pytest.mark.parametrize("in_data_dir", [True, False])
def test_the_real_class_reads_files_that_lie_ready(
    places: Places, tmp_path: Path, failing_download: None, spoken: list[str], class_name: str, in_data_dir: bool
) -> None:
    folder = tmp_path / "mine" if in_data_dir else places.downloads
    arrays = write_raw(folder, class_name)
    raw = GREY[class_name](dataclasses.replace(places, data_dir=folder if in_data_dir else None))
    assert np.array_equal(raw.train_images[..., 0], arrays["train-images-idx3-ubyte"])
    assert np.array_equal(raw.test_images[..., 0], arrays["t10k-images-idx3-ubyte"])
    assert np.array_equal(raw.train_labels, arrays["train-labels-idx1-ubyte"])
    assert np.array_equal(raw.test_labels, arrays["t10k-labels-idx1-ubyte"])
    assert raw.train_images.shape == (20, 28, 28, 1)
    assert raw.train_images.dtype == np.uint8
    assert len(raw.class_names) == 10
    assert raw.source == ("user's folder" if in_data_dir else "user cache")
    assert spoken == []
    assert set(cache.check("tiny", raw)) == set(cache.ARRAYS)


def test_the_folder_of_the_user_goes_before_the_cache(places: Places, tmp_path: Path) -> None:
    write_raw(places.downloads, "MNIST")
    write_raw(tmp_path / "mine", "MNIST")
    assert vision.load_mnist(dataclasses.replace(places, data_dir=tmp_path / "mine")).source == "user's folder"


def test_a_folder_of_the_users_without_the_files_is_passed_over(places: Places, tmp_path: Path) -> None:
    write_raw(places.downloads, "MNIST")
    assert vision.load_mnist(dataclasses.replace(places, data_dir=tmp_path)).source == "user cache"


@pytest.mark.parametrize(("class_name", "title"), [("MNIST", "MNIST"), ("KMNIST", "Kuzushiji-MNIST")])
def test_a_download_that_fails_is_a_users_error_in_one_line(
    places: Places,
    tmp_path: Path,
    failing_download: None,
    spoken: list[str],
    capfd: pytest.CaptureFixture[str],
    class_name: str,
    title: str,
) -> None:
    with pytest.raises(UserError) as caught:
        GREY[class_name](dataclasses.replace(places, data_dir=tmp_path / "mine"))
    assert caught.value.problem == (
        f"{title} is not available. Tried: user's folder {tmp_path / 'mine'} "
        f"(not there, or not as torchvision expects it); user cache {places.downloads} "
        f"(not there, or not as torchvision expects it); "
        "torchvision's download (Error downloading train-images-idx3-ubyte.gz: Tried one mirror Tried another)."
    )
    assert "--data-dir" in caught.value.remedy
    assert "\n" not in str(caught.value)
    assert spoken == [f"fetching {title} by torchvision"]
    assert capfd.readouterr() == ("", "")


def test_a_download_that_works_is_read(monkeypatch: pytest.MonkeyPatch, places: Places, spoken: list[str]) -> None:
    monkeypatch.setattr(
        torchvision.datasets.MNIST, "download", lambda self: write_raw(Path(self.root), type(self).__name__)
    )
    assert vision.load_mnist(places).source == "torchvision's download"
    assert spoken == ["fetching MNIST by torchvision"]
    assert vision.load_mnist(places).source == "user cache"


def cut(content: bytes) -> bytes:
    return content[:-1]


def emptied(content: bytes) -> bytes:
    return b""


def page(content: bytes) -> bytes:
    return b"<html>Not found</html>"


@pytest.mark.parametrize(
    "damage",
    [cut, emptied, page],
)
def test_a_damaged_file_is_told_as_unreadable(
    places: Places, failing_download: None, damage: Callable[[bytes], bytes]
) -> None:
    write_raw(places.downloads, "MNIST")
    path = places.downloads / "MNIST/raw/t10k-images-idx3-ubyte"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(UserError, match=r"unreadable|not as torchvision expects it"):
        vision.load_mnist(places)


class CIFAR10:
    """The part of torchvision's class that the loader uses; the constructor fails where nothing lies."""

    classes: tuple[str, ...] = ("airplane", "automobile", "bird")

    def __init__(self, root: str, train: bool = True, download: bool = False) -> None:
        marker = Path(root, "cifar")
        if download:
            marker.touch()
        if not marker.exists():
            raise RuntimeError("Dataset not found or corrupted. You can use download=True to download it")
        n = 9 if train else 6
        self.data = np.random.default_rng(n).integers(0, 256, (n, 32, 32, 3), dtype=np.uint8)
        self.targets = [index % 3 for index in range(n)]


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> type[CIFAR10]:
    monkeypatch.setattr(torchvision.datasets, "CIFAR10", CIFAR10)
    return CIFAR10


def test_colour_images_keep_their_three_channels(places: Places, stand_in: type[CIFAR10], spoken: list[str]) -> None:
    raw = vision.load_cifar10(places)
    assert isinstance(raw, RawImages)
    assert raw.train_images.shape == (9, 32, 32, 3)
    assert np.array_equal(raw.test_images, stand_in(str(places.downloads), train=False).data)
    assert raw.test_labels.tolist() == [0, 1, 2, 0, 1, 2]
    assert raw.class_names == ("airplane", "automobile", "bird")
    assert raw.source == "torchvision's download"
    assert spoken == ["fetching CIFAR-10 by torchvision"]
    assert cache.check("tiny", raw)["train_labels"].dtype == np.int64


def test_a_download_that_leaves_nothing_readable_is_a_users_error(
    monkeypatch: pytest.MonkeyPatch, places: Places
) -> None:
    class Broken(CIFAR10):
        def __init__(self, root: str, train: bool = True, download: bool = False) -> None:
            if not download:
                raise EOFError("Ran out of input")

    monkeypatch.setattr(torchvision.datasets, "CIFAR10", Broken)
    with pytest.raises(UserError, match=r"torchvision's download \(unreadable: Ran out of input\)"):
        vision.load_cifar10(places)


def test_a_download_has_a_time_limit_and_gives_the_old_one_back() -> None:
    seen = []

    def fails() -> None:
        seen.append(socket.getdefaulttimeout())
        raise OSError("timed out")

    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(123.0)
    try:
        assert vision.quiet_download(lambda: seen.append(socket.getdefaulttimeout())) is None
        assert socket.getdefaulttimeout() == 123
        assert vision.quiet_download(fails) == "timed out"
        assert socket.getdefaulttimeout() == 123
    finally:
        socket.setdefaulttimeout(before)
    assert seen == [vision.DOWNLOAD_TIMEOUT_SECONDS] * 2


def test_the_chatter_of_a_download_is_swallowed(capsys: pytest.CaptureFixture[str]) -> None:
    def chatter() -> None:
        sys.stdout.write("to standard output")
        sys.stderr.write("to standard error")

    assert vision.quiet_download(chatter) is None
    assert capsys.readouterr() == ("", "")


def test_a_mistake_in_the_code_is_not_taken_for_a_failed_download() -> None:
    def wrong() -> None:
        raise TypeError("a mistake")

    with pytest.raises(TypeError, match="a mistake"):
        vision.quiet_download(wrong)


def test_a_connection_that_is_cut_is_told_in_one_line() -> None:
    def cut_connection() -> None:
        raise http.client.IncompleteRead(b"half", 10)

    assert "IncompleteRead" in (vision.quiet_download(cut_connection) or "")
