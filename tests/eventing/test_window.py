"""How many deliveries run at once."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from eventing.window import BYTES_MAX, SIZE_MAX, SIZE_MIN, START, Window


def fill(window: Window, size: int = 100) -> None:
    while window.admits(size):
        window.begin(size)


def test_it_doubles_a_round_while_all_is_well() -> None:
    window = Window()
    fill(window)
    assert window.open == START
    for _ in range(int(START)):
        window.end(100, distress=False, took_s=0.01)
        fill(window)
    assert window.size == 2 * START


def test_room_that_is_not_used_does_not_grow() -> None:
    window = Window()
    for _ in range(1000):
        window.begin(1)
        window.end(1, distress=False, took_s=0.01)
    assert window.size == START


def test_distress_shrinks_it_and_ends_the_fast_growth() -> None:
    window = Window()
    fill(window)
    window.end(100, distress=True, took_s=0.01)
    assert window.size == START * 0.75
    before = window.size
    while window.open > before:
        window.end(100, distress=False, took_s=0.01)
    assert window.size < before + 5


def test_bytes_are_bounded_but_one_always_goes() -> None:
    window = Window()
    assert window.admits(10 * BYTES_MAX)
    window.begin(10 * BYTES_MAX)
    assert not window.admits(1)
    window.end(10 * BYTES_MAX, distress=False, took_s=0.01)
    assert window.admits(1)


def test_answers_that_slow_down_stop_the_growth() -> None:
    window = Window()
    fill(window)
    window.end(100, distress=False, took_s=0.01)
    fill(window)
    before = window.size
    for _ in range(100):
        window.end(100, distress=False, took_s=0.05)
        fill(window)
    assert window.size == before


def test_a_service_here_gets_more_however_long_it_takes() -> None:
    window = Window(local=True)
    for took in (0.01, *[10.0] * 500):
        fill(window)
        window.end(100, distress=False, took_s=took)
    assert window.size == SIZE_MAX


def test_one_lucky_answer_does_not_count_for_ever() -> None:
    window = Window()
    fill(window)
    window.end(100, distress=False, took_s=0.001)
    for _ in range(5000):
        fill(window)
        window.end(100, distress=False, took_s=0.1)
    assert window.size == SIZE_MAX


@given(st.booleans(), st.lists(st.tuples(st.booleans(), st.floats(0, 10)), max_size=600))
def test_it_stays_within_its_bounds(local: bool, ends: list[tuple[bool, float]]) -> None:
    window = Window(local=local)
    for bad, took in ends:
        fill(window)
        window.end(100, distress=bad, took_s=took)
        assert SIZE_MIN <= window.size <= SIZE_MAX
        assert window.open <= SIZE_MAX
