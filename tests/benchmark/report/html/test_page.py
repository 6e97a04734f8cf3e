"""The page's parts, its data block, and what holds of the file."""

from __future__ import annotations

import html
import json
import re
from html.parser import HTMLParser

import pytest

from benchmark.cli.report import announce
from benchmark.errors import UserError
from benchmark.report import style
from benchmark.report.html import page
from benchmark.report.write import write

VOID = {"meta", "link", "input", "img", "br", "path"}


class Outline(HTMLParser):
    """Tags with their attributes, what script elements hold, and whether tags close in order."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.scripts, self.open, self.unbalanced = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag):
        if tag in VOID:
            return
        if not self.open or self.open.pop() != tag:
            self.unbalanced.append(tag)

    def handle_data(self, data):
        if self.open and self.open[-1] == "script":
            self.scripts[-1] += data


def data_of(text):
    return json.loads(re.search(r'id="report-data">(.*?)</script>', text)[1])


@pytest.fixture(scope="module")
def text(full):
    return full.render()


@pytest.fixture(scope="module")
def hostile_text(hostile):
    return hostile.render()


def test_the_page_has_every_part_in_order(text):
    assert re.findall(r'<section id="([^"]+)"', text) == [
        *("leaderboard", "pairwise", "cost", "classes", "confusion", "training", "robustness", "calibration"),
        *("suspects", "failed", "data-set", "reproduce"),
    ]
    assert text.index('<h3 id="class-pairs">') < text.index('<section id="confusion"')
    assert 'id="confusion-chart"' in text
    assert "python -m benchmark run cnn-augmented" in text
    assert "2 images occur in both parts" in text
    assert "Test CPU, 8 cores" in text


def test_headline_and_numbers_are_those_of_the_markdown(full, text):
    assert html.unescape(re.search(r'class="headline">([^<]+)<', text)[1]) == full.report.headline
    for summary in full.evidence.summaries:
        assert re.search(rf'data-sort="{summary.accuracy!r}">(<strong>)?{summary.accuracy:.2%}<', text)


@pytest.mark.parametrize("which", ["text", "hostile_text"])
def test_nothing_is_loaded_from_elsewhere_and_tags_close(which, request):
    outline = Outline(request.getfixturevalue(which))
    assert outline.unbalanced == []
    assert outline.open == []
    for tag, attributes in outline.tags:
        for name in ("src", "href"):
            assert attributes.get(name, "#").startswith(("#", "data:")), (tag, attributes)


def test_hostile_text_stays_text(text, hostile_text):
    plain, attacked = Outline(text), Outline(hostile_text)
    assert len(attacked.scripts) == len(plain.scripts)
    pictures = [attributes for tag, attributes in attacked.tags if tag == "img"]
    assert all(attributes["src"].startswith("data:image/png;base64,") for attributes in pictures)
    assert not any("onerror" in attributes for _, attributes in attacked.tags)
    assert data_of(hostile_text)["classes"][0].startswith("</script><img")
    block = next(script for script in attacked.scripts if '"classes"' in script)
    assert not set("<>&") & set(block)


def test_the_policy_names_the_scripts_of_the_page(text):
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)[1]
    for script in Outline(text).scripts[2:]:
        assert page._digest(script) in policy
    assert "default-src &#39;none&#39;" in policy or "default-src 'none'" in policy
    assert "unsafe-eval" not in policy


def test_the_same_records_give_the_same_bytes(full, text):
    assert full.render() == text


def test_the_file_stays_small(text):
    assert len(text) < 3_000_000
    assert len(json.dumps(data_of(text))) < 300_000


def test_one_model_without_probabilities_and_images(tmp_path, make_collection, make_contents):
    store = make_collection(tmp_path, (("knn", "baseline", 20),), seeds=(0,), probabilities=False, summary=False)
    text = make_contents(store).render()
    assert 'id="compare-first"' not in text
    assert 'id="training"' not in text
    assert "Integrity checks: not recorded" in text
    found = data_of(text)
    assert found["images"] is None
    assert found["runs"]["knn"]["top"] is None
    assert found["runs"]["knn"]["predicted"] is not None


def test_missing_predictions_are_reported(tmp_path, make_collection, make_contents, data):
    store = make_collection(tmp_path)
    for path in (store.folder / "synthetic" / "knn").glob("*.npz"):
        path.unlink()
    contents = make_contents(store, data=data)
    text = contents.render()
    assert data_of(text)["runs"]["knn"]["predicted"] is None
    assert data_of(text)["runs"]["svm-rbf"]["predicted"] is not None
    assert re.search(r"<li>\S+\.npz: \S+ is not compared: Cannot read", text)


def test_failures_alone_make_a_page(tmp_path, make_collection, make_record, make_contents):
    failed = [make_record(model="svm-poly", status="timeout", reason="stopped after 1 min 00 s")]
    text = make_contents(make_collection(tmp_path, (), failed=failed)).render()
    assert "stopped after 1 min 00 s" in text
    assert 'id="leaderboard"' not in text
    assert data_of(text)["charts"] == {}


def test_report_writes_both_and_no_html_takes_the_old_one_away(tmp_path, make_collection, data, capsys):
    store = make_collection(tmp_path)
    written = write(store, "synthetic", tmp_path / "reports", data=data)
    announce(written)
    markdown, html = written.paths
    assert html.is_file()
    assert f"{markdown} and {html}" in capsys.readouterr().out
    write(store, "synthetic", tmp_path / "reports", data=data, with_html=False)
    assert not html.exists()
    assert "report.html" not in capsys.readouterr().out


def test_a_folder_in_the_way_is_a_mistake_of_the_user(tmp_path, full):
    (tmp_path / "report.html").mkdir()
    looks = style.looks({s.name: s.family for s in full.evidence.summaries})
    with pytest.raises(UserError, match=r"report\.html"):
        page.write(full.report, full.evidence, looks, tmp_path)
