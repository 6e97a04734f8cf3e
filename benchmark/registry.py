"""The models and data sets there are: the catalogs of this project and those of installed packages.

A package adds its own through the entry-point groups ``benchmark.models`` and ``benchmark.datasets``; an
entry point names a specification or a sequence of them. A plug-in that cannot be loaded is skipped with a note.
"""

from __future__ import annotations

import dataclasses
import difflib
import json
from collections.abc import Iterable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from baselines.catalog import MODELS as BASELINES
from benchmark.data.catalog import DATASETS
from benchmark.data.own import spec as own
from benchmark.data.own.spec import Reading
from benchmark.errors import OF_OTHERS, UserError
from benchmark.specs import DatasetSpec, ModelSpec
from benchmark.utils.format import described
from benchmark.utils.terminal import note_once
from cnn.catalog import MODELS as CNNS

if TYPE_CHECKING:
    from benchmark.records.schema import RunRecord

Spec = TypeVar("Spec", ModelSpec, DatasetSpec)
SPECS: dict[str, type[ModelSpec] | type[DatasetSpec]] = {"model": ModelSpec, "data set": DatasetSpec}
_skipped: dict[str, list[str]] = {
    "model": [],
    "data set": [],
}  # Plug-ins by kind, with the reason, as they were last looked for.


def models() -> dict[str, ModelSpec]:
    """Every registered model by name, in catalog order."""
    return _merged("model", (*BASELINES, *CNNS), ModelSpec)


def datasets() -> dict[str, DatasetSpec]:
    """Every data set that has a name: the registered ones in catalog order, then paths that have been read before."""
    registered = _merged("data set", DATASETS, DatasetSpec)
    return registered | {spec.name: spec for spec, _ in own.remembered() if spec.name not in registered}


def dataset(
    name: str | Path | DatasetSpec,
    reading: Reading | None = None,
    recorded_as: str | None = None,
    fingerprint: str | None = None,
) -> DatasetSpec:
    """The data set of a name, or of a path of the user's own pictures.

    A path that has been read before, under the same name, is read with the same options unless some are given; that its
    pictures may not be shown stays so until it is taken back.

    Parameters
    ----------
    name : str, Path or DatasetSpec
        A specification is what it is.
    reading : Reading or None
        How the pictures of a path are read.
    recorded_as : str or None
        The name of a path's data set; None: made of the path's name.
    fingerprint : str or None
        Of the images that are meant, where several paths have the same name.

    Raises
    ------
    UserError
        If there is no such data set or path, options are given that are for paths only, or a name is that of several
        paths.
    """
    if isinstance(name, DatasetSpec):
        return name
    registered = _merged("data set", DATASETS, DatasetSpec)
    if isinstance(name, str) and name not in registered and own.looks_like_path(name):
        name = Path(name)
    if isinstance(name, Path):
        return _of_path(name, reading or Reading(), recorded_as, registered)
    if recorded_as is not None or reading not in (None, Reading()):
        raise UserError(f"{name} is a name: how its pictures are read is decided.", "Give the path of the pictures.")
    if isinstance(name, str) and name not in registered:
        meant = {spec.key: spec for spec, seen in own.remembered() if spec.name == name and fingerprint in (None, seen)}
        if len(meant) > 1:
            paths = [str(spec.params["path"]) for spec in meant.values()]
            raise UserError(
                f"Several paths are recorded as {name!r}: {', '.join(paths)}.", "Give the one that is meant."
            )
        if meant:
            return next(iter(meant.values()))
    known: Mapping[str, DatasetSpec] = datasets()
    return find("data set", known, name)


def _of_path(path: Path, reading: Reading, name: str | None, registered: Mapping[str, DatasetSpec]) -> DatasetSpec:
    given = own.spec_of(path, name, registered, reading)
    before = [spec for spec, _ in own.remembered() if spec.params["path"] == given.params["path"]]
    if reading == Reading():
        same = [spec for spec in before if spec.name == given.name]
        if same:
            return same[-1]
    if reading.show_pictures is None and any(spec.params.get("show_pictures") is False for spec in before):
        return own.spec_of(path, name, registered, dataclasses.replace(reading, show_pictures=False))
    return given


def pictures(path: Path, name: str | None, reading: Reading) -> DatasetSpec:
    """The data set of a path, read as ``reading`` says and no other way."""
    return own.spec_of(path, name, _merged("data set", DATASETS, DatasetSpec), reading)


def name_of(text: str) -> str:
    """The name under which results on a data set are recorded, of its name or of a path of the user's pictures.

    Of a path it is the name that is made of it, or else the one that it was given last.
    """
    if text in _merged("data set", DATASETS, DatasetSpec) or not own.looks_like_path(text):
        return text
    given = dataset(Path(text))
    names = [spec.name for spec, _ in own.remembered() if spec.params["path"] == given.params["path"]]
    return given.name if given.name in names or not names else names[-1]


def find(kind: str, known: Mapping[str, Spec], name: str | Spec) -> Spec:
    """Look a name up; for an unknown one the nearest names are suggested. A specification is what it is."""
    if isinstance(name, SPECS[kind]):
        return name
    if not isinstance(name, str):
        raise UserError(f"{name!r} is no {kind}.", "Give its name, or a specification.")
    if name in known:
        return known[name]
    if kind == "model" and name.endswith(".py"):
        raise UserError(f"{name} is a file.", f"Name what in it is the model: {name}:NAME.")
    near = difflib.get_close_matches(name.lower(), known, n=3, cutoff=0.5)
    hint = f"Did you mean {' or '.join(near)}?" if near else f"There are: {', '.join(known)}."
    if kind == "data set":
        hint += " For your own pictures give the path of a folder, table, arrays or .zip."
    raise UserError(f"Unknown {kind} {name!r}.", " ".join([hint, *_skipped[kind]]))


def choose(names: Sequence[Any] | None, *, everything: bool = False, pictures: bool = False) -> list[ModelSpec]:
    """The models of these names, of objects of files, and of estimators; specifications as they are; without any the
    core models, of the user's own ``pictures`` or of other data sets, or every one.

    Raises
    ------
    UserError
        If there is no such model, or two have the same name.
    """
    known = models()
    if names:
        chosen: dict[str, ModelSpec] = {}
        for name in names:
            model = _model(known, name)
            if chosen.setdefault(model.name, model) != model or (
                model.source is not None and model.name in known and model != known[model.name]
            ):
                raise UserError(f"There are two models {model.name!r}.", "Give one another name: --as, or bm.model.")
        return list(chosen.values())
    return [model for model in known.values() if everything or model.core is True or (pictures and model.core)]


def with_trivial(chosen: Sequence[ModelSpec]) -> list[ModelSpec]:
    """The models, and the trivial ones that every ``run`` shows beside them."""
    names = {model.name for model in chosen}
    return [*chosen, *(model for model in models().values() if model.trivial and model.name not in names)]


def model_of(text: str) -> tuple[str, list[ModelSpec]]:
    """A model's name, of its name or of an object of a file; the specification of the latter."""
    if ".py:" not in text:
        return text, []
    (spec,) = choose([text])
    return spec.name, [spec]


def _model(known: Mapping[str, ModelSpec], name: Any) -> ModelSpec:
    if isinstance(name, ModelSpec) or (isinstance(name, str) and ".py:" not in name):
        return find("model", known, name)
    from benchmark.estimators import adopt  # Who names no such model need not wait for it.

    return adopt.from_file(name) if isinstance(name, str) else adopt.spec_of(name)


def derive(model: ModelSpec, settings: Sequence[str], name: str) -> ModelSpec:
    """A model with other parameters, under another name.

    Parameters
    ----------
    model : ModelSpec
    settings : sequence of str
        ``NAME=VALUE``, the value as JSON where it is JSON (a number, true, null, a list), else as text. They override
        the parameters of profiles and data sets too.
    name : str
        Not that of a registered model, whose place it would take in reports and checks.

    Raises
    ------
    UserError
        If a setting is malformed, or the name is taken or invalid.
    """
    if name in models():
        raise UserError(f"There is already a model {name!r}.", "Choose another name with --as.")
    params = dict(map(parse_setting, settings))
    try:
        return dataclasses.replace(
            model,
            name=name,
            base=model.name,
            settings=tuple(settings),
            params={**model.params, **params},
            profile_params={key: {**layer, **params} for key, layer in model.profile_params.items()},
            dataset_params={key: {**layer, **params} for key, layer in model.dataset_params.items()},
        )
    except ValueError as error:
        raise UserError(f"{error}.") from error


def parse_setting(text: str) -> tuple[str, object]:
    """``C=3`` as a name and a value."""
    key, equals, value = text.partition("=")
    if not equals or not key.isidentifier():
        raise UserError(f"Invalid setting {text!r}.", "Write --set NAME=VALUE, as in --set C=3.")
    try:
        return key, json.loads(value)
    except ValueError:
        return key, value


def of_record(record: RunRecord, given: Sequence[ModelSpec] = ()) -> ModelSpec:
    """The model of a record as it is today: a registered one, or of those ``given`` that no package has.

    Raises
    ------
    UserError
        If it is not registered (any more) or given.
    """
    model, name = record.model, record.run.model
    for spec in given:
        if spec.name == (model.base or name):
            return spec if model.base is None else derive(spec, model.settings, name)
    if model.source is not None:
        raise UserError(f"{name} is a model of no package: {model.build}.", f"Give it as path/to/{model.build}.")
    base = find("model", models(), model.base or name)
    spec = base if model.base is None else derive(base, model.settings, name)
    return dataclasses.replace(spec, adapted=model.adapted) if model.adapted else spec


def _merged(kind: str, own: Iterable[Spec], spec_type: type[Spec]) -> dict[str, Spec]:
    """The specifications by name, ours first."""
    merged = {spec.name: spec for spec in own}
    skipped = _skipped[kind] = []
    group = f"benchmark.{kind.replace(' ', '')}s"
    for entry in metadata.entry_points(group=group):
        try:
            merged |= _specs(kind, entry, spec_type, merged)
        except OF_OTHERS as error:
            package = getattr(entry.dist, "name", None) or entry.name
            reason = str(error) if isinstance(error, UserError) else described(error)
            skipped.append(f"The plug-in {package} was skipped: {reason}.")
            note_once(f"skipped the plug-in {package} (entry point {entry.name} = {entry.value} of {group}): {reason}")
    return merged


def _specs(kind: str, entry: metadata.EntryPoint, spec_type: type[Spec], taken: Mapping[str, Spec]) -> dict[str, Spec]:
    """What an entry point holds, by name; all or nothing."""
    found = entry.load()
    specs = (found,) if isinstance(found, spec_type) else tuple(found)
    by_name: dict[str, Spec] = {}
    for spec in specs:
        if not isinstance(spec, spec_type):
            raise UserError(f"it holds {spec!r}, not a {spec_type.__name__}")
        if spec.name in taken or spec.name in by_name:
            raise UserError(f"there is already a {kind} {spec.name!r}")
        by_name[spec.name] = spec
    return by_name
