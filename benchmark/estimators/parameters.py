"""Parameters that are set by hand, checked against what the model's builder takes."""

from __future__ import annotations

import difflib
import inspect
import json
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter, ValidationError

from benchmark.errors import OF_OTHERS, UserError
from benchmark.specs import ModelSpec, resolve
from benchmark.utils.format import described

NAMED = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY


def check(model: ModelSpec, params: Mapping[str, Any]) -> None:
    """Refuse names that the builder does not take and values of another type.

    What the type is, annotations say, or else the present values: None and text stand for any type, since many
    parameters take a word such as ``"scale"`` in place of a number. A builder that takes any keyword, or has no
    signature, is not checked.

    Parameters
    ----------
    model : ModelSpec
        Its builder's module is imported.
    params : mapping
        As :func:`benchmark.registry.parse_setting` reads them.

    Raises
    ------
    UserError
        Naming the first that does not fit, with the parameters that there are.
    """
    try:
        build = resolve(model.build, model.file)
    except OF_OTHERS as error:
        raise UserError(f"{model.name} cannot be built: {described(error)}.") from error
    try:
        parameters = inspect.signature(build).parameters
    except (TypeError, ValueError):
        return
    if any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters.values()):
        return
    defaults = {name: one.default for name, one in parameters.items() if one.kind in NAMED}
    present = {name: model.params.get(name, value) for name, value in defaults.items()}
    hints = _hints(build)
    for name, value in params.items():
        if name not in present:
            raise _unknown(model.name, name, present)
        expected = _expected(value, hints[name]) if name in hints else _unlike(value, name, present[name])
        if expected:
            raise UserError(f"{model.name} cannot take {name}={value!r}: expected {expected}.", _listed(present))


def _unknown(model: str, name: str, present: Mapping[str, Any]) -> UserError:
    near = difflib.get_close_matches(name, present)
    hint = f"Did you mean {' or '.join(near)}? " if near else ""
    return UserError(f"{model} has no parameter {name!r}.", hint + _listed(present))


def _listed(present: Mapping[str, Any]) -> str:
    empty = inspect.Parameter.empty
    words = [name if value is empty else f"{name}={value!r}" for name, value in present.items()]
    return f"It has {', '.join(words)}." if words else "It has none."


def _hints(build: Callable[..., Any]) -> dict[str, Any]:
    try:
        return typing.get_type_hints(getattr(build, "__init__") if isinstance(build, type) else build)  # noqa: B009 -- for mypy
    except OF_OTHERS:  # Names that are imported for type checkers alone.
        return {}


def _expected(value: Any, hint: Any) -> str:
    """The type in words if a value, as JSON has it, is not of it."""
    try:
        TypeAdapter(hint).validate_json(json.dumps(value), strict=True)
    except ValidationError:
        return " or ".join(getattr(one, "__name__", str(one)) for one in typing.get_args(hint) or (hint,))
    except OF_OTHERS:  # Types that pydantic does not know.
        return ""
    return ""


def _unlike(value: Any, name: str, present: Any) -> str:
    """The type of the present value in words if the new one is of another."""
    kinds = {bool: "true or false", int | float: "a number", Sequence: "a list"}
    if value is None or present is None or isinstance(present, str):
        return ""
    for kind, words in kinds.items():
        if isinstance(present, kind):
            fits = isinstance(value, kind) and not isinstance(value, str) and isinstance(value, bool) == (kind is bool)
            return "" if fits else f"{words}, as now in {name}={present!r}"
    return ""
