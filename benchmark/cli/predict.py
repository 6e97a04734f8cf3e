"""The command ``predict``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchmark.cli.options import (
    CollectionOption,
    DataDirOption,
    DatasetOption,
    ResultsOption,
    console,
    dataset_specs,
)
from benchmark.errors import UserError
from benchmark.utils.terminal import literal, say, show

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmark.predict.classify import Question
    from benchmark.predict.sheet import Shown
    from benchmark.records.schema import RunRecord

BAR_WIDTH = 16
MOST_TESTS = 100


def predict(
    model: Annotated[str, typer.Argument(help="A model that was run with --save-models, or FILE.py:NAME.")],
    images: Annotated[
        list[Path] | None, typer.Argument(metavar="[IMAGE]...", help="Pictures: PNG, JPEG and others.")
    ] = None,
    test: Annotated[
        str | None, typer.Option("--test", metavar="N,N,...", help="Test images of the data set, counted from 0.")
    ] = None,
    dataset: DatasetOption = "fashion-mnist",
    seed: Annotated[int | None, typer.Option(help="Seed of the model.", show_default="the newest", min=0)] = None,
    invert: Annotated[
        bool | None,
        typer.Option(
            "--invert/--no-invert",
            help="Swap light and dark.",
            show_default="as the data set's pictures were prepared; Fashion-MNIST's if the background is light",
        ),
    ] = None,
    top: Annotated[int, typer.Option(help="Classes to show per image.", min=1, max=20)] = 3,
    output: Annotated[Path, typer.Option(help="Folder for the pictures to write.")] = Path("predictions"),
    collection: CollectionOption = None,
    data_dir: DataDirOption = None,
    results_dir: ResultsOption = Path("results"),
) -> None:
    """Classify your own pictures, or test images, with a saved model.

    A picture is prepared like the images of the data set, and each step is named. Prints a table and writes a picture
    of every image with its probabilities; one that is unlike all training images has none. Exit code 1 if one of the
    pictures cannot be read.
    """
    from benchmark import registry
    from benchmark.predict.classify import SavedClassifier, data_for
    from benchmark.records.store import Store
    from benchmark.utils.files import check_writable

    if not images and test is None:
        raise UserError("There is nothing to predict.", "Name pictures, or test images: --test 0,7.")
    places, (spec,) = _places(test), dataset_specs([dataset])
    store = Store.open(results_dir, collection)
    data = data_for(spec, data_dir, say, needed=bool(places))
    name, given = registry.model_of(model)
    classifier = SavedClassifier(store, spec, name, seed, lambda record: registry.of_record(record, given), data)
    pictures = classifier.pictures(images or [], invert, lambda text: say(f"error: {text}"))
    questions = classifier.test_images(places) + pictures
    if questions:
        check_writable(output)
        rows = classifier.classify(questions, top)
        _print(questions, rows, classifier.record)
        for path in classifier.write_sheets(rows, output):
            show(f"Written to {path}")
    if len(pictures) < len(images or []):
        raise typer.Exit(1)


def _places(test: str | None) -> list[int]:
    """The numbers of ``--test``."""
    texts = [] if test is None else [text.strip() for text in test.split(",")]
    if not all(text.isascii() and text.isdigit() and len(text) < 10 for text in texts):
        raise UserError(f"--test {test!r}: expected comma-separated integers.", "Write --test 12,57.")
    if len(texts) > MOST_TESTS:
        raise UserError(f"--test names {len(texts)} images.", f"Name at most {MOST_TESTS}.")
    return [int(text) for text in texts]


def _print(questions: Sequence[Question], rows: Sequence[Shown], record: RunRecord) -> None:
    from rich.cells import cell_len
    from rich.table import Table

    from benchmark.utils.format import percent, printable

    screen = console()
    run, score = record.run, "" if record.test is None else f"; test accuracy {percent(record.test.accuracy)}"
    title = f"{run.model} on {record.dataset.title}, {run.to_run().number}, profile {run.profile}{score}"
    screen.print(f"[bold]{literal(title)}[/]", highlight=False)
    table = Table(show_lines=True)
    table.add_column("picture", overflow="fold")
    table.add_column("prediction", no_wrap=True)
    own = any(question.actual is None for question in questions)
    if own:
        table.add_column("preparation")
    width = max(cell_len(printable(name)) for row in rows for name in (row.label, *(name for name, _ in row.bars)))
    for question, row in zip(questions, rows, strict=True):
        cells = [f"{literal(question.name)}\n[bright_black]{question.size}[/]", _prediction(row, width)]
        if own:
            steps = question.steps or ("an image of the data set",)
            doubts = [f"[yellow]{literal(doubt)}[/]" for doubt in question.doubts]
            cells.append("; ".join([*map(literal, steps), *doubts]))
        table.add_row(*cells)
    screen.print(table)


def _prediction(row: Shown, width: int) -> str:
    """Lines of markup: the label, whether it is right, and a bar for each class."""
    from rich.cells import set_cell_size

    from benchmark.predict.sheet import STRANGE
    from benchmark.utils.format import printable

    verdict = ""
    if row.actual is not None:
        verdict = " [green]correct[/]" if row.actual == row.label else f" [red]wrong: it is {literal(row.actual)}[/]"
    if row.strange:
        return f"[yellow]{STRANGE}[/]\n[bright_black]the model would say: {literal(row.label)}[/]"
    lines = [f"[bold]{literal(row.label)}[/]{verdict}"]
    if not row.bars:
        return "\n".join([*lines, "[bright_black]no probabilities[/]"])
    for name, value in row.bars:
        bar = "\u2588" * round(value * BAR_WIDTH) or ("\u258f" if value >= 0.0005 else "")
        lines.append(f"{literal(set_cell_size(printable(name), width))} [cyan]{bar:<{BAR_WIDTH}}[/] {value:6.1%}")
    return "\n".join(lines)
