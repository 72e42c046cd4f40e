"""Average concurrency is the integral over the period."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activator.meter import Meter


def test_the_average_of_a_period() -> None:
    meter = Meter(10.0)
    meter.arrive(10.0)
    meter.arrive(10.5)
    meter.leave(10.75)
    assert meter.concurrency == 1
    assert meter.take(11.0) == (1.25, 2.0)
    assert meter.take(12.0) == (1.0, 0.0)
    meter.leave(12.5)
    assert meter.take(13.0) == (0.5, 0.0)
    assert meter.take(14.0) == (0.0, 0.0)


def test_a_period_of_no_length() -> None:
    meter = Meter(0.0)
    meter.arrive(0.0)
    assert meter.take(0.0) == (1.0, 1.0)


def test_leaving_without_arriving_is_a_bug() -> None:
    with pytest.raises(AssertionError):
        Meter(0.0).leave(1.0)


@given(st.lists(st.tuples(st.floats(0, 10), st.floats(0.01, 10)), max_size=20))
def test_the_area_is_the_sum_of_the_stays(stays: list[tuple[float, float]]) -> None:
    events = sorted(
        [(at, 1) for at, _ in stays] + [(at + length, -1) for at, length in stays],
        key=lambda e: (e[0], -e[1]),
    )
    meter = Meter(0.0)
    for now, step in events:
        (meter.arrive if step > 0 else meter.leave)(now)
    average, rate = meter.take(25.0)
    assert average * 25 == pytest.approx(sum(length for _, length in stays), abs=1e-6)
    assert rate * 25 == pytest.approx(len(stays))
