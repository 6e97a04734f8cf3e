"""A table of pictures: which columns are what, how CSV may be written, and Parquet as the Hugging Face hub has it."""

from __future__ import annotations

import csv
import io
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmark.data.own import table
from benchmark.data.own.table import Columns
from benchmark.errors import UserError

pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

SIDE = 8  # Of images whose pixels are columns.
PIXELS = [f"pixel{number}" for number in range(1, SIDE * SIDE + 1)]
ONE_TO_A_TEST = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


def plain(make, label=lambda number, label: label, **options):
    return make.table(("image", "label"), lambda number, path, text: (path, label(number, text)), **options)


def with_pixels(make, label=lambda number: number % 2, columns=PIXELS, header=True, n=20):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (n, len(columns)), dtype=np.uint8)
    lines = [["label", *columns]] if header else []
    lines += [[label(number), *image] for number, image in enumerate(images)]
    return make.file("labels.csv", "".join(",".join(map(str, line)) + "\n" for line in lines)), images


def encoded_table(make, path: str, n: int = 20, first: int = 0, *, labels=None, names=None, row_group_size=7, **more):
    """Parquet with pictures as the hub stores them."""
    pictures = [{"bytes": make.png(first + number), "path": f"{number}.png"} for number in range(n)]
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    labels = [number % 2 for number in range(n)] if labels is None else labels
    rows = pa.table({"image": pa.array(pictures, kind), "label": pa.array(labels), **more})
    if names is not None:
        features = {"image": {"_type": "Image"}, "label": {"names": names, "_type": "ClassLabel"}}
        rows = rows.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    place = make.root / path
    place.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(rows, place, row_group_size=row_group_size)
    return place


def test_paths_and_labels_are_read_by_the_usual_names(make, read):
    found = read(plain(make))
    assert found.dataset.class_names == ("cat", "dog")
    assert found.labels == {f"pics/p{number:02}.png": ("cat", "dog")[number % 2] for number in range(20)}
    assert all((found.images[f"pics/p{number:02}.png"] == make.pixels(number)).all() for number in range(20))
    assert "labels.csv: images from column 'image', labels from 'label'" in found.choices


@pytest.mark.parametrize("image", ["image", "File_Name", "filename", " path ", "image_id", "photo"])
@pytest.mark.parametrize("label", ["label", "Class", "target", "category", "dx"])
def test_usual_names_are_found_in_any_spelling(make, image, label):
    found = table.read(make.table((image, label), lambda n, path, text: (path, text)), make.root, Columns())
    assert [item.label for item in found.items] == ["cat", "dog"] * 10


def test_the_only_other_column_is_that_of_labels(make, read):
    assert read(make.table(("image", "animal"), lambda n, path, text: (path, text))).dataset.class_names == (
        *("cat", "dog"),
    )


def test_parts_and_groups_are_kept(make, read):
    columns = ("image", "label", "split", "group")
    parts = ("train", "Train", "TRAIN", "val", "test")
    found = read(make.table(columns, lambda n, path, text: (path, text, parts[n % 10 // 2], n // 2)))
    assert {name: part for name, part in found.parts.items() if "p0" in name} == {
        f"pics/p{n:02}.png": parts[n // 2].lower().replace("val", "validation") for n in range(10)
    }
    assert found.dataset.account.groups == 10
    assert "parts from 'split', groups from 'group'" in found.choices


def test_a_row_without_a_part_beside_others_is_of_training(make, read):
    found = read(make.table(("image", "label", "split"), lambda n, path, text: (path, text, "test" if n < 6 else "")))
    assert {found.parts[f"pics/p{n:02}.png"] for n in range(6)} == {"test"}
    assert "test" not in {found.parts[f"pics/p{n:02}.png"] for n in range(6, 20)}


def test_a_part_of_another_name_is_refused(make, refused):
    refused(make.table(("image", "label", "split"), lambda n, path, text: (path, text, "fold1")), "'fold1'", "train")


def test_pictures_of_one_group_stay_together(make, read):
    place = make.table(("image", "label", "patient_id"), lambda n, path, text: (path, text, f"patient {n // 4}"))
    found = read(place, group_column="patient_id")
    for patient in range(5):
        assert len({found.parts[f"pics/p{n:02}.png"] for n in range(4 * patient, 4 * patient + 4)}) == 1
    assert set(found.parts.values()) == {"train", "validation", "test"}
    assert "5 groups given" in found.choices


def test_a_picture_that_two_groups_have_joins_them(make, read):
    """One of each pair of groups is a copy of one of the other."""
    for n in range(5):
        make.file(f"pics/p{4 * n + 2:02}.png", make.png(4 * n))
    found = read(make.table(("image", "label", "group"), lambda n, path, text: (path, text, n // 2)))
    assert found.dataset.account.groups == 5
    for n in range(0, 20, 4):
        assert len({found.parts[f"pics/p{place:02}.png"] for place in range(n, n + 4)}) == 1


def test_a_column_that_looks_like_groups_is_pointed_out(make, read):
    found = read(make.table(("image", "label", "patient_id"), lambda n, path, text: (path, text, n // 4)))
    assert "--group-column patient_id" in found.choices
    assert found.dataset.account.groups == 20


def test_a_row_without_a_group_is_one_by_itself(make, read):
    found = read(make.table(("image", "label", "group"), lambda n, path, text: (path, text, n if n > 9 else "")))
    assert found.dataset.account.groups == 20


def test_the_groups_that_were_given_are_kept_by_image_in_the_cache_too(make, read):
    """But not those that near duplicates make."""
    make.file("pics/p02.png", make.png(0))
    place = make.table(
        ("image", "label", "patient_id"), lambda n, path, text: (path, text, f"patient {n // 2}" if n > 5 else "")
    )
    for found in (read(place, group_column="patient_id"), read(place, group_column="patient_id")):
        account = found.dataset.account
        for names, groups in (
            (account.train_names, account.train_groups),
            (account.test_names, account.test_groups),
        ):
            assert groups == tuple(f"patient {n // 2}" if (n := int(name[6:8])) > 5 else "" for name in names)
        assert account.test_groups
    account = read(place, size=16).dataset.account
    assert (account.train_groups, account.test_groups) == ((), ())


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_every_usual_separator_is_understood_with_and_without_a_byte_order_mark(make, read, separator, encoding):
    place = plain(make, separator=separator, encoding=encoding)
    assert read(place).dataset.class_names == ("cat", "dog")


@pytest.mark.parametrize("end", [b"\r\n", b"\r"])
def test_every_end_of_line_is_understood(make, read, end):
    place = plain(make)
    place.write_bytes(place.read_bytes().replace(b"\n", end).rstrip(end))
    assert len(read(place).names) == 20


def test_a_table_of_paths_needs_no_header(make, read):
    found = read(plain(make, header=False))
    assert len(found.names) == 20
    assert found.dataset.class_names == ("cat", "dog")


CELLS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=12)
CELLS |= st.sampled_from(
    ["NA", "None", "nan", "null", "N/A", "007", "1e5", "1.0", "True", 'say "hi"', "a,b;c", "two\nlines"]
)


@given(
    st.lists(CELLS, min_size=1, max_size=8),
    st.sampled_from(",;\t|"),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
@ONE_TO_A_TEST
def test_labels_come_back_as_they_were_written(make, labels, separator, quoting):
    make.file("p.png", b"")
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator, quoting=quoting)
    writer.writerow(["image", "label"])
    writer.writerows(["p.png", label] for label in labels)
    found = table.read(make.file("labels.csv", text.getvalue()), make.root, Columns())
    assert [item.label for item in found.items] == [label.strip() for label in labels if label.strip()]
    assert len(found.items) + len(found.skipped) == len(labels)


@given(st.data(), st.booleans())
@ONE_TO_A_TEST
def test_pixels_come_back_as_they_were_written(make, data, header):
    n, side = data.draw(st.integers(1, 4)), data.draw(st.integers(8, 10))
    values = data.draw(st.lists(st.integers(0, 255), min_size=n * side**2, max_size=n * side**2))
    images = np.array(values, dtype=np.uint8).reshape(n, -1)
    images[0, 0] = 200  # Not a picture of zeros and ones, which would be stretched.
    lines = [["label", *range(side**2)]] if header else []
    lines += [[number, *image] for number, image in enumerate(images)]
    place = make.file("labels.csv", "".join(",".join(map(str, line)) + "\n" for line in lines))
    found = table.read(place, make.root, Columns())
    assert [item.label for item in found.items] == [str(number) for number in range(n)]
    assert (np.array([item.fetch() for item in found.items]) == images.reshape(n, side, side)).all()


@pytest.mark.parametrize("header", [True, False])
def test_columns_of_pixels_are_images(make, read, header):
    place, images = with_pixels(make, header=header)
    found = read(place)
    assert found.dataset.train_images.shape[1:] == (SIDE, SIDE, 1)
    assert found.dataset.class_names == ("0", "1")
    assert found.labels["labels.csv, row 4"] == "1"
    assert (found.images["labels.csv, row 4"].ravel() == images[3]).all()
    assert "64 columns of pixels" in found.choices


@pytest.mark.parametrize("name", ["{}", "px{}", "p_{}", "Pixel_{}", "1x{}"])
def test_columns_of_pixels_have_several_usual_names(make, read, name):
    place, _ = with_pixels(make, columns=[name.format(number) for number in range(SIDE * SIDE)])
    assert len(read(place).names) == 20


def test_pictures_of_few_pixels_are_read_from_columns_too(make, read):
    place, images = with_pixels(make, columns=PIXELS[:49])
    assert (read(place).images["labels.csv, row 4"].ravel() == images[3]).all()


@pytest.mark.parametrize("labels", [("NA", "B"), ("None", "null"), ("007", "010")])
def test_labels_beside_pixels_keep_their_spelling(make, read, labels):
    place, _ = with_pixels(make, label=lambda number: labels[number % 2])
    assert set(read(place).dataset.class_names) == set(labels)


@pytest.mark.parametrize("labels", [("NA", "B"), ("None", "null"), ("007", "010"), ("nan", "NaN"), ("1.0", "2.0")])
def test_labels_beside_paths_keep_their_spelling(make, read, labels):
    assert set(read(plain(make, lambda n, label: labels[n % 2])).dataset.class_names) == set(labels)


@pytest.mark.parametrize("change", [lambda path: path.replace("/", "\\"), lambda path: f" {path} ", lambda p: f"./{p}"])
def test_paths_are_understood_as_other_systems_write_them(make, read, change):
    found = read(make.table(("image", "label"), lambda n, path, text: (change(path), text)))
    assert set(found.names) == {f"pics/p{n:02}.png" for n in range(20)}


@pytest.mark.parametrize("change", [lambda path: Path(path).stem, lambda path: Path(path).name])
def test_pictures_are_found_by_name_below_the_table(make, read, change):
    found = read(make.table(("image_id", "label"), lambda n, path, text: (change(path), text)))
    assert found.labels == {f"pics/p{n:02}.png": ("cat", "dog")[n % 2] for n in range(20)}


def test_a_name_that_several_pictures_have_is_not_taken_for_one_of_them(make, refused):
    make.folder("pics")
    names = [f"{label}/{number:02}" for label in ("cats", "dogs") for number in range(10)]
    text = "image_id,label\n" + "".join(f"{name[5:]},{name[:4]}\n" for name in names)
    refused(make.file("labels.csv", text), "00")


@pytest.mark.parametrize("prefix", ["/home/alice/pics/", "C:\\Users\\alice\\", "old/"])
def test_a_path_of_another_machine_is_not_taken_for_a_picture_of_another_folder(make, prefix):
    """Either it is found by as much of its end as is there, or not at all."""
    make.folder("pics")
    rows = "".join(f"{prefix}{name},{name[:4]}\n" for name in make.members())
    found = table.read(make.file("labels.csv", f"image,label\n{rows}"), make.root, Columns())
    assert [item.where for item in found.items if item.where[5:9] != item.label] == []


def test_a_row_without_a_file_is_skipped_by_name(make, read):
    found = read(make.table(("image", "label"), lambda n, path, text: ("pics/none.png" if n == 3 else path, text)))
    assert found.skipped == {"pics/none.png": "there is no such file"}
    assert len(found.names) == 19


def test_a_row_without_a_path_or_a_label_is_skipped_by_its_number(make, read):
    found = read(
        make.table(("image", "label"), lambda n, path, text: ("" if n == 3 else path, "" if n == 5 else text)),
        allow_skipped=True,
    )
    assert found.skipped == {"labels.csv, row 4": "there is no such file", "pics/p05.png": "it has no label"}


def test_a_table_whose_files_are_all_missing_is_refused_with_the_first(make, refused):
    place = make.table(("image", "label"), lambda n, path, text: (f"elsewhere/{n}.png", text))
    refused(place, "20 pictures skipped", "elsewhere/0.png (there is no such file)")


def test_what_is_too_long_for_a_path_is_no_file(make, refused):
    """Such as pictures written into the table as text."""
    refused(make.table(("image", "label"), lambda n, path, text: ("iVBORw0KGgo" * 40, text)), "no such file")


@pytest.mark.parametrize("path", ["/home/alice/pics/none.png", "C:\\Users\\alice\\none.png"])
def test_an_absolute_path_of_a_missing_file_is_not_shown(make, read, path):
    found = read(make.table(("image", "label"), lambda n, own, text: (path if n == 3 else own, text)))
    assert len(found.skipped) == 1
    assert "alice" not in json.dumps([found.skipped, found.choices])


def test_the_user_names_columns(make, read, refused):
    place = make.table(("bild", "art", "note"), lambda n, path, text: (path, text, n))
    found = read(place, image_column="bild", label_column="art")
    assert found.dataset.class_names == ("cat", "dog")
    place = make.table(("bild", "art", "note"), lambda n, path, text: (path, text, n), name="other.csv")
    error = refused(place, "no column of images")
    assert error.remedy == "Name it: --image-column. There are: bild, art, note."
    error = refused(place, "no column of labels", image_column="bild")
    assert error.remedy == "Name it: --label-column. There are: bild, art, note."
    for option in ("image_column", "label_column", "group_column"):
        chosen = {"image_column": "bild", "label_column": "art", option: "Art"}
        assert "There are: bild, art, note." in refused(place, "no column 'Art'", **chosen).remedy


@pytest.mark.parametrize(
    ("content", "texts"),
    [
        (b"", ("labels.csv cannot be read",)),
        (b"\n\n", ("labels.csv",)),
        (b"image,label\n", ("labels.csv has no rows",)),
        ("image,label\np.png,café\n".encode("latin-1"), ("not UTF-8", "UTF-8")),
        ("image,label\np.png,cat\n".encode("utf-16"), ("not UTF-8", "UTF-8")),
        (b"image,label\np.png,cat\np.png,cat,large,red\n", ("labels.csv cannot be read", "line 3")),
        (b'image,label\np.png,"cat\n', ("labels.csv cannot be read",)),
        (b"PK\3\4\0\0", ("labels.csv",)),
        (b"\0\0\0\0\n\0\0", ("labels.csv",)),
    ],
)
def test_what_is_no_table_is_refused_by_name(make, refused, content, texts):
    refused(make.file("labels.csv", content), *texts)


def test_a_separator_at_the_end_of_each_row_does_not_shift_the_columns(make, read):
    found = read(make.table(("image", "label"), lambda n, path, text: (path, text, "")))
    assert found.dataset.class_names == ("cat", "dog")


def test_numbers_to_predict_are_refused(make, refused):
    rng = np.random.default_rng(0)
    place = plain(make, lambda n, label: rng.random(), n=30)
    refused(place, "regression", "--label-column")
    place, _ = with_pixels(make, label=lambda number: rng.random())
    refused(place, "regression")


def test_metadata_beside_class_folders_goes_before_them_and_that_is_said(make, read):
    place = make.folder()
    rows = "".join(f"{name},{('even', 'odd')[int(name[-5]) % 2]}\n" for name in make.members())
    make.file("photos/metadata.csv", f"file_name,label\n{rows}")
    found = read(place)
    assert found.dataset.class_names == ("even", "odd")
    assert found.labels["cats/03.png"] == "odd"
    assert "labels come from metadata.csv, not from the names of folders" in found.choices


def test_metadata_within_each_part_is_of_that_part(make, read):
    for number, (part, n) in enumerate({"train": 20, "test": 8}.items()):
        rows = "".join(f"{place}.png,{('cat', 'dog')[place % 2]}\n" for place in range(n))
        make.file(f"photos/{part}/metadata.csv", f"file_name,label\n{rows}")
        for place in range(n):
            make.file(f"photos/{part}/{place}.png", make.png(100 * number + place))
    found = read(make.root / "photos")
    assert {name for name, part in found.parts.items() if part == "test"} == {f"test/{n}.png" for n in range(8)}


def test_a_table_of_something_else_beside_class_folders_is_not_used_and_that_is_said(make, read):
    place = make.folder()
    make.file("photos/sizes.csv", "a,b\n1,2\n")
    found = read(place)
    assert found.dataset.class_names == ("cats", "dogs")
    assert "sizes.csv is not used" in found.choices


def test_several_tables_of_something_else_beside_class_folders_are_not_used(make, read):
    place = make.folder()
    make.file("photos/sizes.csv", "a,b\n1,2\n")
    make.file("photos/weights.csv", "a,b\n1,2\n")
    assert read(place).dataset.class_names == ("cats", "dogs")


def test_one_table_per_part_is_of_that_part(make, read):
    plain(make, name="train.csv")
    rows = "".join(f"test/{n}.png,{('cat', 'dog')[n % 2]}\n" for n in range(8))
    for n in range(8):
        make.file(f"test/{n}.png", make.png(100 + n))
    make.file("test.csv", f"image,label\n{rows}")
    found = read(make.root)
    assert {name for name, part in found.parts.items() if part == "test"} == {f"test/{n}.png" for n in range(8)}


def test_a_test_table_without_labels_is_not_used(make, read):
    """As competitions have it."""
    plain(make, name="train.csv")
    make.file("test.csv", "image\npics/p00.png\n")
    found = read(make.root)
    assert found.dataset.class_names == ("cat", "dog")
    assert "test.csv" in found.choices


def test_several_tables_are_refused_by_name(make, refused):
    plain(make, name="a.csv")
    shutil.copy(make.root / "a.csv", make.root / "b.csv")
    assert "Name one of them" in refused(make.root, "a.csv, b.csv").remedy


def test_encoded_pictures_with_names_of_classes_are_read(make, read):
    found = read(encoded_table(make, "d.parquet", names=["cat", "dog"]))
    assert found.dataset.class_names == ("cat", "dog")
    assert found.labels["d.parquet, row 10"] == "dog"
    assert (found.images["d.parquet, row 10"] == make.pixels(9)).all()


def test_encoded_pictures_need_no_struct_and_text_may_label_them(make, read):
    rows = {"photo": [make.png(n) for n in range(20)], "label": pa.array(["b", "a"] * 10).dictionary_encode()}
    parquet.write_table(pa.table(rows), make.root / "d.parquet")
    found = read(make.root / "d.parquet")
    assert found.dataset.class_names == ("a", "b")
    assert (found.images["d.parquet, row 1"] == make.pixels(0)).all()


def test_parquet_may_name_files(make, read):
    plain(make)
    rows = {"path": [f"pics/p{n:02}.png" for n in range(20)], "label": [n % 2 for n in range(20)]}
    parquet.write_table(pa.table(rows), make.root / "d.parquet")
    assert read(make.root / "d.parquet").labels["pics/p03.png"] == "1"


def test_shards_are_of_the_part_in_their_names(make, read):
    encoded_table(make, "hub/data/train-00000-of-00002.parquet", names=["cat", "dog"])
    encoded_table(make, "hub/data/train-00001-of-00002.parquet", 6, 50, names=["cat", "dog"])
    encoded_table(make, "hub/data/test-00000-of-00001.parquet", 8, 100, names=["cat", "dog"])
    make.file("hub/README.md", "# Pets")
    found = read(make.root / "hub")
    assert found.dataset.class_names == ("cat", "dog")
    assert len(found.names) == 34
    assert sum(part == "test" for part in found.parts.values()) == 8
    assert {name.partition(",")[0] for name, part in found.parts.items() if part == "test"} == {
        "data/test-00000-of-00001.parquet"
    }


def test_a_shard_of_a_test_part_alone_is_divided(make, read):
    encoded_table(make, "hub/test-00000-of-00001.parquet", names=["cat", "dog"])
    assert set(read(make.root / "hub").parts.values()) == {"train", "validation", "test"}


def test_the_hubs_label_of_pictures_without_one_is_none(make, read):
    encoded_table(make, "hub/train-00000-of-00001.parquet", names=["cat", "dog"])
    encoded_table(make, "hub/test-00000-of-00001.parquet", 8, 100, labels=[-1] * 8, names=["cat", "dog"])
    assert read(make.root / "hub", allow_skipped=True).dataset.class_names == ("cat", "dog")


def test_missing_values_of_parquet_are_skipped(make, read):
    rows = {"image": [None, *(make.png(n) for n in range(1, 30))], "label": [0, None, *(n % 2 for n in range(28))]}
    parquet.write_table(pa.table(rows), make.root / "d.parquet")
    found = read(make.root / "d.parquet", allow_skipped=True)
    assert set(found.skipped) == {"d.parquet, row 1", "d.parquet, row 2"}
    assert found.skipped["d.parquet, row 2"] == "it has no label"
    assert found.dataset.class_names == ("0", "1")


def test_a_missing_picture_of_parquet_is_not_called_damaged(make, read):
    rows = {"image": [None, *(make.png(n) for n in range(1, 30))], "label": [n % 2 for n in range(30)]}
    parquet.write_table(pa.table(rows), make.root / "d.parquet")
    assert "NoneType" not in read(make.root / "d.parquet").skipped["d.parquet, row 1"]


def test_labels_of_parquet_may_be_bytes(make, read):
    rows = {"image": [make.png(n) for n in range(20)], "label": [b"cat", b"dog"] * 10}
    parquet.write_table(pa.table(rows), make.root / "d.parquet")
    assert read(make.root / "d.parquet").dataset.class_names == ("cat", "dog")


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" * 20, b"image,label\n"])
def test_what_is_no_parquet_is_refused_by_name(make, refused, content):
    refused(make.file("d.parquet", content), "d.parquet cannot be read", "Parquet")


def test_several_labels_in_parquet_are_refused(make, refused):
    place = encoded_table(make, "d.parquet", labels=[[0, 1], [1]] * 10)
    refused(place, "multi-label")


def test_without_pyarrow_the_remedy_is_to_install_it(make, monkeypatch):
    place = encoded_table(make, "d.parquet")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(UserError, match=r"Parquet needs pyarrow.*pip install"):
        table.read(place, make.root, Columns())
