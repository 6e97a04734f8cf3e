"""How long a plan will take and whether it fits into memory, and by what that is judged.

The sources in the order in which they are believed: records of the results folder, the reference timings that ship with
the package, and pilots. Models whose runs are short, judging by the reference timings of another data set, need no
pilot. docs/decisions/0013-time-estimates.md has the reasons.
"""

from __future__ import annotations

import dataclasses
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from statistics import mean

from benchmark.data.splits import parts_for
from benchmark.records.schema import Environment, RunRecord
from benchmark.records.store import Store
from benchmark.runner.law import Law, Measured, Target
from benchmark.runner.pilot import Pilots, epochs_of
from benchmark.runner.run import Plan, Planned, Settings, preload
from benchmark.runner.supervisor import ask, warm_up, worker_environment
from benchmark.runner.timings import Timings, lasting, measured, shipped
from benchmark.specs import Run

SPEED_LIMITS = (0.05, 20.0)  # A ratio of two short measurements beyond these is no speed.
SHORT_SECONDS = 10.0  # All runs of a model together: for these, no pilot.
WORTH_MEASURING_SECONDS = 20.0  # All runs of networks together: then it is measured how fast networks are here.
MEMORY_MARGIN = 1.2  # What is expected to need less than so many times the limit is tried.
PROBE_SECONDS = 60.0

# By what an estimate is judged, in the words of the announcement.
RECORDS, TIMINGS = "earlier records", "the reference timings and this machine's speed"
LIKENESS, PILOT = "the reference timings of other images", "a pilot"


@dataclasses.dataclass(frozen=True)
class Known:
    """What is known of a model: a law, by what it is judged, and the speed of the machine that it is of.

    ``gflops`` is that of its matrix product, ``training`` the images a second of its networks in the precision of this
    one (:func:`cnn.speed.training_speed`); None where the law needs no scaling.
    """

    law: Law
    basis: str
    gflops: float | None = None
    training: float | None = None


@dataclasses.dataclass
class Estimates:
    """Estimates the runs of one command.

    Parameters
    ----------
    stores : sequence of Store
        Where to look for records; the first that knows a model is believed.
    environment : Environment
        Of this machine.
    settings : Settings
        Resolved for the number of runs.
    progress : callable
        Of :class:`benchmark.runner.pilot.Pilots`.
    timings : Timings
        Those that ship with the package.
    """

    stores: Sequence[Store]
    environment: Environment
    settings: Settings
    progress: Callable[[str, int, int], None]
    timings: Timings = dataclasses.field(default_factory=shipped)

    def __post_init__(self) -> None:
        self._exact: dict[tuple[str, str, str], Known] = {}  # By data set, model and profile.
        self._known: dict[tuple[str, str], Known] = {}  # By data set and model.
        self._targets: dict[Run, Target] = {}
        self._read: set[str] = set()
        self._in_vain: set[tuple[str, str]] = set()  # Models whose pilots failed.
        self._training: float | None = None  # Images a second here.

    def plan(self, runs: Sequence[Planned]) -> Plan:
        """The plan with its expected times; runs that would clearly not fit into memory are marked."""
        waiting = [planned for planned in runs if planned.recorded is None]
        with worker_environment(self.settings.threads or 1, preload(planned.model for planned in runs)):
            self._learn([planned for planned in waiting if not planned.model.trivial])
        expected, bases, needed = {}, {}, {}
        for planned in waiting:
            known = self._of(planned)
            if planned.model.trivial:
                expected[planned.run] = 0.0
            if planned.model.trivial or known is None:
                continue
            expected[planned.run], bases[planned.run] = self._seconds(planned, known), known.basis
            bytes_ = None if known.basis == LIKENESS else known.law.memory(self._target(planned))
            if bytes_ is not None and bytes_ > MEMORY_MARGIN * (self.settings.memory_limit_bytes or math.inf):
                expected[planned.run], needed[planned.run] = 0.0, bytes_
        marked = [dataclasses.replace(planned, needed_memory_bytes=needed.get(planned.run)) for planned in runs]
        return Plan(tuple(marked), expected, self.settings.jobs, bases)

    def _learn(self, waiting: Sequence[Planned]) -> None:
        """Look up, or measure, what is not known yet."""
        versions = {planned.run.dataset: planned.prepared.dataset.fingerprint for planned in waiting}
        for dataset in versions.keys() - self._read:
            self._read.add(dataset)
            for store in self.stores:
                records = [stored.record for stored in store.read_all(dataset)[0]]
                # Of other pictures of the same name, or of other sizes, nothing follows.
                self._believe([one for one in records if one.dataset.fingerprint == versions[dataset]])
            self._believe_timings(dataset)
        like: dict[tuple[str, str], Known] = {}
        trials: dict[tuple[str, str], Planned] = {}
        for planned in waiting:
            pair = planned.run.dataset, planned.run.model
            if (
                self._of(planned) is None and pair not in self._in_vain
            ):  # A model on several numbers of images is tried for the most of them.
                larger = pair not in trials or self._target(planned).train > self._target(trials[pair]).train
                trials[pair] = planned if larger else trials[pair]
        for pair, planned in list(trials.items()):
            like |= {pair: known} if (known := self._likeness(planned)) is not None else {}
            alike = [one for one in waiting if (one.run.dataset, one.run.model) == pair]
            if pair in like and sum(self._seconds(one, like[pair]) for one in alike) <= SHORT_SECONDS:
                del trials[pair]
        if trials:
            warm_up()
            found = Pilots(self.settings, self.environment, self.progress).measure(list(trials.values()))
            self._in_vain |= {pair for pair, planned in trials.items() if not found[planned.run]}
            like |= {
                pair: self._tried(planned, found[planned.run]) for pair, planned in trials.items() if found[planned.run]
            }
        self._known |= like
        self._probe(waiting)

    def _believe(self, records: Iterable[RunRecord]) -> None:
        """Take what a store's records of a data set tell of models that no store before knew."""
        points: dict[tuple[str, str, str], list[tuple[Measured, RunRecord]]] = defaultdict(list)
        newest: dict[tuple[str, str, str], tuple[object, ...]] = {}
        for record in sorted(records, key=lambda one: one.started_at, reverse=True):
            like = record.run.dataset, record.run.model, record.run.profile
            elsewhere = record.cost is not None and record.cost.device != "cpu" and self.settings.device == "cpu"
            if elsewhere or newest.setdefault(like, record.model.identity) != record.model.identity:
                continue
            if (point := measured(record)) is not None:
                points[record.run.dataset, record.run.model, record.run.profile].append((point, record))
        exact = {like: self._recorded(found) for like, found in points.items()}
        self._exact = exact | self._exact
        self._known = _joined(exact) | self._known

    def _recorded(self, found: Sequence[tuple[Measured, RunRecord]]) -> Known:
        """Runs that differ in their seeds: means of times."""
        points, records = zip(*found, strict=True)
        cost, there = records[-1].cost, records[-1].environment
        names = ("fit", "predict", "scoring", "rest", "epoch")
        point = points[-1].model_copy(update={name: mean(getattr(one, name) for one in points) for name in names})
        law = Law((point,), lasting=mean(map(lasting, records)))
        if cost is None or cost.device != "cpu" or there.gemm_gflops is None:
            return Known(law, RECORDS)  # For a network on a GPU the processor's speed does not matter.
        used = min(1.0, cost.threads / there.cores)
        machine = self.timings.machine
        gflops = max(record.environment.gemm_gflops or 0.0 for record in records)  # In its quietest moment.
        training = machine.training.get(cost.precision or "")
        relative = gflops / machine.gemm_gflops
        return Known(law, RECORDS, gflops * used, None if training is None else training * relative * used)

    def _believe_timings(self, dataset: str) -> None:
        machine = self.timings.machine
        exact = {
            (dataset, one.model, one.profile): Known(
                Law((one.cost,), lasting=one.lasting),
                TIMINGS,
                machine.gemm_gflops,
                machine.training.get(one.cost.precision or ""),
            )
            for one in self.timings.runs
            if one.dataset == dataset
        }
        self._exact = exact | self._exact  # Before what records of other numbers of images would tell.
        self._known = _joined(exact) | self._known

    def _likeness(self, planned: Planned) -> Known | None:
        """By the reference timings of another data set, those on the most similar number of images."""
        target, machine = self._target(planned), self.timings.machine
        found = [one for one in self.timings.runs if one.model == planned.model.name and one.profile != "quick"]
        if not found:
            return None
        nearest = min(found, key=lambda one: abs(math.log(one.cost.train / max(1, target.train))))
        law = Law((nearest.cost,), planned.model.growth, lasting=nearest.lasting)
        return Known(law, LIKENESS, machine.gemm_gflops, machine.training.get(nearest.cost.precision or ""))

    def _tried(self, planned: Planned, points: Sequence[Measured]) -> Known:
        """By a pilot here; how a training goes on after its first epochs is told by the reference timings."""
        name = planned.model.base or planned.model.name
        typical = [one for one in self.timings.runs if (one.model, one.profile) == (name, "full")]
        steady, lasts = (typical[0].steady, typical[0].lasting) if typical else (1.0, 1.0)
        return Known(Law(tuple(points), planned.model.growth, steady, lasts), PILOT)

    def _probe(self, waiting: Sequence[Planned]) -> None:
        """Measure how fast networks are here, if it matters."""
        networks = [(planned, known) for planned in waiting if (known := self._of(planned)) and known.training]
        if self._training is None and sum(self._seconds(*one) for one in networks) > WORTH_MEASURING_SECONDS:
            warm_up()
            answer = ask(_training_speed, self.settings.device, self.settings.threads, limit_seconds=PROBE_SECONDS)
            self._training = answer

    def _seconds(self, planned: Planned, known: Known) -> float:
        """Expected here: in proportion to the speed of what does the work."""
        seconds, here = known.law.seconds(self._target(planned)), self.environment.gemm_gflops
        slowest, fastest = SPEED_LIMITS
        if known.training is not None and self._training is not None:
            return seconds * min(max(known.training / self._training, slowest), fastest)
        if known.gflops is None or here is None:
            return seconds
        used = min(1.0, (self.settings.threads or 1) / self.environment.cores)
        return seconds * min(max(known.gflops / (here * used), slowest), fastest)

    def _of(self, planned: Planned) -> Known | None:
        run = planned.run
        return self._exact.get((run.dataset, run.model, run.profile)) or self._known.get((run.dataset, run.model))

    def _target(self, planned: Planned) -> Target:
        if planned.run not in self._targets:
            dataset = planned.prepared.dataset
            parts = parts_for(dataset, planned.profile)
            self._targets[planned.run] = Target(
                train=len(parts.train),
                validation=len(parts.validation),
                test=len(parts.test),
                numbers=math.prod(dataset.train_images.shape[1:]),
                epochs=epochs_of(planned),
                corruptions=self.settings.corruptions,
            )
        return self._targets[planned.run]


def _joined(exact: dict[tuple[str, str, str], Known]) -> dict[tuple[str, str], Known]:
    """The law of a model by its runs under several profiles: those on the most images.

    Under the profile quick models have other parameters; it counts where there is nothing else.
    """
    by_model: dict[tuple[str, str], list[tuple[str, Known]]] = defaultdict(list)
    for (dataset, model, profile), known in exact.items():
        by_model[dataset, model].append((profile, known))
    joined = {}
    for pair, found in by_model.items():
        chosen = [known for profile, known in found if profile != "quick"] or [known for _, known in found]
        by_size = {known.law.points[0].train: known for known in chosen}
        sizes = sorted(by_size)[-2:]
        largest = by_size[sizes[-1]]
        points = tuple(by_size[size].law.points[0] for size in sizes)
        joined[pair] = dataclasses.replace(largest, law=dataclasses.replace(largest.law, points=points))
    return joined


def _training_speed(device: str, threads: int | None) -> float:
    """In a process that may import PyTorch."""
    from cnn.speed import training_speed

    return training_speed(device, threads=threads)[1]
