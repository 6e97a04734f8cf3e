"""The pairwise comparison in text, tables and pictures."""

from __future__ import annotations

import dataclasses
import html
import itertools
import re

import numpy as np
import pytest
from documents import drawn, pictures, tables, text
from matplotlib.patches import Rectangle

from benchmark.analysis.comparison import Comparison, Pair
from benchmark.analysis.select import select
from benchmark.records.store import Stored
from benchmark.report import document as doc
from benchmark.report import pairwise as pairs
from benchmark.report.evidence import Evidence
from benchmark.utils.format import interval, p_value

NAMES = ("cat", "dog")
PAIR = Pair(
    left="a",
    right="b",
    seeds=(1, 1),
    n_images=1000,
    points=2.084,
    low=1.6,
    high=2.559,
    p=0.0004,
    adjusted_p=0.012,
    only_left=50,
    only_right=29,
    images_error=0.24,
    training_error=0.0,
)
LEVEL = dataclasses.replace(PAIR, adjusted_p=0.3)


def found(store):
    stored, problems = store.read_all("synthetic")
    return Evidence(select(stored), stored, None, problems)


@pytest.fixture(scope="module")
def four(tmp_path_factory, make_collection):
    """Four models of two seeds; knn has 20 % of errors, the best network 7 %."""
    return found(make_collection(tmp_path_factory.mktemp("four"), n=1000, class_names=NAMES))


@pytest.fixture
def collection(tmp_path, make_collection):
    def make(*models, **settings):
        return make_collection(tmp_path, models, **{"class_names": NAMES, "seeds": (0,), **settings})

    return make


def test_evidence_in_words():
    assert pairs.evidence(PAIR) == "better by 2.08 points (95% CI 1.60 to 2.56, adjusted p = 0.012)"
    assert pairs.evidence(PAIR.swapped()) == "worse by 2.08 points (95% CI 1.60 to 2.56, adjusted p = 0.012)"
    assert pairs.evidence(LEVEL) == "no significant difference"
    assert pairs.extent(LEVEL.swapped()) == "-2.08 points (95% CI -2.56 to -1.60, adjusted p = 0.300)"
    runs = dataclasses.replace(PAIR, adjusted_p=PAIR.p, single=("a", "b"))
    assert pairs.evidence(runs) == (
        "these two runs differ by 2.08 points (95% CI 1.60 to 2.56, p < 0.001), without the seed-to-seed variance of a "
        "and b"
    )
    one = dataclasses.replace(runs, seeds=(1, 5), single=("a",))
    assert pairs.evidence(one).startswith("these runs differ by 2.08 points")
    assert pairs.evidence(one).endswith("without the seed-to-seed variance of a")


@pytest.mark.parametrize(
    ("p", "shown"),
    [
        *[
            (0.0, "< 0.001"),
            (0.00099, "< 0.001"),
            (0.001, "0.001"),
            (1.0, "1.000"),
            (0.0494, "0.0494"),
            (0.05, "0.0500"),
            (0.0312, "0.031"),
        ],
        *[
            (0.0497, "0.0497"),
            (0.04999, "0.04999"),
            (0.0501, "0.0501"),
            (0.0506, "0.0506"),
            (0.049999996, "0.049999996"),
        ],
    ],
)
def test_a_p_value_does_not_round_to_the_threshold(p, shown):
    assert p_value(p) == shown


def test_the_section_has_the_headlines_pair_first_then_neighbours(four):
    section = pairs.comparison(four)
    shown = html.unescape(text(section))
    assert shown.startswith(
        "## Pairwise comparison\n\nThe primary comparison, cnn-augmented against svm-rbf: better by"
    )
    assert re.search(r"\n\n\d of 5 other pairs of models differ significantly\.\n\n!\[", shown)
    assert set(pictures(section)) == {"pairwise"}
    (table,) = (block for block in section.blocks if isinstance(block, doc.Table))
    assert [row[:2] for row in table.rows] == [
        ("cnn-augmented", "svm-rbf"),
        ("cnn-augmented", "cnn-simple"),
        ("cnn-simple", "svm-rbf"),
        ("svm-rbf", "knn"),
    ]
    pair = four.comparison.find("cnn-augmented", "svm-rbf")
    assert [cell for cell, _ in table.cells()[0]][2:] == [
        *("+7.00", interval(pair.low, pair.high), f"{pair.only_left:.0f}", f"{pair.only_right:.0f}"),
        *("< 0.001", "primary", "A better"),
    ]
    assert f"cnn-augmented against svm-rbf: {pairs.evidence(pair)}." in shown
    assert f"Test sampling contributes {pair.images_error:.2f} points" in shown
    assert f"seed-to-seed variance {pair.training_error:.2f}" in shown


def test_single_runs_say_that_training_is_not_seen(collection):
    section = pairs.comparison(found(collection(("cnn-simple", "network", 9), ("knn", "baseline", 10))))
    # Two images of two hundred are no evidence.
    assert "pairs of models differ significantly" not in text(section)
    assert "cnn-simple against knn: no significant difference." in text(section)
    assert "the seed-to-seed variance of cnn-simple is unknown" in text(section)
    assert "cnn-simple has too few seeds, and those of other models show too little of how accuracy varies" in text(
        section
    )
    assert len(tables(section)[0]) == 1


def test_one_family_has_no_best_pair(collection):
    shown = text(pairs.comparison(found(collection(("svm-rbf", "baseline", 10), ("knn", "baseline", 30)))))
    assert "Each model against the next on the leaderboard:" in shown
    assert "The primary comparison, " not in shown.split("Every pair is compared")[0]
    assert "The only pair of models differs significantly." in shown
    assert "shrunk towards" not in shown


def test_one_model_has_nobody_to_beat(collection):
    evidence = found(collection(("knn", "baseline", 10)))
    assert pairs.comparison(evidence) is None
    assert pairs.by_class(evidence) is None
    assert pairs.detectable(evidence) == ""


def test_without_predictions_nobody_is_compared_and_the_reason_is_told(collection):
    store = collection(("cnn-simple", "network", 10), ("my_knn", "baseline", 30))
    for path in store.folder.glob("*/*/*.npz"):
        path.unlink()
    evidence = found(store)
    section = pairs.comparison(evidence)
    assert pictures(section) == {}
    assert "- my\\_knn: the predictions of seed 0 cannot be read" in text(section)
    assert pairs.by_class(evidence) is None
    assert pairs.detectable(evidence) == ""


def test_neighbours_that_cannot_be_compared_leave_no_empty_table(collection):
    store = collection(("svm-rbf", "baseline", 20), ("knn", "baseline", 25), ("forest", "baseline", 30))
    next(store.folder.glob("*/knn/*.npz")).unlink()
    section = pairs.comparison(found(store))
    assert tables(section) == []
    assert "against the next on the leaderboard" not in text(section)


def test_who_is_left_out_is_told_beside_those_that_are_compared(collection):
    store = collection(("cnn-simple", "network", 10), ("knn", "baseline", 30), ("svm-rbf", "baseline", 20))
    next(store.folder.glob("*/svm-rbf/*.npz")).write_bytes(b"altered")
    section = pairs.comparison(found(store))
    assert "Not compared:\n\n- svm-rbf: the predictions of seed 0 cannot be read" in text(section)
    drawn(pictures(section)["pairwise"])


def with_seeds(store, counts, train_size=60):
    """What is found of a collection in which models have so many seeds, on so many training images."""
    stored, problems = store.read_all("synthetic")
    kept = [s for s in stored if s.record.run.seed < counts[s.record.run.model]]
    records = [
        s.record.model_copy(
            update={
                "dataset": s.record.dataset.model_copy(update={"train_size": train_size}),
                "model": s.record.model.model_copy(update={"stochastic": s.record.run.model.startswith("cnn")}),
            }
        )
        for s in kept
    ]
    kept = [Stored(record, s.path) for record, s in zip(records, kept, strict=True)]
    return Evidence(select(kept), kept, None, problems)


SEEDS = "The seed-to-seed variance of "


@pytest.mark.parametrize(
    ("counts", "train_size", "words"),
    [
        ({"cnn-a": 3, "cnn-b": 3}, 60, SEEDS + "cnn-a, cnn-b is that of their seeds, shrunk towards that of the other"),
        (
            {"cnn-a": 3, "cnn-b": 3},
            60_000,
            "that of the other models and, the less the more seeds those have, 0.2 points",
        ),
        ({"cnn-a": 3}, 60, SEEDS + "cnn-a is that of its seeds."),
        ({"cnn-a": 3}, 60_000, SEEDS + "cnn-a is that of its seeds, shrunk towards 0.2 points, assumed from"),
        ({"cnn-a": 1}, 60_000, "With one seed, cnn-a is lent 0.2 points, assumed from"),
        ({"cnn-a": 3, "cnn-b": 3, "cnn-c": 1}, 60, "With one seed, cnn-c is lent that of the other models."),
        ({"cnn-a": 1}, 60, "cnn-a has too few seeds, and those of other models show too little of how accuracy varies"),
    ],
)
def test_the_source_of_the_seed_variance_is_named(collection, counts, train_size, words):
    models = [(name, "network", 9) for name in counts]
    store = collection(*models, ("knn", "baseline", 30), seeds=(0, 1, 2))
    assert words in pairs.lent(with_seeds(store, {**counts, "knn": 1}, train_size))


def test_of_the_seeds_that_are_known_the_variance_is_told(collection):
    """One side has several seeds, whose variance is in the interval, the other one seed of which nothing is known."""
    store = collection(("cnn-a", "network", 9), ("cnn-b", "baseline", 30), seeds=(0, 1, 2))
    shown = text(pairs.comparison(with_seeds(store, {"cnn-a": 1, "cnn-b": 3})))
    assert "cnn-a against cnn-b: these runs differ by" in shown
    assert "without the seed-to-seed variance of cnn-a." in shown
    assert "seed-to-seed variance (that of cnn-b) 0." in shown
    assert "the seed-to-seed variance of cnn-a is unknown" in shown
    assert "two runs" not in shown.split("Every pair is compared")[0]


def test_wild_seeds_are_not_blamed_on_the_images():
    wild = dataclasses.replace(PAIR, low=-60, high=64, adjusted_p=0.9, training_error=17.0, seeds=(2, 1))
    assert pairs.extent(wild).startswith("+2.08 points (too few seeds for an interval, ")
    few = dataclasses.replace(wild, images_error=30.0)
    assert pairs.extent(few).startswith("+2.08 points (too few images for an interval, ")


def test_an_end_near_zero_shows_its_side():
    near = dataclasses.replace(PAIR, points=0.17, low=0.0004, high=0.34, p=0.0497, adjusted_p=0.0497)
    assert pairs.evidence(near) == "better by 0.17 points (95% CI 0.0004 to 0.34, p = 0.0497)"
    assert interval(0.0, 1.0) == "0.00 to 1.00"


def test_two_seeds_alone_are_not_said_to_show_a_variance(collection):
    store = collection(("cnn-a", "network", 9), ("knn", "baseline", 30), seeds=(0, 1, 2))
    evidence = with_seeds(store, {"cnn-a": 2, "knn": 1})
    shown = text(pairs.comparison(evidence))
    assert "the seed-to-seed variance of cnn-a is unknown" in shown
    assert "(that of cnn-a)" not in shown
    assert pairs.lent(evidence).startswith("cnn-a has too few seeds")


def test_nothing_may_be_detectable(collection):
    said = pairs.detectable(found(collection(("svm-rbf", "baseline", 10), ("knn", "baseline", 10), n=40)))
    assert said.startswith(
        "With these images and seeds no difference can be detected with 80% power for two neighbours"
    )
    assert "none at all" not in said


def test_a_small_level_is_a_number(four):
    names = [f"m{i}" for i in range(60)]
    many = tuple(dataclasses.replace(LEVEL, left=left, right=right) for left, right in itertools.combinations(names, 2))
    four.__dict__["comparison"], kept = Comparison((*four.comparison.pairs, *many), ()), four.comparison
    assert "must be below 2.8e-05 by Holm's method" in pairs.detectable(four)
    four.__dict__["comparison"] = kept


def test_detectable(four, collection):
    said = pairs.detectable(four)
    assert re.search(r"with 80% power is \d\.\d\d points for cnn-augmented against svm-rbf, and \d\.\d\d points", said)
    secondary = [pair for pair in pairs.neighbours(four) if pair in four.comparison.secondary]
    share = np.median([pair.discordant_share for pair in secondary])
    assert f"alone classifies {share:.1%} of the 1,000 images correctly (median)" in said
    assert re.search(r"below 0\.0\d+ by Holm's method\.$", said)
    few = found(collection(("cnn-simple", "network", 9), ("knn", "baseline", 10), n=100))
    assert pairs.detectable(few) == (
        "With these images and seeds no difference can be detected with 80% power for cnn-simple against knn."
    )


def made(n, length=0):
    """So many models, a point apart each; neighbours do not differ significantly."""
    names = [f"m{place:02}" + "-" * (length - 3) for place in range(n)]
    both = [
        dataclasses.replace(
            PAIR, left=names[i], right=names[j], points=float(j - i), adjusted_p=0.5 if j == i + 1 else 0.001
        )
        for i, j in itertools.combinations(range(n), 2)
    ]
    return names, Comparison(tuple(both), ())


def test_the_matrix_shows_points_and_hatches_what_is_not_significant():
    names, comparison = made(4)
    axes = drawn(pairs.matrix(names, comparison)).axes[0]
    assert {(text.get_position(), text.get_text()) for text in axes.texts if text.get_text()} == {
        ((j - 1, i), f"{j - i}.0") for i, j in itertools.combinations(range(4), 2)
    }
    hatched = {patch.get_xy() for patch in axes.patches if isinstance(patch, Rectangle) and patch.get_hatch()}
    assert hatched == {(i - 0.5, i - 0.5) for i in range(3)}
    assert [label.get_text() for label in axes.get_yticklabels()] == names[:-1]
    assert [label.get_text() for label in axes.get_xticklabels()] == names[1:]


@pytest.mark.parametrize(("n", "length"), [(2, 3), (2, 45), (14, 20), (20, 45)])
def test_the_matrix_for_any_number_of_models(n, length):
    figure = drawn(pairs.matrix(*made(n, length)))
    for label in [*figure.axes[0].get_yticklabels(), *figure.axes[0].get_xticklabels()]:
        extent = label.get_window_extent()
        assert extent.x0 >= 0
        assert extent.x1 <= figure.bbox.width
        assert extent.y1 <= figure.bbox.height


def test_a_matrix_of_equals_and_one_with_gaps():
    names, comparison = made(3)
    level = Comparison(tuple(dataclasses.replace(pair, points=-0.0, adjusted_p=1.0) for pair in comparison.pairs), ())
    assert pairs.matrix(names, level).texts == [["0.0", "0.0"], ["", "0.0"]]
    drawn(pairs.matrix(names, level))
    gaps = Comparison(comparison.pairs[:1], ())
    assert pairs.matrix(names, gaps).texts == [["1.0", ""], ["", ""]]
    drawn(pairs.matrix(names, gaps))


def test_classes_are_ordered_by_gain_and_told_by_verdict(tmp_path, make_collection, make_cell):
    """Thirds of the test images: the network finds all, as many, and fewer of the classes."""
    store = make_collection(tmp_path, [("cnn-simple", "network", 0)], seeds=(0,), class_names=("a", "b", "c"), n=300)
    make_cell(store, model="knn", family="baseline", seed=0, class_names=("a", "b", "c"), n=300, wrong=20)
    evidence = found(store)
    cnn, knn = (evidence.predictions(s.stored[0]) for s in evidence.summaries)
    labels = np.arange(300) % 3
    knn["test_predicted"] = np.where((labels == 0) & (np.arange(300) < 90), 1, labels)
    cnn["test_predicted"] = np.where((labels == 2) & (np.arange(300) < 90), 1, labels)
    section = pairs.by_class(evidence)
    assert (section.level, section.title) == (3, "cnn-simple against knn, class by class")
    summary = "the runs differ in a, c; there is no significant difference in b."
    assert summary in text(section)
    (table,) = tables(section)
    only = ("only cnn-simple correct", "only knn correct")
    assert [(name, row["points"], *(row[title] for title in only), row["verdict"]) for name, row in table.items()] == [
        ("a", "+30.00", "30", "0", "these runs differ"),
        ("b", "+0.00", "0", "0", "no significant difference"),
        ("c", "-30.00", "0", "30", "these runs differ"),
    ]
    figure = drawn(pictures(section)["class-pairs"])
    assert {label.get_text() for label in figure.axes[0].texts} == {"+30.0", "+0.0", "-30.0"}
    (legend,) = figure.legends
    labels = [label.get_text() for label in legend.get_texts()]
    assert labels == ["the runs differ", "no significant difference"]


def test_classes_of_several_seeds_are_won_by_models(tmp_path, make_collection, make_cell):
    store = make_collection(
        tmp_path, [("cnn-simple", "network", 0)], seeds=(0, 1, 2), class_names=("a", "b", "c"), n=300
    )
    make_cell(store, model="knn", family="baseline", seed=0, class_names=("a", "b", "c"), n=300, wrong=20)
    evidence = found(store)
    cnn, knn = (evidence.predictions(s.stored[0]) for s in evidence.summaries)
    labels = np.arange(300) % 3
    others = [evidence.predictions(stored) for stored in evidence.summaries[0].stored[1:]]
    knn["test_predicted"] = np.where((labels == 0) & (np.arange(300) < 90), 1, labels)
    for arrays in (cnn, *others):
        arrays["test_predicted"] = np.where((labels == 2) & (np.arange(300) < 90), 1, labels)
    section = pairs.by_class(evidence)
    summary = "cnn-simple is better in a; knn is better in c; there is no significant difference in b."
    assert summary in text(section)
    (table,) = tables(section)
    assert [row["verdict"] for row in table.values()] == [
        "cnn-simple better",
        "no significant difference",
        "knn better",
    ]
    (legend,) = drawn(pictures(section)["class-pairs"]).figure.legends
    labels = [label.get_text() for label in legend.get_texts()]
    assert labels == ["cnn-simple better", "knn better", "no significant difference"]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ((10, 10), "there is no significant difference in any of the 3 classes"),
        ((0, 60), "differ in each of the 3 classes"),
    ],
)
def test_one_outcome_in_all_classes_names_none(tmp_path, make_collection, wrong, words):
    models = [("cnn-simple", "network", wrong[0]), ("knn", "baseline", wrong[1])]
    evidence = found(make_collection(tmp_path, models, seeds=(0,), class_names=("a", "b", "c"), n=300))
    assert words in text(pairs.by_class(evidence))


def test_an_interval_that_holds_every_difference_is_not_printed(tmp_path, make_collection):
    """Two images in all, one of a class."""
    models = [("cnn-simple", "network", 0), ("knn", "baseline", 90)]
    evidence = found(make_collection(tmp_path, models, seeds=(0,), class_names=("a", "b"), n=2))
    section = pairs.by_class(evidence)
    (table,) = tables(section)
    assert {row["95% CI"] for row in table.values()} == {"\u2013"}
    assert "too few images for an interval" in pairs.extent(evidence.best_pair)
    assert "100.00" not in pairs.extent(evidence.best_pair).partition("(")[2]
    assert pictures(section) == {}


def test_hostile_class_names_stay_text(tmp_path, make_collection):
    models = [("cnn-simple", "network", 5), ("knn", "baseline", 30)]
    store = make_collection(tmp_path, models, seeds=(0,), class_names=("a|b\n<i>", "$^$"), n=60)
    section = pairs.by_class(found(store))
    assert "<i>" not in text(section)
    assert r"a\|b &lt;i&gt;" in text(section)
    drawn(pictures(section)["class-pairs"])
