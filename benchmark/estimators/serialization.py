"""Fitted models on disk: networks as safetensors, all others as skops. No pickle is written, and none is ever read.

A safetensors file holds arrays, to which a network is fitted that the registry's own specification has built. A skops
file also names types: only those that skops trusts, scikit-learn's estimators above all, and those of :data:`TRUSTED`
are made. That keeps untrusted code out. It does not make an untrusted model a good one, and the native code of
scikit-learn, LightGBM, XGBoost and CatBoost does not expect malice.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import sys
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np

from benchmark.errors import OF_OTHERS, UserError
from benchmark.estimators.details import Details
from benchmark.records.store import Stored, first_problem
from benchmark.utils.files import read_whole

Format = Literal["safetensors", "skops"]
# Types that hold numbers, text and each other, and run nothing of what a file says; a test saves a model of each.
TRUSTED = (
    "baselines.boosting.PixelBoosting",
    "baselines.hog.HogSVC",
    "baselines.majority.Majority",
    "baselines.pixels.PcaSVC",
    "baselines.pixels.PixelKNeighbors",
    "baselines.pixels.PixelLinearSVC",
    "catboost.core.CatBoostClassifier",
    "collections.OrderedDict",
    "lightgbm.basic.Booster",
    "lightgbm.sklearn.LGBMClassifier",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.gaussian_process._gpc._BinaryGaussianProcessClassifierLaplace",
    *(f"sklearn.gaussian_process.kernels.{name}" for name in ("ConstantKernel", "Product", "RBF")),
    "sklearn.metrics._scorer._PassthroughScorer",
    "sklearn.model_selection._split.StratifiedKFold",
    *(f"sklearn.neural_network._stochastic_optimizers.{name}" for name in ("AdamOptimizer", "SGDOptimizer")),
    "sklearn.tree._tree.Tree",
    "sklearn.utils._bunch.Bunch",
    "xgboost.core.Booster",
    "xgboost.sklearn.XGBClassifier",
)
LARGEST_BYTES = 4 << 30
SPARE_BYTES = 256 << 20  # Of the disk, left for records.


class CannotBeSavedError(Exception):
    """A model that cannot be written to a file, however often it is fitted."""


def save(model: Any, path: Path) -> Format:
    """Write a fitted model to ``path``.

    A model whose details (:mod:`benchmark.estimators.details`) have a ``state``, arrays by name and what JSON can hold,
    is written as safetensors. Of any other, its ``portable`` form is written as skops, or itself if it has none.

    Raises
    ------
    CannotBeSavedError
        If the model holds what could not be read again.
    OSError
        If there is no room for it.
    """
    told = Details(model)
    if told.has("state"):
        from safetensors.numpy import save as write_arrays

        arrays, meta = told.read("state")
        _write(path, write_arrays(arrays, metadata={"model": json.dumps(meta)}))
        return "safetensors"
    skops = _skops()
    try:
        content = skops.dumps(told.read("portable") if told.has("portable") else model)
    except (OSError, MemoryError):
        raise
    except OF_OTHERS as error:  # Types that skops does not know raise what they like.
        raise CannotBeSavedError(f"{type(model).__name__} cannot be written: {first_problem(error)}") from error
    strange = _untrusted(content)
    if strange:
        raise CannotBeSavedError(f"it is made of types that would not be read again: {strange}")
    _write(path, content)
    return "skops"


def _write(path: Path, content: bytes) -> None:
    if len(content) > LARGEST_BYTES:
        raise CannotBeSavedError(f"it takes {len(content):,} bytes, more than {LARGEST_BYTES:,}")
    if shutil.disk_usage(path.parent).free < len(content) + SPARE_BYTES:
        raise OSError(f"no room for {len(content):,} bytes on the disk")
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def load(stored: Stored, unfitted: Any) -> Any:
    """The fitted model that was saved with a record.

    Parameters
    ----------
    stored : Stored
    unfitted : object
        A model as its specification builds it; only networks become what is returned.

    Raises
    ------
    UserError
        If there is none, it is not the one that the record names, or it is not a model that may be read.
    """
    remedy = f"Fit it again: {stored.command('--save-models', '--fresh')}"
    saved = stored.record.saved
    if saved is None:
        raise UserError(f"{stored.path} has no saved model.", remedy)
    path = stored.path.parent / saved.file
    try:
        content = read_whole(path, root=path.parent.parent.parent, largest=LARGEST_BYTES)
    except OSError as error:
        raise UserError(f"The saved model {path.name} cannot be read: {error.strerror}.", remedy) from error
    found = hashlib.sha256(content).hexdigest()
    if found != saved.sha256:
        raise UserError(f"{path.name} was altered: expected SHA-256 {saved.sha256}, found {found}.", remedy)
    try:
        return read(content, saved.format, unfitted)
    except UserError as error:
        raise UserError(f"{path.name} is refused: {error.problem}", error.remedy) from error
    except OF_OTHERS as error:  # Untrusted input, read by four libraries.
        raise UserError(f"{path.name} is not a model of this kind: {first_problem(error)}.", remedy) from error


def read(content: bytes, kind: Format, unfitted: Any) -> Any:
    """The fitted model that :func:`save` has written.

    Raises
    ------
    UserError
        If it names types that are not trusted.
    Exception
        Of any kind, if it is not a model.
    """
    if kind == "skops":
        return _from_skops(content)
    arrays, meta = _from_safetensors(content)
    return unfitted.load_state(arrays, meta)


def _from_safetensors(content: bytes) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    from safetensors.numpy import load as read_arrays

    arrays = read_arrays(content)  # Checks the header that is read next.
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    return arrays, json.loads(header["__metadata__"]["model"])


def _from_skops(content: bytes) -> Any:
    skops = _skops()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = archive.infolist()
        # As they are written; what is compressed could unpack to any size.
        if any(member.compress_type != zipfile.ZIP_STORED for member in members):
            raise ValueError("it is compressed")
        if sum(member.file_size for member in members) > len(content):
            raise ValueError("it announces more bytes than it has")
    strange = _untrusted(content)
    if strange:
        raise UserError(f"it names types that are not trusted: {strange}.", "Nothing of it was run. Do not use it.")
    model = skops.loads(content, trusted=list(TRUSTED))
    _check_trees(model)
    return model


def _skops() -> Any:
    """``skops.io``, without PyTorch: looking through all of scikit-learn it would come upon what imports that."""
    import scipy.stats  # noqa: F401 -- while it is loaded it would take the None below for PyTorch

    absent = "torch" not in sys.modules
    if absent:
        sys.modules["torch"] = None  # type: ignore[assignment]
    try:
        import skops.io
    finally:
        if absent:
            del sys.modules["torch"]
    return skops.io


def _untrusted(content: bytes) -> str:
    strange = sorted(set(_skops().get_untrusted_types(data=content)) - set(TRUSTED))
    return ", ".join(strange[:3]) + (f" and {len(strange) - 3} more" if len(strange) > 3 else "")


def _check_trees(model: Any) -> None:
    """Hold all trees inside a model, however deep, against the number of features that their owners check."""
    from sklearn.ensemble._forest import BaseForest
    from sklearn.ensemble._gb import BaseGradientBoosting
    from sklearn.ensemble._hist_gradient_boosting.gradient_boosting import BaseHistGradientBoosting
    from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor
    from sklearn.tree import BaseDecisionTree
    from sklearn.tree._tree import Tree

    parts = list(_parts(model))
    checked: set[int] = set()
    for part in parts:
        trees: list[Any] = []
        if not hasattr(part, "n_features_in_"):  # Not fitted: a prototype of others.
            continue
        if isinstance(part, BaseDecisionTree):
            trees = [part.tree_]
        elif isinstance(part, BaseForest | BaseGradientBoosting):  # They ask their trees without checking again.
            trees = [estimator.tree_ for estimator in np.ravel(part.estimators_)]
        elif isinstance(part, BaseHistGradientBoosting):
            trees = [tree for iteration in part._predictors for tree in iteration]
        for tree in trees:
            fields = _of_predictor(tree) if isinstance(tree, TreePredictor) else _of_tree(tree)
            _check_tree(*fields, n_features=int(part.n_features_in_))
            checked.add(id(tree))
    if any(isinstance(part, Tree | TreePredictor) and id(part) not in checked for part in parts):
        raise ValueError("a tree belongs to no model")


def _parts(model: Any) -> Iterator[Any]:
    """The model and every object inside it, once each."""
    seen: set[int] = set()
    waiting = [model]
    while waiting:
        part = waiting.pop()
        if id(part) in seen or isinstance(part, str | bytes | int | float | type | None):
            continue
        seen.add(id(part))
        yield part
        if isinstance(part, Mapping):
            waiting += part.values()
        elif isinstance(part, list | tuple | set) or (isinstance(part, np.ndarray) and part.dtype == object):
            waiting += np.ravel(part).tolist() if isinstance(part, np.ndarray) else part
        else:
            waiting += getattr(part, "__dict__", {}).values()


def _of_tree(tree: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    left = np.asarray(tree.children_left)
    return left == -1, left, np.asarray(tree.children_right), np.asarray(tree.feature)


def _of_predictor(tree: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    nodes = tree.nodes
    if nodes["is_categorical"].any():
        raise ValueError("a tree asks for categories, which pixels do not have")
    return nodes["is_leaf"].astype(bool), *(nodes[name].astype(np.int64) for name in ("left", "right", "feature_idx"))


def _check_tree(leaf: np.ndarray, left: np.ndarray, right: np.ndarray, feature: np.ndarray, *, n_features: int) -> None:
    """A tree whose branches lead down and whose features exist: native code follows them unseen."""
    inner = ~leaf
    place = np.arange(len(leaf))[inner]
    for child in (left[inner], right[inner]):
        if (child <= place).any() or (child >= len(leaf)).any():
            raise ValueError("a tree's branches lead nowhere")
    if ((feature[inner] < 0) | (feature[inner] >= n_features)).any():
        raise ValueError("a tree asks for features that there are not")
