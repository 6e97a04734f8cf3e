"""The command ``predict``."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from benchmark.cli.options import (
    CollectionOption,
    DataDirOption,
    DatasetOption,
    ResultsOption,
    collection_name,
    console,
    say,
    warn,
)
from benchmark.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from benchmark.predict.sheet import Shown
    from benchmark.records.schema import RunRecord
    from benchmark.records.store import Stored
    from benchmark.specs import Dataset, DatasetSpec, ModelSpec, Run

BAR_WIDTH = 16
ROWS_A_SHEET = 8
MOST_TESTS = 100


@dataclasses.dataclass(frozen=True)
class Question:
    """An image to predict, with what is told of it; ``actual`` is its label where that is known."""

    name: str
    size: str
    given: np.ndarray
    seen: np.ndarray
    steps: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    actual: int | None = None


def predict(
    model: Annotated[str, typer.Argument(help="A model that was run with --save-models.")],
    images: Annotated[
        list[Path] | None, typer.Argument(metavar="[IMAGE]...", help="Pictures: PNG, JPEG and others.")
    ] = None,
    test: Annotated[
        str | None, typer.Option("--test", metavar="N,N,...", help="Test images of the data set, counted from 0.")
    ] = None,
    dataset: DatasetOption = "fashion-mnist",
    seed: Annotated[int | None, typer.Option(help="Of the model.  [default: the newest]", min=0)] = None,
    invert: Annotated[
        bool | None,
        typer.Option(
            "--invert/--no-invert",
            help="Make light dark and dark light.  [default: if the picture's ground is light and the data set's dark, "
            "or the other way round]",
        ),
    ] = None,
    top: Annotated[int, typer.Option(help="Classes to show of each image.", min=1, max=20)] = 3,
    output: Annotated[Path, typer.Option(help="Folder of the pictures to write.")] = Path("predictions"),
    collection: CollectionOption = None,
    data_dir: DataDirOption = None,
    results_dir: ResultsOption = Path("results"),
) -> None:
    """Classify your own pictures, or test images, with a saved model.

    A picture is made like the images of the data set; each step is told. The table is printed, and a picture of
    every image with its probabilities is written. Ends with exit code 1 if one of the pictures cannot be read.
    """
    from benchmark import registry
    from benchmark.predict import saved as prediction
    from benchmark.records.store import Store
    from benchmark.utils.files import check_writable

    if not images and test is None:
        raise UserError("There is nothing to predict.", "Name pictures, or test images: --test 0,7.")
    places = _places(test)
    data = registry.find("data set", registry.datasets(), dataset)
    stored = prediction.newest(Store(results_dir, collection_name(collection, "full")), dataset, model, seed)
    spec = _spec_of(stored.record)
    known = _dataset(data, data_dir, needed=bool(places))
    run = prediction.check_current(stored, spec, known.fingerprint if known else None)
    questions = _test_images(known, places) if known else []
    pictures, unread = _pictures(images or [], stored.record.dataset.image_shape, known, invert)
    questions += pictures
    if questions:
        check_writable(output)
        fitted = _load(stored, spec, run)
        _answer(questions, fitted, spec, stored, top, output)
    if unread:
        raise typer.Exit(1)


def _places(test: str | None) -> list[int]:
    """The numbers of ``--test``."""
    texts = [] if test is None else [text.strip() for text in test.split(",")]
    if not all(text.isascii() and text.isdigit() and len(text) < 10 for text in texts):
        raise UserError(f"--test {test!r} is no list of numbers.", "Write --test 12,57.")
    if len(texts) > MOST_TESTS:
        raise UserError(f"--test names {len(texts)} images.", f"Name at most {MOST_TESTS}.")
    return [int(text) for text in texts]


def _spec_of(record: RunRecord) -> ModelSpec:
    """The registered model, or what settings have made of it."""
    from benchmark import registry
    from benchmark.cli.progress import chosen_models

    known = registry.models()
    if record.model.base is None:
        return registry.find("model", known, record.run.model)
    (spec,) = chosen_models([record.model.base], False, record.model.settings, record.run.model)
    return spec


def _dataset(spec: DatasetSpec, data_dir: Path | None, *, needed: bool) -> Dataset | None:
    """The data set; where only its likeness is wanted, as far as it is decoded already."""
    from benchmark.data import cache
    from benchmark.data import load as store

    if needed or data_dir is not None:
        return store.prepare(spec, data_dir=data_dir, say=say)
    found = cache.read(spec, verify=False)
    if found is None:
        warn(f"{spec.title} is not decoded here, so the model's data are taken on trust")
    return found


def _test_images(data: Dataset, places: Sequence[int]) -> list[Question]:
    n = len(data.test_labels)
    beyond = [place for place in places if place >= n]
    if beyond:
        raise UserError(f"There is no test image {beyond[0]:,}.", f"There are {n:,}: 0 to {n - 1:,}.")
    found = []
    for place in places:
        pixels = data.test_images[place]
        size = f"{pixels.shape[1]} x {pixels.shape[0]}"
        found.append(Question(f"test image {place}", size, pixels, pixels, actual=int(data.test_labels[place])))
    return found


def _pictures(
    paths: Sequence[Path], shape: tuple[int, int, int], data: Dataset | None, invert: bool | None
) -> tuple[list[Question], int]:
    """The pictures that can be read, and how many cannot, each of which is told in a line."""
    from benchmark.predict import images as pictures

    style = pictures.Style.of(data.train_images) if data and paths else None
    found = []
    for path in paths:
        try:
            read = pictures.read(path, shape, style, invert)
        except UserError as error:
            say(f"error: {path}: {error}")
            continue
        found.append(Question(str(path), read.size, read.given, read.seen, read.steps, read.doubts))
    return found, len(paths) - len(found)


def _load(stored: Stored, spec: ModelSpec, run: Run) -> Any:
    from benchmark.estimators import adapter as answers
    from benchmark.estimators import serialization as saving

    state = stored.record.random_state
    fitted = saving.load(stored, answers.configured(spec.create(run), state, 1, "cpu"))
    return answers.configured(fitted, state, 1, "cpu")


def _answer(
    questions: Sequence[Question], fitted: Any, spec: ModelSpec, stored: Stored, top: int, output: Path
) -> None:
    """Predict, print the table, write the sheets."""
    import numpy as np

    from benchmark.estimators import adapter as answers
    from benchmark.estimators import metrics
    from benchmark.estimators.feature_cache import unkept
    from benchmark.utils.format import first_line

    record = stored.record
    names = record.dataset.class_names
    images = np.stack([question.seen for question in questions])
    X = answers.inputs(images, np.arange(len(images)), spec)
    try:
        with unkept():
            labels = metrics.check_labels(fitted.predict(X), len(X), len(names))
            probabilities = answers.all_classes(fitted, X, len(names))
        if probabilities is not None:
            probabilities = metrics.check_probabilities(probabilities, len(X), len(names))
    except Exception as error:  # Whatever a saved model holds, it was made elsewhere.
        raise UserError(
            f"{stored.path.name}: the saved model does not predict: {first_line(error)}.",
            f"Make it anew: python -m benchmark run {record.run.model} --save-models --fresh",
        ) from error
    rows = [
        _shown(question, int(label), None if probabilities is None else probabilities[place], names, top)
        for place, (question, label) in enumerate(zip(questions, labels, strict=True))
    ]
    _print(questions, rows, record)
    for path in _write(rows, record, output):
        typer.echo(f"Written to {path}")


def _shown(question: Question, label: int, probabilities: np.ndarray | None, names: Sequence[str], top: int) -> Shown:
    from benchmark.predict.sheet import Shown
    from benchmark.utils.format import printable

    bars: tuple[tuple[str, float], ...] = ()
    if probabilities is not None:
        order = sorted(range(len(names)), key=lambda k: (-probabilities[k], k))[:top]
        bars = tuple((names[k], float(probabilities[k])) for k in order)
    actual = None if question.actual is None else names[question.actual]
    return Shown(printable(Path(question.name).name), question.given, question.seen, names[label], bars, actual)


def _print(questions: Sequence[Question], rows: Sequence[Shown], record: RunRecord) -> None:
    from rich.markup import escape
    from rich.table import Table

    from benchmark.utils.format import printable

    screen = console()
    run, known = record.run, record.test
    score = "" if known is None else f"; test accuracy {known.accuracy:.4f}"
    title = f"{run.model} on {record.dataset.title}, seed {run.seed}, profile {run.profile}{score}"
    screen.print(f"[bold]{escape(title)}[/]", highlight=False)
    table = Table(show_lines=True)
    table.add_column("picture", overflow="fold")
    table.add_column("prediction", no_wrap=True)
    own = any(question.actual is None for question in questions)
    if own:
        table.add_column("how it was prepared")
    width = max(len(name) for row in rows for name in (row.label, *(name for name, _ in row.bars)))
    for question, row in zip(questions, rows, strict=True):
        runs = [f"{escape(printable(question.name))}\n[bright_black]{question.size}[/]", _prediction(row, width)]
        if own:
            steps = question.steps or ("an image of the data set",)
            doubts = [f"[yellow]{escape(doubt)}[/]" for doubt in question.doubts]
            runs.append("; ".join([*map(escape, steps), *doubts]))
        table.add_row(*runs)
    screen.print(table)


def _prediction(row: Shown, width: int) -> str:
    """Lines of markup: the label, whether it is right, and a bar for each class."""
    from rich.markup import escape

    verdict = ""
    if row.actual is not None:
        verdict = " [green]right[/]" if row.actual == row.label else f" [red]wrong: it is {escape(row.actual)}[/]"
    lines = [f"[bold]{escape(row.label)}[/]{verdict}"]
    if not row.bars:
        return "\n".join([*lines, "[bright_black]no probabilities[/]"])
    for name, value in row.bars:
        bar = "\u2588" * round(value * BAR_WIDTH) or ("\u258f" if value >= 0.0005 else "")
        lines.append(f"{escape(name):<{width}} [cyan]{bar:<{BAR_WIDTH}}[/] {value:6.1%}")
    return "\n".join(lines)


def _write(rows: Sequence[Shown], record: RunRecord, output: Path) -> list[Path]:
    """Sheets of at most ROWS_A_SHEET images, named after the model and the first image."""
    import re
    import warnings

    from benchmark.predict import sheet
    from benchmark.report import style

    first = re.sub(r"[^A-Za-z0-9_-]+", "-", Path(rows[0].name).stem).strip("-")[:40] or "image"
    more = f"-and-{len(rows) - 1}-more" if len(rows) > 1 else ""
    title = f"{record.run.model} on {record.dataset.title}"
    written = []
    for start in range(0, len(rows), ROWS_A_SHEET):
        part = f"-{start // ROWS_A_SHEET + 1}" if len(rows) > ROWS_A_SHEET else ""
        path = output / f"{record.run.model}-{first}{more}{part}.png"
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Glyph .* missing")  # Names may be in any script.
            style.save(sheet.draw(title, rows[start : start + ROWS_A_SHEET]), path)
        written.append(path)
    return written
