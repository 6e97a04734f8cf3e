"""The commands that README has for one's own pictures, each run on what it names."""

from __future__ import annotations

import gzip
import re
import struct
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from commands import Home
from PIL import Image
from sklearn.datasets import load_digits

README = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
SECTION = README[README.index("## On your own pictures") : README.index("## Run it")]
COMMANDS = sorted(set(re.findall(r"python -m benchmark (run --dataset [^`\n]+)", SECTION)))
PER_CLASS = 12


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """All that the commands name, made of some digits."""
    folder = tmp_path_factory.mktemp("own")
    pixels, labels = load_digits(return_X_y=True)
    chosen = np.concatenate([np.flatnonzero(labels == label)[:PER_CLASS] for label in range(10)])
    images, labels = np.rint(pixels[chosen] * 15.9375).astype(np.uint8).reshape(-1, 8, 8), labels[chosen]
    rows = []
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        path = folder / "photos" / str(label) / f"{number:03d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)
        rows.append((f"photos/{label}/{number:03d}.png", str(label), path.read_bytes()))
    table = pd.DataFrame(rows, columns=["image", "label", "content"])
    table.drop(columns="content").to_csv(folder / "labels.csv", index=False)
    encoded = [{"bytes": content, "path": None} for content in table["content"]]
    pd.DataFrame({"image": encoded, "label": labels}).to_parquet(folder / "train.parquet")
    np.savez(folder / "images.npz", X=images, y=labels)
    (folder / "idx").mkdir()
    for name, array in (("images-idx3", images), ("labels-idx1", labels.astype(np.uint8))):
        header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
        (folder / "idx" / f"train-{name}-ubyte.gz").write_bytes(gzip.compress(header + array.tobytes()))
    return folder


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


def test_readme_has_five_commands():
    assert len(COMMANDS) == 5


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_runs(command, pictures, cache, tmp_path):
    home = Home(pictures, cache)
    where = ("--results-dir", str(tmp_path), "--no-report")
    done = home(*command.split(), "knn", "--folds", "0", *where)
    assert done.returncode == 0, done.stderr
    assert "knn on" in done.stdout
    assert "96 training" not in done.stdout  # A fifth is held out, and some of the rest for validation.
    assert re.search(r"\d+ training, \d+ validation and 2\d test images of 8 x 8 x 1, 10 classes", done.stdout)


def test_all_of_them_are_the_same_images(pictures, cache):
    """However they are stored: in the same order, the arrays and so the fingerprints are alike."""
    home = Home(pictures, cache)
    found = {}
    for command in COMMANDS:
        path = command.split()[-1]
        done = home("data", "info", path)
        found[path] = re.search(r"fingerprint: (\w+)", done.stdout)[1]
    assert len(set(found.values())) == 1, found


def test_two_data_sets_of_one_name_are_refused(pictures, cache):
    done = Home(pictures, cache)("run", "knn", "-d", "photos", "-d", "images.npz", "--name", "same")
    assert done.returncode == 2
    assert "Two data sets are called 'same'. Run them one after the other" in done.stderr


def test_a_report_shows_no_pictures_that_are_private(pictures, cache, tmp_path):
    """Not even if another command reads them in between."""
    home, where = Home(pictures, cache), ("--results-dir", str(tmp_path / "results"))
    reports = ("--reports-dir", str(tmp_path / "reports"))
    private = home(
        "run", "knn", "-d", "photos", "--name", "private", "--no-pictures", "--repeats", "1", *where, *reports
    )
    assert private.returncode == 0, private.stderr
    assert home("data", "info", "photos", "--name", "private").returncode == 0
    assert home("report", "-d", "private", *where, *reports).returncode == 0
    assert list((tmp_path / "reports/local/private/charts").glob("gallery*")) == []
    assert home("data", "info", "photos", "--name", "private", "--pictures").returncode == 0
    assert home("report", "-d", "private", *where, *reports).returncode == 0
    assert list((tmp_path / "reports/local/private/charts").glob("gallery*")) != []


def test_a_model_of_a_file_predicts_and_is_verified(pictures, cache, tmp_path):
    home = Home(tmp_path, cache)
    (tmp_path / "my_models.py").write_text("from sklearn.naive_bayes import GaussianNB\n\nbayes = GaussianNB()\n")
    data = ("-d", str(pictures / "photos"))
    assert home("run", "my_models.py:bayes", *data, "--save-models", "--no-report", "--folds", "0").returncode == 0
    found = home("predict", "my_models.py:bayes", str(pictures / "photos/3/036.png"), *data)
    assert found.returncode == 0, found.stderr
    assert "bit-identical" in home("verify", "my_models.py:bayes", *data, "--runs", "1").stdout
    unknown = home("predict", "bayes", str(pictures / "photos/3/036.png"), *data)
    assert (unknown.returncode, "Give it as path/to/my_models.py:bayes" in unknown.stderr) == (2, True)


def test_the_model_of_a_fold_predicts_pictures_but_no_test_images(pictures, cache, tmp_path):
    home, data = Home(tmp_path, cache), ("-d", str(pictures / "photos"))
    done = home("run", "knn", *data, "--folds", "3", "--repeats", "1", "--save-models")
    assert done.returncode == 0, done.stderr
    assert "3-fold cross-validation, 1 repeat" in done.stdout + done.stderr
    page = (tmp_path / "reports/local/photos/README.md").read_text(encoding="utf-8")
    assert "--folds 3 --repeats 1" in page
    assert "120 images (in a fold, about " in page
    assert "are held out" not in page
    found = home("predict", "knn", str(pictures / "photos/3/036.png"), *data)
    assert found.returncode == 0, found.stderr
    assert "repeat 0, fold " in found.stdout
    refused = home("predict", "knn", "--test", "0", *data)
    assert (refused.returncode, "is that of a fold, and has learnt from test images" in refused.stderr) == (2, True)


def test_a_curve_of_few_pictures_has_points(pictures, cache, tmp_path):
    done = Home(pictures, cache)(
        "curve", "knn", "-d", "photos", "--seeds", "1", "--results-dir", str(tmp_path), "--no-report"
    )
    assert done.returncode == 0, done.stderr
    assert "train-21" in done.stdout
    assert "train-42" in done.stdout
