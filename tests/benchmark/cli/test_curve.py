"""The command ``curve``, and ``run --corruptions``, on the digits."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace

import pytest
from commands import Home

from benchmark.api import _curve_profiles
from benchmark.cli.curve import parse_sizes
from benchmark.data.corruptions import CORRUPTIONS
from benchmark.errors import UserError

CURVE = (
    "curve",
    "knn",
    "mlp",
    "--dataset",
    "digits",
    "--sizes",
    "30,100,all",
    "--seeds",
    "2",
    "--threads",
    "1",
)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return Home(tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("cache"))


def records(home, model="*", profile="*"):
    paths = sorted((home.folder / "results/local/digits").glob(f"{model}/{profile}-seed*.json"))
    return [json.loads(path.read_text()) for path in paths]


def page(home):
    return (home.folder / "reports/local/digits/README.md").read_text(encoding="utf-8")


def test_a_curve_is_run_reported_and_gone_on_with(home):
    assert home.here("run", "knn", "--dataset", "digits", "--no-report").returncode == 0
    done = home.here(*CURVE)
    assert done.returncode == 0, done.stdout + done.stderr
    # Two sizes, two models, two seeds; of all images, one seed without chance and two with it.
    assert done.stdout.startswith("11 runs, 1 already recorded.")
    assert "knn on digits, seed 1, train-30: test accuracy" in done.stdout
    assert {r["dataset"]["train_size"] for r in records(home, "mlp", "train-*")} == {30, 100}
    assert [r["run"]["seed"] for r in records(home, "knn", "train-30")] == [0, 1]
    assert [r["run"]["seed"] for r in records(home, "knn", "full")] == [0]
    assert {r["dataset"]["test_size"] for r in records(home)} == {360}
    assert {r["dataset"]["validation_size"] for r in records(home)} == {237}
    accuracies = [
        sum(r["test"]["accuracy"] for r in records(home, "knn", profile)) / 2 for profile in ("train-30", "train-100")
    ]
    assert 0.6 < accuracies[0] < accuracies[1] < 0.95
    assert "training images" in done.stdout.splitlines()[-1]
    assert re.sub(r"[*\\]", "", page(home)).count(done.stdout.splitlines()[-1]) == 1
    text = page(home)
    assert "## How many training images each model needs" in text
    assert "1,200 training" in text.split("## The data")[1]  # The page itself is about all images.
    again = home.here(*CURVE, "--no-report").stdout
    assert "11 already recorded" in again
    assert again.splitlines()[-1] == done.stdout.splitlines()[-1]


def test_corruptions_are_run_once_reported_and_kept(home):
    run = ("run", "knn", "--dataset", "digits")
    assert home.here(*run, "--no-report").returncode == 0
    done = home.here(*run, "--corruptions")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 runs, with majority as a reference line, 1 already recorded. " in done.stdout
    (line,) = records(home, "majority", "full")
    assert not line["corruptions"]
    (record,) = records(home, "knn", "full")
    assert set(record["corruptions"]) == set(CORRUPTIONS)
    assert record["corruptions"]["noise"][0] > 0.9 > record["corruptions"]["shift"][4]
    assert "## Robustness to corrupted images" in page(home)
    again = home.here(*run, "--corruptions", "--no-report")
    assert "2 runs, with majority as a reference line, 2 already recorded." in again.stdout
    home.here(*run, "--fresh", "--no-report")
    assert records(home, "knn", "full")[0]["corruptions"] == record["corruptions"]


def test_one_size_can_be_run_by_its_profile(home):
    done = home.here("run", "knn", "--dataset", "digits", "--profile", "train-50", "--no-report")
    assert done.returncode == 0, done.stderr
    assert records(home, "knn", "train-50")[0]["dataset"]["train_size"] == 50


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("curve", "--dataset", "digits", "--sizes", "5000"), "there are only 1,200"),
        (("curve", "--dataset", "digits", "--sizes", "5"), "fewer than the 10 classes"),
        (("curve", "--dataset", "digits", "--sizes", "10,few"), "Invalid number of images 'few'"),
        (("curve", "forest", "--dataset", "digits"), "Unknown model 'forest'"),
        (("run", "knn", "--dataset", "digits", "--profile", "train-0"), "Unknown profile 'train-0'"),
        (
            ("run", "knn", "--dataset", "digits", "--profile", "train-100000"),
            "more training images than Digits has: 1,200",
        ),
    ],
)
def test_a_curve_that_makes_no_sense_is_one_line(home, arguments, message):
    assert message in home.refused(*arguments)


@pytest.mark.parametrize(
    ("text", "whole", "expected"),
    [
        (None, 55_000, [100, 300, 1000, 3000, 10_000, 55_000]),
        (None, 1200, [100, 300, 1000, 1200]),
        (None, 1000, [100, 300, 1000]),
        (None, 50, [12, 25, 50]),
        (None, 12, [12]),
        ("300, 100,300", 1200, [100, 300]),
        ("all,100", 1200, [100, 1200]),
        ("1200,all", 1200, [1200]),
    ],
)
def test_sizes_come_once_and_the_smallest_first(text, whole, expected):
    split = SimpleNamespace(train=range(whole))
    data = SimpleNamespace(split=split, class_names=range(10))
    names = ["full" if size == whole else f"train-{size}" for size in expected]
    assert _curve_profiles(parse_sizes(text), 3, data) == (names, 3)


@pytest.mark.parametrize("text", ["", "1e3", "-5", "100,,300", "0", "²"])
def test_other_sizes_are_refused(text):
    with pytest.raises(UserError):
        _curve_profiles(
            parse_sizes(text), 3, SimpleNamespace(split=SimpleNamespace(train=range(1200)), class_names="ab")
        )
