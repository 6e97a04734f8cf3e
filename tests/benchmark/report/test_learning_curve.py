"""The part of a report on training sizes: when it is there, what it says, shows and tells to run."""

from __future__ import annotations

import pytest
from documents import drawn, pictures, tables, text

from benchmark.analysis.select import select
from benchmark.records.store import to_json
from benchmark.report import learning_curve as efficiency
from benchmark.report import write
from benchmark.report.evidence import Evidence

SIZES = (100, 300, 1000)


@pytest.fixture
def collection(tmp_path, make_collection):
    """Makes records of k-NN and a network with so many per cent of errors at each size, the last of them full."""

    def make(errors: dict[str, tuple[int, ...]], seeds=(0, 1, 2), whole=None, **settings):
        store = None
        for model, wrong in errors.items():
            family = "network" if model.startswith("cnn") else "baseline"
            for size, share in zip(SIZES, wrong, strict=False):
                profile = "full" if size == SIZES[-1] else f"train-{size}"
                own = {
                    "profile": profile,
                    "seeds": whole if whole and profile == "full" else seeds,
                    "class_names": ("cat", "dog"),
                    **settings,
                }
                store = make_collection(tmp_path, [(model, family, share)], **own)
                for stored in store.read_all("synthetic")[0]:
                    if stored.record.run.profile == profile:
                        info = stored.record.dataset.model_copy(update={"train_size": size})
                        stored.path.write_bytes(to_json(stored.record.model_copy(update={"dataset": info})))
        return store

    return make


def section_of(store):
    stored, problems = store.read_all("synthetic")
    return efficiency.efficiency(Evidence(select(stored), stored, None, problems))


CROSSING = {"knn": (20, 15, 12), "cnn-simple": (60, 14, 5)}


def answer_of(store):
    return efficiency.answer(write.gather(store, "synthetic"))


def test_the_answer_is_the_sections_first_sentence_in_plain_words(collection):
    assert answer_of(collection(CROSSING)).startswith(
        "The best network from scratch is significantly ahead of the best baseline from 1,000 training images on"
    )


def test_without_several_sizes_the_answer_says_so(collection):
    assert answer_of(collection({"knn": (20,)})).startswith("No model has finished at two sizes")


def test_without_several_sizes_there_is_no_section(collection):
    assert section_of(collection({"knn": (20,)})) is None


def test_the_crossover_is_told_in_words_table_and_chart(collection):
    found = section_of(collection(CROSSING))
    assert found.title == "How many training images each model needs"
    assert (
        "**The best network from scratch is significantly ahead of the best baseline from 1,000 training images on**, "
        "the largest size tried: with 1,000, cnn-simple against knn: better by 7.00 points (95% CI " in text(found)
    )
    by_size, ahead = tables(found)
    # One per cent more errors per seed: a standard deviation of 0.01, times 4.303 / sqrt(3).
    assert by_size["knn"] == {
        **{"family": "baseline", "seeds": "3", "100": "79.00% ± 2.48", "300": "84.00% ± 2.48"},
        "1,000": "87.00% ± 2.48",
    }
    assert "**79.00% ± 2.48**" in text(found)
    assert "With 300, cnn-simple against knn: no significant difference, +1.00 points (95% CI " in text(found)
    assert ahead["300"]["network from scratch"] == "cnn-simple"
    assert (ahead["300"]["points"], ahead["300"]["evidence for the network"]) == ("+1.00", "no significant difference")
    (chart,) = pictures(found).values()
    assert chart.panels[0].guide == 1000
    figure = drawn(chart)
    assert figure.axes[0].get_xscale() == "log"
    assert {label.get_text() for label in figure.legends[0].get_texts()} == {"knn", "cnn-simple"}


NONE = (
    "**The best network from scratch is not shown to be ahead of the best baseline at up to 1,000 training images**. "
    "With 1,000, cnn-simple against knn"
)
BEHIND = (
    "**The best network from scratch is significantly behind the best baseline with 1,000 training images**. With "
    "1,000, cnn-simple against knn"
)
FROM = "**The best network from scratch is significantly ahead of the best baseline from {} training images on**, "


@pytest.mark.parametrize(
    ("network", "words"),
    [
        ((60, 40, 20), BEHIND + ": worse by 8.00 points (95% CI "),
        ((60, 40, 12), NONE + ": no significant difference, +0.00 points (95% CI "),
        ((10, 5, 2), FROM.format(100) + "the smallest size tried, and at every larger size: with 100, cnn-simple"),
        ((60, 40, 2), FROM.format("1,000") + "the largest size tried: with 1,000, cnn-simple"),
    ],
)
def test_every_outcome_has_its_words(collection, network, words):
    found = section_of(collection({"knn": (20, 15, 12), "cnn-simple": network}))
    assert words in text(found)
    assert (pictures(found)["efficiency"].panels[0].guide is None) == words.startswith((NONE, BEHIND))


def test_sizes_at_which_it_is_ahead_are_not_denied(collection):
    said = text(section_of(collection({"knn": (20, 15, 12), "cnn-simple": (60, 5, 12)})))
    assert (
        "**The best network from scratch is not shown to be ahead of the best baseline with 1,000 training images**, "
        "the largest size tried; it is ahead with 300. With 1,000, cnn-simple against knn: no significant difference, "
    ) in said
    assert "at up to" not in said


def test_single_runs_at_the_largest_size_are_told_as_runs(collection):
    found = section_of(collection({"knn": (20, 15, 12), "cnn-simple": (60, 14, 2)}, whole=(0,)))
    assert "With 1,000, cnn-simple against knn: these two runs differ by" in text(found)
    assert "is these" not in text(found)


def test_equal_means_are_both_the_best_whatever_is_known_of_them(collection):
    """Of one the interval is known, of the other, which has one seed, it is not."""
    store = collection({"knn": (20, 15, 12), "cnn-simple": (60, 14, 12)}, whole=(0,))
    rows = tables(section_of(store))[0]
    assert [rows[name]["1,000"] for name in ("knn", "cnn-simple")] == ["88.00%"] * 2
    several = collection({"cnn-simple": (60, 14, 11)}, seeds=(0, 1, 2))
    said = text(section_of(several))
    assert "**88.00%**" in said
    assert "**88.00% ± 2.48**" in said


def test_one_family_alone_has_nothing_to_be_ahead_of(collection):
    found = section_of(collection({"knn": (20, 15, 12)}))
    assert "significantly ahead" not in text(found)
    assert "The best network and the best baseline" not in text(found)
    assert efficiency.EPOCHS.strip() not in text(found)


def test_what_cannot_be_tested_says_why(collection):
    said = text(section_of(collection(CROSSING, seeds=(0, 1))))
    assert "(+1.00 points; cnn-simple and knn have fewer than 3 draws in common)" in said


def test_a_curve_of_pre_trained_networks_promises_nothing_of_those_from_scratch(collection, monkeypatch):
    """The chart's line is where networks from scratch are ahead."""
    store = collection({"knn": (20, 15, 12), "transfer": (10, 5, 2)})
    for stored in store.read_all("synthetic")[0]:
        if stored.record.run.model == "transfer":
            model = stored.record.model.model_copy(update={"family": "network", "pretrained": "ImageNet-1k"})
            stored.path.write_bytes(to_json(stored.record.model_copy(update={"model": model})))
    found = section_of(store)
    assert "best pre-trained network is significantly ahead" in text(found)
    (panel,) = pictures(found)["efficiency"].panels
    assert panel.guide is None
    assert "from scratch" not in panel.title


def test_few_seeds_have_no_interval_and_a_missing_size_is_a_dash(collection):
    found = section_of(collection({"knn": (20, 15, 12), "cnn-simple": (60, 14)}, seeds=(0,)))
    row = tables(found)[0]["cnn-simple"]
    assert "±" not in row["100"]
    assert row["1,000"] == "-"
    assert "With 1,000 images, cnn-simple has no runs." in text(found)


def test_the_best_at_full_size_that_was_not_tried_is_named(collection, make_collection, tmp_path):
    store = collection(CROSSING)
    assert "This holds for the models tried" not in text(section_of(store))
    make_collection(tmp_path, [("svm-rbf", "baseline", 1)], seeds=(0, 1, 2), class_names=("cat", "dog"))
    (path, *others) = sorted(store.folder.glob("synthetic/svm-rbf/full*.json"))
    for one in (path, *others):
        stored = next(s for s in store.read_all("synthetic")[0] if s.path == one)
        info = stored.record.dataset.model_copy(update={"train_size": 1000})
        one.write_bytes(to_json(stored.record.model_copy(update={"dataset": info})))
    words = "This holds for the models tried; svm-rbf, the best of its kind on all images, is not among them."
    assert words in text(section_of(store))
    assert words in answer_of(store)


@pytest.mark.parametrize("whole", [None, (0, 1, 2, 3)])
def test_the_command_makes_what_the_section_shows(collection, whole):
    found = section_of(collection(CROSSING, whole=whole))
    line = "python -m benchmark curve cnn-simple knn --sizes 100,300,1000 --seeds 3 --dataset synthetic"
    assert f"```\n{line}\n```" in text(found)


def test_the_page_has_the_section_and_its_chart(collection, tmp_path):
    store = collection(CROSSING)
    folder = write.write(store, "synthetic", tmp_path / "reports", with_html=False).paths[0].parent
    page = (folder / "README.md").read_text(encoding="utf-8")
    assert "\n## How many training images each model needs\n" in page
    assert (folder / "charts" / "efficiency.png").exists()
    assert "--dataset synthetic --collection made\n" in page
    assert "1,000 training" in page  # The rest of the page is about the full profile.
    for path in store.folder.glob("synthetic/*/train-*.json"):
        path.unlink()
    write.write(store, "synthetic", tmp_path / "reports", with_html=False)
    assert not (folder / "charts" / "efficiency.png").exists()
