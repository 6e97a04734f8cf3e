"""The pairwise comparison of models, over all test images and class by class."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Sequence

import numpy as np

from benchmark.analysis import learning_curve, stats
from benchmark.analysis.comparison import SIGNIFICANT, Comparison, Pair, class_pairs
from benchmark.analysis.hits import ASSUMED_FROM, ASSUMED_SD, LENT_DEGREES
from benchmark.analysis.select import ModelSummary
from benchmark.report import document as doc
from benchmark.report.evidence import Evidence
from benchmark.utils.format import counted, interval, listed, p_equals, p_value, points

LEVEL = "no significant difference"
FEW = 5  # Of many classes, that are named in a sentence.
P = doc.Column("p", p_value)
INTERVAL = doc.Column("95% CI", lambda ends: interval(*ends), absent=doc.UNDEFINED)
ADJUSTED_P = doc.Column("p (Holm)", p_value, absent="primary")
METHOD = (
    'Every pair is compared on the same images. "Only A correct" and "only B correct" count the images that one of the '
    "two models alone classifies correctly (with several seeds, the mean over pairs of runs). The test is McNemar's, "
    "with an image more on either side; where training is random, the seed-to-seed variance of accuracy is added to "
    "that over the images, and p is that of Student's t with Satterthwaite's degrees of freedom. The interval holds "
    "the differences that this test does not reject; it is for each pair alone. The primary comparison, of the best "
    "CNN and the best baseline, is chosen on the validation images alone and tested by itself at the 5% level; the "
    "others are secondary, their p adjusted by Holm's method. That a model is ahead of every baseline is said where "
    "each of these comparisons is significant by itself, and then needs no adjustment."
)
METHOD_OF_FOLDS = (
    "Every pair is compared fold by fold, on the same images, by the corrected resampled t-test (Nadeau and Bengio, "
    '"Inference for the generalization error", 2003): folds share training images, so the variance of a mean over J '
    "folds is (1/J + test images / training images) times that over folds, and t has J - 1 degrees of freedom. "
    "Validation images count as training images here, out of which they are taken. The interval holds the differences "
    "that this test does not reject; it is for each pair alone. The primary comparison, of the best CNN and the best "
    "baseline, is chosen on the validation images alone and tested by itself at the 5% level; the others are "
    "secondary, their p adjusted by Holm's method. Nothing is tested image by image."
)


OF_METRIC = (
    "So it is for {metric}, whose variance over images is that of each image's contribution to it, estimated class by "
    "class; no image is added to a pair but where classes count alike, one shared out among them."
)


def _method(found: Evidence) -> str:
    if found.selection.folds:
        return METHOD_OF_FOLDS
    return METHOD if found.metric.name == "accuracy" else f"{METHOD} {OF_METRIC.format(metric=found.metric.title)}"


def family(name: str, convolutional: bool, pretrained: object) -> str:
    """``baseline``, ``network``, ``CNN`` or ``pre-trained CNN``; ``pretrained`` is text where it is so."""
    return name if not convolutional else "pre-trained CNN" if isinstance(pretrained, str) else "CNN"


def kind(summary: ModelSummary) -> str:
    """How a CNN was trained, in words."""
    weights = f"pre-trained on {summary.pretrained}" if summary.pretrained else "trained from scratch"
    return f"a CNN {weights}"


def evidence(pair: Pair) -> str:
    """What the comparison says about ``pair.left``, with its numbers where the difference is significant."""
    if pair.verdict == LEVEL:
        return LEVEL
    if pair.single:
        return f"these {'two ' if sum(pair.seeds) == 2 else ''}runs differ by {extent(pair)}, {incomplete(pair)}"
    return f"{pair.verdict} by {extent(pair if pair.points > 0 else pair.swapped())}"


def incomplete(pair: Pair) -> str:
    """What a comparison of runs leaves out."""
    return f"without the seed-to-seed variance of {' and '.join(pair.single)}"


def extent(pair: Pair) -> str:
    """The difference in points with its interval and its p, which is called so if it is adjusted."""
    metric = pair.metric
    difference = metric.difference(pair.points)
    if pair.points > 0 and pair.verdict != LEVEL:
        difference = difference.removeprefix("+")
    few = "images" if pair.images_error > pair.training_error else "seeds"
    ends = f"95% CI {interval(*pair.interval, metric.digits)}" if pair.interval else f"too few {few} for an interval"
    p = p_equals(pair.adjusted_p)
    return f"{difference}{metric.points} ({ends}, {p if pair.adjusted_p == pair.p else f'adjusted {p}'})"


def _images(count: float) -> str:
    """A number of images; of a mean over seeds, tenths where there are few."""
    return f"{count:.0f}" if count >= 10 or abs(count - round(count)) < 0.05 else f"{count:.1f}"


def verdict(pair: Pair) -> str:
    return {"better": "A better", "worse": "B better"}.get(pair.verdict, pair.verdict)


def neighbours(found: Evidence) -> list[Pair]:
    """Each model of the leaderboard against the next."""
    names = [s.name for s in found.summaries]
    pairs = (found.comparison.find(*both) for both in itertools.pairwise(names))
    return [pair for pair in pairs if pair is not None]


def detectable(found: Evidence) -> str:
    """What difference the paired test can detect, in a sentence; empty where nothing is compared, or by folds."""
    if found.selection.folds:
        return ""
    compared, best = found.comparison, found.best_pair
    pairs = [pair for pair in neighbours(found) if pair in compared.secondary or pair.swapped() in compared.secondary]
    smallest: list[tuple[float | None, str]] = []
    if best is not None:
        smallest.append((_detected(best, SIGNIFICANT), f"for {best.left} against {best.right}"))
    if pairs:
        middle = dataclasses.replace(
            pairs[0],
            only_left=float(np.median([pair.discordant_share for pair in pairs])) * pairs[0].n_images,
            only_right=0.0,
            images_error=float(np.median([pair.images_error for pair in pairs])),
            points=0.0,
            training_error=float(np.median([pair.training_error for pair in pairs])),
            degrees=float(np.median([pair.degrees for pair in pairs])),
        )
        which = (
            f"for two neighbours in the table, of which one alone classifies {middle.discordant_share:.1%} of the "
            f"{middle.n_images:,} images correctly (median) and whose p must be below {compared.level:.2g} by Holm's "
            "method"
        )
        smallest.append((_detected(middle, compared.level), which))
    metric = found.metric
    said = ", and ".join(
        f"{value:.{metric.digits}f}{metric.points} {which}" for value, which in smallest if value is not None
    )
    none = " or ".join(which for value, which in smallest if value is None)
    return " ".join(
        filter(
            None,
            (
                f"The smallest difference that is detected with 80% power is {said}." if said else "",
                f"With these images and seeds no difference can be detected with 80% power {none}." if none else "",
            ),
        )
    )


def _detected(pair: Pair, level: float) -> float | None:
    """In points, or as the metric's differences are written; None where there is none."""
    if pair.metric.name != "accuracy":
        both = stats.quantile(1 - level / 2, pair.degrees) + stats.quantile(0.8, pair.degrees)
        return both * math.hypot(pair.images_error, pair.training_error)
    variance = (pair.images_error**2 + pair.training_error**2 + pair.points**2 / pair.n_images) / 100**2
    smallest = stats.minimum_detectable_difference(
        pair.n_images,
        pair.discordant_share,
        # A mean over seeds varies less with the images than single runs do, of which the share is.
        seed_variance=variance - pair.discordant_share / pair.n_images,
        degrees=pair.degrees,
        level=level,
    )
    return None if smallest is None else 100 * smallest


def lent(found: Evidence) -> str:
    """Where the seed-to-seed variance comes from, in sentences; empty where every model is deterministic."""
    models = [s for s in found.summaries if s.stochastic]
    if not models or found.selection.folds:
        return ""
    borrowed = sorted({name for pair in found.comparison.pairs for name in pair.lent})
    single = sorted({name for pair in found.comparison.pairs for name in pair.single})
    several = [s.name for s in models if s.n_seeds > 1 and s.name not in single]
    assumed = f"{100 * ASSUMED_SD:g} points, assumed from networks trained on as many images of Fashion-MNIST"
    if max(s.records[0].dataset.train_size for s in models) < ASSUMED_FROM:
        assumed = ""
    both = " and, the less the more seeds those have, "
    towards = both.join(filter(None, ("that of the other models" if len(several) > 1 else "", assumed)))
    said = []
    if several:
        shrunk = f", shrunk towards {towards}, with at most {LENT_DEGREES:g} degrees of freedom" if towards else ""
        whose = "its" if len(several) == 1 else "their"
        said.append(f"The seed-to-seed variance of {listed(several, FEW)} is that of {whose} seeds{shrunk}.")
    if borrowed:
        source = both.join(filter(None, ("that of the other models" if several else "", assumed)))
        said.append(f"With one seed, {listed(borrowed, FEW)} {'is' if len(borrowed) == 1 else 'are'} lent {source}.")
    if single:
        said.append(
            f"{listed(single, FEW)} {'has' if len(single) == 1 else 'have'} too few seeds, and those of other models "
            f"show too little of how {found.metric.title} varies with the seed: only the runs are compared (--seeds 3)."
        )
    return " ".join(said)


def comparison(found: Evidence) -> doc.Section | None:
    """Every model against every other: a matrix, and the pairs that matter in numbers."""
    if len(found.summaries) < 2:
        return None
    compared, best = found.comparison, found.best_pair
    title = "Pairwise comparison"
    left_out = doc.Bullets(compared.left_out) if compared.left_out else None
    if not compared.pairs:
        return doc.section("pairwise", title, "No two models can be compared image by image:", left_out)
    apart = sum(pair.verdict != LEVEL for pair in compared.secondary)
    shown = [best, *(pair for pair in neighbours(found) if pair != best)] if best else neighbours(found)
    return doc.section(
        "pairwise",
        title,
        _headline_pair(found, best) if best else None,
        _how_many(apart, len(compared.secondary), primary=best is not None),
        matrix([s.name for s in found.summaries], compared),
        f"{'The best CNN against the best baseline, and each' if best else 'Each'} model against the next on the "
        "leaderboard:"
        if shown
        else None,
        _table(shown, best) if shown else None,
        _method(found),
        lent(found) or None,
        "Not compared:" if left_out else None,
        left_out,
    )


def _how_many(apart: int, n_pairs: int, *, primary: bool) -> str | None:
    if n_pairs == 1:
        which = "other" if primary else "only"
        return f"The {which} pair of models {'differs' if apart else 'does not differ'} significantly."
    return (
        f"{apart} of {n_pairs} {'other ' if primary else ''}pairs of models differ significantly." if n_pairs else None
    )


def _headline_pair(found: Evidence, pair: Pair) -> str:
    """The pair of the headline, with the sources of its error."""
    if found.selection.folds:
        n = counted(pair.seeds[0], "fold")
        return f"The primary comparison, {pair.left} against {pair.right}, over {n}: {evidence(pair)}."
    sides = zip((pair.left, pair.right), pair.seeds, strict=True)
    several = [name for name, n in sides if n > 1 and name not in pair.single]
    metric = pair.metric
    parts = [f"{pair.images_error:.{metric.digits}f}{metric.points} to the standard error of the difference"]
    if several or pair.lent:
        of = f" (that of {listed(pair.lent, 2)} lent)" if pair.lent else ""
        of = f" (that of {several[0]})" if pair.single else of
        parts.append(f"seed-to-seed variance{of} {pair.training_error:.{metric.digits}f}")
    if pair.single:
        parts.append(f"the seed-to-seed variance of {listed(pair.single, 2)} is unknown")
    return (
        f"The primary comparison, {pair.left} against {pair.right}: {evidence(pair)}. Test sampling contributes "
        f"{', '.join(parts)}. {_other_training_images(found, pair)}"
    )


def _other_training_images(found: Evidence, pair: Pair) -> str:
    """What the choice of training images adds, as far as the learning curve shows it."""
    info = found.selection.dataset
    metric = pair.metric
    points = learning_curve.curve(found.stored, info.fingerprint, found.metric.name)
    varies = learning_curve.draw_variance(points, pair.left, pair.right, info.train_size, found.predictions)
    if varies is None:
        return "All runs have the same training images; how much their choice matters is not measured for this pair."
    return (
        f"All runs have the same training images. Over {varies.n_draws} draws of {varies.size:,} of them, the "
        f"difference has a standard deviation of {varies.sd:.{metric.digits}f}{metric.points}, seeds included and "
        f"corrected for images that draws have in common; with all {info.train_size:,} it should be smaller."
    )


def _table(pairs: Sequence[Pair], primary: Pair | None) -> doc.Table:
    metric = pairs[0].metric
    columns = (
        *(
            doc.words("A"),
            doc.words("B"),
            doc.Column(
                f"{'A - B' if metric.higher else 'B - A'},{metric.points or f' {metric.title}'}", metric.difference
            ),
            doc.Column("95% CI", lambda ends: interval(ends[0], ends[1], metric.digits), absent=doc.UNDEFINED),
        ),
        *(doc.Column("only A correct", _images), doc.Column("only B correct", _images), P, ADJUSTED_P),
        doc.words("verdict"),
    )
    rows = [
        (
            *(pair.left, pair.right, pair.points, pair.interval, pair.only_left, pair.only_right),
            *(pair.p, None if pair == primary else pair.adjusted_p, verdict(pair)),
        )
        for pair in pairs
    ]
    return _measured(columns, rows)


def _measured(columns: Sequence[doc.Column], rows: Sequence[Sequence[object]], *, sortable: bool = False) -> doc.Table:
    """A table without the columns that count images, if none are counted."""
    cells = zip(columns, *rows, strict=True)
    there = [column.write is not _images or not all(map(doc.is_absent, values)) for column, *values in cells]
    kept = [place for place, any_value in enumerate(there) if any_value]
    return doc.Table(
        [columns[place] for place in kept], [tuple(row[place] for place in kept) for row in rows], sortable
    )


def matrix(names: Sequence[str], compared: Comparison) -> doc.Heatmap:
    """By how many points the model of a row is ahead of that of a column; ``names`` are sorted, best first."""
    k = len(names) - 1
    values, greyed = np.full((k, k), np.nan), np.zeros((k, k), dtype=bool)
    texts = [[""] * k for _ in range(k)]
    for row, column in itertools.combinations_with_replacement(range(k), 2):
        pair = compared.find(names[row], names[column + 1])
        if pair is not None:
            texts[row][column] = f"{pair.points:z.{pair.metric.digits - 1}f}"
            greyed[row, column] = pair.verdict == LEVEL
            values[row, column] = np.nan if greyed[row, column] else max(pair.points, 0.0)
    metric = compared.pairs[0].metric
    title = f"By how much {metric.title} on the test images is better for the row than for the column"
    if metric.percent:
        title = f"By how many points of test {metric.title} the row is ahead of the column"
    alt = f"{title}, for {len(names)} models; grey where there is no significant difference."
    label = f"{LEVEL} (p is 0.05 or more)"
    return doc.Heatmap("pairwise", alt, title, names[:-1], names[1:], values, texts, greyed, label)


def by_class(found: Evidence) -> doc.Section | None:
    """The best CNN against the best baseline in every class: where the CNN wins, and where it does not."""
    cnn, baseline, names = found.cnn, found.baseline, found.class_names
    if cnn is None or baseline is None:
        return None
    pairs = class_pairs(cnn.name, baseline.name, found.summaries, len(names), found.predictions)
    if isinstance(pairs, str):
        return None
    compared = [(number, pair) for number, pair in enumerate(pairs) if pair is not None]
    compared.sort(key=lambda item: -item[1].points)
    outcomes = {
        words: [names[number] for number, pair in compared if pair.verdict == outcome]
        for words, outcome in {
            f"{cnn.name} is better": "better",
            f"{baseline.name} is better": "worse",
            "the runs differ": "these runs differ",
            f"there is {LEVEL}": LEVEL,
        }.items()
    }
    most = doc.MANY_CLASSES if len(names) <= doc.MANY_CLASSES else FEW
    summary = [f"{outcome} in {listed(classes, most)}" for outcome, classes in outcomes.items() if classes]
    if len(summary) == 1 and len(compared) > 1:
        (outcome,) = (outcome for outcome, classes in outcomes.items() if classes)
        summary = [f"{outcome} in {'any' if LEVEL in outcome else 'each'} of the {len(compared):,} classes"]
    recalls = cnn.per_class("recall"), baseline.per_class("recall")
    verdicts = {"A better": f"{cnn.name} better", "B better": f"{baseline.name} better"}
    rows = [
        (
            *(names[number], recalls[0][number], recalls[1][number], pair.points, pair.interval),
            *(pair.only_left, pair.only_right, pair.adjusted_p, verdicts.get(verdict(pair), verdict(pair))),
        )
        for number, pair in compared
    ]
    columns = (
        doc.words("class"),
        *(doc.Column(s.name, "{:.3f}".format) for s in (cnn, baseline)),
        doc.Column("points", points),
        INTERVAL,
        *(doc.Column(f"only {s.name} correct", _images) for s in (cnn, baseline)),
        *(ADJUSTED_P, doc.words("verdict")),
    )
    charted = [(names[number], pair) for number, pair in compared if pair.interval]
    many, complete = len(names) > doc.MANY_CLASSES, len(charted) == len(compared)
    table = _measured(columns, rows, sortable=many)
    return doc.section(
        "class-pairs",
        f"{cnn.name} against {baseline.name}, class by class",
        f"Recall, compared on the test images of each class: {'; '.join(summary)}.",
        class_chart(charted, cnn, baseline) if charted else None,
        doc.Details(f"All {len(rows):,} classes", [table]) if many else table,
        "Intervals are for each class alone; Holm's p is adjusted over the classes."
        + ("" if complete else " An interval of 100 points or more is not shown."),
        level=3,
    )


def class_chart(compared: Sequence[tuple[str, Pair]], cnn: ModelSummary, baseline: ModelSummary) -> doc.Chart:
    """Differences of recall with their 95 % intervals, in the order given from the top; of many, both ends."""
    which, half = "recall of each class", doc.MANY_CLASSES // 2
    if len(compared) > doc.MANY_CLASSES:
        which = f"recall, {half} highest and {half} lowest of {len(compared):,} classes"
        compared = [*compared[:half], *compared[-half:]]
    ticks = {float(len(compared) - 1 - place): name for place, (name, _) in enumerate(compared)}
    series = []
    for wanted, model, label, marker in (
        ("A better", cnn.name, f"{cnn.name} better", None),
        ("B better", baseline.name, f"{baseline.name} better", None),
        ("these runs differ", None, "the runs differ", "D"),
        (LEVEL, None, LEVEL, "s"),
    ):
        chosen = [(y, pair) for y, (_, pair) in zip(ticks, compared, strict=True) if verdict(pair) == wanted]
        if chosen:
            series.append(
                doc.Series(
                    label,
                    [pair.points for _, pair in chosen],
                    [y for y, _ in chosen],
                    model,
                    x_range=[(pair.low, pair.high) for _, pair in chosen],
                    notes=[f"{pair.points:+z.1f}" for _, pair in chosen],
                    marker=marker,
                )
            )
    title = f"{cnn.name} minus {baseline.name}: {which}"
    panel = doc.Panel(
        title,
        series,
        doc.Axis("points of recall, with 95% interval"),
        doc.Axis(ticks=ticks, low=-0.6, high=len(compared) - 0.4),
        guide=0.0,
    )
    return doc.Chart(
        "class-pairs", f"{title}, with 95% intervals.", [panel], columns=1, height=1.8 + 0.36 * len(compared)
    )
