from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tanebi.apiserver.celfunctions.amounts import FUNCTIONS

AMOUNTS = st.integers(-(10**9), 10**9)


@given(AMOUNTS, AMOUNTS)
def test_they_add_and_compare_as_numbers_do(one: int, other: int) -> None:
    a, b = FUNCTIONS["quantity"](str(one)), FUNCTIONS["quantity"](f"{other}000m")
    assert FUNCTIONS["asInteger"](FUNCTIONS["add"](a, b)) == one + other
    assert FUNCTIONS["compareTo"](a, b) == (one > other) - (one < other)
    assert (a == b) is (one == other)


def test_what_is_no_whole_number_has_none() -> None:
    with pytest.raises(ValueError, match="cannot convert"):
        FUNCTIONS["asInteger"](FUNCTIONS["quantity"]("1.5"))
