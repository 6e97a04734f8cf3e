"""``predict`` as a person calls it: saved models, own pictures, test images, and all that goes wrong."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from runs import Lab, go
from sklearn.datasets import load_digits
from typer.testing import CliRunner

from benchmark import registry
from benchmark.cli.app import app
from benchmark.cli.predict import BAR_WIDTH, _prediction
from benchmark.errors import UserError
from benchmark.predict.sheet import Shown
from benchmark.records.store import Store
from benchmark.runner import environment

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def trained(prepared, tmp_path_factory):
    """Results with a saved knn, svm-rbf and another k, and logistic-regression unsaved."""
    folder = tmp_path_factory.mktemp("results")
    settings = Lab(
        store=Store(folder, "local"),
        environment=environment.describe(),
        jobs=2,
        threads=1,
        time_limit_seconds=60,
        save_models=True,
    )
    known = registry.models()
    nearest = dataclasses.replace(
        known["knn"],
        name="nearest",
        base="knn",
        settings=("n_neighbors=1",),
        params={**known["knn"].params, "n_neighbors": 1},
    )
    go([known["knn"], known["svm-rbf"], nearest], prepared, settings)
    go([known["logistic-regression"]], prepared, dataclasses.replace(settings, save_models=False))
    return folder


@pytest.fixture
def results(trained, tmp_path):
    return shutil.copytree(trained, tmp_path / "results")


@pytest.fixture
def predict(results, tmp_path, monkeypatch):
    """Call the command; return its outcome with ``.text``, all that it printed, its line breaks undone."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments: str, code: int = 0):
        done = CliRunner().invoke(app, ["predict", *arguments, "--dataset", "digits"])
        if isinstance(done.exception, Exception) and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == code, done.output
        done.text = " ".join(done.output.replace("│", " ").split())
        return done

    return call


def record_of(results: Path, model: str = "knn") -> Path:
    (path,) = (results / "local/digits" / model).glob("*.json")
    return path


def change(path: Path, **changes) -> None:
    told = json.loads(path.read_text())
    for name, value in changes.items():
        place, _, field = name.rpartition("__")
        (told[place] if place else told)[field] = value
    path.write_text(json.dumps(told))


def three(size=(200, 200), fill="black", ground="white", mode="RGB") -> Image.Image:
    """A handwritten 3, enlarged."""
    ink = Image.fromarray((load_digits().images[3] * 15.9).astype(np.uint8)).resize(size, Image.Resampling.BICUBIC)
    return Image.composite(Image.new(mode, size, fill), Image.new(mode, size, ground), ink)


@pytest.mark.drawn
def test_pictures_of_all_kinds_in_one_call(predict, tmp_path):
    grey = np.asarray(three().convert("L")).astype(np.uint16)
    exif = Image.Exif()
    exif[0x0112] = 6
    three().save(tmp_path / "colour.png")
    three(fill="white", ground="black").save(tmp_path / "inverted.png")
    three().rotate(90).save(tmp_path / "turned.jpg", exif=exif)
    Image.fromarray(grey * 257).save(tmp_path / "sixteen.png")
    Image.new("L", (1, 1)).save(tmp_path / "tiny.png")
    three((4000, 3000)).save(tmp_path / "huge.jpg")
    three(fill=(0, 0, 0, 255), ground=(0, 0, 0, 0), mode="RGBA").save(tmp_path / "alpha.png")
    three().convert("P").save(tmp_path / "palette.gif")
    three().convert("CMYK").save(tmp_path / "cmyk.jpg")
    three().save(tmp_path / "odd [red] name\x1b[31m.png")
    (tmp_path / "broken.png").write_bytes((tmp_path / "colour.png").read_bytes()[:200])
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "folder").mkdir()
    good = ["colour.png", "inverted.png", "turned.jpg", "sixteen.png", "tiny.png", "huge.jpg", "alpha.png"]
    good += ["palette.gif", "cmyk.jpg", "odd [red] name\x1b[31m.png"]
    bad = ["broken.png", "text.png", "empty.jpg", "folder", "missing.png"]
    done = predict("knn", *good[:4], *bad, *good[4:], code=1)
    lines = [line for line in done.output.splitlines() if line.startswith("error: ")]
    assert [line.split(": ")[1] for line in lines] == bad
    reasons = ("damaged", "not a picture in a supported format", "empty", "a folder", "no such file")
    assert all(reason in line for line, reason in zip(lines, reasons, strict=True))
    for words in ("EXIF", "16 bits made 8", "laid on white", "converted from CMYK", "nothing to see", "4000 x 3000"):
        assert words in done.text
    assert "\x1b" not in done.output
    assert "odd [red] name" in done.output
    assert "Traceback" not in done.output
    # The digit is recognised in whatever form it came.
    found = [line for line in done.output.splitlines() if "│ 3  " in line]
    assert len(found) >= 8
    written = [Path(line.removeprefix("Written to ")) for line in done.output.splitlines() if "Written" in line]
    assert [path.name for path in written] == ["knn-colour-and-9-more-1.png", "knn-colour-and-9-more-2.png"]
    for path in written:
        with Image.open(path) as sheet:
            assert sheet.width == 1660


def test_run_keeps_models_and_says_so(results, tmp_path, monkeypatch, prepared):
    monkeypatch.chdir(tmp_path)
    command = ["run", "logistic-regression", "--dataset", "digits", "--save-models", "--no-report"]
    first, again = (CliRunner().invoke(app, command) for _ in range(2))
    assert (first.exit_code, again.exit_code) == (0, 0), first.output
    assert "2 runs, with majority as a reference line." in first.output
    assert "; model saved, 12 kB" in first.output
    assert "(already recorded); model saved, 12 kB" in again.output


def test_one_picture_and_another_folder(predict, tmp_path):
    three().save(tmp_path / "three.png")
    done = predict("knn", "three.png", "--output", "elsewhere", "--top", "2")
    assert "inverted, for its background is light" in done.text
    assert done.output.count("%") == 3  # The model's accuracy, two probabilities.
    assert [path.name for path in (tmp_path / "elsewhere").iterdir()] == ["knn-three.png"]


def test_test_images_are_shown_with_what_they_are(predict, prepared):
    labels = prepared["digits"].dataset.test_labels
    done = predict("knn", "--test", "0,7, 359")
    assert done.text.count("correct") == 3
    for place in (0, 7, 359):
        assert f"test image {place} " in done.text
        assert f" {labels[place]} correct" in done.text
    assert "prepared" not in done.text


def test_a_wrong_prediction_is_told(predict, prepared, results):
    from benchmark.records.store import read

    arrays = read(record_of(results)).predictions()
    wrong = np.flatnonzero(arrays["test_labels"] != arrays["test_predicted"])
    done = predict("knn", "--test", str(arrays["test_index"][wrong[0]]))
    predicted, actual = arrays["test_predicted"][wrong[0]], arrays["test_labels"][wrong[0]]
    assert f" {predicted} wrong: it is {actual}" in done.text


def test_a_model_without_probabilities_says_so(predict):
    done = predict("svm-rbf", "--test", "0")
    assert "no probabilities" in done.text
    assert "%" not in done.text.partition("%")[2]  # That of the model's accuracy.


def test_a_model_of_other_settings_is_built_as_it_was(predict):
    assert "nearest on Digits" in predict("nearest", "--test", "3").text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["knn"], "nothing to predict"),
        (["knn", "--test", "360"], r"no test image 360. There are 360: 0 to 359"),
        (["knn", "--test", "99999999"], "no test image 99,999,999"),
        (["knn", "--test", "-1"], "expected comma-separated integers"),
        (["knn", "--test", "1,,2"], "expected comma-separated integers"),
        (["knn", "--test", ""], "expected comma-separated integers"),
        (["knn", "--test", "٣"], "expected comma-separated integers"),
        (["knn", "--test", ",".join("1" * 101)], "names 101 images"),
        (["knn", "--test", "0", "--seed", "3"], r"seed 3 .*--seeds 4 --save-models"),
        (["logistic-regression", "--test", "0"], "run logistic-regression --dataset digits --save-models"),
        (["nosuch", "--test", "0"], "No saved model of nosuch"),
        (["knn", "--test", "0", "-c", "other"], "--collection other --save-models .*--collection local"),
    ],
)
def test_mistakes_are_told_with_their_remedy(predict, arguments, message):
    with pytest.raises(UserError, match=message) as caught:
        predict(*arguments)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model__version": 1}, "another version: 1, but here it is 2"),
        ({"model__params": {}}, "other parameters"),
        ({"model__build": "os:system"}, "another builder"),
        ({"dataset__fingerprint": "0" * 64}, "other data"),
        ({"saved__sha256": "0" * 64}, "was altered: expected SHA-256 0000"),
    ],
)
def test_what_is_not_as_registered_here_is_refused(predict, results, changes, message):
    change(record_of(results), **changes)
    with pytest.raises(UserError, match=message):
        predict("knn", "--test", "0")


def test_a_record_under_another_name_is_refused(predict, results):
    path = record_of(results)
    path.rename(path.with_name(path.name.replace("full", "fool")))
    with pytest.raises(UserError, match="is not named as the record"):
        predict("knn", "--test", "0")


def test_the_newest_saved_model_is_taken(predict, results):
    path = record_of(results)
    other = path.with_name("full-seed0-00000000.json")
    shutil.copy(path, other)
    change(other, started_at="2001-01-01T00:00:00+00:00")
    predict("knn", "--test", "0")
    change(other, started_at="2101-01-01T00:00:00+00:00")
    with pytest.raises(UserError, match="not named as"):
        predict("knn", "--test", "0")


def test_a_model_that_could_not_be_saved_says_why(predict, results):
    change(record_of(results), saved=None, not_saved={"reason": "it was too big", "lasting": True})
    with pytest.raises(UserError, match="could not be saved: it was too big"):
        predict("knn", "--test", "0")


def test_a_model_of_other_images_does_not_predict_and_says_so(predict, results):
    """With all sums right: somebody else's model under this one's name."""
    import hashlib

    import skops.io
    from sklearn.neighbors import KNeighborsClassifier

    content = skops.io.dumps(KNeighborsClassifier(1).fit(np.eye(3), [0, 1, 2]))
    path = record_of(results)
    (path.parent / "other.skops").write_bytes(content)
    told = {"file": "other.skops", "sha256": hashlib.sha256(content).hexdigest(), "format": "skops", "size_bytes": 1}
    change(path, saved=told)
    with pytest.raises(UserError, match="the saved model does not predict"):
        predict("knn", "--test", "0")


def test_without_the_data_pictures_are_predicted_with_a_note(predict, tmp_path, monkeypatch):
    three().save(tmp_path / "three.png")
    monkeypatch.setenv("BENCHMARK_CACHE_DIR", str(tmp_path / "empty"))
    done = predict("knn", "three.png")
    assert "is not decoded here" in done.text
    assert "inverted, for its background is light" in done.text  # The record knows.
    assert "│ 3  " in done.output


def test_an_older_record_takes_the_preparation_of_the_decoded_data(predict, results, tmp_path, monkeypatch):
    three().save(tmp_path / "three.png")
    change(record_of(results), dataset__preparation={})
    assert "inverted, for its background is light" in predict("knn", "three.png").text
    monkeypatch.setenv("BENCHMARK_CACHE_DIR", str(tmp_path / "empty"))
    with pytest.raises(UserError, match="neither in the record"):
        predict("knn", "three.png")


@pytest.mark.parametrize("wrong", [{"aspect": "squash"}, {"background": 3}, {"ratio": 1}])
def test_a_record_with_a_preparation_that_is_none_is_refused(predict, results, tmp_path, wrong):
    three().save(tmp_path / "three.png")
    change(record_of(results), dataset__preparation=wrong)
    with pytest.raises(UserError, match="nothing usable about how pictures are prepared"):
        predict("knn", "three.png")


def test_a_picture_unlike_all_training_images_has_no_probabilities(predict, tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (80, 80), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    three().save(tmp_path / "three.png")
    strange, usual = (predict("svm-rbf", f"{name}.png").text for name in ("noise", "three"))
    assert "unlike all training images" in strange
    assert "the model would say: " in strange
    assert strange.count("%") == 1  # The model's accuracy.
    assert "unlike" not in usual


def test_the_command_ends_with_the_right_code_and_without_torch(results, tmp_path):
    three().save(tmp_path / "three.png")

    def call(*arguments):
        program = (
            "import sys\nfrom benchmark.cli.app import main\n"
            f"sys.argv = ['benchmark', 'predict', *{arguments!r}, '--dataset', 'digits']\n"
            "try:\n    main()\nfinally:\n    print('torch:', 'torch' in sys.modules)"
        )
        return subprocess.run(
            [sys.executable, "-W", "error", "-c", program],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )

    good, mistaken = call("knn", "three.png"), call("logistic-regression", "three.png")
    assert (good.returncode, good.stderr) == (0, "")
    assert good.stdout.endswith("torch: False\n")
    assert mistaken.returncode == 2
    assert mistaken.stderr.startswith("error: No saved model of logistic-regression on digits is in results/local.")


def test_bars_are_aligned_whatever_the_names():
    from rich.cells import cell_len
    from rich.text import Text

    pixels = np.zeros((8, 8, 1), np.uint8)
    names = ("고양이", "cat", "[red]", "c\x1b[1mat")
    row = Shown("a.png", pixels, pixels, names[0], tuple((name, 0.25) for name in names), None)
    lines = Text.from_markup(_prediction(row, 10)).plain.splitlines()[1:]
    assert {cell_len(line) for line in lines} == {10 + 1 + BAR_WIDTH + 1 + 6}
