"""The corrected resampled t-test: its formula, its limits, and how often it is right."""

from __future__ import annotations

import math
from pathlib import Path

import folds as simulated
import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from benchmark.analysis import out_of_fold
from benchmark.analysis.comparison import by_fold, class_pairs, compare, error_ratio, intervals
from benchmark.analysis.resampled import corrected_t
from benchmark.analysis.select import ModelSummary, select
from benchmark.records.store import Stored

K = 3
CHEAP = 400  # By day, a sample that a gross mistake does not survive.
numbers = st.lists(st.floats(-1, 1).map(lambda x: round(x, 3)), min_size=2, max_size=30)


def test_it_is_the_plain_t_test_but_for_the_correction():
    values = np.array([0.02, 0.05, -0.01, 0.03, 0.04])
    plain, found = scipy.stats.ttest_1samp(values, 0), corrected_t(values, 0.0)
    assert found.p == pytest.approx(plain.pvalue)
    assert (found.low, found.high) == pytest.approx(plain.confidence_interval(0.95))
    corrected = corrected_t(values, 1 / 4)
    assert corrected.standard_error == pytest.approx(values.std(ddof=1) * math.sqrt(1 / 5 + 1 / 4))
    assert corrected.p == pytest.approx(2 * scipy.stats.t.sf(plain.statistic * math.sqrt((1 / 5) / (1 / 5 + 1 / 4)), 4))
    assert corrected.degrees == 4


@given(numbers, st.floats(0.05, 1))
def test_interval_and_p_are_two_sides_of_one_test(values, share):
    found = corrected_t(np.array(values), share)
    if found is None:
        assert len(set(values)) == 1
        return
    assert found.low < found.value < found.high
    assert (found.p < 0.05) == (found.low > 0 or found.high < 0)


def test_without_any_variance_nothing_can_be_said():
    assert corrected_t(np.full(10, 0.1), 0.25) is None
    with pytest.raises(ValueError, match="at least 2 runs"):
        corrected_t(np.array([0.1]), 0.25)


@pytest.mark.parametrize("learn", [simulated.centroids, simulated.neighbour])
def test_equal_models_differ_in_about_one_of_twenty_cases(learn):
    assert simulated.Folds(5, 3, learn=learn).significant(CHEAP) < 0.1


def test_without_the_correction_they_differ_far_too_often():
    values = list(simulated.Folds(5, 3, learn=simulated.neighbour).differences(CHEAP))
    assert np.mean([corrected_t(one, 0.0).p < 0.05 for one in values if np.ptp(one)]) > 0.2


def test_a_gross_difference_is_found():
    assert simulated.Folds(5, 3, edge=0.15).significant(50) > 0.9


@pytest.fixture
def model(make_record, tmp_path):
    """A model's summary from what it gets wrong by repeat and fold, and its predictions: 30 images, ten a fold."""

    def build(name, wrong, family="baseline", left_out=()):
        stored, arrays = [], {}
        for (repeat, fold), n_wrong in wrong.items():
            if (repeat, fold) in left_out:
                continue
            labels = np.arange(10) % 2
            predicted = np.where(np.arange(10) < n_wrong, 1 - labels, labels)
            record = make_record(labels, predicted, model=name, family=family, seed=repeat, class_names=("a", "b"))
            run = record.run.model_copy(update={"profile": f"{K}-fold", "fold": fold, "repeat": repeat})
            record = record.model_copy(update={"run": run})
            path = Path(tmp_path / f"{name}-{repeat}-{fold}.json")
            index = np.arange(fold, 30, K)
            arrays[str(path)] = {
                **{f"validation_{field}": predicted for field in ("labels", "predicted")},
                "validation_index": index,
                **{"test_index": index, "test_labels": labels, "test_predicted": predicted},
            }
            stored.append(Stored(record, path))
        return ModelSummary(tuple(stored)), lambda one: arrays.get(str(one.path))

    return build


def places(*wrong):
    """Numbers of errors by repeat and fold, repeat after repeat."""
    return {(number // K, number % K): n for number, n in enumerate(wrong)}


def test_models_are_compared_fold_by_fold(model):
    (a, _), (b, lookup) = model("a", places(1, 2, 0, 1, 2, 3)), model("b", places(3, 3, 3, 2, 4, 3))
    found = compare([a, b], lookup)
    (pair,) = found.pairs
    sizes = a.records[0].dataset
    share = sizes.test_size / (sizes.train_size + sizes.validation_size)
    expected = corrected_t(np.array([0.2, 0.1, 0.3, 0.1, 0.2, 0.0]), share)
    assert (pair.points, pair.low, pair.p) == pytest.approx((15.0, 100 * expected.low, expected.p))
    assert (pair.seeds, pair.degrees, pair.single, pair.lent) == ((6, 6), 5, (), ())
    assert pair.swapped().points == pytest.approx(-15.0)
    assert error_ratio(a, b, [a, b], lookup) is None


def test_only_folds_that_both_have_count(model):
    a, _ = model("a", places(1, 2, 0, 1, 2, 3), left_out={(1, 2)})
    b, _ = model("b", places(3, 3, 3, 2, 4, 3), left_out={(0, 0)})
    assert by_fold(a, b).seeds == (4, 4)
    c, _ = model("c", places(1))
    assert by_fold(a, c) == "a and c have fewer than 2 folds in common"
    d, lookup = model("d", {(2, 0): 1, (2, 1): 1})
    assert compare([a, d], lookup).left_out == ("a and d have fewer than 2 folds in common",)


def test_folds_that_all_show_the_same_decide_nothing(model):
    (a, _), (b, _) = model("a", places(1, 1, 1)), model("b", places(3, 3, 3))
    pair = by_fold(a, b)
    assert (pair.points, pair.p, pair.verdict, pair.interval) == (
        pytest.approx(20),
        1.0,
        "no significant difference",
        None,
    )


def test_a_model_has_one_interval(model):
    a, lookup = model("a", places(1, 2, 0, 1, 2, 3))
    found = intervals([a], lookup)["a"]
    assert found.runs == found.model
    assert found.runs[0] < a.accuracy < found.runs[1] <= 1


def test_classes_are_compared_by_the_recall_of_each_fold(model):
    (a, lookup), (b, _) = model("a", places(1, 2, 0)), model("b", places(5, 4, 3))
    first, second = class_pairs("a", "b", [a, b], 2, lookup)
    # Of five images of a class, the first, third and fifth error are of class a, the others of class b.
    assert first.points == pytest.approx(100 * np.mean([2, 1, 2]) / 5)
    assert second.points == pytest.approx(100 * np.mean([2, 1, 1]) / 5)


def test_the_folds_of_a_repeat_are_put_together(model):
    a, lookup = model("a", places(1, 2, 0, 1, 2, 3), left_out={(1, 1)})
    ((stored, arrays),) = out_of_fold.together(a, lookup)  # The second repeat is incomplete.
    assert arrays["test_index"].tolist() == list(range(30))
    wrong = arrays["test_index"][arrays["test_predicted"] != arrays["test_labels"]]
    assert sorted(wrong.tolist()) == [0, 1, 4]  # Image n of fold f has the place 3 n + f.
    assert (stored.record.test.n_images, stored.record.test.accuracy) == (30, pytest.approx(0.9))
    assert stored.record.dataset.test_size == 30


def test_runs_of_folds_are_told_apart_and_of_other_numbers_of_folds_left_out(model):
    a, _ = model("a", places(1, 2, 0, 1, 2, 3))
    found = select(a.stored)
    assert (found.folds, found.repeats, found.protocol) == (3, 2, "3-fold cross-validation, 2 repeats")
    assert [(r.run.repeat, r.run.fold) for r in found.summaries[0].records] == [
        (repeat, fold) for repeat in range(2) for fold in range(K)
    ]
    assert not found.notes
    unequal = a.stored[0].record.dataset.model_copy(
        update={"test_size": a.records[0].dataset.test_size + 1, "train_size": a.records[0].dataset.train_size - 1}
    )
    odd = Stored(a.records[0].model_copy(update={"dataset": unequal}), a.stored[0].path)
    assert select([odd, *a.stored[1:]]).summaries[0].n_seeds == 6  # Folds differ by an image.
