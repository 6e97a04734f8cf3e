"""A folder of class folders: which layouts are understood, what is a class, a part, or neither."""

from __future__ import annotations

import os
import shutil
import unicodedata
from collections import Counter
from pathlib import Path

import pytest

from benchmark.data.own import folder
from benchmark.data.own.items import PART_NAMES

FROM_TRAINING = 500  # Seeds of the pictures of another part.


def parted(make, names: dict[str, int], within: str = "photos") -> Path:
    """Folders of parts, each with so many pictures of every class."""
    for number, (name, n) in enumerate(names.items()):
        make.folder(f"{within}/{name}", n=n, first=number * FROM_TRAINING)
    return make.root / within


def by_folder(found) -> dict[str, set[str]]:
    """The parts that the pictures of each first folder are in."""
    parts: dict[str, set[str]] = {}
    for name, part in found.parts.items():
        parts.setdefault(name.partition("/")[0], set()).add(part)
    return parts


def test_every_class_folder_is_a_class_and_every_picture_is_read(make, read):
    found = read(make.folder())
    assert found.dataset.class_names == ("cats", "dogs")
    assert found.labels == {name: name.partition("/")[0] for name in make.members()}
    for place in range(20):
        name = f"{('cats', 'dogs')[place // 10]}/{place % 10:02}.png"
        assert (found.images[name] == make.pixels(place)).all()
    assert found.skipped == {}
    assert (found.spec.name, found.dataset.title) == ("photos", "photos")


def test_without_parts_a_fifth_is_held_out_and_some_of_the_rest_for_validation(make, read):
    found = read(make.folder(n=20))
    counts = Counter((found.labels[name], part) for name, part in found.parts.items())
    for label in ("cats", "dogs"):
        assert [counts[label, part] for part in ("train", "validation", "test")] == [14, 2, 4]
    assert "no test part is given: 8 pictures are held out for it" in found.choices
    assert "4 training pictures are held out for validation" in found.choices
    assert set(found.dataset.account.choices) <= set(found.said)


def test_the_division_does_not_depend_on_the_order_in_which_files_were_made(make, read):
    found = read(make.folder("one/photos"))
    (make.root / "two/photos").mkdir(parents=True)
    for name, content in sorted(make.members().items(), reverse=True):
        make.file(f"two/photos/{name}", content)
    other = read(make.root / "two/photos")
    assert other.dataset.fingerprint == found.dataset.fingerprint
    assert other.parts == found.parts


@pytest.mark.parametrize(
    ("training", "validation", "test"),
    [
        ("train", "val", "test"),
        ("Train", "Valid", "Testing"),
        ("TRAINING", "Validation", "TEST"),
        ("training", "dev", "test"),
    ],
)
def test_given_parts_are_kept_however_they_are_spelled(make, read, training, validation, test):
    found = read(parted(make, {training: 10, validation: 3, test: 4}))
    assert found.dataset.class_names == ("cats", "dogs")
    assert by_folder(found) == {training: {"train"}, validation: {"validation"}, test: {"test"}}
    assert "the given test part is kept" in found.choices
    assert "held out" not in found.choices


def test_a_test_part_is_held_out_where_only_validation_is_given(make, read):
    found = read(parted(make, {"train": 20, "val": 3}))
    assert by_folder(found) == {"train": {"train", "test"}, "val": {"validation"}}
    assert len(found.dataset.test_labels) == 8


def test_a_validation_part_is_held_out_where_only_test_is_given(make, read):
    found = read(parted(make, {"train": 20, "test": 5}))
    assert by_folder(found) == {"train": {"train", "validation"}, "test": {"test"}}
    assert len(found.dataset.split.validation) == 6


def test_two_folders_of_one_part_are_read_both(make, read):
    found = read(parted(make, {"train": 10, "val": 3, "valid": 3, "test": 4}))
    assert by_folder(found)["val"] == by_folder(found)["valid"] == {"validation"}


def test_a_class_without_validation_or_test_pictures_of_its_own_is_kept_where_these_are_given(make, read):
    parted(make, {"train": 10, "val": 3, "test": 4})
    shutil.rmtree(make.root / "photos/test/cats")
    assert read(make.root / "photos").dataset.class_names == ("cats", "dogs")


def test_a_class_without_training_pictures_is_refused_by_name(make, refused):
    parted(make, {"train": 10, "test": 4})
    make.folder("photos/test", ("birds",), n=3, first=900)
    error = refused(make.root / "photos", "birds (3)")
    assert "--min-class-size 4" in error.remedy


@pytest.mark.parametrize("name", ["cats", "test"])
def test_a_class_may_be_called_train(make, read, name):
    """Folders are of parts only if all are."""
    found = read(make.folder(classes=("train", "bus", name)))
    assert found.dataset.class_names == tuple(sorted(("train", "bus", name)))


@pytest.mark.parametrize("beside", ["empty", ".git/config", "README.md"])
def test_what_is_no_picture_beside_parts_does_not_matter(make, read, beside):
    place = parted(make, {"train": 10, "test": 4})
    (place / "empty").mkdir() if beside == "empty" else make.file(f"photos/{beside}", "text")
    assert by_folder(read(place))["test"] == {"test"}


@pytest.mark.parametrize("beside", ["annotations/boxes.json", "scripts/resize.py", "docs/notes.md"])
def test_a_folder_without_pictures_beside_parts_does_not_matter(make, read, beside):
    place = parted(make, {"train": 10, "test": 4})
    make.file(f"photos/{beside}", "{}")
    found = read(place)
    assert found.dataset.class_names == ("cats", "dogs")
    assert by_folder(found)["test"] == {"test"}


def test_validation_and_test_alone_are_no_classes(make, refused):
    refused(parted(make, {"val": 10, "test": 10}), "train")


def test_a_test_folder_without_classes_is_not_used(make, read):
    """As competitions have it: their test pictures have no labels."""
    make.folder("photos/train")
    for number in range(10):
        make.file(f"photos/test/{number}.png", make.png(700 + number))
    found = read(make.root / "photos")
    assert set(by_folder(found)) == {"train"}
    assert "test/ has no class folders and is not used" in found.choices


def test_a_test_folder_without_classes_is_said_to_be_unused(make, read):
    make.folder("photos/train", n=20)
    make.file("photos/test/0.png", make.png(700))
    found = read(make.root / "photos")
    assert set(by_folder(found)) == {"train"}
    assert "test/ has no class folders and is not used" in found.choices


@pytest.mark.parametrize("within", ["photos/photos", "photos/a/b/c", "photos/train"])
def test_wrapper_folders_are_opened(make, read, within):
    make.folder(within)
    found = read(make.root / "photos")
    assert found.dataset.class_names == ("cats", "dogs")
    assert all(name.startswith(within.partition("/")[2]) for name in found.names)


@pytest.mark.parametrize("beside", [".DS_Store", "__MACOSX/photos/cats/._00.png", "Thumbs.db"])
def test_what_an_operating_system_leaves_beside_a_wrapper_does_not_matter(make, read, beside):
    make.folder("photos/photos")
    make.file(f"photos/{beside}", b"\0\5\26\7")
    assert read(make.root / "photos").dataset.class_names == ("cats", "dogs")


@pytest.mark.parametrize("beside", ["README.md", "LICENSE"])
def test_a_text_beside_a_wrapper_does_not_matter(make, read, beside):
    make.folder("photos/photos")
    make.file(f"photos/{beside}", "Pictures of cats and dogs")
    assert read(make.root / "photos").dataset.class_names == ("cats", "dogs")


def test_parts_within_a_wrapper_are_parts(make, read):
    found = read(parted(make, {"train": 10, "val": 3, "test": 4}, "photos/photos").parent)
    assert set(found.parts.values()) == {"train", "validation", "test"}


def test_a_wrapper_within_each_part_is_opened(make, read):
    """As one gets them from archives of parts."""
    for number, (part, n) in enumerate({"train": 10, "val": 3, "test": 4}.items()):
        make.folder(f"photos/{part}/{part}", n=n, first=number * FROM_TRAINING)
    assert read(make.root / "photos").dataset.class_names == ("cats", "dogs")


def test_folders_within_a_class_folder_are_of_that_class(make, read):
    make.folder("photos/cats", ("indoors", "outdoors"))
    make.folder("photos/dogs", ("old", "young"), first=100)
    found = read(make.root / "photos")
    assert found.dataset.class_names == ("cats", "dogs")
    assert found.labels["cats/outdoors/03.png"] == "cats"


def test_one_class_is_refused_by_name(make, refused):
    error = refused(make.folder(classes=("cats",)), "only one class, 'cats'")
    assert "folder of its own" in error.remedy


def test_pictures_without_class_folders_are_refused_with_what_is_expected(make, refused):
    for number in range(10):
        make.file(f"photos/{number}.png", make.png(number))
    error = refused(make.root / "photos", "no pictures with labels", "0.png (a picture that lies in no class folder)")
    assert "one folder of pictures per class" in error.remedy


def test_an_empty_folder_is_refused_with_what_is_expected(make, refused):
    (make.root / "photos").mkdir()
    error = refused(make.root / "photos", "no pictures with labels", "photos")
    assert "one folder of pictures per class" in error.remedy


def test_names_composed_in_one_part_and_decomposed_in_another_are_one_class(make, read):
    composed, decomposed = unicodedata.normalize("NFC", "bébé"), unicodedata.normalize("NFD", "bébé")
    make.folder("photos/train", (composed, "dogs"))
    make.folder("photos/test", (decomposed, "dogs"), n=4, first=FROM_TRAINING)
    if (make.root / "photos/test" / composed).exists():
        pytest.skip("this file system takes the two for one")
    assert read(make.root / "photos").dataset.class_names == (composed, "dogs")


@pytest.mark.parametrize("text", ["{}/", "{}/.", "{}/../photos"])
def test_a_path_may_be_written_in_any_way(make, read, text):
    place = make.folder()
    assert read(text.format(place)).spec == read(place).spec


def test_a_path_may_be_relative_or_at_home(make, read, monkeypatch):
    place = make.folder()
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, str(make.root))
    spec = read(place).spec
    assert read("~/photos").spec == spec
    monkeypatch.chdir(make.root)
    assert read("photos").spec == spec
    monkeypatch.chdir(place)
    assert read(".").spec == spec


def test_a_path_may_be_a_link(make, read):
    place = make.folder()
    try:
        (make.root / "link").symlink_to(place)
    except OSError:
        pytest.skip("links cannot be made here")
    assert read(make.root / "link").spec == read(place).spec


def test_what_was_ignored_and_what_is_empty_is_said(make, read):
    place = make.folder()
    for name in ("notes.txt", "index.html", "run.py"):
        make.file(f"photos/cats/{name}", "text")
    (place / "birds").mkdir()
    (place / "fish").mkdir()
    found = read(place)
    assert "not pictures, ignored: 3 files" in found.choices
    assert "without a picture: 2 folders (birds, fish)" in found.choices


@pytest.mark.parametrize("name", PART_NAMES)
def test_parts_are_found_by_every_name_beside_training(make, name):
    other = "test" if PART_NAMES[name] == "train" else "train"
    make.file(f"photos/{name}/cats/0.png", b"")
    make.file(f"photos/{other}/cats/0.png", b"")
    assert PART_NAMES[name] in folder.parts(make.root / "photos")


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.JPEG", b"", "picture"),
        ("a.png", b"text", "picture"),
        ("a.HEIC", b"", "unsupported"),
        ("a.svg", b"<svg/>", "unsupported"),
        ("a.txt", b"text", "other"),
        ("a", b"text", "other"),
        ("a", b"", "other"),
        ("a.mp4", b"\0\0\0\x20ftypisom", "other"),
    ],
)
def test_files_are_known_by_their_endings(make, name, content, kind):
    assert folder.kind(make.file(name, content)) == kind


@pytest.mark.parametrize("name", ["a", "a.picture", "4f0c.dat"])
def test_files_without_a_known_ending_are_known_by_their_content(make, name):
    assert folder.kind(make.file(name, make.png(0))) == "picture"


def test_a_path_is_shown_with_slashes_and_as_text(make):
    shown = folder.relative(Path(os.fsdecode(os.fsencode(make.root) + b"/cats/\xff.png")), make.root)
    assert shown == "cats/\ufffd.png"
    shown.encode()
