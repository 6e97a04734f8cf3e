from __future__ import annotations

from benchmark.runner import worker


def test_a_long_error_is_cut():
    text = worker._short(ValueError("z" * 5_000_000))
    assert text.startswith("zzz")
    assert text.endswith("... (5,000,000 characters)")
    assert len(text) < 600
