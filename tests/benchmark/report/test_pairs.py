"""Who beats whom, in text, tables and pictures."""

from __future__ import annotations

import dataclasses
import io
import itertools
import re

import numpy as np
import pytest
from matplotlib.patches import Rectangle

from benchmark.analysis.comparison import Comparison, Pair
from benchmark.analysis.select import select
from benchmark.report import pairs, style
from benchmark.report.evidence import Evidence

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


def drawn(figure):
    figure.savefig(io.BytesIO(), dpi=40)
    return figure


def test_evidence_in_words():
    assert pairs.evidence(PAIR) == "beats by 2.08 points (95% CI 1.60 to 2.56, p = 0.012)"
    assert pairs.evidence(PAIR.swapped()) == "is beaten by 2.08 points (95% CI 1.60 to 2.56, p = 0.012)"
    assert pairs.evidence(LEVEL) == "cannot be told apart"
    assert pairs.extent(LEVEL.swapped()) == "-2.08 points (95% CI -2.56 to -1.60, p = 0.300)"


@pytest.mark.parametrize(
    ("p", "text"), [(0.0, "< 0.001"), (0.00099, "< 0.001"), (0.001, "0.001"), (0.0499, "0.050"), (1.0, "1.000")]
)
def test_probability(p, text):
    assert pairs.probability(p) == text


def test_the_section_has_the_headlines_pair_first_then_neighbours(four):
    section = pairs.section(four)
    assert section.text.startswith("## Who beats whom\n\n6 of 6 pairs of models can be told apart.\n\n![")
    assert set(section.figures) == {"pairs.png"}
    rows = [re.split(r" *\| *", line)[1:-1] for line in section.text.splitlines() if line.startswith("|")][2:]
    assert [row[:2] for row in rows] == [
        ["cnn-augmented", "svm-rbf"],
        ["cnn-augmented", "cnn-simple"],
        ["cnn-simple", "svm-rbf"],
        ["svm-rbf", "knn"],
    ]
    pair = four.comparison.find("cnn-augmented", "svm-rbf")
    assert rows[0][2:] == ["+7.00", pairs.interval(pair), f"{pair.only_left:.0f}", f"{pair.only_right:.0f}", *(
        ["< 0.001"] * 2
    ), "beats"]  # fmt: skip
    assert f"cnn-augmented against svm-rbf: {pairs.evidence(pair)}." in section.text
    assert f"the choice of test images contributes {pair.images_error:.2f} points" in section.text
    assert f"training by chance {pair.training_error:.2f}" in section.text


def test_the_resampled_interval_stands_beside_the_other(four):
    told = re.search(r"gives an interval of (\S+) to (\S+)\.", pairs.section(four).text)
    pair = four.best_pair
    low, high = map(float, told.groups())
    assert (low, high) == pytest.approx((pair.low, pair.high), abs=0.4)
    assert low < pair.points < high


def test_single_runs_say_that_training_is_not_seen(collection):
    text = pairs.section(found(collection(("cnn-simple", "network", 9), ("knn", "baseline", 10)))).text
    assert "1 of 1 pairs" not in text  # Two images of two hundred are no evidence.
    assert "0 of 1 pairs of models can be told apart." in text
    assert "cnn-simple against knn: cannot be told apart." in text
    assert "what training adds cannot be seen with one seed each" in text
    assert text.count("| cnn-simple ") == 1


def test_one_family_has_no_best_pair(collection):
    text = pairs.section(found(collection(("svm-rbf", "baseline", 10), ("knn", "baseline", 30)))).text
    assert "Each model against the next of the leaderboard:" in text
    assert "best network" not in text


def test_one_model_has_nobody_to_beat(collection):
    evidence = found(collection(("knn", "baseline", 10)))
    assert pairs.section(evidence) is None
    assert pairs.class_section(evidence) is None
    assert pairs.detectable(evidence) == ""


def test_without_predictions_nobody_is_compared_and_the_reason_is_told(collection):
    store = collection(("cnn-simple", "network", 10), ("my_knn", "baseline", 30))
    for path in store.folder.glob("*/*/*.npz"):
        path.unlink()
    evidence = found(store)
    section = pairs.section(evidence)
    assert section.figures == {}
    assert "- my\\_knn: the predictions of seed 0 cannot be had" in section.text
    assert pairs.class_section(evidence) is None
    assert pairs.detectable(evidence) == ""


def test_who_is_left_out_is_told_beside_those_that_are_compared(collection):
    store = collection(("cnn-simple", "network", 10), ("knn", "baseline", 30), ("svm-rbf", "baseline", 20))
    next(store.folder.glob("*/svm-rbf/*.npz")).write_bytes(b"altered")
    section = pairs.section(found(store))
    assert "Not compared:\n\n- svm-rbf: the predictions of seed 0 cannot be had" in section.text
    assert drawn(section.figures["pairs.png"])


def test_detectable(four, collection):
    share = np.median([pair.discordant_share for pair in pairs.neighbours(four)])
    assert f"right and the other wrong on {share:.1%} of the 1,000 images (median)" in pairs.detectable(four)
    assert re.search(r"finds a true difference of \d\.\d\d points in four cases", pairs.detectable(four))
    few = found(collection(("cnn-simple", "network", 9), ("knn", "baseline", 10), n=100))
    assert "finds no difference at all" in pairs.detectable(few)


def made(n, length=0):
    """So many models, a point apart each; neighbours cannot be told apart."""
    names = [f"m{place:02}" + "-" * (length - 3) for place in range(n)]
    both = [
        dataclasses.replace(
            PAIR, left=names[i], right=names[j], points=float(j - i), adjusted_p=0.5 if j == i + 1 else 0.001
        )
        for i, j in itertools.combinations(range(n), 2)
    ]
    return names, Comparison(tuple(both), ())


def test_the_matrix_shows_points_and_hatches_what_cannot_be_told_apart():
    names, comparison = made(4)
    axes = drawn(pairs.matrix(names, comparison)).axes[0]
    assert {(text.get_position(), text.get_text()) for text in axes.texts} == {
        ((j - 1, i), f"{j - i}.0") for i, j in itertools.combinations(range(4), 2)
    }
    hatched = {patch.get_xy() for patch in axes.patches if isinstance(patch, Rectangle) and patch.get_hatch()}
    assert hatched == {(i - 0.5, i - 0.5) for i in range(3)}
    assert [label.get_text() for label in axes.get_yticklabels()] == names[:-1]
    assert [label.get_text() for label in axes.get_xticklabels()] == names[1:]


@pytest.mark.parametrize(("n", "length"), [(2, 3), (2, 45), (14, 20), (20, 45)])
def test_the_matrix_for_any_number_of_models(n, length):
    with style.chart_style():
        figure = drawn(pairs.matrix(*made(n, length)))
    for label in [*figure.axes[0].get_yticklabels(), *figure.axes[0].get_xticklabels()]:
        extent = label.get_window_extent()
        assert extent.x0 >= 0
        assert extent.x1 <= figure.bbox.width
        assert extent.y1 <= figure.bbox.height


def test_a_matrix_of_equals_and_one_with_gaps():
    names, comparison = made(3)
    level = Comparison(tuple(dataclasses.replace(pair, points=-0.0, adjusted_p=1.0) for pair in comparison.pairs), ())
    assert [text.get_text() for text in drawn(pairs.matrix(names, level)).axes[0].texts] == ["0.0"] * 3
    gaps = Comparison(comparison.pairs[:1], ())
    assert len(drawn(pairs.matrix(names, gaps)).axes[0].texts) == 1


def test_classes_are_ordered_by_gain_and_told_by_verdict(tmp_path, make_collection, make_cell):
    """Thirds of the test images: the network finds all, as many, and fewer of the classes."""
    store = make_collection(tmp_path, [("cnn-simple", "network", 0)], seeds=(0,), class_names=("a", "b", "c"), n=300)
    make_cell(store, model="knn", family="baseline", seed=0, class_names=("a", "b", "c"), n=300, wrong=20)
    evidence = found(store)
    cnn, knn = (evidence.predictions(s.stored[0]) for s in evidence.summaries)
    labels = np.arange(300) % 3
    knn["test_predicted"] = np.where((labels == 0) & (np.arange(300) < 90), 1, labels)
    cnn["test_predicted"] = np.where((labels == 2) & (np.arange(300) < 90), 1, labels)
    section = pairs.class_section(evidence)
    assert section.text.startswith("### cnn-simple against knn, class by class\n")
    assert "(recall), cnn-simple finds more in a; knn finds more in c; they cannot be told apart in b." in section.text
    rows = [re.split(r" *\| *", line)[1:-1] for line in section.text.splitlines() if line.startswith("|")]
    assert rows[0][:3] == ["class", "cnn-simple", "knn"]
    assert [(row[0], row[3], row[5], row[6], row[8]) for row in rows[2:]] == [
        ("a", "+30.0", "30", "0", "beats"),
        ("b", "+0.0", "0", "0", "cannot be told apart"),
        ("c", "-30.0", "0", "30", "is beaten"),
    ]
    axes = drawn(section.figures["class-pairs.png"]).axes[0]
    assert [text.get_text() for text in axes.texts] == ["+30.0", "+0.0", "-30.0"]
    (legend,) = section.figures["class-pairs.png"].legends
    assert [text.get_text() for text in legend.get_texts()] == [
        "cnn-simple finds more",
        "cannot be told apart",
        "knn finds more",
    ]


def test_hostile_class_names_stay_text(tmp_path, make_collection):
    models = [("cnn-simple", "network", 5), ("knn", "baseline", 30)]
    store = make_collection(tmp_path, models, seeds=(0,), class_names=("a|b\n<i>", "$^$"), n=60)
    section = pairs.class_section(found(store))
    assert "<i>" not in section.text
    assert r"a\|b &lt;i&gt;" in section.text
    drawn(section.figures["class-pairs.png"])
