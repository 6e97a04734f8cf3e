"""README and the reference in step: commands exist, examples work, numbers are those of the records."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import typer.main

from benchmark.analysis.select import select
from benchmark.cli.app import app
from benchmark.records.store import Store
from benchmark.report import write
from benchmark.specs import DatasetSpec, ModelSpec, Run

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
PAGES = [ROOT / "README.md", ROOT / "results/README.md", ROOT / "reports/README.md", *(ROOT / "docs").rglob("*.md")]
COMMANDS = sorted(
    {
        re.sub(r"\s+", " ", command)
        for path in PAGES
        for command in re.findall(r"python -m benchmark ([^`|#]+?)(?=[`|#\n]\s*|$)", path.read_text(encoding="utf-8"))
    }
)


def reference() -> tuple[Store, object]:
    store = Store(ROOT / "results", "reference")
    stored, problems = store.read_all("fashion-mnist")
    assert problems == []
    selection = select(stored, "full")
    assert selection is not None
    return store, selection


def test_there_are_commands_to_check():
    assert len(COMMANDS) >= 8


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_and_option_exists(command):
    group = typer.main.get_command(app)
    words = command.split()
    while hasattr(group, "commands"):
        assert words, command
        group = group.commands[words.pop(0)]
    known = {name for parameter in group.params for name in (*parameter.opts, *parameter.secondary_opts)}
    assert {word for word in words if word.startswith("--")} <= known


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_linked_file_exists(path):
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), target


def test_the_reference_is_that_of_the_program():
    """``make pages`` writes it again."""
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs/generate.py")
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    kept = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "docs/reference").glob("*.md")}
    assert generate.pages() == kept


def test_every_make_target_in_readme_exists():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"(?:`|^)make ([a-z]+)", README, flags=re.MULTILINE)):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target


def names_of(block: str) -> dict[str, object]:
    """What an example defines."""
    assert len(block.splitlines()) < 20
    names: dict[str, object] = {}
    exec(compile(block, "README.md", "exec"), names)
    return names


def test_the_examples_build_what_they_promise():
    _, *blocks = EXAMPLES
    found = [value for block in blocks for value in names_of(block).values()]
    specs = [value for value in found if isinstance(value, ModelSpec | DatasetSpec)]
    assert [spec.name for spec in specs] == ["extra-trees"]
    assert hasattr(specs[0].create(Run("d", "m", 0, "full")), "fit")


@pytest.mark.nightly
def test_the_first_example_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BENCHMARK_CACHE_DIR", str(tmp_path / "cache"))
    names_of(EXAMPLES[0])
    assert (tmp_path / "reports/local/digits/README.md").is_file()


def test_readme_shows_the_leaderboard_of_the_reference_records():
    store, _ = reference()
    evidence = write.gather(store, "fashion-mnist")
    shown = re.search(r"<!-- leaderboard -->\n\n(.*?)\n\n<!-- /leaderboard -->", README, flags=re.DOTALL)
    assert shown is not None
    assert shown[1] == write.Written((), write.compose(evidence), evidence).excerpt


def test_the_reference_report_is_that_of_the_reference_records(tmp_path):
    store, _ = reference()
    committed = ROOT / "reports/reference/fashion-mnist"
    (path,) = write.write(store, "fashion-mnist", tmp_path, with_html=False).paths
    fresh, kept = path.read_text(encoding="utf-8"), (committed / "README.md").read_text(encoding="utf-8")
    # Without the test images there are no pictures of them; all else must agree.
    alike = re.sub(r"!\[[^\]]*\]\(charts/(suspects|near-duplicates|corruptions)\.png\)\n\n", "", kept)
    assert fresh.split("## Predictions")[0] == alike.split("## Predictions")[0]
    assert fresh.split("## Suspected")[1] == alike.split("## Suspected")[1]
    linked = set(re.findall(r"\]\(([^)]+\.png)\)", kept))
    assert {f"charts/{path.name}" for path in committed.rglob("*.png")} == linked


def test_the_reference_passes_its_thresholds():
    done = subprocess.run(
        [sys.executable, "-m", "benchmark", "check", "--collection", "reference"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_version_and_changelog_agree():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert f"## [{version}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
