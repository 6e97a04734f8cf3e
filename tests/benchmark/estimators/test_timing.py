from __future__ import annotations

import time

import pytest

from benchmark.estimators import timing as clock


def test_what_was_spared_counts_and_what_is_aside_does_not():
    watch = clock.Stopwatch()
    with clock.aside():
        time.sleep(0.2)
    clock.spare(5.0)
    assert 5.0 <= watch.lap() < 5.1
    assert watch.spared == 5.0
    assert watch.lap() < 0.1
    assert watch.spared == 5.0


def test_two_watches_do_not_disturb_each_other():
    first = clock.Stopwatch()
    clock.spare(1.0)
    second = clock.Stopwatch()
    clock.spare(2.0)
    assert (first.lap() > 3.0, 2.0 < second.lap() < 2.5) == (True, True)
    assert (first.spared, second.spared) == (3.0, 2.0)


def test_aside_ends_with_an_error_too():
    watch = clock.Stopwatch()
    with pytest.raises(OSError, match="full"), clock.aside():
        raise OSError("full")
    time.sleep(0.05)
    assert watch.lap() >= 0.05
