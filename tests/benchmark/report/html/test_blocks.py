"""Blocks as HTML in which nothing of the text is markup."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from benchmark.report import document as doc
from benchmark.report.html import blocks

HOSTILE = '</p><script>alert(1)</script> "onload=x'


@pytest.mark.parametrize(
    "block",
    [
        doc.Paragraph((HOSTILE, doc.Strong(HOSTILE), doc.Code(HOSTILE), doc.Link(HOSTILE, HOSTILE))),
        doc.Bullets([HOSTILE]),
        doc.Listing(HOSTILE),
        doc.Details(HOSTILE, [doc.Paragraph(HOSTILE)]),
        doc.Table((doc.words(HOSTILE), doc.words(HOSTILE)), [(HOSTILE, HOSTILE)], sortable=True),
        doc.Gallery(
            "g", HOSTILE, HOSTILE, [doc.Item(np.zeros((2, 2, 1), np.uint8), [HOSTILE], [(HOSTILE, 1.0, "other")])]
        ),
        doc.Chart("c", HOSTILE, [doc.Panel(HOSTILE, [], doc.Axis(), doc.Axis())], choice=HOSTILE),
        doc.Chart("c", HOSTILE, [doc.Panel(HOSTILE, [], doc.Axis(), doc.Axis())]),
        doc.Heatmap("h", HOSTILE, HOSTILE, [HOSTILE], [HOSTILE], np.ones((1, 1)), [[HOSTILE]]),
    ],
)
def test_text_stays_text(block):
    found = blocks.blocks([block])
    assert "<script" not in found
    assert not re.search(r'=\s*"[^"<>]*</p>', found)
    assert len(found) > 20


def test_a_sortable_table_has_what_its_cells_sort_by():
    columns = (doc.words("model"), doc.words("family"), doc.Column("CI", str), doc.Column("n", absent="none"))
    found = blocks.table(doc.Table(columns, [("a", "x", (0.5, 0.7), 1), ("b", "y", None, None)], sortable=True))
    assert re.findall(r'data-sort="([^"]*)"', found) == ["a", "x", "0.5", "1.0", "b", "y", "", ""]
    assert '<td class="number quiet" data-sort="">none</td>' in found
    assert "<option>x</option><option>y</option>" in found
    assert "data-sort" not in blocks.table(doc.Table(columns, [("a", "x", (0.5, 0.7), 1)]))


def test_the_explorer_takes_the_place_of_printed_blocks():
    pages = [doc.Printed([doc.Paragraph("matrix")], explorer=True), doc.Printed([doc.Paragraph("gallery")])]
    assert blocks.blocks(pages, blocks.Markup("<b>explorer</b>")) == "<b>explorer</b>"
    sections = [doc.section("a", "A", doc.Printed([doc.Paragraph("x")])), doc.section("b", "B", "text")]
    assert [part.id for part, _ in blocks.sections(sections)] == ["b"]


@pytest.mark.parametrize("channels", [1, 3])
def test_images_are_embedded_and_large_ones_shrunk(channels):
    for shape, size in (((4, 6), (6, 4)), ((200, 400), (128, 64))):
        data = blocks.encoded(np.full((*shape, channels), 9, dtype=np.uint8))
        image = Image.open(io.BytesIO(base64.b64decode(data)))
        assert image.size == size
        assert image.mode == ("L" if channels == 1 else "RGB")
