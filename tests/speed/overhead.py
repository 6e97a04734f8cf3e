"""(e) What the runner adds to a run, (f) how long a report takes."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from common import Row

from benchmark.records.schema import RunRecord
from benchmark.records.store import Store
from benchmark.utils.format import duration

ROOT = Path(__file__).resolve().parents[2]


def runner_rows() -> Iterator[Row]:
    """Each core model on the digits, with four seeds where it takes them: what is not the model at work."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "benchmark", "run", "--dataset", "digits", "--seeds", "4", "--no-report"]
        start = time.perf_counter()
        subprocess.run(
            [*command, "--results-dir", folder], cwd=ROOT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        whole = time.perf_counter() - start
        stored, _ = Store(Path(folder), "local").read_all("digits")
        inside = [s.record.cost.total_seconds for s in stored if s.record.cost]
        added = {
            family: [
                cost.total_seconds
                - cost.fit_seconds
                - cost.predict_seconds
                - cost.scoring_seconds
                + cost.cached_seconds
                for s in stored
                if (cost := s.record.cost) and s.record.model.family == family
            ]
            for family in ("baseline", "network")
        }
    for family, seconds in added.items():
        yield Row(
            f"the runner's part of a {family} run",
            duration(sum(seconds) / len(seconds)),
            notes=f"mean of {len(seconds)}, most {duration(max(seconds))}: process, data, record",
        )
    yield Row(
        "start and end of the run, libraries loaded once",
        duration(whole - sum(inside)),
        notes=f"{len(inside)} runs, {duration(whole)} in all",
    )


def report_rows(sizes: tuple[int, ...]) -> Iterator[Row]:
    """Reports on made-up collections of that many records: so many seeds of the reference's models."""
    reference = Store(ROOT / "results", "reference").read_all("fashion-mnist")[0]
    full = [s for s in reference if s.record.run.profile == "full"]
    first = {s.record.run.model: s for s in reversed(full)}
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            store = Store(Path(folder), "made")
            models = list(first.values())
            for number in range(size):
                write_copy(store, models[number % len(models)].record, number // len(models))
            command = [sys.executable, "-m", "benchmark", "report", "--collection", "made"]
            start = time.perf_counter()
            subprocess.run(
                [*command, "--results-dir", folder, "--reports-dir", folder],
                cwd=ROOT,
                check=True,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
            )
            yield Row(
                f"a report on {size:,} records", duration(time.perf_counter() - start), notes="pictures of images apart"
            )


def write_copy(store: Store, record: RunRecord, seed: int) -> None:
    """The record under another seed; its predictions are left out, as nobody reads those of so many."""
    run = record.run.model_copy(update={"seed": seed})
    assert record.predictions is not None
    copy = record.model_copy(
        update={"run": run, "predictions": record.predictions.model_copy(update={"file": "x.npz"})}
    )
    path = store.folder / run.dataset / run.model / f"full-seed{seed}-00000000.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(copy.model_dump_json(indent=1), encoding="utf-8")
