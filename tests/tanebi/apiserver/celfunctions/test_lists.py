from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tanebi.apiserver.celfunctions.lists import FUNCTIONS
from tanebi.apiserver.celfunctions.marks import mark

SETS = mark("namespace", "sets")
NUMBERS = st.lists(st.integers(0, 5), max_size=6)


@given(NUMBERS, NUMBERS)
def test_sets_are_pythons(one: list[int], other: list[int]) -> None:
    assert FUNCTIONS["contains"](SETS, one, other) is (set(one) >= set(other))
    assert FUNCTIONS["equivalent"](SETS, one, other) is (set(one) == set(other))
    assert FUNCTIONS["intersects"](SETS, one, other) is bool(set(one) & set(other))


@given(NUMBERS)
def test_lists(values: list[int]) -> None:
    assert FUNCTIONS["isSorted"](values) is (values == sorted(values))
    assert FUNCTIONS["sum"](values) == sum(values)
    if values:
        assert (FUNCTIONS["min"](values), FUNCTIONS["max"](values)) == (min(values), max(values))
