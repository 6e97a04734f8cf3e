"""The two ways in which Fashion-MNIST is fetched, with torchvision and apt replaced."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torchvision.datasets

from benchmark.data import fashion_mnist

PACKAGE = "dataset-fashion-mnist"
NAMES = sorted(f"{known.name}.gz" for known in fashion_mnist.FILES.values())


class Machine:
    """Stands in for ``subprocess.run`` with apt-get and dpkg-deb; ``failing`` commands write to stderr."""

    def __init__(self) -> None:
        self.failing: dict[str, str] = {}
        self.commands: list[list[str]] = []

    def __call__(self, command: list[str], *, cwd: Path, **settings) -> subprocess.CompletedProcess[str]:
        assert settings["timeout"] > 0
        self.commands.append(command)
        kind = self.kind(command)
        if kind in self.failing:
            return subprocess.CompletedProcess(command, 100, "", self.failing[kind])
        if "download" in command:
            (Path(cwd) / f"{PACKAGE}_0.0~git20200523_all.deb").write_text("package")
        if command[0] == "dpkg-deb":
            assert Path(command[2]).read_text() == "package"
            folder = Path(command[3]) / "usr/share/datasets/fashion-mnist"
            folder.mkdir(parents=True)
            for name in NAMES:
                (folder / name).write_text(name)
        return subprocess.CompletedProcess(command, 0, "", "")

    @staticmethod
    def kind(command: list[str]) -> str:
        if command[0] == "dpkg-deb":
            return "unpack"
        return ("private " if "-o" in command else "") + ("update" if "update" in command else "download")

    @property
    def kinds(self) -> list[str]:
        return [self.kind(command) for command in self.commands]


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    stand_in = Machine()
    monkeypatch.setattr(fashion_mnist.subprocess, "run", stand_in)
    monkeypatch.setattr(fashion_mnist.shutil, "which", lambda name: f"/usr/bin/{name}")
    return stand_in


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*.gz"))


def test_apt_downloads_and_unpacks(machine: Machine, tmp_path: Path) -> None:
    assert fashion_mnist._fetch_by_apt(tmp_path) is None
    assert machine.kinds == ["download", "unpack"]
    assert files(tmp_path) == NAMES
    assert set(fashion_mnist.locate(tmp_path) or {}) == set(fashion_mnist.FILES)


def test_apt_tries_again_with_lists_of_its_own(machine: Machine, tmp_path: Path) -> None:
    machine.failing["download"] = "E: Unable to locate package dataset-fashion-mnist"
    assert fashion_mnist._fetch_by_apt(tmp_path) is None
    assert machine.kinds == ["download", "private update", "private download", "unpack"]
    for command in machine.commands[1:3]:
        assert f"Dir::State::lists={tmp_path / 'lists'}" in command
        assert f"Dir::Cache={tmp_path / 'cache'}" in command
    assert files(tmp_path) == NAMES


@pytest.mark.parametrize(
    ("failing", "problem"),
    [
        ({"download": "E: first", "private update": "W: odd\nE: no network"}, "E: no network"),
        ({"download": "E: first", "private download": "E: second"}, "E: second"),
        ({"download": "", "private update": "  \n"}, "exit code 100"),
        ({"unpack": "dpkg-deb: error: not a Debian archive"}, "dpkg-deb: error: not a Debian archive"),
    ],
)
def test_apt_says_in_one_line_what_failed(
    machine: Machine, tmp_path: Path, failing: dict[str, str], problem: str
) -> None:
    machine.failing.update(failing)
    assert fashion_mnist._fetch_by_apt(tmp_path) == problem
    assert files(tmp_path) == []


@pytest.mark.parametrize("absent", ["apt-get", "dpkg-deb"])
def test_where_apt_is_absent_nothing_is_run(
    monkeypatch: pytest.MonkeyPatch, machine: Machine, tmp_path: Path, absent: str
) -> None:
    monkeypatch.setattr(fashion_mnist.shutil, "which", lambda name: None if name == absent else f"/usr/bin/{name}")
    assert fashion_mnist._fetch_by_apt(tmp_path) == "apt-get or dpkg-deb is not installed"
    assert machine.commands == []


@pytest.mark.parametrize("error", [subprocess.TimeoutExpired("apt-get", 300), PermissionError(13, "Permission denied")])
def test_apt_that_hangs_or_cannot_start_is_a_problem(
    monkeypatch: pytest.MonkeyPatch, machine: Machine, tmp_path: Path, error: Exception
) -> None:
    def run(*args, **settings):
        raise error

    monkeypatch.setattr(fashion_mnist.subprocess, "run", run)
    assert fashion_mnist._fetch_by_apt(tmp_path) == str(error)


def test_a_quiet_apt_that_brings_nothing_is_a_problem(
    monkeypatch: pytest.MonkeyPatch, machine: Machine, tmp_path: Path
) -> None:
    monkeypatch.setattr(
        fashion_mnist.subprocess, "run", lambda command, **settings: subprocess.CompletedProcess(command, 0, "", "")
    )
    assert fashion_mnist._fetch_by_apt(tmp_path) == "no package was downloaded"


@pytest.fixture
def plant(monkeypatch: pytest.MonkeyPatch) -> Callable[[Exception | None], None]:
    """Replace torchvision's class by one that writes the files and then, perhaps, raises."""

    def replace(error: Exception | None) -> None:
        class FashionMNIST:
            def __init__(self, root: str, *, download: bool) -> None:
                assert download
                sys.stdout.write("100%")
                folder = Path(root, "FashionMNIST/raw")
                folder.mkdir(parents=True)
                for name in NAMES:
                    (folder / name).write_text(name)
                    (folder / name.removesuffix(".gz")).write_text("unpacked")
                if error is not None:
                    raise error

        monkeypatch.setattr(torchvision.datasets, "FashionMNIST", FashionMNIST)

    return replace


def test_torchvision_leaves_its_archives(plant, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    plant(None)
    assert fashion_mnist._fetch_by_torchvision(tmp_path) is None
    assert files(tmp_path) == NAMES
    located = fashion_mnist.locate(tmp_path)
    assert located is not None
    assert {path.suffix for path in located.values()} == {".gz"}
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (
            RuntimeError("Error downloading train-images:\nTried http://a\nTried http://b"),
            "Error downloading train-images: Tried http://a Tried http://b",
        ),
        (TimeoutError("timed out"), "timed out"),
        (ConnectionResetError(), "ConnectionResetError"),
        (ImportError("No module named 'torchvision'"), "No module named 'torchvision'"),
    ],
)
def test_torchvision_says_in_one_line_what_failed(plant, tmp_path: Path, error: Exception, problem: str) -> None:
    plant(error)
    assert fashion_mnist._fetch_by_torchvision(tmp_path) == problem
