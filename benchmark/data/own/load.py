"""All steps from a path to images: find, decode, number the classes, keep together what belongs together, hold out."""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import psutil

from benchmark.data import near_duplicates, pictures
from benchmark.data.own import decode, parts
from benchmark.data.own.find import find, sources
from benchmark.data.own.items import Item, Items, Skipped, in_words
from benchmark.data.own.labels import classes
from benchmark.data.own.spec import Reading
from benchmark.data.own.table import Columns
from benchmark.errors import UserError
from benchmark.specs import Account, JsonValue, Places, Preparation, RawImages
from benchmark.utils.files import CACHE_VARIABLE, cache_root
from benchmark.utils.format import counted, listed

MOST_SKIPPED = 0.05
COPIED_AT_A_TIME = 1000
SCRATCH = ".reading-"


def stamp(places: Places, *, path: str, **options: JsonValue) -> JsonValue:
    """Every file's path, size and time of change, the options, and the code that reads them."""
    digest, place, reading = hashlib.sha256(), Path(path), Reading(**options)
    if not place.exists():
        raise UserError(f"{path} is not there any more.", "Give the path where the pictures are now.")
    for file in sources(place, _columns(reading)):
        state = file.stat()
        digest.update(f"{os.fsencode(file)!r}:{state.st_size}:{state.st_mtime_ns}\n".encode())
    own = [Path(pictures.__file__), Path(near_duplicates.__file__), *sorted(Path(__file__).parent.glob("*.py"))]
    for code in own:
        digest.update(code.read_bytes())
    return {"files": digest.hexdigest(), "options": options}


def load(places: Places, *, path: str, **options: JsonValue) -> RawImages:
    """Read the user's pictures and divide them."""
    reading = Reading(**options)
    scratch_root = cache_root() / "decoded"
    scratch_root.mkdir(parents=True, exist_ok=True)
    _tidy(scratch_root)
    try:
        with tempfile.TemporaryDirectory(prefix=f"{SCRATCH}{os.getpid()}-", dir=scratch_root) as scratch:
            return _load(Path(path), reading, places, Path(scratch))
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        raise UserError(
            f"There is no room to decode the pictures in {scratch_root}: {error.strerror}.",
            f"Make room, or name another folder in ${CACHE_VARIABLE}.",
        ) from error


def _tidy(folder: Path) -> None:
    """Remove what a process that was killed has left."""
    for left in folder.glob(f"{SCRATCH}*"):
        owner = left.name.removeprefix(SCRATCH).partition("-")[0]
        if owner.isdigit() and not psutil.pid_exists(int(owner)):
            shutil.rmtree(left, ignore_errors=True)


def _load(path: Path, reading: Reading, places: Places, scratch: Path) -> RawImages:
    unpacked = scratch / "unpacked"
    unpacked.mkdir()
    places.say(f"looking for pictures in {path.name}")
    found = find(path, _columns(reading), unpacked)
    choices = list(found.notes)
    found = _large_enough(found, reading, choices)
    images, items, skipped, preparation = _decoded(found, reading, places, scratch, choices)
    try:
        labels, class_names = classes([item.label for item in items], found.class_names)
    except UserError as error:
        said = f" Skipped: {in_words(skipped)}." if skipped else ""
        raise UserError(f"{error.problem}{said}", error.remedy) from error
    alike, groups, choice = _groups(images, items, places)
    given = [item.part for item in items]
    division = parts.divided(labels, groups, given, class_names, alike)
    choices += [choice, *division.choices]
    if reading.mirror and all(map(_like_character, class_names)):
        choices.append("classes are named like characters: if mirrored pictures mean something else, add --no-mirror")
    for text in choices:
        places.say(text)
    pool, test = np.flatnonzero(division.part != parts.TEST), np.flatnonzero(division.part == parts.TEST)
    return RawImages(
        train_images=_copied(images, pool, scratch / "train.npy"),
        train_labels=labels[pool],
        test_images=_copied(images, test, scratch / "test.npy"),
        test_labels=labels[test],
        class_names=class_names,
        source="the user's pictures",
        preparation=preparation,
        validation=division.part[pool] == parts.VALIDATION,
        groups=None if "test" in given else groups[np.concatenate([pool, test])],
        account=Account(
            choices=tuple(choices),
            skipped={one.where: one.reason for one in skipped},
            groups=len(np.unique(groups)),
            train_names=tuple(items[place].where for place in pool),
            test_names=tuple(items[place].where for place in test),
            train_groups=_named_groups(items, pool),
            test_groups=_named_groups(items, test),
            show_pictures=reading.show_pictures is not False,
            mirror=reading.mirror,
            leaked=tuple(int(place) for place in np.flatnonzero(np.isin(alike[test], alike[pool]))),
        ),
    )


def _columns(reading: Reading) -> Columns:
    return Columns(reading.image_column, reading.label_column, reading.group_column)


def _large_enough(found: Items, reading: Reading, choices: list[str]) -> Items:
    """The pictures of classes that have as many as the user asks for; of the others it is said before hours of decoding
    that they are too few."""
    labels, class_names = classes([item.label for item in found.items], found.class_names)
    large = np.bincount(labels)[labels] >= reading.min_class_size
    if not large.all():
        left_out = sorted({class_names[label] for label in labels[~large]})
        choices.append(
            f"fewer than {reading.min_class_size} pictures, left out: "
            f"{counted(len(left_out), 'class', 'classes')} ({listed(left_out, 10)})"
        )
        if len(np.unique(labels[large])) < 2:
            raise UserError(
                f"Fewer than two classes have {reading.min_class_size} pictures or more.",
                "Give a smaller --min-class-size.",
            )
        items = [item for item, keep in zip(found.items, large, strict=True) if keep]
        found = dataclasses.replace(found, items=items)
        labels, class_names = classes([item.label for item in items], found.class_names)
    parts.divided(labels, np.arange(len(labels)), [item.part for item in found.items], class_names)
    return found


def _decoded(
    found: Items, reading: Reading, places: Places, scratch: Path, choices: list[str]
) -> tuple[np.ndarray, list[Item], tuple[Skipped, ...], Preparation]:
    """The images that can be decoded with their items, what was skipped, and how pictures became images."""
    shape, why = decode.choose_shape(found.items, reading.size)
    preparation, n, done = Preparation(background=_of_channels(reading.colour(), shape[2])), len(found.items), 0

    def advance(more: int) -> None:
        nonlocal done
        done += more
        places.progress("decoding pictures", done, n)

    decoded = decode.decode(found.items, shape, preparation, scratch / "images.npy", advance)
    skipped = (*found.skipped, *decoded.skipped)
    if skipped:
        choices.append(f"skipped: {in_words(skipped)}")
        n_pictures = n + len(found.skipped)
        if len(skipped) > MOST_SKIPPED * n_pictures and not reading.allow_skipped:
            raise UserError(
                f"{counted(len(skipped), 'picture')} of {n_pictures:,} cannot be used: {in_words(skipped)}.",
                "Fix or remove them, or go on without them: --allow-skipped.",
            )
    if found.ignored:
        choices.append(f"not pictures, ignored: {counted(found.ignored, 'file')}")
    images = decoded.images
    if decode.without_colour(images):
        images, preparation = images[..., :1], Preparation(background=_of_channels(reading.colour(), 1))
    choices.append(f"{'grey' if images.shape[3] == 1 else 'colour'}; {why}")
    return images, [found.items[place] for place in decoded.kept], skipped, preparation


def _like_character(name: str) -> bool:
    return len(name) == 1 or name.isdigit()


def _of_channels(colour: tuple[int, int, int] | None, channels: int) -> tuple[int, ...] | None:
    if colour is None or channels == 3:
        return colour
    return (round(sum(colour) / 3),)


def _groups(images: np.ndarray, items: Sequence[Item], places: Places) -> tuple[np.ndarray, np.ndarray, str]:
    """Number the images (n,) so that near duplicates have the same number; then so that what is in one of the user's
    groups has too; and how many there are, in words."""

    compared = 0

    def advance(done: int) -> None:
        nonlocal compared
        compared += done
        places.progress("looking for near duplicates", compared, len(items))

    alike, limit = near_duplicates.groups(images, advance)
    sizes = np.bincount(alike)
    n_alike, text = int(sizes[sizes > 1].sum()), "no picture is a copy or near duplicate of another"
    if n_alike:
        rule = f"correlation of pixels above {1 - limit**2 / 2:.4f}" if limit > 0.01 else "equal pixels"
        text = (
            f"{n_alike:,} pictures are copies or near duplicates ({rule}), in "
            f"{counted(int((sizes > 1).sum()), 'group')}: what is alike stays together"
        )
    given = [item.group for item in items]
    if any(group is not None for group in given):
        # Who has no group is one by itself.
        known = {group: number for number, group in enumerate(dict.fromkeys(g for g in given if g is not None))}
        own = np.array([known[g] if g is not None else len(known) + place for place, g in enumerate(given)])
        return alike, near_duplicates.merged(alike, own), f"{text}; {counted(len(known), 'group')} given"
    return alike, alike, text


def _named_groups(items: Sequence[Item], places: np.ndarray) -> tuple[str, ...]:
    """The groups as the user named them; nothing where none was given."""
    if all(item.group is None for item in items):
        return ()
    groups = [items[place].group for place in places]
    return tuple("" if group is None else str(group) for group in groups)


def _copied(images: np.ndarray, rows: np.ndarray, path: Path) -> np.ndarray:
    """Some of the images in a file of their own, without all of them in memory."""
    copy = decode.allocated(path, (len(rows), *images.shape[1:]))
    for start in range(0, len(rows), COPIED_AT_A_TIME):
        copy[start : start + COPIED_AT_A_TIME] = images[rows[start : start + COPIED_AT_A_TIME]]
    return copy
