"""Measures side by side and prints one table. ``make speed`` runs all of it; ``--help`` tells the parts.

Let the machine do nothing else meanwhile.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from pathlib import Path

import classical
import networks
import overhead
import pictures
from common import Row, fashion_mnist, machine, table

from benchmark.report.headline import put_between_marks

PARTS: dict[str, tuple[str, Callable[[argparse.Namespace], Iterable[Row]]]] = {
    "classical": ("(a) pixel models against stock scikit-learn", lambda a: classical.rows(tuple(a.sizes))),
    "throughput": (
        "(b), (c) training against a tutorial loop and GEMM",
        lambda a: networks.throughput_rows(a.images, a.rounds),
    ),
    "accuracy": ("(d) time to 93 % and 94 % test accuracy", lambda a: networks.accuracy_rows(a.epochs)),
    "runner": ("(e) what the runner adds to a run", lambda a: overhead.runner_rows()),
    "pictures": ("(g) reading one's own pictures", lambda a: pictures.rows(a.pictures)),
    "report": ("(f) how long a report takes", lambda a: overhead.report_rows(tuple(a.records))),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    # argparse formats its help texts with %, so that a per cent sign is written twice.
    parts = "; ".join(f"{k}: {v[0]}" for k, v in PARTS.items()).replace("%", "%%")
    parser.add_argument("parts", nargs="*", metavar="PART", help=parts)
    parser.add_argument("--sizes", nargs="+", type=int, default=[10_000, 60_000], help="training images of part (a)")
    parser.add_argument("--images", type=int, default=16_000, help="training images an epoch in parts (b) and (c)")
    parser.add_argument("--rounds", type=int, default=3, help="turns of each side in parts (b) and (c)")
    parser.add_argument("--epochs", type=int, default=30, help="most epochs of the tutorial loop in part (d)")
    parser.add_argument("--records", nargs="+", type=int, default=[1_000, 10_000], help="records of part (f)")
    parser.add_argument("--pictures", type=int, default=10_000, help="pictures of part (g)")
    parser.add_argument("--into", type=Path, help="Markdown file that takes the table between its 'speed' marks")
    arguments = parser.parse_args()
    unknown = set(arguments.parts) - PARTS.keys()
    if unknown:
        parser.error(f"no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    fashion_mnist()
    rows: list[Row] = []
    for name, (title, measure) in PARTS.items():
        if not arguments.parts or name in arguments.parts:
            print(title, flush=True)
            for row in measure(arguments):
                print(f"  {row.what}: {row.ours} {row.against}", flush=True)
                rows.append(row)
    text = f"{table(rows)}\n\n{machine()}."
    print(f"\n{text}")
    if arguments.into:
        put_between_marks(arguments.into, text, "speed")


if __name__ == "__main__":
    main()
