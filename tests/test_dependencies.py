"""What is imported is declared in pyproject.toml, and what is declared is used."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
OURS = ("baselines", "benchmark", "cnn")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
RUNTIME = [*PROJECT["dependencies"], *EXTRAS["tune"], *EXTRAS["tensorboard"], *EXTRAS["mlflow"], *EXTRAS["parquet"]]
# Declared though no module of ours imports it: who does.
INDIRECT = {"alembic": "mlflow, for its database", "tabulate": "pandas, for DataFrame.to_markdown"}


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def declared(requirements: list[str]) -> set[str]:
    return {normalised(re.match(r"[\w.-]+", requirement)[0]) for requirement in requirements}


def imported() -> set[str]:
    """Top-level packages that our modules import anywhere, also in functions."""
    names: set[str] = set()
    for path in (path for room in OURS for path in (ROOT / room).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module)
    return {name.partition(".")[0] for name in names} - sys.stdlib_module_names - set(OURS)


@pytest.fixture(scope="module")
def distributions() -> dict[str, set[str]]:
    """Of every imported package, the distributions that may provide it."""
    providers = metadata.packages_distributions()
    # What this platform lacks is imported only where it is there, under a name much like its distribution's.
    elsewhere = {"sklearnex": ["scikit-learn-intelex"]}
    return {name: set(map(normalised, providers.get(name, elsewhere.get(name, [name])))) for name in imported()}


def test_every_import_is_declared(distributions):
    undeclared = {name for name, providers in distributions.items() if not providers & declared(RUNTIME)}
    assert undeclared == set()


def test_everything_declared_is_used(distributions):
    used = set().union(*distributions.values())
    assert declared(RUNTIME) - used == set(INDIRECT)


def test_every_dependency_has_a_lower_bound_and_a_tested_version():
    everything = [*PROJECT["dependencies"], *(r for extra in EXTRAS.values() for r in extra if "[tune," not in r)]
    assert [requirement for requirement in everything if ">=" not in requirement] == []
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = {normalised(line.partition("==")[0]) for line in lines if "==" in line}
    assert declared(everything) - pinned <= {"setuptools"}
