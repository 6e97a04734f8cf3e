"""Whole reports from synthetic collections."""

from __future__ import annotations

import dataclasses
import html
import os
import re
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from benchmark.errors import UserError
from benchmark.records.store import Problem
from benchmark.report import provenance, style, write

GOLDEN = Path(__file__).with_name("golden.md")
HOSTILE = "a | b\n\n<script>alert(1)</script> `code` | --- |\n# head"
BASELINE, CNN = ("knn", "baseline", 20), ("cnn-simple", "network", 11)


def report(store, tmp_path, **options):
    """Write a Markdown report; its text, checked for what holds of all."""
    written = write.write(store, "synthetic", tmp_path / "reports", with_html=False, **options)
    (path,) = written.paths
    assert path == tmp_path / "reports" / "made" / "synthetic" / "README.md"
    text = path.read_text(encoding="utf-8")
    linked = re.findall(r"!\[[^\]]*\]\(([^)]*)\)", text)
    assert sorted(linked) == sorted(f"charts/{file.name}" for file in path.parent.glob("charts/*.png"))
    assert written.headline in html.unescape(text.splitlines()[2])
    assert {file.name for file in path.parent.iterdir()} <= {"README.md", "charts"}
    return text


def tokens(text):
    return MarkdownIt("commonmark").enable("table").parse(text)


def headings(text):
    parsed = tokens(text)
    return [parsed[i + 1].content for i, token in enumerate(parsed) if token.type == "heading_open"]


@pytest.fixture(scope="module", autouse=True)
def coarse():
    """Small pictures are enough here, and quicker."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(style, "DPI", 40)
        yield


@pytest.fixture(scope="module")
def full(tmp_path_factory, make_collection, make_record, data):
    """The report on four models of two seeds, a run that failed and one that ran out of time."""
    folder = tmp_path_factory.mktemp("full")
    failed = [
        make_record(model="svm-poly", status="error", reason="MemoryError: too | large"),
        make_record(model="cnn-simple", seed=2, status="timeout", reason="stopped after 1 min 00 s"),
    ]
    return report(make_collection(folder, failed=failed), folder, data=data)


def test_the_text_is_that_of_the_golden_file(full):
    if os.environ.get("UPDATE_GOLDEN") == "1":
        GOLDEN.write_text(full, encoding="utf-8")
    assert full == GOLDEN.read_text(encoding="utf-8"), (
        f"the report's text has changed; if that is meant, run this test with UPDATE_GOLDEN=1 and review {GOLDEN}"
    )


def test_a_full_report_has_every_part(full):
    assert headings(full) == [
        "Synthetic: do I need a CNN, and what does it cost me?",
        "Leaderboard",
        "Pairwise comparison",
        "Accuracy and cost",
        "Class by class",
        "cnn-augmented against svm-rbf, class by class",
        "Confusion",
        "Training",
        "Can the probabilities be trusted?",
        "Predictions",
        "Suspected label errors and near duplicates",
        "Runs without a result",
        "The data",
        "How to reproduce it",
    ]
    for name in ("leaderboard", "cost", "per-class", "training", "gallery-right", "gallery-wrong", "gallery-gained"):
        assert f"(charts/{name}.png)" in full
    for name in ("knn", "svm-rbf", "cnn-simple", "cnn-augmented"):
        assert f"(charts/confusion-{name}.png)" in full
    assert "Left out" not in full


def test_runs_without_a_result_are_listed(full):
    rows = [
        re.split(r" *(?<!\\)\| *", line)[1:-1] for line in full.splitlines() if re.match(r"\| (svm-poly|cnn-s)", line)
    ]
    assert ["svm-poly", "0", "error", r"MemoryError: too \| large"] in rows
    assert ["cnn-simple", "2", "timeout", "stopped after 1 min 00 s"] in rows


def test_nothing_but_the_folded_matrices_is_html(full):
    found = {token.content.strip().split("\n")[0] for token in tokens(full) if token.type == "html_block"}
    assert found == {"<details>", "</details>"}


def test_a_report_on_another_profile_leaves_the_main_one_alone(tmp_path, make_collection, make_cell, data):
    store = make_collection(tmp_path, [BASELINE, CNN], class_names=("cat", "dog"))
    main = report(store, tmp_path, data=data)
    make_cell(store, model="knn", seed=0, profile="train-50", class_names=("cat", "dog"))
    written = write.write(store, "synthetic", tmp_path / "reports", profile="train-50", with_html=False)
    folder = tmp_path / "reports/made/synthetic"
    assert written.paths == (folder / "train-50/README.md",)
    assert written.report.title.startswith("Synthetic (train-50): ")
    assert (folder / "README.md").read_text(encoding="utf-8") == main


@pytest.mark.drawn
def test_writing_again_changes_nothing(tmp_path, make_collection, data):
    store = make_collection(tmp_path, [BASELINE, CNN], class_names=("cat", "dog"))

    def contents():
        report(store, tmp_path, data=data)
        return {file.name: file.read_bytes() for file in (tmp_path / "reports/made/synthetic").rglob("*.*")}

    assert contents() == contents()


@pytest.mark.parametrize(
    ("models", "headline", "shown"),
    [
        ([CNN, ("cnn-augmented", "network", 7)], "no baseline is recorded", "cnn-augmented"),
        ([BASELINE, ("svm-rbf", "baseline", 14)], "no CNN is recorded", "svm-rbf"),
        ([BASELINE], "no CNN is recorded", "knn"),
    ],
)
def test_one_family_only(tmp_path, make_collection, data, models, headline, shown):
    text = report(make_collection(tmp_path, models, n=100), tmp_path, data=data)
    assert headline in text.splitlines()[2]
    assert shown in text.splitlines()[2]
    assert "Differences of F1" not in text
    assert "gallery-wrong.png" in text
    assert "gallery-gained.png" not in text
    assert "Runs without a result" not in text


def test_no_finished_model(tmp_path, make_collection, make_record, data):
    failed = [make_record(model=name, status="error") for name in ("knn", "cnn-simple")]
    text = report(make_collection(tmp_path, [], failed=failed), tmp_path, data=data)
    assert "**No model has finished: cnn-simple (error: " in text
    assert "Leaderboard" not in text
    assert "![" not in text
    assert "it ended with error" in text
    assert "python -m benchmark run cnn-simple knn --dataset synthetic --profile full --collection made" in text


@pytest.mark.parametrize("names", [("cat", "dog"), ("cat", "dog", "cow")])
def test_few_classes(tmp_path, make_collection, data, names):
    store = make_collection(tmp_path, [BASELINE, CNN], class_names=names, n=60)
    text = report(store, tmp_path, data=data)
    assert f"of {len(names)} classes" in text
    assert f"{len(names)} classes: {', '.join(names)}." in text
    assert len(re.findall(r"^- [a-z]+: knn \d", text, re.MULTILINE)) == len(names)


@pytest.mark.drawn
def test_hostile_names_and_reasons_stay_text(tmp_path, make_collection, make_record, data):
    failed = [make_record(model="broken", status="error", reason=HOSTILE)]
    texts = []
    for folder, name in (("tame", "x"), ("hostile", HOSTILE)):
        store = make_collection(tmp_path / folder, [BASELINE, CNN], class_names=(name, "dog"), failed=failed)
        texts.append(report(store, tmp_path, data=data))
    tame, text = texts
    assert "<script" not in text
    assert headings(text) == headings(tame)
    kinds = [token.type for token in tokens(text) if token.type in ("tr_open", "td_open", "th_open", "html_block")]
    assert kinds == [
        token.type for token in tokens(tame) if token.type in ("tr_open", "td_open", "th_open", "html_block")
    ]
    inline = {child.type for token in tokens(text) for child in token.children or ()}
    assert "html_inline" not in inline


@pytest.mark.drawn
def test_a_class_name_with_dollars(tmp_path, make_collection):
    report(make_collection(tmp_path, [BASELINE], class_names=("$^$", "dog"), n=20), tmp_path)


def test_what_is_left_out_is_listed(tmp_path, make_collection, make_cell):
    store = make_collection(tmp_path, [BASELINE], class_names=("cat", "dog"))
    damaged = store.folder / "synthetic" / "knn" / "damaged.json"
    damaged.write_text('{"schema_version": 7}')
    old = {"started_at": "2024-01-01T00:00:00+00:00", "fingerprint": "b" * 64}
    make_cell(store, model="old", family="network", seed=0, class_names=("cat", "dog"), **old)
    written = write.write(store, "synthetic", tmp_path / "reports", with_html=False)
    assert [problem.path for problem in written.problems] == [damaged]
    left_out = report(store, tmp_path).partition("Left out:")[2].replace("\\", "")
    assert "- damaged.json: schema version 7 is not supported (1 and 2 are)" in left_out
    assert "- Records of another version of the data set, or of other sizes, left out: 1." in left_out
    assert str(tmp_path) not in left_out.replace("\\", "")


def test_charts_of_an_earlier_report_are_removed(tmp_path, make_collection, data):
    store = make_collection(tmp_path, [BASELINE, CNN], class_names=("cat", "dog"))
    assert "gallery-right.png" in report(store, tmp_path, data=data)
    stale = tmp_path / "reports" / "made" / "synthetic" / "charts" / "confusion-gone.png"
    stale.write_bytes(b"old")
    assert "gallery-right.png" not in report(store, tmp_path)
    assert not stale.exists()


def test_without_images_there_are_no_pictures(tmp_path, make_collection):
    text = report(make_collection(tmp_path, [BASELINE, CNN], class_names=("cat", "dog")), tmp_path, data=None)
    assert "No images: the test images or the predictions were not available" in text


def test_without_probabilities_there_are_no_pictures(tmp_path, make_collection, data):
    assert "No images: " in report(make_collection(tmp_path, [CNN], probabilities=False), tmp_path, data=data)


def test_altered_predictions_are_reported_and_the_rest_is_written(tmp_path, make_collection, data):
    store = make_collection(tmp_path, [BASELINE, CNN], class_names=("cat", "dog"))
    for path in store.folder.glob("*/cnn-simple/*.npz"):
        path.write_bytes(b"altered")
    text = report(store, tmp_path, data=data)
    assert "No images: " in text
    assert "was altered: expected SHA-256" in text
    assert "leaderboard.png" in text


def test_a_report_has_no_path_of_this_machine(tmp_path, make_collection, data):
    store = make_collection(tmp_path, [CNN], class_names=("cat", "dog"), seeds=(0,))
    next(store.folder.glob("*/cnn-simple/*.npz")).write_bytes(b"altered")
    text = report(store, tmp_path, data=data)
    assert str(tmp_path) not in text.replace("\\", "")


def test_a_baseline_of_fewer_test_images_does_not_break_the_gallery(tmp_path, make_collection, make_cell, data):
    store = make_collection(tmp_path, [CNN], class_names=("cat", "dog"), seeds=(0,))
    make_cell(store, model="knn", family="baseline", seed=0, class_names=("cat", "dog"), n=100)
    report(store, tmp_path, data=data)


def test_quick_numbers_are_called_a_first_look(tmp_path, make_collection):
    store = make_collection(tmp_path, [BASELINE], class_names=("cat", "dog"), profile="quick")
    text = report(store, tmp_path)
    assert "This is the profile quick" in text
    assert "--profile quick" in text


def test_times_of_runs_with_other_threads_are_not_comparable(tmp_path, make_collection, make_record, full):
    assert "their times cannot be compared directly" not in full
    cost = make_record().cost.model_copy(update={"threads": 4})
    store = make_collection(tmp_path, [BASELINE], class_names=("cat", "dog"))
    make_collection(tmp_path, [CNN], class_names=("cat", "dog"), cost=cost)
    assert "their times cannot be compared directly" in report(store, tmp_path)


def test_integrity_checks(tmp_path, make_collection, full):
    assert "Integrity checks: passed, with warnings." in full
    assert re.search(r"\| duplicates +\| warning +\| 2 images occur in both parts", full)
    for folder, settings in (("none", {"summary": False}), ("other", {"fingerprint": "c" * 64})):
        store = make_collection(tmp_path / folder, [BASELINE], class_names=("cat", "dog"), n=20, **settings)
        assert "not recorded for this version of the data" in report(store, tmp_path)


def test_a_damaged_summary_is_left_out(tmp_path, make_collection):
    store = make_collection(tmp_path, [BASELINE], class_names=("cat", "dog"), n=20)
    (store.folder / "synthetic" / "dataset.json").write_text("{")
    text = report(store, tmp_path)
    assert "Integrity checks: not recorded" in text
    assert "- dataset.json: " in text


def test_nothing_recorded(tmp_path, make_collection):
    store = make_collection(tmp_path, [BASELINE], class_names=("cat", "dog"), n=20)
    with pytest.raises(UserError, match="No quick records of synthetic"):
        write.write(store, "synthetic", tmp_path / "reports", profile="quick")
    for path in store.folder.glob("*/knn/*.json"):
        path.write_text("{")
    with pytest.raises(UserError, match="2 unreadable files were skipped") as caught:
        write.write(store, "synthetic", tmp_path / "reports")
    assert "python -m benchmark run --all --dataset synthetic" in caught.value.remedy
    assert not (tmp_path / "reports").exists()


def test_a_reports_folder_that_is_a_file(tmp_path, make_collection):
    (tmp_path / "reports").write_text("")
    with pytest.raises(UserError, match="Cannot write"):
        write.write(make_collection(tmp_path, [BASELINE], n=20), "synthetic", tmp_path / "reports")


def test_images_of_another_version_of_the_data_are_not_shown(tmp_path, make_collection, data):
    other = dataclasses.replace(data, fingerprint="d" * 64)
    store = make_collection(tmp_path, [BASELINE, CNN], class_names=("cat", "dog"))
    assert "No images: " in report(store, tmp_path, data=other)


def test_the_command_counts_the_seeds_that_failed_too(full):
    assert "--seeds 3" in full


def test_of_many_problems_the_first_are_named_and_the_rest_counted():
    problems = [Problem(Path(f"{number}.json"), "damaged") for number in range(1234)]
    told = provenance.first_problems(problems)
    assert told[:2] == ["0.json: damaged", "1.json: damaged"]
    assert told[provenance.MOST_PROBLEMS :] == ["and 1,214 more"]
    assert provenance.first_problems(problems[:2]) == told[:2]
