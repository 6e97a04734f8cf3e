"""What a model is: how it is built, and what the suite has to know about it."""

from __future__ import annotations

import copy
import dataclasses
import importlib
import os
import pickle
import pkgutil
import re
import sys
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, get_args

from benchmark.specs.names import check_name, check_text
from benchmark.specs.runs import Run

if TYPE_CHECKING:
    import numpy as np

Family = Literal["baseline", "network"]
Inputs = Literal["flat", "images"]
OLD_FAMILIES: Mapping[str, Family] = {"classical": "baseline", "deep": "network"}  # Accepted until 0.3.0.
MARKERS = ("o", "D", "v", "^", "s", "p", "h", "X", "d", "*", "P")  # matplotlib's names; Plotly has them all too.


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
        What ``adapt`` has returned, and class weights: they have the last word but for ``--set``.
    weighs : bool
        Whether its constructor takes ``class_weight``, None or "balanced", with which all classes weigh alike.
    validates : bool
        Whether ``fit`` takes ``X_val``, ``y_val`` and ``on_epoch``.
    stochastic : bool
        Whether another seed may give another result. Others are run with one seed only.
    preload : bool
        Whether the builder's module may be imported once for all runs instead of in each: for modules whose import
        has no effects. Saves the time of the import in every run but the first.
    core : bool or "pictures"
        Whether ``run`` without names runs it, or does on the user's own pictures only; ``run --all`` runs every model.
    trivial : bool
        Whether it never looks at an image. ``run`` runs it beside whatever else, as a reference line: it has a row in
        the leaderboard and is compared with nothing.
    growth : float or None
        The power of the number of training images by which the time to fit grows, where it is known; estimates of time
        measure it otherwise. Of models with epochs it is the time of an epoch that grows, and does so linearly.
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
    weighs: bool = False
    validates: bool = False
    stochastic: bool = False
    convolutional: bool | None = None
    pretrained: str | None = None
    preload: bool = False
    core: bool | Literal["pictures"] = False
    trivial: bool = False
    growth: float | None = None
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
        check_name(self.name)
        check_text(self.name, build=self.build, description=self.description)
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

    def weighted(self, class_weight: str | None, run: Run) -> ModelSpec:
        """The model with class weights, if it takes them and its parameters do not say otherwise."""
        if class_weight is None or not self.weighs or "class_weight" in self.params_for(run):
            return self
        return dataclasses.replace(self, adapted={**self.adapted, "class_weight": class_weight})

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
