"""Times and sizes as people read and write them."""

from __future__ import annotations

import contextlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.errors import UserError
from benchmark.utils.format import (
    count,
    counted,
    described,
    duration,
    in_one_line,
    interval,
    memory,
    parse_duration,
    parse_memory,
    points,
    share,
)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0, "0.0 ms"),
        (0.0031, "3.1 ms"),
        (0.00994, "9.9 ms"),
        (0.00996, "10 ms"),
        (0.42, "420 ms"),
        (0.9994, "999 ms"),
        (0.9996, "1.0 s"),
        (4.2, "4.2 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (42.4, "42 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (185, "3 min 05 s"),
        (3599.4, "59 min 59 s"),
        (3599.6, "1 h 00 min"),
        (4320, "1 h 12 min"),
        (90_000, "25 h 00 min"),
    ],
)
def test_duration(seconds, text):
    assert duration(seconds) == text


@given(st.floats(0, 1e6))
def test_a_duration_is_never_said_in_sixtieths_beyond_sixty(seconds):
    text = duration(seconds)
    assert "1000 ms" not in text
    assert not re.search(r"(?<!\d)60 (s|min)\b", text)


@pytest.mark.parametrize(
    ("n_bytes", "text"),
    [
        (0, "0 kB"),
        (12_340, "12 kB"),
        (999_499, "999 kB"),
        (999_500, "1 MB"),
        (512e6, "512 MB"),
        (999.4e6, "999 MB"),
        (1e9, "1.0 GB"),
        (1.94e9, "1.9 GB"),
    ],
)
def test_memory(n_bytes, text):
    assert memory(n_bytes) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (7850, "7,850"),
        (9999, "9,999"),
        (10_000, "10 k"),
        (427_000, "427 k"),
        (1e6, "1.0 M"),
        (19.6e6, "19.6 M"),
    ],
)
def test_count(number, text):
    assert count(number) == text


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("90s", 90),
        ("1.5s", 1.5),
        ("30m", 1800),
        ("30min", 1800),
        ("2h", 7200),
        (" 2 h ", 7200),
        ("0.5h", 1800),
    ],
)
def test_parse_duration(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "soon", "0", "0s", "-5", "1e3", "nan", "inf", "5d", "1h30m", "9" * 400, "1,5s", "2 H"]
)
def test_what_is_no_time_limit(text):
    with pytest.raises(UserError, match="is not a time limit") as caught:
        parse_duration(text)
    assert "90s" in caught.value.remedy


@given(st.text())
def test_any_text_is_a_time_above_zero_or_a_users_mistake(text):
    with contextlib.suppress(UserError):
        assert 0 < parse_duration(text) < 1e9


@pytest.mark.parametrize(
    ("told", "text"), [(memory(999.7e6), "1.0 GB"), (count(999_700), "1.0 M"), (duration(7199), "2 h 00 min")]
)
def test_rounding_up_to_the_next_unit(told, text):
    assert told == text


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("512M", 512_000_000),
        ("4GB", 4_000_000_000),
        ("4 gb", 4_000_000_000),
        ("1.5GiB", 3 << 29),
        ("64KiB", 65536),
        ("2k", 2000),
        ("1T", 10**12),
        ("8e9", 8_000_000_000),
        ("123456", 123456),
        ("7B", 7),
    ],
)
def test_memory_is_read_as_it_is_written(text, size):
    assert parse_memory(text) == size


@pytest.mark.parametrize("text", ["", "0", "0.1B", "-4GB", "4 XB", "GB", "4GBs", "4iB", "nan", "9" * 400, "9e99T"])
def test_what_is_no_memory_is_refused(text):
    with pytest.raises(UserError, match="not a size"):
        parse_memory(text)


@pytest.mark.parametrize(
    ("fraction", "text"),
    [(0, "0%"), (1e-9, "<1%"), (0.0151, "2%"), (0.5, "50%"), (0.994, "99%"), (0.996, ">99%"), (1, "100%")],
)
def test_a_share_is_certain_only_if_it_is(fraction, text):
    assert share(fraction) == text


def test_differences_have_a_sign_and_zero_has_plus():
    assert (points(1.234), points(-0.001), interval(-1, 2.345)) == ("+1.23", "+0.00", "-1.00 to 2.35")


def test_a_long_error_is_cut():
    text = in_one_line(ValueError("z" * 5_000_000))
    assert text.startswith("zzz")
    assert text.endswith("... (5,000,000 characters)")
    assert len(text) < 600


def test_an_error_is_one_line_without_characters_that_steer_the_terminal():
    assert described(ValueError("a\n\x1b[31m b\udcff")) == "ValueError: a \\x1b[31m b\\udcff"
    assert described(SystemExit()) == "SystemExit"


def test_one_thing_is_not_several():
    assert [counted(n, "seed") for n in (0, 1, 1000)] == ["0 seeds", "1 seed", "1,000 seeds"]
    assert counted(2, "accuracy", "accuracies") == "2 accuracies"
