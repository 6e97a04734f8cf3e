"""Fashion-MNIST from any available source; every byte is checked, whatever the source.

Xiao, Rasul and Vollgraf, "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning
Algorithms", 2017, https://arxiv.org/abs/1708.07747.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import shutil
import subprocess
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path

from benchmark.data import idx
from benchmark.data.torchvision_sets import quiet_download
from benchmark.errors import UserError
from benchmark.specs import Places, Preparation, RawImages

# Trimmed, shrunk to 28 pixels, centred, negated, made grey: the steps of Xiao et al. for photographs on white.
PREPARATION = Preparation(background=(0,), trim=True, invert=True)
CLASS_NAMES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
SYSTEM_FOLDER = Path("/usr/share/datasets/fashion-mnist")
PACKAGE = "dataset-fashion-mnist"
SLACK_BYTES = 1 << 16
SUBFOLDERS = ("", "fashion-mnist", "FashionMNIST/raw", "raw")


@dataclasses.dataclass(frozen=True)
class KnownFile:
    """One of the four files, by its name without ``.gz``; size and SHA-256 are of the decompressed bytes.

    The compressed files of the different sources differ in their headers, so those sums would not serve.
    """

    name: str
    size: int
    sha256: str


FILES = {
    "train_images": KnownFile(
        "train-images-idx3-ubyte", 47_040_016, "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"
    ),
    "train_labels": KnownFile(
        "train-labels-idx1-ubyte", 60_008, "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"
    ),
    "test_images": KnownFile(
        "t10k-images-idx3-ubyte", 7_840_016, "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"
    ),
    "test_labels": KnownFile(
        "t10k-labels-idx1-ubyte", 10_008, "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"
    ),
}


def locate(folder: Path) -> dict[str, Path] | None:
    """The four files, compressed or not, in ``folder`` or a usual subfolder; None if any is missing."""
    for subfolder in SUBFOLDERS:
        found = {}
        for key, known in FILES.items():
            for name in (known.name, f"{known.name}.gz"):
                if (folder / subfolder / name).is_file():
                    found[key] = folder / subfolder / name
                    break
        if len(found) == len(FILES):
            return found
    return None


def content(path: Path, known: KnownFile) -> bytes:
    """Read one file, decompress it where needed, and hold it against its known SHA-256.

    Raises
    ------
    UserError
        If the sum differs; a damaged compressed file is decompressed as far as it goes. No more than the
        known size is ever decompressed.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(known.size + SLACK_BYTES)  # Nothing compresses to more than that.
    except OSError as error:
        raise UserError(f"Cannot read {path}: {error.strerror}.", "Make it readable or remove it.") from error
    if path.suffix == ".gz":
        raw = _decompress(raw, known.size + 1)
    found = hashlib.sha256(raw).hexdigest()
    if found != known.sha256:
        raise UserError(
            f"{path} was altered or cut short: expected {known.size:,} bytes with SHA-256 {known.sha256}, "
            f"got {len(raw):,} bytes with {found} (decompressed).",
            "Replace the file, or remove it so that another source is tried.",
        )
    return raw


def _decompress(compressed: bytes, limit: int) -> bytes:
    stream = zlib.decompressobj(wbits=31)  # gzip
    pieces, done, pending = [], 0, compressed
    # In steps, so that what comes before a damaged place is kept for its sum.
    with contextlib.suppress(zlib.error):
        while pending and done < limit and not stream.eof:
            piece = stream.decompress(pending, min(limit - done, 1 << 20))
            pieces.append(piece)
            done += len(piece)
            pending = stream.unconsumed_tail
    return b"".join(pieces)


def load(places: Places) -> RawImages:
    """Take the first source that has all four files: the user's folder, the cache, the system package's
    folder, torchvision's download, the Debian package unpacked without root."""
    tried: list[str] = []

    def from_folder(folder: Path, label: str) -> RawImages | None:
        files = locate(folder)
        if files is None:
            tried.append(f"{label} {folder}")
            return None
        arrays = {key: idx.parse(content(path, FILES[key])) for key, path in files.items()}
        for part in ("train_images", "test_images"):
            arrays[part] = arrays[part][..., None]
        return RawImages(
            **arrays,  # type: ignore[arg-type]
            class_names=CLASS_NAMES,
            source=label,
            preparation=PREPARATION,
        )

    folders = [(places.downloads, "user cache"), (SYSTEM_FOLDER, f"system package {PACKAGE}")]
    if places.data_dir is not None:
        folders.insert(0, (places.data_dir, "user's folder"))
    for folder, label in folders:
        raw = from_folder(folder, label)
        if raw is not None:
            return raw
        if folder is places.data_dir:
            places.say(f"{folder} lacks some of the four files of Fashion-MNIST; trying the other sources")

    fetchers: list[tuple[str, Callable[[Path], str | None]]] = [
        ("torchvision's download", _fetch_by_torchvision),
        (f"apt-get download {PACKAGE}", _fetch_by_apt),
    ]
    for label, fetch in fetchers:
        places.say(f"fetching Fashion-MNIST (31 MB): {label}")
        with tempfile.TemporaryDirectory(prefix=".fetch-", dir=places.downloads) as temporary:
            problem = fetch(Path(temporary))
            files = None if problem else locate(Path(temporary))
            if files is None:
                tried.append(f"{label} ({problem or 'files are missing'})")
                continue
            try:
                for key, path in files.items():
                    content(path, FILES[key])
            except UserError:
                tried.append(f"{label} (wrong SHA-256 sums)")
                continue
            for path in files.values():
                shutil.move(path, places.downloads / path.name)
        raw = from_folder(places.downloads, label)
        if raw is not None:
            return raw
    raise UserError(
        f"Fashion-MNIST is not available. Tried: {'; '.join(tried)}.",
        "Put its four .gz files into a folder and name it with --data-dir, or take --dataset digits, "
        "which needs nothing fetched.",
    )


def _fetch_by_torchvision(folder: Path) -> str | None:
    """Download into ``folder``; return what went wrong, or None."""

    def download() -> None:
        import torchvision.datasets

        torchvision.datasets.FashionMNIST(str(folder), download=True)

    problem = quiet_download(download)
    # The archives are kept and the unpacked copies dropped: the cache then holds 31 MB, not 86.
    for archive in folder.glob("FashionMNIST/raw/*.gz"):
        archive.rename(folder / archive.name)
    return problem


def _fetch_by_apt(folder: Path) -> str | None:
    """Download and unpack the Debian package under ``folder``, without root; return what went wrong, or None."""
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        return "apt-get or dpkg-deb is not installed"
    # Own lists and cache: neither root nor an up-to-date system is needed, and nothing outside is touched.
    lists, cache = folder / "lists", folder / "cache"
    (lists / "partial").mkdir(parents=True)
    (cache / "archives/partial").mkdir(parents=True)
    private = ["-o", f"Dir::State::lists={lists}", "-o", f"Dir::Cache={cache}", "-o", "Debug::NoLocking=1"]
    commands = [["apt-get", "download", PACKAGE]]
    retry = [["apt-get", *private, "update"], ["apt-get", *private, "download", PACKAGE]]
    problem = _run(commands, folder)
    if problem is not None:
        problem = _run(retry, folder)
    packages = list(folder.glob(f"{PACKAGE}_*.deb"))
    if not packages:
        return problem or "no package was downloaded"
    problem = _run([["dpkg-deb", "-x", str(packages[0]), str(folder / "unpacked")]], folder)
    if problem is not None:
        return problem
    for archive in (folder / "unpacked" / SYSTEM_FOLDER.relative_to("/")).glob("*.gz"):
        archive.rename(folder / archive.name)
    return None


def _run(commands: list[list[str]], folder: Path) -> str | None:
    for command in commands:
        try:
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            return str(error)
        if done.returncode != 0:
            lines = done.stderr.strip().splitlines()
            return lines[-1] if lines else f"exit code {done.returncode}"
    return None
