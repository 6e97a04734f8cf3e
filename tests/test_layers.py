"""Who may import whom: the layers of the project, read off its sources."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# Each part may import those before it, as far as the second column says; the longest matching name counts.
CONTRACT = ("benchmark.contract", "benchmark.schema", "benchmark.data_schema")
GROUND = tuple(f"benchmark.{name}" for name in ("seeds", "units", "metrics", "environment", "files", "records"))
RECORDS = (*CONTRACT, "benchmark.units", "benchmark.files", "benchmark.records", "benchmark.summary")
ANALYSES = tuple(
    f"benchmark.{name}" for name in ("stats", "comparison", "calibration", "corruptions", "efficiency", "suspects")
)
ALLOWED = {
    "benchmark": (),
    "benchmark.__main__": ("benchmark.cli",),
    "benchmark.profiles": (),
    "benchmark.contract": ("benchmark.profiles",),
    "benchmark.data_schema": ("benchmark.contract", "benchmark.schema"),
    "benchmark.schema": ("benchmark.contract",),
    "benchmark.seeds": (),
    "benchmark.units": CONTRACT,
    "benchmark.metrics": CONTRACT,
    "benchmark.environment": CONTRACT,
    "benchmark.files": CONTRACT,
    "benchmark.archives": (),
    "benchmark.leftovers": ("benchmark.files",),
    "benchmark.records": (
        *CONTRACT,
        "benchmark.units",
        "benchmark.files",
        "benchmark.archives",
        "benchmark.leftovers",
    ),
    "benchmark.data": (*CONTRACT, "benchmark.seeds", "benchmark.units", "benchmark.files", "benchmark.data"),
    "benchmark.summary": RECORDS,
    "benchmark.estimate": RECORDS,
    "benchmark.gate": RECORDS,
    "benchmark.stats": (),
    "benchmark.calibration": (),
    "benchmark.comparison": (*RECORDS, "benchmark.stats"),
    "benchmark.corruptions": (*CONTRACT, "benchmark.seeds"),
    "benchmark.efficiency": (*RECORDS, "benchmark.stats", "benchmark.comparison"),
    "benchmark.suspects": (*RECORDS, "benchmark.stats"),
    "benchmark.regression": (*RECORDS, "benchmark.stats", "benchmark.comparison", "benchmark.gate"),
    "benchmark.report": (*RECORDS, *ANALYSES, "benchmark.gate", "benchmark.report"),
    "benchmark.html": (*RECORDS, *ANALYSES, "benchmark.report", "benchmark.html"),
    "baselines": ("benchmark.contract", "benchmark.seeds", "benchmark.feature_cache", "baselines"),
    "cnn": (
        "benchmark.contract",
        "benchmark.seeds",
        "benchmark.clock",
        "benchmark.feature_cache",
        "benchmark.files",
        "cnn",
    ),
    "benchmark.registry": ("benchmark.contract", "benchmark.data.catalog", "baselines.catalog", "cnn.catalog"),
    "benchmark.clock": (),
    "benchmark.feature_cache": ("benchmark.clock", "benchmark.files"),
    "benchmark.answers": ("benchmark.contract", "benchmark.metrics"),
    "benchmark.execution": (
        "benchmark.answers",
        *CONTRACT,
        *GROUND,
        "benchmark.clock",
        "benchmark.corruptions",
        "benchmark.data",
        "benchmark.feature_cache",
        "benchmark.messages",
        "benchmark.saving",
    ),
    "benchmark.saving": (*CONTRACT, "benchmark.files", "benchmark.records"),
    "benchmark.pictures": (*CONTRACT, "benchmark.units"),
    "benchmark.prediction": (*CONTRACT, "benchmark.files", "benchmark.records", "benchmark.saving"),
    "benchmark.messages": CONTRACT,
    "benchmark.processes": (),
    "benchmark.worker": (*CONTRACT, "benchmark.messages", "benchmark.processes", "benchmark.execution"),
    "benchmark.supervisor": (
        *CONTRACT,
        *GROUND,
        "benchmark.messages",
        "benchmark.processes",
        "benchmark.worker",
        "benchmark.preload",
    ),
    "benchmark.preload": (),
    "benchmark.recording": (
        *CONTRACT,
        "benchmark.archives",
        "benchmark.files",
        "benchmark.records",
        "benchmark.data",
        "benchmark.messages",
    ),
    "benchmark.runner": (
        "benchmark.recording",
        *CONTRACT,
        *GROUND,
        "benchmark.data",
        "benchmark.messages",
        "benchmark.supervisor",
    ),
    "benchmark.tuning": (
        *CONTRACT,
        *GROUND,
        "benchmark.data",
        "benchmark.messages",
        "benchmark.supervisor",
        "benchmark.runner",
    ),
    "benchmark.verification": (
        *RECORDS,
        *GROUND,
        "benchmark.data",
        "benchmark.messages",
        "benchmark.supervisor",
        "benchmark.runner",
    ),
    "benchmark.progress": (*CONTRACT, "benchmark.units"),
    "benchmark.tracking": (*CONTRACT, "benchmark.units", "benchmark.progress"),
    "benchmark.cli": ("benchmark",),
    "benchmark.cli_cells": ("benchmark",),
    "benchmark.cli_check": ("benchmark",),
    "benchmark.cli_compare": ("benchmark",),
    "benchmark.cli_curve": ("benchmark",),
    "benchmark.cli_data": ("benchmark",),
    "benchmark.cli_options": ("benchmark",),
    "benchmark.cli_predict": ("benchmark",),
    "benchmark.cli_report": ("benchmark",),
    "benchmark.cli_run": ("benchmark",),
    "benchmark.cli_tune": ("benchmark",),
    "benchmark.cli_verify": ("benchmark",),
}
SOURCES = sorted(path for package in ("benchmark", "baselines", "cnn") for path in (ROOT / package).rglob("*.py"))


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> set[str]:
    """Every module that a source names in an import, inside functions too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            # "from benchmark import seeds" names the module benchmark.seeds.
            package = (ROOT / node.module.replace(".", "/")).is_dir()
            found |= {f"{node.module}.{alias.name}" for alias in node.names} if package else {node.module}
    return found


def within(module: str, parts: tuple[str, ...]) -> bool:
    return any(module == part or module.startswith(f"{part}.") for part in parts)


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_imports_keep_to_their_layer(path):
    name = module_name(path)
    own = max((part for part in ALLOWED if within(name, (part,))), key=len)
    ours = {module for module in imports(path) if within(module, ("benchmark", "baselines", "cnn"))}
    assert {module for module in ours if not within(module, ALLOWED[own])} == set()


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_torch_and_scikit_learn_stay_in_their_rooms(path):
    name, found = module_name(path), imports(path)
    if not within(name, ("cnn", "benchmark.data.vision", "benchmark.data.fashion_mnist", "benchmark.execution")):
        assert not any(within(module, ("torch", "torchvision")) for module in found)
    models = {"sklearn.linear_model", "sklearn.svm", "sklearn.neighbors", "sklearn.ensemble"}
    if not within(name, ("baselines",)):
        assert not any(within(module, tuple(models)) for module in found)


@pytest.mark.parametrize("path", [*SOURCES, *sorted((ROOT / "tests").rglob("*.py"))], ids=lambda path: path.name)
def test_modules_stay_short(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300


@pytest.mark.parametrize("arguments", [["--help"], ["list"], ["run", "--help"]])
def test_help_and_list_load_neither_torch_nor_scikit_learn(arguments):
    program = (
        "import sys\nfrom benchmark.cli import app\n"
        f"sys.argv = ['benchmark', *{arguments!r}]\n"
        "try:\n    app()\nexcept SystemExit:\n    pass\n"
        "print([name for name in ('torch', 'sklearn', 'pandas', 'matplotlib', 'scipy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_report_is_written_without_torch():
    program = "import sys, benchmark.report.page, benchmark.gate\nprint('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "False"
