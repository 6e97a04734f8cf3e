"""The part of a report on corrupted test images."""

from __future__ import annotations

import re
from types import SimpleNamespace

import numpy as np
import pytest

from benchmark.data.corruptions import CORRUPTIONS
from benchmark.records.schema import SEVERITIES
from benchmark.report import page, robustness

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
    return robustness.section(SimpleNamespace(summaries=summaries, data=data))


def test_without_corruptions_there_is_no_section(summary):
    assert section(summary("knn", "baseline", {})) is None
    assert section() is None


def test_the_sentence_tells_who_loses_more_and_what_hurts_most(summary):
    # Mean over severities 1 to 5 of a step of 0.05: 15 points; of 0.10: 30.
    found = section(
        summary("knn", "baseline", losing(0.05, blur=0.1)),
        summary("cnn-simple", "network", losing(0.02, blur=0.1)),
        summary("unasked", "network", {}),
    )
    assert found.text.startswith("## Corrupted images\n")
    assert (
        "**The baselines lose more to corruptions, 17.5 points of accuracy on average, the networks 10.0.**"
        in found.text
    )
    assert "What hurts most is blur: 30.0 points, mean of all models and severities." in found.text
    assert "cnn-simple keeps the highest accuracy, 65.00% after 75.00%." in found.text
    assert "unasked" not in found.text


def test_families_that_lose_alike_are_told_so(summary):
    found = section(summary("knn", "baseline", losing(0.05)), summary("cnn", "network", losing(0.05)))
    assert "**Networks and baselines lose as much to corruptions, 15.0 points of accuracy on average.**" in found.text


def test_one_family_alone(summary):
    found = section(summary("knn", "baseline", losing(0.05)))
    assert "**Corruptions cost the baselines 15.0 points of accuracy on average.**" in found.text


def test_the_table_has_means_over_the_seeds_that_have_corruptions(summary):
    found = section(
        summary("knn", "baseline", losing(0.04), {}, losing(0.06)),
        summary("cnn", "network", losing(0.02, shift=0.1)),
    )
    rows = [re.split(r" *\| *", line)[1:-1] for line in found.text.splitlines() if line.startswith("| ")]
    assert rows[0] == ["model", "family", "seeds", "clean", "corrupted", *NAMES]
    assert rows[1] == ["cnn", "network", "1", "0.7500", "**0.6500**", "30.0", *["**6.0**"] * 5]
    assert rows[2] == ["knn", "baseline", "2", "0.7500", "0.6000", "**15.0**", *["15.0"] * 5]


def test_the_parameters_are_those_that_are_used(summary):
    text = section(summary("knn", "baseline", losing(0.05))).text
    folded = text[text.index("<details>") : text.index("</details>")]
    for name, kind in CORRUPTIONS.items():
        (row,) = (line for line in folded.splitlines() if line.startswith(f"| {name} "))
        assert [float(run) for run in row.split("|")[4:-1]] == list(kind.values)


def test_the_chart_has_a_panel_a_corruption_and_one_legend(summary):
    many = [summary(f"model-{k}", "network" if k % 2 else "baseline", losing(0.01 * k)) for k in range(14)]
    figure = section(*many).figures["robustness.png"]
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
    panels = found.figures["corruptions.png"].axes
    assert len(panels) == len(NAMES) * (SEVERITIES + 1)
    assert (np.asarray(panels[0].images[0].get_array()) == 200).all()
    assert "corruptions.png" in found.text
    assert "corruptions.png" not in section(summary("knn", "baseline", losing(0.05))).text


@pytest.mark.usefixtures("undrawn")
def test_the_page_has_the_section_its_charts_and_the_option(tmp_path, make_collection, data):
    names = {"class_names": ("cat", "dog"), "corruptions": losing(0.05)}
    store = make_collection(tmp_path, [("knn", "baseline", 20), ("cnn-simple", "network", 11)], **names)
    written = page.write(store, "synthetic", tmp_path / "reports", data=data)
    text = written.path.read_text(encoding="utf-8")
    assert "\n## Corrupted images\n" in text
    assert "--profile full --collection made --seeds 2 --corruptions\n" in text
    assert {"robustness.png", "corruptions.png"} <= {path.name for path in written.path.parent.glob("*.png")}
