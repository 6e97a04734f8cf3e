"""What the layout of the code promises."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MODULES = sorted(path for room in ("benchmark", "baselines", "cnn") for path in (ROOT / room).rglob("*.py"))
ROOMS = sorted(path.parent.name for path in (ROOT / "benchmark").glob("*/__init__.py"))
FUNCTIONS = [
    (path.relative_to(ROOT), node)
    for path in MODULES
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    if isinstance(node, ast.FunctionDef)
]


def test_the_road_is_visible():
    assert {
        "specs",
        "data",
        "estimators",
        "runner",
        "records",
        "analysis",
        "report",
        "gate",
        "predict",
        "cli",
        "utils",
    } == set(ROOMS)
    assert len([path for path in (ROOT / "benchmark").iterdir() if path.is_file()]) <= 8


@pytest.mark.parametrize("room", [*(f"benchmark.{name}" for name in ROOMS), "baselines", "cnn"])
def test_every_room_says_what_enters_and_what_leaves(room):
    text = importlib.import_module(room).__doc__ or ""
    assert "Enters: " in text
    assert "Leaves: " in text


def test_no_function_is_longer_than_a_page():
    """Its documentation apart."""

    def lines(node):
        first = node.body[0]
        documented = ast.get_docstring(node) is not None
        return node.end_lineno - node.lineno + 1 - documented * (first.end_lineno - first.lineno + 1)

    long = {f"{path}: {node.name}": lines(node) for path, node in FUNCTIONS}
    assert {name: lines for name, lines in long.items() if lines > 60} == {}


def test_no_function_has_more_than_twelve_parameters():
    """Commands have one per option, and constructors in scikit-learn's style one per hyper-parameter."""
    many = {
        f"{path}: {node.name}": len(node.args.posonlyargs + node.args.args + node.args.kwonlyargs)
        for path, node in FUNCTIONS
        if "cli" not in path.parts and node.name != "__init__"
    }
    assert {name: n for name, n in many.items() if n > 12} == {}


@pytest.mark.parametrize("word", ["rich.markup", "typer.echo", "click.echo", "stdout.write", "stderr.write", "print("])
def test_text_reaches_the_terminal_by_one_way(word):
    """Which makes it printable: only what is marked as going into a run's log is printed otherwise."""
    lines = [(path, line) for path in MODULES for line in path.read_text(encoding="utf-8").splitlines()]
    found = {
        path.relative_to(ROOT).as_posix() for path, line in lines if re.search(rf"(?<![.\w]){re.escape(word)}", line)
    }
    assert found <= {"benchmark/utils/terminal.py", "benchmark/estimators/feature_cache.py"}
