"""What makes the answer doubtful stands beside it."""

from __future__ import annotations

import numpy as np
from typer.testing import CliRunner

from benchmark.cli.app import app
from benchmark.records import npz as archives
from benchmark.records.dataset_schema import AuditCheck, DataAudit, DuplicateSearch
from benchmark.records.store import to_json
from benchmark.report import cautions, write

THREE = (0, 1, 2)
NAMES = ("cat", "dog", "fox")
PAIR = (("knn", "baseline", 20), ("cnn-simple", "network", 11))


def said(store):
    return cautions.cautions(write.gather(store, "synthetic"))


def audited(store, checks=(), **changes):
    """The collection with other integrity checks."""
    summary = store.read_summary("synthetic")
    audit = summary.audit.model_copy(update={"checks": checks, **changes})
    store.write_summary(summary.model_copy(update={"audit": audit}))
    return store


def test_sound_data_and_several_seeds_need_no_caution(make_collection, tmp_path):
    assert said(make_collection(tmp_path, PAIR, class_names=NAMES, seeds=THREE)) == []


def test_a_network_of_one_seed_is_named_a_baseline_is_not(make_collection, tmp_path):
    (only,) = said(make_collection(tmp_path, PAIR, class_names=NAMES, seeds=(0,)))
    assert only == (
        "cnn-simple was trained with one seed: how much its accuracy varies with the seed is unknown (--seeds 3)."
    )


def changed(store, **update):
    """What is said of the collection's records with other facts of a model or its data."""
    for stored in store.read_all("synthetic")[0]:
        record = stored.record
        if record.run.model == "cnn-simple" and "stochastic" in update:
            record = record.model_copy(update={"model": record.model.model_copy(update=update)})
        if "train_size" in update:
            record = record.model_copy(update={"dataset": record.dataset.model_copy(update=update)})
        stored.path.write_bytes(to_json(record))
    return said(store)


def test_a_seed_that_changes_nothing_or_is_accounted_for_is_not_unknown(make_collection, tmp_path):
    store = make_collection(tmp_path, PAIR, class_names=NAMES, seeds=(0,))
    (only,) = changed(store, train_size=60_000)
    assert "how much its accuracy varies with the seed is estimated from other models or assumed" in only
    assert changed(store, stochastic=False) == []


def test_alone_on_many_images_a_network_has_an_assumed_variance(make_collection, tmp_path):
    (only,) = changed(make_collection(tmp_path, PAIR[1:], class_names=NAMES, seeds=(0,)), train_size=60_000)
    assert "is estimated from other models or assumed" in only


def test_seeds_whose_predictions_are_gone_are_not_too_few(make_collection, tmp_path):
    store = make_collection(tmp_path, PAIR, class_names=NAMES, seeds=THREE)
    next(store.folder.glob("*/cnn-simple/*.npz")).unlink()
    assert said(store) == []


def test_two_seeds_alone_are_as_good_as_one(make_collection, tmp_path):
    (only,) = said(make_collection(tmp_path, PAIR, class_names=NAMES, seeds=(0, 1)))
    assert only.startswith("cnn-simple was trained with 2 seeds: how much its accuracy varies with the seed is unknown")


def test_failed_checks_are_named(make_collection, tmp_path):
    names = ("counts", "class balance")
    checks = tuple(AuditCheck(name=name, outcome="failed", detail="at odds") for name in names)
    store = audited(make_collection(tmp_path, PAIR, class_names=NAMES, seeds=THREE), checks, train_per_class=(5, 0, 0))
    assert said(store) == ["counts: at odds.", "No training image shows 2 classes: dog, fox."]


def test_the_comparison_is_repeated_without_the_leaked_images(make_collection, tmp_path):
    """All that the CNN knows better are copies of training images."""
    store = make_collection(tmp_path, PAIR, class_names=NAMES, seeds=THREE, n=1000)
    arrays = {s.record.run.model: s.predictions() for s in store.read_all("synthetic")[0] if s.record.run.seed == 0}
    wrong = {name: a["test_predicted"] != a["test_labels"] for name, a in arrays.items()}
    leaked = np.flatnonzero(wrong["knn"] & ~wrong["cnn-simple"])
    n_leaked = len(leaked)
    assert n_leaked > 50
    (caution,) = said(audited(store, leaked=tuple(map(int, leaked))))
    assert caution.startswith(f"{n_leaked} of 999 test images ({n_leaked / 9.99:.2f}%) are exact copies of training")
    assert "Without them, cnn-simple against knn: no significant difference, " in caution
    headline = write.compose(write.gather(store, "synthetic")).headline
    assert "cnn-simple" in headline
    assert "beats" in headline


def test_leaked_images_alone_leave_nothing_to_compare(make_collection, tmp_path):
    (caution,) = said(
        audited(make_collection(tmp_path, PAIR, class_names=NAMES, seeds=THREE), leaked=tuple(range(200)))
    )
    assert caution.endswith("are exact copies of training or validation images.")


def test_many_near_duplicates_are_named(make_collection, tmp_path):
    store = make_collection(tmp_path, PAIR, class_names=NAMES, seeds=THREE)
    for count, told in ((2, False), (3, True)):
        search = DuplicateSearch(
            part="test", n_images=200, median_distance=0.5, threshold=0.1, count=count, disagreeing=0, closest=()
        )
        fingerprint = store.read_summary("synthetic").fingerprint
        store.write_audit(DataAudit(name="synthetic", fingerprint=fingerprint, searches=(search,)))
        assert any("3 of 200 test images are near duplicates" in text for text in said(store)) == told


def uneven(make_collection, tmp_path, make_record, make_cell):
    """98 cats, 2 dogs of which none is recognised, no fox."""
    store = make_collection(tmp_path, PAIR, class_names=NAMES, n=99, seeds=(0,))
    labels = np.r_[np.zeros(98, dtype=int), 1, 1]
    for stored in store.read_all("synthetic")[0]:
        arrays = {}
        for part in ("validation", "test"):
            arrays |= {f"{part}_index": np.arange(100), f"{part}_labels": labels, f"{part}_predicted": labels * 0}
        run = stored.record.run
        name, sha256 = store.write_predictions(run.to_run(), stored.path.stem, archives.pack(arrays))
        settings = {"model": run.model, "family": stored.record.model.family, "class_names": NAMES}
        record = make_record(labels, labels * 0, **settings, warnings=("predicts one class",))
        predictions = stored.record.predictions.model_copy(update={"file": name, "sha256": sha256, "scores": None})
        store.write(record.model_copy(update={"predictions": predictions}), stored.path.stem)
    return store


def test_unfit_classes_and_warnings_of_models_are_named(make_collection, tmp_path, make_record, make_cell):
    found = said(uneven(make_collection, tmp_path, make_record, make_cell))
    assert "No test image shows fox: nothing is known about it." in found
    assert any(
        "have 0 to 98 test images" in text and text.endswith("always says cat would reach 98.00%.") for text in found
    )
    assert "cnn-simple never recognises dog." in found
    assert "knn never recognises dog." in found
    assert "knn: predicts one class." in found


def test_page_terminal_and_json_say_the_same(make_collection, tmp_path, make_record, make_cell, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store = uneven(make_collection, tmp_path, make_record, make_cell)
    expected = said(store)
    done = CliRunner().invoke(app, ["report", "--collection", "made", "--results-dir", str(store.results_dir)])
    assert done.exit_code == 0, done.output
    assert [line.removeprefix("  caution: ") for line in done.output.splitlines() if "  caution: " in line] == expected
    page = (tmp_path / "reports/made/synthetic/README.md").read_text()
    top = page.partition("\n## ")[0]
    assert all(f"- {text}" in top for text in expected)
    html = (tmp_path / "reports/made/synthetic/report.html").read_text()
    assert all(f"<li>{text}</li>" in html.partition("</header>")[0] for text in expected)


def test_many_warnings_are_counted(make_summary):
    labels = (0, 1)
    warned = [make_summary((labels, labels), model=f"m{n}", warnings=(f"w{n}", f"v{n}")) for n in range(4)]
    found = list(cautions._records(warned))
    assert len(found) == cautions.MOST_NAMED + 1
    assert found[-1] == "3 more warnings are in the records."
