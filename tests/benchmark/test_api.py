"""The Python API on the digits: what a notebook user does."""

from __future__ import annotations

import functools
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from runs import ready, spec

import benchmark as bm
from benchmark.runner.progress import Quiet
from benchmark.runner.run import Settings

ROOT = Path(__file__).resolve().parents[2]
MODELS = ["logistic-regression", "knn", "mlp"]
EVERYTHING = Settings(corruptions=True, save_models=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BENCHMARK_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        ready()
        yield tmp_path_factory.mktemp("results")


@pytest.fixture(scope="module")
def results(folder):
    return bm.run(MODELS, dataset="digits", seeds=2, results_dir=folder, watcher=Quiet())


def test_every_run_is_a_row(results):
    runs = results.runs
    assert len(runs) == 5
    assert set(runs["model"]) == {*MODELS, "majority"}
    assert (runs["status"] == "ok").all()
    assert runs.query("model != 'majority'")["test_accuracy"].between(0.9, 1).all()
    assert (runs["fit_seconds"] > 0).all()
    assert isinstance(runs["started_at"].dtype, pd.DatetimeTZDtype)
    assert [record.run.model for record in results.records].count("mlp") == 2


def test_the_leaderboard_is_numeric_and_best_first(results):
    board = results.leaderboard()
    assert set(board["model"]) == {*MODELS, "majority"}
    assert board["model"].iloc[-1] == "majority"
    assert board["trivial"].tolist() == [False, False, False, True]
    assert board["accuracy"].is_monotonic_decreasing
    assert (board["ci_low"] < board["accuracy"]).all()
    network = board.set_index("model").loc["mlp"]
    own = results.runs.query("model == 'mlp'")["test_accuracy"]
    assert network["accuracy"] == pytest.approx(own.mean())


def test_pairs_are_compared_once(results):
    pairs = results.pairwise()
    assert len(pairs) == 3
    board = results.leaderboard().set_index("model")["accuracy"]
    for row in pairs.itertuples():
        assert row.points == pytest.approx(100 * (board[row.model] - board[row.against]))
        assert row.low <= row.points <= row.high
        assert row.significant == (row.adjusted_p < 0.05)


def test_scores_by_class_are_those_of_the_predictions(results):
    scores, predictions = results.per_class(), results.predictions("knn")
    assert len(scores) == 3 * 10
    one = scores.query("model == 'knn' and `class` == '3'").iloc[0]
    recall = np.mean(predictions.query("label == '3'")["predicted"] == "3")
    assert one["recall"] == pytest.approx(recall)


def test_predictions_have_a_column_per_class(results):
    predictions = results.predictions("mlp", seed=1)
    assert list(predictions)[:3] == ["index", "label", "predicted"]
    assert len(predictions) == 360
    np.testing.assert_allclose(predictions.iloc[:, 3:].sum(axis=1), 1, atol=2e-3)
    with pytest.raises(bm.UserError, match="There are"):
        results.predictions("mlp", seed=7)


def test_a_report_is_written(results, tmp_path):
    written = results.report(tmp_path)
    assert "knn" in written.headline
    assert all(path.is_file() for path in written.paths)
    assert len(repr(written)) < 1000
    assert "README.md" in repr(written)


def test_what_is_recorded_is_loaded_and_not_repeated(results, folder):
    again = bm.load(results_dir=folder)
    assert again.dataset == "digits"
    pd.testing.assert_frame_equal(again.leaderboard(), results.leaderboard())
    seen = []

    class Watches(Quiet):
        def finished(self, record, *, kept):
            seen.append(kept)

    bm.run(MODELS, dataset="digits", seeds=2, results_dir=folder, watcher=Watches())
    assert seen == [True] * 5


def test_a_model_of_ones_own_needs_no_registration(folder, tmp_path):
    results = bm.run([spec("Majority")], dataset="digits", results_dir=tmp_path, watcher=Quiet())
    assert results.leaderboard()["model"].tolist() == ["majority"]


def test_the_trivial_baseline_alone_is_no_mistake_and_of_no_doubt(tmp_path):
    results = bm.run("majority", dataset="digits", results_dir=tmp_path, watcher=Quiet(), settings=EVERYTHING)
    (record,) = results.records
    assert (record.model.trivial, record.warnings, record.corruptions) == (True, (), {})
    assert record.saved is not None
    written = results.report(tmp_path / "reports", html=False)
    assert written.headline == "majority (10.28%); no CNN or baseline is recorded."
    assert not written.report.cautions
    assert "trivial baseline" in written.paths[0].read_text()


def test_a_curve_has_no_trivial_baseline(tmp_path):
    curve = functools.partial(bm.curve, sizes=[50], seeds=1, dataset="digits", results_dir=tmp_path, watcher=Quiet())
    assert set(curve(["knn", "majority"]).runs["model"]) == {"knn"}
    with pytest.raises(bm.UserError, match="majority learns nothing from more images"):
        curve("majority")


def test_a_curve_has_its_sizes(folder, tmp_path):
    results = bm.curve(["knn"], sizes=[50, "all"], seeds=2, dataset="digits", results_dir=tmp_path, watcher=Quiet())
    assert set(results.runs["train_size"]) == {50, 1200}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda folder: bm.run(["kn"], results_dir=folder), "Did you mean knn"),
        (lambda folder: bm.run(dataset="digit", results_dir=folder), "Did you mean digits"),
        (lambda folder: bm.run(profile="ful", results_dir=folder), "Unknown profile"),
        (lambda folder: bm.run(collection="../up", results_dir=folder), "Invalid collection name"),
        (lambda folder: bm.load("nothing", results_dir=folder), "no records"),
        (lambda folder: bm.load(dataset="mnist", results_dir=folder).leaderboard(), "No readable records of mnist"),
        (lambda folder: bm.run([42], results_dir=folder), "42 is no model"),
        (lambda folder: bm.run([], results_dir=folder), "names no model"),
        (lambda folder: bm.run(7, results_dir=folder), "models=7 names no model"),
        (lambda folder: bm.run(dataset=None, results_dir=folder), "None is no data set"),
        (lambda folder: bm.curve(dataset=3, results_dir=folder), "3 is no data set"),
        (lambda folder: bm.run("knn", dataset=spec("Majority"), results_dir=folder), "is no data set"),
        *(
            (lambda folder, n=n: bm.run("knn", dataset="digits", seeds=n, results_dir=folder), "is no number of seeds")
            for n in (0, -1, "3", [], 2.0)
        ),
        (lambda folder: bm.load(results_dir=folder).predictions("knn", part="train"), "validation, test"),
        (lambda folder: bm.curve(["knn"], sizes=[5], dataset="digits", results_dir=folder), "fewer than the 10"),
    ],
)
def test_mistakes_are_one_line_with_a_remedy(results, folder, call, message):
    with pytest.raises(bm.UserError, match=message):
        call(folder)


def test_one_model_needs_no_list(tmp_path):
    results = bm.run("knn", dataset="digits", results_dir=tmp_path, watcher=Quiet())
    assert results.leaderboard()["model"].tolist() == ["knn", "majority"]
    own = bm.run(spec("Majority"), dataset="digits", results_dir=tmp_path, watcher=Quiet())
    assert [record.run.model for record in own.records] == ["majority"]


def test_a_limit_that_is_none_is_refused_before_anything_runs(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCHMARK_CACHE_LIMIT", "lots")
    with pytest.raises(bm.UserError, match=r"\$BENCHMARK_CACHE_LIMIT: 'lots' is not a size. Write 512M"):
        bm.run("knn", dataset="digits", results_dir=tmp_path, watcher=Quiet())
    assert not list(tmp_path.rglob("*.json"))


def test_the_reference_is_loaded_with_its_columns():
    reference = bm.load("reference", dataset="fashion-mnist", results_dir=ROOT / "results")
    board = reference.leaderboard()
    assert board["model"].iloc[0] == "resnet"
    assert not board.set_index("model").loc["mlp", "convolutional"]
    assert board.set_index("model").loc["transfer", "pretrained"] == "ImageNet"
    assert reference.problems == []


def test_nothing_heavy_is_imported_before_it_is_used():
    heavy = "{'torch', 'pandas', 'sklearn', 'numpy'}"
    program = f"import sys, benchmark as bm; dir(bm); print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"
    assert set(bm.__all__) <= set(dir(bm))
    with pytest.raises(AttributeError, match="nothing"):
        bm.nothing  # noqa: B018


def test_the_old_import_is_an_alias_that_warns():
    program = "import warnings; warnings.simplefilter('error'); import benchmark.contract"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=ROOT)
    assert "DeprecationWarning: benchmark.contract is deprecated" in done.stderr
    program = "from benchmark import contract, specs; assert contract.ModelSpec is specs.ModelSpec; contract.UserError"
    subprocess.run([sys.executable, "-W", "ignore", "-c", program], check=True, cwd=ROOT)
