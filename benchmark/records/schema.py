"""The shape of what is written: records of runs, as versioned JSON. Records of schema 1 are upgraded when read.

``docs/record.schema.json`` is the JSON Schema of :class:`RunRecord`, kept in step by a test.
"""

from __future__ import annotations

import json
import math
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, model_validator

from benchmark.specs import NAME, Run
from benchmark.utils.format import printable

SCHEMA_VERSION: Literal[2] = 2

Status = Literal["ok", "error", "timeout", "out-of-memory", "crashed", "unsupported"]
SEVERITIES = 5
Fraction = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0, lt=2**63)]
Positive = Annotated[int, Field(ge=1, lt=2**63)]
Seconds = Annotated[float, Field(ge=0, le=1e9, description="seconds")]
EpochValue = Annotated[float, Field(ge=-1e12, le=1e12)]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
# Text of a model, a data set or whoever sent the record: nothing of it may steer a terminal.
Line = Annotated[str, AfterValidator(printable)]
Text = Annotated[Line, Field(min_length=1, max_length=100)]
MOST_CLASSES, LONGEST_NAME = 1000, 200
ClassName = Annotated[Line, Field(min_length=1, max_length=LONGEST_NAME)]
ClassNames = Annotated[tuple[ClassName, ...], Field(min_length=2, max_length=MOST_CLASSES)]
Words = Annotated[Line, Field(max_length=10_000)]
Name = Annotated[str, Field(pattern=NAME, description="canonical name")]


def _writable(value: JsonValue) -> JsonValue:
    """Refuse what JSON cannot hold: numbers that are not finite, text that is not Unicode."""
    json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    return value


class Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class RunInfo(Model):
    """Which run this is the record of. ``fold`` and ``repeat`` are those of cross-validation, where there is one."""

    dataset: Name
    model: Name
    seed: Count
    profile: Name
    fold: Count | None = None
    repeat: Count | None = None

    def to_run(self) -> Run:
        return Run(self.dataset, self.model, self.seed, self.profile, self.fold, self.repeat)


class DatasetInfo(Model):
    """The data of the run."""

    title: Words
    fingerprint: Sha256
    source: Words
    class_names: ClassNames
    image_shape: Annotated[tuple[Positive, Positive, Positive], Field(description="height, width, channels")]
    train_size: Count
    validation_size: Count
    test_size: Count
    groups: Annotated[Count | None, Field(description="groups of images that no split separates")] = None
    metric: Annotated[Name, Field(description="by which models are compared where no other is asked for")] = "accuracy"
    preparation: Annotated[
        dict[str, JsonValue], Field(description="how images were brought to their common size and channels")
    ] = {}

    @property
    def sizes(self) -> tuple[int, int, int]:
        """Training, validation and test images."""
        return self.train_size, self.validation_size, self.test_size

    @property
    def n_images(self) -> int:
        return sum(self.sizes)

    @property
    def identity(self) -> tuple[object, ...]:
        """What two runs must share for their images to be the same."""
        return self.fingerprint, *self.sizes, self.class_names, self.image_shape


class ModelInfo(Model):
    """Which model it was. ``implementation`` names the class that ran, with its package's version."""

    family: Literal["baseline", "network"]
    convolutional: Annotated[bool, Field(description="whether it is a CNN: a network with convolutions")]
    pretrained: Annotated[Text | None, Field(description="data set of its pre-trained weights; null: from scratch")]
    version: int
    description: Line
    build: Line
    params: dict[str, Annotated[JsonValue, AfterValidator(_writable)]]
    implementation: Line | None
    stochastic: Annotated[bool | None, Field(description="whether another seed may give another result")] = None
    trivial: Annotated[bool, Field(description="whether it never looks at an image: a reference line")] = False
    base: Annotated[Name | None, Field(description="the registered model that settings have made this one of")] = None
    settings: tuple[Line, ...] = ()
    adapted: Annotated[
        dict[str, Annotated[JsonValue, AfterValidator(_writable)]],
        Field(description="those of the parameters that follow the images: their size and number, uneven classes"),
    ] = {}
    source: Annotated[Sha256 | None, Field(description="SHA-256 of what a model without a package is made of")] = None

    @property
    def identity(self) -> tuple[object, ...]:
        """What two runs must share to be runs of the same model."""
        return self.build, self.version, self.params, self.source

    def differences(self, other: ModelInfo) -> list[str]:
        """What of the identity differs, in words: this one's value and the other's."""
        changed = []
        if self.build != other.build:
            changed.append(f"build: {self.build} and {other.build}")
        if self.version != other.version:
            changed.append(f"version {self.version} and {other.version}")
        if self.source != other.source:
            changed.append("its own code")
        names = sorted(self.params.keys() | other.params.keys())
        pairs = [(name, self.params.get(name), other.params.get(name)) for name in names]
        return changed + [f"{name}: {one!r} and {two!r}" for name, one, two in pairs if one != two]


class ClassScores(Model):
    """One class's scores; where nothing was predicted as the class, precision and F1 are 0."""

    precision: Fraction
    recall: Fraction
    f1: Fraction
    support: Count


class Metrics(Model):
    """Scores on one part. ``confusion[i][j]`` counts images of class i predicted as class j; of many classes there are
    ``cells`` instead: i, j and the count wherever it is not 0."""

    n_images: Positive
    accuracy: Fraction
    per_class: tuple[ClassScores, ...]
    confusion: tuple[tuple[Count, ...], ...] | None = None
    cells: tuple[tuple[Count, Count, Count], ...] | None = None
    further: Annotated[dict[Text, float], Field(description="further metrics, by name")] = {}

    @property
    def matrix(self) -> np.ndarray:
        """The confusion matrix, int64 (n_classes, n_classes): rows actual, columns predicted."""
        if self.confusion is not None:
            return np.array(self.confusion, dtype=np.int64)
        found = np.zeros((len(self.per_class),) * 2, dtype=np.int64)
        actual, predicted, counts = np.array(self.cells, dtype=np.int64).reshape(-1, 3).T
        found[actual, predicted] = counts
        return found

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        k = len(self.per_class)
        if (self.confusion is None) == (self.cells is None):
            raise ValueError("there must be either a confusion matrix or its cells")
        if self.confusion is not None and (len(self.confusion) != k or any(len(row) != k for row in self.confusion)):
            raise ValueError("the confusion matrix is not classes x classes")
        places = [(i, j) for i, j, _ in self.cells or ()]
        if len(set(places)) < len(places) or any(max(place) >= k for place in places):
            raise ValueError("a cell of the confusion matrix is there twice, or of a class that is not there")
        counts = (n for row in self.confusion or () for n in row) if self.cells is None else (n for *_, n in self.cells)
        if sum(counts) != self.n_images:  # Python's integers do not overflow.
            raise ValueError("the confusion matrix does not add up to n_images")
        matrix = self.matrix
        if matrix.sum(axis=1).tolist() != [scores.support for scores in self.per_class]:
            raise ValueError("the supports are not the rows' sums of the confusion matrix")
        if not math.isclose(matrix.trace() / self.n_images, self.accuracy, abs_tol=1e-9):
            raise ValueError("the accuracy is not that of the confusion matrix")
        return self


class Cost(Model):
    """What the run cost. Data preparation, imports and corrupted images are in ``total_seconds`` only.

    Features that came from a cache were computed by an earlier run: their seconds are counted here again,
    the memory that computing them took is not.
    """

    fit_seconds: Annotated[Seconds, Field(description="fit, validation of epochs and all features included")]
    predict_seconds: Annotated[Seconds, Field(description="predicting the test images once, features included")]
    cached_seconds: Annotated[
        Seconds, Field(description="part of the two above that was not spent again: features came from a cache")
    ] = 0.0
    scoring_seconds: Annotated[
        Seconds, Field(description="all further predictions: validation images, probabilities, other ways to predict")
    ] = 0.0
    latency_seconds: Annotated[
        Seconds | None, Field(description="predicting one image alone, median; null: not measured")
    ] = None
    total_seconds: Annotated[Seconds, Field(description="from the start of the process to its end")]
    peak_memory_bytes: Annotated[
        Count | None,
        Field(description="resident peak of the run's process, less what it had when its libraries were loaded"),
    ]
    parameter_count: Annotated[Count | None, Field(description="numbers kept to predict with")]
    threads: Positive
    device: Line
    precision: Annotated[Line | None, Field(description="of a network's arithmetic, such as float32")] = None


class Variant(Model):
    """The same fitted model, predicting in another way."""

    validation: Metrics
    test: Metrics
    predict_seconds: Seconds


class Environment(Model):
    """Where it ran: hardware, system, package versions, and the state of the source code."""

    cpu: Line
    cores: Positive
    gemm_gflops: Annotated[
        float | None,
        Field(gt=0, le=1e9, description="float32 matrix product, best of several; 1e9 operations a second"),
    ] = None
    gpu: Line | None
    system: Line
    python: Line
    packages: dict[Line, Line]
    commit: Annotated[str, Field(pattern="^[0-9a-f]{7,64}$")] | None
    dirty: Annotated[bool | None, Field(description="whether the source differed from the commit")]


class Predictions(Model):
    """The ``.npz`` beside the record: indices, labels and predicted labels of every validation and test image and,
    unless ``scores`` is null, one number per image and class (:mod:`benchmark.records.npz` says how)."""

    file: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*\.npz$")]
    sha256: Sha256
    scores: Literal["probabilities", "decision values"] | None


class SavedModel(Model):
    """The fitted model beside the record."""

    file: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*\.(safetensors|skops)$")]
    sha256: Sha256
    format: Literal["safetensors", "skops"]
    size_bytes: Count
    classes: Annotated[
        tuple[Count, ...] | None,
        Field(description="label of each number that it predicts, where training images did not show all classes"),
    ] = None

    @model_validator(mode="after")
    def _named_after_its_format(self) -> Self:
        if not self.file.endswith(f".{self.format}"):
            raise ValueError(f"{self.file} is not the name of a {self.format} file")
        return self


class NotSaved(Model):
    """Why a fitted model was not saved although it was to be."""

    reason: Line
    lasting: Annotated[bool, Field(description="whether it would be so again if the model were fitted again")]


class RunRecord(Model):
    """One run's outcome. ``validation``, ``test``, ``cost`` and ``predictions`` are there if it is ``ok``."""

    schema_version: Literal[2] = 2
    status: Status
    reason: Words | None = None
    warnings: Annotated[tuple[Words, ...], Field(description="what makes the result doubtful")] = ()
    started_at: Annotated[str, Field(description="ISO 8601, UTC")]
    run: RunInfo
    random_state: Annotated[int, Field(description="the seed that the model was given")]
    dataset: DatasetInfo
    model: ModelInfo
    environment: Environment
    validation: Metrics | None = None
    test: Metrics | None = None
    cost: Cost | None = None
    variants: Annotated[dict[Text, Variant], Field(description="other ways to predict, by what is different")] = {}
    epochs: tuple[dict[str, EpochValue | None], ...] = ()
    epoch_tests: Annotated[
        tuple[Fraction | None, ...],
        Field(
            description="test accuracy from one view with each epoch's weights, looked up after the fit: "
            "nothing was chosen by it; null for epochs far behind the best on the validation images"
        ),
    ] = ()
    corruptions: Annotated[
        dict[Text, Annotated[tuple[Fraction, ...], Field(min_length=SEVERITIES, max_length=SEVERITIES)]],
        Field(description="accuracy on corrupted test images, by corruption, from the mildest severity on"),
    ] = {}
    needed_memory_bytes: Annotated[
        Count | None, Field(description="estimate of what a run would take that was not started for want of memory")
    ] = None
    predictions: Predictions | None = None
    saved: SavedModel | None = None
    not_saved: NotSaved | None = None

    @property
    def data_identity(self) -> tuple[object, ...]:
        """What two runs must share for their images to be the same; of folds, which differ in size, all together."""
        info = self.dataset
        if self.run.fold is None:
            return info.identity
        return info.fingerprint, info.n_images, info.class_names, info.image_shape

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.status == "ok":
            absent = [name for name in ("validation", "test", "cost", "predictions") if getattr(self, name) is None]
            if absent:
                raise ValueError(f"an ok record needs {', '.join(absent)}")
            varied = [metrics for v in self.variants.values() for metrics in (v.validation, v.test)]
            for metrics in (self.validation, self.test, *varied):
                if metrics is not None and len(metrics.per_class) != len(self.dataset.class_names):
                    raise ValueError("the metrics do not have as many classes as the data set")
            tests = [self.test, *(v.test for v in self.variants.values())]
            if any(test is not None and test.n_images != self.dataset.test_size for test in tests):
                raise ValueError("the metrics are not on as many images as the data set's test part has")
        elif not self.reason:
            raise ValueError(f"a record with status {self.status} needs a reason")
        return self
