"""Reports on collections as odd as they come: few images, no errors or nothing else, missing predictions."""

from __future__ import annotations

import dataclasses
import random
import re

import pytest

from benchmark.analysis.comparison import SIGNIFICANT
from benchmark.analysis.select import select
from benchmark.errors import UserError
from benchmark.gate.regression import Limits, compare
from benchmark.report import write

MODELS = {"knn": "baseline", "svm-rbf": "baseline", "cnn-simple": "network", "transfer": "network"}
NONSENSE = re.compile(r"\b(nan|inf|None)\b|\b1 (seeds|models|pairs|classes|images|runs)\b|p = 0\.000|-0\.00\b")


def predictions(stored):
    try:
        return stored.predictions()
    except UserError:
        return None


@pytest.mark.parametrize("number", [*range(12), *(pytest.param(n, marks=pytest.mark.nightly) for n in range(12, 200))])
def test_an_odd_collection_has_a_sensible_report(number, tmp_path, make_collection):
    rng = random.Random(number)
    n_classes = rng.choice([2, 3, 5, 30])
    settings = {"class_names": tuple(f"c{i}" for i in range(n_classes))}
    settings["n"] = rng.choice([n_classes, n_classes + 1, 2 * n_classes, 60, 300])
    for name in ("knn", "cnn-simple", *rng.sample(("svm-rbf", "transfer"), rng.randrange(3))):
        wrong, n_seeds = rng.choice([0, 0, 5, 20, 50, 100]), rng.choice([1, 1, 2, 3])
        store = make_collection(tmp_path, [(name, MODELS[name], wrong)], seeds=tuple(range(n_seeds)), **settings)
    if rng.random() < 0.2:
        next(store.folder.rglob("*.npz")).unlink()
    written = write.write(store, "synthetic", tmp_path / "reports")
    (page,) = (path for path in written.paths if path.name == "README.md")
    text = page.read_text(encoding="utf-8")
    assert not [text[max(m.start() - 60, 0) : m.end() + 40] for m in NONSENSE.finditer(text)]
    for pair in written.evidence.comparison.pairs:
        assert (pair.p < SIGNIFICANT) == (pair.low > 0 or pair.high < 0)
        # What is unknown of a model is not told.
        assert not any(f"variance of {name} is that of" in text for name in pair.single)
        assert not any(f"(that of {name})" in text for name in pair.single)
    selection = select(store.read_all("synthetic")[0])
    assert {verdict.outcome for verdict in compare(selection, selection, predictions, Limits())} <= {
        *("pass", "not comparable", "missing"),
    }
    fewer = [
        dataclasses.replace(s, stored=tuple(dataclasses.replace(one) for one in s.stored[: rng.randrange(1, 4)]))
        for s in selection.summaries
    ]
    swapped = dict(zip((s.name for s in fewer), rng.sample(selection.summaries, len(fewer)), strict=True))

    def lookup(stored):
        """What another model, or this one, predicts."""
        other = swapped[stored.record.run.model]
        return predictions(other.stored[stored.record.run.seed % len(other.stored)])

    changed = dataclasses.replace(selection, summaries=tuple(fewer))
    after = {id(stored) for summary in fewer for stored in summary.stored}
    for verdict in compare(changed, selection, lambda s: (lookup if id(s) in after else predictions)(s), Limits()):
        assert not NONSENSE.search(verdict.reason), verdict.reason
        assert verdict.outcome != "pass" or verdict.found > verdict.required - 0.01
