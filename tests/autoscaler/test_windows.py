"""Averages: the linear formula and its edges, the weighted one, and both meters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.windows import Meter, Window, panic_seconds, smoothing

T0 = 1000.0


def written(length_s: int, *values: float, weighted: bool = False) -> Window:
    """One value a second from T0 on."""
    window = Window(length_s, weighted)
    for i, value in enumerate(values):
        window.record(value, T0 + i)
    return window


@pytest.mark.parametrize(
    ("stable_s", "percent", "expected"),
    [(60, 10, 6), (6, 10, 1), (6, 1, 1), (10, 15, 2), (10, 14, 1), (3600, 100, 3600), (60, 2.5, 2)],
)
def test_panic_window_is_whole_seconds(stable_s: int, percent: float, expected: int) -> None:
    assert panic_seconds(stable_s, percent) == expected


def test_nothing_written_is_no_data() -> None:
    assert Window(6).average(T0) is None


@pytest.mark.parametrize(
    ("values", "at", "expected"),
    [
        ([4.0], 0, 4.0),  # one bucket: the divisor is what was seen, not the window
        ([4.0, 2.0], 1, 3.0),
        ([1.0] * 6, 5, 1.0),
        ([6.0, 1, 1, 1, 1, 1, 1], 6, 1.0),  # the first has fallen out
        ([6.0, 0, 0, 0, 0, 0], 5, 1.0),
        ([6.0, 0, 0, 0, 0, 3.0], 6, 0.6),  # one silent second: the oldest falls out, five remain
        ([1.0, 2.0, 3.0], 3, 2.0),  # silence after a partial window divides by what was seen
        ([1.0, 2.0, 3.0], 6, 2.5),  # d = 4, two buckets remain: 2 and 3
        ([1.0, 2.0, 3.0], 7, 3.0),  # d = 5, one bucket remains
        ([1.0, 2.0, 3.0], 8, 0.0),  # d = 6 = the window: zero, but data
        ([1.0, 2.0, 3.0], 8.9, 0.0),  # times are whole seconds
    ],
)
def test_linear_average(values: list[float], at: float, expected: float) -> None:
    assert written(6, *values).average(T0 + at) == expected


def test_after_more_than_a_window_of_silence_there_is_no_data() -> None:
    window = written(6, 1.0)
    assert window.average(T0 + 6) == 0.0
    assert window.average(T0 + 7) is None


def test_several_reports_in_one_second_add_up() -> None:
    window = Window(6)
    window.record(1.0, T0 + 0.1)
    window.record(2.0, T0 + 0.9)
    assert window.average(T0 + 0.95) == 3.0


def test_silence_of_a_window_starts_anew() -> None:
    window = written(6, 5.0, 5.0)
    window.record(2.0, T0 + 7)  # six seconds after the last
    assert window.average(T0 + 7) == 2.0


def test_silence_of_less_than_a_window_counts_as_zeros_once_somebody_writes() -> None:
    window = written(6, 6.0)
    window.record(0.0, T0 + 5)
    assert window.average(T0 + 5) == 1.0


def test_late_writes_count_and_too_late_ones_do_not() -> None:
    window = written(6, 6.0)
    window.record(6.0, T0 - 1)
    assert window.average(T0) == 6.0  # two buckets now
    window.record(600.0, T0 - 6)
    assert window.average(T0) == 6.0


def test_averages_are_rounded() -> None:
    assert written(6, 1.0, 0.0, 0.0).average(T0 + 2) == 0.333333


@pytest.mark.parametrize(("buckets", "expected"), [(60, 0.2), (6, 0.785), (1, 0.9999)])
def test_smoothing(buckets: int, expected: float) -> None:
    assert smoothing(buckets) == pytest.approx(expected, abs=5e-4)


def test_weighted_average_prefers_the_newest() -> None:
    window = written(60, 10.0, 20.0, weighted=True)
    assert window.average(T0 + 1) == pytest.approx(20 * 0.2 + 10 * 0.2 * 0.8)
    assert window.average(T0 + 3) == pytest.approx((20 * 0.2 + 10 * 0.2 * 0.8) * 0.8**2)
    assert window.average(T0 + 62) is None


def test_weighted_average_of_a_steady_load_is_that_load() -> None:
    assert written(6, *[7.0] * 20, weighted=True).average(T0 + 19) == pytest.approx(7.0, rel=1e-3)


def test_another_length_keeps_the_history() -> None:
    window = written(10, *range(10))
    short = window.resized(3, weighted=False)
    assert short.average(T0 + 9) == 8.0
    longer = window.resized(60, weighted=False)
    assert longer.average(T0 + 9) == 4.5
    assert Window(5).resized(9, weighted=True).average(T0) is None


def test_a_meter_keeps_both_windows() -> None:
    meter = Meter.of(60, 10, weighted=False)
    assert meter.averages(T0) is None
    for i in range(60):
        meter.record(60.0 if i >= 54 else 0.0, T0 + i)
    assert meter.averages(T0 + 59) == (6.0, 60.0)
    # The short window forgets first, and then counts as zero.
    assert meter.averages(T0 + 59 + 30) == (12.0, 0.0)
    assert meter.resized(60, 10, weighted=False) is meter
    smaller = meter.resized(20, 10, weighted=False)
    assert smaller.averages(T0 + 59) == (18.0, 60.0)


loads = st.lists(st.floats(0, 1e6), min_size=1, max_size=40)


@given(loads, st.integers(1, 20), st.integers(0, 40), st.booleans())
def test_an_average_lies_between_zero_and_the_peak(
    values: list[float], length: int, later: int, weighted: bool
) -> None:
    average = written(length, *values, weighted=weighted).average(T0 + len(values) - 1 + later)
    if later > length:
        assert average is None
    else:
        assert average is not None
        assert -1e-6 <= average <= max(values) * (1 + 1e-9) + 1e-6


@given(loads, st.integers(1, 20))
def test_the_ring_agrees_with_a_plain_list(values: list[float], length: int) -> None:
    expected = sum(values[-length:]) / min(len(values), length)
    assert written(length, *values).average(T0 + len(values) - 1) == pytest.approx(
        expected, rel=1e-9, abs=1e-6
    )
