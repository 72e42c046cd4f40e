"""The phases of a cold start: a line without gaps, told once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoscaler.api.wake import Wake
from autoscaler.wakes import OPEN_MAX, PHASES, WakeBook
from tanebi.api.meta import Key

R = Key("n", "r")
WAKE = Wake(R, 100.0, 0.001, 100.05, 0.002, 100.06)


def test_every_phase_has_its_part() -> None:
    book = WakeBook()
    book.decided(R, 100.003)
    book.started(R, 100.010)
    book.started(R, 100.020)  # a second pod's: the first one counts
    phases = book.woke(WAKE)
    assert phases is not None
    assert phases == pytest.approx(
        {
            "route": 0.001,
            "decide": 0.002,
            "create": 0.007,
            "boot": 0.038,
            "probe": 0.002,
            "first-byte": 0.010,
        }
    )


def test_only_the_first_answer_tells() -> None:
    book = WakeBook()
    book.decided(R, 100.003)
    book.started(R, 100.010)
    assert book.woke(WAKE) is not None
    assert book.woke(WAKE) is None


def test_what_was_never_decided_or_started_is_not_told() -> None:
    book = WakeBook()
    book.started(R, 99.0)
    assert book.woke(WAKE) is None
    book.decided(R, 100.0)
    assert book.woke(WAKE) is None
    book.started(R, 200.0)  # a later pod's: not what answered this request
    assert book.woke(WAKE) is None
    book.forget(R)
    book.started(R, 100.0)
    assert book.woke(WAKE) is None


def test_wake_ups_under_way_are_bounded() -> None:
    book = WakeBook()
    for number in range(OPEN_MAX + 1):
        book.decided(Key("n", f"r{number}"), 1.0)
    last = Key("n", f"r{OPEN_MAX}")
    book.started(last, 2.0)
    assert book.woke(Wake(last, 1.0, 0.0, 3.0, 0.0, 4.0)) is None


moments = st.lists(st.floats(0, 10), min_size=5, max_size=5)


@given(moments, st.floats(0, 1))
def test_no_phase_is_negative_and_together_they_are_the_whole(
    found: list[float], probe_s: float
) -> None:
    asked, decided, started, granted, answered = sorted(found)
    book = WakeBook()
    book.decided(R, decided)
    book.started(R, started)
    phases = book.woke(Wake(R, asked, 0.0, granted, probe_s, answered))
    assert phases is not None
    assert tuple(phases) == PHASES
    assert min(phases.values()) >= 0
    assert sum(phases.values()) == pytest.approx(answered - asked)
