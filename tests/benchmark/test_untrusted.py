"""Files from a stranger: damaged, swapped or made to do harm, they end in a clear error and in nothing else."""

from __future__ import annotations

import contextlib
import dataclasses
import gzip
import hashlib
import json
import random
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from benchmark import registry
from benchmark.analysis.select import select
from benchmark.cli.options import say
from benchmark.data import cache, fashion_mnist
from benchmark.data import load as store
from benchmark.data.integrity import audit
from benchmark.errors import UserError
from benchmark.gate import thresholds as gate
from benchmark.records.store import Problem, Stored, read
from benchmark.report.write import write
from benchmark.utils.files import LOCK

JUNK = (
    b"",
    b"\0",
    b"null",
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b"9" * 100_000,
    b"NaN",
    b"\xff\xfe",
    b"a.b" * 50_000 + b" = 1",
    b"PK\x05\x06" + b"\0" * 18,
    b"\x1f\x8b\x08\0" + b"\0" * 20,
    b"\x93NUMPY\x01\0\xff\xff" + b"(" * 65535,
)
VALUES = (
    None,
    True,
    -1,
    0,
    1e308,
    10**18,
    10**4000,
    float("nan"),
    float("inf"),
    "",
    "x" * 100_000,
    "\0\x1b[2J",
    "../../x",
)


def damaged(content: bytes, chance: random.Random, others: list[bytes]) -> bytes:
    kind = chance.choice(["cut", "flip", "flip", "insert", "swap", "junk", "repeat"])
    place = chance.randrange(max(1, len(content)))
    if kind == "cut":
        return content[:place]
    if kind == "insert":
        return content[:place] + chance.randbytes(chance.randint(1, 9)) + content[place:]
    if kind == "swap":
        return chance.choice(others)
    if kind == "junk":
        return chance.choice(JUNK)
    if kind == "repeat":
        return content[:place] + content
    changed = bytearray(content)
    for _ in range(chance.randint(1, 4)):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def altered(content: bytes, chance: random.Random) -> bytes:
    """JSON that is still JSON, with something else in one place."""
    tree = json.loads(content)
    target = tree
    while True:
        step = chance.choice(sorted(target) if isinstance(target, dict) else range(len(target)))
        below = target[step]
        if not isinstance(below, dict | list) or not below or chance.random() < 0.2:
            break
        target = below
    value = chance.choice([*VALUES, [], {}, [below] * 50, {"network": below}])
    if chance.random() < 0.1:
        del target[step]
    else:
        target[step] = value
    return nested(json.dumps(tree)) if chance.random() < 0.05 else json.dumps(tree).encode()


def nested(text: str) -> bytes:
    return text.replace("0.5", "[" * 5000 + "]" * 5000, 1).encode()


@contextlib.contextmanager
def clear_errors_only():
    """Accepts what a command would report in one line."""
    with contextlib.suppress(UserError):
        yield


@pytest.fixture(scope="module")
def pristine(tmp_path_factory, make_collection):
    folder = tmp_path_factory.mktemp("pristine")
    return make_collection(folder, models=[("knn", "baseline", 20), ("cnn-simple", "network", 11)], seeds=(0,))


@pytest.fixture
def collection(pristine, tmp_path):
    copy = dataclasses.replace(pristine, results_dir=tmp_path / "results")
    shutil.copytree(pristine.folder, copy.folder)
    return copy


def look_at_everything(collection, reports: Path, data=None) -> None:
    """What ``check``, ``report`` and whoever reads predictions do."""
    good, problems = collection.read_all("synthetic")
    assert all(isinstance(problem, Problem) and str(problem) for problem in problems)
    for stored in good:
        with clear_errors_only():
            stored.predictions()
    threshold = gate.Threshold(accuracy={"knn": 0.5}, margin=0.0)
    selection = select(good, "full")
    gate.judge("synthetic", "full", threshold, selection.summaries if selection else ())
    with clear_errors_only():
        written = write(collection, "synthetic", reports, data=data, with_html=False)
        text = written.paths[0].read_text(encoding="utf-8")
        assert re.search(r"[\x00-\x09\x0b-\x1f]", text) is None


@pytest.mark.parametrize("seed", [*range(13), *(pytest.param(n, marks=pytest.mark.nightly) for n in range(13, 120))])
def test_damaged_records_and_predictions(collection, tmp_path, seed):
    """Every one is read; a report, which takes longest, is written of some."""
    chance = random.Random(seed)
    files = sorted(path for path in collection.folder.rglob("*") if path.is_file() and path.name != LOCK)
    contents = [path.read_bytes() for path in files]
    victim = chance.choice(files)
    content = victim.read_bytes()
    if victim.suffix == ".json" and chance.random() < 0.6:
        content = altered(content, chance)
    else:
        content = damaged(content, chance, contents)
    victim.write_bytes(content)
    if victim.suffix == ".npz" and chance.random() < 0.7:  # A sum that vouches for the damage.
        (record,) = victim.parent.glob("*.json")
        sums = r'"sha256": ?"[0-9a-f]{64}"'
        named = f'"sha256": "{hashlib.sha256(content).hexdigest()}"'
        record.write_text(re.sub(sums, named, record.read_text()))
    if seed % 12 == 0:
        look_at_everything(collection, tmp_path / "reports")
        return
    good, problems = collection.read_all("synthetic")
    assert all(str(problem) for problem in problems)
    summary = collection.read_summary("synthetic")
    assert summary is not None
    for stored in good:
        with clear_errors_only():
            stored.predictions()


@pytest.mark.parametrize("text", ['"../x"', '"\\u001b[2J"', "a" * 200])
def test_thresholds_name_data_sets_and_models_by_names_only(tmp_path, text):
    path = tmp_path / "thresholds.toml"
    for body in (f"[datasets.{text}.full]", f"[datasets.digits.full.accuracy]\n{text} = 0.5"):
        path.write_text(f"schema_version = 1\n{body}\n")
        with pytest.raises(UserError, match="malformed"):
            gate.read_thresholds(path)


@pytest.fixture
def decoded(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCHMARK_CACHE_DIR", str(tmp_path / "cache"))
    spec = registry.datasets()["digits"]
    store.prepare(spec)
    return spec, cache.folder("digits")


def test_damaged_decoded_data(decoded):
    spec, folder = decoded
    files = sorted(folder.iterdir())
    contents = {path: path.read_bytes() for path in files}
    for seed in range(60):
        chance = random.Random(seed)
        victim = chance.choice(files)
        if victim.suffix == ".json" and chance.random() < 0.6:
            victim.write_bytes(altered(contents[victim], chance))
        else:
            content, header = contents[victim], 128
            whole = damaged(content, chance, list(contents.values()))
            # Among so many pixels, most damage would miss the header.
            victim.write_bytes(
                whole if seed % 2 else damaged(content[:header], chance, [content[:header]]) + content[header:]
            )
        with clear_errors_only():
            dataset = cache.read(spec)
            if dataset is not None:
                audit(dataset, spec)
        victim.write_bytes(contents[victim])


@pytest.mark.parametrize("seed", range(40))
def test_damaged_data_files_of_fashion_mnist(tmp_path, monkeypatch, seed):
    """As ``data verify --data-dir`` meets them; small ones of known sums stand for the real."""
    chance = random.Random(seed)
    shapes = {"train_images": (40, 28, 28), "train_labels": (40,), "test_images": (20, 28, 28), "test_labels": (20,)}
    known, files = {}, []
    for name, shape in shapes.items():
        values = np.zeros(shape, np.uint8) if "images" in name else np.arange(shape[0], dtype=np.uint8) % 10
        raw = bytes([0, 0, 8, len(shape)]) + b"".join(n.to_bytes(4, "big") for n in shape) + values.tobytes()
        real = fashion_mnist.FILES[name]
        known[name] = dataclasses.replace(real, size=len(raw), sha256=hashlib.sha256(raw).hexdigest())
        files.append(tmp_path / f"{real.name}.gz")
        files[-1].write_bytes(gzip.compress(raw, mtime=0))
    monkeypatch.setattr(fashion_mnist, "FILES", known)
    monkeypatch.setenv("BENCHMARK_CACHE_DIR", str(tmp_path / "cache"))
    victim = chance.choice(files)
    bomb = gzip.compress(bytes(50 << 20), mtime=0)
    victim.write_bytes(damaged(victim.read_bytes(), chance, [bomb, *(path.read_bytes() for path in files)]))
    with clear_errors_only():
        spec = dataclasses.replace(registry.datasets()["fashion-mnist"], validation_size=5)
        audit(store.prepare(spec, data_dir=tmp_path), spec)


def test_links_that_lead_out_of_the_collection_are_not_followed(collection, tmp_path):
    (record,) = (collection.folder / "synthetic/knn").glob("*.json")
    stored = read(record)
    (npz,) = record.parent.glob("*.npz")
    for path in (npz, record):
        moved = tmp_path / f"outside{path.suffix}"
        path.rename(moved)
        path.symlink_to(moved)
    with pytest.raises(UserError, match="a link that leads elsewhere"):
        stored.predictions()
    assert "a link that leads elsewhere" in read(record).reason
    shutil.move(record.parent, tmp_path / "moved")
    record.parent.symlink_to(tmp_path / "moved")
    good, problems = collection.read_all("synthetic")
    assert [s.record.run.model for s in good] == ["cnn-simple"]
    assert "a link that leads elsewhere" in problems[0].reason


def test_a_collection_may_itself_be_a_link(collection, tmp_path):
    link = dataclasses.replace(collection, collection="link")
    link.folder.symlink_to(collection.folder)
    good, problems = link.read_all("synthetic")
    assert (len(good), problems) == (2, [])
    assert all(isinstance(s, Stored) and s.is_intact() for s in good)


@pytest.mark.drawn
def test_charts_do_not_overwrite_what_a_link_points_at(collection, tmp_path):
    precious = tmp_path / "precious"
    precious.write_text("precious")
    chart = tmp_path / "reports/made/synthetic/charts/leaderboard.png"
    chart.parent.mkdir(parents=True)
    chart.symlink_to(precious)
    write(collection, "synthetic", tmp_path / "reports", with_html=False)
    assert precious.read_text() == "precious"
    assert chart.read_bytes().startswith(b"\x89PNG")


def test_what_is_told_does_not_steer_the_terminal(capsys):
    say("a \x1b[2J\x9b\u202e b\nc é")
    assert capsys.readouterr().err == "a \\x1b[2J\\x9b\\u202e b\nc é\n"
