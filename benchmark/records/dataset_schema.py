"""The shape of what is written about data sets: their description, integrity checks and near duplicates."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, JsonValue, model_validator

from benchmark.records.schema import ClassNames, Count, Line, Model, Name, Positive, Sha256, Words

Outcome = Literal["passed", "warning", "failed"]


class AuditCheck(Model):
    name: Line
    outcome: Outcome
    detail: Line


class Audit(Model):
    """The integrity checks of a data set, and how many images each class has."""

    checks: tuple[AuditCheck, ...]
    train_per_class: tuple[Count, ...]
    test_per_class: tuple[Count, ...]
    leaked: Annotated[
        tuple[Count, ...],
        Field(description="test images that are copies, or near duplicates, of training or validation images"),
    ] = ()

    @property
    def passed(self) -> bool:
        return all(check.outcome != "failed" for check in self.checks)


class DatasetSummary(Model):
    """``dataset.json`` of a collection: what the data were, and whether they were sound."""

    schema_version: Literal[2] = 2
    name: Name
    title: Words
    description: Words
    fingerprint: Sha256
    source: Words
    class_names: ClassNames
    image_shape: tuple[Positive, Positive, Positive]
    train_size: Count
    validation_size: Count
    test_size: Count
    audit: Audit
    groups: Annotated[Count | None, Field(description="groups of images that no split separates")] = None
    preparation: dict[str, JsonValue] = Field(
        default={}, description="how images were brought to their common size and channels"
    )
    skipped: dict[str, Count] = Field(default={}, description="files that were skipped, by reason")
    skipped_files: dict[Words, Words] = Field(
        default={}, description="the first of them, by path relative to the data set's, with the whole reason"
    )
    reading: dict[str, JsonValue] | None = Field(
        default=None, description="options with which the user's own pictures were read; null for a registered data set"
    )
    choices: tuple[Words, ...] = Field(default=(), description="what was decided by looking at the data")


class NearDuplicate(Model):
    """An image and the training image that is most like it. ``train_index``, and ``index`` of a validation image,
    count in the training pool, ``index`` of a test image in the test set."""

    index: Count
    train_index: Count
    distance: Annotated[float, Field(ge=0, le=2)]
    label: Count
    train_label: Count


class DuplicateSearch(Model):
    """How near the images of one part come to the training images; ``closest`` begins with the nearest pair."""

    part: Literal["test", "validation"]
    n_images: Positive
    median_distance: Annotated[float, Field(ge=0, le=2)]
    threshold: Annotated[float, Field(ge=0, le=2, description="nearer pairs count as near duplicates")]
    count: Count
    disagreeing: Annotated[Count, Field(description="near duplicates that have different labels")]
    closest: tuple[NearDuplicate, ...]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not self.disagreeing <= self.count <= self.n_images:
            raise ValueError("there are more near duplicates than images, or fewer than disagree")
        return self


class DataAudit(Model):
    """``audit.json`` of a collection: images of one part that are nearly those of another."""

    schema_version: Literal[2] = 2
    name: Name
    fingerprint: Sha256
    searches: tuple[DuplicateSearch, ...]
