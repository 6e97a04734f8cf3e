"""How often the tests and intervals of a report are right, on runs like those of the reference.

``python tests/models/simulations.py`` writes the tables into ``docs/explanation/statistics.md`` (half an hour);
``python tests/models/simulations.py metrics`` that of the metrics alone.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor

import numpy as np
from folds import Folds, centroids, neighbour
from scipy.special import ndtri
from scipy.stats import norm
from threadpoolctl import threadpool_limits
from uneven import UNEVEN
from worlds import NONE, ROOT, World, few_errors, few_images, world

from benchmark.analysis import stats, uncertainty
from benchmark.analysis.hits import ASSUMED_FROM, Hits, Lending
from benchmark.analysis.seed_variance import SeedVariance
from benchmark.data import folds
from benchmark.estimators.metrics import METRICS
from benchmark.gate.regression import Limits, drop

REPETITIONS = 10_000
PAGE = "docs/explanation/statistics.md"
MARKS = ("<!-- simulations -->", "<!-- /simulations -->")
METRIC_MARKS = ("<!-- metrics -->", "<!-- /metrics -->")
FAMILY = 14  # Models of the reference.
CLASSES = {6: "Shirt", 4: "Coat", 7: "Sneaker"}  # Hardest, of middling difficulty, easy.
SHIRT = 6


Seeds = tuple[int, int]  # 0 stands for a deterministic model.


def differences(
    of: World, seeds: Seeds, points: float, repetitions: int, *, same: bool = False
) -> Iterator[tuple[list[np.ndarray], tuple[SeedVariance | None, SeedVariance | None]]]:
    """Pairs of models so many points apart, and what is lent to either."""
    rng = np.random.default_rng([of.n, *seeds, round(1000 * abs(points)), same])
    for _ in range(repetitions):
        sd = of.drawn(rng)
        sds = [0.0 if count == 0 else sd if same else of.drawn(rng) for count in seeds]
        accuracies = [of.accuracy + points / 200, of.accuracy - points / 200]
        lent = of.lent(rng)
        both = of.runs(rng, accuracies, [max(count, 1) for count in seeds], sds, same=same)
        yield both, (lent if seeds[0] else None, lent if seeds[1] else None)


def pair_test(of: World, seeds: Seeds, repetitions: int, *, points: float = 0.0, level: float = 0.05) -> float:
    """How often the comparison of two models is significant."""
    found = (
        uncertainty.paired_difference(left, right, lent=lent).p < level
        for (left, right), lent in differences(of, seeds, points, repetitions)
    )
    return float(np.mean(list(found)))


def detectable(of: World, seeds: Seeds, level: float = 0.05) -> float:
    """The difference that a report prints as detectable, in points."""
    runs = list(differences(of, seeds, 0.0, 200))
    pilot = [uncertainty.paired_difference(left, right, lent=lent) for (left, right), lent in runs]
    share = float(np.median([sum(uncertainty.discordant(*both)) for both, _ in runs])) / of.n
    smallest = stats.minimum_detectable_difference(
        of.n,
        share,
        seed_variance=float(np.median([one.standard_error for one in pilot])) ** 2 - share / of.n,
        degrees=float(np.median([one.degrees for one in pilot])),
        level=level,
    )
    assert smallest is not None
    return 100 * smallest


def coverage(of: World, seeds: Seeds, repetitions: int, *, points: float = 2.0) -> tuple[float, ...]:
    """How often the intervals of a difference, a ratio of errors and an accuracy hold the truth."""
    truth, left_accuracy = points / 100, of.accuracy + points / 200
    ratio = (1 - left_accuracy) / (1 - left_accuracy + truth)
    inside = []
    for (left, right), lent in differences(of, seeds, points, repetitions):
        found = uncertainty.paired_difference(left, right, lent=lent)
        ends = uncertainty.error_ratio(left, right, lent=lent)
        ratio_inside = ends is None or ends[0] <= ratio <= ends[1]  # Of no errors, no ratio is printed.
        low, high = uncertainty.model_interval(left, lent[0])
        inside.append((found.low <= truth <= found.high, ratio_inside, low <= left_accuracy <= high))
    return tuple(np.mean(inside, axis=0).tolist())


def gate(of: World, seeds: Seeds, repetitions: int, *, points: float, tolerance: float) -> float:
    """How often the gate fails a model that is so many points worse."""
    found = []
    for (before, after), (lent, _) in differences(of, seeds, points, repetitions, same=True):
        found.append(drop(after, before, tolerance, lent).p < 0.05)
    return float(np.mean(found))


def curve(
    of: World, draws: int, repetitions: int, *, points: float = 0.0, correlation: float = 0.9
) -> tuple[float, float]:
    """Two models of equal accuracy on the same draws of training images, which move both by two points.

    Returns
    -------
    (float, float)
        How often the comparison is significant, and how often its interval holds the truth.
    """
    rng = np.random.default_rng([of.n, draws])
    significant, inside = [], []
    shared, own, noise = of.loadings
    z = float(ndtri(of.accuracy))
    moved = 0.02 / norm.pdf(z)
    for _ in range(repetitions):
        alike = math.sqrt(correlation) * rng.standard_normal((draws, 1))
        difficulty = shared * rng.standard_normal(of.n, dtype=np.float32)
        both = []
        for _ in range(2):
            skill = z + moved * (alike + math.sqrt(1 - correlation) * rng.standard_normal((draws, 1)))
            effect = own * rng.standard_normal(of.n, dtype=np.float32)
            flips = noise * rng.standard_normal((draws, of.n), dtype=np.float32)
            both.append(skill.astype(np.float32) + difficulty + effect + flips > 0)
        found = uncertainty.difference_by_draw(*both)
        significant.append(found.p < 0.05)
        inside.append(found.low <= points <= found.high)
    return float(np.mean(significant)), float(np.mean(inside))


def family(of: World, repetitions: int) -> float:
    """How often any of the secondary pairs of as many equal models as the reference has is significant."""
    rng = np.random.default_rng(of.n)
    seeds = [5] * len(of.variances) + [1] * (FAMILY - len(of.variances))
    alarms = []
    for _ in range(repetitions):
        sds = [math.sqrt(v) for v in of.variances] + [0.0] * (FAMILY - len(of.variances))
        models = of.runs(rng, [of.accuracy] * FAMILY, seeds, sds)
        known = [Hits(str(i), NONE, NONE, right, len(right) > 1, ASSUMED_FROM) for i, right in enumerate(models)]
        lending = Lending.among(known, known[0])
        lent = [lending.to(model) for model in known]
        p = [
            uncertainty.paired_difference(models[i], models[j], lent=(lent[i], lent[j])).p
            for i in range(FAMILY)
            for j in range(i)
        ]
        alarms.append(stats.holm(p[1:]).min() < 0.05)  # The first stands for the primary pair.
    return float(np.mean(alarms))


def gate_of_all(of: World, seeds: Seeds, repetitions: int, *, points: float) -> tuple[float, float]:
    """The gate of a collection as large as the reference, one of whose networks may have become worse.

    Returns
    -------
    (float, float)
        How often that network fails, and how often another model does.
    """
    rng, limits = np.random.default_rng([of.n, *seeds, round(points)]), Limits()
    accuracies = [of.accuracy + points / 200, of.accuracy - points / 200]
    found, alarms = [], []
    for _ in range(repetitions):
        both = []
        # Without chance a model that is trained again is right about the same images: p is 1, and not simulated.
        for place, variance in enumerate(of.variances):
            sd, truth = math.sqrt(variance), accuracies if place == 0 else [of.accuracy] * 2
            runs = of.runs(rng, truth, list(seeds), [sd, sd], same=True)
            both.append([Hits(str(place), NONE, NONE, right, True, ASSUMED_FROM) for right in runs])
        known = [side for sides in both for side in sides]
        lending = Lending.among(known, known[0])
        p = [drop(after.right, before.right, limits.tolerance, lending.to(before, after)).p for before, after in both]
        failed = stats.holm([*p, *[1.0] * (FAMILY - len(both))]) < 0.05
        found.append(failed[0])
        alarms.append(failed[1:].any())
    return float(np.mean(found)), float(np.mean(alarms))


Bounds = tuple[float, float]
ALARM, COVERS, DETECTS, ANY = (0.035, 0.065), (0.93, 0.97), (0.78, 0.82), (0.0, 1.0)
NEARLY = (0.92, 0.98)  # Of twenty images, some interval is always a little too short or too long.
INTERVALS = tuple(f"interval of the {of} holds it" for of in ("difference", "ratio of errors", "accuracy"))


@dataclasses.dataclass(frozen=True)
class Case:
    """Something to simulate: what each figure is, of which runs, how it is found, and what it must lie within."""

    what: tuple[str, ...]
    of: str
    simulate: Callable[..., float | tuple[float, ...]]
    bounds: tuple[Bounds, ...]
    note: str = ""

    def __call__(self, repetitions: int) -> tuple[float, ...]:
        found = self.simulate(repetitions=repetitions)
        return found if isinstance(found, tuple) else (found,)


def cases() -> Iterator[Case]:
    """All that the documentation has a row for."""
    whole, limits = world(), Limits()
    equal, by_draw = "two equal models: significant", "two models equal but for draws: significant"
    for seeds in ((0, 0), (1, 0), (3, 0), (1, 1), (1, 5), (2, 2), (3, 3), (5, 5)):
        yield Case((equal,), _seeds(seeds), functools.partial(pair_test, whole, seeds), (ALARM,))
    # A small project of one's own: on few training images nothing is assumed.
    for models, seeds in ((2, (1, 1)), (2, (1, 0)), (2, (3, 3)), (1, (2, 2)), (1, (3, 3))):
        few = dataclasses.replace(whole, assumed=None, lenders=(models, 3 if seeds != (2, 2) else 2))
        name = f"the same, lent by {models} of {few.lenders[1]} seeds alone: significant"
        yield Case((name,), _seeds(seeds), functools.partial(pair_test, few, seeds), (ALARM,))
    for seeds in ((3, 0), (2, 2), (3, 3), (5, 5)):
        name = "the same, few training images, nothing lent: significant"
        yield Case((name,), _seeds(seeds), functools.partial(pair_test, few_images(), seeds), ((0.0, ALARM[1]),))
        simulate = functools.partial(coverage, few_images(), seeds)
        what = tuple(f"few training images: {interval}" for interval in INTERVALS)
        # Of two seeds alone no interval of the model's accuracy is printed.
        yield Case(what[: 2 if seeds == (2, 2) else 3], _seeds(seeds), simulate, ((COVERS[0], 1.0),) * 3)
    for draws in (3, 5):
        simulate = functools.partial(curve, whole, draws)
        yield Case((by_draw, INTERVALS[0]), f"{draws} draws", simulate, (ALARM, COVERS))
    for number in CLASSES:
        yield from _of_class(number)
    # Shirt moves some models three times as far as others: those that it moves little are tested with more care.
    careful = (0.03, ALARM[1])
    for name, of, tolerance, points, bounds in (
        ("a drop as large as the tolerance", whole, limits.tolerance, limits.tolerance, ALARM),
        ("Shirt drops by its tolerance", world(SHIRT), limits.class_tolerance, limits.class_tolerance, careful),
        ("no change", whole, limits.tolerance, 0.0, (0.0, ALARM[1])),
        ("a drop of one point", whole, limits.tolerance, 1.0, ANY),
    ):
        for seeds in ((1, 1), (1, 5), (2, 2), (3, 3), (5, 5)):
            simulate = functools.partial(gate, of, seeds, points=points, tolerance=tolerance)
            yield Case((f"gate, {name}: fails",), _seeds(seeds), simulate, (bounds,))
    for seeds in ((0, 0), (1, 0), (1, 1), (2, 2), (3, 3), (5, 5)):
        yield Case(INTERVALS, _seeds(seeds), functools.partial(coverage, whole, seeds), (COVERS,) * 3)
    for seeds in ((1, 0), (3, 0), (5, 5)):
        for name, level in (("primary pair", 0.05), (f"secondary pair, at 0.05 / {FAMILY}", 0.05 / FAMILY)):
            points = detectable(whole, seeds, level)
            simulate = functools.partial(pair_test, whole, seeds, points=points, level=level)
            what = f"{name}, apart by the detectable difference: significant"
            yield Case((what,), _seeds(seeds), simulate, (DETECTS,), f" ({points:.2f} points)")
    for seeds in ((1, 1), (1, 5), (2, 2), (3, 3)):
        drops = "gate of 14 models, one network drops by one point: fails"
        simulate = functools.partial(gate_of_all, whole, seeds, points=1.0)
        yield Case((drops, "the same, any other model: fails"), _seeds(seeds), simulate, (ANY, (0.0, ALARM[1])))
    for seeds in ((1, 5), (2, 2), (3, 3), (5, 5)):
        name = "gate, few training images, a drop as large as the tolerance: fails"
        simulate = functools.partial(gate, few_images(), seeds, points=limits.tolerance, tolerance=limits.tolerance)
        yield Case((name,), _seeds(seeds), simulate, (ALARM,))
    for seeds in ((0, 0), (1, 0), (1, 1), (3, 3), (5, 5)):
        name = "two equal models of few errors: significant"
        yield Case((name,), _seeds(seeds), functools.partial(pair_test, few_errors(), seeds), ((0.0, ALARM[1]),))
        simulate = functools.partial(coverage, few_errors(), seeds, points=1.0)
        # Of numbers as small as these some interval is always a little too wide.
        careful = (COVERS[0], 0.98)
        yield Case(tuple(f"few errors: {what}" for what in INTERVALS), _seeds(seeds), simulate, (careful,) * 3)
    yield from _of_folds()
    several = "any of 90 secondary pairs of 14 equal models: significant"
    yield Case((several,), "1 to 5", functools.partial(family, whole), ((0.0, 0.055),))


def _of_folds() -> Iterator[Case]:
    """Cross-validation of 300 images by the corrected resampled t-test; too careful with stable models and few runs."""
    for n, repeats in ((5, 1), (5, 3), (5, 10), (10, 1)):
        times = f"{n} folds" if repeats == 1 else f"{n} folds, {repeats} repeats"
        aim = (0.02, 0.07) if (n, repeats) == (folds.FOLDS, folds.REPEATS) else ANY
        for name, learn in (("stable", centroids), ("unstable", neighbour)):
            what = f"two equal {name} models, cross-validated: significant"
            yield Case((what,), times, Folds(n, repeats, learn=learn).significant, (aim,))
        what = "two stable models 6 points apart, cross-validated: significant"
        yield Case((what,), times, Folds(n, repeats, edge=0.06).significant, (ANY,))


def metric_cases() -> Iterator[Case]:
    """Of every metric, one run each; "is significant" may be rarer than it claims where classes are small."""
    titles = [metric.title for metric in METRICS.values()]
    kinds = ("interval of", "that of a difference in")
    held = tuple(f"{kind} {title} holds it" for title in titles for kind in kinds)
    for name, of in UNEVEN.items():
        yield Case(held, name, of.coverage, (NEARLY,) * len(held))
        what = tuple(f"two equal models, by {title}: significant" for title in titles)
        yield Case(what, name, of.significant, ((0.0, 0.07),) * len(what))


def _of_class(number: int) -> Iterator[Case]:
    """Two models equal in a class; where few of its images are discordant, tests are more careful than they claim."""
    of, harsh = world(number), world(number, scattered=True)
    least = ALARM[0] if of.n * of.between >= 50 else 0.0
    for seeds in ((1, 0), (1, 1), (2, 2), (3, 3), (5, 5)):
        name = f"two models equal in {CLASSES[number]}: significant"
        yield Case((name,), _seeds(seeds), functools.partial(pair_test, of, seeds), ((least, ALARM[1]),))
    name = f"the same, {CLASSES[number]} moving models as differently as five seeds show: significant"
    yield Case((name,), _seeds((1, 1)), functools.partial(pair_test, harsh, (1, 1)), (ANY,))
    for seeds in ((1, 1), (2, 2), (3, 3), (5, 5)):
        name = f"interval of the difference in {CLASSES[number]} holds it"
        simulate = functools.partial(coverage, of, seeds, points=0.5)
        yield Case((name,), _seeds(seeds), simulate, (COVERS,))


def _seeds(seeds: Seeds) -> str:
    left, right = (str(count) if count else "deterministic" for count in seeds)
    return f"{left} and {right}" if any(seeds) else "two deterministic"


Row = tuple[str, str, float, Bounds, str]


def rows(repetitions: int = REPETITIONS, of: Callable[[], Iterable[Case]] = cases) -> Iterator[Row]:
    """What is simulated, of what seeds, the share that was seen, the bounds that it must be within, and a note."""
    with ProcessPoolExecutor(initializer=threadpool_limits, initargs=(1,)) as pool:
        for case, found in pool.map(_simulated, of(), itertools.repeat(repetitions)):
            for what, share, bounds in zip(case.what, found, case.bounds, strict=False):
                yield what, case.of, share, bounds, case.note


def _simulated(case: Case, repetitions: int) -> tuple[Case, tuple[float, ...]]:
    return case, case(repetitions)


def table(found: Iterable[Row]) -> str:
    """A row for what is simulated, a column for the numbers of seeds."""
    found = list(found)
    columns = list(dict.fromkeys(of for _, of, *_ in found))
    cells: dict[tuple[str, str], dict[str, str]] = {}
    for what, of, share, bounds, note in found:
        low, high = bounds
        aim = "" if bounds == ANY else f"{low:.1%} to {high:.1%}" if low else f"at most {high:.1%}"
        cells.setdefault((what, aim), {})[of] = f"{share:.1%}{note}"
    lines = [["what", *columns, "aim"], ["---", *["--:"] * len(columns), "---"]]
    lines += [[what, *(by_seeds.get(of, "") for of in columns), aim] for (what, aim), by_seeds in cells.items()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def write(of: Callable[[], Iterable[Case]], marks: tuple[str, str]) -> None:
    """Simulate, and put the table between the marks of the page."""
    found = []
    for row in rows(of=of):
        found.append(row)
        print(f"{row[0]}, {row[1]}: {row[2]:.1%}", file=sys.stderr, flush=True)
    page = (ROOT / PAGE).read_text(encoding="utf-8")
    before, mark, rest = page.partition(marks[0])
    _, end, after = rest.partition(marks[1])
    (ROOT / PAGE).write_text(f"{before}{mark}\n{table(found)}\n{end}{after}", encoding="utf-8")


def main() -> None:
    write(metric_cases, METRIC_MARKS)
    if sys.argv[1:] != ["metrics"]:
        write(cases, MARKS)


if __name__ == "__main__":
    main()
