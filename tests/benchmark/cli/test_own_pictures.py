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
    done = home(*command.split(), "knn", *where)
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
