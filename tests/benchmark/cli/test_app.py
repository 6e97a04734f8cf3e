"""The command line as a user meets it: real processes, exit codes, one line for a mistake."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import typer
from commands import Home, install
from rich.console import Console
from typer.testing import CliRunner

from benchmark import registry
from benchmark.cli.app import app
from benchmark.utils.files import LOCK


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def home(tmp_path, cache):
    return Home(tmp_path, cache)


def mistake(done: subprocess.CompletedProcess[str], *parts: str) -> None:
    """Exit code 2, one line, no traceback, and what it must say."""
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    for part in parts:
        assert part in line


BASELINES = ("logistic-regression", "svm-rbf", "knn")
DIGITS = ("--dataset", "digits", "--threads", "1")


def test_the_list_is_grouped_by_family_and_folded_to_the_terminal(home, monkeypatch):
    monkeypatch.setattr("benchmark.cli.app.console", lambda: Console(width=80))
    lines = home.here("list").stdout.splitlines()
    assert max(map(len, lines)) <= 80
    rows = {line.split()[0]: place for place, line in reversed(list(enumerate(lines))) if line.strip()}
    order = ("Baselines", "knn", "Networks", "cnn-simple", "Data", "digits")
    assert [rows[word] for word in order] == sorted(rows[word] for word in order)
    assert "core" in lines[rows["knn"]]
    assert lines[rows["knn"] + 1].startswith(" " * 20)


def test_a_plug_ins_description_cannot_steer_the_terminal(home, monkeypatch):
    evil = dataclasses.replace(registry.models()["knn"], name="evil", description="[bold]\x1b[31mred")
    monkeypatch.setattr(registry, "CNNS", (*registry.CNNS, evil))
    assert "[bold]\\x1b[31mred" in home.here("list").stdout


def commands(command, words=()):
    children = getattr(command, "commands", {})
    if not children:
        yield words, command
    for name, child in children.items():
        yield from commands(child, (*words, name))


@pytest.mark.parametrize("width", [80, 120])
def test_help_shows_every_default_that_it_tells(monkeypatch, width):
    """Square brackets within a text of help were taken for markup, and vanished."""
    monkeypatch.setenv("COLUMNS", str(width))
    told = 0
    for words, command in commands(typer.main.get_command(app)):
        shown = "".join(CliRunner().invoke(app, [*words, "--help"]).output.replace("│", "").split())
        for parameter in command.params:
            text = getattr(parameter, "help", None) or ""
            assert not {"[", "<"} & set(text)  # Both are taken for markup.
            assert [word for word in text.split() if word not in shown] == []
            default = getattr(parameter, "show_default", None)
            if isinstance(default, str):
                told += 1
                assert f"[default:({''.join(default.split())})]" in shown
    assert told > 10


def test_run_report_and_check_go_together(home, tmp_path):
    done = home("run", *BASELINES, "cnn-simple", *DIGITS, "--profile", "quick")
    assert done.returncode == 0, done.stderr
    assert "5 runs, with majority as a reference line." in done.stdout
    assert done.stdout.count("test accuracy") == 5
    page = tmp_path / "reports/quick/digits/README.md"
    assert "## Leaderboard" in page.read_text(encoding="utf-8")
    assert "gallery-right.png" in page.read_text(encoding="utf-8")

    again = home("run", *BASELINES, "cnn-simple", *DIGITS, "--profile", "quick", "--no-report")
    assert "5 runs, with majority as a reference line, 5 already recorded.\n" in again.stdout
    assert again.stdout.count("already recorded)") == 5

    before = page.read_bytes()
    page.unlink()
    assert home.here("report", "--collection", "quick").returncode == 0
    assert page.read_bytes() == before

    limits = tmp_path / "thresholds.toml"
    head = "schema_version = 1\n[datasets.digits.quick]\nmargin = -0.5\n[datasets.digits.quick.accuracy]\n"
    limits.write_text(f"{head}knn = 0.9\n")
    passed = home("check", "--profile", "quick")
    assert (passed.returncode, "2 of 2 pass" in passed.stdout) == (0, True), passed.stdout + passed.stderr
    limits.write_text(f"{head}knn = 0.9999\ncnn-augmented = 0.5\n")
    failed = home("check", "--profile", "quick")
    assert failed.returncode == 1
    assert "below" in failed.stdout
    assert "missing" in failed.stdout


def test_an_unreadable_record_is_named_and_the_rest_is_reported(home, tmp_path):
    home.here("run", "knn", "svm-rbf", *DIGITS, "--no-report")
    (record,) = (tmp_path / "results/local/digits/svm-rbf").glob("*.json")
    content = json.loads(record.read_text())
    record.write_text(json.dumps({**content, "schema_version": 99}))
    done = home("report")
    assert done.returncode == 0, done.stderr
    assert record.name in done.stderr
    assert "99" in done.stderr
    page = (tmp_path / "reports/local/digits/README.md").read_text(encoding="utf-8")
    assert "| knn " in page
    assert "schema version 99" in page


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (("run", "svm", *DIGITS), ("Unknown model 'svm'", "svm-rbf")),
        (("run", "--all", "--dataset", "fashion"), ("Unknown data set 'fashion'", "fashion-mnist")),
        (("run", "quantum", *DIGITS), ("Unknown model", "There are:", "cnn-simple")),
        (("run", "knn", "--all", *DIGITS), ("--all",)),
        (("run", "knn", *DIGITS, "--profile", "fast"), ("Unknown profile 'fast'", "quick")),
        (("run", "knn", *DIGITS, "--time-limit", "soon"), ("'soon' is not a time limit", "30m")),
        (("run", "knn", *DIGITS, "--collection", "../up"), ("Invalid collection name",)),
        (("run", "knn", *DIGITS, "--data-dir", "nowhere"), ("nowhere does not exist or",)),
        (("report",), ("There are no records", "run --all")),
        (("report", "--dataset", "../other"), ("There is no data set, file or folder",)),
        (("report", "--dataset", "digits"), ("No records of digits", "run --all --dataset digits")),
        (("check",), ("There is no thresholds file", "--thresholds")),
        (("data", "info", "digit"), ("Unknown data set 'digit'", "digits")),
    ],
)
def test_a_mistake_is_one_line_with_a_remedy(home, arguments, parts):
    line = home.refused(*arguments)
    for part in parts:
        assert part in line


def test_wrong_usage_is_exit_code_2(home):
    assert home("run", "--seeds", "0").returncode == 2
    assert home("fly").returncode == 2


def test_malformed_thresholds_are_named(home, tmp_path):
    path = tmp_path / "thresholds.toml"
    path.write_text("schema_version = 1\n[datasets.digits.full.accuracy]\nknn = 1.5\n")
    line = home.refused("check")
    assert "thresholds.toml" in line
    assert "knn" in line
    path.write_text("[[[")
    assert "thresholds.toml" in home.refused("check")


def test_a_results_folder_that_cannot_be_written_is_told_before_training(home, tmp_path):
    (tmp_path / "results").write_text("a file, not a folder")
    line = home.refused("run", "--all", *DIGITS)
    assert "results" in line
    assert "writable" in line


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_results_folder_is_told_before_training(home, tmp_path):
    (tmp_path / "results").mkdir(mode=0o555)
    mistake(home("run", "--all", *DIGITS), "results", "writable")


def test_a_full_disk_is_one_line_and_loses_nothing(home, tmp_path):
    """A limit on file size stands in for a full disk: both make the write fail half way."""
    assert home("run", "logistic-regression", *DIGITS, "--no-report").returncode == 0
    (record,) = (tmp_path / "results/local/digits/logistic-regression").glob("*.json")
    before = record.read_bytes()
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(
        "import errno, os\nreal = os.fsync\n"
        "def full(descriptor):\n"
        "    if os.environ.get('DISK_FULL'):\n"
        "        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))\n"
        "    real(descriptor)\n"
        "os.fsync = full\n"
    )
    done = home("run", "logistic-regression", "knn", *DIGITS, packages=site, DISK_FULL="1")
    mistake(done, "No space is left", "same command again")
    assert record.read_bytes() == before
    assert [path.name for path in (tmp_path / "results").rglob(".*") if path.is_file()] == [LOCK]
    again = home("run", "logistic-regression", "knn", *DIGITS, "--no-report")
    assert again.returncode == 0
    assert "2 already recorded" in again.stdout


def test_an_altered_data_file_names_the_sums(home, tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    for name in (
        "train-images-idx3-ubyte",
        "train-labels-idx1-ubyte",
        "t10k-images-idx3-ubyte",
        "t10k-labels-idx1-ubyte",
    ):
        (folder / name).write_bytes(b"no images")
    done = home("run", "--all", "--data-dir", "data")
    mistake(done, "train-images-idx3-ubyte", "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888")
    assert not (tmp_path / "results/local/fashion-mnist").exists()


def nobody_left(session: int) -> bool:
    """Whether every process of the session is gone, or will be within moments."""
    for _ in range(200):
        if not any(_session(entry) == session for entry in Path("/proc").glob("[0-9]*")):
            return True
        time.sleep(0.05)
    return False


def _session(entry: Path) -> int | None:
    try:
        state, _, _, session = (entry / "stat").read_text().rpartition(")")[2].split()[:4]
    except OSError:
        return None
    return None if state == "Z" else int(session)


def start_run(home: Home, *options: str) -> subprocess.Popen[str]:
    """A run of three seeds, past its first records."""
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "benchmark", "run", *DIGITS, "--seeds", "3", *options],
        cwd=home.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=home.environ,
        start_new_session=True,
        # Where the tests run in the background of a script, they inherit that Ctrl-C is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("ok") and "knn" in line:
            break
    return process


@pytest.mark.parametrize(
    ("jobs", "number"),
    [pytest.param("1", signal.SIGINT, marks=pytest.mark.nightly), ("2", signal.SIGINT), ("2", signal.SIGTERM)],
)
def test_ctrl_c_ends_cleanly_and_the_same_command_goes_on(home, tmp_path, jobs, number):
    process = start_run(home, "--jobs", jobs)
    os.killpg(process.pid, number)
    try:
        _, errors = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 130
    assert "rerun the command to resume" in errors
    assert "Traceback" not in errors
    assert nobody_left(process.pid)
    kept = sorted((tmp_path / "results/local/digits").glob("*/*.json"))
    assert {path.parent.name for path in kept} >= {"knn"}
    times = [path.stat().st_mtime_ns for path in kept]
    done = home("run", *BASELINES, *DIGITS, "--no-report")
    assert done.returncode == 0
    assert [path.stat().st_mtime_ns for path in kept] == times


def test_kill_9_leaves_no_process_and_no_half_a_record(home):
    process = start_run(home)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate(timeout=30)
    assert nobody_left(process.pid)
    done = home("run", *BASELINES, *DIGITS, "--no-report")
    assert done.returncode == 0
    assert "skipped" not in done.stderr
    assert "3 already recorded" in done.stdout


def test_a_failed_cell_makes_the_run_fail_and_the_report_tell(home, tmp_path):
    done = home.here("run", "knn", "mlp", *DIGITS, "--time-limit", "0.3s")
    assert done.returncode == 1
    assert "timeout" in done.stdout
    page = (tmp_path / "reports/local/digits/README.md").read_text(encoding="utf-8")
    assert "## Runs without a result" in page


def test_models_and_data_sets_of_another_package_are_found_by_entry_points(home, tmp_path):
    """What README shows: a package with two entry points adds a model and a data set."""
    site = tmp_path / "site"
    install(
        site,
        "shapes",
        "[benchmark.models]\nforest = shapes:MODELS\n[benchmark.datasets]\nstripes = shapes:STRIPES\n",
        "import numpy as np\n"
        "from benchmark.specs import DatasetSpec, ModelSpec, RawImages\n"
        "MODELS = (ModelSpec(name='forest', family='baseline', build='sklearn.ensemble:RandomForestClassifier',\n"
        "    inputs='flat', params={'n_estimators': 20}, stochastic=True, description='random forest on pixels'),)\n"
        "STRIPES = DatasetSpec(name='stripes', title='Stripes', description='made',\n"
        "    load='shapes:load', validation_size=20)\n"
        "def load(places):\n"
        "    rng = np.random.default_rng(0)\n"
        "    images = rng.integers(0, 50, (200, 8, 8, 3)).astype(np.uint8)\n"
        "    labels = np.arange(200) % 2\n"
        "    images[labels == 1, ::2] += 200\n"
        "    return RawImages(train_images=images[:150], train_labels=labels[:150], test_images=images[150:],\n"
        "        test_labels=labels[150:], class_names=('plain', 'striped'), source='made')\n",
    )
    listed = home("list", packages=site)
    assert "forest" in listed.stdout
    assert "stripes" in listed.stdout
    done = home("run", "forest", "knn", "--dataset", "stripes", "--threads", "1", "--no-report", packages=site)
    assert done.returncode == 0, done.stdout + done.stderr
    done = home("report", packages=site)
    assert done.returncode == 0, done.stdout + done.stderr
    page = (tmp_path / "reports/local/stripes/README.md").read_text(encoding="utf-8")
    assert "sklearn.ensemble" in page
    assert "colour" in page
