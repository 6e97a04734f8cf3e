"""Seeds derived from named axes."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from benchmark.utils import seeds

words = st.text(alphabet=st.characters(min_codepoint=0x20, max_codepoint=0x24F), max_size=12)
axes = st.lists(words | st.integers(), min_size=1, max_size=4).map(tuple)


@given(axes)
def test_a_seed_is_a_32_bit_integer_and_always_the_same(named: tuple[str | int, ...]) -> None:
    seed = seeds.derive(*named)
    assert isinstance(seed, int)
    assert 0 <= seed < 2**32
    assert seed == seeds.derive(*named)


@given(axes, axes)
def test_other_axes_give_another_seed(left: tuple[str | int, ...], right: tuple[str | int, ...]) -> None:
    assume(left != right)
    assert seeds.derive(*left) != seeds.derive(*right)


def test_the_order_the_borders_and_the_types_of_axes_count() -> None:
    named = [("a", "b"), ("b", "a"), ("ab",), ("a", "b", ""), ("", "a", "b"), ("a", 1), ("a", "1"), ("a1",)]
    assert len({seeds.derive(*each) for each in named}) == len(named)


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        (("split", "fashion-mnist"), 4073345171),
        (("test", "digits"), 3883305492),
        (("fit", "fashion-mnist", 0), 3782654589),
    ],
)
def test_seeds_never_change(named: tuple[str | int, ...], expected: int) -> None:
    assert seeds.derive(*named) == expected


def test_generators_of_the_same_axes_draw_the_same_numbers() -> None:
    first, second, other = (seeds.generator("split", name).random(8).tolist() for name in ("a", "a", "b"))
    assert first == second
    assert first != other
