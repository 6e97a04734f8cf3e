"""Reading the user's own pictures beside Pillow alone, and how much memory the whole of it takes.

``python tests/speed/pictures.py N`` draws N pictures (10,000 by default) of 224 x 224 pixels as JPEG in ten folders,
decodes them to 64 x 64, and trains a small network on them.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import joblib
import numpy as np
import psutil
from common import Row, machine, stopwatch, table
from PIL import Image

from benchmark.data.own import decode
from benchmark.data.own.find import find
from benchmark.data.own.table import Columns
from benchmark.specs import Preparation

SIZE = 64
CLASSES = 10
CHUNK = 500


def draw(folder: Path, n: int, side: int) -> None:
    """Smooth noise that compresses about as photographs do: 10 kB at 224 x 224."""
    for label in range(CLASSES):
        (folder / f"class-{label}").mkdir(parents=True, exist_ok=True)
    joblib.Parallel(n_jobs=-1)(
        joblib.delayed(_draw)(folder, range(start, min(start + CHUNK, n)), side) for start in range(0, n, CHUNK)
    )


def _draw(folder: Path, places: range, side: int) -> None:
    rng = np.random.default_rng(places.start)
    for place in places:
        coarse = rng.integers(0, 256, (7, 7, 3), dtype=np.uint8)
        fine = rng.normal(0, 8, (side, side, 3))
        smooth = np.asarray(Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC), dtype=np.float64)
        smooth[..., place % 3] += 4 * (place % CLASSES)
        picture = Image.fromarray((smooth + fine).clip(0, 255).astype(np.uint8))
        picture.save(folder / f"class-{place % CLASSES}" / f"{place:06d}.jpg", quality=80)


def _pillow(paths: list[Path]) -> np.ndarray:
    """What a careful user would write."""
    images = []
    for path in paths:
        with Image.open(path) as image:
            images.append(np.asarray(image.convert("RGB").resize((SIZE, SIZE), Image.Resampling.BICUBIC)))
    return np.stack(images)


def pillow_alone(paths: list[Path]) -> float:
    """Images a second by Pillow in as many processes as there are cores."""
    pool = joblib.Parallel(n_jobs=-1, return_as="generator")
    chunks = [paths[start : start + CHUNK] for start in range(0, len(paths), CHUNK)]
    with stopwatch() as elapsed:
        done = sum(len(images) for images in pool(joblib.delayed(_pillow)(chunk) for chunk in chunks))
        return done / elapsed()


def ours(folder: Path, scratch: Path) -> float:
    """Images a second by this suite: found, decoded, prepared and written to disk."""
    with stopwatch() as elapsed:
        found = find(folder, Columns(), scratch)
        shape, _ = decode.choose_shape(found.items, SIZE)
        decoded = decode.decode(found.items, shape, Preparation(), scratch / "images.npy")
        return len(decoded.images) / elapsed()


def alternating(folder: Path, scratch: Path, times: int) -> Iterator[tuple[float, float]]:
    paths = sorted(folder.rglob("*.jpg"))
    pillow_alone(paths[: 4 * CHUNK])  # Processes start, and the files are in the page cache.
    for _ in range(times):
        yield ours(folder, scratch), pillow_alone(paths)


def resident_peak(command: list[str], where: Path) -> tuple[float, float]:
    """Seconds, and the largest resident memory of a command's process tree in bytes, private and shared once."""
    peak = 0
    with stopwatch() as elapsed:
        process = psutil.Process(subprocess.Popen(command, cwd=where).pid)
        while process.status() != psutil.STATUS_ZOMBIE:
            total = 0
            for one in (process, *process.children(recursive=True)):
                try:
                    total += one.memory_full_info().pss
                except psutil.Error:
                    continue
            peak = max(peak, total)
            try:
                process.wait(0.5)
                break
            except psutil.TimeoutExpired:
                continue
        return elapsed(), peak


def rows(n: int, side: int = 224, turns: int = 3) -> Iterator[Row]:
    """Decoding beside Pillow alone, in turns, the median; then everything from files to a trained network."""
    with tempfile.TemporaryDirectory(prefix="pictures-") as temporary:
        folder, scratch = Path(temporary, "photos"), Path(temporary, "scratch")
        scratch.mkdir()
        draw(folder, n, side)
        rates = sorted(alternating(folder, scratch, turns), key=lambda pair: pair[0] / pair[1])
        mine, theirs = rates[len(rates) // 2]
        what = f"decoding {n:,} JPEG of {side} x {side} to {SIZE} x {SIZE}, images/s"
        yield Row(what, f"{mine:,.0f}", f"Pillow: {theirs:,.0f}", mine / theirs)
        (scratch / "images.npy").unlink()
        os.environ["BENCHMARK_CACHE_DIR"] = str(Path(temporary, "cache"))
        command = [sys.executable, "-m", "benchmark", "run", "cnn-simple", "--dataset", str(folder), "--no-report"]
        seconds, peak = resident_peak([*command, "--size", str(SIZE), "--profile", "full"], Path(temporary))
        yield Row(f"reading {n:,} pictures and training cnn-simple", f"{seconds:,.0f} s", notes=f"{peak / 1e9:.1f} GB")


if __name__ == "__main__":
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("n", type=int, nargs="?", default=10_000)
    given.add_argument("--turns", type=int, default=3)
    chosen = given.parse_args()
    print(table(list(rows(chosen.n, turns=chosen.turns))))
    print(machine())
