"""What was said when, by two clocks."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from activator.lateness import BACK_MAX_S, Lateness


def test_what_comes_at_once_is_put_back_to_its_seconds() -> None:
    late = Lateness()
    assert late.placed(1000.0, 10.0) == 10.0
    found = [late.placed(1000.0 + n, 15.0) for n in range(1, 6)]
    assert [round(at, 1) for at in found] == [11.0, 12.0, 13.0, 14.0, 15.0]


def test_a_first_word_that_was_late_is_forgotten_at_once() -> None:
    late = Lateness()
    assert late.placed(0.0, 3.0) == 3.0
    assert late.placed(4.0, 4.0) == 4.0
    assert round(late.placed(5.0, 6.0), 1) == 5.0


def test_nothing_is_put_back_without_bound() -> None:
    late = Lateness()
    late.placed(1000.0, 10.0)
    assert late.placed(0.0, 11.0) == 11.0 - BACK_MAX_S


@given(
    st.lists(st.floats(0.0, 5.0), min_size=1, max_size=30), st.floats(-1e6, 1e6), st.floats(0, 1e6)
)
def test_never_in_the_future(delays: list[float], difference: float, start: float) -> None:
    late, now = Lateness(), start
    for second, delay in enumerate(delays):
        now = max(now, start + second + delay)
        at = late.placed(start + second + difference, now)
        assert at <= now + 1e-6
        assert at >= now - BACK_MAX_S - 1e-6
