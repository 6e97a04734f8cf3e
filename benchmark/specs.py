"""What every part agrees on: specifications, data in memory, runs, and the profiles.

Only the standard library is imported here (and profiles, which do likewise), so that ``--help`` and ``list``
start at once. The shape of what is written to disk is in :mod:`benchmark.records.schema`.
"""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import importlib
import os
import pickle
import pkgutil
import re
import sys
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, Protocol, get_args

from benchmark.errors import UserError

if TYPE_CHECKING:
    import numpy as np

JsonValue = Any  # What json.dumps can write.
Family = Literal["baseline", "network"]
Inputs = Literal["flat", "images"]
Aspect = Literal["pad", "crop", "stretch"]
OLD_FAMILIES: Mapping[str, Family] = {"classical": "baseline", "deep": "network"}  # Accepted until 0.3.0.


MARKERS = ("o", "D", "v", "^", "s", "p", "h", "X", "d", "*", "P")  # matplotlib's names; Plotly has them all too.
NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"


def _check_name(name: str) -> None:
    if re.fullmatch(NAME, name) is None:
        raise ValueError(f"{name!r} is not a valid name: letters, digits, '.', '-' and '_', a letter or digit first")


def _check_text(owner: str, **fields: object) -> None:
    for field, value in fields.items():
        if not isinstance(value, str) or value.encode(errors="replace").decode() != value:
            raise ValueError(f"{owner!r}: {field} must be text, got {value!r}")


class Classifier(Protocol):
    """The part of scikit-learn's classifier interface that a registered model must have.

    Labels are 0 to m - 1, all of which ``y`` shows. ``predict_proba`` is optional: a model without it is recorded
    as having no probabilities. Where the constructor has ``random_state``, ``n_jobs`` or ``device``, the worker sets
    them.

    More is recorded where a fitted model has a method ``benchmark_details()``, which returns a mapping. Its entries,
    each optional and a value or a function without arguments that returns it, are

    - ``parameter_count``: numbers kept to predict;
    - ``history``: a sequence of one mapping of names to numbers an epoch;
    - ``device``, ``precision`` (of its arithmetic), ``implementation`` (which code ran): text;
    - ``by_epoch``: an iterable of the model as it was after each epoch, None for one that cannot have been the best;
    - ``variants``: other ways to predict with the same fitted model, a mapping from what is different, in words, to an
      object with ``predict``;
    - ``state``: what was learnt as arrays by name, and what JSON can hold, to save the model as safetensors; the
      unfitted model must then have ``load_state(arrays, meta)``, which returns the fitted one;
    - ``portable``: a fitted model that predicts the same and that skops can write.

    :class:`benchmark.estimators.details.DetailsMixin` provides the method from attributes of these names. An entry that
    cannot be used is left out, with a warning in the record.
    """

    def fit(self, X: np.ndarray, y: np.ndarray) -> Any: ...

    def predict(self, X: np.ndarray) -> np.ndarray: ...


def ignore_epoch(row: Mapping[str, Any]) -> None:
    """The default of ``on_epoch``."""


class ValidatingClassifier(Classifier, Protocol):
    """A classifier that watches the validation images while it trains (``ModelSpec.validates``)."""

    def fit(  # type: ignore[override]
        self,
        X: np.ndarray,
        y: np.ndarray,
        *,
        X_val: np.ndarray,
        y_val: np.ndarray,
        on_epoch: Callable[[Mapping[str, Any]], None],
    ) -> Any: ...


@dataclasses.dataclass(frozen=True)
class Span:
    """A range of a hyper-parameter for ``tune``, both ends included; of integers if both ends are."""

    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        if not (0 < self.low < self.high if self.log else self.low < self.high):
            raise ValueError(f"{self.low} to {self.high} is not a range" + (" of a logarithm" if self.log else ""))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Facts:
    """What a model's parameters may follow of the data that it is to be trained on.

    ``train_size`` are training images, ``height`` and ``width`` pixels; ``mirror`` says whether a mirrored picture may
    be of the same class, as it is not of text.
    """

    train_size: int
    height: int
    width: int
    mirror: bool = True


@dataclasses.dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """One registered model: a name, how to build it, and what the suite has to know about it.

    Attributes
    ----------
    name : str
        Unique; the same in the command line, in records and in reports.
    family : {"baseline", "network"}
        The side of the comparison that the model is on.
    convolutional : bool or None
        Whether it is a CNN, a network with convolutions: only CNNs answer "do I need a CNN?". None: as networks are.
    pretrained : str or None
        The data set on which its weights were trained before; None for training from scratch.
    build : str
        ``"package.module:attribute"`` of a class or function that takes ``params`` as keywords and
        returns a :class:`Classifier`. Imported only in the process that fits the model.
    inputs : {"flat", "images"}
        ``"flat"``: float32 (n, h * w * c) in [0, 1]. ``"images"``: uint8 (n, h, w, c) in 0-255.
    params : mapping
        Constructor keywords.
    profile_params, dataset_params : mapping of str to mapping
        Keywords that replace ``params`` under a profile (fewer epochs under ``"quick"``) or on a data set
        (no mirroring of digits); the data set's have the last word.
    adapt : str or None
        ``"package.module:function"``; called with :class:`Facts` and the keywords, returns those that are to be others
        on the user's own pictures, such as fewer images per step of few.
    adapted : mapping
        What ``adapt`` has returned, which has the last word but for ``--set``.
    validates : bool
        Whether ``fit`` takes ``X_val``, ``y_val`` and ``on_epoch``.
    stochastic : bool
        Whether another seed may give another result. Others are run with one seed only.
    preload : bool
        Whether the builder's module may be imported once for all runs instead of in each: for modules whose import
        has no effects. Saves the time of the import in every run but the first.
    core : bool or "pictures"
        Whether ``run`` without names runs it, or does on the user's own pictures only; ``run --all`` runs every model.
    search : mapping of str to Span or tuple
        What ``tune`` may try for a keyword: a range, or a tuple of choices. Empty: nothing to tune.
    base, settings : str or None, tuple of str
        The registered model that ``run --set`` has made this one of, and what was set.
    file : Path or None
        A Python file that ``build`` is in, as ``"file.py:attribute"``; the worker imports it from there.
    estimator : bytes or None
        An estimator or its class, pickled, that is used in place of ``build``.
    source : str or None
        SHA-256 of what a model without a package is made of.
    version : int
        Raised by hand when a change of code changes the model's numbers; records of other versions are
        kept apart.
    description : str
        One line for ``list`` and for reports.
    colour, marker : str or None
        How charts show it: ``"#rrggbb"`` and one of :data:`MARKERS`. None: chosen by name and family.
    """

    name: str
    family: Family
    build: str
    inputs: Inputs
    description: str
    params: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    profile_params: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)
    dataset_params: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)
    adapt: str | None = None
    adapted: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    validates: bool = False
    stochastic: bool = False
    convolutional: bool | None = None
    pretrained: str | None = None
    preload: bool = False
    core: bool | Literal["pictures"] = False
    search: Mapping[str, Span | tuple[Any, ...]] = dataclasses.field(default_factory=dict)
    base: str | None = None
    settings: tuple[str, ...] = ()
    file: Path | None = None
    estimator: bytes | None = dataclasses.field(default=None, repr=False)
    source: str | None = None
    version: int = 1
    colour: str | None = None
    marker: str | None = None

    def __post_init__(self) -> None:
        _check_name(self.name)
        _check_text(self.name, build=self.build, description=self.description)
        if self.family in OLD_FAMILIES:
            warnings.warn(
                f"model {self.name!r}: the family {self.family!r} is called {OLD_FAMILIES[self.family]!r} since 0.2.0",
                DeprecationWarning,
                stacklevel=3,
            )
            object.__setattr__(self, "family", OLD_FAMILIES[self.family])
        if self.convolutional is None:
            object.__setattr__(self, "convolutional", self.family == "network")
        if self.colour is not None and re.fullmatch("#[0-9a-fA-F]{6}", self.colour) is None:
            raise ValueError(f"model {self.name!r}: colour must be like '#0072B2', got {self.colour!r}")
        if self.marker is not None and self.marker not in MARKERS:
            raise ValueError(f"model {self.name!r}: marker must be one of {' '.join(MARKERS)}, got {self.marker!r}")
        if type(self.version) is not int:
            raise ValueError(f"model {self.name!r}: version must be an integer, got {self.version!r}")
        layers = (self.params, *self.profile_params.values(), *self.dataset_params.values())
        if not all(isinstance(params, Mapping) and all(isinstance(key, str) for key in params) for params in layers):
            raise ValueError(f"model {self.name!r}: parameters must be mappings from names to values")
        if not all(
            isinstance(choice, Span) or (isinstance(choice, tuple) and choice) for choice in self.search.values()
        ):
            raise ValueError(f"model {self.name!r}: what to search must be Spans or tuples of choices")
        if self.family not in get_args(Family) or self.inputs not in get_args(Inputs):
            raise ValueError(
                f"model {self.name!r}: family must be one of {get_args(Family)}, inputs of {get_args(Inputs)}"
            )

    def params_for(self, run: Run) -> dict[str, Any]:
        """Constructor keywords for a run of this model."""
        profile, dataset = self.profile_params.get(run.profile, {}), self.dataset_params.get(run.dataset, {})
        return {**self.params, **profile, **dataset, **self.adapted}

    def adapted_to(self, facts: Facts, run: Run) -> ModelSpec:
        """The model with parameters that follow the data, those that were set by hand apart."""
        if self.adapt is None:
            return self
        params = self.params_for(run)
        by_hand = {text.partition("=")[0] for text in self.settings}
        changes = pkgutil.resolve_name(self.adapt)(facts, params)
        return dataclasses.replace(
            self, adapted={k: v for k, v in changes.items() if k not in by_hand and params.get(k) != v}
        )

    def create(self, run: Run) -> Any:
        """Import the builder and build an unfitted classifier."""
        found = resolve(self.build, self.file) if self.estimator is None else pickle.loads(self.estimator)
        params = self.params_for(run)
        if isinstance(found, type) or not hasattr(found, "fit"):
            return found(**params)
        if not hasattr(found, "get_params"):
            return copy.deepcopy(found)
        from sklearn.base import clone

        return clone(found).set_params(**params) if params else clone(found)


def resolve(build: str, file: Path | None = None) -> Any:
    """The object of ``"package.module:attribute"``, or of ``"file.py:attribute"`` and the file's path.

    The file's folder becomes the first to import from, here and in the processes that are started from here.

    Raises
    ------
    ImportError, AttributeError
        If it is not there, or another module has the file's name.
    """
    name, _, attribute = build.partition(":")
    if file is None or name != file.name:
        return pkgutil.resolve_name(build)
    folder = str(file.parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (folder, os.environ.get("PYTHONPATH"))))
    module = importlib.import_module(file.stem)
    if Path(module.__file__ or "").resolve() != file:
        raise ImportError(f"there is another module {file.stem!r}: give the file another name")
    return getattr(module, attribute)


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
    """

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray
    class_names: tuple[str, ...]
    source: str
    preparation: Preparation | None = None
    validation: np.ndarray | None = None
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
        _check_name(self.name)
        _check_text(self.name, title=self.title, description=self.description, load=self.load)

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
    becomes such an image.
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


@dataclasses.dataclass(frozen=True, kw_only=True)
class Profile:
    """How much of a data set is used: at most this many images of each part (None: all), stratified.

    With a ``draw``, the training images are nested: of one draw, fewer are contained in more
    (:func:`benchmark.data.splits.nested_sample`).
    """

    name: str
    description: str
    train_size: int | None = None
    validation_size: int | None = None
    test_size: int | None = None
    draw: int | None = None


PROFILES: Mapping[str, Profile] = MappingProxyType(
    {
        "full": Profile(name="full", description="every image"),
        "quick": Profile(
            name="quick",
            description="10,000 / 2,000 / 10,000 images and fewer epochs: a first look, and CI",
            train_size=10_000,
            validation_size=2_000,
            test_size=10_000,
        ),
    }
)


def sized(name: str, draw: int) -> Profile | None:
    """The profile ``train-N``: N training images, all of validation and test; None for any other name."""
    match = re.fullmatch(r"train-([1-9][0-9]{0,8})", name)
    if match is None:
        return None
    size = int(match[1])
    return Profile(name=name, description=f"{size:,} training images, all others", train_size=size, draw=draw)


def profile_named(name: str, draw: int = 0) -> Profile:
    """One of :data:`PROFILES`, or ``train-N``: N training images, all of validation and test.

    Under ``train-N`` the seed of a run is also the number of its draw, so that results by seed vary with the
    choice of training images, as they would for someone who collects N images.

    Raises
    ------
    UserError
        If there is no profile of this name.
    """
    profile = PROFILES.get(name) or sized(name, draw)
    if profile is None:
        raise UserError(f"Unknown profile {name!r}.", f"There are: {', '.join(PROFILES)}, and train-1000 and the like.")
    return profile


@dataclasses.dataclass(frozen=True, order=True)
class Run:
    """One unit of work: a data set, a model, a seed and a profile."""

    dataset: str
    model: str
    seed: int
    profile: str

    def __str__(self) -> str:
        return f"{self.model} on {self.dataset} (seed {self.seed}, {self.profile})"
