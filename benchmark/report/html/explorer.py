"""What the page's explorers look up: predictions of every test image, and the pictures of those worth seeing."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image

from benchmark.report.document import MANY_CLASSES
from benchmark.report.evidence import Evidence

PER_CELL = 12  # Images of each cell of a model's confusion matrix.
MOST_PIXEL_BYTES = 2_000_000  # Of all images together, unpacked: about 2,500 of Fashion-MNIST.
MOST_IMAGES = 4_000
LARGEST_SIDE = 64  # Pixels; larger images are shrunk.
TOP = 3
ONE = 65_535  # Stands for a probability of 1.


def pack(evidence: Evidence) -> dict[str, Any]:
    """Labels, predicted labels and images of the test part, ready for JSON.

    Of each model its first seed is taken. Arrays are base64 of little-endian uint16; positions are those of the
    test part as the records have it.

    Returns
    -------
    dict
        ``labels`` (n,) or None where no predictions can be read; ``runs`` by model with ``seeds``, ``cells`` (actual
        class, predicted class and count of each cell of the confusion matrix above 0, in a row), and ``predicted``
        (n,), ``top`` and ``probabilities`` (n_images, 3) or None; ``images`` or None.
    """
    arrays = {s.name: evidence.predictions(s.stored[0]) for s in evidence.summaries}
    had = {name: found for name, found in arrays.items() if found is not None}
    reference = next(iter(had.values()), None)
    if reference is not None:  # What is about other images, or labels them otherwise, is not to be mixed in.
        same = ("test_index", "test_labels")
        had = {name: a for name, a in had.items() if all(np.array_equal(a[key], reference[key]) for key in same)}
    chosen = _choose(list(had.values()), evidence) if reference is not None else np.empty(0, dtype=np.int64)
    runs = {}
    for s in evidence.summaries:
        record, found = s.records[0], had.get(s.name)
        assert record.test is not None
        matrix = record.test.matrix
        actual, predicted = np.nonzero(matrix)
        cells = np.column_stack([actual, predicted, matrix[actual, predicted]])
        run: dict[str, Any] = {"seeds": s.n_seeds, "cells": cells.ravel().tolist()}
        run |= {"predicted": None, "top": None, "probabilities": None}
        if found is not None:
            run["predicted"] = _words(found["test_predicted"])
            if "test_probabilities" in found and len(chosen):
                run |= _largest(found["test_probabilities"][chosen])
        runs[s.name] = run
    return {
        "labels": None if reference is None else _words(reference["test_labels"]),
        "perCell": PER_CELL,
        "runs": runs,
        "images": None if reference is None else _sprite(chosen, reference["test_index"][chosen], evidence),
    }


def ranked(arrays: Mapping[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """The first PER_CELL positions of each cell of the confusion matrix, and each one's rank in its cell.

    Errors come surest first; of what is right, the least sure comes first.
    """
    labels, predicted = arrays["test_labels"], arrays["test_predicted"]
    probabilities = arrays.get("test_probabilities")
    sure = np.zeros(len(labels)) if probabilities is None else probabilities.max(axis=1)
    key = np.where(labels == predicted, sure, -sure)
    order = np.lexsort((np.arange(len(labels)), key, predicted, labels))
    cell = labels[order].astype(np.int64) * (int(predicted.max(initial=0)) + 1) + predicted[order]
    starts = np.flatnonzero(np.r_[True, cell[1:] != cell[:-1]]) if len(cell) else np.empty(0, dtype=np.int64)
    rank = np.arange(len(cell)) - np.repeat(starts, np.diff(np.r_[starts, len(cell)]))
    near = rank < PER_CELL
    return order[near], rank[near]


def _choose(models: Sequence[Mapping[str, np.ndarray]], evidence: Evidence) -> np.ndarray:
    """Positions (n,) of the images to show, sorted: every cell's first, then every cell's second, and so on; of many
    classes every model's largest cell, then every model's second largest, and so on."""
    data = evidence.pictures
    if data is None or data.test_images.shape[3] not in (1, 3) or not models:
        return np.empty(0, dtype=np.int64)
    if int(models[0]["test_index"].max(initial=0)) >= len(data.test_images):
        return np.empty(0, dtype=np.int64)
    found = [ranked(arrays) for arrays in models]
    if len(evidence.class_names) > MANY_CLASSES:  # There are more cells than images can be shown.
        found = [(place, _by_size(arrays, place, rank)) for arrays, (place, rank) in zip(models, found, strict=True)]
    places = np.concatenate([place for place, _ in found])
    # What is right is the larger part and the lesser interest: it comes after all errors.
    right = np.concatenate(
        [a["test_labels"][p] == a["test_predicted"][p] for a, (p, _) in zip(models, found, strict=True)]
    )
    order = np.lexsort((np.concatenate([rank for _, rank in found]), right))
    _, first = np.unique(places[order], return_index=True)
    unique = places[order][np.sort(first)]
    height, width = _size(data.test_images.shape[1:3])
    most = min(MOST_IMAGES, MOST_PIXEL_BYTES // (height * width * data.test_images.shape[3]))
    return np.sort(unique[:most])


def _by_size(arrays: Mapping[str, np.ndarray], places: np.ndarray, rank: np.ndarray) -> np.ndarray:
    """The turn (n,) of each of a model's images, by ``rank`` within their cells: errors first, largest cells first."""
    cells = np.column_stack([arrays["test_labels"], arrays["test_predicted"]])
    _, cell, counts = np.unique(cells, axis=0, return_inverse=True, return_counts=True)
    cell = cell.ravel()
    right = cells[places, 0] == cells[places, 1]
    turn = np.empty_like(rank)
    turn[np.lexsort((rank, cell[places], -counts[cell[places]], right))] = np.arange(len(rank))
    return turn


def _size(shape: tuple[int, ...]) -> tuple[int, int]:
    """Height and width of a picture, shrunk where it is large."""
    scale = min(1.0, LARGEST_SIDE / max(shape))
    return max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale))


def _sprite(chosen: np.ndarray, index: np.ndarray, evidence: Evidence) -> dict[str, Any] | None:
    """All chosen images in one PNG, row by row."""
    if evidence.pictures is None or not len(chosen):
        return None
    images = evidence.pictures.test_images
    height, width = _size(images.shape[1:3])
    columns = int(np.ceil(np.sqrt(len(chosen))))
    rows = -(-len(chosen) // columns)
    mode = "L" if images.shape[3] == 1 else "RGB"
    sheet = Image.new(mode, (columns * width, rows * height))
    for slot, place in enumerate(index):
        pixels = np.asarray(images[place])
        one = Image.fromarray(np.ascontiguousarray(pixels[..., 0] if mode == "L" else pixels))
        if one.size != (width, height):
            one = one.resize((width, height))
        sheet.paste(one, (slot % columns * width, slot // columns * height))
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG", optimize=True)
    return {
        "png": base64.b64encode(buffer.getvalue()).decode(),
        "columns": columns,
        "rows": rows,
        "width": width,
        "height": height,
        "positions": chosen.tolist(),
        "numbers": index.tolist(),
    }


def _largest(probabilities: np.ndarray) -> dict[str, str]:
    """Classes and values of the largest probabilities of each image; only 0 and 1 themselves become 0 and ONE."""
    top = np.argsort(-probabilities, axis=1, kind="stable")[:, :TOP]
    values = np.take_along_axis(probabilities, top, axis=1)
    scaled = np.clip(np.round(values * ONE), values > 0, np.where(values < 1, ONE - 1, ONE))
    return {"top": _words(top), "probabilities": _words(scaled)}


def _words(values: np.ndarray) -> str:
    return base64.b64encode(values.astype("<u2").tobytes()).decode()
