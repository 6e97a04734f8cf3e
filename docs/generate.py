"""Writes docs/reference/ from the program itself: ``make pages``, or ``python docs/generate.py``.

The command line comes from Typer, the Python API from its docstrings, the record from its JSON Schema. A test compares
the committed pages with what this writes.
"""

from __future__ import annotations

import importlib
import inspect
import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parent
REFERENCE = DOCS / "reference"
SOURCE = "<!-- Written by docs/generate.py (make pages): change the program's own texts, not this page. -->"
# What the Python page describes, in its order: these names, or all that a module defines and documents.
API: dict[str, tuple[str, ...]] = {
    "benchmark": ("run", "curve", "pictures", "model", "load", "Results", "Settings", "models", "datasets"),
    "benchmark.specs": (),
    "benchmark.errors": (),
    "benchmark.estimators.details": ("DetailsMixin",),
    "benchmark.analysis.frames": (),
    "benchmark.analysis.leaderboard": (),
    "benchmark.analysis.comparison": (),
    "benchmark.analysis.hits": (),
    "benchmark.analysis.uncertainty": (),
    "benchmark.analysis.seed_variance": (),
    "benchmark.analysis.stats": (),
    "benchmark.analysis.calibration": (),
}
EXAMPLE = """
```python
import benchmark as bm

results = bm.run(["knn", "cnn-simple"], dataset="digits", seeds=3)
results.leaderboard()  # pandas DataFrames with documented columns and units
results.pairwise()
results.per_class()
results.predictions("cnn-simple", seed=0)
results.report("reports")

reference = bm.load("reference", dataset="fashion-mnist")
reference.runs
```

`bm.models()` and `bm.datasets()` return the registered specifications by name. Models and data sets of your own are
passed as they are: `bm.run([my_spec], dataset=my_dataset)`. Mistakes raise `bm.UserError`, one line with a remedy.
Importing `benchmark` imports neither PyTorch nor pandas; they are loaded when they are used.
""".strip()
RECORD = """
A run leaves a JSON file and, beside it, a NumPy archive with the predictions of every validation and test image. The
JSON Schema is [record.schema.json](../record.schema.json). Records of schema 1 are upgraded when they are read
(`python -m benchmark migrate` rewrites a collection); other versions are refused.
""".strip()


def pages() -> dict[str, str]:
    """The content of each page by its file name."""
    made = {
        "command-line.md": ["# Command line", SOURCE, "`--help` after a command says the same.", *_command_line()],
        "python.md": ["# Python", SOURCE, EXAMPLE, *_api()],
        "record.md": ["# The record", SOURCE, RECORD, *_record()],
    }
    return {name: "\n\n".join(filter(None, parts)) + "\n" for name, parts in made.items()}


def _command_line() -> list[str]:
    """Every command with its arguments and options."""
    import typer

    from benchmark.cli.app import app

    return list(_commands(typer.main.get_command(app), "python -m benchmark"))


def _commands(command: Any, words: str) -> Iterable[str]:
    children = getattr(command, "commands", None)
    if children:
        for name, child in children.items():
            yield from _commands(child, f"{words} {name}")
        return
    yield f"## `{words}`"
    yield inspect.cleandoc(command.help or "")
    rows = [_parameter(parameter) for parameter in command.params if not getattr(parameter, "hidden", False)]
    if rows:
        yield _table(("", "default", "meaning"), rows)


def _parameter(parameter: Any) -> tuple[str, ...]:
    if parameter.param_type_name == "argument":
        name = f"`{parameter.name.upper()}`"
    else:
        name = ", ".join(f"`{option}`" for option in (*parameter.opts, *parameter.secondary_opts))
    default, shown = parameter.default, ""
    if isinstance(told := getattr(parameter, "show_default", None), str):
        shown = told
    elif default is True:
        shown = f"`{parameter.opts[0]}`"
    elif default is not None and default is not False and default != ():
        shown = f"`{default}`"
    return name, shown, getattr(parameter, "help", "") or ""


def _api() -> Iterable[str]:
    """Every public function and class with its signature and docstring."""
    for place, names in API.items():
        module = importlib.import_module(place)
        yield f"## `{place}`"
        for name in names or _public(module):
            found = getattr(module, name)
            yield f"### `{name}`"
            yield from _described(found, name)
            for member, value in vars(found).items() if isinstance(found, type) else ():
                if not member.startswith("_") and (inspect.isfunction(value) or isinstance(value, property)):
                    yield f"#### `{name}.{member}`"
                    yield from _described(value, member)


def _public(module: Any) -> list[str]:
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and f"{getattr(value, '__module__', '')}.".startswith(f"{module.__name__}.")
        and value.__doc__
    ]


def _described(found: Any, name: str) -> Iterable[str]:
    if (text := _signature(found, name)) is not None:
        yield f"```python\n{text}\n```"
    yield from _docstring(inspect.getdoc(found) or "")


def _signature(found: Any, name: str) -> str | None:
    """Without annotations: the text says what each parameter is. None for properties, interfaces and plain errors."""
    if isinstance(found, property) or getattr(found, "_is_protocol", False):
        return None
    try:
        parameters = inspect.signature(found).parameters.values()
    except ValueError:
        return None
    bare = [one.replace(annotation=inspect.Parameter.empty) for one in parameters if one.name != "self"]
    # A function among the defaults has an address.
    return re.sub(r"<function (\w+) at 0x[0-9a-f]+>", r"\1", f"{name}{inspect.Signature(bare)}").replace(
        "<factory>", "..."
    )


def _docstring(text: str) -> Iterable[str]:
    """A numpydoc docstring as paragraphs and lists."""
    text = re.sub(r":\w+:`~?([^`]+)`", r"`\1`", text).replace("``", "`")
    first, *sections = re.split(r"^([A-Z][A-Za-z ]+)\n-{3,}\n", text, flags=re.MULTILINE)
    yield first.strip()
    for title, body in zip(sections[::2], sections[1::2], strict=True):
        entries = re.split(r"\n(?=\S)", body.strip())
        listed = "\n".join(map(_entry, entries)) if re.search(r"^ +\S", body, re.MULTILINE) else body.strip()
        yield f"**{title}**\n\n{listed}"


def _entry(entry: str) -> str:
    head, _, text = entry.partition("\n")
    name, _, kind = head.partition(" : ")
    if not kind and not text:  # A sentence after the list.
        return f"\n{entry}"
    kind = f" ({kind})" if kind else ""
    return f"- `{name}`{kind}" + (f": {' '.join(text.split())}" if text.strip() else "")


def _record() -> list[str]:
    """Every part of a record with its fields."""
    schema = json.loads((DOCS / "record.schema.json").read_text(encoding="utf-8"))
    parts = {schema["title"]: schema, **schema["$defs"]}
    return [text for name, part in parts.items() if "properties" in part for text in _part(name, part)]


def _part(name: str, part: dict[str, Any]) -> list[str]:
    needed = part.get("required", [])
    rows = [
        (f"`{field}`", _kind(kind), "yes" if field in needed else "", str(kind.get("description", "")))
        for field, kind in part["properties"].items()
    ]
    text = part.get("description", "")
    return list(filter(None, (f"## {name}", *_docstring(text), _table(("field", "kind", "needed", "meaning"), rows))))


def _kind(kind: dict[str, Any]) -> str:
    if "$ref" in kind:
        return str(kind["$ref"].rpartition("/")[2])
    if "anyOf" in kind:
        return " or ".join(dict.fromkeys(_kind(choice) for choice in kind["anyOf"]))
    if "enum" in kind:
        return "one of " + ", ".join(map(str, kind["enum"]))
    if kind.get("type") == "array":
        return f"list of {_kind(kind.get('items', {}))}" if "items" in kind else "list"
    if kind.get("type") == "object" and isinstance(kind.get("additionalProperties"), dict):
        return f"mapping to {_kind(kind['additionalProperties'])}"
    return str(kind.get("const", kind.get("type", "any")))


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [list(head)]
    lines += [["---"] * len(lines[0]), *(list(map(_cell, row)) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    sys.path.insert(0, str(DOCS.parent))
    for file, content in pages().items():
        (REFERENCE / file).write_text(content, encoding="utf-8")
