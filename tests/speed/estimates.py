"""Estimates against what it took: ``python tests/speed/estimates.py [--pictures FOLDER] [CASE ...]``.

Every case runs the core models from an empty results folder; data that are to be unseen have an empty cache too. The
table has what the announcement said, what the runs took from the announcement on, and the same for each model.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
CASES = ("digits", "generated", "pictures", "quick", "quick-float32")


def generate(path: Path, n: int = 12_000, side: int = 24) -> None:
    """Noisy pictures of six classes in colour, of which each has its own pattern."""
    random = np.random.default_rng(0)
    labels = random.integers(0, 6, n)
    patterns = random.integers(0, 255, (6, side, side, 3))
    noisy = 0.2 * patterns[labels] + random.normal(100, 60, (n, side, side, 3))
    np.savez(path, X=noisy.clip(0, 255).astype(np.uint8), y=labels)


def command(case: str, folder: Path, pictures: str | None) -> tuple[list[str], Mapping[str, str]]:
    """What to run, and its environment variables."""
    unseen = {"BENCHMARK_CACHE_DIR": str(folder / "cache")}
    if case == "digits":
        return ["--dataset", "digits"], unseen
    if case == "pictures":
        return ["--dataset", str(pictures), "--min-class-size", "30"], unseen
    if case == "generated":
        generate(folder / "generated.npz")
        return ["--dataset", str(folder / "generated.npz")], unseen
    return ["--profile", "quick"], {"ONEDNN_MAX_CPU_ISA": "AVX2"} if case == "quick-float32" else {}


def events(arguments: list[str], variables: Mapping[str, str], folder: Path) -> Iterator[tuple[float, dict[str, Any]]]:
    """What the run reports, with the time at which it does."""
    whole = [sys.executable, "-m", "benchmark", "run", "--json-lines", "--no-report", *arguments]
    environ = {**os.environ, "PYTHONPATH": os.environ.get("PYTHONPATH", str(ROOT)), **variables}
    with subprocess.Popen(whole, cwd=folder, env=environ, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            yield time.monotonic(), json.loads(line)
    if process.returncode:
        raise SystemExit(f"{' '.join(whole)} ended with exit code {process.returncode}")


def measure(case: str, pictures: str | None, more: list[str]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        arguments, variables = command(case, folder, pictures)
        began, planned, last = time.monotonic(), None, 0.0
        taken: dict[str, float] = {}
        for when, event in events([*arguments, *more], variables, folder):
            if event["event"] == "plan":
                planned = when, event
                print(f"expected: {json.dumps(event['expected_by_model'])}", file=sys.stderr, flush=True)
            if event["event"] == "finished" and event["cost"] is not None:
                taken[event["model"]] = event["cost"]["total_seconds"] + event["cost"]["cached_seconds"]
                last = when
        assert planned is not None
        when, plan = planned
        row(case, plan["expected_seconds"], last - when, f"{when - began:.0f} s before; {'; '.join(plan['judged_by'])}")
        for model, seconds in plan["expected_by_model"].items():
            row(f"- {model}", seconds, taken.get(model, float("nan")), "")


def row(name: str, expected: float, took: float, notes: str) -> None:
    print(f"| {name} | {expected:.1f} s | {took:.1f} s | {expected / took:.2f} | {notes} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", help="all of them, if none is named")
    parser.add_argument("--pictures", help="a folder of class folders; without it, that case is left out")
    parser.add_argument("--more", default="", help="further options of run, such as '--profile train-1000'")
    chosen = parser.parse_args()
    print("| case | estimate | took | ratio | by |\n|---|---|---|---|---|")
    for case in chosen.cases or CASES:
        if case != "pictures" or chosen.pictures:
            measure(case, chosen.pictures, chosen.more.split())


if __name__ == "__main__":
    main()
