"""The part on probabilities: from synthetic records whose calibration is known."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from documents import drawn, pictures, tables, text

from benchmark.analysis import calibration as scores
from benchmark.analysis.select import select
from benchmark.report import calibration, write
from benchmark.report.evidence import Evidence

NAMES = ("cat", "dog", "cow")
N = 400
TRUTH = np.arange(N) % 3


def arrays(confidence, right, predicted=None):
    """Predictions of ``confidence`` in the first choice, which is right for the share ``right``, in both parts."""
    first = np.where(np.arange(N) * 37 % 100 < 100 * right, TRUTH, (TRUTH + 1) % 3)
    probabilities = np.full((N, 3), (1 - confidence) / 2, dtype=np.float32)
    probabilities[np.arange(N), first] = confidence
    out = {}
    for part in ("validation", "test"):
        out |= {f"{part}_index": np.arange(N), f"{part}_labels": TRUTH, f"{part}_probabilities": probabilities}
        out |= {f"{part}_predicted": first if predicted is None else predicted}
    return out


@pytest.fixture
def evidence(tmp_path, make_collection):
    """Evidence of one seed a model with the given arrays; None: the model has no probabilities."""

    def make(models, seeds=(0,), **settings):
        for name, found in models.items():
            family = "network" if name.startswith("cnn") else "baseline"
            options = {"n": N, "class_names": NAMES, "seeds": seeds, "probabilities": found is not None}
            store = make_collection(tmp_path, [(name, family, 10)], **options, **settings)
        stored, problems = store.read_all("synthetic")
        evidence = Evidence(select(stored), stored, None, problems)
        for s in stored:
            found = models[s.record.run.model]
            if found is not None:
                evidence._read[str(s.path)] = found
        return evidence

    return make


def rows(section):
    """Cells of the table by model."""
    (table,) = tables(section)
    return {name: list(cells.values()) for name, cells in table.items()}


def test_numbers_of_the_table(evidence):
    sure = arrays(0.98, 0.8)
    section = calibration.scores(evidence({"cnn-simple": sure, "knn": arrays(0.8, 0.8)}))
    assert section.title == "Can the probabilities be trusted?"
    found = rows(section)
    p, y = sure["test_probabilities"], TRUTH
    fitted = scores.temperature(p, y)
    after = scores.rescale(p, fitted.value)
    assert found["cnn-simple"] == [
        f"{scores.nll(p, y):.4f} → {scores.nll(after, y):.4f}",
        f"{scores.brier(p, y):.4f} → {scores.brier(after, y):.4f}",
        "0.1800 → 0.0000",
        f"{scores.calibration_error_by_chance(after, y):.4f}",
        "+18.00 → +0.00",
        f"{fitted.value:.2f}",
        f"{scores.risk_coverage(p, y).area:.4f}",
        "20.00%",
    ]
    assert [found["knn"][place] for place in (2, 4, 5)] == ["0.0000 → 0.0000", "+0.00 → +0.00", "1.00"]


def test_the_finding_names_who_is_over_and_underconfident(evidence):
    models = {"cnn-simple": arrays(0.98, 0.8), "knn": arrays(0.6, 0.8), "svm-rbf": arrays(0.81, 0.8)}
    finding = text(calibration.scores(evidence(models))).splitlines()[2]
    assert "overconfident: cnn-simple; underconfident: knn; neither, within two standard errors of the " in finding
    assert "accuracy: svm-rbf." in finding
    assert "svm-rbf has the lowest calibration error (ECE) before scaling, 0.010" in finding
    assert "0.000 instead of 0.130 in the mean of the models" in finding
    assert "The ECE measured after scaling is lower for 3 of 3 models" in finding


def test_models_with_alike_calibration_errors_are_named(evidence):
    near = {"cnn-simple": arrays(0.82, 0.8), "knn": arrays(0.83, 0.8), "svm-rbf": arrays(0.98, 0.8)}
    finding = text(calibration.scores(evidence(near))).splitlines()[2]
    assert "before scaling, 0.020 (not significantly lower than that of knn); after" in finding


def test_one_model(evidence):
    finding = text(calibration.scores(evidence({"knn": arrays(0.98, 0.8)}))).splitlines()[2]
    assert "overconfident: knn. Temperature scaling changes its calibration error (ECE) from 0.180 to 0.000." in finding


def test_models_without_probabilities_have_a_row_and_no_number(evidence):
    section = calibration.scores(evidence({"knn": arrays(0.9, 0.8), "svm-rbf": None}))
    assert rows(section)["svm-rbf (no probabilities)"] == [""] * 8
    assert "svm-rbf" not in text(section).split("|")[0]
    labels = [series.label for series in pictures(section)["risk-coverage"].panels[0].series]
    assert labels == ["knn"]


def test_without_any_probabilities_there_is_no_section(evidence):
    assert calibration.scores(evidence({"svm-rbf": None, "knn": None})) is None


def test_damaged_predictions_are_told(evidence):
    made = evidence({"knn": arrays(0.9, 0.8), "cnn-simple": arrays(0.9, 0.8)})
    path = next(s.path for s in made.stored if s.record.run.model == "cnn-simple")
    made._read[str(path)] = None
    assert "cnn-simple (probabilities not readable)" in rows(calibration.scores(made))


@pytest.mark.parametrize("value", [np.nan, 0.2])
def test_probabilities_that_are_none_are_told(evidence, value):
    broken = arrays(0.9, 0.8)
    broken["test_probabilities"] = np.full((N, 3), value, dtype=np.float32)
    made = evidence({"knn": arrays(0.9, 0.8), "cnn-simple": broken})
    assert "cnn-simple (probabilities not readable)" in rows(calibration.scores(made))
    (problem,) = made.problems
    assert "its probabilities cannot be scored" in problem.reason


def test_seeds_that_cannot_be_read_are_counted(evidence):
    made = evidence({"knn": arrays(0.9, 0.8)}, seeds=(0, 1))
    made._read[str(made.stored[0].path)] = None
    assert list(rows(calibration.scores(made))) == ["knn (1 of 2 seeds)"]


def test_the_mean_over_seeds(evidence):
    made = evidence({"knn": arrays(0.98, 0.8)}, seeds=(0, 1))
    made._read[str(made.stored[1].path)] = arrays(0.9, 0.8)
    assert rows(calibration.scores(made))["knn"][2] == "0.1400 → 0.0000"


def test_what_a_reader_has_to_know(evidence):
    plain = arrays(0.9, 0.8)
    assert "\n- " not in text(calibration.scores(evidence({"svm-rbf": plain})))
    hot = arrays(1.0, 0.8)
    hot["validation_labels"] = np.where(TRUTH == 2, 0, TRUTH)
    certain = arrays(0.7, 1.0, predicted=(TRUTH + 1) % 3)
    section = calibration.scores(evidence({"knn": hot, "cnn-simple": certain, "svm-rbf": plain}))
    remarks = [line for line in text(section).splitlines() if line.startswith("- ")]
    assert "For cnn-simple, the validation images have chosen the epoch" in remarks[0]
    assert "below the floor: knn 20.0%." in remarks[1]
    assert "best temperature of cnn-simple is outside the bounds of the search, 0.05 to 20." in remarks[2]
    assert remarks[3] == "- No validation image shows cow, so the temperature is not fitted to it."
    assert f"all seeds: {N} for cnn-simple." in remarks[4]
    assert rows(section)["cnn-simple"][5] == "0.05 (at the bound)"


def test_pooled_reliability_is_that_of_all_images():
    generator = np.random.default_rng(0)
    probabilities = generator.dirichlet((0.5, 0.5), size=200)
    labels = generator.integers(0, 2, 200)
    parts = [scores.reliability(probabilities[half], labels[half]) for half in (slice(0, 50), slice(50, 200))]
    pooled, whole = calibration.pooled(parts), scores.reliability(probabilities, labels)
    for name in ("edges", "count", "confidence", "accuracy"):
        assert getattr(pooled, name) == pytest.approx(getattr(whole, name), nan_ok=True), name


@pytest.mark.parametrize(("n", "panels"), [(1, 1), (2, 2), pytest.param(14, 12, marks=pytest.mark.nightly)])
def test_charts_of_any_number_of_models(evidence, n, panels):
    one = calibration._runs(made := evidence({"knn": arrays(0.9, 0.8)}), made.summaries[0])
    record = made.stored[0].record
    found = []
    for place in range(n):
        run = record.run.model_copy(update={"model": f"model-{place}-" + "long-" * 6})
        stored = dataclasses.replace(made.stored[0], record=record.model_copy(update={"run": run}))
        found.append(calibration.Scored(dataclasses.replace(made.summaries[0], stored=(stored,)), one))
    drawn(calibration.risk_coverage(found))
    figure = drawn(calibration.reliability(found))
    assert len([axes for axes in figure.axes if axes.get_visible()]) == panels


def test_hostile_class_names_stay_text(evidence):
    hot = arrays(0.9, 0.8)
    hot["validation_labels"] = np.where(TRUTH == 2, 0, TRUTH)
    made = evidence({"knn": hot})
    made.selection = dataclasses.replace(
        made.selection, dataset=made.selection.dataset.model_copy(update={"class_names": ("a", "b", "<b>|x")})
    )
    assert r"No validation image shows &lt;b&gt;\|x," in text(calibration.scores(made))


def test_in_a_whole_report_and_gone_with_the_probabilities(tmp_path, make_collection):
    def written(**settings):
        store = make_collection(tmp_path, [("knn", "baseline", 20)], class_names=NAMES, seeds=(0,), **settings)
        path = write.write(store, "synthetic", tmp_path / "reports", with_html=False).paths[0]
        return path.read_text(encoding="utf-8"), {file.name for file in path.parent.glob("charts/*.png")}

    page, charts = written()
    assert "## Can the probabilities be trusted?" in page
    assert {"calibration.png", "risk-coverage.png"} <= charts
    page, charts = written(probabilities=False)
    assert "Can the probabilities be trusted?" not in page
    assert not {"calibration.png", "risk-coverage.png"} & charts
