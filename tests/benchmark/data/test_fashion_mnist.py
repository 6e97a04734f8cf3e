"""Fashion-MNIST: the order of sources, and the sums that every source is held against.

The four files are replaced by tiny ones, with :data:`FILES` to match.
"""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from benchmark.data import fashion_mnist
from benchmark.data.fashion_mnist import KnownFile, content, load, locate
from benchmark.errors import UserError
from benchmark.specs import Places

N_TRAIN, N_TEST = 30, 10
KEYS = tuple(fashion_mnist.FILES)
SYSTEM, TORCHVISION, APT = (
    "system package dataset-fashion-mnist",
    "torchvision's download",
    "apt-get download dataset-fashion-mnist",
)
ORDER = ["user's folder", "user cache", SYSTEM, TORCHVISION, APT]

Put = Callable[..., dict[str, Path]]


def encode(array: np.ndarray) -> bytes:
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.tobytes()


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """The content of four small files under the real names, with known sums."""
    rng = np.random.default_rng(0)
    arrays = {
        "train_images": rng.integers(0, 256, (N_TRAIN, 4, 5), dtype=np.uint8),
        "train_labels": np.arange(N_TRAIN, dtype=np.uint8) % 10,
        "test_images": rng.integers(0, 256, (N_TEST, 4, 5), dtype=np.uint8),
        "test_labels": np.arange(N_TEST, dtype=np.uint8) % 10,
    }
    contents = {key: encode(array) for key, array in arrays.items()}
    known = {
        key: KnownFile(fashion_mnist.FILES[key].name, len(data), hashlib.sha256(data).hexdigest())
        for key, data in contents.items()
    }
    monkeypatch.setattr(fashion_mnist, "FILES", known)
    return contents


@pytest.fixture
def put(tiny: dict[str, bytes]) -> Put:
    """Write the four files, compressed or not, into a folder."""

    def write(folder: Path, *, compressed: bool = True) -> dict[str, Path]:
        folder.mkdir(parents=True, exist_ok=True)
        paths = {}
        for key, data in tiny.items():
            paths[key] = folder / (fashion_mnist.FILES[key].name + (".gz" if compressed else ""))
            paths[key].write_bytes(gzip.compress(data) if compressed else data)
        return paths

    return write


@pytest.fixture
def fetchers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Callable[[Path], str | None]]:
    """What the fetchers do, to be replaced by a test; at first both fail, and no system folder exists."""
    chosen: dict[str, Callable[[Path], str | None]] = {
        TORCHVISION: lambda folder: "no route to host",
        APT: lambda folder: "apt-get or dpkg-deb is not installed",
    }
    monkeypatch.setattr(fashion_mnist, "SYSTEM_FOLDER", tmp_path / "system")
    monkeypatch.setattr(fashion_mnist, "_fetch_by_torchvision", lambda folder: chosen[TORCHVISION](folder))
    monkeypatch.setattr(fashion_mnist, "_fetch_by_apt", lambda folder: chosen[APT](folder))
    return chosen


@pytest.fixture
def everywhere(places: Places, put: Put, fetchers, tmp_path: Path) -> Places:
    """Every source can deliver."""

    def deliver(folder: Path) -> None:
        put(folder)

    fetchers.update({TORCHVISION: deliver, APT: deliver})
    for folder in (tmp_path / "mine", places.downloads, tmp_path / "system"):
        put(folder)
    return dataclasses.replace(places, data_dir=tmp_path / "mine")


def empty(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


@pytest.mark.parametrize("compressed", [True, False])
def test_the_arrays_are_those_of_the_files(
    places: Places, put: Put, tiny: dict[str, bytes], fetchers, compressed: bool
) -> None:
    put(places.downloads, compressed=compressed)
    raw = load(places)
    assert raw.train_images.shape == (N_TRAIN, 4, 5, 1)
    assert raw.test_images.shape == (N_TEST, 4, 5, 1)
    assert raw.train_labels.tolist() == [index % 10 for index in range(N_TRAIN)]
    assert raw.train_images.tobytes() == tiny["train_images"][16:]
    assert raw.test_images.tobytes() == tiny["test_images"][16:]
    assert raw.test_labels.tobytes() == tiny["test_labels"][8:]
    assert len(raw.class_names) == 10
    assert (raw.class_names[0], raw.class_names[9]) == ("T-shirt/top", "Ankle boot")


@pytest.mark.parametrize("n_removed", range(len(ORDER)))
def test_sources_are_tried_in_order(everywhere: Places, fetchers, tmp_path: Path, n_removed: int) -> None:
    for folder in (tmp_path / "mine", everywhere.downloads, tmp_path / "system")[:n_removed]:
        empty(folder)
    if n_removed > 3:
        fetchers[TORCHVISION] = lambda folder: "no route to host"
    assert load(everywhere).source == ORDER[n_removed]


def test_a_folder_of_the_users_without_the_files_is_said_and_passed_over(
    everywhere: Places, spoken: list[str], tmp_path: Path
) -> None:
    empty(tmp_path / "mine")
    assert load(everywhere).source == "user cache"
    assert spoken == [f"{tmp_path / 'mine'} lacks some of the four files of Fashion-MNIST; trying the other sources"]


def test_folders_are_silent_where_the_files_are_found(everywhere: Places, spoken: list[str]) -> None:
    load(everywhere)
    assert spoken == []


def test_one_file_missing_makes_a_folder_incomplete(everywhere: Places, put: Put, tmp_path: Path) -> None:
    put(tmp_path / "mine")["test_labels"].unlink()
    assert load(everywhere).source == "user cache"


@pytest.mark.parametrize("subfolder", ["", "fashion-mnist", "FashionMNIST/raw", "raw"])
def test_usual_subfolders_are_looked_into(put: Put, tmp_path: Path, subfolder: str) -> None:
    paths = put(tmp_path / "mine" / subfolder)
    assert locate(tmp_path / "mine") == paths


def test_files_of_one_folder_are_not_mixed_with_anothers(put: Put, tmp_path: Path) -> None:
    put(tmp_path)["train_images"].unlink()
    others = put(tmp_path / "raw")
    assert locate(tmp_path) == others
    others["test_labels"].unlink()
    assert locate(tmp_path) is None


@pytest.mark.parametrize("source", [TORCHVISION, APT])
def test_what_is_fetched_is_kept(
    places: Places, put: Put, fetchers, spoken: list[str], tmp_path: Path, source: str
) -> None:
    def deliver(folder: Path) -> None:
        put(folder)
        (folder / "package.deb").write_text("of no more use")

    fetchers[source] = deliver
    assert load(places).source == source
    assert f"fetching Fashion-MNIST (31 MB): {source}" in spoken
    assert sorted(path.name for path in places.downloads.iterdir()) == sorted(
        f"{known.name}.gz" for known in fashion_mnist.FILES.values()
    )
    fetchers[source] = lambda folder: "not asked again"
    assert load(places).source == "user cache"


def test_an_altered_download_is_refused_and_not_kept(places: Places, put: Put, fetchers) -> None:
    def deliver(folder: Path) -> None:
        put(folder)["test_images"].write_bytes(gzip.compress(b"something else"))

    fetchers[TORCHVISION] = deliver
    with pytest.raises(UserError, match="wrong SHA-256 sums"):
        load(places)
    assert not (places.downloads / "t10k-images-idx3-ubyte.gz").exists()
    assert [path for path in places.downloads.iterdir() if path.is_dir()] == []


def test_found_nowhere_lists_everything_tried(places: Places, tiny, fetchers, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    fetchers[APT] = lambda folder: None
    with pytest.raises(UserError) as caught:
        load(dataclasses.replace(places, data_dir=tmp_path / "mine"))
    assert caught.value.problem == (
        f"Fashion-MNIST is not available. Tried: user's folder {tmp_path / 'mine'}; "
        f"user cache {places.downloads}; {SYSTEM} {tmp_path / 'system'}; "
        f"{TORCHVISION} (no route to host); {APT} (files are missing)."
    )
    assert "--data-dir" in caught.value.remedy
    assert "--dataset digits" in caught.value.remedy
    assert "\n" not in str(caught.value)


def assert_refused(path: Path, known: KnownFile, found: bytes) -> None:
    with pytest.raises(UserError) as caught:
        content(path, known)
    assert caught.value.problem == (
        f"{path} was altered or cut short: expected {known.size:,} bytes with SHA-256 {known.sha256}, "
        f"got {len(found):,} bytes with {hashlib.sha256(found).hexdigest()} (decompressed)."
    )
    assert "Replace the file" in caught.value.remedy


def test_an_altered_file_is_refused_with_both_sums(put: Put, tiny: dict[str, bytes], tmp_path: Path) -> None:
    path = put(tmp_path, compressed=False)["train_images"]
    altered = bytearray(tiny["train_images"])
    altered[100] ^= 1
    path.write_bytes(altered)
    assert_refused(path, fashion_mnist.FILES["train_images"], bytes(altered))


def test_an_altered_file_stops_the_search(everywhere: Places, tmp_path: Path) -> None:
    path = tmp_path / "mine" / "t10k-labels-idx1-ubyte.gz"
    path.write_bytes(gzip.compress(b"something else"))
    with pytest.raises(UserError, match="altered or cut short") as caught:
        load(everywhere)
    assert str(path) in caught.value.problem


def test_a_truncated_archive_is_refused_at_every_length(tiny: dict[str, bytes], tmp_path: Path) -> None:
    known, path = fashion_mnist.FILES["test_images"], tmp_path / "cut.gz"
    whole = gzip.compress(tiny["test_images"])
    for length in range(len(whole) - 9):
        path.write_bytes(whole[:length])
        with pytest.raises(UserError, match="altered or cut short"):
            content(path, known)


def test_of_a_truncated_archive_the_sum_found_is_of_what_came_out(tmp_path: Path) -> None:
    data = np.random.default_rng(0).bytes(3 << 20)
    known, path = KnownFile("big", len(data), hashlib.sha256(data).hexdigest()), tmp_path / "big.gz"
    path.write_bytes(gzip.compress(data, compresslevel=0)[: 2 << 20])
    with pytest.raises(UserError) as caught:
        content(path, known)
    (n_found,) = (int(word.replace(",", "")) for word in caught.value.problem.split("got ")[1].split()[:1])
    assert 1 << 20 < n_found < 2 << 20
    assert hashlib.sha256(data[:n_found]).hexdigest() in caught.value.problem


def test_a_flipped_bit_never_passes_for_the_data(tiny: dict[str, bytes], tmp_path: Path) -> None:
    known, path = fashion_mnist.FILES["test_labels"], tmp_path / "flipped.gz"
    whole, refusals = gzip.compress(tiny["test_labels"]), []
    for bit in range(8 * len(whole)):
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        try:
            assert content(path, known) == tiny["test_labels"]
        except UserError as error:
            refusals.append(error.problem)
    assert all(str(path) in problem and known.sha256 in problem for problem in refusals)
    # The time, the system and the level in the header are not part of the data; all else must be noticed.
    assert len(refusals) > 8 * (len(whole) - 10)


def test_bytes_beyond_the_known_size_are_refused(put: Put, tiny: dict[str, bytes], tmp_path: Path) -> None:
    known = fashion_mnist.FILES["train_labels"]
    longer = tiny["train_labels"] + b"abc"
    path = put(tmp_path / "plain", compressed=False)["train_labels"]
    path.write_bytes(longer)
    assert_refused(path, known, longer)
    path = put(tmp_path / "packed")["train_labels"]
    path.write_bytes(gzip.compress(longer))
    assert_refused(path, known, longer[: known.size + 1])


def test_a_bomb_is_not_decompressed(tiny: dict[str, bytes], tmp_path: Path) -> None:
    known, path = fashion_mnist.FILES["train_labels"], tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(bytes(20 << 20)))
    assert_refused(path, known, bytes(known.size + 1))


def test_an_archive_that_is_none_is_refused(tiny: dict[str, bytes], tmp_path: Path) -> None:
    path = tmp_path / "page.gz"
    path.write_bytes(b"<html>Not found</html>")
    assert_refused(path, fashion_mnist.FILES["train_labels"], b"")


def test_highly_compressed_content_comes_out_whole(tmp_path: Path) -> None:
    data = bytes((5 << 20) + 3)
    path = tmp_path / "zeros.gz"
    path.write_bytes(gzip.compress(data))
    assert content(path, KnownFile("zeros", len(data), hashlib.sha256(data).hexdigest())) == data


def test_an_unreadable_file_is_a_users_error(tiny: dict[str, bytes], tmp_path: Path) -> None:
    with pytest.raises(UserError, match="Cannot read") as caught:
        content(tmp_path, fashion_mnist.FILES["train_labels"])
    assert str(tmp_path) in caught.value.problem
