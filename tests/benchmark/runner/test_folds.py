"""Cross-validation of the user's pictures, from the plan to the records: what no model sees, and what is run again."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
import spies
from runs import Log, go, spec

import benchmark as bm
from benchmark.data import folds, load
from benchmark.data.splits import fold_parts
from benchmark.errors import UserError
from benchmark.records.store import key
from benchmark.runner.prepare import Prepared
from benchmark.runner.progress import Quiet
from benchmark.runner.run import Runner, facts
from benchmark.specs import Account, Run, profile_named

N = 45


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """Images of noise in three classes, brighter from class to class, in groups of two."""
    folder = tmp_path_factory.mktemp("mine")
    labels = np.arange(N) % 3
    noise = np.random.default_rng(0).integers(0, 120, (N, 8, 8), dtype=np.uint8)
    images = noise + 60 * labels.astype(np.uint8)[:, None, None]
    np.savez(folder / "mine.npz", X=images, y=labels, groups=np.arange(N) // 6 * 3 + labels)
    return folder / "mine.npz"


@pytest.fixture(scope="module")
def mine(path, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BENCHMARK_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        own = bm.pictures(path)
        yield {"mine": Prepared(own, load.prepare(own))}


def all_labels(dataset):
    return np.concatenate([dataset.train_labels, dataset.test_labels])


def test_every_image_is_predicted_once_per_repeat(mine, settings):
    dataset = mine["mine"].dataset
    go([spec("Majority")], mine, settings, n_seeds=2, profile="3-fold")
    stored, _ = settings.store.read_all("mine")
    assert sorted((one.record.run.repeat, one.record.run.fold) for one in stored) == [
        (repeat, fold) for repeat in range(2) for fold in range(3)
    ]
    for repeat in range(2):
        arrays = [one.predictions() for one in stored if one.record.run.repeat == repeat]
        index = np.concatenate([one["test_index"] for one in arrays])
        assert np.array_equal(np.sort(index), np.arange(N))
        np.testing.assert_array_equal(np.concatenate([a["test_labels"] for a in arrays]), all_labels(dataset)[index])
    for one in stored:
        run, arrays = one.record.run, one.predictions()
        parts = fold_parts(dataset, 3, run.fold, run.repeat)
        np.testing.assert_array_equal(arrays["validation_index"], parts.validation)
        np.testing.assert_array_equal(arrays["validation_labels"], all_labels(dataset)[parts.validation])
        assert one.path.name.startswith(f"3-fold-repeat{run.repeat}-fold{run.fold}-")
        assert one.record.run.seed == run.repeat
        assert one.record.dataset.sizes == (len(parts.train), len(parts.validation), len(parts.test))
        assert one.command() == "python -m benchmark run majority --dataset mine --folds 3 --repeats " + (
            f"{run.repeat + 1} --collection test"
        )


def test_what_is_recorded_is_not_run_again(mine, settings):
    first, second = Log(), Log()
    go([spec("Majority")], mine, settings, profile="3-fold", log=first)
    go([spec("Majority")], mine, settings, n_seeds=2, profile="3-fold", log=second)
    assert (len(first.started_cells), len(second.started_cells), len(second.kept)) == (3, 3, 3)
    other = Log()
    go([spec("Majority")], mine, settings, profile="4-fold", log=other)
    assert (len(other.started_cells), len(other.kept)) == (4, 0)


def test_each_fold_and_repeat_has_a_key_and_a_seed_of_its_own(mine, settings):
    model, fingerprint = spec("Majority"), "0" * 64
    runs = [Run("mine", "majority", repeat, "3-fold", fold, repeat) for repeat in range(2) for fold in range(3)]
    runs += [Run("mine", "majority", 0, "4-fold", 0, 0)]
    keys = {key(run, model, fingerprint, profile_named(run.profile, run.seed, run.fold)) for run in runs}
    assert len(keys) == 7
    go([model], mine, settings, n_seeds=2, profile="3-fold")
    stored, _ = settings.store.read_all("mine")
    assert len({one.record.random_state for one in stored}) == 6


def test_a_model_finds_nothing_of_the_fold(mine, settings, tmp_path):
    """Neither the fold's images and labels before it has been fitted, nor all labels or images ever, wherever it looks;
    afterwards the fold's images, of which the labels remain hidden."""
    dataset, trace = mine["mine"].dataset, tmp_path / "trace"
    labels, test = all_labels(dataset), fold_parts(dataset, 3, 0, 0).test
    pool = folds.pooled(dataset)
    sought = {
        "fold_labels": labels[test],
        "fold_images": pool.test_images[test],
        "all_labels": labels,
        "train_labels": dataset.train_labels,
        "train_images": dataset.train_images,
        "test_labels": dataset.test_labels,
        "test_images": dataset.test_images,
    }
    sought = {name: (array.size, spies.digest(array)) for name, array in sought.items()}
    assert set(sought) <= set(spies.look(sought)) | {"fold_labels", "fold_images"}  # The spy sees what lies about.
    model = spec("Spy", build="spies:Spy", validates=True, params={"trace": str(trace), "sought": sought})
    (planned,) = [one for one in _runner(settings).plan([model], mine.values(), 1, ["3-fold"]) if one.run.fold == 0]
    (record,) = _runner(settings).execute([planned])
    assert record.status == "ok", record.reason
    told = [json.loads(line) for line in trace.read_text().splitlines()]
    early = [found for when, found in told if when in ("build", "fit", "epoch")]
    assert early
    assert all(found == [] for found in early)
    late = [found for when, found in told if when not in ("build", "fit", "epoch")]
    assert any(found == ["fold_images"] for found in late)
    assert all(set(found) <= {"fold_images"} for found in late)


def _runner(settings):
    return Runner(settings.store, settings, Log(), settings.environment)


def run(path, tmp_path, **options):
    return bm.run(["knn"], dataset=path, results_dir=tmp_path / "results", watcher=Quiet(), **options)


def test_few_pictures_without_a_test_part_are_cross_validated(mine, path, tmp_path):
    results = run(path, tmp_path)
    assert len(results.records) == 2 * folds.FOLDS * folds.REPEATS  # With the trivial baseline.
    assert {record.run.profile for record in results.records} == {"5-fold"}
    assert results.leaderboard()["model"].tolist() == ["knn", "majority"]
    assert len(results.predictions("knn", 1)) == N
    once = run(path, tmp_path, folds=0)
    assert [record.run.profile for record in once.records] == ["full"] * 2
    again = bm.load(dataset="mine", results_dir=tmp_path / "results")
    assert "full" in repr(again.runs.profile.tolist())
    with pytest.raises(UserError, match="No run of 'knn' with seed 5"):
        results.predictions("knn", 5)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"folds": 1}, "1 folds are not possible. Choose 2 to 20, or 0 for one hold-out."),
        ({"folds": 21}, "21 folds are not possible"),
        ({"folds": 5, "repeats": 0}, "0 repeats are not possible. Choose 1 to 100."),
        ({"folds": 0, "repeats": 2}, "Nothing is repeated in one hold-out"),
        ({"folds": 5, "seeds": 3}, "there is one seed. Use --repeats in place of --seeds."),
        ({"seeds": 3}, "Use --repeats 3 in place of --seeds, or hold out a fifth once: --folds 0."),
        ({"folds": 5, "profile": "quick"}, "Folds use all images, not those of the profile quick"),
        ({"profile": "train-20", "repeats": 2}, "mine.npz is not cross-validated: nothing is repeated"),
        ({"folds": 20}, "3 classes have too few different pictures for 20 folds"),
    ],
)
def test_what_contradicts_itself_is_refused(mine, path, tmp_path, options, said):
    with pytest.raises(UserError) as caught:
        run(path, tmp_path, **options)
    assert said in f"{caught.value.problem} {caught.value.remedy}"


def test_a_given_test_part_is_kept(tmp_path):
    with pytest.raises(UserError, match="has a test part, which is kept"):
        run("digits", tmp_path, folds=5)


def test_a_budget_does_not_replace_folds_by_something_else(mine, path, tmp_path):
    with pytest.raises(UserError, match="Cross-validation would take about") as refused:
        run(path, tmp_path, budget_seconds=0.001)
    assert "--folds 0" in refused.value.remedy


def test_the_profile_of_folds_is_another_way_to_ask_for_them(mine, path, tmp_path):
    results = run(path, tmp_path, profile="3-fold", repeats=1)
    assert {record.run.profile for record in results.records} == {"3-fold"}


def test_facts_are_the_same_in_every_fold():
    data = SimpleNamespace(
        train_images=np.zeros((1000, 8, 8, 1), np.uint8),
        train_labels=np.zeros(1000),
        test_labels=np.zeros(250),
        account=Account(),
    )
    found = {facts(SimpleNamespace(dataset=data), profile_named("5-fold", 0, fold)).train_size for fold in range(5)}
    assert found == {850}
