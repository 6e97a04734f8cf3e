"""The list of looks at a test set, from records and from what Git remembers of them."""

from __future__ import annotations

import json
import os
import subprocess

import pytest
from typer.testing import CliRunner

from benchmark.cli.app import app
from benchmark.records.looks import looks

TWO = ("cat", "dog")


@pytest.fixture
def git(tmp_path):
    names = ("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL")
    environment = {**os.environ, **dict.fromkeys(names, "tester"), "GIT_CONFIG_GLOBAL": os.devnull}

    def call(*arguments):
        subprocess.run(["git", *arguments], cwd=tmp_path, env=environment, check=True, capture_output=True)

    return call


@pytest.fixture
def collection(tmp_path, make_collection):
    def make(wrong, **settings):
        return make_collection(tmp_path, [("knn", "baseline", wrong)], seeds=(0,), class_names=TWO, **settings)

    return make


def test_overwritten_records_are_remembered_by_git(git, collection, tmp_path):
    store = collection(20)
    git("init")
    git("add", ".")
    git("commit", "-m", "first")
    collection(10)
    git("add", ".")
    git("commit", "-m", "second")
    (path,) = (store.folder / "synthetic").glob("knn/*.json")
    path.unlink()
    git("commit", "-am", "removed")
    collection(5)
    found, history = looks(store, "synthetic")
    assert history
    assert sorted(look.accuracy for look in found) == [0.8, 0.9, 0.95]
    assert {(look.model, look.version, look.params, look.profile) for look in found} == {
        ("knn", 1, '{"alpha": 0.5}', "full")
    }


def test_records_of_schema_1_count_and_other_files_do_not(git, collection):
    store = collection(20)
    (path,) = (store.folder / "synthetic").glob("knn/*.json")
    record = json.loads(path.read_bytes())
    path.with_name("old.json").write_text(
        json.dumps({**record, "cell": {**record["run"], "model": "svm"}, "run": None})
    )
    path.with_name("broken.json").write_bytes(b"{")
    path.with_name("list.json").write_bytes(b"[1]")
    path.with_name("failed.json").write_text(json.dumps({**record, "test": None}))
    found, history = looks(store, "synthetic")
    assert not history
    assert sorted(look.model for look in found) == ["knn", "svm"]


def test_the_command_lists_them_and_writes_the_table(git, collection, tmp_path):
    collection(20)
    page = tmp_path / "page.md"
    page.write_text("a\n<!-- looks -->\n<!-- /looks -->\nb\n")
    done = CliRunner().invoke(
        app,
        [
            "data",
            "looks",
            "synthetic",
            "--collection",
            "made",
            "--results-dir",
            str(tmp_path / "results"),
            "--into",
            str(page),
        ],
    )
    assert done.exit_code == 0, done.output
    words = "1 test accuracy of 1 setting of 1 model trained on all images, and 0 of models trained on fewer"
    assert words in " ".join(done.stdout.split())
    assert "| knn" in page.read_text()
    assert "80.00%" in page.read_text()
    assert "records alone" in page.read_text()
