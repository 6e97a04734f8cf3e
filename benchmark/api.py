"""The Python API: run models, load what was recorded, look at it as DataFrames, write reports.

The command line is its first client; everything here is reached through ``import benchmark as bm``.
"""

from __future__ import annotations

import dataclasses
import functools
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from benchmark import registry
from benchmark.analysis import comparison, frames
from benchmark.analysis.learning_curve import NETWORKS
from benchmark.analysis.out_of_fold import together
from benchmark.analysis.select import Selection, best, select
from benchmark.data.folds import HOLD_OUT, MOST_FOLDS, MOST_REPEATS, REPEATS, automatic
from benchmark.data.folds import check as check_folds
from benchmark.data.own import spec as own
from benchmark.data.own.spec import Reading
from benchmark.errors import UserError
from benchmark.estimators import metrics
from benchmark.records.schema import RunRecord
from benchmark.records.store import Problem, Store, Stored
from benchmark.runner import environment, eta
from benchmark.runner.budget import within
from benchmark.runner.prepare import prepare
from benchmark.runner.progress import Quiet, watch
from benchmark.runner.run import Planned, Runner, Settings
from benchmark.specs import PROFILES, Dataset, DatasetSpec, Inputs, ModelSpec, n_folds, profile_named
from benchmark.utils import cache_folder
from benchmark.utils.format import counted, duration

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from benchmark.report.write import Written

Models = Sequence[Any] | str | ModelSpec | Any | None
DEFAULT_DATASET = "fashion-mnist"
SIZES = (100, 300, 1000, 3000, 10_000)


def run(
    models: Models = None,
    *,
    dataset: str | Path | DatasetSpec = DEFAULT_DATASET,
    profile: str = "full",
    seeds: int = 1,
    folds: int | None = None,
    repeats: int | None = None,
    settings: Settings | None = None,
    budget_seconds: float | None = None,
    collection: str | None = None,
    data_dir: Path | str | None = None,
    results_dir: Path | str = "results",
    watcher: Quiet | None = None,
) -> Results:
    """Train and score models, record every run, and return what the collection holds now.

    The trivial baseline ``majority`` is run beside them, as a reference line in the leaderboard that is compared with
    nothing.

    Runs that are recorded already are not repeated; after an interruption the same call resumes.

    Parameters
    ----------
    models : sequence of (str, ModelSpec or estimator), one of them, or None
        Names (see :func:`benchmark.models`), ``"path/to/file.py:name"``, specifications of your own, or scikit-learn
        estimators and their classes (:func:`model` gives them a name); ``"all"`` means every registered model, None the
        core models.
    dataset : str, Path or DatasetSpec
        A name (see :func:`benchmark.datasets`), the path of your own pictures, or a specification; :func:`pictures`
        makes one of a path with options.
    profile : str
        How much of the data: ``"full"``, ``"quick"``, or ``"train-N"`` for N training images.
    seeds : int
        Seeds per model; deterministic models run once.
    folds : int or None
        Of stratified k-fold, 2 to 20, for pictures without a test part; 0 holds out a fifth of them once. None means
        5 folds below 2,000 pictures, otherwise the hold-out.
    repeats : int or None
        Partitions into folds, 1 to 100; None means 3. Every image is predicted once per repeat.
    settings : Settings or None
        Jobs, threads, device, limits, what models are judged by, and what else to do; None means the defaults.
    budget_seconds : float or None
        Where all training images would take longer, by the estimate, every model is trained on the largest sample that
        does not: under the profile ``train-N``. Not with ``"quick"``.
    collection : str or None
        Name under which results are kept; None means ``"local"``, or the profile's name.
    data_dir : path or None
        Folder to look for data files in first.
    results_dir : path
        Folder of the records.
    watcher : Quiet or None
        Follows the progress (:mod:`benchmark.runner.progress`); None shows it on standard output, ``Quiet()`` not
        at all.

    Raises
    ------
    UserError
        In one line what is wrong, and its remedy: an unknown name, a folder that cannot be written, damaged data.
    """
    store = Store.open(results_dir, collection, profile)
    if budget_seconds is not None and profile != "full":
        raise UserError(f"A budget chooses the number of training images, and so does {profile}.", "Give one of them.")
    if folds is None and (n := n_folds(profile)) is not None:  # As records call it.
        profile, folds = "full", n
    _check_protocol(profile, seeds, folds, repeats)
    profiles = functools.partial(_one_profile, profile, seeds, folds, repeats)
    spec = registry.dataset(dataset)
    chosen = registry.with_trivial(_chosen(models, spec))
    return _run(chosen, spec, profiles, seeds, settings or Settings(), store, data_dir, watcher, budget_seconds)


def curve(
    models: Models = None,
    *,
    sizes: Sequence[int | Literal["all"]] | None = None,
    dataset: str | Path | DatasetSpec = DEFAULT_DATASET,
    seeds: int = 3,
    settings: Settings | None = None,
    collection: str | None = None,
    data_dir: Path | str | None = None,
    results_dir: Path | str = "results",
    watcher: Quiet | None = None,
) -> Results:
    """Train models on fewer and fewer images: from how many on is a CNN worth it?

    Without ``models`` they are the core models and the best baseline, network from scratch and pre-trained network by
    validation accuracy on all training images, if the collection has records of them. Training images are drawn by
    seed, stratified by class; of one seed, the smaller set is part of the larger. Validation and test images are always
    all of them. The whole training part is the profile ``full`` of :func:`run`, whose records are used.

    Parameters
    ----------
    sizes : sequence of (int or "all") or None
        Numbers of training images; ``"all"`` is the whole training part. None means 100, 300, 1,000, 3,000, 10,000 and
        all, as far as there are as many.
    seeds : int
        Seeds per model and size, each with training images of its own.

    The other parameters, and what is raised, are those of :func:`run`.
    """
    store = Store.open(results_dir, collection, "full")
    profiles = functools.partial(_curve_profiles, sizes, seeds)
    spec = registry.dataset(dataset)
    chosen = _chosen(_curve_models(store, spec, (settings or Settings()).metric) if models is None else models, spec)
    trained = [model for model in chosen if not model.trivial]
    if not trained:
        raise UserError(f"{chosen[0].name} learns nothing from more images.", "Name other models.")
    return _run(trained, spec, profiles, seeds, settings or Settings(), store, data_dir, watcher)


def pictures(path: Path | str, *, name: str | None = None, **options: Any) -> DatasetSpec:
    """Your own pictures as a data set: a folder with one folder per class, a table, arrays, or a .zip of these.

    Parameters
    ----------
    path : path
    name : str or None
        Under which it is recorded; None: made of the path's name.
    **options
        Those of :class:`benchmark.data.own.spec.Reading`: ``size``, ``background``, ``image_column``, ``label_column``,
        ``group_column``, ``min_class_size``, ``allow_skipped``, ``show_pictures``, ``mirror``.

    Raises
    ------
    UserError
        If there is nothing at the path, or an option is not possible.
    """
    try:
        reading = Reading(**options)
    except TypeError:
        known = ", ".join(field.name for field in dataclasses.fields(Reading))
        raise UserError(f"There is no such option: {', '.join(options)}.", f"There are: {known}.") from None
    return registry.pictures(Path(path), name, reading)


def model(estimator: Any, *, name: str | None = None, inputs: Inputs | None = None) -> ModelSpec:
    """Any scikit-learn estimator, pipeline or search as a model with a name.

    Parameters
    ----------
    estimator : estimator or class
        With ``fit`` and ``predict``; ``run`` takes it without this too.
    name : str or None
        None: made of its class's name.
    inputs : {"flat", "images"} or None
        As of :class:`benchmark.specs.ModelSpec`; None: the estimator's attribute of this name, or "flat".

    Raises
    ------
    UserError
        If it is no model.
    """
    from benchmark.estimators import adopt

    return adopt.spec_of(estimator, name, inputs)


def load(
    collection: str = "local",
    *,
    dataset: str | Path | None = None,
    profile: str | None = None,
    results_dir: Path | str = "results",
    metric: str | None = None,
) -> Results:
    """What a collection holds on one data set.

    Parameters
    ----------
    collection : str
        ``"reference"`` is the one that comes with the project's sources.
    dataset : str, Path or None
        A name, or the path of your own pictures. May be left out where the collection has only one.
    profile : str or None
        The profile to compare models under; None takes ``full`` if it is recorded, else the latest.
    results_dir : path
        Folder of the records.
    metric : str or None
        What models are judged by, as of :class:`Settings`.

    Raises
    ------
    UserError
        If nothing is recorded.
    """
    _check(metric)
    store = Store.open(results_dir, collection, profile or "full")
    names = store.datasets()
    dataset = None if dataset is None else registry.name_of(str(dataset))
    if not names:
        raise UserError(f"There are no records in {store.folder}.", "Make some with: python -m benchmark run")
    if dataset is None and len(names) > 1:
        raise UserError(f"{store.folder} has records of {', '.join(names)}.", "Name one: dataset=...")
    return Results(store, dataset or names[0], profile, metric=metric)


class Results:
    """The records of one data set in a collection, as DataFrames and as a report.

    Attributes
    ----------
    store : Store
    dataset : str
    profile : str or None
        The profile under which models are compared; None takes ``full`` if it is recorded, else the latest.
    records : tuple of RunRecord
        Of the runs of the call that returned this; empty after :func:`load`.
    metric : str or None
        What models are judged by; None takes that of the data set.
    problems : list of Problem
        Files that were skipped, and why; grows while predictions are read.
    """

    def __init__(
        self,
        store: Store,
        dataset: str,
        profile: str | None = None,
        records: Sequence[RunRecord] = (),
        data: Dataset | None = None,
        metric: str | None = None,
    ) -> None:
        self.store = store
        self.dataset = dataset
        self.profile = profile
        self.records = tuple(records)
        self.problems: list[Problem] = []
        self.metric = metric
        self._data = data
        self._read: dict[Path, dict[str, np.ndarray] | None] = {}

    def __repr__(self) -> str:
        return f"<Results of {self.dataset} in {self.store.folder}: {len(self._stored)} runs>"

    @functools.cached_property
    def _stored(self) -> list[Stored]:
        stored, problems = self.store.read_all(self.dataset)
        self.problems += problems
        return stored

    @functools.cached_property
    def _selection(self) -> Selection:
        selection = select(self._stored, self.profile, self.metric)
        if selection is None:
            raise UserError(
                f"No {self.profile or 'readable'} records of {self.dataset} in {self.store.folder}.",
                f"Make some: python -m benchmark run --dataset {self.dataset} --collection {self.store.collection}",
            )
        return selection

    def _arrays(self, stored: Stored) -> dict[str, np.ndarray] | None:
        if stored.path not in self._read:
            try:
                self._read[stored.path] = stored.predictions()
            except UserError as error:
                self.problems.append(Problem(stored.path, error.problem))
                self._read[stored.path] = None
        return self._read[stored.path]

    @property
    def runs(self) -> pd.DataFrame:
        """Every readable record, failed ones included, see :func:`benchmark.analysis.frames.runs`."""
        return frames.runs(self._stored)

    def leaderboard(self) -> pd.DataFrame:
        """The models, best first, see :func:`benchmark.analysis.leaderboard.leaderboard`."""
        from benchmark.analysis.leaderboard import leaderboard

        ranked = self._selection.ranked
        return leaderboard(ranked, comparison.intervals(ranked, self._arrays))

    def pairwise(self) -> pd.DataFrame:
        """Every pair of models on the same test images, see :func:`benchmark.analysis.frames.pairwise`."""
        return frames.pairwise(comparison.compare(self._selection.summaries, self._arrays))

    def per_class(self) -> pd.DataFrame:
        """Precision, recall and F1 of every model in every class: see :func:`benchmark.analysis.frames.per_class`."""
        return frames.per_class(self._selection.summaries, self._selection.dataset.class_names)

    def predictions(self, model: str, seed: int = 0, part: Literal["test", "validation"] = "test") -> pd.DataFrame:
        """One run's predictions, image by image: see :func:`benchmark.analysis.frames.predictions`.

        Of cross-validation they are those of all folds of the repeat that ``seed`` names.

        Raises
        ------
        UserError
            If there is no such run, or its predictions cannot be read.
        """
        for summary in self._selection.ranked:
            if summary.folds is not None:
                for stored, arrays in together(summary, self._arrays) if summary.name == model else ():
                    if stored.record.run.seed == seed:
                        return frames.predictions(arrays, self._selection.dataset.class_names, part)
                continue
            for stored in summary.stored:
                if (summary.name, stored.record.run.seed) == (model, seed):
                    return frames.predictions(stored.predictions(), self._selection.dataset.class_names, part)
        known = ", ".join(f"{s.name} ({s.n_seeds})" for s in self._selection.ranked)
        raise UserError(f"No run of {model!r} with seed {seed} is recorded.", f"There are (seeds): {known}.")

    def report(self, folder: Path | str = "reports", *, html: bool = True) -> Written:
        """Write the report as Markdown with charts and, unless ``html`` is False, as one HTML page beside it.

        Returns
        -------
        Written
            The paths, the headline in words, and what was skipped.
        """
        from benchmark.report.write import write

        chosen = {"profile": self.profile, "metric": self.metric}
        return write(self.store, self.dataset, Path(folder), data=self._data, with_html=html, **chosen)


def _run(
    chosen: Sequence[ModelSpec],
    spec: DatasetSpec,
    profiles: Callable[[Dataset], tuple[list[str], int]],
    n_seeds: int,
    settings: Settings,
    store: Store,
    data_dir: Path | str | None,
    watcher: Quiet | None,
    budget_seconds: float | None = None,
) -> Results:
    """Plan and execute runs under the profiles that ``profiles`` names for the data set, with so many seeds."""
    from rich.console import Console

    _check(settings.metric)
    if not isinstance(n_seeds, int) or n_seeds < 1:
        raise UserError(f"seeds={n_seeds!r} is no number of seeds.", "Give a whole number from 1 on.")
    store.check_writable()
    cache_folder.limit_bytes()  # Before hours of work whose features could not be kept.
    # A notebook announces colours, but cannot redraw a table in place.
    console = Console(soft_wrap=True, force_jupyter=False, force_terminal=sys.stdout.isatty())
    with watcher or watch(console) as shown:
        folder = None if data_dir is None else Path(data_dir)
        prepared = prepare(spec, folder, store, shown.note, shown.preparing)
        names, number = profiles(prepared.dataset)
        runner = Runner(store, settings, shown, environment.describe())
        runs = runner.plan(chosen, [prepared], number, names)
        if (n := n_folds(names[0])) is not None:
            shown.note(_folds_note(n, number))
        if spec.own and own.options(spec.params):
            shown.note(f"{spec.name} is read with {' '.join(own.options(spec.params))}")
        estimates = _estimates(runner, len(runs), shown)
        plan = estimates.plan(runs)
        if budget_seconds is not None and n is not None and plan.expected_seconds > budget_seconds:
            raise UserError(
                f"Cross-validation would take about {duration(plan.expected_seconds)}, the budget is "
                f"{duration(budget_seconds)}.",
                "Allow more time, take --repeats 1, or hold out a fifth once: --folds 0.",
            )
        if budget_seconds is not None and n is None:
            sizes = len(prepared.dataset.split.train), len(prepared.dataset.class_names)
            recorded = {stored.record.run.profile for stored in store.read_all(spec.name)[0]}
            smaller, plan = within(
                budget_seconds,
                plan,
                lambda name: estimates.plan(runner.plan(chosen, [prepared], number, [name])),
                sizes,
                sorted(recorded),
            )
            names = names if smaller is None else [smaller]
        for note in (*_device_notes(plan.runs, settings.device), *_adapted_notes(plan.runs)):
            shown.note(note)
        shown.planned(plan)
        records = runner.execute(plan.runs)
    # After a curve, the report chooses by itself under which profile models are compared.
    return Results(store, spec.name, names[0] if len(names) == 1 else None, records, prepared.dataset, settings.metric)


def _check(metric: str | None) -> None:
    if metric is not None:
        metrics.named(metric)


def _chosen(models: Models, dataset: DatasetSpec) -> list[ModelSpec]:
    if models is None or models == "all":
        return registry.choose(None, everything=models == "all", pictures=dataset.own)
    if isinstance(models, str | ModelSpec) or hasattr(models, "fit"):
        return registry.choose([models])
    if not isinstance(models, Iterable) or not (names := list(models)):
        raise UserError(f"models={models!r} names no model.", "Give a list of names, or None for the core models.")
    return registry.choose(names)


def _check_protocol(profile: str, seeds: int, folds: int | None, repeats: int | None) -> None:
    """Refuse what contradicts itself, before any data are read."""
    if folds is not None and folds != HOLD_OUT and not 2 <= folds <= MOST_FOLDS:
        raise UserError(f"{folds} folds are not possible.", f"Choose 2 to {MOST_FOLDS}, or 0 for one hold-out.")
    if repeats is not None and not 1 <= repeats <= MOST_REPEATS:
        raise UserError(f"{repeats} repeats are not possible.", f"Choose 1 to {MOST_REPEATS}.")
    if folds == HOLD_OUT and repeats is not None:
        raise UserError("Nothing is repeated in one hold-out.", "Leave out --repeats, or --folds 0.")
    asked = folds is not None and folds != HOLD_OUT
    if profile != "full" and n_folds(profile) != folds and (asked or n_folds(profile) is not None):
        raise UserError(f"Folds use all images, not those of the profile {profile}.", "Choose --folds or --profile.")
    if asked and seeds != 1:
        raise UserError("In each repeat of cross-validation there is one seed.", "Use --repeats in place of --seeds.")


def _one_profile(
    name: str, seeds: int, folds: int | None, repeats: int | None, dataset: Dataset
) -> tuple[list[str], int]:
    """The profile of all runs, and the number of seeds or repeats."""
    if folds is None:
        folds = automatic(dataset) if name == "full" else HOLD_OUT
    if folds != HOLD_OUT:
        if seeds != 1:
            raise UserError(
                f"{dataset.title} has no test part and few pictures: it is cross-validated, one seed in each repeat.",
                f"Use --repeats {seeds} in place of --seeds, or hold out a fifth once: --folds 0.",
            )
        check_folds(dataset, folds, repeats or REPEATS)
        return [f"{folds}-fold"], repeats or REPEATS
    if repeats is not None:
        raise UserError(
            f"{dataset.title} is not cross-validated: nothing is repeated.", "Add --folds 5, or use --seeds."
        )
    wanted, whole = profile_named(name), len(dataset.split.train)
    if wanted.draw is not None and wanted.train_size is not None and wanted.train_size > whole:
        raise UserError(
            f"The profile {name} asks for more training images than {dataset.title} has: {whole:,}.",
            "Choose fewer, or the profile full.",
        )
    return [name], seeds


def _folds_note(folds: int, repeats: int) -> str:
    return (
        f"no test part is given: {folds}-fold cross-validation, {counted(repeats, 'repeat')}; every picture is "
        "predicted once per repeat, by a model that has not seen it (--folds 0 holds out a fifth once)"
    )


def _curve_models(store: Store, dataset: DatasetSpec, metric: str | None) -> list[str]:
    """The core models, and the best of each kind on all training images."""
    whole = select(store.read_all(dataset.name)[0], "full", metric)
    summaries = [s for s in whole.summaries if s.name in registry.models()] if whole is not None else []
    found = [best(summaries, kind) for kind in ("baseline", *NETWORKS)]
    core = [model.name for model in registry.choose(None, pictures=dataset.own)]
    return list(dict.fromkeys([*core, *(s.name for s in found if s is not None)]))


def _curve_profiles(
    sizes: Sequence[int | Literal["all"]] | None, seeds: int, dataset: Dataset
) -> tuple[list[str], int]:
    """The profiles of numbers of training images, fewest first; all of them are the profile ``full``."""
    whole, n_classes = len(dataset.split.train), len(dataset.class_names)
    if sizes is None:
        usual = [size for size in SIZES if n_classes <= size < whole]
        sizes = [*(usual or (size for size in (whole // 4, whole // 2) if size >= n_classes)), whole]
    numbers = sorted({whole if size == "all" else size for size in sizes})
    if not numbers:
        raise UserError("sizes=[] names no number of training images.", "Give some, or None for the usual ones.")
    for size in numbers:
        if size > whole:
            raise UserError(f"{size:,} training images: there are only {whole:,}.", "Choose fewer, or 'all'.")
        if size < n_classes:
            raise UserError(f"{size} training images are fewer than the {n_classes} classes.", "Choose more.")
    return ["full" if size == whole else f"train-{size}" for size in numbers], seeds


def _estimates(runner: Runner, n_runs: int, shown: Quiet) -> eta.Estimates:
    """By the collection's records, the reference records that come with the project's sources, timings and pilots."""
    folders = dict.fromkeys((runner.store.results_dir, Path("results")))
    stores = (runner.store, *(Store(folder, "reference") for folder in folders))
    return eta.Estimates(stores, runner.environment, runner.settings.resolved(n_runs), shown.preparing)


def _adapted_notes(runs: Sequence[Planned]) -> list[str]:
    """Which parameters follow the data, a line for each model."""
    weighing = {planned.run.model: None for planned in runs if "class_weight" in planned.model.adapted}
    notes = {}
    for planned in runs:
        said = ", ".join(f"{name}={value}" for name, value in planned.model.adapted.items() if name != "class_weight")
        if said:
            profile = "" if planned.run.profile in PROFILES else f", {planned.run.profile}"
            notes[planned.model.name, profile] = f"to fit these pictures, {planned.model.name}{profile}: {said}"
    if weighing:
        weighed = f"classes of uneven size weigh alike in training {', '.join(weighing)}"
        notes["", ""] = f"{weighed} (class_weight=balanced; --class-weight none switches it off)"
    return list(notes.values())


def _device_notes(runs: Sequence[Planned], device: str) -> list[str]:
    """A note if a device was asked for and networks' records, which stay, come from another."""
    kept = [planned.recorded for planned in runs if planned.recorded is not None and planned.model.family == "network"]
    others = {record.cost.device for record in kept if record.cost is not None} - {device}
    if device == "auto" or not others:
        return []
    return [
        f"note: what is already recorded ran on {' and '.join(sorted(others))}, not {device}, and is not repeated; "
        "--fresh repeats it, --collection keeps both"
    ]
