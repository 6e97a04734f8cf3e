"""Pages that are made of the program itself: the command line from Typer, the record from its JSON Schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

COMMANDS, RECORD = "<!-- commands -->", "<!-- record -->"
DOCS = Path(__file__).resolve().parent


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Called by MkDocs for every page."""
    if COMMANDS in markdown:
        markdown = markdown.replace(COMMANDS, command_line())
    if RECORD in markdown:
        markdown = markdown.replace(RECORD, record_schema())
    return markdown


def command_line() -> str:
    """Every command with its arguments and options."""
    import typer

    from benchmark.cli.app import app

    return "\n\n".join(_commands(typer.main.get_command(app), "python -m benchmark"))


def _commands(command: Any, words: str) -> list[str]:
    children = getattr(command, "commands", None)
    if children:
        return [text for name, child in children.items() for text in _commands(child, f"{words} {name}")]
    rows = [_parameter(parameter) for parameter in command.params if not getattr(parameter, "hidden", False)]
    text = f"## `{words}`\n\n{(command.help or '').strip()}"
    if rows:
        text += "\n\n| | default | |\n| --- | --- | --- |\n" + "\n".join(rows)
    return [text]


def _parameter(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        name = f"`{parameter.name.upper()}`"
    else:
        name = ", ".join(f"`{option}`" for option in (*parameter.opts, *parameter.secondary_opts))
    default = parameter.default
    shown = "" if default in (None, False, ()) or callable(default) else f"`{default}`"
    return f"| {name} | {shown} | {_cell(getattr(parameter, 'help', '') or '')} |"


def record_schema() -> str:
    """Every part of a record with its fields."""
    schema = json.loads((DOCS / "record.schema.json").read_text(encoding="utf-8"))
    parts = {schema["title"]: schema, **schema["$defs"]}
    return "\n\n".join(_part(name, part) for name, part in parts.items() if "properties" in part)


def _part(name: str, part: dict[str, Any]) -> str:
    needed = part.get("required", [])
    rows = [
        f"| `{field}` | {_cell(_kind(kind))} | {'yes' if field in needed else ''} | {_cell(_describe(kind))} |"
        for field, kind in part["properties"].items()
    ]
    head = f"## {name}\n\n{part.get('description', '')}\n\n| field | kind | needed | |\n| --- | --- | --- | --- |\n"
    return head + "\n".join(rows)


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


def _describe(kind: dict[str, Any]) -> str:
    return str(kind.get("description", ""))


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
