"""A path as a data set: its name, its options, when it is decoded anew, and what of it is kept where."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import shutil
import subprocess
import sys
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from commands import ROOT, Home
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from typer.testing import CliRunner

import benchmark as bm
from benchmark import registry
from benchmark.cli.app import app
from benchmark.data import load
from benchmark.data.integrity import summarise
from benchmark.data.own import load as own
from benchmark.data.own.spec import COLOURS, Reading, looks_like_path, slug
from benchmark.errors import UserError
from benchmark.specs import DatasetSpec, Places

CHILD = """
import sys
from benchmark import registry
from benchmark.data.own import spec
spec.Reading()
print([name for name in ("numpy", "PIL", "pandas", "torch", "sklearn") if name in sys.modules])
"""


def seen(path: Path) -> object:
    """What a path's stamp says today."""
    spec = registry.dataset(path)
    places = Places(data_dir=None, downloads=path, say=lambda text: None)
    return load._origin(spec, places)


def later(path: Path, seconds: int = 10) -> None:
    """As if it had been written some seconds later."""
    state = path.stat()
    os.utime(path, (state.st_atime + seconds, state.st_mtime + seconds))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("photos.zip", "photos"),
        ("photos.v2.zip", "photos"),
        ("My Photos (2024).csv", "my-photos-2024"),
        ("train-images-idx3-ubyte.gz", "train-images-idx3-ubyte"),
        ("Café.npz", "cafe"),
        ("猫.npz", "pictures-a810"),
        ("-_-.npz", "pictures-8b0a"),
        ("x" * 200 + ".csv", "x" * 80),
        ("UPPER_lower-1.parquet", "upper_lower-1"),
    ],
)
def test_the_name_is_made_of_the_files(make, name, expected):
    assert slug(make.file(name, b"")) == expected


@pytest.mark.parametrize(
    ("name", "expected"), [("photos.v2", "photos.v2"), ("ﬁsh & chips", "fish-chips"), ("2024", "2024")]
)
def test_the_name_is_made_of_the_folders(make, name, expected):
    (make.root / name).mkdir()
    assert slug(make.root / name) == expected
    assert registry.dataset(make.root / name).title == name


@pytest.mark.parametrize(
    ("folder", "name", "title"),
    [
        ("猫", "pictures-a810", "猫"),
        ("my\ncats", "my-cats", "my\ncats"),
        (b"cats\xff", "cats-4dee", "cats?"),
        ("c" * 250, "c" * 80, "c" * 250),
        ("..cats", "cats", "..cats"),
    ],
)
def test_a_folder_of_any_name_is_read_and_described(make, read, folder, name, title):
    plain = make.folder()
    try:
        plain.rename(make.root / os.fsdecode(folder))
    except OSError:
        pytest.skip("there are no such names here")
    found = read(make.root / os.fsdecode(folder))
    assert (found.dataset.name, found.dataset.title) == (name, title)
    assert summarise(found.dataset, found.spec).name == name
    assert load.prepare(registry.dataset(name)).fingerprint == found.dataset.fingerprint


@given(st.text(st.characters(exclude_characters="\0/"), min_size=1, max_size=150))
def test_of_whatever_path_a_valid_name_is_made(name):
    made = slug(Path(name))
    spec = DatasetSpec(name=made, title="t", description="d", load="m:f")
    assert spec.name == made == made.lower()
    assert unicodedata.is_normalized("NFKD", made)


@pytest.mark.parametrize("text", ["photos/", "./x", "../x", "~/x", "/x", "a\\b", "C:\\x", "."])
def test_a_path_is_known_without_there_being_one(text):
    assert looks_like_path(text)


def test_a_name_is_a_path_only_where_there_is_one(make, monkeypatch):
    monkeypatch.chdir(make.root)
    assert not looks_like_path("photos")
    make.file("photos", b"")
    assert looks_like_path("photos")


@pytest.mark.parametrize("text", ["nowhere/", "./nowhere.csv", "~/nowhere-at-all"])
def test_a_path_with_nothing_there_is_told(text, make, monkeypatch):
    monkeypatch.chdir(make.root)
    with pytest.raises(UserError, match="There is no data set, file or folder") as caught:
        registry.dataset(text)
    assert repr(str(Path(text))) in caught.value.problem
    assert "class folders" in caught.value.remedy


def test_a_name_with_nothing_there_is_told_that_paths_are_possible(make, monkeypatch):
    monkeypatch.chdir(make.root)
    with pytest.raises(UserError, match="Unknown data set 'photos'") as caught:
        registry.dataset("photos")
    assert "path" in caught.value.remedy


def test_a_name_too_long_for_a_path_is_told():
    with pytest.raises(UserError, match="Unknown data set"):
        registry.dataset("x" * 300)


def test_a_registered_name_goes_before_a_folder_of_that_name(make, monkeypatch):
    make.folder("digits")
    monkeypatch.chdir(make.root)
    assert registry.dataset("digits").params == {}
    for path in ("digits/", "./digits", Path("digits")):
        spec = registry.dataset(path)
        assert (spec.name, spec.title) == ("my-digits", "digits")
        assert spec.params == {"path": str(make.root.resolve() / "digits")}


def test_a_name_that_is_taken_or_invalid_is_refused(make):
    place = make.folder()
    with pytest.raises(UserError, match="'mnist' is the name of a registered data set") as caught:
        registry.dataset(place, recorded_as="mnist")
    assert "--name" in caught.value.remedy
    for name in ("no spaces", "../up", "-x"):
        with pytest.raises(UserError, match="valid name") as caught:
            registry.dataset(place, recorded_as=name)
        assert "--name" in caught.value.remedy
    assert registry.dataset(place, recorded_as="Mine-1").name == "Mine-1"


def test_options_are_of_paths_alone():
    for wrong in ({"reading": Reading(size=8)}, {"recorded_as": "mine"}):
        with pytest.raises(UserError, match="digits is a name") as caught:
            registry.dataset("digits", **wrong)
        assert "path" in caught.value.remedy
    assert registry.dataset("digits", Reading()).name == "digits"


@pytest.mark.parametrize(
    ("wrong", "option"),
    [
        ({"size": 3}, "--size"),
        ({"size": 1025}, "--size"),
        ({"size": 8.0}, "--size"),
        ({"size": True}, "--size"),
        ({"background": "pink"}, "white, black, grey"),
        ({"background": "#12345"}, "#ffeedd"),
        ({"background": "#12345g"}, "#ffeedd"),
        ({"background": ""}, "#ffeedd"),
        ({"min_class_size": -1}, "--min-class-size"),
        ({"min_class_size": 2.5}, "--min-class-size"),
    ],
)
def test_an_option_that_is_not_possible_is_refused(wrong, option):
    with pytest.raises(UserError) as caught:
        Reading(**wrong)
    assert repr(next(iter(wrong.values()))) in caught.value.problem
    assert option in caught.value.remedy


@given(st.tuples(*[st.integers(0, 255)] * 3), st.booleans())
def test_a_background_is_any_colour(colour, upper):
    text = "#{:02x}{:02x}{:02x}".format(*colour)
    assert Reading(background=text.upper() if upper else text).colour() == colour


def test_a_background_may_have_a_name():
    assert {name: Reading(background=name.title()).colour() for name in COLOURS} == COLOURS
    assert Reading().colour() is None


def test_only_what_the_user_chose_is_part_of_the_specification(make):
    place = make.folder()
    assert registry.dataset(place).params == {"path": str(place.resolve())}
    spec = registry.dataset(place, Reading(size=16, allow_skipped=True))
    assert spec.params == {"path": str(place.resolve()), "size": 16, "allow_skipped": True}
    assert bm.pictures(place, size=16, allow_skipped=True) == spec
    assert json.loads(json.dumps(spec.params)) == spec.params


def test_paths_and_their_options_are_known_without_numpy():
    """So that 'list' and '--help' start at once."""
    done = subprocess.run(
        [sys.executable, "-c", CHILD],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_what_has_not_changed_is_not_decoded_again(make, read):
    place = make.folder()
    first = read(place)
    again = read(place)
    assert first.said
    assert again.said == ()
    assert again.dataset.fingerprint == first.dataset.fingerprint
    assert again.dataset.account == first.dataset.account


def test_files_that_are_touched_are_decoded_to_the_same(make, read):
    place = make.folder()
    first = read(place)
    for path in place.rglob("*.png"):
        later(path)
    again = read(place)
    assert again.said
    assert again.dataset.fingerprint == first.dataset.fingerprint
    assert again.parts == first.parts


def change(place: Path, make) -> None:
    make.file("photos/cats/03.png", make.png(999))


def add(place: Path, make) -> None:
    make.file("photos/cats/99.png", make.png(999))


def remove(place: Path, make) -> None:
    (place / "cats/03.png").unlink()


def rename(place: Path, make) -> None:
    (place / "cats/03.png").rename(place / "dogs/33.png")


@pytest.mark.parametrize("how", [change, add, remove, rename])
def test_a_change_is_noticed(make, read, how):
    place = make.folder()
    first = read(place)
    how(place, make)
    again = read(place)
    assert again.said
    assert again.dataset.fingerprint != first.dataset.fingerprint
    shutil.rmtree(place)
    make.folder()
    assert read(place).dataset.fingerprint == first.dataset.fingerprint


@pytest.mark.parametrize("name", [".DS_Store", ".git/HEAD", "cats/Thumbs.db", "cats/.ipynb_checkpoints/00.png"])
def test_what_is_hidden_is_no_change(make, read, name):
    place = make.folder()
    read(place)
    make.file(f"photos/{name}", b"\0")
    assert read(place).said == ()


def test_other_options_are_decoded_anew_and_stay(make, read):
    place = make.folder()
    assert read(place).dataset.train_images.shape[1] == 12
    assert read(place, size=8).dataset.train_images.shape[1] == 8
    assert read(place).dataset.train_images.shape[1] == 8
    assert read(place, background="black").dataset.train_images.shape[1] == 12


def test_a_data_folder_for_other_data_sets_does_not_matter(make, read, monkeypatch, tmp_path):
    monkeypatch.setenv(load.DATA_VARIABLE, str(tmp_path))
    place = make.folder()
    read(place)
    assert read(place).said == ()


def test_a_changed_picture_of_a_table_is_noticed(make, read):
    place = make.table(("image", "label"), lambda n, path, label: (path, label))
    read(place)
    make.file("pics/p03.png", make.png(999))
    assert (read(place).images["pics/p03.png"] == make.pixels(999)).all()


def test_a_changed_table_is_noticed(make, read):
    place = make.table(("image", "label"), lambda n, path, label: (path, label))
    assert read(place).labels["pics/p03.png"] == "dog"
    make.table(("image", "label"), lambda n, path, label: (path, "cat" if n == 3 else label))
    later(place)
    assert read(place).labels["pics/p03.png"] == "cat"


def test_changed_labels_beside_an_array_are_noticed(make, read):
    labels = np.arange(40) % 2
    np.save(make.root / "X.npy", np.random.default_rng(0).integers(0, 256, (40, 8, 8), dtype=np.uint8))
    np.save(make.root / "y.npy", labels)
    assert read(make.root / "X.npy").labels["X[3]"] == "1"
    np.save(make.root / "y.npy", 1 - labels)
    later(make.root / "y.npy")
    assert read(make.root / "X.npy").labels["X[3]"] == "0"


def test_a_changed_parquet_file_is_noticed_in_the_same_process(make, read):
    """As in a notebook."""
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    place = make.root / "d.parquet"
    for first in (0, 100):
        rows = {"image": [make.png(first + n) for n in range(20)], "label": [n % 2 for n in range(20)]}
        parquet.write_table(pa.table(rows), place)
        later(place, first)
        assert (read(place).images["d.parquet, row 3"] == make.pixels(first + 2)).all()


def test_what_no_time_or_size_tells_is_read_by_force(make, read):
    for label in ("cats", "dogs"):
        for number in range(8):
            content = make.encoded(make.pixels(number + 100 * (label == "dogs")), "BMP")
            path = make.file(f"photos/{label}/{number}.bmp", content)
    first, state = read(make.root / "photos"), path.stat()
    path.write_bytes(make.encoded(make.pixels(999), "BMP"))
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert read(make.root / "photos").said == ()
    forced = load.prepare(registry.dataset(make.root / "photos"), force=True)
    assert forced.fingerprint != first.dataset.fingerprint


def test_the_stamp_depends_on_the_code_that_reads(make, monkeypatch):
    place = make.folder()
    before = seen(place)
    assert seen(place) == before
    code = make.file("pictures.py", b"# other code")
    monkeypatch.setattr(own.pictures, "__file__", str(code))
    assert seen(place) != before


def test_two_folders_of_the_same_name_do_not_mix(make, read):
    one, other = make.folder("one/photos"), make.folder("other/photos", first=500)
    first, second = read(one), read(other)
    assert first.spec.name == second.spec.name == "photos"
    assert first.dataset.fingerprint != second.dataset.fingerprint
    for place, found in ((one, first), (other, second)):
        again = read(place)
        assert again.said == ()
        assert again.dataset.fingerprint == found.dataset.fingerprint


def test_what_was_read_once_has_a_name_from_then_on(make, read, monkeypatch):
    place = make.folder()
    monkeypatch.chdir(make.root)
    found = read(place, "mine", size=8)
    assert "mine" in registry.datasets()
    by_name = registry.dataset("mine")
    assert by_name == found.spec
    assert load.prepare(by_name).fingerprint == found.dataset.fingerprint
    assert list(registry.datasets())[-1] == "mine"


def test_a_name_of_two_paths_has_to_be_said_better(make, read):
    one = read(make.folder("one/photos"), "mine")
    other = read(make.folder("other/photos", first=500), "mine")
    with pytest.raises(UserError, match="Several paths are recorded as 'mine'"):
        registry.dataset("mine")
    for found in (one, other):  # By its path, or by what a collection has of it.
        assert registry.dataset("mine", fingerprint=found.dataset.fingerprint) == found.spec
        assert registry.dataset(Path(found.spec.params["path"]), recorded_as="mine") == found.spec


def test_of_two_names_of_a_path_that_is_meant_which_is_made_of_it(make, read):
    place = make.folder()
    read(place, "other")
    assert registry.name_of(str(place)) == "other"
    read(place)
    read(place, "third", size=8)
    assert registry.name_of(str(place)) == "photos"


def test_pictures_stay_private_until_that_is_taken_back(make, read):
    place = make.folder()
    read(place, show_pictures=False)
    assert registry.dataset(place).params["show_pictures"] is False
    assert registry.dataset(place, Reading(size=8)).params["show_pictures"] is False
    assert registry.dataset(place, Reading(size=8), "other").params["show_pictures"] is False
    assert registry.dataset(place, Reading(show_pictures=True)).params["show_pictures"] is True


def test_damaged_memories_are_forgotten(make, read, cache_root):
    read(make.folder(), "mine")
    for number, content in enumerate(["", "[]", "{}", '{"own": 3}', '{"own": {"name": "x y"}}', "[" * 9999]):
        entry = cache_root / f"decoded/broken{number}"
        entry.mkdir()
        (entry / "meta.json").write_text(content)
    assert [name for name, spec in registry.datasets().items() if spec.params] == ["mine"]


def test_that_the_pictures_are_gone_is_told(make, read):
    place = make.folder()
    read(place, "mine")
    shutil.rmtree(place)
    with pytest.raises(UserError) as caught:
        load.prepare(registry.dataset("mine"))
    assert str(place) in caught.value.problem
    assert "Error" not in str(caught.value)
    assert "load function" not in caught.value.remedy


def photograph(make, seed: int) -> bytes:
    """A JPEG that says where and by whom it was taken."""
    exif = Image.Exif()
    exif[0x013B], exif[0x010E] = "Alice Secret", "beside Bob's garden"
    exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 51.0, 29.0), 3: "E", 4: (2.0, 17.0, 40.0), 29: "2024:05:17"})
    file = io.BytesIO()
    make.image(seed).save(file, "JPEG", exif=exif, comment=b"Alice Secret", quality=90)
    return file.getvalue()


def test_nothing_of_the_originals_but_their_pixels_is_kept(make, read, cache_root):
    secrets = (b"Alice Secret", b"Bob's garden", b"Exif", b"2024:05:17", b"GPS")
    for label in ("cats", "dogs"):
        for number in range(8):
            content = photograph(make, number + 100 * (label == "dogs"))
            assert all(secret in content for secret in secrets[:4])
            make.file(f"photos/{label}/{number}.jpg", content)
    found = read(make.root / "photos")
    assert len(found.names) == 16
    kept = [path for path in cache_root.rglob("*") if path.is_file()]
    assert {path.suffix for path in kept} == {".npy", ".json"}
    for path in kept:
        assert not any(secret in path.read_bytes() for secret in secrets)


@pytest.mark.parametrize("kind", ["folder", "zip", "table", "npz"])
def test_no_absolute_path_is_in_what_a_collection_keeps(make, read, tmp_path, kind):
    make.folder("mine/photos")
    make.file("mine/photos/cats/10.png", b"damaged")
    make.file("mine/photos/birds/.keep", b"")
    paths = {
        "folder": lambda: make.root / "mine/photos",
        "zip": lambda: make.zip(make.members("photos/") | {"photos/cats/10.png": b"damaged"}),
        "table": lambda: make.table(("image", "label"), lambda n, path, label: ("no.png" if n == 1 else path, label)),
        "npz": lambda: make.npz(X=np.stack([make.pixels(n) for n in range(40)]), y=np.arange(40) % 2),
    }
    found = read(paths[kind]())
    summary = summarise(found.dataset, found.spec).model_dump_json()
    assert json.loads(summary)["reading"] == {}
    assert str(tmp_path) not in summary
    assert not any(str(tmp_path) in text for text in (*found.names, *found.skipped, found.choices, *found.said))


def test_commands_take_a_path_and_its_options(make, monkeypatch):
    make.folder(n=20)
    monkeypatch.chdir(make.root)
    fetched = CliRunner().invoke(app, ["data", "fetch", "photos/", "--size", "8", "--name", "mine"])
    assert fetched.exit_code == 0, fetched.output
    assert "photos" in fetched.output or "mine" in fetched.output
    told = CliRunner().invoke(app, ["data", "info", "mine"])
    assert told.exit_code == 0, told.output
    assert "8 x 8 pixels, 3 channels" in told.stdout
    assert "28 training, 4 validation, 8 test" in told.stdout
    assert "cats, dogs" in told.stdout
    checked = CliRunner().invoke(app, ["data", "verify", "photos", "--size", "8", "--name", "mine"])
    assert checked.exit_code == 0, checked.output


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("photos", "--size", "2"), "2 is not a size"),
        (("photos", "--background", "pink"), "'pink' is not a background"),
        (("digits", "--size", "8"), "digits is a name"),
        (("nowhere/",), "There is no data set, file or folder"),
        (("photos", "--name", "digits"), "'digits' is the name of a registered data set"),
    ],
)
def test_a_mistake_is_told_by_commands(make, monkeypatch, arguments, problem):
    make.folder()
    monkeypatch.chdir(make.root)
    done = CliRunner().invoke(app, ["data", "fetch", *arguments])
    assert isinstance(done.exception, UserError)
    assert problem in done.exception.problem


def test_models_run_on_a_path_and_their_records_do_not_say_where_it_lies(make, tmp_path):
    make.folder("secret place/photos", n=20)
    home = Home(make.root / "secret place", tmp_path / "cache")
    done = home("run", "knn", "--dataset", "photos/", "--results-dir", str(tmp_path / "results"), "--no-report")
    assert done.returncode == 0, done.stdout + done.stderr
    records = [path for path in (tmp_path / "results").rglob("*") if path.is_file()]
    assert {path.relative_to(tmp_path / "results").parts[1] for path in records if path.suffix == ".json"} == {"photos"}
    assert any(path.name == "dataset.json" for path in records)
    assert not any(b"secret place" in path.read_bytes() for path in records)


def test_a_specification_may_be_made_by_hand(make):
    """And then has what a path's has, for Python."""
    place = make.folder()
    spec = registry.dataset(place)
    assert load.prepare(dataclasses.replace(spec, title="Pets")).title == "Pets"
    assert load.prepare(registry.dataset(place)).title == "Pets"  # As it is remembered.
