"""``run``'s choice of models and parameters, and what it says first."""

from __future__ import annotations

import hashlib
import json

import pytest
from commands import Home

from benchmark import registry
from benchmark.cli.run import _chosen
from benchmark.errors import UserError

CORE = ["logistic-regression", "svm-rbf", "knn", "cnn-simple", "cnn-augmented"]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return Home(tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("cache"))


def test_without_names_the_core_runs_and_with_all_everything():
    assert _chosen([], False, None, None) is None
    assert [model.name for model in registry.choose(None)] == CORE
    assert [model.name for model in registry.choose(None, pictures=True)] == [*CORE, "transfer"]
    assert _chosen([], True, None, None) == "all"
    assert [model.name for model in registry.choose(None, everything=True)] == list(registry.models())
    assert [model.name for model in _chosen(["knn", "mlp", "knn"], False, None, None)] == ["knn", "mlp"]


def test_what_is_set_by_hand_has_the_last_word():
    (model,) = _chosen(["cnn-augmented"], False, ["epochs=3", "flip=true"], "mine")
    assert model.name == "mine"
    assert model.params["epochs"] == model.profile_params["quick"]["epochs"] == 3
    assert model.dataset_params["digits"]["flip"] is True


@pytest.mark.parametrize(
    ("names", "settings", "rename", "message"),
    [
        ([], ["C=3"], None, "change one model"),
        (["knn", "mlp"], ["n=3"], None, "change one model"),
        (["knn"], None, "mlp", "already a model 'mlp'"),
        (["knn"], None, "knn", "already a model 'knn'"),
        (["knn"], ["n_neighbors=3"], None, "needs a name"),
        (["knn"], ["n_neighbors=3"], "no name", "is not a valid name"),
    ],
)
def test_settings_that_make_no_sense_are_refused(names, settings, rename, message):
    with pytest.raises(UserError, match=message):
        _chosen(names, False, settings, rename)


def test_a_model_with_other_parameters_stands_beside_the_first(home):
    assert home.here("run", "knn", "--dataset", "digits", "--no-report").returncode == 0
    changed = ("run", "knn", "--dataset", "digits", "--set", "n_neighbors=1", "--as", "nearest")
    done = home.here(*changed)
    assert done.returncode == 0, done.stderr
    records = {
        path.parent.name: json.loads(path.read_text())
        for path in (home.folder / "results/local/digits").glob("*/*.json")
    }
    assert records["nearest"]["model"]["params"]["n_neighbors"] == 1
    assert records["knn"]["model"]["params"]["n_neighbors"] == 5
    page = (home.folder / "reports/local/digits/README.md").read_text(encoding="utf-8")
    assert "| nearest " in page
    assert "| knn " in page
    assert "already recorded" in home.here(*changed, "--no-report").stdout
    line = "python -m benchmark run knn --set n_neighbors=1 --as nearest --dataset digits --profile full"
    assert f"\n{line} --collection local\n" in page


def test_a_parameter_that_the_model_does_not_have_is_refused_before_anything_is_run(home):
    change = ("run", "knn", "--dataset", "digits", "--as", "odd", "--set")
    assert "no parameter 'n_neighbours'. Did you mean n_neighbors?" in home.refused(*change, "n_neighbours=1")
    assert "n_neighbors='three': expected int" in home.refused(*change, "n_neighbors=three")
    assert not (home.folder / "results/local/digits/odd").exists()


def test_a_cell_beyond_its_memory_makes_the_run_fail(home):
    arguments = ("run", "cnn-simple", "--dataset", "digits", "--no-report", "--collection", "small")
    done = home.here(*arguments, "--memory-limit", "100MB")
    assert done.returncode == 1
    assert "out-of-memory cnn-simple on digits, seed 0: stopped at the memory limit of 100 MB" in done.stdout
    refused = home.refused(*arguments, "--memory-limit", "much")
    assert "'much' is not a size. Write 512M, 4GB or 4GiB." in refused


def test_the_first_line_tells_how_long_it_will_take(home):
    run = ("run", "knn", "--dataset", "digits", "--no-report")
    home.here(*run, "--collection", "reference")
    done = home.here(*run, "--results-dir", "elsewhere")
    assert done.stdout.startswith("2 runs, with majority as a reference line. About ")
    quick = home.here(*run, "--results-dir", "elsewhere", "--profile", "quick", "--collection", "local")
    # Nothing is recorded under this profile: the other one's seconds, in proportion to the images.
    assert quick.stdout.startswith("2 runs, with majority as a reference line. About ")


@pytest.mark.parametrize("device", ["tpu", "cuda"])
def test_a_device_that_is_not_there_is_told(home, device):
    if device == "cuda":
        import torch

        if torch.cuda.is_available():
            pytest.skip("there is a CUDA device here")
    run = ("run", "cnn-simple", "--dataset", "digits", "--device", device, "--no-report")
    if device == "tpu":
        assert "Unknown device 'tpu'" in home.refused(*run)
        return
    done = home.here(*run)
    assert done.returncode == 1
    assert "PyTorch finds no cuda device here" in done.stdout


def test_records_from_another_device_are_kept_with_a_note(home):
    run = ("run", "mlp", "knn", "--dataset", "digits", "--profile", "quick", "--no-report", "--device")
    assert "note" not in home.here(*run, "cpu").stderr
    assert "note" not in home.here(*run, "cpu").stderr
    again = home.here(*run, "cuda")
    assert "what is already recorded ran on cpu, not cuda, and is not repeated; --fresh repeats it" in again.stderr
    assert "3 already recorded" in again.stdout


def test_tune_searches_prints_the_winner_and_writes_the_record(home):
    done = home.here("tune", "linear-svm", "--dataset", "digits", "--budget", "4s", "--train-size", "300")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "best so far" in done.stdout
    assert "by validation accuracy" in done.stdout
    record = json.loads((home.folder / "results/local/digits/tuning-linear-svm.json").read_text())
    assert record["train_size"] == 300
    assert record["best"]["C"] > 0
    # A report on the collection is not troubled by it.
    home.here("run", "knn", "--dataset", "digits", "--no-report")
    assert "skipped" not in home.here("report").stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("tune", "knn", "--dataset", "digits"), "knn has nothing to tune"),
        (("tune", "forest", "--dataset", "digits"), "Unknown model 'forest'"),
        (("tune", "pca-svm", "--dataset", "digits", "--budget", "soon"), "'soon' is not a time limit"),
        (("tune", "pca-svm", "--dataset", "digits", "--train-size", "5000"), "only 1,200"),
    ],
)
def test_a_search_that_makes_no_sense_is_one_line(home, arguments, message):
    assert message in home.refused(*arguments)


def test_a_model_of_a_file_is_run_and_recorded_with_its_sum(home):
    folder = home.folder
    file = folder / "my_ridge.py"
    file.write_text("from sklearn.linear_model import RidgeClassifier\n\nridge = RidgeClassifier()\n")
    done = home("run", "--model", "my_ridge.py:ridge", "--dataset", "digits")
    assert done.returncode == 0, done.stderr
    (path,) = (folder / "results/local/digits/ridge").glob("*.json")
    model = json.loads(path.read_text())["model"]
    assert model["source"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert str(folder) not in path.read_text()
    assert "--model path/of/my_ridge.py:ridge" in (folder / "reports/local/digits/README.md").read_text()
