"""Charts: drawn without a warning, whatever is recorded, in colours that stay."""

from __future__ import annotations

import io

import numpy as np
import pytest
from matplotlib.collections import LineCollection, PathCollection

from benchmark.errors import UserError
from benchmark.report import charts, style

NAMES = ("a cat", "a dog", "a cow")
LABELS = (0, 0, 1, 1, 2, 2)
OWN = ("svm-rbf", "cnn-simple", "knn", "cnn-augmented", "logistic-regression")


@pytest.fixture(scope="module")
def many(make_summary):
    """So many models, every other one a CNN with two seeds."""

    def make(n):
        out = []
        for place in range(n):
            deep = place % 2 == 1
            name = OWN[place] if place < len(OWN) else f"model-{place}"
            runs = [(LABELS, np.roll(LABELS, shift)) for shift in range(1 + deep)]
            out.append(make_summary(*runs, model=name, family="network" if deep else "baseline", class_names=NAMES))
        return sorted(out, key=lambda s: -s.accuracy)

    return make


def drawn(figure):
    """Draw all of it, so that late warnings of the layout come too."""
    figure.savefig(io.BytesIO(), dpi=40)
    return figure


@pytest.mark.parametrize("n", range(1, 13))
def test_every_chart_for_any_number_of_models(many, n):
    summaries = many(n)
    with style.chart_style():
        leaderboard = drawn(charts.leaderboard(summaries))
        drawn(charts.cost(summaries))
        drawn(charts.per_class(summaries, NAMES, summaries[0], summaries[-1]))
        alone = drawn(charts.per_class(summaries, NAMES, None, None))
    labels = [label.get_text() for label in leaderboard.axes[0].get_yticklabels()]
    assert [label.split(" ")[0] for label in labels] == [s.name for s in summaries]
    assert len(alone.axes) == 1


@pytest.mark.parametrize("length", [3, 20, 45])
@pytest.mark.parametrize("n", [2, 5, 14, 20])
def test_no_name_in_a_legend_is_cut_off(make_summary, n, length):
    summaries = [
        make_summary((LABELS, np.roll(LABELS, n % 3)), model=f"m{place:02}" + "-" * (length - 3), class_names=NAMES)
        for place in range(n)
    ]
    with style.chart_style():
        for figure in (charts.cost(summaries), charts.per_class(summaries, NAMES, None, None)):
            drawn(figure)
            (legend,) = figure.legends
            extent = legend.get_window_extent()
            assert extent.x0 >= 0
            assert extent.x1 <= figure.bbox.width
            assert len(legend.get_texts()) == n


def test_the_leaderboard_shows_accuracy_by_place(many):
    axes = charts.leaderboard(many(3)).axes[0]
    texts = [text.get_text() for text in axes.texts]
    assert texts == [f"{s.accuracy:.2%}" for s in many(3)]
    low, high = axes.get_xlim()
    assert all(low < s.accuracy < high for s in many(3))


def test_per_class_has_the_hardest_class_on_top(make_summary):
    summary = make_summary((LABELS, (0, 0, 0, 1, 0, 0)), class_names=NAMES)
    axes = charts.per_class([summary], NAMES, None, None).axes[0]
    by_height = sorted(zip(axes.get_yticks(), axes.get_yticklabels(), strict=True), key=lambda pair: -pair[0])
    assert [label.get_text() for _, label in by_height] == ["a cow", "a cat", "a dog"]


def test_the_gain_is_told_class_by_class(make_summary):
    baseline = make_summary((LABELS, (0, 0, 1, 1, 1, 1)), class_names=NAMES)
    cnn = make_summary((LABELS, LABELS), model="cnn-simple", family="network", class_names=NAMES)
    right = charts.per_class([cnn, baseline], NAMES, baseline, cnn).axes[1]
    assert [text.get_text() for text in right.texts] == ["+100.0", "+33.3", "+0.0"]


def test_equal_scores_and_times_of_nought(make_summary):
    same = [make_summary((LABELS, LABELS), model=name, class_names=NAMES, fit_seconds=0.0) for name in ("a", "b")]
    with style.chart_style():
        for figure in (charts.leaderboard(same), charts.cost(same), charts.per_class(same, NAMES, same[0], same[1])):
            drawn(figure)


def test_predict_seconds_per_1000(make_summary):
    assert make_summary((LABELS, LABELS), class_names=NAMES).predict_seconds_per_1000 == pytest.approx(0.05 / 6 * 1000)


def test_no_training_no_training_curves(many):
    assert charts.training_curves(many(4)) is None


def stars(figure):
    points = [part for part in figure.axes[0].collections if isinstance(part, PathCollection)]
    return [place for part in points for place in part.get_offsets().tolist()]


def test_training_curves_star_the_best_epoch_of_each_seed(make_summary):
    rows = tuple({"validation_accuracy": value, "train_loss": 1.0} for value in (0.5, 0.9, None, 0.7))
    run = (LABELS, LABELS)
    summary = make_summary(run, run, model="cnn-simple", family="network", class_names=NAMES, epochs=rows)
    with style.chart_style():
        figure = drawn(charts.training_curves([summary]))
    assert stars(figure) == [[2.0, 0.9], [2.0, 0.9]]
    (lines,) = (part for part in figure.axes[0].collections if isinstance(part, LineCollection))
    drawn_lines = [path.vertices for path in lines.get_paths()]
    np.testing.assert_array_equal(drawn_lines, [[[1, 0.5], [2, 0.9], [3, np.nan], [4, 0.7]]] * 2)
    (left, right), (low, high) = figure.axes[0].get_xlim(), figure.axes[0].get_ylim()
    assert (left < 1, right > 4, low < 0.5, high > 0.9) == (True,) * 4


def test_training_curves_without_any_value(make_summary):
    epochs = ({"validation_accuracy": None},)
    summary = make_summary((LABELS, LABELS), class_names=NAMES, family="network", epochs=epochs)
    with style.chart_style():
        figure = drawn(charts.training_curves([summary]))
    assert stars(figure) == []


def test_the_suites_own_models_keep_their_colours():
    alone = {name: style.colours([name])[name] for name in OWN}
    assert len(set(alone.values())) == len(OWN)
    together = style.colours([*OWN, "aaa", "zzz"])
    assert {name: together[name] for name in OWN} == alone


def test_every_model_in_a_chart_has_another_colour():
    models = [*OWN, *(f"model-{place}" for place in range(len(style.SPARE)))]
    paint = style.colours(models)
    assert len({paint[name] for name in models}) == len(models)
    assert style.colours(models) == style.colours(models[::-1])


def test_other_models_keep_their_colours_too():
    """Unless two names decide for the same colour, which these do not."""
    assert style.colours(["mine"])["mine"] == style.colours(["mine", "another"])["mine"]
    assert style.colours(["another"])["another"] == style.colours(["mine", "another"])["another"]


def test_saving_is_the_same_every_time_and_explains_failures(tmp_path, many):
    for name in ("a.png", "b.png"):
        with style.chart_style():
            style.save(charts.leaderboard(many(2)), tmp_path / "new" / name)
    assert (tmp_path / "new" / "a.png").read_bytes() == (tmp_path / "new" / "b.png").read_bytes()
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="Cannot write"):
        style.save(charts.leaderboard(many(1)), tmp_path / "file" / "a.png")
