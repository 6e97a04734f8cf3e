"""Markdown in which nothing of the text is markup."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from benchmark.report import document as doc
from benchmark.report.markdown import render
from benchmark.utils import markdown as md
from benchmark.utils.format import printable

HOSTILE = "a | b\n\n<script>alert(1)</script> `code` **bold** [link](x) \\| ![i](j) ~~s~~ &amp; # _u_"
PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def cells(text):
    """What a reader sees: the rows of a table, a list of cells each; fails if there is markup inside."""
    tokens = PARSER.parse(text)
    assert tokens[0].type == "table_open"
    assert tokens[-1].type == "table_close"
    rows = []
    for token in tokens:
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline":
            assert {child.type for child in token.children} <= {"text", "text_special", "strong_open", "strong_close"}
            rows[-1].append("".join(child.content for child in token.children))
    return rows


def plain(text):
    return " ".join(text.split())


@given(st.text(st.characters(exclude_categories=[])) | st.text("|\\`*_<>&[]()#!~\n ab", min_size=1))
def test_escaped_text_reads_as_it_was_and_is_no_markup(text):
    rows = cells(f"| name |\n|:--|\n| x{md.escape(text)}x |\n")
    assert rows == [["name"], [f"x{printable(plain(text))}x"]]


def test_escape_by_example():
    assert md.escape("a|b\n<i>`c`\\") == r"a\|b &lt;i&gt;\`c\`\\"
    assert md.escape(5) == "5"


def test_a_table_of_hostile_text_is_a_table():
    columns = (doc.words(HOSTILE), doc.Column("score", "{:.2f}".format, best="highest", absent="none"))
    text = render.table(doc.Table(columns, [(HOSTILE, 0.5), ("b", None), ("c", float("nan")), ("d", 0.504)]))
    assert cells(text) == [
        [plain(HOSTILE), "score"],
        [plain(HOSTILE), "0.50"],
        ["b", "none"],
        ["c", "none"],
        ["d", "0.50"],
    ]
    assert text.count("**0.50**") == 2  # What reads alike is emphasized alike.


def test_numbers_are_flush_right():
    table = doc.Table((doc.words("name"), doc.Column("n")), [("a", 1)])
    left, right = (mark.strip() for mark in render.table(table).splitlines()[1].strip("|").split("|"))
    assert re.fullmatch(":-+", left)
    assert re.fullmatch("-+:", right)


@pytest.mark.parametrize(
    ("block", "text"),
    [
        (doc.Paragraph(("a ", doc.Strong("b*"), " ", doc.Code("c"), "!")), r"a **b\*** `c`\!"),
        (doc.Bullets(["x", ("y ", doc.Link("z", "z.md"))]), "- x\n- y [z](z.md)"),
        (doc.Listing("ls"), "```\nls\n```"),
        (
            doc.Details("more", [doc.Paragraph("a"), doc.Paragraph("b")]),
            "<details>\n<summary>more</summary>\n\na\n\nb\n\n</details>",
        ),
        (doc.Printed([doc.Paragraph("a")]), "a"),
    ],
)
def test_every_block(block, text):
    assert render.blocks([block]) == text


def test_a_page_has_its_title_answer_and_sections():
    report = doc.Report("A_b", [doc.section("x", "X", "Text.", level=3)], "Yes!", "Cheap.")
    assert render.page(report) == "# A\\_b\n\n**Yes\\!** Cheap.\n\n### X\n\nText.\n"
