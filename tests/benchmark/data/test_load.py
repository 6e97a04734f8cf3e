"""Preparing a data set: when it is loaded anew, when the cache serves, and what can go wrong."""

from __future__ import annotations

import dataclasses
import importlib
import json
import os
import shutil
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest

from benchmark.data import cache
from benchmark.data import load as store
from benchmark.data.catalog import DATASETS
from benchmark.errors import UserError
from benchmark.specs import DatasetSpec
from benchmark.utils import files

CHILD = """
import json, sys
from benchmark.data import load as store
from benchmark.data.catalog import DATASETS
(spec,) = (spec for spec in DATASETS if spec.name == sys.argv[1])
dataset = store.prepare(spec)
heavy = [name for name in ("torch", "torchvision", "sklearn", "pandas", "matplotlib") if name in sys.modules]
print(json.dumps({"fingerprint": dataset.fingerprint, "heavy": heavy}))
"""


def catalogued(name: str) -> DatasetSpec:
    (spec,) = (spec for spec in DATASETS if spec.name == name)
    return spec


def test_the_first_call_loads_and_the_second_reads_the_cache(spec: DatasetSpec, loader, cache_root: Path) -> None:
    first = store.prepare(spec)
    second = store.prepare(spec)
    assert len(loader.calls) == 1
    assert loader.calls[0].data_dir is None
    assert loader.calls[0].downloads == cache_root / "downloads" / "tiny"
    assert loader.calls[0].downloads.is_dir()
    assert first.fingerprint == second.fingerprint
    assert first.split.validation.tolist() == second.split.validation.tolist()
    assert isinstance(first.train_images, np.memmap)
    assert isinstance(second.train_images, np.memmap)


def test_what_its_stamp_does_not_describe_any_more_is_decoded_anew(spec: DatasetSpec, loader, make_raw) -> None:
    first = store.prepare(spec)
    loader.result, loader.stamp = make_raw(seed=1, channels=3), {"files": [["a.png", 3]]}
    second = store.prepare(spec)
    assert second.fingerprint != first.fingerprint
    assert second.train_images.shape[3] == 3
    store.prepare(spec)
    assert len(loader.calls) == 2


def test_without_a_stamp_a_data_set_is_decoded_each_time(spec: DatasetSpec, loader, make_raw) -> None:
    unstamped = dataclasses.replace(spec, stamp=None)
    first = store.prepare(unstamped)
    loader.result = make_raw(seed=1)
    assert store.prepare(unstamped).fingerprint != first.fingerprint


def test_of_two_packages_with_one_name_each_reads_its_own(spec: DatasetSpec, loader, make_raw, monkeypatch) -> None:
    mine = store.prepare(spec)
    other = types.ModuleType("other_loader")
    other.load, other.stamp = lambda places: make_raw(seed=1), lambda places: "the same"
    monkeypatch.setitem(sys.modules, "other_loader", other)
    theirs = store.prepare(dataclasses.replace(spec, load="other_loader:load", stamp="other_loader:stamp"))
    assert theirs.fingerprint != mine.fingerprint
    assert store.prepare(spec).fingerprint == mine.fingerprint


def test_a_loader_whose_code_has_changed_reads_again(spec: DatasetSpec, tmp_path: Path, monkeypatch) -> None:
    code = """
import numpy as np
from benchmark.specs import RawImages

def stamp(places):
    return None

def load(places):
    images = np.arange(52 * 30, dtype=np.uint8).reshape(52, 5, 6, 1)
    labels = np.arange(52) % 4
    return RawImages(train_images=images[:40], train_labels=labels[:40], test_images=images[40:],
                     test_labels=labels[40:], class_names=("ant", "bee", "cat", "dog"), source="SOURCE")
"""
    monkeypatch.syspath_prepend(str(tmp_path))
    named = dataclasses.replace(spec, load="coded_loader:load", stamp="coded_loader:stamp")
    for source in ("old", "new", "new"):
        (tmp_path / "coded_loader.py").write_text(code.replace("SOURCE", source))
        monkeypatch.delitem(sys.modules, "coded_loader", raising=False)
        importlib.invalidate_caches()
        shutil.rmtree(tmp_path / "__pycache__", ignore_errors=True)
        assert store.prepare(named).source == source


def test_an_error_of_a_loader_says_where(spec: DatasetSpec, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "wrong_loader.py").write_text("def load(places):\n    return {}['pixels']\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(UserError, match=r"KeyError: 'pixels' \(in wrong_loader.py, line 2, load\)"):
        store.prepare(dataclasses.replace(spec, load="wrong_loader:load", stamp=None))


def test_a_loader_may_change_its_working_directory(spec: DatasetSpec, loader, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    made = loader.result

    class Wandering(type(loader)):
        def __call__(self, places):
            os.chdir("/")
            return made

    monkeypatch.setattr(sys.modules["planted_loader"], "load", Wandering())
    store.prepare(spec)
    assert Path.cwd() == tmp_path


def test_what_a_loader_prints_is_no_result(spec: DatasetSpec, tmp_path: Path, monkeypatch, capsys) -> None:
    text = "def load(places):\n    print('reading')\n    places.say('said')\n    return {}['pixels']\n"
    (tmp_path / "talking_loader.py").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(UserError, match="KeyError"):
        store.prepare(dataclasses.replace(spec, load="talking_loader:load", stamp=None), say=print)
    assert capsys.readouterr() == ("said\n", "reading\n")


def test_force_loads_again(spec: DatasetSpec, loader, make_raw) -> None:
    first = store.prepare(spec)
    loader.result = make_raw(seed=1)
    assert store.prepare(spec).fingerprint == first.fingerprint
    forced = store.prepare(spec, force=True)
    assert len(loader.calls) == 2
    assert forced.fingerprint != first.fingerprint
    assert store.prepare(spec).fingerprint == forced.fingerprint


def test_force_mends_a_damaged_cache(spec: DatasetSpec, loader, cache_root: Path) -> None:
    sound = store.prepare(spec)
    (cache_root / "decoded/tiny/train_images.npy").write_bytes(b"damaged")
    with pytest.raises(UserError, match="damaged"):
        store.prepare(spec)
    assert len(loader.calls) == 1
    assert store.prepare(spec, force=True).fingerprint == sound.fingerprint
    assert store.prepare(spec).fingerprint == sound.fingerprint


def test_the_cache_is_verified_each_time(spec: DatasetSpec, loader, cache_root: Path) -> None:
    store.prepare(spec)
    path = cache_root / "decoded/tiny/test_images.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 0x80
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"expected SHA-256 [0-9a-f]{64}, found [0-9a-f]{64}"):
        store.prepare(spec)


def test_a_folder_of_the_users_is_read_each_time(spec: DatasetSpec, loader, tmp_path: Path) -> None:
    for _ in range(2):
        store.prepare(spec, data_dir=tmp_path)
    assert [places.data_dir for places in loader.calls] == [tmp_path, tmp_path]


def test_the_loader_can_speak(spec: DatasetSpec, loader, spoken: list[str]) -> None:
    store.prepare(spec, say=spoken.append)
    loader.calls[0].say("hello")
    assert spoken == ["hello"]


def test_the_option_goes_before_the_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    option, variable = tmp_path / "option", tmp_path / "variable"
    option.mkdir()
    variable.mkdir()
    assert store.chosen_data_dir(None) is None
    monkeypatch.setenv(store.DATA_VARIABLE, str(variable))
    assert store.chosen_data_dir(None) == variable
    assert store.chosen_data_dir(option) == option
    monkeypatch.setenv(store.DATA_VARIABLE, "")
    assert store.chosen_data_dir(None) is None


@pytest.mark.parametrize("by_variable", [True, False])
def test_a_data_folder_that_is_none_is_refused(
    monkeypatch: pytest.MonkeyPatch, spec: DatasetSpec, loader, tmp_path: Path, by_variable: bool
) -> None:
    file = tmp_path / "file"
    file.write_text("")
    for wrong in (tmp_path / "absent", file):
        if by_variable:
            monkeypatch.setenv(store.DATA_VARIABLE, str(wrong))
        with pytest.raises(UserError, match="does not exist") as caught:
            store.prepare(spec, data_dir=None if by_variable else wrong)
        assert str(wrong) in caught.value.problem
        assert "--data-dir" in caught.value.remedy
    assert loader.calls == []


def test_a_cache_that_cannot_be_written_is_a_users_error(spec: DatasetSpec, loader, cache_root: Path) -> None:
    cache_root.write_text("a file where the cache should be")
    with pytest.raises(UserError) as caught:
        store.prepare(spec, force=True)
    assert f"could not be kept in {cache_root}" in caught.value.problem
    assert f"${files.CACHE_VARIABLE}" in caught.value.remedy
    assert cache_root.read_text() == "a file where the cache should be"


def test_a_cache_that_cannot_be_written_is_told_so_without_force(spec: DatasetSpec, loader, cache_root: Path) -> None:
    cache_root.write_text("")
    with pytest.raises(UserError) as caught:
        store.prepare(spec)
    assert "could not be kept" in caught.value.problem


def test_a_full_disk_is_a_users_error_and_keeps_what_was_there(
    monkeypatch: pytest.MonkeyPatch, spec: DatasetSpec, loader, make_raw, cache_root: Path
) -> None:
    sound = store.prepare(spec)
    loader.result = make_raw(seed=1)

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(UserError, match="No space left on device"):
        store.prepare(spec, force=True)
    assert store.prepare(spec).fingerprint == sound.fingerprint
    assert [path.name for path in (cache_root / "decoded").iterdir()] == ["tiny"]


def test_a_loader_that_would_end_the_program_is_a_users_error(spec: DatasetSpec, loader, cache_root: Path) -> None:
    loader.result = SystemExit("no licence")
    with pytest.raises(UserError, match="'tiny' could not be read: SystemExit: no licence"):
        store.prepare(spec)


def test_a_users_error_of_the_loader_passes_through(spec: DatasetSpec, loader, cache_root: Path) -> None:
    loader.result = UserError("found nowhere.", "look elsewhere")
    with pytest.raises(UserError) as caught:
        store.prepare(spec)
    assert caught.value is loader.result
    assert not (cache_root / "decoded").exists()


def test_a_bad_result_does_not_replace_a_good_one(spec: DatasetSpec, loader, make_raw) -> None:
    sound = store.prepare(spec)
    raw = make_raw(seed=1)
    loader.result = dataclasses.replace(raw, train_labels=raw.train_labels + 4)
    with pytest.raises(UserError, match="broke the contract"):
        store.prepare(spec, force=True)
    assert store.prepare(spec).fingerprint == sound.fingerprint


def test_names_of_data_sets_and_their_loaders_are_sound() -> None:
    assert len({spec.name for spec in DATASETS}) == len(DATASETS)
    for spec in DATASETS:
        module, _, function = spec.load.partition(":")
        __import__(module)
        assert callable(getattr(sys.modules[module], function))
        if spec.expected_train is not None:
            assert 0 < spec.validation_size < spec.expected_train


@pytest.mark.parametrize("name", ["fashion-mnist", "digits"])
def test_the_cache_is_read_without_torch_or_sklearn(make_raw, tmp_path: Path, name: str) -> None:
    spec = catalogued(name)
    if name == "fashion-mnist":
        cache.write(spec, make_raw(train=6_000), store._origin(spec, None))
        expected = cache.read(spec)
        assert expected is not None
    else:
        expected = store.prepare(spec)
    done = subprocess.run(
        [sys.executable, "-c", CHILD, name],
        env={**os.environ, "PYTHONPATH": str(Path(store.__file__).parents[2])},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"fingerprint": expected.fingerprint, "heavy": []}
