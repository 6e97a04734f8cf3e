"""What a data set is: as it is registered, as its loader returns it, and as it is used."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from benchmark.specs.names import check_name, check_text

if TYPE_CHECKING:
    import numpy as np

JsonValue = Any  # What json.dumps can write.
Aspect = Literal["pad", "crop", "stretch"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Preparation:
    """How a picture becomes an image of a data set, of its size and channels: when it is decoded, and for a prediction.

    A picture is turned upright, laid on the background where it is transparent, inverted and trimmed where that is
    asked for, brought to the ratio of width to height, and resized
    (:func:`benchmark.data.pictures.read`).

    Attributes
    ----------
    background : tuple of int or None
        Of the data set's images, as one or three channels from 0 to 255; None where they share none.
    aspect : {"pad", "crop", "stretch"}
        How a picture of another ratio of width to height is made to fit: with background around it, by cutting off
        what is too much on both sides, or by distortion.
    trim : bool
        Whether an even border is cut off first, and the rest centred.
    extent : float
        How much of the image's longer side it takes after that, from 0.1 to 1.
    invert : bool
        Whether a picture whose background is light where ``background`` is dark, or the other way round, is inverted.
    derived : bool
        Whether it was seen from the images, because the data set's loader does not say.
    """

    background: tuple[int, ...] | None = None
    aspect: Aspect = "pad"
    trim: bool = False
    extent: float = 1.0
    invert: bool = False
    derived: bool = False

    def __post_init__(self) -> None:
        if self.background is not None:
            object.__setattr__(self, "background", tuple(self.background))  # JSON has lists.
            if len(self.background) not in (1, 3) or not all(
                type(value) is int and 0 <= value <= 255 for value in self.background
            ):
                raise ValueError(f"background must be one or three integers from 0 to 255, got {self.background}")
        if self.aspect not in get_args(Aspect):
            raise ValueError(f"aspect must be one of {get_args(Aspect)}, got {self.aspect!r}")
        if not isinstance(self.extent, int | float) or not 0.1 <= self.extent <= 1:
            raise ValueError(f"extent must be from 0.1 to 1, got {self.extent!r}")


@dataclasses.dataclass(frozen=True, kw_only=True)
class RawImages:
    """What a data set's loader returns: every image and label, undivided but for the given test set.

    ``train_images`` and ``test_images`` are uint8 (n, h, w, c) with c = 1 or 3; labels are integers
    (n,) in ``range(len(class_names))``; ``source`` says in words, without paths, where the
    bytes came from. ``preparation`` is how pictures became these images; without it, it is seen from them.
    ``validation``, bool (n_train,), says which of the training images are for validation; without it they are drawn.
    ``groups``, int (n_train + n_test,), of images whose test part is no given one: what has the same number no fold
    separates.
    """

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray
    class_names: tuple[str, ...]
    source: str
    preparation: Preparation | None = None
    validation: np.ndarray | None = None
    groups: np.ndarray | None = None
    account: Account | None = None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Account:
    """What happened on the way from files to images.

    Attributes
    ----------
    choices : tuple of str
        What was decided by looking at the data, in words.
    skipped : mapping of str to str
        Pictures that were left out, by relative path, and why.
    groups : int or None
        Groups of images that no split separates; None where that was not looked at.
    train_names, test_names : tuple of str
        Of the images, by relative path; empty where they have none.
    train_groups, test_groups : tuple of str
        The group that the user gave each image, such as its patient, "" of an image that has none; empty where no
        groups were given. Near duplicates are no such groups.
    leaked : tuple of int
        Test images that are in the training part too, exactly or nearly.
    show_pictures : bool
        Whether reports may show images.
    mirror : bool
        Whether a mirrored image may be of the same class.
    """

    choices: tuple[str, ...] = ()
    skipped: Mapping[str, str] = dataclasses.field(default_factory=dict)
    groups: int | None = None
    train_names: tuple[str, ...] = ()
    test_names: tuple[str, ...] = ()
    train_groups: tuple[str, ...] = ()
    test_groups: tuple[str, ...] = ()
    leaked: tuple[int, ...] = ()
    show_pictures: bool = True
    mirror: bool = True


def no_progress(what: str, done: int, total: int) -> None:
    """The default of ``progress``."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Places:
    """Where a loader may look: the user's folder (or None), a folder to keep downloads in, and ways to talk.

    ``progress`` gets what is being done, how much of it, and of how much, as long as it lasts.
    """

    data_dir: Path | None
    downloads: Path
    say: Callable[[str], None]
    progress: Callable[[str, int, int], None] = no_progress


@dataclasses.dataclass(frozen=True, kw_only=True)
class DatasetSpec:
    """One registered data set.

    Attributes
    ----------
    name, title, description : str
        The canonical name, the name to print, and one line for ``list``.
    load : str
        ``"package.module:function"``; called with :class:`Places` and ``params``, returns :class:`RawImages`.
    stamp : str or None
        ``"package.module:function"``; called likewise, returns what ``load`` would read, as JSON can
        hold it: parameters, files with their sizes and times. While that and the code of ``load`` stay the same, images
        once decoded are used again; without it they are decoded in every command.
    validation_size : int or None
        Images taken out of the training set for validation, stratified by class; None: the loader says which.
    params : mapping of str to values that JSON can hold
        Keywords of ``load`` and ``stamp``.
    expected_train, expected_test : int or None
        Counts that the integrity check demands, where the data set's authors state them.
    balanced : bool
        Whether the authors state equally many images in every class of each part.
    """

    name: str
    title: str
    description: str
    load: str
    validation_size: int | None = None
    stamp: str | None = None
    params: Mapping[str, JsonValue] = dataclasses.field(default_factory=dict)
    expected_train: int | None = None
    expected_test: int | None = None
    balanced: bool = False

    def __post_init__(self) -> None:
        check_name(self.name)
        check_text(self.name, title=self.title, description=self.description, load=self.load)

    @property
    def own(self) -> bool:
        """Whether it is a path of the user's."""
        return "path" in self.params

    @property
    def key(self) -> str:
        """The name of its decoded images: of two paths with the same name, each has its own."""
        if not self.own:
            return self.name
        return f"{self.name}-{hashlib.sha256(str(self.params['path']).encode(errors='replace')).hexdigest()[:8]}"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Split:
    """Indices (int64, sorted) into the training pool; disjoint, and the same for every model."""

    train: np.ndarray
    validation: np.ndarray


@dataclasses.dataclass(frozen=True, kw_only=True)
class Dataset:
    """A data set ready to use: read-only memory-mapped arrays, names, the fixed split and a fingerprint.

    ``train_images`` is the whole training pool, which ``split`` divides; ``fingerprint`` is the SHA-256
    of all arrays and class names (see :func:`benchmark.data.cache.fingerprint`); ``preparation`` is how a picture
    becomes such an image. ``groups``, int (n_train + n_test,), is there if the test part is not given but held out:
    what has the same number no fold separates.
    """

    name: str
    title: str
    class_names: tuple[str, ...]
    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray
    split: Split
    fingerprint: str
    source: str
    preparation: Preparation = Preparation()
    account: Account = Account()
    groups: np.ndarray | None = None
