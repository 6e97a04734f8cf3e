"""The part of a report on corrupted test images."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from documents import drawn, pictures, tables, text

from benchmark.data.corruptions import CORRUPTIONS
from benchmark.records.schema import SEVERITIES
from benchmark.report import robustness, write

NAMES = tuple(CORRUPTIONS)


def losing(step: float, **others: float) -> dict[str, tuple[float, ...]]:
    """Accuracies that fall from 0.75 by a step a severity, by another where one is named."""
    return {
        name: tuple(max(0.0, 0.75 - others.get(name, step) * severity) for severity in range(1, SEVERITIES + 1))
        for name in NAMES
    }


@pytest.fixture
def summary(make_summary):
    """A model that is right about three of four clean test images, one seed for each choice of corruptions."""

    def make(model, family, *by_seed):
        runs = [((0, 0, 1, 1), (0, 1, 1, 1))] * len(by_seed)
        made = make_summary(*runs, model=model, family=family)
        stored = tuple(
            type(s)(s.record.model_copy(update={"corruptions": found}), s.path)
            for s, found in zip(made.stored, by_seed, strict=True)
        )
        return type(made)(stored)

    return make


def section(*summaries, data=None):
    return robustness.corrupted(SimpleNamespace(summaries=summaries, pictures=data))


def test_without_corruptions_there_is_no_section(summary):
    assert section(summary("knn", "baseline", {})) is None
    assert section() is None


def test_the_sentence_tells_what_is_left_and_what_hurts_most(summary):
    # Mean over severities 1 to 5 of a step of 0.05: 15 points; of 0.10: 30.
    found = section(
        summary("knn", "baseline", losing(0.05, blur=0.1)),
        summary("cnn-simple", "network", losing(0.02, blur=0.1)),
        summary("unasked", "baseline", {}),
    )
    assert found.title == "Robustness to corrupted images"
    assert (
        "**On corrupted images accuracy is 57.50% (knn; clean: 75.00%) to 65.00% (cnn-simple; clean: 75.00%)**, mean "
        "of all corruptions and severities. The largest loss is that by blur, 30.0 points, mean of all models and "
        "severities. Predictions of corrupted images are not recorded, so differences between models are not tested "
        "here."
    ) in text(found)
    assert "Not among the models tried" not in text(found)


def test_corruptions_that_cost_nothing_are_no_loss(summary):
    assert "severities. No corruption costs accuracy, mean of all models" in text(
        section(summary("knn", "baseline", losing(-0.02)))
    )


def test_the_best_of_a_kind_that_was_not_tried_is_named(summary):
    found = section(summary("knn", "baseline", losing(0.05)), summary("absent", "baseline", {}))
    assert "**On corrupted images accuracy is 60.00% (knn; clean: 75.00%)**" in text(found)
    assert "Not among the models tried: absent, by validation the best of the kind." in text(found)


def test_the_table_has_means_over_the_seeds_that_have_corruptions(summary):
    found = section(
        summary("knn", "baseline", losing(0.04), {}, losing(0.06)),
        summary("cnn", "network", losing(0.02, shift=0.1)),
    )
    rows = tables(found)[0]
    assert list(rows["cnn"]) == ["family", "seeds", "clean", "corrupted", *NAMES]
    assert list(rows["cnn"].values()) == ["network", "1", "75.00%", "65.00%", "30.0", *["6.0"] * 5]
    assert list(rows["knn"].values()) == ["baseline", "2", "75.00%", "60.00%", "15.0", *["15.0"] * 5]
    assert "**65.00%**" in text(found)
    assert text(found).count("**6.0**") == 5


def test_the_parameters_are_those_that_are_used(summary):
    table = tables(section(summary("knn", "baseline", losing(0.05))))[1]
    for name, kind in CORRUPTIONS.items():
        assert [float(table[name][str(severity)]) for severity in range(1, SEVERITIES + 1)] == list(kind.values)


def test_the_chart_has_a_panel_a_corruption_and_one_legend(summary):
    many = [summary(f"model-{k}", "network" if k % 2 else "baseline", losing(0.01 * k)) for k in range(14)]
    chart = pictures(section(*many))["robustness"]
    assert [panel.title for panel in chart.panels] == ["mean of all", *NAMES]
    figure = drawn(chart)
    assert [axes.get_title(loc="left") or axes.get_title() for axes in figure.axes] == list(NAMES)
    for axes in figure.axes:
        assert len(axes.lines) == 14
        assert axes.lines[0].get_ydata()[0] == 0.75
    (legend,) = figure.legends
    assert len(legend.get_texts()) == 14


@pytest.mark.parametrize("channels", [1, 3])
def test_the_picture_shows_an_image_at_every_severity(summary, channels):
    image = np.full((2, 8, 8, channels), 200, dtype=np.uint8)
    data = SimpleNamespace(name="made", test_images=image)
    found = section(summary("knn", "baseline", losing(0.05)), data=data)
    items = pictures(found)["corruptions"].items
    assert len(items) == len(NAMES) * (SEVERITIES + 1)
    assert (items[0].image == 200).all()
    drawn(pictures(found)["corruptions"])
    assert "corruptions.png" in text(found)
    assert "corruptions.png" not in text(section(summary("knn", "baseline", losing(0.05))))


def test_the_page_has_the_section_its_charts_and_the_option(tmp_path, make_collection, data):
    names = {"class_names": ("cat", "dog"), "corruptions": losing(0.05)}
    store = make_collection(tmp_path, [("knn", "baseline", 20), ("cnn-simple", "network", 11)], **names)
    (path,) = write.write(store, "synthetic", tmp_path / "reports", data=data, with_html=False).paths
    page = path.read_text(encoding="utf-8")
    assert "\n## Robustness to corrupted images\n" in page
    assert "--profile full --collection made --seeds 2 --corruptions\n" in page
    assert {"robustness.png", "corruptions.png"} <= {picture.name for picture in path.parent.glob("charts/*.png")}
