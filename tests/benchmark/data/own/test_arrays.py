"""Images and labels in arrays: which array is what, every usual layout and range, and nothing run that is in a file."""

from __future__ import annotations

import gc
import gzip
import pickle
import struct
import warnings
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.data.own.arrays import ROLES, as_images, role
from benchmark.data.own.items import PART_NAMES
from benchmark.errors import UserError

N, SIDE = 40, 8
LABELS = np.arange(N) % 2
GREY = np.random.default_rng(0).integers(0, 256, (N, SIDE, SIDE), dtype=np.uint8)
COLOUR = np.random.default_rng(1).integers(0, 256, (N, SIDE, SIDE, 3), dtype=np.uint8)
# What stands between the words of a name; letters run together only where a digit or nothing follows them.
BETWEEN = st.sampled_from(["_", "-", ".", " ", "/"])
REST = st.sampled_from(["", "_1", "2", "-idx3-ubyte"])


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.astype(np.uint8).tobytes()


def write_idx(folder: Path, ending: str = "", train: int = 30) -> Path:
    """The four files of MNIST; the path of the training images."""
    for part, rows in (("train", slice(train)), ("t10k", slice(train, None))):
        for kind, array in (("images-idx3", GREY[rows]), ("labels-idx1", LABELS[rows])):
            content = idx(array)
            path = folder / f"{part}-{kind}-ubyte{ending}"
            path.write_bytes(gzip.compress(content) if ending else content)
    return folder / f"train-images-idx3-ubyte{ending}"


def same(found, images, key: str = "X", labels=None) -> None:
    """Every image and label came through as it was."""
    expected = images[..., None] if images.ndim == 3 else images
    assert len(found.names) == len(images)
    for row, image in enumerate(expected):
        assert (found.images[f"{key}[{row}]"] == image).all()
    labels = [str(label) for label in (LABELS if labels is None else labels)]
    assert [found.labels[f"{key}[{row}]"] for row in range(len(images))] == labels


@given(st.sampled_from(sorted(ROLES)), st.sampled_from(sorted(PART_NAMES)), BETWEEN, REST, st.booleans(), st.data())
def test_an_array_is_known_by_the_words_of_its_name(word, part, between, rest, first, data):
    pair = [part, word] if first else [word, part]
    name = between.join(pair) + rest
    name = data.draw(st.sampled_from([name, name.upper(), name.title()]))
    assert role(name) == (ROLES[word], PART_NAMES[part])
    assert role(word + rest) == (ROLES[word], None)


@given(st.text(st.characters(codec="ascii"), max_size=12))
def test_no_other_name_is_one_of_a_part_alone(name):
    found = role(name)
    if found is not None:
        assert found[0] in {*ROLES.values(), "names"}
        assert any(word in name.lower() for word in (*ROLES, "names"))


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("t10k-images-idx3-ubyte", ("images", "test")),
        ("T10K-labels.idx1-ubyte", ("labels", "test")),
        ("X", ("images", None)),
        ("y_val", ("labels", "validation")),
        ("class_names", ("names", None)),
        ("target_names", ("names", None)),
        ("train", None),
        ("arr_0", None),
        ("mean", None),
        ("", None),
    ],
)
def test_arrays_of_the_usual_files(name, found):
    assert role(name) == found


@pytest.mark.parametrize("images", [GREY, COLOUR], ids=["grey", "colour"])
def test_medmnist_is_read_with_its_parts(make, read, images):
    rows = {"train": slice(24), "val": slice(24, 30), "test": slice(30, N)}
    arrays = {f"{part}_images": images[chosen] for part, chosen in rows.items()}
    arrays |= {f"{part}_labels": LABELS[chosen, None].astype(np.uint8) for part, chosen in rows.items()}
    found = read(make.npz(**arrays))
    assert found.dataset.train_images.shape[1:] == (SIDE, SIDE, images[0].size // SIDE**2)
    for part, name in (("train", "train"), ("val", "validation"), ("test", "test")):
        chosen = {image for image, given in found.parts.items() if given == name}
        assert chosen == {f"{part}_images[{row}]" for row in range(len(arrays[f"{part}_labels"]))}
    assert (found.images["val_images[2]"].squeeze() == images[26]).all()
    assert found.labels["val_images[3]"] == "1"


def test_keras_is_read_and_validation_is_held_out(make, read):
    found = read(make.npz(x_train=GREY[:30], y_train=LABELS[:30], x_test=GREY[30:], y_test=LABELS[30:]))
    assert {name for name, part in found.parts.items() if part == "test"} == {f"x_test[{row}]" for row in range(10)}
    assert len(found.dataset.split.validation) == 4
    assert "the given test part is kept" in found.choices


def test_images_and_labels_alone_are_divided(make, read):
    found = read(make.npz(X=GREY, y=LABELS))
    same(found, GREY)
    assert len(found.dataset.test_labels) == 8


def test_test_images_without_labels_are_not_used_and_that_is_said(make, read):
    found = read(make.npz(x_train=GREY[:30], y_train=LABELS[:30], x_test=GREY[30:]))
    assert len(found.names) == 30
    assert "x_test has no labels and is not used" in found.choices


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (np.eye(2)[LABELS], ("0", "1")),
        (LABELS + 1, ("1", "2")),
        (LABELS[:, None], ("0", "1")),
        (np.array(["cat", "dog"])[LABELS], ("cat", "dog")),
        (np.array([b"cat", b"dog"])[LABELS], ("cat", "dog")),
        (LABELS.astype(bool), ("False", "True")),
        (LABELS.astype(np.float64), ("0", "1")),
        (LABELS * 90 - 45, ("-45", "45")),
    ],
)
def test_labels_of_every_kind_name_the_classes(make, read, labels, names):
    found = read(make.npz(X=GREY, y=labels))
    assert found.dataset.class_names == names
    same(found, GREY, labels=np.array(names)[LABELS])


@pytest.mark.parametrize("key", ["class_names", "label_names", "names"])
def test_names_of_classes_in_the_file_are_used(make, read, key):
    assert read(make.npz(X=GREY, y=LABELS, **{key: np.array(["cat", "dog"])})).dataset.class_names == ("cat", "dog")


def test_names_of_classes_may_be_bytes(make, read):
    assert read(make.npz(X=GREY, y=LABELS, class_names=np.array([b"cat", b"dog"]))).dataset.class_names == (
        "cat",
        "dog",
    )


@pytest.mark.parametrize("key", ["file_names", "image_names", "patient-names"])
def test_names_of_files_are_no_names_of_classes(make, read, key):
    names = np.array([f"{number}.png" for number in range(N)])
    assert read(make.npz(X=GREY, y=LABELS, **{key: names})).dataset.class_names == ("0", "1")


def test_groups_in_the_file_stay_together(make, read):
    found = read(make.npz(X=GREY, y=LABELS, groups=np.arange(N) // 4))
    for group in range(N // 4):
        assert len({found.parts[f"X[{row}]"] for row in range(4 * group, 4 * group + 4)}) == 1
    assert found.dataset.account.groups == N // 4


def test_a_missing_label_is_skipped_by_the_images_place(make, read):
    labels = LABELS.astype(float)
    labels[3] = np.nan
    found = read(make.npz(X=GREY, y=labels))
    assert found.skipped == {"X[3]": "it has no label"}
    assert (found.images["X[4]"][..., 0] == GREY[4]).all()


LAYOUTS = {
    "one channel last": (lambda: GREY[..., None], GREY),
    "one channel first": (lambda: GREY[:, None], GREY),
    "colour first": (lambda: np.moveaxis(COLOUR, 3, 1), COLOUR),
    "colour last": (lambda: COLOUR, COLOUR),
    "flat": (lambda: GREY.reshape(N, -1), GREY),
    "Fortran's order": (lambda: np.asfortranarray(COLOUR), COLOUR),
    "0 to 1": (lambda: (GREY / 255).astype(np.float32), GREY),
    "0 to 1, half precision": (lambda: (GREY // 128 * 1.0).astype(np.float16), GREY // 128 * 255),
    "0 to 255": (lambda: GREY.astype(np.float64), GREY),
    "0 to 255, whole": (lambda: GREY.astype(np.int32), GREY),
    "16 bits": (lambda: GREY.astype(np.uint16) * 257, GREY),
    "16 bits, big-endian": (lambda: (GREY.astype(np.uint16) * 257).astype(">u2"), GREY),
    "true and false": (lambda: GREY > 127, (GREY > 127) * np.uint8(255)),
    "0 and 1": (lambda: (GREY > 127).astype(np.int64), (GREY > 127) * np.uint8(255)),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_and_range_gives_the_same_images(layout):
    make_array, expected = LAYOUTS[layout]
    found = as_images(make_array(), "X")
    assert found.dtype == np.uint8
    assert (found == expected).all()


def test_zeros_and_ones_of_8_bits_are_black_and_white_too():
    assert as_images((GREY > 127).astype(np.uint8), "X").max() == 255


def test_transparent_pixels_of_arrays_are_laid_on_the_background(make, read):
    images = np.concatenate([COLOUR, np.full((N, SIDE, SIDE, 1), 255, np.uint8)], axis=3)
    images[:, 0, 0, 3] = 0
    path = make.npz(X=images, y=LABELS)
    for background, level in ((None, 255), ("black", 0)):
        found = read(path, background=background)
        assert (found.images["X[0]"][0, 0] == level).all()
        assert (found.images["X[0]"][1:] == COLOUR[0, 1:]).all()


@pytest.mark.parametrize(
    ("images", "texts"),
    [
        (np.zeros((N, SIDE, SIDE, SIDE), np.uint8), ("volumes in three dimensions", "(40, 8, 8, 8)")),
        (np.zeros((N, SIDE, SIDE, SIDE, 1), np.uint8), ("volumes in three dimensions", "(40, 8, 8, 8, 1)")),
        (np.zeros(N, np.uint8), ("no images", "(40,)")),
        (np.zeros((N, 50), np.uint8), ("rows of 50 numbers",)),
        (np.zeros((0, SIDE, SIDE), np.uint8), ("empty",)),
        (np.full((N, SIDE, SIDE), "a"), ("not numbers",)),
        (np.full((N, SIDE, SIDE), -0.5), ("from -0.5 to -0.5", "Scale them")),
        (np.full((N, SIDE, SIDE), 300.0), ("from 300 to 300", "Scale them")),
        (np.full((N, SIDE, SIDE), np.inf), ("inf",)),
        (np.where(np.arange(N) == 3, np.nan, 0.5)[:, None, None] * np.ones((SIDE, SIDE)), ("NaN",)),
        (np.full((N, SIDE, SIDE), 1j), ("not numbers",)),
    ],
)
def test_what_is_no_image_in_two_dimensions_is_refused(make, refused, images, texts):
    labels = LABELS[: len(images)]
    refused(make.npz(X=images, y=labels), "X", *texts)


@pytest.mark.filterwarnings("ignore:invalid value encountered in cast")
@pytest.mark.parametrize("row", [0, 999, 1000, 2100])
def test_not_a_number_is_found_in_whatever_image(row):
    images = np.full((2200, 2, 2), 0.5)
    images[row, 1, 1] = np.nan
    with pytest.raises(UserError, match="NaN"):
        as_images(images, "X")


@pytest.mark.parametrize(
    ("labels", "texts"),
    [
        (LABELS[:-1], ("39 labels", "40 images")),
        (np.random.default_rng(0).random(N), ("regression",)),
        (np.eye(5)[LABELS] + np.eye(5)[4], ("multi-label",)),
        (np.arange(N), ("40 different labels",)),
        (LABELS * 0, ("only one class",)),
        pytest.param(np.full(N, np.nan), ("it has no label",)),
    ],
)
def test_labels_that_are_no_classes_are_refused(make, refused, labels, texts):
    refused(make.npz(X=GREY, y=labels), *texts)


def test_a_file_without_known_arrays_is_refused_with_those_it_has(make, refused):
    error = refused(make.npz(arr_0=GREY, arr_1=LABELS), "data.npz", "arr_0, arr_1")
    assert "x_train and y_train" in error.remedy


class Mark:
    """Leaves a file where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize(
    "how", ["labels of an npz", "another array of an npz", "npy", "pickle as npz", "pickle as npy"]
)
def test_python_objects_are_refused_and_not_run(make, read, refused, how):
    mark = Mark(make.root / "it was run")
    objects = np.array([mark] * N, dtype=object)
    if how == "labels of an npz":
        path = make.npz(X=GREY, y=objects)
    elif how == "another array of an npz":
        read(make.npz(X=GREY, y=LABELS, extra=objects))  # Which is of no use, and so not read.
        assert not mark.path.exists()
        return
    elif how == "npy":
        np.save(make.root / "y.npy", objects)
        np.save(make.root / "X.npy", GREY)
        path = make.root / "X.npy"
    else:
        path = make.file(f"data.{how[-3:]}", pickle.dumps([mark]))
    refused(path, f"it is not an .{how[-3:]} file" if "pickle as" in how else "Python objects")
    assert not mark.path.exists()
    pickle.loads(pickle.dumps(mark))  # It would have been noticed.
    assert mark.path.exists()


def test_npy_files_that_belong_together_are_read_by_one_of_them_or_by_their_folder(make, read):
    for name, array in (("X", GREY), ("y", LABELS)):
        np.save(make.root / f"{name}.npy", array)
    make.file("notes.txt", "text")
    found = read(make.root / "X.npy")
    same(found, GREY)
    assert read(make.root / "y.npy").dataset.fingerprint == read(make.root).dataset.fingerprint


def test_npy_files_of_parts_are_kept_apart(make, read):
    for name, array in (
        ("x_train", GREY[:30]),
        ("y_train", LABELS[:30]),
        ("x_test", GREY[30:]),
        ("y_test", LABELS[30:]),
    ):
        np.save(make.root / f"{name}.npy", array)
    assert len(read(make.root).dataset.test_labels) == 10


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_idx_files_are_read_by_one_of_them_or_by_their_folder(make, read, ending):
    path = write_idx(make.root, ending)
    found = read(path)
    assert (found.dataset.test_images[..., 0] == GREY[30:]).all()
    assert found.dataset.test_labels.tolist() == LABELS[30:].tolist()
    assert {f"{path.name}[{row}]" for row in range(30)} == set(found.dataset.account.train_names)
    assert read(make.root).dataset.fingerprint == found.dataset.fingerprint


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("data.npz", b""),
        pytest.param(*("data.npz", b"<!DOCTYPE html>")),
        ("data.npy", b""),
        ("data.npy", b"\x93NUMPY\1\0\xff\xff{"),
        ("train-images-idx3-ubyte", b""),
        ("train-images-idx3-ubyte", b"\0\0\x0d\1\0\0\0\1\0\0\0\0"),
        ("train-images-idx3-ubyte", idx(GREY)[:-1]),
        ("train-images-idx3-ubyte.gz", b"text"),
        ("train-images-idx3-ubyte.gz", gzip.compress(idx(GREY))[:-20]),
    ],
)
def test_a_damaged_file_is_refused_by_name(make, refused, name, content):
    refused(make.file(name, content), f"{name} cannot be read")


def test_damaged_bytes_within_an_npz_are_refused_by_name(make, refused):
    np.savez_compressed(make.root / "data.npz", X=GREY, y=LABELS)
    content = bytearray((make.root / "data.npz").read_bytes())
    content[200:400] = bytes(200)
    (make.root / "data.npz").write_bytes(content)
    refused(make.root / "data.npz", "data.npz cannot be read")


def test_a_damaged_npz_is_closed(make, refused):
    """An open file cannot be deleted on Windows."""
    path = make.npz(X=GREY, y=LABELS)
    path.write_bytes(path.read_bytes()[:-100])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        refused(path, "data.npz cannot be read")
        gc.collect()
    assert [str(warning.message) for warning in caught if warning.category is ResourceWarning] == []


@pytest.mark.parametrize("name", ["labels.csv.gz", "data.npz.gz", "X.npy.gz"])
def test_what_is_compressed_and_not_understood_is_refused_by_name(make, refused, name):
    refused(make.file(name, gzip.compress(b"image,label\n")), name)


def test_several_npz_files_in_a_folder_are_refused_by_name(make, refused):
    make.npz("a.npz", X=GREY, y=LABELS)
    make.npz("b.npz", X=GREY, y=LABELS)
    assert "Name one of them" in refused(make.root, "a.npz, b.npz").remedy


def test_one_npz_file_per_part_is_of_that_part(make, read):
    for part, rows in (("train", slice(30)), ("test", slice(30, N))):
        (make.root / part).mkdir()
        make.npz(f"{part}/data.npz", X=GREY[rows], y=LABELS[rows])
    found = read(make.root)
    assert len(found.dataset.test_labels) == 10
