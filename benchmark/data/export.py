"""A data set as folders of pictures, for other tools and to look at: one folder per part and class."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from PIL import Image

from benchmark.errors import UserError
from benchmark.specs import Dataset
from benchmark.utils.files import explain_write_errors


def export(dataset: Dataset, folder: Path, progress: Callable[[str, int, int], None]) -> int:
    """Write every image as PNG to ``folder/train|validation|test/<class>/<number>.png``; return how many.

    Read again, they are the same images with the same parts (:mod:`benchmark.data.own`).

    Raises
    ------
    UserError
        If the folder is not empty, or cannot be written.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"{folder} is there already and not empty.", "Name a new folder.")
    names = [_file_name(name, number) for number, name in enumerate(dataset.class_names)]
    split = dataset.split
    parts = (
        ("train", dataset.train_images, dataset.train_labels, split.train),
        ("validation", dataset.train_images, dataset.train_labels, split.validation),
        ("test", dataset.test_images, dataset.test_labels, range(len(dataset.test_labels))),
    )
    fresh = not folder.exists()
    total, done = len(dataset.train_labels) + len(dataset.test_labels), 0
    with explain_write_errors(folder), _whole(folder, fresh):
        for part, images, labels, index in parts:
            for name in names:
                (folder / part / name).mkdir(parents=True)
            for place in index:
                image = images[place]
                shown = image[..., 0] if image.shape[2] == 1 else image
                Image.fromarray(shown).save(folder / part / names[labels[place]] / f"{place:06d}.png")
                done += 1
                progress("writing pictures", done, total)
    return done


@contextlib.contextmanager
def _whole(folder: Path, fresh: bool) -> Iterator[None]:
    """Leave nothing behind of what could not be finished."""
    try:
        yield
    except BaseException:
        for entry in folder.iterdir() if folder.is_dir() else ():
            shutil.rmtree(entry)
        if fresh and folder.is_dir():
            folder.rmdir()
        raise


def _file_name(name: str, number: int) -> str:
    """A class's name as that of a folder; what no file system takes is left out."""
    kept = "".join("-" if c in '/\\:*?"<>|' or not c.isprintable() else c for c in name).strip(" .")
    return kept or f"class-{number}"
