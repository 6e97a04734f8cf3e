"""MNIST, Kuzushiji-MNIST and CIFAR-10 through torchvision's loaders."""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import io
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.errors import UserError
from benchmark.specs import Places, Preparation, RawImages

DOWNLOAD_TIMEOUT_SECONDS = 30.0


@contextlib.contextmanager
def _socket_timeout(seconds: float) -> Iterator[None]:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def quiet_download(download: Callable[[], Any]) -> str | None:
    """Run a torchvision download without its chatter; return what went wrong in one line, or None."""
    silence = io.StringIO()
    try:
        with (
            _socket_timeout(DOWNLOAD_TIMEOUT_SECONDS),
            contextlib.redirect_stdout(silence),
            contextlib.redirect_stderr(silence),
        ):
            download()
    # torchvision raises RuntimeError for bad sums and dead mirrors, urllib OSErrors and HTTPExceptions.
    except (RuntimeError, OSError, ImportError, http.client.HTTPException) as error:
        # The first line of torchvision's names the file, the last the cause.
        return " ".join(str(error).split()) or type(error).__name__
    return None


def _load(places: Places, class_name: str, title: str) -> RawImages:
    import torchvision.datasets

    loader = getattr(torchvision.datasets, class_name)
    tried: list[str] = []
    for folder, label in ((places.data_dir, "user's folder"), (places.downloads, "user cache")):
        if folder is None:
            continue
        raw = _open(loader, folder, label)
        if isinstance(raw, RawImages):
            return raw
        tried.append(f"{label} {folder} ({raw})")
    places.say(f"fetching {title} by torchvision")
    problem = quiet_download(lambda: loader(str(places.downloads), download=True))
    if problem is None:
        raw = _open(loader, places.downloads, "torchvision's download")
        if isinstance(raw, RawImages):
            return raw
        problem = raw
    raise UserError(
        f"{title} is not available. Tried: {'; '.join(tried)}; torchvision's download ({problem}).",
        f"Where there is a network, fetch it with torchvision.datasets.{class_name}(FOLDER, download=True) "
        "and name FOLDER with --data-dir; or take --dataset digits, which needs nothing fetched.",
    )


def _open(loader: Any, folder: Path, label: str) -> RawImages | str:
    """Read both parts from ``folder``, or say why not."""
    try:
        train, test = loader(str(folder), train=True), loader(str(folder), train=False)
    except RuntimeError:
        return "not there, or not as torchvision expects it"
    # torchvision asserts what it reads, and unpickles what its sums vouch for.
    except (AssertionError, OSError, ValueError, EOFError, TypeError) as error:
        return f"unreadable: {error or type(error).__name__}"

    def images(part: Any) -> np.ndarray:
        array = np.asarray(part.data)
        return array[..., None] if array.ndim == 3 else array

    return RawImages(
        train_images=images(train),
        train_labels=np.asarray(train.targets),
        test_images=images(test),
        test_labels=np.asarray(test.targets),
        class_names=tuple(str(name) for name in train.classes),
        source=label,
    )


def strokes(extent: float = 1.0) -> Preparation:
    """Bright on black, as drawings are that were dark on paper."""
    return Preparation(background=(0,), trim=True, extent=extent, invert=True)


def load_mnist(places: Places) -> RawImages:
    """LeCun, Cortes and Burges, http://yann.lecun.com/exdb/mnist/."""
    # "Size normalized to fit in a 20x20 pixel box", says that page, and centred in 28 x 28.
    return dataclasses.replace(_load(places, "MNIST", "MNIST"), preparation=strokes(20 / 28))


def load_kmnist(places: Places) -> RawImages:
    """Clanuwat et al., "Deep Learning for Classical Japanese Literature", 2018."""
    return dataclasses.replace(_load(places, "KMNIST", "Kuzushiji-MNIST"), preparation=strokes())


def load_cifar10(places: Places) -> RawImages:
    """Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009."""
    return _load(places, "CIFAR10", "CIFAR-10")
