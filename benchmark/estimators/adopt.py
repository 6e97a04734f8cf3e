"""Models without a package: an object of a Python file, or any scikit-learn estimator, as a specification.

The user's own file is trusted: it is run, here to see what it holds, and again in each process that fits the model.
"""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
import json
import re
import sys
import traceback
from pathlib import Path
from typing import Any, get_args

import cloudpickle
from sklearn.utils import get_tags

from benchmark.errors import OF_OTHERS, UserError
from benchmark.records.store import plain
from benchmark.specs import Family, Inputs, ModelSpec, resolve
from benchmark.utils.format import described

EXAMPLE = "Write --model path/to/file.py:name, where name is a ModelSpec, an estimator, or its class."
LONGEST_DESCRIPTION = 100


def from_file(text: str) -> ModelSpec:
    """The model of ``path/to/file.py:name``: a :class:`ModelSpec`, an estimator, a class or a function that makes one.

    Raises
    ------
    UserError
        If there is no such file or object, or running the file fails.
    """
    path, _, name = text.rpartition(":")
    file = Path(path).expanduser()
    if not file.is_file() or not name.isidentifier():
        raise UserError(f"There is no model {text!r}.", EXAMPLE)
    file = file.resolve()
    build, source = f"{file.name}:{name}", hashlib.sha256(file.read_bytes()).hexdigest()
    try:
        found = resolve(build, file)
    except OF_OTHERS as error:
        line = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(file)]
        where = f" (line {line[-1]})" if line else ""
        raise UserError(f"{text} cannot be used: {described(error)}{where}.", EXAMPLE) from error
    if isinstance(found, ModelSpec):
        return dataclasses.replace(found, file=file, source=source)
    return _spec(found, name, build=build, file=file, source=source)


def spec_of(found: Any, name: str | None = None, inputs: Inputs | None = None) -> ModelSpec:
    """The model of an estimator or its class.

    Parameters
    ----------
    found : estimator or class
        With scikit-learn's ``fit`` and ``predict``.
    name : str or None
        None: made of its class's name.
    inputs : {"flat", "images"} or None
        None: its attribute ``inputs``, or "flat".

    Raises
    ------
    UserError
        If it is none.
    """
    kind = found if isinstance(found, type) else type(found)
    decides = [f"{kind.__module__}:{kind.__qualname__}"]
    if not isinstance(found, type) and hasattr(found, "get_params"):
        decides.append(json.dumps(plain(found.get_params()), sort_keys=True))
    decides.append(_code(kind))
    source = hashlib.sha256("\n".join(decides).encode()).hexdigest()
    words = "-".join(re.findall("[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+", kind.__name__)).lower()
    pickled = cloudpickle.dumps(found)
    return _spec(found, name or words, build=decides[0], source=source, estimator=pickled, inputs=inputs)


def _is_other(found: Any) -> bool:
    """Whether an estimator says that it is of another kind."""
    try:
        kind = get_tags(found).estimator_type
    except Exception:  # Whatever has no tags of scikit-learn's says nothing.
        return False
    return kind is not None and kind != "classifier"


def _code(kind: type) -> str:
    """The sum of the file that a class is in; empty for an installed package, whose version a record has anyway."""
    place = getattr(sys.modules.get(kind.__module__), "__file__", None)
    if place is None:  # Typed into an interpreter.
        return hashlib.sha256(cloudpickle.dumps(kind)).hexdigest()
    return "" if "site-packages" in Path(place).parts else hashlib.sha256(Path(place).read_bytes()).hexdigest()


def _spec(found: Any, name: str, *, build: str, inputs: Inputs | None = None, **more: Any) -> ModelSpec:
    kind = found if isinstance(found, type) else type(found)
    makes = inspect.isfunction(found)
    if not makes and not (hasattr(kind, "fit") and hasattr(kind, "predict")):
        raise UserError(f"{found!r} is no model: it has no fit and predict.", EXAMPLE)
    if not isinstance(found, type) and _is_other(found):
        raise UserError(f"{found!r} is no classifier.", "Give a model that predicts classes.")
    form: Any = inputs or getattr(found, "inputs", "flat")
    family: Family = getattr(found, "family", "baseline")
    if form not in get_args(Inputs) or family not in get_args(Family):
        raise UserError(
            f"{name}: inputs must be one of {', '.join(get_args(Inputs))}, family of {', '.join(get_args(Family))}.",
            EXAMPLE,
        )
    text = " ".join((f"{name}()" if makes else kind.__name__ if isinstance(found, type) else repr(found)).split())
    text = text if len(text) <= LONGEST_DESCRIPTION else f"{text[: LONGEST_DESCRIPTION - 4]} ..."
    names = found.get_params() if hasattr(found, "get_params") and not isinstance(found, type) else {}
    own = inspect.signature(found).parameters if makes or isinstance(found, type) else {}
    try:
        return ModelSpec(
            name=name.replace("_", "-").strip("-"),
            family=family,
            build=build,
            inputs=form,
            description=f"your own model: {text}",
            stochastic=any(key.rpartition("__")[2] == "random_state" for key in (*names, *own)),
            **more,
        )
    except ValueError as error:
        raise UserError(f"{error}.", EXAMPLE) from error
